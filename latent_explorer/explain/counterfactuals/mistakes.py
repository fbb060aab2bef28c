# SPDX-License-Identifier: MIT
"""Mistakes of a classifier on labelled photographs, and the attributes that turn them right.

A confusion matrix with intervals, also for each group of a column; and for a cell of it the counterfactuals of all its
photographs: how often removing one attribute, or adding it, makes the classifier say what the label says, beside how
often a random edit of the same size does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Kept, Metric, Progress
from latent_explorer.common.jobs import forward_events
from latent_explorer.data.images import to_float
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.counterfactuals.photo import REFINEMENT, Control, PhotoExplainer, PhotoSettings
from latent_explorer.explain.projection.projection import project
from latent_explorer.explain.projection.target import Target
from latent_explorer.models.attributes import Attribute, newest_set

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.explainer import Explainer

FEWEST_FOR_HALVES = 12  # photographs of a cell from which one half chooses the attribute and the other measures it
MOST = 64  # photographs of a cell that are explained


@dataclass(frozen=True)
class Confusion:
    """How often each label got each verdict.

    counts   (K, K): [label, verdict]
    groups   the same for the photographs of each value of a column
    """

    class_names: tuple[str, ...]
    counts: np.ndarray
    groups: dict[str, np.ndarray]

    def rate(self, label: int, verdict: int, group: str | None = None) -> Rate:
        """Return the share of a label's photographs that got a verdict."""
        counts = self.counts if group is None else self.groups[group]
        return Rate(int(counts[label, verdict]), int(counts[label].sum()))

    @property
    def accuracy(self) -> Rate:
        """Share of the photographs whose verdict is their label."""
        return Rate(int(np.trace(self.counts)), int(self.counts.sum()))

    def mistakes(self) -> list[tuple[int, int]]:
        """Return the cells (label, verdict) beside the diagonal that hold photographs, the fullest first."""
        k = len(self.class_names)
        cells = [(a, b) for a in range(k) for b in range(k) if a != b and self.counts[a, b]]
        return sorted(cells, key=lambda cell: -self.counts[cell])

    def to_dict(self) -> dict[str, Any]:
        """Return the matrix as `mistakes --json` prints it."""
        return {
            "classes": list(self.class_names),
            "accuracy": _fields(self.accuracy),
            "cells": self._cells(None),
            "groups": {group: self._cells(group) for group in self.groups},
        }

    def _cells(self, group: str | None) -> list[dict[str, Any]]:
        names = self.class_names
        return [
            {"label": names[a], "verdict": names[b], "count": self.rate(a, b, group).count}
            | _fields(self.rate(a, b, group))
            for a in range(len(names))
            for b in range(len(names))
        ]


@dataclass(frozen=True)
class Turned:
    """How many of a cell's photographs one attribute alone turns right, and how many of their copies."""

    attribute: Attribute
    copy: Rate
    photo: Rate


@dataclass(frozen=True)
class Best:
    """The attribute that turns most photographs, beside controls in the same place.

    random     random edits of its size
    weights    as many styles that the told class moves most; of none where the generator is told none
    held_out   measured on photographs that did not choose it; where there are few, on all of them
    """

    turned: Turned
    random_copy: Rate
    random_photo: Rate
    weights_copy: Rate
    weights_photo: Rate
    held_out: bool


@dataclass(frozen=True)
class CellExplanation:
    """What turns the photographs of one cell to their label.

    rows       of the photographs that were tried
    turned     each attribute towards the label, the most turned photographs first, over all rows
    best       None where no attribute turns any
    any_photo  photographs that some attribute turns
    """

    label: int
    verdict: int
    rows: np.ndarray
    turned: tuple[Turned, ...]
    best: Best | None
    any_photo: Rate


def verdicts(
    classifier: Classifier,
    read: Callable[[slice], np.ndarray],
    n: int,
    *,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, np.ndarray]:
    """Return the probabilities (N, K) of n photographs; `read(rows)` gives (n, R, R, 3) uint8. A job."""
    asked = classifier.to(torch.device(device))

    @torch.inference_mode()
    def ask(rows: slice) -> np.ndarray:
        img = torch.from_numpy(to_float(read(rows))).to(device)
        probs: np.ndarray = asked.probs(img).float().cpu().numpy()
        return probs

    parts = yield from BatchSizer(budget).run(ask, n, "Asking the classifier")
    return np.concatenate(parts)


def confusion(
    labels: np.ndarray, verdicts: np.ndarray, class_names: Sequence[str], groups: Sequence[str] | None = None
) -> Confusion:
    """Count labels (N,) against verdicts (N,), also by the groups (N,) of the photographs."""
    k = len(class_names)

    def counts(rows: np.ndarray) -> np.ndarray:
        table = np.zeros((k, k), np.int64)
        np.add.at(table, (labels[rows], verdicts[rows]), 1)
        return table

    of_group = {}
    if groups is not None:
        values = np.array(groups)
        of_group = {str(value): counts(np.flatnonzero(values == value)) for value in np.unique(values)}
    return Confusion(tuple(class_names), counts(np.arange(len(labels))), of_group)


