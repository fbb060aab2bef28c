# SPDX-License-Identifier: MIT
"""Texts about runs: how far one came."""

from __future__ import annotations

import pytest
from run_folders import make_run

from latent_explorer.app.training.runs import RunView
from latent_explorer.ui.training import run_text


@pytest.mark.parametrize(
    ("state", "fields", "text"),
    [
        # Stopped: its last phase was the writing of the explainer.
        ("stopped", {"images": 3_640, "phase": "attributes", "phase_done": 0, "phase_total": 1}, "7 %"),
        ("paused", {"images": 3_640, "phase_done": 3_640, "phase_total": 48_000}, "7 %"),
        ("failed", {"images": 24_000, "phase": "attributes", "phase_done": 1, "phase_total": 1}, "50 %"),
        ("running", {"images": 24_000, "phase": "attributes", "phase_done": 9, "phase_total": 10}, "50 %"),  # killed
        ("paused", {"images": 0, "phase": "classifier", "phase_done": 9, "phase_total": 10}, "0 %"),
        ("stopped", {"images": 47_990, "phase_done": 47_990, "phase_total": 48_000}, "99 %"),
        ("finished", {"images": 48_000, "phase": "attributes", "phase_done": 3, "phase_total": 10}, "100 %"),
    ],
)
def test_a_run_that_ended_says_how_much_of_all_was_done(tmp_path, state, fields, text):
    make_run(tmp_path / "run", state, **fields)
    assert run_text.progress_text(RunView(tmp_path / "run")) == text


def test_a_run_that_goes_on_says_how_much_of_its_phase_is_done(tmp_path):
    run = make_run(tmp_path / "run", "running", phase="classifier", phase_done=3, phase_total=10, seconds_left=None)
    with run.hold():
        view = RunView(tmp_path / "run")
        assert view.alive
        assert run_text.progress_text(view) == "30 %"
