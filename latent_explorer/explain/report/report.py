# SPDX-License-Identifier: MIT
"""Report on an explainer's first attributes as a job: what they change, where, and how all classifiers respond.

Its main question is whether they change the subject of the pictures or its surroundings. Works on the encoded pictures
of the file; needs neither data nor LPIPS. The page is written by `media.report`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch
from torch import Tensor

from latent_explorer import __version__
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Progress
from latent_explorer.data.images import to_uint8
from latent_explorer.explain.attfind.sufficiency import by_target
from latent_explorer.explain.latents import cpu_threads
from latent_explorer.explain.recipe import PictureRecipe, SampleBase, attribute_edits
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.explain.report.facts import accuracy_of, facts_of
from latent_explorer.media.report.result import (
    AttributeReport,
    Change,
    ClassifierResponse,
    Example,
    ExplainerReport,
    FrameShare,
    OtherClassifier,
    StyleMove,
    frame_mask,
)
from latent_explorer.models.attributes import Attribute, AttributeSet, describe_entries, newest_set

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.models.architecture import StyleLayout
    from latent_explorer.models.explainer import Explainer


class ReportSettings(msgspec.Struct, frozen=True):
    """Size of a report."""

    attributes: int = 10  # the first of each target class
    samples: int = 4  # pictures shown of each
    pictures: int = 64  # encoded pictures that everything is measured on, spread evenly over the file


DEFAULT = ReportSettings()


def report(
    explainer: Explainer,
    settings: ReportSettings = DEFAULT,
    *,
    shown: Sequence[Attribute] | None = None,
    device: str | torch.device = "cpu",
) -> Generator[Event, None, ExplainerReport]:
    """Measure the first attributes of the explained classifier. A job that returns the figures.

    Every attribute is moved to kappa 1 on the reconstructions that are not of its target class. `shown` are those of
    the newest search as the user named and arranged them, possibly with others added; None: as they were found.
    UserError where the file lacks attributes, encoded pictures or the ranges of its styles.
    """
    attribute_set = _newest_search(explainer)
    explainer = _with_same_classes(explainer)
    renderer = Renderer(explainer, device)
    count = len(explainer.samples) if explainer.samples is not None else 0
    chosen = spread(np.arange(count), settings.pictures)
    verdicts = yield from _verdicts(renderer, chosen)
    tallies = [
        _Tally(attribute, rank, chosen[verdicts != attribute.target], settings.samples)
        for attribute, rank in _ranked(attribute_set, shown or attribute_set.attributes, settings)
    ]
    yield from _measure(renderer, chosen, tallies)
    return _figures(explainer, attribute_set, len(chosen), tallies)


def spread(rows: np.ndarray, n: int) -> np.ndarray:
    """Return all rows, or n of them spread evenly, always the same."""
    return rows if n >= len(rows) else rows[np.linspace(0, len(rows) - 1, n).round().astype(int)]


def _newest_search(explainer: Explainer) -> AttributeSet:
    """Return the newest search. UserError when the file lacks what the report needs."""
    name, attribute_set = explainer.name, newest_set(explainer.attribute_sets, explainer.classifier_id)
    if explainer.samples is None or not len(explainer.samples):
        raise UserError(f"{name} holds no pictures to look at. Export it with a data set.")
    if explainer.style_stats is None:
        raise UserError(f"{name} holds no statistics of its style coordinates. Export it again.")
    if attribute_set is None or not attribute_set.attributes:
        raise UserError(
            f"{name} holds no attributes to report on. Run `latent-explorer attfind` on it with --out first."
        )
    return attribute_set


def _with_same_classes(explainer: Explainer) -> Explainer:
    """Return the explainer without classifiers of other classes, for which a target has another meaning."""
    names = explainer.classifier.config.class_names
    classifiers = {k: c for k, c in explainer.classifiers.items() if c.config.class_names == names}
    return replace(explainer, classifiers=classifiers)


def _ranked(
    attribute_set: AttributeSet, shown: Sequence[Attribute], settings: ReportSettings
) -> list[tuple[Attribute, int]]:
    """Return the attributes to show, by target, each with its rank in the search, or 0."""
    ranks = {
        (target, attribute.entries): rank
        for target, attributes in by_target(attribute_set.attributes).items()
        for rank, attribute in enumerate(attributes, 1)
    }
    return [
        (attribute, ranks.get((target, attribute.entries), 0))
        for target, attributes in sorted(by_target(shown).items())
        for attribute in attributes[: settings.attributes]
    ]


@dataclass
class _Tally:
    """Sums over the pictures of one attribute."""

    attribute: Attribute
    rank: int
    rows: np.ndarray  # of the explainer's encoded pictures, those that are not of its target class
    num_examples: int
    inside: list[float] = field(default_factory=list)  # change in the frame, of each picture
    total: list[float] = field(default_factory=list)  # change in the whole
    changes: dict[str, list[float]] = field(default_factory=dict)  # of P(target), by classifier_id
    examples: list[Example] = field(default_factory=list)
    summed: np.ndarray | None = None  # (H, W) float64, |difference| of all pictures

    def __post_init__(self) -> None:
        self.shown = set(spread(self.rows, self.num_examples).tolist())

    def add(self, row: int, before: _Rendered, after: _Rendered, explained_id: str) -> None:
        """Add one picture, before and after; `explained_id` is the explained classifier's id."""
        difference = (after.img - before.img).abs().mean(dim=0).double().numpy() / 2
        self.total.append(float(difference.sum()))
        self.inside.append(float(difference[frame_mask(len(difference))].sum()))
        self.summed = difference + (0 if self.summed is None else self.summed)
        target = self.attribute.target
        for key, probs_after in after.probs.items():
            change = float(probs_after[target] - before.probs[key][target])
            self.changes.setdefault(key, []).append(change)
        if row in self.shown:
            probs_before, probs_after = before.probs[explained_id], after.probs[explained_id]
            images = to_uint8(before.img.numpy()), to_uint8(after.img.numpy())
            reached = int(probs_after.argmax()) == target
            self.examples.append(
                Example(row, *images, float(probs_before[target]), float(probs_after[target]), reached)
            )


