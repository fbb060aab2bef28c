# SPDX-License-Identifier: MIT
"""From the nodes of an ONNX file to a graph that can be stored: numbered, constants computed, logits at its end.

What a graph computes from shapes is found by trial runs with one, two and three pictures: values that are the same
for two and three are constants. A graph that was exported for one picture is tried with more; where its shapes do not
allow it, it takes one picture at a time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor

from latent_explorer.models.importers.classifiers.onnx_file import OnnxFile, StoredTensor
from latent_explorer.models.onnx_graph.graph import (
    MAX_ELEMENTS,
    MAX_INPUTS,
    Attribute,
    Constant,
    GraphError,
    Node,
    OnnxGraph,
    extended,
    next_value,
)
from latent_explorer.models.onnx_graph.layout import numbers
from latent_explorer.models.onnx_graph.network import TORCH_ERRORS, Trial, guarded_node

if TYPE_CHECKING:
    from latent_explorer.models.importers.classifiers.onnx_file import StoredNode, StoredValue

USUAL_SIZE = 224  # px, of a graph that takes any
SMALL = 64  # numbers of a tensor whose content is known in trial runs: shapes are computed from such ones
IN_GRAPH = 8  # numbers of a float tensor that is stored with the graph, not with the weights
LARGEST = 65504.0  # stands for infinity: masks are added before a softmax, and explainers keep half precision
_BOOL, _UINT8 = 9, 2
_PICTURES = (1, 10, 11, _UINT8, 16)  # data types of a picture: float32, float16, float64, uint8, bfloat16
_THROUGH = ("Identity", "Cast", "Flatten", "Reshape", "Squeeze", "Dropout")


class Converted(NamedTuple):
    """Result of a conversion."""

    graph: OnnxGraph
    tensors: tuple[Tensor, ...]
    outputs: int
    given_range: float  # largest value of a picture that the graph itself normalises: 1 or 255; 0: it does not
    notes: tuple[str, ...]


class Conversion:
    """One file on its way to a graph. Values are numbered as in OnnxGraph, with all constants as tensors."""

    def __init__(self, file: OnnxFile, size: int) -> None:
        self.file = file
        self.notes: list[str] = []
        self.picture, self.channels, own_size, self.last = _picture(file)
        if own_size and size and own_size != size:
            raise GraphError(f"it takes pictures of {own_size} px, not {size}")
        self.size = own_size or size or USUAL_SIZE
        self.any_size = not own_size
        self.known: dict[int, Tensor] = {}  # constants by number, those of nodes too
        self.numbers: dict[str, int] = {}
        self.graph = self._number()
        self._fold()

    def result(self, one_by_one: bool = False) -> Converted:
        """Return the result. Raises GraphError."""
        first = self._trial(1)
        any_batch = not one_by_one and (self._try_batches(first) or self._try_batches(self._fix_reshapes(first)))
        if not any_batch:
            self.known |= first.host
        output, count = self._choose_output(first)
        output = self._logits(output, count, first)
        graph, tensors = self._assemble(output, any_batch)
        if tuple(first.shapes[output]) != (1, count):
            to_rows: dict[str, Attribute] = {"shape": (-1, count)}
            graph = extended(graph, Node("Reshape", (graph.output,), attributes=to_rows))
        if not any_batch:
            self.notes.append("It was exported for one picture at a time: slower.")
        return Converted(graph, tensors, count, self._given_range(), tuple(self.notes))

    def _number(self) -> OnnxGraph:
        """Return the file's graph by numbers; its constants go to `known`."""
        stored = dict(self.file.tensors)
        nodes = []
        for node in self.file.nodes:
            if node.op == "Constant":
                value = _constant_of(node)
                for name in node.outputs:
                    stored[name] = value
            else:
                nodes.append(node)
        for number, (name, value) in enumerate(stored.items(), 1):
            self.numbers[name] = number
            self.known[number] = self._tensor(value)
        self.numbers[self.picture.name] = 0
        number = 1 + len(stored)
        made = []
        if self.last:
            made.append(Node("Transpose", (0,), attributes={"perm": (0, 2, 3, 1)}))
            self.numbers[self.picture.name], number = number, number + 1
        for node in nodes:
            inputs = tuple(self._number_of(name, node) for name in node.inputs)
            made.append(Node(node.op, inputs, max(1, len(node.outputs)), self._attributes(node)))
            for index, name in enumerate(node.outputs):
                if name and name in self.numbers:
                    raise GraphError(f"two nodes put out {name[:100]!r}")
                self.numbers[name] = number + index
            number += max(1, len(node.outputs))
        shapes = tuple(tuple(self.known[number].shape) for number in sorted(self.known))
        return OnnxGraph(self.file.opset, shapes, (), tuple(made), 0)

    def _number_of(self, name: str, node: StoredNode) -> int:
        if not name:
            return -1
        if name not in self.numbers:
            raise GraphError(f"{node.op} takes {name[:100]!r}, which comes later or not at all")
        return self.numbers[name]

    def _attributes(self, node: StoredNode) -> dict[str, Attribute]:
        """Return the attributes that a stored graph can hold."""
        kept: dict[str, Attribute] = {}
        for name, value in node.attributes.items():
            if isinstance(value, StoredTensor):
                if value.elements != 1:
                    raise GraphError(f"{node.op} has a tensor as its {name[:100]!r}")
                kept[name] = self._tensor(value).reshape(-1)[0].item()
            elif isinstance(value, tuple):
                if len(value) > MAX_INPUTS:
                    raise GraphError(f"{node.op} has {len(value)} numbers as its {name[:100]!r}")
                kept[name] = tuple(map(_finite, value))
            elif value is not None:
                kept[name] = value if isinstance(value, str) else _finite(value)
        return kept

    def _tensor(self, stored: StoredTensor) -> Tensor:
        """Return a tensor in the type that a graph computes with."""
        array = self.file.array(stored)
        if array.dtype.kind == "f":
            values = array.astype(np.float32)
            if np.isnan(values).any():
                raise GraphError(f"the tensor {stored.name[:100]!r} holds values that are no numbers")
            if np.isinf(values).any():
                values = values.clip(-LARGEST, LARGEST)
            return torch.from_numpy(values)
        if stored.dtype == _BOOL:
            return torch.from_numpy(array != 0)
        return torch.from_numpy(array.astype(np.int64))

    def _fold(self) -> None:
        """Compute what depends on constants alone."""
        number, left = self.graph.first_node_value, MAX_ELEMENTS
        for node in self.graph.nodes:
            if all(value < 0 or value in self.known for value in node.inputs):
                given = [None if value < 0 else self.known[value] for value in node.inputs]
                try:
                    made = guarded_node(node, given, self.graph.opset, left)
                except GraphError:
                    raise
                except TORCH_ERRORS as error:
                    raise GraphError(f"{node.op}: {' '.join(str(error).split())[:200]}") from error
                left -= sum(x.numel() for x in made)
                self.known |= {number + index: x.contiguous() for index, x in enumerate(made)}
            number += node.outputs

    def _trial(self, batch: int) -> _Seen:
        """Run on pictures without content and note shapes, and values that are known."""
        seen = _Seen()
        seen.shapes[0] = torch.Size((batch, self.channels, self.size, self.size))
        content = {
            number: x if x.numel() <= SMALL or not x.is_floating_point() else x.to("meta")
            for number, x in self.known.items()
        }
        seen.note(content)
        numbered = dict(zip(range(len(self.graph.nodes)), _starts(self.graph), strict=True))

        def observe(index: int, _node: Node, _given: list[Tensor | None], made: tuple[Tensor, ...]) -> None:
            seen.note({numbered[index] + i: x for i, x in enumerate(made)})

        last = self.graph.nodes[-1] if self.graph.nodes else None
        if last is None:
            raise GraphError("it has no nodes")
        graph = msgspec.structs.replace(self.graph, output=next_value(self.graph) - 1)
        Trial(graph, content).run((batch, self.channels, self.size, self.size), observe)
        return seen

    def _fix_reshapes(self, first: _Seen) -> _Seen:
        """Write the sizes of one picture where a shape starts with 1 and leaves another size open.

        [1, -1] would put a whole batch into one row; [1, 768] is multiplied by the batch.
        """
        nodes = list(self.graph.nodes)
        for index, (node, number) in enumerate(zip(nodes, _starts(self.graph), strict=True)):
            if (
                node.op == "Reshape"
                and len(node.inputs) == 2
                and node.inputs[1] in self.known
                and number in first.shapes
            ):
                wanted = numbers(self.known[node.inputs[1]])
                if wanted[:1] == [1] and -1 in wanted:
                    shape: dict[str, Attribute] = {"shape": tuple(first.shapes[number])}
                    nodes[index] = Node("Reshape", node.inputs[:1], 1, shape)
        self.graph = msgspec.structs.replace(self.graph, nodes=tuple(nodes))
        return first

    def _try_batches(self, first: _Seen) -> bool:
        """Return True if it takes several pictures at once; what is the same for two and three becomes constant."""
        try:
            two, three = self._trial(2), self._trial(3)
            name = next(value.name for value in self.file.outputs if self.numbers.get(value.name) in first.shapes)
            number = self.numbers[name]
            shape = list(first.shapes[number])
            if [two.shapes[number][0], three.shapes[number][0]] != [2, 3] or shape[:1] != [1]:
                return False
            if not list(two.shapes[number][1:]) == list(three.shapes[number][1:]) == shape[1:]:
                return False
        except (GraphError, StopIteration, IndexError):
            return False
        for key, value in two.host.items():
            other = three.host.get(key)
            if (
                other is not None
                and value.shape == other.shape
                and value.dtype == other.dtype
                and torch.equal(value, other)
            ):
                self.known[key] = value
        return True

    def _choose_output(self, first: _Seen) -> tuple[int, int]:
        """Return the value that holds one number a class, and how many."""
        found = []
        for value in self.file.outputs:
            number = self.numbers.get(value.name, -1)
            shape = first.shapes.get(number)
            if shape is not None and number in first.floats and number not in self.known:
                count = math.prod(shape)
                if 1 <= count <= 10_000 and max(shape, default=1) == count:
                    found.append((number, count, value.name))
        if not found:
            raise GraphError("none of its outputs is one number a class")
        if len(self.file.outputs) > 1:
            self.notes.append(f"Of its {len(self.file.outputs)} outputs {found[0][2]!r} is read.")
        return found[0][:2]

    def _logits(self, output: int, count: int, first: _Seen) -> int:
        """Return the value before a softmax or sigmoid at the end, else the output."""
        makers = dict(zip(_starts(self.graph), self.graph.nodes, strict=True))
        at = output
        while (node := makers.get(at)) is not None and node.op in _THROUGH and node.inputs:
            if math.prod(first.shapes.get(node.inputs[0], ())) != count:
                break
            at = node.inputs[0]
        if node is None or node.op not in ("Softmax", "Sigmoid"):
            return output
        shape = first.shapes[at]
        usual = 1 if self.file.opset < 13 else -1
        axis = node.attributes.get("axis", usual)
        if node.op == "Softmax" and not (isinstance(axis, int) and shape[axis % len(shape)] == count):
            return output
        if node.op == "Sigmoid" and count > 1:
            self.notes.append(f"It answers yes or no to each of {count} labels: choose one with --output N.")
        return node.inputs[0]

    def _assemble(self, output: int, any_batch: bool) -> tuple[OnnxGraph, tuple[Tensor, ...]]:
        """Return the graph with only what the output needs, and its tensors."""
        needed, kept = {output}, []
        for node, number in reversed(list(zip(self.graph.nodes, _starts(self.graph), strict=True))):
            made = range(number, number + node.outputs)
            if any(value in needed and value not in self.known for value in made):
                needed |= {value for value in node.inputs if value >= 0}
                kept.append((node, number))
        used = sorted(value for value in needed if value in self.known)
        stored = [value for value in used if _is_weight(self.known[value])]
        small = [value for value in used if not _is_weight(self.known[value])]
        order = {value: index for index, value in enumerate([0, *stored, *small])}
        nodes = []
        for node, number in reversed(kept):
            nodes.append(msgspec.structs.replace(node, inputs=tuple(-1 if v < 0 else order[v] for v in node.inputs)))
            start = len(order)
            order |= {number + index: start + index for index in range(node.outputs)}
        graph = OnnxGraph(
            self.file.opset, tuple(tuple(self.known[value].shape) for value in stored),
            tuple(_constant(self.known[value]) for value in small), tuple(nodes), order[output], any_batch,
        )  # fmt: skip
        return graph, tuple(self.known[value].contiguous() for value in stored)

    def _given_range(self) -> float:
        """Return 1 or 255 if the graph starts by normalising the picture, else 0."""
        at = 0
        values: list[float] = []
        for node, number in zip(self.graph.nodes, _starts(self.graph), strict=True):
            if at not in node.inputs:
                continue
            others = [self.known[value] for value in node.inputs if value in self.known]
            if node.op in ("Sub", "Div", "Mul", "Add") and len(others) == 1 and len(values) < 2:
                size = float(others[0].float().abs().max()) if others[0].numel() else 0.0
                values.append(1 / max(size, 1e-9) if node.op == "Mul" else size)
            elif node.op not in ("Transpose", "Cast", "Identity", "Resize", "Gather", "Slice"):
                break
            at = number
        if not values:
            return 255.0 if self.picture.dtype == _UINT8 else 0.0
        return 255.0 if max(values) > 10 else 1.0


