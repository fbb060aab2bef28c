# SPDX-License-Identifier: MIT
"""Resources, user folders and the safe replacement of files."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from latent_explorer.common import paths


def test_resource_finds_the_font() -> None:
    assert paths.resource("fonts/Inter-Regular.otf").stat().st_size > 10_000


def test_missing_resource_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-thing"):
        paths.resource("no-such-thing")


def test_resources_of_wheel_and_frozen_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert paths.source_root() is None
    assert paths.resources_dir().name == "_resources"
    assert paths.docs_dir().name == "_docs"
    monkeypatch.setattr(sys, "executable", str(Path("here", "latent-explorer.exe")))
    assert paths.self_command("train", "x") == [str(Path("here", "latent-explorer-cli.exe")), "train", "x"]


def test_own_command_works_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        paths.self_command("--version"), cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert "latent-explorer" in done.stdout


def test_runs_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LATENT_EXPLORER_RUNS", str(tmp_path / "a" / "b"))
    assert paths.runs_dir() == tmp_path / "a" / "b"
    assert paths.runs_dir().is_dir()


def test_folder_that_cannot_be_made_is_no_error_before_it_is_needed(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LATENT_EXPLORER_RUNS", str(tmp_path / "file" / "runs"))
    assert paths.runs_dir() == tmp_path / "file" / "runs"


def test_atomic_path_replaces_on_success(tmp_path: Path) -> None:
    target = tmp_path / "leaf.explainer"
    target.write_text("old")
    with paths.atomic_path(target) as temporary:
        assert temporary.parent == target.parent
        assert temporary.suffix == ".explainer"
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_atomic_path_keeps_the_old_file_on_an_error(tmp_path: Path) -> None:
    target = tmp_path / "leaf.explainer"
    target.write_text("old")

    def fail_half_way() -> None:
        with paths.atomic_path(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail_half_way()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_atomic_path_leaves_ordinary_permissions(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")
    kept = tmp_path / "kept"
    kept.write_text("")
    kept.chmod(0o640)
    for target in (tmp_path / "fresh", kept):
        with paths.atomic_path(target) as temporary:
            temporary.write_text("x")
    assert _mode(tmp_path / "fresh") == _mode(plain)
    assert _mode(kept) == 0o640


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_model_is_called_as_its_file_or_folder(tmp_path: Path) -> None:
    (tmp_path / "vit.v2").mkdir()
    names = {"net.pth": "net", "model_best.pth.tar": "model_best", "epoch=3.ckpt": "epoch=3", "vit.v2": "vit.v2"}
    assert {name: paths.plain_stem(tmp_path / name) for name in names} == names
