# SPDX-License-Identifier: MIT
"""Titles of the picture before: they claim no more than its recipe says."""

from __future__ import annotations

import pytest

from latent_explorer.explain.recipe import PictureRecipe, SampleBase
from latent_explorer.ui.canvas.panel import before_title


@pytest.mark.parametrize(
    ("psi", "title"),
    [
        (1.5, "Away from the average (before)"),
        (1.01, "Away from the average (before)"),
        (1.0, "Reconstruction (before)"),
        (0.99, "Towards the average (before)"),
        (0.0, "The average (before)"),
        (-0.5, "Beyond the average (before)"),
    ],
)
def test_truncation_moves_towards_the_average_only_below_one(psi, title):
    assert before_title(PictureRecipe(SampleBase(3), psi)) == title


def test_a_generated_picture_is_no_reconstruction():
    assert before_title(PictureRecipe(SampleBase(3)), generated=True) == "Generated (before)"