@dataclass(frozen=True)
class _Rendered:
    """Picture img (3, H, W) in [-1, 1] and its probabilities (K,) by classifier_id, on the CPU."""

    img: Tensor
    probs: dict[str, np.ndarray]


def _verdicts(renderer: Renderer, chosen: np.ndarray) -> Generator[Event, None, np.ndarray]:
    """Return the classes (N,) that the explained classifier gives the reconstructions."""
    verdicts, classifier_id = [], renderer.explainer.classifier_id
    for done, row in enumerate(chosen.tolist(), start=1):
        verdicts.append(int(_rendered(renderer, row).probs[classifier_id].argmax()))
        yield Progress(done, len(chosen), "Classifying reconstructions")
    return np.array(verdicts)


def _measure(renderer: Renderer, chosen: np.ndarray, tallies: list[_Tally]) -> Generator[Event, None, None]:
    """Render each picture with every attribute, holding at most two at a time."""
    key = renderer.explainer.classifier_id
    done, total = 0, sum(len(tally.rows) for tally in tallies)
    for row in chosen.tolist():
        affected = [tally for tally in tallies if row in tally.rows]
        before = _rendered(renderer, row)
        for tally in affected:
            yield Progress(done, total, "Moving the attributes")  # one picture a step
            tally.add(row, before, _rendered(renderer, row, tally.attribute), key)
            done += 1
    yield Progress(total, total, "Moving the attributes")


@torch.inference_mode()
def _rendered(renderer: Renderer, row: int, attribute: Attribute | None = None) -> _Rendered:
    """Render an encoded picture, with an attribute at kappa 1, as the window does, bit for bit.

    Every classifier gets this picture before it is rounded.
    """
    edits = () if attribute is None else attribute_edits(attribute)
    with cpu_threads(renderer.threads):  # as the renderer itself: the same bits in every report on this machine
        img = renderer.img(PictureRecipe(SampleBase(row), edits=edits)).clamp(-1, 1)
        probs = {
            key: c.logits(img)[0].float().softmax(dim=0).cpu().numpy()
            for key, c in renderer.explainer.classifiers.items()
        }
    return _Rendered(img[0].float().cpu(), probs)


def _figures(
    explainer: Explainer, attribute_set: AttributeSet, measured: int, tallies: list[_Tally]
) -> ExplainerReport:
    summary, explained_id = explainer.summary(), explainer.classifier_id
    others = tuple(
        OtherClassifier(c.classifier_id, c.name, c.frame_only, accuracy_of(summary, c.classifier_id))
        for c in summary.classifiers
        if c.classifier_id != explained_id
    )
    config = explainer.classifier.config
    return ExplainerReport(
        name=explainer.name,
        model_hash=explainer.model_hash,
        classifier_id=explained_id,
        classifier=config.name,
        class_names=config.class_names,
        facts=facts_of(summary, attribute_set),
        note=summary.note,
        stored=0 if summary.samples is None else len(summary.samples.ids),
        measured=measured,
        others=others,
        attributes=tuple(
            _attribute(tally, summary.layout, summary.resolution, explained_id, others) for tally in tallies
        ),
        version=__version__,
    )


def _attribute(
    tally: _Tally,
    layout: StyleLayout,
    side: int,
    explained_id: str,
    others: tuple[OtherClassifier, ...],
) -> AttributeReport:
    attribute, count = tally.attribute, len(tally.total)
    area = float(frame_mask(side).mean())
    places = [(entry, *layout.at(entry.style_index)) for entry in attribute.entries]
    summed = np.zeros((side, side)) if tally.summed is None else tally.summed
    return AttributeReport(
        rank=tally.rank,
        name=attribute.name or describe_entries(attribute),
        target=attribute.target,
        moves=tuple(
            StyleMove(entry.style_index, entry.end, layer.name, channel, layer.resolution)
            for entry, layer, channel in places
        ),
        mean_effect=attribute.mean_effect,
        interval=attribute.interval,
        n=count,
        change=Change.of(tally.changes.get(explained_id, [])),
        others=tuple(
            ClassifierResponse(other, Change.of(tally.changes.get(other.classifier_id, []))) for other in others
        ),
        frame=FrameShare.of(tally.inside, tally.total, area),
        difference=(summed / max(count, 1)).astype(np.float32),
        examples=tuple(tally.examples),
        note=attribute.note,
    )