def explain_cell(
    explainer: Explainer,
    photos: np.ndarray,
    names: Sequence[str],
    label: int,
    verdict: int,
    *,
    classifier_id: str | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, CellExplanation]:
    """Try each attribute towards `label` on photographs (N, R, R, 3) uint8 of one cell, at most MOST of them. A job.

    UserError where the explainer lists no attribute that leads there.
    """
    key = classifier_id or explainer.classifier_id
    classifier = explainer.classifiers[key]
    listed = newest_set(explainer.attribute_sets, key)
    attributes = [] if listed is None else [a for a in listed.attributes if a.target == label]
    if not attributes:
        aim = classifier.config.class_names[label]
        raise UserError(f"{explainer.name} lists no attributes that lead to {aim}. Search for attributes first.")
    rows = np.linspace(0, len(photos) - 1, min(MOST, len(photos))).round().astype(int)
    targets = [Target(names[i], photos[i]) for i in rows]
    job = project(explainer, targets, REFINEMENT, device=device, budget=budget, classifier_id=key)
    refined = yield from forward_events(job, lambda event: None if isinstance(event, Kept | Metric) else event)
    trier = PhotoExplainer(explainer, attributes, PhotoSettings(target=label), classifier_id=key, device=device)
    message = "Trying each attribute on each photograph"
    turned = []
    for i, (target, each) in enumerate(zip(targets, refined, strict=True)):
        yield Progress(i, len(targets), message)
        turned.append(trier.turned(_img(target), each, label, [(attribute,) for attribute in attributes]))
    hits = np.stack(turned)  # (N, A, 2)
    everyone = np.arange(len(hits))
    held_out = len(hits) >= FEWEST_FOR_HALVES
    choosing, measuring = (everyone[::2], everyone[1::2]) if held_out else (everyone, everyone)
    counts = hits[choosing, :, 1].sum(axis=0)
    best = None
    if counts.any():
        chosen = int(counts.argmax())
        measured = _turned(attributes[chosen], hits[measuring, chosen])
        rest = [(targets[i], refined[i]) for i in measuring]
        controls = yield from _controls(trier, rest, attributes[chosen], label)
        best = Best(measured, *controls["random"], *controls["weights"], held_out)
    yield Progress(len(targets), len(targets), message)
    rates = [_turned(attribute, hits[:, a]) for a, attribute in enumerate(attributes)]
    rates.sort(key=lambda rate: (-rate.photo.count, -rate.copy.count))
    any_photo = Rate(int(hits[:, :, 1].any(axis=1).sum()), len(hits))
    return CellExplanation(label, verdict, rows, tuple(rates), best, any_photo)


def _controls(
    trier: PhotoExplainer, pictures: Sequence[tuple[Target, ProjectedPicture]], attribute: Attribute, label: int
) -> Generator[Event, None, dict[Control, tuple[Rate, Rate]]]:
    """Return how many copies and photographs each control of one attribute turns; of none where it cannot be asked."""
    hits: dict[Control, list[np.ndarray]] = {control: [] for control in get_args(Control)}
    rng = torch.Generator().manual_seed(0)
    for done, (target, refined) in enumerate(pictures):
        yield Progress(done, len(pictures), "Trying controls of the same size")
        for control in trier.controls:
            hits[control].append(trier.turned(_img(target), refined, label, [(attribute,)], control, rng)[0])
    return {control: _rates(np.array(found).reshape(-1, 2)) for control, found in hits.items()}


def _img(target: Target) -> torch.Tensor:
    return torch.from_numpy(to_float(target.image[None]))


def _turned(attribute: Attribute, hits: np.ndarray) -> Turned:
    return Turned(attribute, *_rates(hits))


def _rates(hits: np.ndarray) -> tuple[Rate, Rate]:
    """Return how many of (N, 2) copies and photographs turned."""
    copy, photo = (Rate(int(hits[:, kind].sum()), len(hits)) for kind in (0, 1))
    return copy, photo


def cell_sentence(found: CellExplanation, class_names: Sequence[str]) -> str:
    """Return what turns a cell's photographs right, to be copied, with its control."""
    label, verdict = class_names[found.label], class_names[found.verdict]
    what = f"photographs of {label} that the classifier calls {verdict}"
    if found.best is None:
        return f"No attribute alone turns any of {len(found.rows)} {what}."
    best, turned = found.best, found.best.turned
    chosen = "" if best.held_out else " (it was chosen on them)"
    told = best.weights_photo
    weights = f", {told.count} of {told.n} with the style that the class given to the generator moves most"
    return (
        f"{turned.photo.count} of {turned.photo.n} {what} turn with {turned.attribute.name} alone{chosen}, "
        f"{turned.copy.count} of their copies; {best.random_photo.count} of {best.random_photo.n} do with a random "
        f"edit of the same size{weights if told.n else ''}."
    )


def cell_fields(found: CellExplanation, class_names: Sequence[str]) -> dict[str, Any]:
    """Return the explanation of a cell as `mistakes --json` prints it."""
    return {
        "label": class_names[found.label],
        "verdict": class_names[found.verdict],
        "n": len(found.rows),
        "sentence": cell_sentence(found, class_names),
        "best": _best_fields(found.best),
        "any_attribute": _fields(found.any_photo),
        "attributes": [_turned_fields(each) for each in found.turned],
    }


def _best_fields(best: Best | None) -> dict[str, Any] | None:
    if best is None:
        return None
    names = ("random_copy", "random_photo", "weights_copy", "weights_photo")
    controls = {name: _fields(getattr(best, name)) for name in names}
    return _turned_fields(best.turned) | controls | {"held_out": best.held_out}


def _turned_fields(each: Turned) -> dict[str, Any]:
    return {"attribute": each.attribute.name, "copy": _fields(each.copy), "photo": _fields(each.photo)}


def _fields(rate: Rate) -> dict[str, Any]:
    return {"share": rate.share if rate.n else None, "n": rate.n, "interval": list(rate.interval)}
