# SPDX-License-Identifier: MIT
"""Header of an explainer file: its fields, their limits, and the tensors that follow from it.

Every claim of a file is checked here, before memory is allocated for it.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import torch
from torch import nn

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData
from latent_explorer.models.architecture import GeneratorConfig, TrunkConfig
from latent_explorer.models.attributes import AttributeSet, has_own_ends
from latent_explorer.models.classifiers import (
    ONNX,
    Classifier,
    ClassifierConfig,
    is_known_architecture,
)
from latent_explorer.models.discriminator import Discriminator, Encoder
from latent_explorer.models.library_networks import option_problems
from latent_explorer.models.lucidrains import LucidrainsEncoder
from latent_explorer.models.onnx_graph.graph import graph_problems
from latent_explorer.models.onnx_graph.operators import OPERATORS
from latent_explorer.models.preprocessing import CHANNELS, INTERPOLATIONS
from latent_explorer.models.programs.program import PROGRAM, program_problems
from latent_explorer.models.skip_init import SkipInit
from latent_explorer.models.stylegan2 import Generator
from latent_explorer.models.tensor_file import DTYPE_NAMES, TensorInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FORMAT_VERSION = 2  # 1 for StyleGAN2 and classifiers of the libraries, which earlier versions open
STATISTICS = ("minimum", "maximum", "mean", "std")
MAX_WIDTH = 8192  # channels, dimensions
MAX_CLASSES = 10_000
MAX_SAMPLES = 1_000_000
MAX_TEXT = 1000  # characters of a name
MAX_OPTIONS = 32  # of a classifier's network

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
Expected = dict[str, tuple[str, tuple[int, ...]]]  # tensor name -> dtype name, shape


class SamplesHeader(msgspec.Struct, frozen=True):
    """Encoded pictures: `rows` is 1 if all rows of each picture's ws are equal, else num_ws."""

    ids: Annotated[tuple[Text, ...], msgspec.Meta(max_length=MAX_SAMPLES)]
    rows: int
    classes: int  # columns of samples.probs


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Contents of an explainer file without its tensors."""

    name: Text
    model_hash: Sha256
    content_sha256: Sha256  # over the sorted names and the bytes of all tensors
    generator: GeneratorConfig
    encoder: TrunkConfig | None = None
    discriminator: TrunkConfig | None = None
    classifiers: dict[Sha256, ClassifierConfig] = {}
    conditioned_on: Sha256 | None = None
    samples: SamplesHeader | None = None
    has_style_stats: bool = False
    attribute_sets: tuple[AttributeSet, ...] = ()
    provenance: dict[str, Any] = {}
    figures: dict[str, Any] = {}
    full_precision: bool = False  # the generator's tensors are fp32

    @property
    def format_version(self) -> int:
        """Return the version that a program must know to open the file."""
        as_data = any(each.architecture in (ONNX, PROGRAM) for each in self.classifiers.values())
        own_ends = any(has_own_ends(a) for each in self.attribute_sets for a in each.attributes)
        return FORMAT_VERSION if as_data or own_ends or self.of_lucidrains else 1

    @property
    def of_lucidrains(self) -> bool:
        """True if it holds a network of lucidrains' program, which is not trained here."""
        return any(part and part.lucidrains is not msgspec.UNSET for part in (self.generator, self.encoder))


class HeaderError(ValueError):
    """Reason for refusing a header; becomes a UserError that names the file."""


def parse_header(text: str) -> Header:
    """Return the header from its JSON, with types and limits checked. Raises HeaderError."""
    try:
        raw = guarded_json.decode(text, dict[str, Any])
        header = guarded_json.convert(raw, Header)
        unknown = next(_unknown_keys(raw, msgspec.to_builtins(header)), None)
    except DamagedData as error:
        raise HeaderError(str(error)) from error
    if unknown is not None:
        raise HeaderError(f"{unknown[:100]!r} is not known to this version")
    for problem in _problems(header):
        raise HeaderError(problem)
    return header


def build_networks(header: Header) -> dict[str, nn.Module]:
    """Return the networks that the header describes, by the prefix of their tensors, without memory for the tensors."""
    networks: dict[str, nn.Module] = {}
    with without_memory():
        networks["generator"] = Generator(header.generator)
        if header.encoder is not None:
            of_lucidrains = header.encoder.lucidrains is not msgspec.UNSET
            networks["encoder"] = LucidrainsEncoder(header.encoder) if of_lucidrains else Encoder(header.encoder)
        if header.discriminator is not None:
            networks["discriminator"] = Discriminator(header.discriminator)
        for key, config in header.classifiers.items():
            networks[f"classifiers.{key}"] = Classifier(config)
    return networks


@contextmanager
def without_memory() -> Iterator[None]:
    """Build networks in this context without memory for their tensors; HeaderError for those that cannot be built."""
    try:
        with SkipInit():
            yield
    except (RuntimeError, ValueError, TypeError, IndexError, OverflowError) as error:
        raise HeaderError(f"a network as it describes cannot be built ({error})") from error


