# SPDX-License-Identifier: MIT
"""`demo` on tiny explainers: four files of each, a report that agrees with them, and a window with something on it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from latent_explorer.app import library
from latent_explorer.app.tour import tour
from latent_explorer.cli import root as root_module
from latent_explorer.cli.demo import FILES
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.models.explainer import with_attribute_set
from latent_explorer.models.explainer_file import write_explainer
from latent_explorer.ui.tour import SIZE


@pytest.fixture(scope="module")
def file(tiny_explainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the tiny explainer with attributes found by AttFind."""
    found = run_job(attfind(tiny_explainer, AttFindSettings(wanted=4)))
    path = tmp_path_factory.mktemp("tour") / "tiny.explainer"
    write_explainer(with_attribute_set(tiny_explainer, found.attribute_set), path)
    return path


def demo(out: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[dict, set[str]]:
    """Return the result of the command and the folder that it wrote."""
    assert root_module.main(["demo", "--out", str(out), "--json", *options]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {Path(name).relative_to(out).as_posix() for name in result["files"]} == written
    return result, written


def test_demo_writes_what_it_promises(file: Path, tmp_path: Path, capsys, qapp) -> None:
    result, written = demo(tmp_path, capsys, "--explainer", str(file))
    assert written == set(FILES)
    report = json.loads((tmp_path / "report.json").read_text())
    assert {"model_hash", "seeds", "before", "after", "flipped", "seconds"} <= set(report)
    assert report["flipped"] is result["flipped"] is True
    target = report["target"]
    assert report["before"][target] < 0.5 < report["after"][target]
    with Image.open(tmp_path / "flip.gif") as gif:
        assert gif.n_frames > 20
    window = np.asarray(Image.open(tmp_path / "window.png").convert("RGB"))
    assert window.shape == (SIZE[1], SIZE[0], 3)
    assert np.asarray(Image.open(tmp_path / "attributes.png")).std() > 5
    middle = window[200:500, 400:900].reshape(-1, 3)  # the picture
    assert len(np.unique(middle, axis=0)) > 500


def test_tour_of_an_explainer_without_attributes_is_refused(tiny_explainer, tmp_path: Path) -> None:
    bare = msgspec.structs.replace(tiny_explainer.attribute_sets[0], attributes=())
    write_explainer(replace(tiny_explainer, attribute_sets=(bare,)), tmp_path / "bare.explainer")
    with pytest.raises(UserError, match="attfind"):
        list(tour(tmp_path / "bare.explainer", tmp_path / "out", "cpu"))


def test_demo_shows_the_two_that_come_with_the_program_and_how_they_differ(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, qapp
) -> None:
    shipped = [tmp_path / f"{name}.explainer" for name in (library.LEAF, library.SHORTCUT)]
    for path in shipped:
        shutil.copy(file, path)
    monkeypatch.setattr(library, "bundled", lambda: shipped)
    result, written = demo(tmp_path / "out", capsys)
    assert written == {*FILES, *(f"shortcut/{name}" for name in FILES), "report.html"}
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["model_hash"] == result["model_hash"]
    other = json.loads((tmp_path / "out" / report["beside"]).read_text())
    assert "beside" not in other
    assert (tmp_path / "out" / "report.html").read_text().startswith("<!")
