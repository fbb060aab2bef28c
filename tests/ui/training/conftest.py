# SPDX-License-Identifier: MIT
"""Guided start with a fake controller."""

from __future__ import annotations

import pytest
from fake_training_controller import FakeTrainingController
from start_form import make_page


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "PlantVillage"
    folder.mkdir()
    return folder


@pytest.fixture
def controller():
    return FakeTrainingController()


@pytest.fixture
def page(qtbot, controller):
    return make_page(qtbot, controller)
