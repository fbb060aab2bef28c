# SPDX-License-Identifier: MIT
"""An explorer on a fake model, empty (`stage`), with the model open (`opened`), and with a training desk (`office`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from headless import Stage
from training_harness import PROGRAM, Office

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
def stage(folder, monkeypatch) -> Iterator[Stage]:
    monkeypatch.setattr(library, "bundled", list)
    stage = Stage(folder)
    yield stage
    stage.explorer.close()


@pytest.fixture
def opened(stage) -> Stage:
    stage.open()
    return stage


@pytest.fixture
def office(stage, tmp_path, monkeypatch) -> Iterator[Office]:
    monkeypatch.setenv("LATENT_EXPLORER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(child, "self_command", lambda *arguments: [*PROGRAM, *arguments])
    office = Office(stage, tmp_path)
    yield office
    office.desk.close()
    for pid in list(child._children):
        child.end_child(pid)


@pytest.fixture
def plan(tmp_path) -> TrainingPlan:
    (tmp_path / "leaves").mkdir()
    return TrainingPlan(data=tmp_path / "leaves", name="mine")