def expected_tensors(header: Header, networks: Mapping[str, nn.Module]) -> Expected:
    """Return exactly the tensors that a file with this header must hold."""
    expected: Expected = {}
    for prefix, network in networks.items():
        full = (header.full_precision and prefix == "generator") or isinstance(network, LucidrainsEncoder)
        expected |= network_tensors(network, f"{prefix}.", torch.float32 if full else torch.float16)
    if header.samples is not None:
        count, config = len(header.samples.ids), header.generator
        expected["samples.ws"] = "F32", (count, header.samples.rows, config.w_dim)
        expected["samples.cond"] = "F32", (count, config.num_classes)
        expected["samples.probs"] = "F32", (count, header.samples.classes)
    if header.has_style_stats:
        for name in STATISTICS:
            expected[f"style_stats.{name}"] = "F32", (header.generator.layout.num_styles,)
    return expected


def network_tensors(network: nn.Module, prefix: str, floats: torch.dtype) -> Expected:
    """Return the tensors of a network as a file holds them, floating-point ones as `floats`."""
    return {
        prefix + name: (DTYPE_NAMES[floats if tensor.is_floating_point() else tensor.dtype], tuple(tensor.shape))
        for name, tensor in network.state_dict().items()
    }


def check_table(table: Mapping[str, TensorInfo], expected: Expected) -> None:
    """Raise HeaderError unless the file holds exactly the expected tensors."""
    for name in expected.keys() | table.keys():
        if name not in table:
            raise HeaderError(f"the tensor {name} is missing")
        if name not in expected:
            raise HeaderError(f"the tensor {name[:200]} belongs to none of its networks")
        actual = table[name].dtype, table[name].shape
        if actual != expected[name]:
            raise HeaderError(
                f"the tensor {name} is {actual[0]} {actual[1]}, not {expected[name][0]} {expected[name][1]}"
            )


