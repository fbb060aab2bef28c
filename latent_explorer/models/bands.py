# SPDX-License-Identifier: MIT
"""3x3 convolutions of large pictures with frozen weights, a band of rows at a time.

A large layer's output takes longer to allocate than to compute: the system hands out its pages one by one. Bands of a
few megabytes reuse the same memory, and what follows the convolution finds its rows in the processor's cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.models.winograd import Finish

_SMALLEST = 256  # px, of the output
_BAND_BYTES = 8 << 20  # of a band's output


def is_faster(x: Tensor, weight: Tensor, up: bool) -> bool:
    """Return True where `convolve` is faster than a convolution of the whole: see docs/decisions/0016-winograd.md."""
    if x.device.type != "cpu" or weight.shape[2:] != (3, 3) or x.dtype not in (torch.float32, torch.float64):
        return False
    return min(x.shape[2:]) * (2 if up else 1) >= _SMALLEST


def convolve(
    x: Tensor,
    weight: Tensor,
    style: Tensor,
    scale: Tensor | None,
    blur: Callable[[Tensor, tuple[int, int, int, int]], Tensor] | None,
    finish: Finish | None,
) -> Tensor:
    """Scale the channels of x by the style, convolve, scale the outputs; with `blur`, double the size and filter.

    x (N, I, H, W), weight (O, I, 3, 3), style (N, I), scale (N, O) -> (N, O, H, W) or (N, O, 2H, 2W) in channels-last
    layout. Equal to `ops.modulated_conv` but for rounding: the factors go into the weights, which are fewer.
    """
    n, _, height, width = x.shape
    factor = 1 if blur is None else 2
    outputs = weight.shape[0]
    out = x.new_empty(n, factor * height, factor * width, outputs).permute(0, 3, 1, 2)
    rows = max(4, _BAND_BYTES // (factor**2 * width * outputs * x.element_size()))
    for i in range(n):
        scaled = weight * style[i, None, :, None, None]
        if scale is not None:
            scaled *= scale[i, :, None, None, None]
        if blur is not None:
            scaled = scaled.transpose(0, 1)
        scaled = scaled.contiguous(memory_format=torch.channels_last)
        for first in range(0, height, rows):
            last = min(first + rows, height)
            above, below = int(first == 0), int(last == height)
            band = x[i : i + 1, :, first - 1 + above : last + 1 - below]
            if blur is None:
                made = F.conv2d(F.pad(band, (0, 0, above, below)), scaled, padding=(0, 1))
            else:
                made = F.conv_transpose2d(band, scaled, stride=2)
                # Its outer rows are incomplete, but at the edges of the picture.
                made = made[:, :, 1 - above : made.shape[2] - 1 + below]
                made = blur(made, (1, 1, above, below))
            place = slice(factor * first, factor * last)
            done = out[i : i + 1, :, place]
            done.copy_(made)
            if finish is not None:
                finish(done, slice(i, i + 1), place)
    return out
