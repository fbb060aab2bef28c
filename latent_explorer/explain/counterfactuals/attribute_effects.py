# SPDX-License-Identifier: MIT
"""How much attributes move what classifiers say, beyond what random edits of the same size do. A job.

An attribute is set to its end in each picture that is not of its class yet, and every classifier is asked of the same
picture before and after. The control are random edits that change the pixels as much: a classifier that moves as much
by these does not look at the attribute.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Progress
from latent_explorer.common.statistics import Mean, mean_interval
from latent_explorer.data.dataset import evenly_spaced_rows
from latent_explorer.data.images import to_uint8
from latent_explorer.explain.counterfactuals.controls import COORDINATES
from latent_explorer.explain.latents import Latent, cpu_threads
from latent_explorer.explain.recipe import Base, PictureRecipe, ProjectedBase, SampleBase, StyleShift, attribute_edits
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.attributes import Attribute

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.explain.recipe import Edit
    from latent_explorer.models.explainer import Explainer, Samples

DRAWS = 2  # random edits of each picture
AMOUNTS = tuple(0.02 * 2**k for k in range(8))  # of a random edit, in ways to the observed ends
_LATENT_ID = "attribute-effect"


@dataclass(frozen=True)
class Effect:
    """Changes of the probability that one classifier gives to an attribute's class, picture by picture.

    changes   (n,) with the attribute at its end
    random    (n,) mean |change| by random edits that change the pixels as much
    """

    changes: np.ndarray
    random: np.ndarray

    @cached_property
    def change(self) -> Mean:
        """Mean change, with its sign."""
        return Mean.of(self.changes.tolist())

    @cached_property
    def absolute(self) -> Mean:
        """Mean |change|."""
        return Mean.of(np.abs(self.changes).tolist())

    @cached_property
    def by_random(self) -> Mean:
        """Mean |change| by random edits as large."""
        return Mean.of(self.random.tolist())

    @cached_property
    def beyond(self) -> Mean:
        """The effect: mean |change| minus that by random edits as large, paired by pictures."""
        return Mean.of((np.abs(self.changes) - self.random).tolist())


# A picture's number, it before and after (R, R, 3) uint8, and P(class) before and after by those asked (2, C).
ShownPicture = tuple[int, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class MeasuredAttribute:
    """One attribute and its effect on each classifier that was asked, over the same pictures.

    rows           (n,) pictures that at least one judge does not give the attribute's class
    sizes          (n,) root mean square change of the pixels, of which black to white is 2
    random_sizes   (n,) the same of the random edits: smaller where these cannot change a picture so much
    shown          the first pictures, where any were asked for
    """

    attribute: Attribute
    class_name: str
    rows: np.ndarray
    sizes: np.ndarray
    random_sizes: np.ndarray
    effects: tuple[Effect, ...]
    shown: tuple[ShownPicture, ...] = ()


def relative_change(effect: Effect, to: Effect) -> tuple[float, tuple[float, float]]:
    """Return the mean change of one classifier relative to that of another, and its 95 % interval.

    An entry of the RelativeChange matrix (see `figures.relative_changes`). The interval is that of a ratio of means,
    linearised (Cochran 1977, section 6.4). NaN where the 95 % interval of the other's mean change holds 0: then there
    is nothing to be relative to.
    """
    low, high = to.change.interval
    if not (low > 0 or high < 0):
        return float("nan"), (float("nan"), float("nan"))
    ratio = effect.change.value / to.change.value
    return ratio, mean_interval((ratio + (effect.changes - ratio * to.changes) / to.change.value).tolist())


def attribute_effects(
    explainer: Explainer,
    attributes: Sequence[Attribute],
    class_names: Sequence[str],
    asked: Sequence[str],
    judges: Sequence[str],
    *,
    latents: Samples | None = None,
    n: int = 250,
    draws: int = DRAWS,
    shown: int = 0,
    device: str | torch.device = "cpu",
) -> Generator[Event, None, tuple[MeasuredAttribute, ...]]:
    """Measure attributes on n pictures of the explainer, or of `latents`. A job.

    class_names   what the attributes' targets are numbers of; classifiers are asked by name, in whatever order
    asked         ids of the classifiers that are asked
    judges        ids of those whose verdicts say which pictures are not of an attribute's class yet
    draws         random edits of each picture, of styles that are in no list of the explainer and no given attribute
    shown         pictures of each attribute to keep, before and after

    The same pictures and random edits every time, one picture at a time: the figures do not depend on batches.
    UserError where the explainer has no pictures, or a classifier lacks a class.
    """
    work = _Work(explainer, asked, judges, latents, device)
    targets = [class_names[attribute.target] for attribute in attributes]
    work.check(dict.fromkeys(targets))
    known = (*attributes, *(attribute for each in explainer.attribute_sets for attribute in each.attributes))
    avoided = {entry.style_index for attribute in known for entry in attribute.entries}
    pictures = evenly_spaced_rows(np.arange(work.count), n)
    tallies = [_Tally(attribute, name, shown) for attribute, name in zip(attributes, targets, strict=True)]
    for done, row in enumerate(pictures.tolist()):
        yield Progress(done, len(pictures), "Setting attributes to their ends")
        before = work.ask(row)
        moved = [each for each in tallies if work.is_another(before, each.class_name)]
        for tally in moved:
            tally.add(row, before, work.ask(row, attribute_edits(tally.attribute)), work)
            yield Progress(done, len(pictures), "Setting attributes to their ends")
        ladders = []
        for draw in range(draws if moved else 0):
            ladder = [before]
            for edits in work.random_edits(row, draw, avoided):
                ladder.append(work.ask(row, edits))
                yield Progress(done, len(pictures), "Setting attributes to their ends")
            ladders.append(ladder)
        for tally in moved:
            tally.add_random(ladders, work)
    yield Progress(len(pictures), len(pictures), "Setting attributes to their ends")
    return tuple(tally.result(len(asked)) for tally in tallies)


@dataclass(frozen=True)
class _Answer:
    """One picture (3, R, R) on the device, and the probabilities (K,) by classifier."""

    img: Tensor
    probs: dict[str, np.ndarray]

    def size(self, before: _Answer) -> float:
        return float((self.img - before.img).square().mean().sqrt())

    def image(self) -> np.ndarray:
        """Return the picture (R, R, 3) uint8."""
        return to_uint8(self.img.cpu().numpy())


class _Work:
    def __init__(
        self,
        explainer: Explainer,
        asked: Sequence[str],
        judges: Sequence[str],
        latents: Samples | None,
        device: str | torch.device,
    ) -> None:
        samples = explainer.samples if latents is None else latents
        if samples is None or not len(samples):
            raise UserError(f"{explainer.name} holds no pictures. Give pictures (--images); they need an encoder.")
        self.renderer = Renderer(explainer, device)
        self.name, self.count = explainer.name, len(samples)
        self.latents = latents
        self.asked, self.judges = tuple(asked), tuple(judges)
        self.networks = {key: self.renderer.explainer.classifiers[key] for key in dict.fromkeys((*asked, *judges))}
        self.num_styles = explainer.generator.synthesis.layout.num_styles

    def check(self, class_names: Sequence[str] | dict[str, None]) -> None:
        """Raise UserError where a classifier lacks one of the classes."""
        for network in self.networks.values():
            known = network.config.class_names
            for name in class_names:
                if name not in known:
                    raise UserError(
                        f"The classifier {network.config.name} has no class {name!r}: its classes are "
                        f"{', '.join(known)}. Name them with --class-names, in the order of its outputs."
                    )

    def index(self, key: str, class_name: str) -> int:
        return self.networks[key].config.class_names.index(class_name)

    def is_another(self, answer: _Answer, class_name: str) -> bool:
        return any(int(answer.probs[key].argmax()) != self.index(key, class_name) for key in self.judges)

    @torch.inference_mode()
    def ask(self, row: int, edits: tuple[Edit, ...] = ()) -> _Answer:
        """Render a picture with edits and ask every classifier."""
        with cpu_threads(self.renderer.threads):  # a fixed number: the same bits every time
            img = self.renderer.img(PictureRecipe(self._base(row), edits=edits)).clamp(-1, 1)
            probs = {key: network.probs(img)[0].float().cpu().numpy() for key, network in self.networks.items()}
        return _Answer(img[0].float(), probs)

    def _base(self, row: int) -> Base:
        if self.latents is None:
            return SampleBase(row)
        name = f"{_LATENT_ID}-{row}"
        if name not in self.renderer.latents:
            self.renderer.latents.clear()  # one at a time: a data set may be large
            cond = self.latents.cond_of(slice(row, row + 1))
            self.renderer.add_latent(name, Latent(self.latents.ws[row : row + 1].float(), cond))
        return ProjectedBase(name)

    def random_edits(self, row: int, draw: int, avoided: set[int]) -> list[tuple[StyleShift, ...]]:
        """Return one random edit by growing amounts: COORDINATES styles, each to an end drawn at random."""
        rng = torch.Generator().manual_seed(row * 1000 + draw)
        order = torch.randperm(self.num_styles, generator=rng).tolist()
        moved = [j for j in order if j not in avoided][:COORDINATES]
        ends = (torch.rand(len(moved), generator=rng) < 0.5).tolist()
        return [
            tuple(StyleShift(j, "max" if up else "min", amount) for j, up in zip(moved, ends, strict=True))
            for amount in AMOUNTS
        ]


class _Tally:
    """What was seen of one attribute so far."""

    def __init__(self, attribute: Attribute, class_name: str, shown: int) -> None:
        self.attribute, self.class_name, self.to_show = attribute, class_name, shown
        self.shown: list[ShownPicture] = []
        self.rows: list[int] = []
        self.sizes: list[float] = []
        self.random_sizes: list[float] = []
        self.changes: list[list[float]] = []  # of each picture, by classifier
        self.random: list[list[float]] = []

    def add(self, row: int, before: _Answer, after: _Answer, work: _Work) -> None:
        p = np.array([[self._p(answer, key, work) for key in work.asked] for answer in (before, after)])
        self.rows.append(row)
        self.sizes.append(after.size(before))
        self.changes.append((p[1] - p[0]).tolist())
        if len(self.shown) < self.to_show:
            self.shown.append((row, before.image(), after.image(), p))

    def add_random(self, ladders: Sequence[Sequence[_Answer]], work: _Work) -> None:
        """Add the random edits of the last picture: what changes is read off at its size, between two amounts."""
        size = self.sizes[-1]
        found, reached = [], []
        for ladder in ladders:
            before = ladder[0]
            sizes = np.array([each.size(before) for each in ladder])
            order = np.argsort(sizes, kind="stable")
            p = np.array([[self._p(each, key, work) for key in work.asked] for each in ladder]) - [
                self._p(before, key, work) for key in work.asked
            ]
            found.append([abs(np.interp(size, sizes[order], column)) for column in p[order].T])
            reached.append(min(size, float(sizes.max())))
        self.random.append(np.mean(found, axis=0).tolist())
        self.random_sizes.append(float(np.mean(reached)))

    def _p(self, answer: _Answer, key: str, work: _Work) -> float:
        return float(answer.probs[key][work.index(key, self.class_name)])

    def result(self, asked: int) -> MeasuredAttribute:
        changes, random = (np.array(each, np.float64).reshape(-1, asked) for each in (self.changes, self.random))
        return MeasuredAttribute(
            self.attribute,
            self.class_name,
            np.array(self.rows, np.int64),
            np.array(self.sizes),
            np.array(self.random_sizes),
            tuple(Effect(changes[:, k], random[:, k]) for k in range(asked)),
            tuple(self.shown),
        )
