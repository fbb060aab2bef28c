# SPDX-License-Identifier: MIT
"""An explorer on a fake model, empty (`stage`) and with the model open (`opened`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import Stage

from latent_explorer.app import library


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
