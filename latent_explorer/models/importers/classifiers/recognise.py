# SPDX-License-Identifier: MIT
"""Recognise the network of a state dict by the names and shapes of its tensors, among torchvision's and timm's.

Building all of the libraries' 1,400 networks takes minutes. A table of two figures for each, made by
`packaging/network_table.py`, says which few are near; those are built without memory and compared tensor by tensor.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Progress
from latent_explorer.common.paths import resource
from latent_explorer.models.importers.state_dicts import shape_of
from latent_explorer.models.library_networks import build_library_network, network_names
from latent_explorer.models.skip_init import SkipInit

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from latent_explorer.common.events import Event
    from latent_explorer.models.library_networks import Option

Shapes = dict[str, tuple[int, ...]]

BUILT = 24  # candidates that are built and compared
MOST_TENSORS = 10_000  # of a network; the largest of the libraries has 2,683
HINTS = 8  # of those, at most so many are built because the file names them
_PROBE = 977  # outputs of a network that is built to compare: no layer inside of one is so wide
# Tensors that no network needs: counters of batch norm, and what profilers and averaging leave behind.
_IGNORED = re.compile(r"(.*\.)?(num_batches_tracked|total_ops|total_params|n_averaged)$")
# Side outputs that only a training uses.
_SIDE = re.compile(r"(aux1|aux2|AuxLogits|aux_classifier)\.")


class Match(NamedTuple):
    """How a network of a library fits a state dict."""

    architecture: str  # "timm:resnet18"
    outputs: int  # width of the head; 0 if it has none
    channels: int  # 3, or 1 for grey pictures
    input_size: int  # px, of a network that is made for one size; else 0
    names: dict[str, str]  # the network's tensors -> the file's
    missing: tuple[str, ...] = ()  # tensors of the network that the file lacks
    unexpected: tuple[str, ...] = ()  # tensors of the file that the network has no place for
    misshaped: tuple[str, ...] = ()  # tensors of both, of different shapes
    share: float = 1.0  # of the network's numbers that fit
    options: tuple[tuple[str, Option], ...] = ()  # of a network with other sizes than its name says

    @property
    def fits(self) -> bool:
        return not (self.missing or self.unexpected or self.misshaped) and self.outputs > 0

    def problem(self) -> str:
        """Return what does not fit, as one clause; "" if all does."""
        parts = []
        for names, what in (
            (self.missing, "{n} of its tensors are not in the file ({first})"),
            (self.unexpected, "the file has {n} tensors that it lacks ({first})"),
            (self.misshaped, "{n} tensors have other shapes ({first})"),
        ):
            if names:
                parts.append(what.format(n=len(names), first=", ".join(names[:2]) + ("..." if len(names) > 2 else "")))
        if not self.outputs and not parts:
            parts.append("its last layer was not found")
        return "; ".join(parts)


def recognise(tensors: Mapping[str, Any], hints: Iterable[str] = ()) -> Generator[Event, None, list[Match]]:
    """Return the networks that fit, or else the nearest three, the best first. A job.

    Several fit where networks have the same tensors and compute differently with them: resnet18 and resnetblur18.

    `hints` are names that the file itself gives, such as "resnet18". Raises UserError if nothing is near.
    """
    shapes = compared_shapes(tensors)
    if not shapes:
        raise UserError("It holds no tensors of a network.")
    if len(shapes) > MOST_TENSORS:
        raise UserError(f"It holds {len(shapes):,} tensors, which no network of torchvision or timm has.")
    matches = []
    candidates = list(dict.fromkeys([*_hinted(hints), *_nearest(shapes)]))
    for done, architecture in enumerate(candidates):
        yield Progress(done, len(candidates), "Recognising the network")
        found = match(architecture, shapes)
        if found is not None:
            matches.append(found)
            if found.fits:
                return [found, *_of_the_same_tensors(found, shapes)]
    return sorted(matches, key=lambda each: -each.share)[:3]


def compared_shapes(tensors: Mapping[str, Any]) -> Shapes:
    """Return the shapes of the tensors by which networks are compared: counters are left out."""
    return {name: shape_of(tensor) for name, tensor in tensors.items() if not _IGNORED.match(name)}


def _of_the_same_tensors(found: Match, shapes: Shapes) -> list[Match]:
    """Return the other networks that fit. Only those with as many tensors and values can; at most five have."""
    table, known = _table(), set(network_names())
    others = [
        name
        for name, figures in table.items()
        if figures == table.get(found.architecture) and name != found.architecture and name in known
    ]
    return [other for name in others if (other := match(name, shapes)) is not None and other.fits]


def match(
    architecture: str, shapes: Shapes, options: tuple[tuple[str, Option], ...] = (), input_size: int = 0
) -> Match | None:
    """Compare a network with the shapes of a state dict. Return None if it cannot be built here.

    `input_size` is that of a network which is made for one size; 0 reads it off the shapes.
    """
    expected = _expected(architecture, input_size, options)
    if expected is None:
        return None
    if not input_size and (input_size := _fixed_size(expected, shapes)):
        expected = _expected(architecture, input_size, options) or expected
    head = {name for name, shape in expected.items() if shape[:1] == (_PROBE,)}
    names, outputs = _match_head(head, expected, shapes)
    channels, stem = 3, _stem(expected)
    for name, shape in expected.items():
        if name in head or name not in shapes or _SIDE.match(name):
            continue
        if shapes[name] == shape:
            names[name] = name
        elif name == stem and shapes[name] == (shape[0], 1, *shape[2:]):
            names[name], channels = name, 1
    used = set(names.values())
    missing = tuple(n for n in expected if n not in names and n not in shapes and not _SIDE.match(n))
    misshaped = tuple(n for n in expected if n in shapes and n not in names and n not in head and not _SIDE.match(n))
    unexpected = tuple(n for n in shapes if n not in used and n not in expected and not _SIDE.match(n))
    total = sum(math.prod(shape) for name, shape in expected.items() if name not in head)
    fitting = sum(math.prod(expected[name]) for name in names if name not in head)
    extra = sum(math.prod(shapes[name]) for name in unexpected)
    if not outputs:
        missing = tuple(n for n in missing if n not in head)
    return Match(
        architecture,
        outputs,
        channels,
        input_size,
        names,
        missing,
        unexpected,
        misshaped,
        fitting / (total + extra),
        options,
    )


def _match_head(head: set[str], expected: Shapes, shapes: Shapes) -> tuple[dict[str, str], int]:
    """Return the head's tensors with the file's names for them, and its width.

    A person's own head has the library's name, that of a layer in a Sequential ("fc.1.weight") or any other one, if it
    is the only linear layer that the network itself does not have.
    """
    names: dict[str, str] = {}
    if all(name in shapes and shapes[name][1:] == expected[name][1:] for name in head) and head:
        return {name: name for name in head}, shapes[next(iter(head))][0]
    weights = [name for name in head if name.endswith("weight") and len(expected[name]) in (2, 4)]
    if len(weights) != 1:
        return names, 0
    width = expected[weights[0]][1]
    own = [
        n
        for n, s in shapes.items()
        if n not in expected and len(s) in (2, 4) and s[1] == width and s[2:] in ((), (1, 1))
    ]
    if len(own) != 1 or any(n not in expected and len(s) >= 2 and n != own[0] for n, s in shapes.items()):
        return names, 0
    outputs = shapes[own[0]][0]
    for name in head:
        source = own[0].removesuffix("weight") + name.rpartition(".")[2]
        if source in shapes and shapes[source][0] == outputs:
            names[name] = source
    return names, outputs if len(names) == len(head) else 0


def _fixed_size(expected: Shapes, shapes: Shapes) -> int:
    """Return the input size that a file's position embeddings speak of, if it is not the library's; else 0."""
    for name, shape in expected.items():
        mine = shapes.get(name, shape)
        if not re.search(r"pos_embed(ding)?$", name) or len(shape) != 3 or mine == shape or mine[2:] != shape[2:]:
            continue
        for extra in (1, 0, 2, 5):  # class, distillation and register tokens
            grid, own = math.isqrt(max(0, shape[1] - extra)), math.isqrt(max(0, mine[1] - extra))
            if grid and grid**2 + extra == shape[1] and own and own**2 + extra == mine[1]:
                patch = next((s[-1] for s in expected.values() if len(s) == 4 and s[1] == 3), 0)
                return own * patch
    return 0


def _stem(expected: Shapes) -> str:
    """Return the name of the first convolution of a picture's three channels."""
    return next((name for name, shape in expected.items() if len(shape) == 4 and shape[1] == 3), "")


