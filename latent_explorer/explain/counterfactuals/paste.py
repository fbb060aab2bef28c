# SPDX-License-Identifier: MIT
"""Pasting of an edit into the photograph: where the generator's two pictures differ most, the photo takes the edit.

What the generator draws is a copy. A verdict on the photograph itself, changed where the edit changes and nowhere
else, says whether the explanation holds for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

SMOOTHING = 5  # px of a 64-px picture over which a change is averaged
SHARE = 0.5  # of the pixels that are most changed
FEATHER = 1.5  # px of a 64-px picture over which the mask fades


@dataclass(frozen=True)
class Pasted:
    """Photograph with an edit pasted in."""

    img: Tensor  # (N, 3, R, R) in [-1, 1]
    mask: Tensor  # (N, 1, R, R): weight of the edit, 0 to 1
    share: Tensor  # (N,) mean of the mask


def change_mask(unedited: Tensor, edited: Tensor, share: float = SHARE) -> Tensor:
    """Return (N, 1, R, R), 0 to 1: the most changed `share` of the pixels of two pictures (N, 3, R, R), feathered.

    The change is the mean over channels of the absolute difference, averaged over a square of 5 px (of 64). A pixel
    that did not change is never in the mask. At the edge of a region the weight falls within 1.5 px on either side.
    """
    side = unedited.shape[-1]
    size = max(1, round(SMOOTHING * side / 64)) | 1  # odd
    change = (edited - unedited).abs().mean(dim=1, keepdim=True)
    change = F.avg_pool2d(change, size, stride=1, padding=size // 2, count_include_pad=False)
    threshold = change.flatten(1).quantile(1 - share, dim=1).view(-1, 1, 1, 1)
    hard = ((change >= threshold) & (change > 0)).to(change)
    return feathered(hard)


def feathered(mask: Tensor) -> Tensor:
    """Blur a mask (N, 1, R, R) by a tent of 1.5 px (of 64) on either side, so that a pasted region has no hard edge."""
    radius = max(1, round(FEATHER * mask.shape[-1] / 64))
    ramp = torch.arange(1, radius + 2, device=mask.device, dtype=mask.dtype)
    kernel = torch.cat([ramp, ramp[:-1].flip(0)])
    kernel = kernel / kernel.sum()
    padded = F.pad(mask, (radius, radius, radius, radius), mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))


def paste(
    photo: Tensor, unedited: Tensor, edited: Tensor, mask: Tensor | None = None, only: Tensor | None = None
) -> Pasted:
    """Paste an edit into photographs.

    photo, unedited, edited   (N, 3, R, R) in [-1, 1]: photographs and the generator's pictures of them
    mask                      (N, 1, R, R), 0 to 1; that of the change without it
    only                      (1 or N, 1, R, R), 0 to 1: where a person allows a change
    """
    mask = change_mask(unedited, edited) if mask is None else mask
    if only is not None:
        mask = mask * only
    return Pasted(photo + mask * (edited - photo), mask, mask.mean(dim=(1, 2, 3)))
