# SPDX-License-Identifier: MIT
"""A screen on which no window can be shown is a sentence, for `open` and for `doctor`; Qt itself would abort."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from latent_explorer.app import diagnostics
from latent_explorer.common import paths

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="screens of Linux")


@pytest.fixture
def broken_library(tmp_path) -> dict[str, str]:
    """An environment in which a library that Qt needs for X11 is an empty file."""
    (tmp_path / "libxcb-cursor.so.0").touch()
    return {"LD_LIBRARY_PATH": str(tmp_path), "DISPLAY": ":77"}


def run(arguments: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    removed = ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    environment = {key: value for key, value in os.environ.items() if key not in removed} | variables
    return subprocess.run(
        paths.self_command(*arguments), env=environment, capture_output=True, text=True, timeout=90, check=False
    )


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"DISPLAY": ":77"}, "DISPLAY=:77 does not answer"),
        ({"WAYLAND_DISPLAY": "wayland-77"}, "WAYLAND_DISPLAY=wayland-77 does not answer"),
        ({"QT_QPA_PLATFORM": "punched-cards"}, "knows no platform 'punched-cards'"),
        (None, "the system library libxcb-cursor.so.0 is missing"),
    ],
)
def test_a_window_that_cannot_be_shown_is_one_sentence(variables, said, broken_library):
    done = run(["open"], broken_library if variables is None else variables)
    assert done.returncode == 1
    assert done.stderr.startswith("latent-explorer: No window can be shown: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_doctor_tells_the_same(monkeypatch):
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":77")
    check = diagnostics._screen()
    assert not check.ok
    assert "DISPLAY=:77 does not answer" in check.detail


def test_doctor_names_the_platform_of_a_screen_that_works(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    check = diagnostics._screen()
    assert check.ok
    assert check.detail.endswith("platform offscreen")


TRY = "from latent_explorer.ui import probe; {prepare}; print(repr(probe.platform_failure()))"


def test_a_screen_that_works_and_one_that_never_answers():
    """The trial costs no window and leaves no child behind."""
    for prepare, said in (
        ("pass", "''"),
        ("probe._SECONDS = 0.2; probe.QGuiApplication = type('Hung', (), {'instance': lambda: None, '__init__': "
         "lambda *_: __import__('time').sleep(60)})", "'Qt did not start within 0.2 s (-9)'"),
    ):  # fmt: skip
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(Path(paths.__file__).parents[2])}
        done = subprocess.run(
            [sys.executable, "-c", TRY.format(prepare=prepare)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout.strip() == said, done.stderr
