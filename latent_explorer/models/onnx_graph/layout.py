# SPDX-License-Identifier: MIT
"""ONNX operators that move numbers about: shapes, axes, slices, tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from latent_explorer.models.onnx_graph.graph import MAX_ELEMENTS, MAX_RANK, GraphError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.models.onnx_graph.attributes import Attributes

_PAD_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
MAX_HOST = 1 << 24  # elements that are made without a tensor they are made of


def numbers(x: Tensor | None) -> list[int]:
    """Return a tensor of shapes or axes as integers. Raises GraphError if they depend on the picture."""
    if x is None:
        return []
    if x.is_meta:
        raise GraphError("a shape in it depends on what the picture shows")
    if x.numel() > MAX_RANK**2:
        raise GraphError(f"a shape has {x.numel()} numbers")
    return [int(value) for value in x.reshape(-1).tolist()]


def axis_of(axis: int, rank: int) -> int:
    """Return an axis that may count from the end as one that counts from the start."""
    if not -rank <= axis < rank:
        raise GraphError(f"axis {axis} of {rank}")
    return axis % rank


def _made(shape: Sequence[int]) -> list[int]:
    if min(shape, default=0) < 0 or len(shape) > MAX_RANK or math.prod(shape) > MAX_HOST:
        raise GraphError(f"the shape {list(shape)} is too large")
    return list(shape)


def concat(a: Attributes, *xs: Tensor) -> Tensor:
    axis = axis_of(a.whole("axis"), xs[0].ndim)
    batch = max(x.shape[0] for x in xs if x.ndim) if xs[0].ndim else 1
    if axis != 0 and batch > 1:  # a token of a graph that was exported for one picture
        xs = tuple(x.expand(batch, *x.shape[1:]) if x.shape[0] == 1 else x for x in xs)
    return torch.cat(xs, dim=axis)


def constant_of_shape(a: Attributes, shape: Tensor) -> Tensor:
    value = a.value("value", 0.0)
    return torch.full(_made(numbers(shape)), value, dtype=torch.float32 if isinstance(value, float) else torch.int64)


def depth_to_space(a: Attributes, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    (block,) = [a.whole("blocksize")]
    if not 1 <= block <= 64:
        raise GraphError(f"blocksize is {block}")
    if a.text("mode", "DCR") == "CRD":
        return F.pixel_shuffle(x, block)
    parts = x.reshape(n, block, block, c // block**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return parts.reshape(n, c // block**2, h * block, w * block)


def space_to_depth(a: Attributes, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    block = a.whole("blocksize")
    if not 1 <= block <= 64:
        raise GraphError(f"blocksize is {block}")
    parts = x.reshape(n, c, h // block, block, w // block, block).permute(0, 3, 5, 1, 2, 4)
    return parts.reshape(n, c * block**2, h // block, w // block)


def expand(_: Attributes, x: Tensor, shape: Tensor) -> Tensor:
    wanted = torch.broadcast_shapes(x.shape, _unsigned(numbers(shape)))
    if math.prod(wanted) > MAX_ELEMENTS:
        raise GraphError(f"the shape {list(wanted)} is too large")
    return x.expand(wanted)


def _unsigned(shape: list[int]) -> list[int]:
    if min(shape, default=0) < 0:
        raise GraphError(f"the shape {shape} is negative")
    return shape


def flatten(a: Attributes, x: Tensor) -> Tensor:
    axis = axis_of(a.whole("axis", 1), x.ndim + 1)
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


def _places(index: Tensor, size: int, x: Tensor) -> Tensor:
    """Return indices that may count from the end as ones within 0 to size - 1, where x is."""
    index = torch.where(index < 0, index + size, index)
    if index.device.type == "cpu" and index.numel() and not 0 <= int(index.min()) <= int(index.max()) < size:
        raise GraphError(f"an index is not within {size}")
    return index.clamp(0, max(0, size - 1)).to(x.device)  # one that is computed on a card is not checked


def gather(a: Attributes, x: Tensor, index: Tensor) -> Tensor:
    axis = axis_of(a.whole("axis", 0), x.ndim)
    places = _places(index, x.shape[axis], x)
    found = x.index_select(axis, places.reshape(-1))
    return found.reshape((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]))


def gather_elements(a: Attributes, x: Tensor, index: Tensor) -> Tensor:
    axis = axis_of(a.whole("axis", 0), x.ndim)
    return torch.gather(x, axis, _places(index, x.shape[axis], x))


def pad(
    a: Attributes, x: Tensor, pads: Tensor | None = None, value: Tensor | None = None, axes: Tensor | None = None
) -> Tensor:
    amounts = numbers(pads) if pads is not None else a.whole_list("pads") or []
    chosen = [axis_of(axis, x.ndim) for axis in numbers(axes)] if axes is not None else list(range(x.ndim))
    if len(amounts) != 2 * len(chosen):
        raise GraphError(f"pads are {amounts}")
    by_axis = {axis: (amounts[i], amounts[i + len(chosen)]) for i, axis in enumerate(chosen)}
    mode = _PAD_MODES.get(a.text("mode", "constant"), "")
    if mode == "constant":
        order = [by_axis.get(axis, (0, 0)) for axis in reversed(range(x.ndim))]
        fill = a.real("value", 0.0) if value is None else value.reshape(-1)[0].item()
        return F.pad(x, [amount for pair in order for amount in pair], value=fill)
    used = [axis for axis, pair in by_axis.items() if pair != (0, 0)]
    if not mode or x.ndim not in (3, 4) or (used and min(used) < 2):
        raise GraphError("padding of this mode is not known here")
    order = [by_axis.get(axis, (0, 0)) for axis in reversed(range(2, x.ndim))]
    return F.pad(x, [amount for pair in order for amount in pair], mode=mode)


def arange(_: Attributes, start: Tensor, limit: Tensor, step: Tensor) -> Tensor:
    if any(each.is_meta for each in (start, limit, step)):
        raise GraphError("a range depends on what the picture shows")
    first, last, by = (each.item() for each in (start, limit, step))
    if by == 0 or (last - first) / by > MAX_HOST:
        raise GraphError("a range is too long")
    return torch.arange(first, last, by) if (last - first) / by > 0 else torch.arange(0, 0, 1)


def reshape(a: Attributes, x: Tensor, shape: Tensor | None = None) -> Tensor:
    wanted = numbers(shape) if shape is not None else a.whole_list("shape") or []
    if len(wanted) > MAX_RANK or min(wanted, default=0) < -1:
        raise GraphError(f"the shape {wanted}")
    if not a.whole("allowzero", 0):
        wanted = [x.shape[axis] if size == 0 and axis < x.ndim else size for axis, size in enumerate(wanted)]
    size = math.prod(wanted)
    if size > 0 and x.numel() != size and x.numel() % size == 0:
        wanted[0] *= x.numel() // size  # a graph that was exported for one picture; the batch comes first
    return x.reshape(wanted)


def scatter_nd(a: Attributes, x: Tensor, index: Tensor, updates: Tensor) -> Tensor:
    if a.text("reduction", "none") != "none" or index.is_meta:
        raise GraphError("scattering with sums, or to places that the picture decides, is not known here")
    if not 1 <= index.shape[-1] <= x.ndim:
        raise GraphError("the indices have another shape")
    places: list[Tensor | None] = [
        _places(part, size, x) for part, size in zip(index.unbind(-1), x.shape, strict=False)
    ]
    if tuple(updates.shape) != (*index.shape[:-1], *x.shape[index.shape[-1] :]):
        raise GraphError("the updates have another shape")
    return x.index_put(places, updates)


def shape_of(a: Attributes, x: Tensor) -> Tensor:
    end = a.whole("end", x.ndim)
    return torch.tensor(tuple(x.shape)[a.whole("start", 0) : end], dtype=torch.int64)


def slice_of(
    a: Attributes,
    x: Tensor,
    starts: Tensor | None = None,
    ends: Tensor | None = None,
    axes: Tensor | None = None,
    steps: Tensor | None = None,
) -> Tensor:
    first = numbers(starts) if starts is not None else a.whole_list("starts") or []
    last = numbers(ends) if ends is not None else a.whole_list("ends") or []
    chosen = numbers(axes) if axes is not None else a.whole_list("axes") or list(range(len(first)))
    by = numbers(steps) if steps is not None else [1] * len(first)
    for axis, start, end, step in zip(chosen, first, last, by, strict=True):
        axis = axis_of(axis, x.ndim)
        if step == 0:
            raise GraphError("a step of 0")
        begin, stop, stride = slice(start, end, step).indices(x.shape[axis])
        if step > 0:
            x = x[(slice(None),) * axis + (slice(begin, max(begin, stop), stride),)]
        else:
            x = x.index_select(axis, torch.arange(begin, min(begin, stop), stride, device=x.device))
    return x


def split(a: Attributes, x: Tensor, sizes: Tensor | None = None) -> tuple[Tensor, ...]:
    axis = axis_of(a.whole("axis", 0), x.ndim)
    parts = numbers(sizes) if sizes is not None else a.whole_list("split")
    if not parts:
        each = -(-x.shape[axis] // a.outputs)
        parts = [each] * (a.outputs - 1) + [x.shape[axis] - each * (a.outputs - 1)]
    return x.split(_unsigned(parts), dim=axis)


def squeeze(a: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    chosen = numbers(axes) if axes is not None else a.whole_list("axes")
    if not chosen:
        chosen = [axis for axis, size in enumerate(x.shape) if size == 1]
    return x.squeeze(tuple(axis_of(axis, x.ndim) for axis in chosen))


def unsqueeze(a: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    chosen = numbers(axes) if axes is not None else a.whole_list("axes") or []
    rank = x.ndim + len(chosen)
    if rank > MAX_RANK:
        raise GraphError("more than 8 axes")
    for axis in sorted(axis_of(axis, rank) for axis in chosen):
        x = x.unsqueeze(axis)
    return x


def tile(_: Attributes, x: Tensor, repeats: Tensor) -> Tensor:
    times = _unsigned(numbers(repeats))
    if x.numel() * math.prod(times) > MAX_ELEMENTS:
        raise GraphError(f"{times} repetitions are too many")
    return x.repeat(times)


def transpose(a: Attributes, x: Tensor) -> Tensor:
    return x.permute(a.whole_list("perm") or list(reversed(range(x.ndim))))


def trilu(a: Attributes, x: Tensor, diagonal: Tensor | None = None) -> Tensor:
    k = numbers(diagonal)[0] if diagonal is not None else 0
    return torch.triu(x, k) if a.whole("upper", 1) else torch.tril(x, k)
