# SPDX-License-Identifier: MIT
"""ONNX operators that are layers of networks: convolutions, pools, norms, resizing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from latent_explorer.models.onnx_graph.graph import MAX_ELEMENTS, GraphError
from latent_explorer.models.onnx_graph.layout import axis_of, numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.models.onnx_graph.attributes import Attributes

_CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_MAX_POOLS = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE_POOLS = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
_LINEAR = {3: "linear", 4: "bilinear", 5: "trilinear"}


def spatial(x: Tensor) -> list[int]:
    """Return the axes behind batch and channels."""
    return list(range(2, x.ndim))


def _rank(x: Tensor) -> int:
    if not 3 <= x.ndim <= 5:
        raise GraphError(f"its input has {x.ndim} axes")
    return x.ndim - 2


def _pads(a: Attributes, x: Tensor, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> list:
    """Return (before, after) for each spatial axis."""
    rank, mode = len(kernel), a.text("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        pairs = []
        for size, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True):
            total = max(0, (-(-size // s) - 1) * s + (k - 1) * d + 1 - size)
            small, large = total // 2, total - total // 2
            pairs.append((small, large) if mode == "SAME_UPPER" else (large, small))
        return pairs
    given = [0] * (2 * rank) if mode == "VALID" else a.whole_list("pads") or [0] * (2 * rank)
    if len(given) != 2 * rank or min(given) < 0 or max(given) > 4096:
        raise GraphError(f"pads are {given}")
    return list(zip(given[:rank], given[rank:], strict=True))


def _padded(x: Tensor, pairs: list, value: float = 0.0) -> Tensor:
    return F.pad(x, [amount for pair in reversed(pairs) for amount in pair], value=value)


def convolution(a: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    rank = _rank(x)
    strides, dilations = a.positive("strides", rank), a.positive("dilations", rank)
    pairs = _pads(a, x, weight.shape[2:], strides, dilations)
    groups = a.whole("group", 1)
    if groups < 1 or weight.ndim != x.ndim:
        raise GraphError(f"{groups} groups, and weights with {weight.ndim} axes")
    if any(first != last for first, last in pairs):
        x, pairs = _padded(x, pairs), [(0, 0)] * rank
    return _CONVOLUTIONS[rank](x, weight, bias, strides, [first for first, _ in pairs], dilations, groups)


def transposed_convolution(a: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    rank = _rank(x)
    strides, dilations = a.positive("strides", rank), a.positive("dilations", rank)
    extra, groups = a.whole_list("output_padding") or [0] * rank, a.whole("group", 1)
    if a.text("auto_pad", "NOTSET") != "NOTSET" or "output_shape" in a or groups < 1 or weight.ndim != x.ndim:
        raise GraphError("padding by the output's shape is not known here")
    pairs = _pads(a, x, weight.shape[2:], strides, dilations)
    if len(extra) != rank or any(first != last for first, last in pairs):
        raise GraphError("pads that differ are not known here")
    return _TRANSPOSED[rank](x, weight, bias, strides, [first for first, _ in pairs], extra, groups, dilations)


def _window(a: Attributes, x: Tensor) -> tuple[list[int], list[int], list[int], list]:
    rank = _rank(x)
    kernel, strides = a.positive("kernel_shape", rank), a.positive("strides", rank)
    dilations = a.positive("dilations", rank)
    if max(kernel) > 4096:
        raise GraphError(f"kernel_shape is {kernel}")
    return kernel, strides, dilations, _pads(a, x, kernel, strides, dilations)


def max_pool(a: Attributes, x: Tensor) -> Tensor:
    kernel, strides, dilations, pairs = _window(a, x)
    if a.outputs != 1:
        raise GraphError("the places of the maxima are not known here")
    if any(first != last or 2 * first > k for (first, last), k in zip(pairs, kernel, strict=True)):
        x, pairs = _padded(x, pairs, -math.inf), [(0, 0)] * len(kernel)
    ceil = bool(a.whole("ceil_mode", 0))
    return _MAX_POOLS[len(kernel)](x, kernel, strides, [first for first, _ in pairs], dilations, ceil)


def average_pool(a: Attributes, x: Tensor) -> Tensor:
    kernel, strides, dilations, pairs = _window(a, x)
    if max(dilations) > 1:
        raise GraphError("dilated means are not known here")
    pool, ceil = _AVERAGE_POOLS[len(kernel)], bool(a.whole("ceil_mode", 0))
    with_pads = bool(a.whole("count_include_pad", 0))
    if all(first == last and 2 * first <= k for (first, last), k in zip(pairs, kernel, strict=True)):
        return pool(x, kernel, strides, [first for first, _ in pairs], ceil, with_pads)
    mean = pool(_padded(x, pairs), kernel, strides, 0, ceil)
    return mean if with_pads else mean / pool(_padded(torch.ones_like(x[:1, :1]), pairs), kernel, strides, 0, ceil)


def batch_norm(a: Attributes, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    return F.batch_norm(x, mean, var, scale, bias, False, 0.0, a.real("epsilon", 1e-5))


def instance_norm(a: Attributes, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    var, mean = torch.var_mean(x, dim=spatial(x), correction=0, keepdim=True)
    shape = (1, -1, *[1] * (x.ndim - 2))
    return (x - mean) * (var + a.real("epsilon", 1e-5)).rsqrt() * scale.reshape(shape) + bias.reshape(shape)


def group_norm(a: Attributes, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    groups = a.whole("num_groups")
    if not 1 <= groups <= x.shape[1]:
        raise GraphError(f"num_groups is {groups}")
    if len(scale) == groups != x.shape[1]:  # opset 18: one number a group
        scale, bias = (each.repeat_interleave(x.shape[1] // groups) for each in (scale, bias))
    return F.group_norm(x, groups, scale, bias, a.real("epsilon", 1e-5))


def layer_norm(a: Attributes, x: Tensor, scale: Tensor, bias: Tensor | None = None) -> Tensor:
    if a.outputs != 1:
        raise GraphError("its mean and deviation are not known here")
    shape = x.shape[axis_of(a.whole("axis", -1), x.ndim) :]
    epsilon = a.real("epsilon", 1e-5)
    if scale.shape == shape and (bias is None or bias.shape == shape):
        return F.layer_norm(x, shape, scale, bias, epsilon)
    out = F.layer_norm(x, shape, eps=epsilon) * scale
    return out if bias is None else out + bias


def rms_norm(a: Attributes, x: Tensor, scale: Tensor) -> Tensor:
    axes = list(range(axis_of(a.whole("axis", -1), x.ndim), x.ndim))
    return x * (x.square().mean(dim=axes, keepdim=True) + a.real("epsilon", 1e-5)).rsqrt() * scale


def lp_norm(a: Attributes, x: Tensor) -> Tensor:
    axis, p = axis_of(a.whole("axis", -1), x.ndim), a.whole("p", 2)
    return x / torch.linalg.vector_norm(x, p, axis, keepdim=True).clamp_min(1e-12)


def local_response_norm(a: Attributes, x: Tensor) -> Tensor:
    size = a.whole("size")
    if not 1 <= size <= 4096:
        raise GraphError(f"size is {size}")
    return F.local_response_norm(x, size, a.real("alpha", 1e-4), a.real("beta", 0.75), a.real("bias", 1.0))


def upsample(a: Attributes, x: Tensor, scales: Tensor) -> Tensor:
    return _resized(x, _sizes(x, scales, None), a.text("mode", "nearest"), "asymmetric", a)


def resize(
    a: Attributes, x: Tensor, roi: Tensor | None = None, scales: Tensor | None = None, sizes: Tensor | None = None
) -> Tensor:
    if a.opset < 11:  # its second input is `scales`
        return upsample(a, x, roi if roi is not None else torch.ones(x.ndim))
    if (
        a.whole_list("axes") not in (None, list(range(x.ndim)))
        or a.text("keep_aspect_ratio_policy", "stretch") != "stretch"
    ):
        raise GraphError("resizing of some axes is not known here")
    shape = _sizes(x, None if scales is None or not scales.numel() else scales, sizes)
    coordinates = a.text("coordinate_transformation_mode", "half_pixel")
    return _resized(x, shape, a.text("mode", "nearest"), coordinates, a)


def _sizes(x: Tensor, scales: Tensor | None, sizes: Tensor | None) -> list[int]:
    """Return the spatial size that is wanted."""
    if scales is not None:
        if scales.is_meta or scales.numel() != x.ndim:
            raise GraphError("its scales depend on the picture")
        wanted = [math.floor(size * scale) for size, scale in zip(x.shape, scales.tolist(), strict=True)]
    else:
        wanted = numbers(sizes)
        wanted[:1] = x.shape[:1]
    if len(wanted) != x.ndim or wanted[:2] != list(x.shape[:2]) or min(wanted) < 1 or math.prod(wanted) > MAX_ELEMENTS:
        raise GraphError(f"its size would be {wanted}")
    return wanted[2:]


def _resized(x: Tensor, size: list[int], mode: str, coordinates: str, a: Attributes) -> Tensor:
    if list(x.shape[2:]) == size:
        return x
    rounding = a.text("nearest_mode", "round_prefer_floor")
    whole = all(new % old == 0 for new, old in zip(size, x.shape[2:], strict=True))
    if mode == "nearest":
        # torch's "nearest" is asymmetric with floor, its "nearest-exact" half a pixel with rounding.
        if coordinates == "asymmetric" and (rounding == "floor" or (whole and a.opset < 11)):
            return F.interpolate(x, size, mode="nearest")
        if coordinates in ("half_pixel", "pytorch_half_pixel") and rounding.startswith("round"):
            return F.interpolate(x, size, mode="nearest-exact")
    elif mode in ("linear", "cubic") and x.ndim in _LINEAR and (mode == "linear" or x.ndim == 4):
        name = _LINEAR[x.ndim] if mode == "linear" else "bicubic"
        corners = coordinates == "align_corners"
        usual = coordinates in ("align_corners", "half_pixel", "pytorch_half_pixel")
        if usual and (mode == "linear" or math.isclose(a.real("cubic_coeff_a", -0.75), -0.75)):
            return F.interpolate(x, size, mode=name, align_corners=corners)
    raise GraphError(f"{mode} with {coordinates} coordinates is not known here")
