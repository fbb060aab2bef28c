# SPDX-License-Identifier: MIT
"""Pasting an edit into a photograph: only what changed, only where it may, with soft edges."""

from __future__ import annotations

import pytest
import torch

from latent_explorer.explain.counterfactuals.paste import change_mask, feathered, paste


@pytest.fixture
def pictures():
    """A photo, the generator's picture of it, which differs everywhere, and an edit of that in one corner."""
    torch.manual_seed(0)
    photo = torch.rand(1, 3, 64, 64) * 2 - 1
    unedited = torch.zeros(1, 3, 64, 64)
    edited = unedited.clone()
    edited[:, :, :16, :16] = 0.5
    return photo, unedited, edited


def test_only_what_changed_is_pasted(pictures):
    photo, unedited, edited = pictures
    pasted = paste(photo, unedited, edited)
    assert torch.equal(pasted.img[..., 24:, :], photo[..., 24:, :])
    assert torch.allclose(pasted.img[..., :12, :12], edited[..., :12, :12])
    assert 16 * 16 / 64**2 < float(pasted.share) < 22 * 22 / 64**2  # smoothed and feathered


def test_no_change_pastes_nothing(pictures):
    photo, unedited, _ = pictures
    pasted = paste(photo, unedited, unedited)
    assert torch.equal(pasted.img, photo)
    assert float(pasted.share) == 0


def test_a_change_everywhere_takes_the_most_changed_half():
    change = torch.arange(64.0).view(1, 1, 1, 64).expand(1, 3, 64, 64) / 64
    mask = change_mask(torch.zeros(1, 3, 64, 64), change)
    assert float(mask.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(mask[..., 40:].min()) == 1
    assert float(mask[..., :24].max()) == 0


def test_a_painted_region_limits_the_change(pictures):
    photo, unedited, edited = pictures
    only = torch.zeros(1, 1, 64, 64)
    only[..., :8] = 1
    pasted = paste(photo, unedited, edited, only=only)
    assert torch.equal(pasted.img[..., 8:], photo[..., 8:])
    assert torch.allclose(pasted.img[..., :12, :8], edited[..., :12, :8])


def test_feathering_keeps_the_inside_and_the_mean_of_an_edge():
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 32:] = 1
    soft = feathered(mask)
    assert float(soft[..., 36:].min()) == pytest.approx(1)
    assert float(soft[..., :28].max()) == 0
    assert float(soft.mean()) == pytest.approx(0.5)
    assert float(soft.diff(dim=-1).abs().max()) < 0.5  # no hard edge


def test_pictures_of_other_sizes_and_several_at_once():
    torch.manual_seed(1)
    for side in (16, 32, 256):
        photo, unedited, edited = torch.rand(3, 2, 3, side, side)
        pasted = paste(photo, unedited, edited)
        assert pasted.mask.shape == (2, 1, side, side)
        assert float(pasted.mask.min()) >= 0
        assert float(pasted.mask.max()) <= 1 + 1e-6
        one = paste(photo[:1], unedited[:1], edited[:1])
        assert torch.allclose(one.img, pasted.img[:1])
