# SPDX-License-Identifier: MIT
"""3x3 convolutions with frozen weights by Winograd's minimal filtering, with a quarter of the multiplications.

Sources: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), F(4x4, 3x3); the construction for
any interpolation points is Toom's and Cook's. The points 0, +-sqrt(1/2), +-sqrt(2) and infinity round about as little
as the plain convolution does; the integers of the paper lose a digit.

Pictures are worked on in bands of rows that stay in the processor's cache. Forward only, and only on CPUs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

_TILE = 4  # px: outputs of a tile in each direction
_INPUTS = _TILE + 2  # that these depend on
_POINTS = (0.0, math.sqrt(0.5), -math.sqrt(0.5), math.sqrt(2.0), -math.sqrt(2.0))  # and infinity
# With many channels the transforms of tiles pay, unless reading the weights decides.
_SMALLEST, _WIDE = 16, 64  # px, channels
# Larger pictures have fewer channels. With AVX-512 plain convolutions are twice as fast; the library of the matrix
# products here does not use it on every processor.
_LARGEST, _LARGEST_AVX512 = 256, 64  # px
_BAND_BYTES = 4 << 20  # of a band's transformed input
_FEWEST_TILES = 64  # of a band: weights are read once for each

# Finishes a band (N, C, rows, W) of the output in place; given are also which pictures and rows it holds.
Finish = Callable[[Tensor, slice, slice], None]


@dataclass(frozen=True)
class FrozenWeight:
    """What inference needs of a weight (O, I, 3, 3), computed once."""

    key: tuple[int, int]  # where the weight lies, and its version: changes in place are noticed
    energy: Tensor  # (O, I): sum of squares of each kernel
    transformed: list[Tensor]  # (36, I, O); empty until it is needed


_frozen: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def frozen(weight: Tensor) -> FrozenWeight:
    """Return what is known of a weight, as long as it lives and does not change."""
    if weight.is_inference():  # no version is kept of such tensors, so changes would be missed
        return FrozenWeight((0, 0), _energy(weight), [])
    key = (weight.data_ptr(), weight._version)
    known: FrozenWeight | None = _frozen.get(weight)
    if known is None or known.key != key:
        with torch.inference_mode(False), torch.no_grad():  # used under either mode later
            known = FrozenWeight(key, _energy(weight), [])
        _frozen[weight] = known
    return known


def _energy(weight: Tensor) -> Tensor:
    return weight.square().sum(dim=(2, 3))


def is_inference(weight: Tensor, *others: Tensor | None) -> bool:
    """Return True if the weight is frozen and no gradient is asked for by the tensors that the result depends on."""
    if weight.requires_grad:  # it will change with the next step
        return False
    return not torch.is_grad_enabled() or not any(t is not None and t.requires_grad for t in others)


def is_faster(x: Tensor, weight: Tensor) -> bool:
    """Return True where `convolve` is the faster way: measured on CPUs, see docs/decisions/0016-winograd.md."""
    if x.device.type != "cpu" or weight.shape[2:] != (3, 3) or x.dtype not in (torch.float32, torch.float64):
        return False
    height, width = x.shape[2:]
    if height % _TILE or width % _TILE or min(weight.shape[:2]) < _WIDE:
        return False
    return _SMALLEST <= min(height, width) <= _largest()


@cache
def _largest() -> int:
    return _LARGEST_AVX512 if torch.backends.cpu.get_cpu_capability() == "AVX512" else _LARGEST


def convolve(x: Tensor, weight: Tensor, style: Tensor, scale: Tensor | None, finish: Finish | None = None) -> Tensor:
    """Scale the channels of x by the style, convolve, scale the outputs.

    x (N, I, H, W), weight (O, I, 3, 3), style (N, I), scale (N, O) -> (N, O, H, W) in channels-last layout. Equal to
    `ops.modulated_conv` but for rounding.
    """
    n, in_channels, height, width = x.shape
    out_channels = weight.shape[0]
    kernel = _transformed(weight)
    matrix, inverse = _transforms(x.dtype)
    tile_rows, tile_columns = height // _TILE, width // _TILE
    out = x.new_empty(n, height, width, out_channels)
    x = x.permute(0, 2, 3, 1)
    style = style[:, None, None]
    if scale is None:
        scale = x.new_ones(n, out_channels)
    scale = scale[:, None, None, None, None]
    for pictures, rows in _bands(n, tile_rows, tile_columns, in_channels * x.element_size()):
        first, last = rows.start * _TILE - 1, rows.stop * _TILE + 1
        band = x[pictures, max(first, 0) : last] * style[pictures]
        band = F.pad(band, (0, 0, 1, 1, max(-first, 0), max(last - height, 0))).contiguous()
        count, band_rows = band.shape[0], rows.stop - rows.start
        by_picture, by_row, by_column, _ = band.stride()
        tiles = band.as_strided(
            (_INPUTS, _INPUTS, count, band_rows, tile_columns, in_channels),
            (by_row, by_column, by_picture, _TILE * by_row, _TILE * by_column, 1),
        )
        v = (matrix @ tiles.reshape(_INPUTS**2, -1)).view(_INPUTS**2, -1, in_channels)
        y = inverse @ torch.bmm(v, kernel).view(_INPUTS**2, -1)
        y = y.view(_TILE, _TILE, count, band_rows, tile_columns, out_channels).permute(2, 3, 0, 4, 1, 5)
        out_rows = slice(_TILE * rows.start, _TILE * rows.stop)
        done = out[pictures, out_rows]
        torch.mul(y, scale[pictures], out=done.view(y.shape))
        if finish is not None:
            finish(done.permute(0, 3, 1, 2), pictures, out_rows)
    return out.permute(0, 3, 1, 2)


def _bands(n: int, tile_rows: int, tile_columns: int, bytes_per_pixel: int) -> list[tuple[slice, slice]]:
    """Return bands: pictures, and rows of tiles. Several pictures share one where they are small."""
    tiles = max(_FEWEST_TILES, _BAND_BYTES // (_INPUTS**2 * bytes_per_pixel))
    rows = min(tile_rows, max(1, tiles // tile_columns))
    pictures = max(1, tiles // (tile_rows * tile_columns))
    return [
        (slice(i, min(i + pictures, n)), slice(row, min(row + rows, tile_rows)))
        for i in range(0, n, pictures)
        for row in range(0, tile_rows, rows)
    ]


def _transformed(weight: Tensor) -> Tensor:
    """Return the kernels (36, I, O) of a weight at the interpolation points."""
    known = frozen(weight).transformed
    if not known:
        with torch.inference_mode(weight.is_inference()), torch.no_grad():
            flat = weight.permute(2, 3, 1, 0).reshape(9, -1)
            known.append((_kernel_transform(weight.dtype) @ flat).view(_INPUTS**2, *weight.shape[1::-1]))
    return known[0]


@cache
def _matrices() -> tuple[Tensor, Tensor, Tensor]:
    """Return the transforms of one dimension in float64: of inputs (6, 6), kernels (6, 3) and results (4, 6).

    Values of two polynomials at the points, multiplied, are those of their product; transposed, that is a correlation.
    """

    def powers(count: int) -> Tensor:
        points = torch.tensor(_POINTS, dtype=torch.float64)
        at_infinity = torch.eye(count, dtype=torch.float64)[-1:]
        return torch.cat([points[:, None] ** torch.arange(count), at_infinity])

    inputs = torch.linalg.inv(powers(_INPUTS)).T
    size = inputs.norm(dim=1, keepdim=True)  # rows of length 1 keep all products of one magnitude
    return inputs / size, powers(3) * size, powers(_TILE).T


@cache
def _transforms(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return the transforms of flattened tiles of inputs (36, 36) and of results (16, 36)."""
    with torch.inference_mode(False):
        inputs, _, results = _matrices()
        return torch.kron(inputs, inputs).to(dtype), torch.kron(results, results).to(dtype)


@cache
def _kernel_transform(dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(False):
        kernels = _matrices()[1]
        return torch.kron(kernels, kernels).to(dtype)
