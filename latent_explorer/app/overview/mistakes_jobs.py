# SPDX-License-Identifier: MIT
"""Jobs of the page "Mistakes": look at a folder, count what the classifier errs on, read and explain a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.app.overview.labelled_folder import MOST_CLASSES, FolderQuestion
from latent_explorer.app.thumbnail import SIZE
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Kept, Progress
from latent_explorer.data.threads import run_in_thread

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.data.summary import DataSummary
    from latent_explorer.explain.counterfactuals.confusion import JudgedPhotos
    from latent_explorer.explain.counterfactuals.mistakes import CellExplanation
    from latent_explorer.models.attributes import Attribute

LOOKING = "Looking at a folder"
SHOWN = 240  # photographs of a cell that are shown
_AT_ONCE = 24


@dataclass(frozen=True)
class CellKey:
    """Cell of the matrix: of all photographs, or of a group of a column."""

    label: int
    verdict: int
    by: str | None = None
    group: str | None = None


@dataclass(frozen=True, eq=False)
class CellPhoto:
    """Photograph of a cell: small, with its probabilities (K,)."""

    name: str
    image: np.ndarray  # (H, W, 3) uint8
    probs: np.ndarray


@dataclass(frozen=True)
class Asked:
    """What a count depends on, beside the folder's question."""

    question: FolderQuestion
    model_hash: str
    classifier_id: str


def inspect_folder(path: Path) -> Generator[Event, None, tuple[Path, DataSummary | None, str]]:
    from latent_explorer.data.summary import summarise_data

    try:
        found = yield from run_in_thread(lambda: summarise_data(path, values=(1, MOST_CLASSES)), LOOKING)
    except UserError as error:
        return path, None, str(error)
    return path, found, ""


def count_mistakes(
    host: ModelHost, budget: StepBudget, *, asked: Asked, selection: dict[str, Any]
) -> Generator[Event, None, JudgedPhotos | str]:
    from latent_explorer.data.dataset import open_dataset
    from latent_explorer.explain.counterfactuals.confusion import judge

    explainer, question = host.explainer, asked.question
    try:
        data = yield from run_in_thread(lambda: open_dataset(question.path, **selection), LOOKING)
        size = explainer.generator.config.resolution
        classifier = explainer.classifiers[asked.classifier_id]
        return (yield from judge(classifier, data, question.side, size, device=host.device, budget=budget))
    except UserError as error:
        return str(error)


def explain_photos_of(
    host: ModelHost,
    budget: StepBudget,
    *,
    judged: JudgedPhotos,
    cell: CellKey,
    attributes: Sequence[Attribute],
    key: str,
) -> Generator[Event, None, CellExplanation | str | None]:
    """Read the photographs of a cell, those to be explained first, then explain them if there are attributes."""
    from latent_explorer.explain.counterfactuals.mistakes import explain_mistakes

    size = min(SIZE, host.explainer.generator.config.resolution)
    yield from _read_cell(judged, cell, size)
    if not attributes:
        return None
    job = explain_mistakes(
        host.explainer, judged, cell.label, cell.verdict, by=cell.by if cell.group is not None else None,
        group=cell.group, attributes=attributes, classifier_id=key, device=host.device, budget=budget,
    )  # fmt: skip
    try:
        return (yield from job)
    except UserError as error:
        return str(error)


def _read_cell(judged: JudgedPhotos, cell: CellKey, size: int) -> Generator[Event, None, None]:
    """Yield the photographs of a cell as they are read (`Kept`), at most SHOWN of them."""
    from latent_explorer.explain.counterfactuals.confusion import read_photos
    from latent_explorer.explain.counterfactuals.mistakes import explained_rows

    inside = judged.cell(cell.label, cell.verdict, cell.by, cell.group)
    first = inside[explained_rows(len(inside))] if len(inside) else inside
    places = np.concatenate([first, np.setdiff1d(inside, first)])[:SHOWN]
    found: tuple[CellPhoto, ...] = ()
    yield Kept(found)
    for start in range(0, len(places), _AT_ONCE):
        part = places[start : start + _AT_ONCE]
        progress = Progress(start, len(places), "Reading the photographs")
        images, broken = yield from read_photos(judged.data, judged.rows[part], size, progress)
        sound = [place for place in part if judged.names([place])[0] not in broken]
        found += tuple(
            CellPhoto(judged.names([place])[0], image, judged.probs[place])
            for place, image in zip(sound, images, strict=True)
        )
        yield Kept(found)
