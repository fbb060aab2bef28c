# SPDX-License-Identifier: MIT
"""Two versions of a classifier: what only one looks at, and the pictures on which they part. A job.

Takes the comparison of `two_classifiers`, which found the attributes of both, and measures each of them on both, beside
random edits as large. The pictures on which they part are labelled photographs, regressions first, or those of the
explainer. The page is written by `media.report.versions_page`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from latent_explorer import __version__
from latent_explorer.common.events import Event, Progress
from latent_explorer.common.statistics import Mean
from latent_explorer.data.images import to_uint8
from latent_explorer.explain.counterfactuals.attribute_effects import attribute_effects, relative_change
from latent_explorer.explain.counterfactuals.mistakes_text import unreadable_text
from latent_explorer.explain.latents import cpu_threads
from latent_explorer.explain.recipe import PictureRecipe, SampleBase
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.media.report.versions import (
    Count,
    Group,
    PartedPicture,
    Response,
    SharedAttribute,
    Shown,
    TurnedByList,
    VersionsReport,
)
from latent_explorer.models.attributes import Attribute, AttributeEntry, describe_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from latent_explorer.explain.attfind.sufficiency import Rate
    from latent_explorer.explain.counterfactuals.attribute_effects import Effect, MeasuredAttribute
    from latent_explorer.explain.counterfactuals.confusion import JudgedPhotos
    from latent_explorer.explain.report.two_classifiers import Comparison, SharedMove
    from latent_explorer.models.explainer import Explainer

PICTURES = 100  # on which attributes are measured
SHOWN = 3  # of each attribute
MOST = 24  # pictures of a group that are shown


def versions_report(
    explainer: Explainer,
    found: Comparison,
    photos: tuple[JudgedPhotos, JudgedPhotos] | None = None,
    *,
    name_of: Callable[[SharedMove], str] | None = None,
    n: int = PICTURES,
    most: int = MOST,
    device: str | torch.device = "cpu",
) -> Generator[Event, None, VersionsReport]:
    """Measure what two classifiers that the explainer holds do with the attributes of `found`. A job.

    photos    the same labelled photographs as either judged them; None: the pictures of the explainer
    name_of   name of a move; else the one that the explainer has for it
    """
    ids, names = found.classifier_ids, found.class_names
    name_of = name_of or (lambda move: stored_name(explainer, move))
    attributes = [Attribute("", m.target, (AttributeEntry(m.style_index, m.end),)) for m in found.moves]
    job = attribute_effects(explainer, attributes, names, ids, ids, n=n, draws=1, shown=SHOWN, device=device)
    measured = yield from job
    layout = explainer.generator.synthesis.layout
    rows = []
    for move, each in zip(found.moves, measured, strict=True):
        layer, channel = layout.at(move.style_index)
        where = f"style {move.style_index} to its {move.end}, {layer.name} channel {channel}, {layer.resolution} px"
        if len(each.rows) > 1:
            rows.append(_attribute(move, each, name_of(move), where))
    if photos is None:
        parted = yield from _parted_samples(explainer, found, most, device)
    else:
        parted = parted_photos(photos, names, explainer.generator.config.resolution, most)
    return VersionsReport(
        explainer=explainer.name,
        model_hash=explainer.model_hash,
        names=found.names,
        classifier_ids=ids,
        class_names=names,
        same=parted.same,
        right=parted.right,
        groups=parted.groups,
        parted=parted.pictures,
        attributes=tuple(rows),
        edits=_edits(found),
        size=explainer.generator.config.resolution,
        left_out="" if photos is None else unreadable_text(photos[0]),
        version=__version__,
    )


def stored_name(explainer: Explainer, move: SharedMove) -> str:
    """Return the name of a move in the explainer's lists, whatever class they have it for; else "Style 65 up"."""
    entry = AttributeEntry(move.style_index, move.end)
    listed = (a for each in reversed(explainer.attribute_sets) for a in each.attributes if a.entries == (entry,))
    return next((a.name for a in listed if a.name), describe_entries(Attribute("", move.target, (entry,))))


def _attribute(move: SharedMove, found: MeasuredAttribute, name: str, where: str) -> SharedAttribute:
    first, second = found.effects
    to = 1 if move.listed_by == "second" else 0
    examples = tuple(
        Shown(row, before, after, (p[0][0], p[0][1]), (p[1][0], p[1][1])) for row, before, after, p in found.shown
    )
    return SharedAttribute(
        name=name,
        where=where,
        class_name=found.class_name,
        listed_by=move.listed_by,
        n=len(found.rows),
        responses=(_response(first), _response(second)),
        difference=Mean.of((np.abs(first.changes) - np.abs(second.changes)).tolist()),
        relative_to=to,
        relative=relative_change(found.effects[1 - to], found.effects[to]),
        examples=examples,
    )


