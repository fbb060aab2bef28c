# SPDX-License-Identifier: MIT
"""An ONNX graph that runs on torch tensors, with gradients, and a trial run that costs neither memory nor time.

The trial run computes shapes only (torch's meta device). It is what every graph of a file goes through before anything
is allocated: sizes, multiplications and types are known from it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from latent_explorer.models.onnx_graph.attributes import Attributes
from latent_explorer.models.onnx_graph.graph import (
    MAX_ELEMENTS,
    MAX_MACS,
    MAX_RANK,
    MAX_SUM,
    GraphError,
    graph_problems,
)
from latent_explorer.models.onnx_graph.layout import MAX_HOST
from latent_explorer.models.onnx_graph.operators import OPERATORS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from latent_explorer.models.onnx_graph.graph import Constant, Node, OnnxGraph

    Observer = Callable[[int, Node, list[Tensor | None], tuple[Tensor, ...]], None]

_DTYPES = {"int64": torch.int64, "float32": torch.float32, "bool": torch.bool}
# What torch raises for arguments that do not fit; NotImplementedError is a RuntimeError.
TORCH_ERRORS = (RuntimeError, ValueError, TypeError, IndexError, OverflowError, ZeroDivisionError, KeyError)


def constant_tensor(constant: Constant) -> Tensor:
    """Return a constant on the CPU."""
    return torch.tensor(constant.values, dtype=_DTYPES[constant.dtype]).reshape(constant.shape)


def run_node(node: Node, given: list[Tensor | None], opset: int) -> tuple[Tensor, ...]:
    """Compute one node. Shapes and axes stay on the CPU, all else is brought to where the picture is."""
    operator = OPERATORS[node.op]
    device = next((x.device for x in given if x is not None and x.device.type != "cpu"), None)
    if device is not None:
        given = [
            x if x is None or index in operator.host or x.device == device else x.to(device)
            for index, x in enumerate(given)
        ]
    try:
        made = operator.run(Attributes(node.attributes, opset, node.outputs), *given)
    except GraphError as error:
        raise GraphError(f"{node.op}: {error}") from error
    made = made if isinstance(made, tuple) else (made,)
    if len(made) < node.outputs:
        raise GraphError(f"{node.op} has {node.outputs} outputs")
    return made[: node.outputs]


def guarded_node(node: Node, given: list[Tensor | None], opset: int, most: int = MAX_HOST) -> tuple[Tensor, ...]:
    """Compute one node; if that allocates, only after its outputs are known to have at most so many numbers."""
    if not any(x is not None and x.is_meta for x in given):
        host = OPERATORS[node.op].host
        trial = [x if x is None or index in host else x.to("meta") for index, x in enumerate(given)]
        if any(x is not None and x.is_meta for x in trial):
            made = run_node(node, trial, opset)
            if sum(x.numel() for x in made) > most or multiplications(node, trial, made[0]) > _HOST_MACS:
                raise GraphError(f"{node.op} makes a constant that is too large")
    return run_node(node, given, opset)


def run_graph(
    graph: OnnxGraph,
    values: dict[int, Tensor],
    observe: Observer | None = None,
    run: Callable[[Node, list[Tensor | None], int], tuple[Tensor, ...]] = run_node,
) -> Tensor:
    """Return the logits. `values` holds picture, tensors and constants by number, and is emptied on the way."""
    number = graph.first_node_value
    for index, (node, ended) in enumerate(zip(graph.nodes, graph.last_uses(), strict=True)):
        if number in values:  # known before: a constant of an import
            made: tuple[Tensor, ...] = tuple(values[number + i] for i in range(node.outputs))
        else:
            given = [None if value < 0 else values[value] for value in node.inputs]
            made = run(node, given, graph.opset)
            if observe is not None:
                observe(index, node, given, made)
        values |= {number + i: x for i, x in enumerate(made)}
        number += node.outputs
        for value in ended:
            values.pop(value, None)
    return values[graph.output]


class Trial:
    """Trial runs of a graph on pictures without content. Raises GraphError for what is too large or does not fit.

    tensors  known tensors by number, on any device; others are taken to be without content
    """

    def __init__(self, graph: OnnxGraph, tensors: Mapping[int, Tensor] | None = None) -> None:
        self.graph = graph
        self._values: dict[int, Tensor] = {
            index: torch.empty(shape, device="meta") for index, shape in enumerate(graph.tensors, 1)
        }
        first = 1 + len(graph.tensors)
        self._values |= {index: constant_tensor(each) for index, each in enumerate(graph.constants, first)}
        self._values |= tensors or {}
        self.macs = 0

    def run(self, shape: tuple[int, ...], observe: Observer | None = None) -> Tensor:
        """Return what the graph makes of a batch of this shape, without content."""
        self.macs = total = 0
        batch = max(1, shape[0])

        def check(index: int, node: Node, given: list[Tensor | None], made: tuple[Tensor, ...]) -> None:
            nonlocal total
            size = sum(x.numel() for x in made)
            total += size
            self.macs += multiplications(node, given, made[0])
            if size > batch * MAX_ELEMENTS or total > batch * MAX_SUM or max(x.ndim for x in made) > MAX_RANK:
                raise GraphError(f"{node.op} makes a tensor of the shape {list(made[0].shape)}, which is too large")
            if self.macs > batch * MAX_MACS:
                raise GraphError(f"it takes more than {MAX_MACS:.0e} multiplications for a picture")
            if observe is not None:
                observe(index, node, given, made)

        try:
            with torch._C.DisableTorchFunction():  # also within SkipInit, which would skip operators
                return run_graph(
                    self.graph, {0: torch.empty(shape, device="meta"), **self._values}, check, guarded_node
                )
        except GraphError:
            raise
        except TORCH_ERRORS as error:
            raise GraphError(" ".join(str(error).split())[:200]) from error


def multiplications(node: Node, given: list[Tensor | None], made: Tensor) -> int:
    """Return about how many multiplications a node takes, for the layers that take most."""
    x, weight = (*given, None, None)[:2]
    if node.op in ("Conv", "ConvTranspose") and x is not None and weight is not None:
        larger = made if node.op == "Conv" else x
        return larger.numel() * (weight.numel() // max(1, weight.shape[0]))
    if node.op in ("MatMul", "Gemm") and x is not None and x.ndim:
        return made.numel() * max(x.shape[-1], x.shape[0] if node.attributes.get("transA") else 0)
    if node.op == "Einsum":
        sizes: dict[str, int] = {}
        terms = str(node.attributes.get("equation", "")).split("->")[0].replace(" ", "").split(",")
        for term, tensor in zip(terms, given, strict=False):
            if tensor is not None:
                sizes |= dict(zip(term.replace("...", ""), tensor.shape, strict=False))
        return max(made.numel(), math.prod(sizes.values()))
    if node.op in ("MaxPool", "AveragePool"):
        kernel = node.attributes.get("kernel_shape")
        return made.numel() * math.prod(map(int, kernel)) if isinstance(kernel, tuple) else 0
    return made.numel()


def check_graph(graph: OnnxGraph, channels: int, size: int, outputs: int) -> None:
    """Raise GraphError unless the graph keeps the limits and makes `outputs` numbers of a picture of `size` px."""
    problem = next(graph_problems(graph, OPERATORS), None)
    if problem is not None:
        raise GraphError(problem)
    trial = Trial(graph)
    for batch in (1, 3) if graph.any_batch else (1,):
        out = trial.run((batch, channels, size, size))
        if tuple(out.shape) != (batch, outputs) or not out.is_floating_point():
            raise GraphError(f"its graph makes {list(out.shape)} of {batch} pictures, not {[batch, outputs]}")


class OnnxNetwork(nn.Module):
    """Network from pictures (N, C, H, W) to logits (N, K), computed by a graph. Check the graph first."""

    def __init__(self, graph: OnnxGraph) -> None:
        super().__init__()
        self.graph = graph
        for index, shape in enumerate(graph.tensors):
            self.register_parameter(f"t{index}", nn.Parameter(torch.empty(shape), requires_grad=False))
        self._constants = [constant_tensor(each) for each in graph.constants]

    def forward(self, x: Tensor) -> Tensor:
        return self._run(x)

    def features(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> what the last layer with weights is given, averaged over space: (N, F)."""
        parts = []
        for picture in self._batches(x):
            given: list[Tensor] = []

            def keep(_index: int, node: Node, inputs: list[Tensor | None], _made: tuple[Tensor, ...]) -> None:
                if node.op in _LINEAR and inputs[0] is not None and inputs[0].ndim in (2, 3, 4):
                    given[:] = [inputs[0]]  # noqa: B023 - called in this turn only

            self._run(picture, keep)
            last = given[0] if given else picture
            parts.append(
                last.mean(dim=(2, 3)) if last.ndim == 4 else last.flatten(1, -2).mean(1) if last.ndim == 3 else last
            )
        return torch.cat(parts)

    def feature_maps(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) -> the last square (N, c, h, w) at each resolution, fine to coarse."""
        found: list[dict[int, Tensor]] = []
        for picture in self._batches(x):
            maps: dict[int, Tensor] = {}

            def keep(_index: int, node: Node, _inputs: list[Tensor | None], made: tuple[Tensor, ...]) -> None:
                out = made[0]
                if node.op in _OF_MAPS and out.ndim == 4 and out.shape[2] == out.shape[3] > 1:
                    maps[out.shape[3]] = out  # noqa: B023 - called in this turn only

            self._run(picture, keep)
            found.append(maps)
        return [torch.cat([maps[size] for maps in found]) for size in sorted(found[0], reverse=True)]

    def as_modules(self) -> nn.Module:
        """Return the same network with a module for every node, which the node's first output passes: for hooks."""
        return _NodeModules(self)

    def _batches(self, x: Tensor) -> tuple[Tensor, ...]:
        return (x,) if self.graph.any_batch else x.split(1)

    def _run(self, x: Tensor, observe: Observer | None = None) -> Tensor:
        if not self.graph.any_batch and len(x) > 1:
            return torch.cat([self._run(picture, observe) for picture in x.split(1)])
        return run_graph(self.graph, self._known(x), observe)

    def _known(self, x: Tensor) -> dict[int, Tensor]:
        """Return picture, tensors and constants by number."""
        known = [x, *(getattr(self, f"t{index}") for index in range(len(self.graph.tensors))), *self._constants]
        return dict(enumerate(known))


class _NodeModule(nn.Identity):
    """What a node's first output passes."""

    def __init__(self, op: str) -> None:
        super().__init__()
        self.op = op


class _NodeModules(nn.Module):
    """A network of nodes that hooks can watch."""

    def __init__(self, network: OnnxNetwork) -> None:
        super().__init__()
        self._network = (network,)  # not a part of this one: its parameters are its own
        self.nodes = nn.ModuleList(_NodeModule(node.op) for node in network.graph.nodes)
        self._module_of = {id(node): module for node, module in zip(network.graph.nodes, self.nodes, strict=True)}

    def forward(self, x: Tensor) -> Tensor:
        def run(node: Node, given: list[Tensor | None], opset: int) -> tuple[Tensor, ...]:
            first, *others = run_node(node, given, opset)
            return self._module_of[id(node)](first), *others

        (network,) = self._network
        return run_graph(network.graph, network._known(x), run=run)


_HOST_MACS = 10**10
_LINEAR = ("Gemm", "MatMul", "Conv")
_OF_MAPS = ("Conv", "BatchNormalization", "Relu", "LeakyRelu", "HardSwish", "Clip", "Elu")