def _unknown_keys(raw: Any, known: Any) -> Iterator[str]:
    """Yield the keys that the structs dropped: a foreign file may hold settings that would silently be ignored."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for key, value in raw.items():
            if key not in known:
                yield key
            else:
                yield from _unknown_keys(value, known[key])
    elif isinstance(raw, list) and isinstance(known, (list, tuple)):
        for one, other in zip(raw, known, strict=True):
            yield from _unknown_keys(one, other)


def _problems(header: Header) -> Iterator[str]:
    """Yield each violation of the limits that the types cannot express, as a sentence."""
    config = header.generator
    yield from _channels("generator", config.channels)
    yield from _within("generator.z_dim", config.z_dim, 1, MAX_WIDTH)
    yield from _within("generator.w_dim", config.w_dim, 1, MAX_WIDTH)
    yield from _within("generator.c_dim", config.c_dim, 0, MAX_CLASSES)
    yield from _within("generator.num_classes", config.num_classes, 0, MAX_CLASSES)
    yield from _within("generator.mapping_layers", config.mapping_layers, 1, 64)
    yield from _positive("generator.mapping_lr_mul", config.mapping_lr_mul)
    yield from _positive("generator.cond_gain", config.cond_gain)
    yield from _positive("generator.conv_clamp", config.conv_clamp)
    if config.lucidrains is not msgspec.UNSET:
        yield from _attention_problems("generator", config.lucidrains.attention, len(config.channels))
    for name, trunk in (("encoder", header.encoder), ("discriminator", header.discriminator)):
        if trunk is not None:
            yield from _trunk_problems(name, trunk, config)
    yield from _within("number of classifiers", len(header.classifiers), 0, 64)
    for classifier in header.classifiers.values():
        yield from classifier_problems(classifier)
    yield from _relations(header)


def _relations(header: Header) -> Iterator[str]:
    """Yield each contradiction between parts of the header."""
    counts = {key: len(config.class_names) for key, config in header.classifiers.items()}
    conditioned = counts.get(header.conditioned_on) if header.conditioned_on else None
    if header.encoder is not None:
        # What lucidrains' lacks are the logits of the classifier.
        lacks = (conditioned or 0) if header.encoder.lucidrains is not msgspec.UNSET else 0
        if header.generator.w_dim - header.encoder.outputs not in (0, lacks):
            yield f"its encoder makes {header.encoder.outputs} numbers where w has {header.generator.w_dim}"
    if header.conditioned_on and conditioned is None:
        yield "the classifier that it is conditioned on is not in it"
    if conditioned and header.generator.num_classes not in (0, conditioned):
        yield f"its generator is given {header.generator.num_classes} probabilities, its classifier has {conditioned}"
    if header.samples is not None:
        if header.samples.rows not in (1, header.generator.layout.num_ws):
            yield f"its samples have {header.samples.rows} rows of ws"
        yield from _within("samples.classes", header.samples.classes, 0, MAX_CLASSES)
        if conditioned and header.samples.classes != conditioned:
            yield f"its samples have {header.samples.classes} probabilities, its classifier {conditioned}"
    for attribute_set in header.attribute_sets:
        if attribute_set.classifier_id not in counts:
            yield "attributes in it were found with a classifier that is not in it"
            return
        for attribute in attribute_set.attributes:
            yield from _within("target", attribute.target, 0, counts[attribute_set.classifier_id] - 1)
            for entry in attribute.entries:
                layout, own_ends = header.generator.layout, entry.ends is not msgspec.UNSET
                last = layout.num_with_torgb if own_ends else layout.num_styles
                yield from _within("style_index", entry.style_index, 0, last - 1)


def _trunk_problems(name: str, trunk: TrunkConfig, generator: GeneratorConfig) -> Iterator[str]:
    yield from _channels(name, trunk.channels)
    yield from _within(f"{name}.outputs", trunk.outputs, 1, MAX_CLASSES)
    yield from _within(f"{name}.hidden", trunk.hidden, 1, MAX_WIDTH)
    yield from _positive(f"{name}.conv_clamp", trunk.conv_clamp)
    if trunk.lucidrains is not msgspec.UNSET:
        if name != "encoder":
            yield f"its {name} is lucidrains', which is not known to this version"
        yield from _attention_problems(name, trunk.lucidrains.attention, len(trunk.channels) + 1)
    if trunk.resolution != generator.resolution:
        yield f"its {name} takes {trunk.resolution} px, its generator makes {generator.resolution} px"


def _attention_problems(name: str, blocks: tuple[int, ...], count: int) -> Iterator[str]:
    if any(a >= b for a, b in pairwise(blocks)) or not all(0 <= k < count for k in blocks):
        yield f"{name}.lucidrains.attention is {blocks[:32]}"


def classifier_problems(config: ClassifierConfig) -> Iterator[str]:
    """Yield each fault of a classifier's description as a sentence; no network is built."""
    if not is_known_architecture(config.architecture):
        yield f"its classifier's architecture {config.architecture[:100]!r} is not known to this version"
    if (config.graph is not None) != (config.architecture == ONNX):
        yield f"its classifier's architecture {config.architecture[:100]!r} does not go with its graph"
    elif config.graph is not None:
        yield from graph_problems(config.graph, OPERATORS)
    if (config.program is not None) != (config.architecture == PROGRAM):
        yield f"its classifier's architecture {config.architecture[:100]!r} does not go with its program"
    elif config.program is not None:
        yield from program_problems(config.program, 1 if config.head == "sigmoid" else len(config.class_names))
    yield from _within("number of classes", len(config.class_names), 2, MAX_CLASSES)
    if max(map(len, (config.name, *config.class_names))) > MAX_TEXT:
        yield f"the name of its classifier or of a class is longer than {MAX_TEXT} characters"
    if config.head not in ("softmax", "sigmoid") or (config.head == "sigmoid" and len(config.class_names) != 2):
        yield f"its classifier's head {config.head[:100]!r} does not fit {len(config.class_names)} classes"
    yield from _positive("temperature", config.temperature)
    size = config.preprocessing.input_size
    yield from _within("input_size", size, 8, 2048)
    # A wider frame would leave nothing black.
    yield from _within("frame_only", config.frame_only, 0, (size - 1) // 2)
    pre = config.preprocessing
    for value in pre.std:
        yield from _positive("std", value)
    if not all(map(math.isfinite, pre.mean)):
        yield f"mean is {pre.mean}; it must be finite numbers"
    if not 0.1 <= pre.crop <= 1 or pre.interpolation not in INTERPOLATIONS or pre.channels not in CHANNELS:
        yield f"its preprocessing (crop {pre.crop}, {pre.interpolation[:20]}, {pre.channels[:20]}) is not known"
    if config.architecture == "small-resnet":
        yield from _within("number of stages", len(config.widths), 1, 16)
    yield from _widths("widths", config.widths)
    if len(config.options) > MAX_OPTIONS:
        yield f"its classifier's network has {len(config.options)} options"
    yield from option_problems(config.architecture, dict(config.options), size)


def _channels(name: str, channels: tuple[int, ...]) -> Iterator[str]:
    yield from _within(f"{name}.resolution", 4 << min(len(channels) - 1, 20) if channels else 0, 16, 1024)
    yield from _widths(f"{name}.channels", channels)


def _widths(name: str, values: Iterable[int]) -> Iterator[str]:
    for value in values:
        yield from _within(name, value, 1, MAX_WIDTH)


def _within(name: str, value: int, low: int, high: int) -> Iterator[str]:
    if not low <= value <= high:
        yield f"{name} is {value}; it must be {low} to {high}"


def _positive(name: str, value: float | None) -> Iterator[str]:
    if value is not None and not (math.isfinite(value) and 0 < value < 1e6):
        yield f"{name} is {value}; it must be a positive number"