def _response(effect: Effect) -> Response:
    return Response(effect.change, effect.absolute, effect.by_random, effect.beyond)


@dataclass(frozen=True, eq=False)
class Parted:
    """How often two classifiers say the same and are right, and the pictures on which they part; see the report."""

    same: Count
    right: tuple[Count, Count] | None
    groups: dict[Group, int]
    pictures: tuple[PartedPicture, ...]


def parted_photos(
    photos: tuple[JudgedPhotos, JudgedPhotos], class_names: Sequence[str], size: int, most: int = MOST
) -> Parted:
    """Return the photographs on which two classifiers part, by group, those first of which they differ most.

    class_names   in which order the classes of the first stand; both name the same ones
    size          px at which the photographs are returned
    most          how many of each group
    """
    first, second = photos
    order = [second.class_names.index(name) for name in class_names]
    probs = np.stack([first.probs, second.probs[:, order]], axis=1)  # (N, 2, K)
    labels, verdicts = first.labels, probs.argmax(axis=2)
    groups = parting(verdicts, labels)
    of_label = probs[np.arange(len(labels)), :, labels]  # (N, 2)
    parted = []
    for group, rows in groups.items():
        nearest = rows[np.argsort(-np.abs(of_label[rows, 0] - of_label[rows, 1]), kind="stable")][:most]
        if not len(nearest):
            continue
        for row, image in zip(nearest, first.data.read(first.rows[nearest], size), strict=True):
            told = class_names[verdicts[row, 0]], class_names[verdicts[row, 1]]
            p = float(of_label[row, 0]), float(of_label[row, 1])
            name = first.data.names[first.rows[row]]
            parted.append(PartedPicture(name, image, group, class_names[labels[row]], told, p))
    right = tuple(Count(int((verdicts[:, k] == labels).sum()), len(labels)) for k in (0, 1))
    same = Count(int((verdicts[:, 0] == verdicts[:, 1]).sum()), len(labels))
    counts = {group: len(rows) for group, rows in groups.items()}
    return Parted(same, (right[0], right[1]), counts, tuple(parted))


def parting(verdicts: np.ndarray, labels: np.ndarray) -> dict[Group, np.ndarray]:
    """Return the rows on which verdicts (N, 2) part: what only the first, only the second and neither calls right."""
    right = verdicts == labels[:, None]
    apart = verdicts[:, 0] != verdicts[:, 1]
    return {
        "regression": np.flatnonzero(right[:, 0] & ~right[:, 1]),
        "gain": np.flatnonzero(right[:, 1] & ~right[:, 0]),
        "other": np.flatnonzero(apart & ~right.any(axis=1)),
    }


@torch.inference_mode()
def _one(renderer: Renderer, row: int, ids: tuple[str, str]) -> tuple[np.ndarray, list[np.ndarray]]:
    with cpu_threads(renderer.threads):
        img = renderer.img(PictureRecipe(SampleBase(row))).clamp(-1, 1)
        probs = [renderer.explainer.classifiers[key].probs(img)[0].float().cpu().numpy() for key in ids]
    return to_uint8(img[0].float().cpu().numpy()), probs


def _parted_samples(
    explainer: Explainer, found: Comparison, most: int, device: str | torch.device
) -> Generator[Event, None, Parted]:
    """Return the explainer's pictures on which the two part, the surest of their verdicts first."""
    rows = np.flatnonzero(found.verdicts[:, 0] != found.verdicts[:, 1])
    renderer, ids = Renderer(explainer, device), found.classifier_ids
    samples = explainer.samples
    assert samples is not None
    classes = [explainer.classifiers[key].config.class_names for key in ids]
    parted = []
    for done, row in enumerate(rows.tolist()):
        yield Progress(done, len(rows), "Drawing pictures on which they part")
        image, probs = _one(renderer, row, ids)
        told = [found.class_names[k] for k in found.verdicts[row]]
        own = [float(p[names.index(name)]) for names, p, name in zip(classes, probs, told, strict=True)]
        parted.append(PartedPicture(samples.ids[row], image, "parted", "", (told[0], told[1]), (own[0], own[1])))
    parted.sort(key=lambda each: -min(each.p))
    same = Count(len(found.verdicts) - len(rows), len(found.verdicts))
    return Parted(same, None, {"parted": len(rows)}, tuple(parted[:most]))


def _edits(found: Comparison) -> tuple[TurnedByList, ...]:
    def counts(both: tuple[Rate, Rate]) -> tuple[Count, Count]:
        return Count(both[0].count, both[0].n), Count(both[1].count, both[1].n)

    return tuple(
        TurnedByList(
            f"{each.moves} moves of {'AB'[each.list_of]}'s list towards {found.class_names[each.target]}",
            counts(each.edit.both),
            counts(each.as_large.both),
        )
        for each in found.edits
    )
