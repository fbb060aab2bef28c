# SPDX-License-Identifier: MIT
"""Fixtures of the tests of the window: an explorer without one, and a window on a fake explainer."""

from __future__ import annotations

import pytest
from panel_harness import explorer_on
from window_tools import desktop_on, open_fake


@pytest.fixture
def explorer(qapp, tmp_path):
    with explorer_on(tmp_path) as made:
        yield made


@pytest.fixture
def desktop(qtbot, tmp_path):
    with desktop_on(tmp_path) as made:
        open_fake(qtbot, made, tmp_path)
        yield made
