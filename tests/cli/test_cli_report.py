# SPDX-License-Identifier: MIT
"""`report` on tiny explainers: one file, the promised fields, refusals."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from latent_explorer.cli.root import main
from latent_explorer.models.explainer_file import write_explainer

QUICK = ("--pictures", "4", "--samples", "1")


def test_one_page_of_two(file: Path, tmp_path: Path, run_json, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "page.html"
    found = run_json("report", file, file, "--out", out, *QUICK)
    assert found["event"] == "result"
    assert found["path"] == str(out)
    assert [e["name"] for e in found["explainers"]] == ["tiny", "tiny"]
    assert out.read_text(encoding="utf-8").count("<article>") == 2
    first = found["explainers"][0]["attributes"][0]
    assert (first["style_index"], first["direction"], first["target"]) == (3, "max", 1)
    assert {"change", "frame_share", "frame_area", "others", "surroundings", "caught"} <= set(first)
    assert main(["report", str(file), "--out", str(out), *QUICK, "--attributes", "1"]) == 0
    assert "of the 1 attributes" in capsys.readouterr().out


def test_refusals_are_sentences(file: Path, tiny_explainer, tmp_path: Path, run_json) -> None:
    error = run_json("report", file, "--out", tmp_path / "page.txt", code=1)
    assert ".html" in error["message"]
    bare = tmp_path / "bare.explainer"
    write_explainer(dataclasses.replace(tiny_explainer, attribute_sets=()), bare)
    error = run_json("report", bare, "--out", tmp_path / "page.html", code=1)
    assert "attfind" in error["message"]
    assert not (tmp_path / "page.html").exists()
