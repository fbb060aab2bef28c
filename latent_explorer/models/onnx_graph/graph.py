# SPDX-License-Identifier: MIT
"""An ONNX graph as plain values, and the limits that a file's graph must keep. Nothing here computes.

Values are numbered: 0 is the picture, then come the tensors, the constants, and what the nodes put out, in their order.
A node takes values with smaller numbers only, so a stored graph has no cycles and needs no names.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec

from latent_explorer.common.guarded_arrays import is_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NODES = 8_000
MAX_INPUTS = 1_000  # of one node
MAX_TENSORS = 8_000
MAX_NUMBERS = 1 << 17  # in constants and attributes together
MAX_RANK = 8
MAX_ELEMENTS = 1 << 28  # of one value, for one picture
MAX_SUM = 1 << 32  # of elements of all values, for one picture
MAX_MACS = 500_000_000_000  # multiplications and additions for one picture; ViT-H/14 takes 170e9
OPSETS = (7, 26)

Attribute = int | float | str | tuple[int | float, ...]
Shape = tuple[int, ...]


class GraphError(ValueError):
    """What is wrong with a graph, as words after "because"."""


class Constant(msgspec.Struct, frozen=True):
    """Numbers that belong to the graph and not to the weights: shapes, axes, scalars."""

    dtype: Literal["int64", "float32", "bool"]
    shape: Shape
    values: tuple[int | float, ...]


class Node(msgspec.Struct, frozen=True):
    """One operator; its attributes are those of the ONNX specification."""

    op: str
    inputs: tuple[int, ...]  # numbers of values; -1 for an optional one that is left out
    outputs: int = 1
    attributes: dict[str, Attribute] = {}


class OnnxGraph(msgspec.Struct, frozen=True):
    """Network from a picture (N, C, H, W) to logits (N, K)."""

    opset: int
    tensors: tuple[Shape, ...]  # of the weights, float32
    constants: tuple[Constant, ...]
    nodes: tuple[Node, ...]
    output: int
    any_batch: bool = True  # False: it takes one picture at a time

    @property
    def first_node_value(self) -> int:
        """Number of the first value that a node puts out."""
        return 1 + len(self.tensors) + len(self.constants)

    def last_uses(self) -> list[tuple[int, ...]]:
        """Return for each node the values that no later node takes."""
        last: dict[int, int] = {}
        for index, node in enumerate(self.nodes):
            last |= dict.fromkeys(node.inputs, index)
        ended: list[list[int]] = [[] for _ in self.nodes]
        for value, index in last.items():
            if value not in (-1, self.output):
                ended[index].append(value)
        return [tuple(values) for values in ended]


def next_value(graph: OnnxGraph) -> int:
    """Return the number that the first output of one more node would have."""
    return graph.first_node_value + sum(node.outputs for node in graph.nodes)


def extended(graph: OnnxGraph, *nodes: Node) -> OnnxGraph:
    """Return the graph with nodes of one output each at its end."""
    output = next_value(graph) + len(nodes) - 1
    return msgspec.structs.replace(graph, nodes=(*graph.nodes, *nodes), output=output)


def graph_problems(graph: OnnxGraph, operators: object) -> Iterator[str]:
    """Yield each fault of a graph's counts, numbers and names. `operators` holds the known names."""
    if not OPSETS[0] <= graph.opset <= OPSETS[1]:
        yield f"its graph has opset {graph.opset}; known are {OPSETS[0]} to {OPSETS[1]}"
    if len(graph.nodes) > MAX_NODES or len(graph.tensors) > MAX_TENSORS or len(graph.constants) > MAX_TENSORS:
        yield f"its graph has more than {MAX_NODES} nodes or tensors"
        return
    for shape in (*graph.tensors, *(constant.shape for constant in graph.constants)):
        if not is_shape(shape) or math.prod(shape) > MAX_ELEMENTS:
            yield f"its graph has a tensor of the shape {str(shape)[:100]}"
            return
    if sum(map(_numbers, graph.nodes)) + sum(len(each.values) for each in graph.constants) > MAX_NUMBERS:
        yield f"its graph holds more than {MAX_NUMBERS} numbers beside its tensors"
    for constant in graph.constants:
        if len(constant.values) != math.prod(constant.shape):
            yield f"a constant of its graph has {len(constant.values)} numbers for the shape {constant.shape}"
        if not all(math.isfinite(value) and abs(value) < 2**127 * 2 for value in constant.values):
            yield "a constant of its graph is not a finite number"
    known = graph.first_node_value
    for node in graph.nodes:
        if node.op not in operators:  # type: ignore[operator]
            yield f"its graph uses {node.op[:100]!r}, which is not known to this version"
            return
        if len(node.inputs) > MAX_INPUTS or any(not -1 <= value < known for value in node.inputs):
            yield f"{node.op} in its graph takes values that are not there"
            return
        if not 1 <= node.outputs <= MAX_INPUTS:
            yield f"{node.op} in its graph has {node.outputs} outputs"
            return
        known += node.outputs
    if not 0 <= graph.output < known:
        yield "its graph has no output"


def _numbers(node: Node) -> int:
    return len(node.inputs) + sum(
        len(value) if isinstance(value, (tuple, str)) else 1 for value in node.attributes.values()
    )
