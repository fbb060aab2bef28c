# SPDX-License-Identifier: MIT
"""An explorer on a fake model, empty (`headless`), with the model open (`opened`), and with a training controller
(`training_harness`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from headless import HeadlessExplorer
from training_harness import PROGRAM, TrainingHarness

from latent_explorer.app import library
from latent_explorer.app.training import child
from latent_explorer.app.training.plan import TrainingPlan


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "leaf.explainer").write_text("a" * 64)
    (tmp_path / "other.explainer").write_text("b" * 64)
    (tmp_path / "broken.explainer").write_text("?")
    return tmp_path


@pytest.fixture
def headless(folder, monkeypatch) -> Iterator[HeadlessExplorer]:
    monkeypatch.setattr(library, "bundled", list)
    headless = HeadlessExplorer(folder)
    yield headless
    headless.explorer.close()


@pytest.fixture
def opened(headless) -> HeadlessExplorer:
    headless.open()
    return headless


@pytest.fixture
def training_harness(headless, tmp_path, monkeypatch) -> Iterator[TrainingHarness]:
    monkeypatch.setenv("LATENT_EXPLORER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(child, "self_command", lambda *arguments: [*PROGRAM, *arguments])
    training_harness = TrainingHarness(headless, tmp_path)
    yield training_harness
    training_harness.controller.close()
    for pid in list(child._children):
        child.end_child(pid)


@pytest.fixture
def plan(tmp_path) -> TrainingPlan:
    (tmp_path / "leaves").mkdir()
    return TrainingPlan(data=tmp_path / "leaves", name="mine")