class _Seen:
    """What a trial run showed: shapes, which values are floats, and content that is known."""

    def __init__(self) -> None:
        self.shapes: dict[int, torch.Size] = {}
        self.floats: set[int] = set()
        self.host: dict[int, Tensor] = {}

    def note(self, values: dict[int, Tensor]) -> None:
        for number, x in values.items():
            self.shapes[number] = x.shape
            if x.is_floating_point():
                self.floats.add(number)
            if not x.is_meta:
                self.host[number] = x


def _starts(graph: OnnxGraph) -> list[int]:
    """Return the number of each node's first output."""
    starts, number = [], graph.first_node_value
    for node in graph.nodes:
        starts.append(number)
        number += node.outputs
    return starts


def _is_weight(x: Tensor) -> bool:
    return x.is_floating_point() and x.numel() > IN_GRAPH


def _constant(x: Tensor) -> Constant:
    shape = tuple(x.shape)
    if x.is_floating_point():
        return Constant("float32", shape, tuple(x.clamp(-3.4e38, 3.4e38).reshape(-1).tolist()))
    if x.dtype == torch.bool:
        return Constant("bool", shape, tuple(x.int().reshape(-1).tolist()))
    return Constant("int64", shape, tuple(x.reshape(-1).tolist()))


def _finite(value: float) -> int | float:
    return max(-3.4e38, min(3.4e38, value)) if isinstance(value, float) else value


