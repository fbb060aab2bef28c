# SPDX-License-Identifier: MIT
"""The table of ONNX operators that a graph may use, each as a function of torch tensors.

A function takes the node's attributes and its inputs, None for one that is left out. Formulas and defaults are those of
the specification's opsets 7 to 22 (https://onnx.ai/onnx/operators). Floats are computed in the type that they come in,
integers are int64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from latent_explorer.models.onnx_graph import layers, layout
from latent_explorer.models.onnx_graph.graph import GraphError

if TYPE_CHECKING:
    from latent_explorer.models.onnx_graph.attributes import Attributes

_FLOATS = (1, 10, 11, 16)  # TensorProto's numbers of data types
_INTEGERS = (2, 3, 4, 5, 6, 7, 12, 13)
_BOOL = 9


@dataclass(frozen=True)
class Operator:
    """A function, and the places of its inputs that are shapes or axes: they are read on the CPU."""

    run: Callable[..., Tensor | tuple[Tensor, ...]]
    host: tuple[int, ...] = ()


def _unary(function: Callable[[Tensor], Tensor]) -> Operator:
    return Operator(lambda _, x: function(x))


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    return Operator(lambda _, x, y: function(x, y))


def _variadic(function: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    return Operator(lambda _, *xs: reduce(function, xs))


def _divide(x: Tensor, y: Tensor) -> Tensor:
    whole = not (x.is_floating_point() or y.is_floating_point())
    return torch.div(x, y, rounding_mode="trunc" if whole else None)


def _mod(a: Attributes, x: Tensor, y: Tensor) -> Tensor:
    return torch.fmod(x, y) if a.whole("fmod", 0) else torch.remainder(x, y)


def _mean(_: Attributes, *xs: Tensor) -> Tensor:
    return reduce(torch.add, xs) / len(xs)


def _clip(a: Attributes, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    if "min" in a:
        x = x.clamp(min=a.real("min", 0))
    if "max" in a:
        x = x.clamp(max=a.real("max", 0))
    x = x if low is None else torch.maximum(x, low.to(x.dtype))
    return x if high is None else torch.minimum(x, high.to(x.dtype))


def _cast(a: Attributes, x: Tensor) -> Tensor:
    to = a.whole("to")
    if to in _FLOATS:
        return x if x.is_floating_point() else x.float()
    if to == _BOOL:
        return x != 0
    if to not in _INTEGERS:
        raise GraphError(f"it makes numbers of the data type {to}")
    return x.long()


def _cast_like(_: Attributes, x: Tensor, like: Tensor) -> Tensor:
    return x.to(like.dtype) if x.is_floating_point() != like.is_floating_point() else x


def _gelu(a: Attributes, x: Tensor) -> Tensor:
    return F.gelu(x, approximate="tanh" if a.text("approximate", "none") == "tanh" else "none")


def _softmax(function: Callable[..., Tensor]) -> Operator:
    def run(a: Attributes, x: Tensor) -> Tensor:
        if a.opset >= 13:
            return function(x, dim=layout.axis_of(a.whole("axis", -1), x.ndim))
        axis = layout.axis_of(a.whole("axis", 1), x.ndim + 1)  # earlier: over all axes from this one on
        flat = x.reshape(math.prod(x.shape[:axis]), -1)
        return function(flat, dim=1).reshape(x.shape)

    return Operator(run)


def _reduction(function: Callable[[Tensor, list[int], bool], Tensor]) -> Operator:
    def run(a: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
        chosen = a.whole_list("axes") if axes is None else layout.numbers(axes)
        if not chosen:
            if a.whole("noop_with_empty_axes", 0):
                return x
            chosen = list(range(x.ndim))
        return function(x, [layout.axis_of(axis, x.ndim) for axis in chosen], bool(a.whole("keepdims", 1)))

    return Operator(run, host=(1,))


def _product(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    for axis in sorted(axes, reverse=True):
        x = x.prod(dim=axis, keepdim=keep)
    return x


def _gemm(a: Attributes, x: Tensor, y: Tensor, bias: Tensor | None = None) -> Tensor:
    x, y = (x.t() if a.whole("transA", 0) else x), (y.t() if a.whole("transB", 0) else y)
    alpha, beta = a.real("alpha", 1.0), a.real("beta", 1.0)
    if alpha == beta == 1 and bias is not None and bias.ndim == 1 and len(bias) == y.shape[1]:
        return torch.addmm(bias, x, y)
    out = x @ y if alpha == 1 else alpha * (x @ y)
    return out if bias is None else out + (bias if beta == 1 else beta * bias)


def _einsum(a: Attributes, *xs: Tensor) -> Tensor:
    equation = a.text("equation", "")
    if len(equation) > 100 or not set(equation) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ,.-> "):
        raise GraphError("its equation cannot be read")
    return torch.einsum(equation, *xs)


def _pow(x: Tensor, y: Tensor) -> Tensor:
    return torch.pow(x, y if x.is_floating_point() else y.to(x.dtype))


def _prelu(_: Attributes, x: Tensor, slope: Tensor) -> Tensor:
    return torch.where(x < 0, x * slope, x)


def _where(_: Attributes, condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return torch.where(condition.bool(), x, y)


def _arg(function: Callable[..., Tensor]) -> Operator:
    def run(a: Attributes, x: Tensor) -> Tensor:
        axis = layout.axis_of(a.whole("axis", 0), x.ndim)
        return function(x, dim=axis, keepdim=bool(a.whole("keepdims", 1)))

    return Operator(run)


def _cumsum(a: Attributes, x: Tensor, axis: Tensor) -> Tensor:
    if a.whole("exclusive", 0) or a.whole("reverse", 0):
        raise GraphError("exclusive or reversed sums are not known here")
    return x.cumsum(dim=layout.axis_of(layout.numbers(axis)[0], x.ndim))


def _dropout(a: Attributes, x: Tensor, *_: Any) -> tuple[Tensor, ...]:
    return (x, torch.ones_like(x, dtype=torch.bool))[: a.outputs]


OPERATORS: dict[str, Operator] = {
    # Functions of single numbers.
    "Abs": _unary(torch.abs),
    "Cast": Operator(_cast),
    "CastLike": Operator(_cast_like),
    "Ceil": _unary(torch.ceil),
    "Celu": Operator(lambda a, x: F.celu(x, a.real("alpha", 1.0))),
    "Clip": Operator(_clip),
    "Cos": _unary(torch.cos),
    "Dropout": Operator(_dropout),
    "Elu": Operator(lambda a, x: F.elu(x, a.real("alpha", 1.0))),
    "Erf": _unary(torch.erf),
    "Exp": _unary(torch.exp),
    "Floor": _unary(torch.floor),
    "Gelu": Operator(_gelu),
    "HardSigmoid": Operator(lambda a, x: (a.real("alpha", 0.2) * x + a.real("beta", 0.5)).clamp(0, 1)),
    "HardSwish": _unary(F.hardswish),
    "Identity": _unary(lambda x: x),
    "LeakyRelu": Operator(lambda a, x: F.leaky_relu(x, a.real("alpha", 0.01))),
    "Log": _unary(torch.log),
    "Mish": _unary(F.mish),
    "Neg": _unary(torch.neg),
    "Not": _unary(torch.logical_not),
    "PRelu": Operator(_prelu),
    "Reciprocal": _unary(torch.reciprocal),
    "Relu": _unary(torch.relu),
    "Round": _unary(torch.round),
    "Selu": Operator(
        lambda a, x: a.real("gamma", 1.05070102214813232421875) * F.elu(x, a.real("alpha", 1.67326319217681884765625))
    ),
    "Sigmoid": _unary(torch.sigmoid),
    "Sign": _unary(torch.sign),
    "Sin": _unary(torch.sin),
    "Softplus": _unary(F.softplus),
    "Softsign": _unary(F.softsign),
    "Sqrt": _unary(torch.sqrt),
    "Swish": Operator(lambda a, x: x * torch.sigmoid(a.real("alpha", 1.0) * x)),
    "Tanh": _unary(torch.tanh),
    "ThresholdedRelu": Operator(lambda a, x: F.threshold(x, a.real("alpha", 1.0), 0.0)),
    # Of two or more.
    "Add": _binary(torch.add),
    "And": _binary(torch.logical_and),
    "Div": _binary(_divide),
    "Equal": _binary(torch.eq),
    "Greater": _binary(torch.gt),
    "GreaterOrEqual": _binary(torch.ge),
    "Less": _binary(torch.lt),
    "LessOrEqual": _binary(torch.le),
    "Max": _variadic(torch.maximum),
    "Mean": Operator(_mean),
    "Min": _variadic(torch.minimum),
    "Mod": Operator(_mod),
    "Mul": _binary(torch.mul),
    "Or": _binary(torch.logical_or),
    "Pow": _binary(_pow),
    "Sub": _binary(torch.sub),
    "Sum": _variadic(torch.add),
    "Where": Operator(_where),
    "Xor": _binary(torch.logical_xor),
    # Sums and products.
    "ArgMax": _arg(torch.argmax),
    "ArgMin": _arg(torch.argmin),
    "CumSum": Operator(_cumsum, host=(1,)),
    "Einsum": Operator(_einsum),
    "Gemm": Operator(_gemm),
    "LogSoftmax": _softmax(torch.log_softmax),
    "MatMul": _binary(torch.matmul),
    "ReduceL1": _reduction(lambda x, axes, keep: x.abs().sum(axes, keep)),
    "ReduceL2": _reduction(lambda x, axes, keep: torch.linalg.vector_norm(x, 2, axes, keep)),
    "ReduceLogSum": _reduction(lambda x, axes, keep: x.sum(axes, keep).log()),
    "ReduceLogSumExp": _reduction(torch.logsumexp),
    "ReduceMax": _reduction(torch.amax),
    "ReduceMean": _reduction(torch.mean),
    "ReduceMin": _reduction(torch.amin),
    "ReduceProd": _reduction(_product),
    "ReduceSum": _reduction(torch.sum),
    "ReduceSumSquare": _reduction(lambda x, axes, keep: x.square().sum(axes, keep)),
    "Softmax": _softmax(torch.softmax),
    # Layers.
    "AveragePool": Operator(layers.average_pool),
    "BatchNormalization": Operator(layers.batch_norm),
    "Conv": Operator(layers.convolution),
    "ConvTranspose": Operator(layers.transposed_convolution),
    "GlobalAveragePool": Operator(lambda _, x: x.mean(dim=layers.spatial(x), keepdim=True)),
    "GlobalMaxPool": Operator(lambda _, x: x.amax(dim=layers.spatial(x), keepdim=True)),
    "GroupNormalization": Operator(layers.group_norm),
    "InstanceNormalization": Operator(layers.instance_norm),
    "LRN": Operator(layers.local_response_norm),
    "LayerNormalization": Operator(layers.layer_norm),
    "LpNormalization": Operator(layers.lp_norm),
    "MaxPool": Operator(layers.max_pool),
    "RMSNormalization": Operator(layers.rms_norm),
    "Resize": Operator(layers.resize, host=(1, 2, 3)),
    "Upsample": Operator(layers.upsample, host=(1,)),
    # Shapes and places.
    "Concat": Operator(layout.concat),
    "ConstantOfShape": Operator(layout.constant_of_shape, host=(0,)),
    "DepthToSpace": Operator(layout.depth_to_space),
    "Expand": Operator(layout.expand, host=(1,)),
    "Flatten": Operator(layout.flatten),
    "Gather": Operator(layout.gather, host=(1,)),
    "GatherElements": Operator(layout.gather_elements, host=(1,)),
    "Pad": Operator(layout.pad, host=(1, 2, 3)),
    "Range": Operator(layout.arange, host=(0, 1, 2)),
    "Reshape": Operator(layout.reshape, host=(1,)),
    "ScatterND": Operator(layout.scatter_nd, host=(1,)),
    "Shape": Operator(layout.shape_of),
    "Size": Operator(lambda _, x: torch.tensor(x.numel())),
    "Slice": Operator(layout.slice_of, host=(1, 2, 3, 4)),
    "SpaceToDepth": Operator(layout.space_to_depth),
    "Split": Operator(layout.split, host=(1,)),
    "Squeeze": Operator(layout.squeeze, host=(1,)),
    "Tile": Operator(layout.tile, host=(1,)),
    "Transpose": Operator(layout.transpose),
    "Trilu": Operator(layout.trilu, host=(1,)),
    "Unsqueeze": Operator(layout.unsqueeze, host=(1,)),
}