@cache
def _expected(architecture: str, input_size: int = 0, options: tuple[tuple[str, Option], ...] = ()) -> Shapes | None:
    """Return names and shapes of a network with `_PROBE` outputs, or None if it cannot be built here."""
    try:
        with SkipInit():
            network = build_library_network(architecture, _PROBE, input_size, options=dict(options))
    except (UserError, RuntimeError, ValueError, TypeError, AssertionError, KeyError, AttributeError):
        return None
    return {n: tuple(t.shape) for n, t in network.state_dict().items() if not _IGNORED.match(n)}


def figures_of(architecture: str) -> tuple[int, int] | None:
    """Return how many tensors and values a network has, for the table, or None if it cannot be built here."""
    expected = _expected.__wrapped__(architecture)  # 1,400 of them are not kept
    if expected is None:
        return None
    return len(expected), sum(math.prod(shape) for shape in expected.values() if shape[:1] != (_PROBE,))


def _hinted(hints: Iterable[str]) -> list[str]:
    """Return the networks that a file's own words name: "resnet18", "timm/resnet18.a1_in1k", "vit_b_16"."""
    known = set(network_names())
    words = [re.sub(r"\..*", "", hint.rpartition("/")[2]).replace("-", "_").lower() for hint in hints]
    named = (f"{library}:{word}" for word in words for library in ("torchvision", "timm"))
    return list(dict.fromkeys(name for name in named if name in known))[:HINTS]


def _nearest(shapes: Shapes) -> list[str]:
    """Return the networks whose number of tensors and of values is nearest, the nearest first."""
    count, values = len(shapes), sum(map(math.prod, shapes.values()))
    known = set(network_names())

    def distance(row: tuple[int, int]) -> float:
        return abs(math.log(row[0] / count)) * 4 + abs(math.log(row[1] / max(1, values)))

    ranked = sorted(_table().items(), key=lambda item: (distance(item[1]), item[0].startswith("timm:")))
    return [name for name, _ in ranked if name in known][:BUILT]


@cache
def _table() -> dict[str, tuple[int, int]]:
    """Return tensors and values of the libraries' networks, without heads and counters."""
    return guarded_json.read(resource("networks.json"), dict[str, tuple[int, int]])