def _constant_of(node: StoredNode) -> StoredTensor:
    """Return the tensor of a Constant node."""
    for name, value in node.attributes.items():
        if name == "value" and isinstance(value, StoredTensor):
            return value
        if name in ("value_float", "value_floats", "value_int", "value_ints"):
            listed = value if isinstance(value, tuple) else (value,)
            if all(isinstance(each, (int, float)) for each in listed):
                kind = np.float32 if "float" in name else np.int64
                data = np.array(listed, kind)
                shape = (len(listed),) if name.endswith("s") else ()
                return StoredTensor("", 1 if "float" in name else 7, shape, memoryview(data.tobytes()))
    raise GraphError("a constant in it is a text or a sparse tensor")


def _picture(file: OnnxFile) -> tuple[StoredValue, int, int, bool]:
    """Return the graph's picture, its channels, its size (0: any), and whether its channels come last."""
    inputs = [value for value in file.inputs if value.name not in file.tensors]
    if len(inputs) != 1:
        names = ", ".join(value.name[:50] for value in inputs[:5])
        raise GraphError(f"it takes {len(inputs)} inputs ({names}), not one picture")
    value = inputs[0]
    if value.shape is None or len(value.shape) != 4 or value.dtype not in _PICTURES:
        raise GraphError(f"its input {value.name[:50]!r} is not a batch of pictures")
    batch, first, *_, last = value.shape
    channels_last = last in (1, 3) and first not in (1, 3)
    channels = last if channels_last else first
    height, width = value.shape[1:3] if channels_last else value.shape[2:]
    if batch > 1:
        raise GraphError(f"it takes {batch} pictures at a time: export it for one, or any number")
    if channels not in (1, 3, -1):
        raise GraphError(f"it takes pictures of {channels} channels")
    if height > 0 and width > 0 and height != width:
        raise GraphError(f"it takes pictures of {width} x {height} px; only square ones can be shown to it")
    size = max(height, width)
    if size > 0 and not 8 <= size <= 2048:
        raise GraphError(f"it takes pictures of {size} px")
    return value, 3 if channels < 0 else channels, max(0, size), channels_last
