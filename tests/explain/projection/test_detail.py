# SPDX-License-Identifier: MIT
"""Detail kept: spots that are painted out are missed, whatever the rest of the picture is like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from latent_explorer.app.library import bundled_explainer
from latent_explorer.data.dataset import open_dataset
from latent_explorer.data.images import to_float
from latent_explorer.explain.projection.detail import attention, compare_detail
from latent_explorer.explain.projection.report_text import DETAIL_LIMIT, LEAST_AREA
from latent_explorer.models.explainer_file import read_explainer

SIZE = 64
GREEN, BROWN = (60, 120, 40), (130, 80, 40)
SPOTS = ((20, 20, 3), (40, 24, 4), (28, 42, 5), (44, 44, 2))  # row, column, radius
EVERYWHERE = torch.ones(1, 1, SIZE, SIZE)


def leaf(spots=(), light: float = 1.0, shift: int = 0) -> torch.Tensor:
    """A green disc on black with brown spots, (1, 3, SIZE, SIZE)."""
    rows, columns = np.mgrid[:SIZE, :SIZE] - shift
    image = np.zeros((SIZE, SIZE, 3), np.float32)
    image[(rows - 32) ** 2 + (columns - 32) ** 2 < 26**2] = GREEN
    for row, column, radius in spots:
        image[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = BROWN
    return torch.from_numpy(to_float((light * image).clip(0, 255).astype(np.uint8)[None]))


def test_painted_out_spots_are_lost():
    photo = leaf(SPOTS)
    assert compare_detail(photo, photo, EVERYWHERE).kept == 1
    painted = compare_detail(photo, leaf(), EVERYWHERE)
    assert painted.area > LEAST_AREA
    assert painted.kept < 0.1
    half = compare_detail(photo, leaf(SPOTS[2:]), EVERYWHERE)
    assert painted.kept < half.kept < DETAIL_LIMIT


def test_spots_somewhere_else_or_invented_are_not_kept():
    elsewhere = tuple((64 - row, column + 4, radius) for row, column, radius in SPOTS)
    assert compare_detail(leaf(SPOTS), leaf(elsewhere), EVERYWHERE).kept < DETAIL_LIMIT
    invented = compare_detail(leaf(), leaf(SPOTS), EVERYWHERE)
    assert invented.area > LEAST_AREA
    assert invented.kept < DETAIL_LIMIT


def test_light_and_a_pixel_of_shift_are_no_loss():
    photo = leaf(SPOTS)
    for made in (leaf(SPOTS, light=0.85), leaf(SPOTS, shift=1)):
        assert compare_detail(photo, made, EVERYWHERE).kept > DETAIL_LIMIT


def test_where_nothing_stands_out_nothing_is_lost():
    found = compare_detail(leaf(), leaf(light=0.9), EVERYWHERE)
    assert found.area < LEAST_AREA


def test_what_the_classifier_does_not_look_at_does_not_count():
    left = EVERYWHERE.clone()
    left[..., 32:] = 0
    spots = ((32, 20, 5), (32, 46, 5))
    assert compare_detail(leaf(spots), leaf(spots[:1]), left).kept == 1
    assert compare_detail(leaf(spots), leaf(spots[1:]), left).kept == 0


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_leaf_without_its_lesions_fails(shared_data: Path, number: int):
    """Real leaves whose lesions are painted with their own green, everything else untouched."""
    data = open_dataset(
        shared_data / "leaves-segmented-64",
        label="healthy",
        classes="0=diseased,1=healthy",
        where=("crop=strawberry",),
        group="group",
    )
    sick = [row for row in data.indices("test") if data.labels[row] == 0][::20]
    image = data.read([sick[number]], SIZE)
    photo = torch.from_numpy(to_float(image))
    red, green, _blue = image[0].astype(np.int32).transpose(2, 0, 1)
    brown = torch.from_numpy((red > 0.9 * green).astype(np.float32))[None, None]
    brown = F.max_pool2d(brown, 5, stride=1, padding=2)[0, 0].numpy() > 0
    plain = ~brown & (green > 60)
    image[0][brown & (image[0].max(axis=2) > 30)] = image[0][plain].mean(axis=0)
    painted = torch.from_numpy(to_float(image))
    look = attention(read_explainer(bundled_explainer()).classifier, photo)
    assert look.shape == (1, 1, SIZE, SIZE)
    found = compare_detail(photo, painted, look)
    assert found.area > LEAST_AREA
    assert found.kept < DETAIL_LIMIT
