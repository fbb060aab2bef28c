# SPDX-License-Identifier: MIT
"""ONNX models: read, converted to a graph of torch operators, and asked about made-up pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import torch
from torch import Tensor

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.models.importers.classifiers.metadata import class_names_in, imagenet_preprocessing
from latent_explorer.models.importers.classifiers.onnx_conversion import Conversion
from latent_explorer.models.importers.classifiers.onnx_file import read_onnx
from latent_explorer.models.onnx_graph.graph import OPSETS, GraphError, Node, OnnxGraph, extended, next_value
from latent_explorer.models.onnx_graph.network import TORCH_ERRORS, OnnxNetwork
from latent_explorer.models.onnx_graph.operators import OPERATORS
from latent_explorer.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from latent_explorer.models.onnx_graph.graph import Attribute

_SMALLEST_PROBABILITY = 1e-7
_LONGEST = 1 << 20  # characters of metadata that are looked at


@dataclass(frozen=True)
class OnnxModel:
    """A converted file."""

    path: Path
    graph: OnnxGraph
    tensors: tuple[Tensor, ...]
    outputs: int
    channels: int
    size: int  # px, that it was converted for
    any_size: bool  # it could be converted for another size
    given_range: float  # largest value of a picture that the graph itself normalises: 1 or 255; 0: it does not
    producer: str
    metadata: dict[str, str]
    notes: tuple[str, ...] = ()

    def network(self) -> OnnxNetwork:
        """Return the network with its tensors."""
        network = OnnxNetwork(self.graph)
        network.load_state_dict(self.state())
        return network.eval()

    def state(self) -> dict[str, Tensor]:
        """Return the tensors by the network's names for them."""
        return {f"t{index}": tensor for index, tensor in enumerate(self.tensors)}

    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes in the file's metadata, () without."""
        return class_names_in({key.lower(): _parsed(text) for key, text in self.metadata.items()})

    def preprocessing(self) -> tuple[Preprocessing, str]:
        """Return how pictures should be given, and where that is known from."""
        usual = imagenet_preprocessing(self.size)
        if self.given_range:
            std = 1 / self.given_range
            text = f"the graph normalises pictures of 0 to {self.given_range:g} itself"
            found = msgspec.structs.replace(usual, mean=(0.0, 0.0, 0.0), std=(std, std, std))
        elif self.metadata.get("author") == "Ultralytics":
            found, text = Preprocessing(self.size, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), "that of Ultralytics"
        else:
            found, text = (
                usual,
                "the usual one of ImageNet: the file has none, so look at its verdicts on your pictures",
            )
        return (msgspec.structs.replace(found, channels="grey") if self.channels == 1 else found), text


def convert(path: Path, size: int = 0, one_by_one: bool = False) -> OnnxModel:
    """Return the network of an ONNX file for pictures of `size` px; 0: the file's own size, or 224.

    Raises UserError for a file that cannot be read, or that uses what is not known here.
    """
    try:
        file = read_onnx(path)
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}. Check the path.") from error
    except (DamagedData, OSError) as error:
        raise unreadable(path, "ONNX model", error, suffix=".onnx") from error
    unknown = sorted({node.op for node in file.nodes if node.op not in OPERATORS and node.op != "Constant"})
    if unknown:
        names = ", ".join(each[:100] or "one without a name" for each in unknown[:20])
        raise UserError(
            f"{path} uses operators that cannot be converted: {names}. Export "
            "the classifier alone, without what comes after it and without quantization."
        )
    if not OPSETS[0] <= file.opset <= OPSETS[1]:
        raise UserError(f"{path} has opset {file.opset}; opsets {OPSETS[0]} to {OPSETS[1]} are read. Export it again.")
    try:
        conversion = Conversion(file, size)
        found = conversion.result(one_by_one)
    except DamagedData as error:  # its tensors, which are read on the way
        raise UserError(f"{path} cannot be read: {error}. Export it again, into one file or one folder.") from error
    except GraphError as error:
        raise UserError(
            f"{path} cannot be converted: {error}. Export it again, for pictures of a fixed size."
        ) from error
    return OnnxModel(
        path, found.graph, found.tensors, found.outputs, conversion.channels, conversion.size, conversion.any_size,
        found.given_range, file.producer, file.metadata, found.notes,
    )  # fmt: skip


def checked(model: OnnxModel) -> OnnxModel:
    """Return the model after it was asked about made-up pictures: batches, probabilities, finite numbers.

    Raises UserError if its answers are not numbers.
    """
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randn((3, model.channels, model.size, model.size), generator=generator)
    try:
        with torch.inference_mode():
            network = model.network()
            single = torch.cat([network(picture) for picture in pictures.split(1)])
            together = network(pictures) if model.graph.any_batch else single
    except (GraphError, *TORCH_ERRORS) as error:
        raise UserError(
            f"{model.path} cannot be run: {' '.join(str(error).split())[:200]}. Export it again."
        ) from error
    if not single.isfinite().all():
        raise UserError(
            f"{model.path} answers with numbers that are not finite. Check the model that it was exported from."
        )
    if not torch.allclose(single, together, rtol=1e-3, atol=1e-3 * float(single.abs().max())):
        model = convert(model.path, model.size, one_by_one=True)
    sums = single.sum(dim=1)
    if model.outputs > 1 and (single >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-3):
        ends = (
            Node("Clip", (model.graph.output,), attributes={"min": _SMALLEST_PROBABILITY}),
            Node("Log", (next_value(model.graph),)),
        )
        graph = extended(model.graph, *ends)
        model = replace(model, graph=graph, notes=(*model.notes, "Its probabilities are taken as their logarithms."))
    return model


def with_output(model: OnnxModel, output: int) -> OnnxModel:
    """Return the model with one of its outputs."""
    attributes: dict[str, Attribute] = {"starts": (output,), "ends": (output + 1,), "axes": (1,)}
    graph = extended(model.graph, Node("Slice", (model.graph.output,), attributes=attributes))
    return replace(model, graph=graph, outputs=1)


def _parsed(text: str) -> Any:
    """Return the value in a text of metadata: JSON, a list of words, or Python's notation as Ultralytics writes it."""
    try:
        return guarded_json.decode(text, dict[str, Any] | list[Any])  # type: ignore[arg-type]
    except DamagedData:
        pairs = re.findall(r"""([0-9]{1,6})\s*:\s*(?:'([^']*)'|"([^"]*)")""", text[:_LONGEST])
        if pairs:
            return {number: first or second for number, first, second in pairs}
        return [part.strip() for part in re.split(r"[,\n]", text[:_LONGEST]) if part.strip()]
