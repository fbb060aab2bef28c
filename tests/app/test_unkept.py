# SPDX-License-Identifier: MIT
"""The program works where the user's folders cannot be written, and says once what it does not keep."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fakes import SPOTS
from headless import HeadlessExplorer, of_type

from latent_explorer.app import library
from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.training.controller import TrainingController

NOWHERE = Path(os.devnull) / "home"  # cannot be made, also not by root

pytestmark = pytest.mark.skipif(os.name != "posix", reason="devices of POSIX")


def test_without_a_home_all_works_and_it_is_said_once(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "bundled", list)
    monkeypatch.setenv("LATENT_EXPLORER_RUNS", str(NOWHERE / "runs"))
    headless = HeadlessExplorer(NOWHERE)
    explorer = headless.explorer
    controller = TrainingController(explorer, data_dir=NOWHERE)
    explorer.report_unkept()
    assert explorer.recoverable() == []
    (tmp_path / "leaf.explainer").write_text("a" * 64)
    controller.begin()
    told = headless.open(tmp_path / "leaf.explainer")
    explorer.change_settings(theme="dark")
    explorer.apply(SetAttribute(SPOTS, 0.5))
    assert not explorer.autosave()
    explorer.report_unkept()
    assert explorer.save(tmp_path / "mine.exploration")
    told += headless.settle()
    (warning,) = (message for message in of_type(told, updates.Message) if message.severity == "warning")
    assert f"cannot be kept in {NOWHERE}" in warning.text
    assert not of_type(told, updates.ErrorReport)
    assert explorer.settings.theme == "dark"  # until the end
    controller.close()
    explorer.close()


def test_a_disk_that_fills_up_later_is_said_at_the_first_autosave(opened, monkeypatch):
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    explorer = opened.explorer
    explorer.apply(SetAttribute(SPOTS, 0.5))
    opened.settle()
    monkeypatch.setattr("latent_explorer.app.exploration.file.atomic_path", full)
    assert not explorer.autosave()
    assert not explorer.autosave()
    (message,) = of_type(opened.settle(), updates.Message)
    assert "No space left on device" in message.text
    assert message.severity == "warning"
    monkeypatch.undo()
    assert explorer.autosave()  # the next try comes soon
