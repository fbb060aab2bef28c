# SPDX-License-Identifier: MIT
"""Labelled photographs with a classifier's verdicts, and their confusion matrix with intervals, also by group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Progress
from latent_explorer.common.jobs import forward_events, with_time_left
from latent_explorer.data.dataset import ImageDataset
from latent_explorer.data.images import to_float
from latent_explorer.data.labels import EMPTY, column, sorted_values
from latent_explorer.data.threads import map_in_threads
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.counterfactuals.mistakes_text import rate_fields

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.models.classifiers import Classifier

ASKING = "Asking the classifier about the photographs"
_AT_ONCE = 64  # photographs that are decoded before the classifier is asked about them


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
        return self.accuracy_of(None)

    def accuracy_of(self, group: str | None) -> Rate:
        """Return the same of a group; None: of all."""
        counts = self.counts if group is None else self.groups[group]
        return Rate(int(np.trace(counts)), int(counts.sum()))

    def mistakes(self) -> list[tuple[int, int]]:
        """Return the cells (label, verdict) beside the diagonal that hold photographs, the fullest first."""
        k = len(self.class_names)
        cells = [(a, b) for a in range(k) for b in range(k) if a != b and self.counts[a, b]]
        return sorted(cells, key=lambda cell: -self.counts[cell])

    def to_dict(self) -> dict[str, Any]:
        """Return the matrix as `mistakes --json` prints it."""
        return {
            "classes": list(self.class_names),
            "accuracy": rate_fields(self.accuracy),
            "cells": self._cells(None),
            "groups": {group: self._cells(group) for group in self.groups},
        }

    def _cells(self, group: str | None) -> list[dict[str, Any]]:
        names = self.class_names
        return [
            {"label": names[a], "verdict": names[b], "count": self.rate(a, b, group).count}
            | rate_fields(self.rate(a, b, group))
            for a in range(len(names))
            for b in range(len(names))
        ]


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
        of_group = {str(value): counts(np.flatnonzero(values == value)) for value in sorted_values(groups)}
    return Confusion(tuple(class_names), counts(np.arange(len(labels))), of_group)


@dataclass(frozen=True, eq=False)
class JudgedPhotos:
    """Labelled photographs with a classifier's verdicts: those that can be read, of one side of the split.

    rows         (N,) of the data
    labels       (N,) indices of the classifier's classes
    probs        (N, K)
    unreadable   by name: why a photograph was left out
    """

    data: ImageDataset
    side: str
    class_names: tuple[str, ...]
    rows: np.ndarray
    labels: np.ndarray
    probs: np.ndarray
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def verdicts(self) -> np.ndarray:
        """Classes (N,) that the classifier gave."""
        found: np.ndarray = self.probs.argmax(axis=1)
        return found

    def column(self, name: str) -> list[str]:
        """Return a column of the table for the photographs; empty cells are called so. UserError where it is not."""
        cells = column(self.data.columns, name)
        return [cells[row] or EMPTY for row in self.rows]

    def confusion(self, by: str | None = None) -> Confusion:
        """Return the confusion matrix, also for each value of the column `by`."""
        return confusion(self.labels, self.verdicts, self.class_names, None if by is None else self.column(by))

    def cell(self, label: int, verdict: int, by: str | None = None, group: str | None = None) -> np.ndarray:
        """Return which photographs (n,) of 0..N-1 a cell holds: of all, or of those of a group of the column `by`."""
        inside = (self.labels == label) & (self.verdicts == verdict)
        if by is not None and group is not None:
            inside &= np.array(self.column(by)) == group
        return np.flatnonzero(inside)

    def names(self, places: Sequence[int] | np.ndarray) -> list[str]:
        """Return the file names of photographs."""
        return [self.data.names[row] for row in self.rows[places]]


def labels_in_order(pictures: ImageDataset, class_names: Sequence[str]) -> np.ndarray:
    """Return the labels (N,) as indices of the classifier's classes. UserError where the names differ."""
    if pictures.labels is None:
        raise UserError("The pictures have no labels, so nothing can be a mistake. Name a column with --label.")
    missing = [name for name in pictures.class_names if name not in class_names]
    if missing:
        raise UserError(
            f"The classifier has no class {missing[0]!r}: its classes are {', '.join(class_names)}. "
            "Name the labels so with --classes VALUE=NAME,..."
        )
    order = np.array([class_names.index(name) for name in pictures.class_names])
    return np.asarray(order[pictures.labels])


def judge(
    classifier: Classifier,
    data: ImageDataset,
    side: str,
    size: int,
    *,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, JudgedPhotos]:
    """Ask a classifier about the labelled photographs of one side of a split, each at `size` px. A job.

    Photographs that cannot be read are left out and named. UserError where none can, or where labels are no classes.
    """
    return (yield from with_time_left(_judged(classifier, data, side, size, device, budget)))


def _judged(
    classifier: Classifier, data: ImageDataset, side: str, size: int, device: str | torch.device, budget: StepBudget
) -> Generator[Event, None, JudgedPhotos]:
    labels, rows = labels_in_order(data, classifier.config.class_names), data.indices(side)
    if not len(rows):
        raise UserError("There are no pictures on this side of the split. Choose another one, or all of them.")
    asked, sizer = classifier.to(torch.device(device)), BatchSizer(budget)

    @torch.inference_mode()
    def ask(images: np.ndarray) -> np.ndarray:
        probs: np.ndarray = asked.probs(torch.from_numpy(to_float(images)).to(device)).float().cpu().numpy()
        return probs

    probs: list[np.ndarray] = []
    unreadable: dict[str, str] = {}
    kept: list[int] = []
    for first in range(0, len(rows), _AT_ONCE):
        part = rows[first : first + _AT_ONCE]
        photos, broken = yield from read_photos(data, part, size, Progress(first, len(rows), ASKING))
        unreadable |= broken
        kept += [int(row) for row in part if data.names[row] not in broken]
        if len(photos):
            job = sizer.run(lambda batch, photos=photos: ask(photos[batch]), len(photos), ASKING)  # type: ignore[misc]
            probs += yield from forward_events(job, lambda event, first=first: _moved(event, first, len(rows)))  # type: ignore[misc]
    if not kept:
        raise UserError(
            f"None of the {len(rows)} pictures can be read. The first: {next(iter(unreadable.values()))} "
            "Repair them, or choose another folder."
        )
    chosen = np.array(kept)
    return JudgedPhotos(
        data, side, classifier.config.class_names, chosen, labels[chosen], np.concatenate(probs), unreadable
    )


def read_photos(
    data: ImageDataset, rows: np.ndarray, size: int, progress: Progress
) -> Generator[Event, None, tuple[np.ndarray, dict[str, str]]]:
    """Read photographs as (n, size, size, 3) uint8 on several threads, without those that cannot be read.

    Returns them, and by name why the others cannot. Yields `progress`, which is of the whole, now and then.
    """

    def decoded(place: int) -> np.ndarray | str:
        try:
            return data.decode(int(rows[place]), size)
        except UserError as error:
            return str(error)

    found = yield from forward_events(map_in_threads(decoded, len(rows), ""), lambda _event: progress)
    broken = {data.names[row]: each for row, each in zip(rows, found, strict=True) if isinstance(each, str)}
    photos = [each for each in found if not isinstance(each, str)]
    return np.stack(photos) if photos else np.zeros((0, size, size, 3), np.uint8), broken


def _moved(event: Event, first: int, total: int) -> Event:
    """Return the progress of one part as that of the whole."""
    return Progress(first + event.done, total, ASKING) if isinstance(event, Progress) else event
