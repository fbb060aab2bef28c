# SPDX-License-Identifier: MIT
"""What turns a classifier's mistakes right: counterfactuals of all photographs of one cell of a confusion matrix.

How often removing one attribute, or adding it, makes the classifier say what the label says, beside how often a random
edit of the same size does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

import numpy as np
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Kept, Metric, Notice, Progress
from latent_explorer.common.jobs import forward_events
from latent_explorer.data.images import to_float
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.batches import default_budget
from latent_explorer.explain.counterfactuals.confusion import read_photos
from latent_explorer.explain.counterfactuals.mistakes_text import no_attributes
from latent_explorer.explain.counterfactuals.photo import REFINEMENT, Control, PhotoExplainer, PhotoSettings
from latent_explorer.explain.projected import ProjectedPicture
from latent_explorer.explain.projection.projection import project
from latent_explorer.explain.projection.target import Target
from latent_explorer.explain.recipe import Picture
from latent_explorer.models.attributes import Attribute, newest_set

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from contextlib import AbstractContextManager

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.counterfactuals.confusion import JudgedPhotos
    from latent_explorer.explain.counterfactuals.photo import Trial
    from latent_explorer.models.explainer import Explainer

FEWEST_FOR_HALVES = 12  # photographs of a cell from which one half chooses the attribute and the other measures it
MOST = 64  # photographs of a cell that are explained


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
class Example:
    """A photograph, and the same with the edit of one attribute pasted in."""

    name: str
    before: Picture
    after: Picture
    turned: bool


@dataclass(frozen=True, eq=False)
class CellExplanation:
    """What turns the photographs of one cell to their label.

    turned     each attribute towards the label, the most turned photographs first, over all that were tried
    best       None where no attribute turns any
    any_photo  photographs that some attribute turns
    shown      the best attribute, or the first of `turned`
    examples   the tried photographs with it
    within     the group that they were taken from, in words; "" for all
    """

    label: int
    verdict: int
    turned: tuple[Turned, ...]
    best: Best | None
    any_photo: Rate
    shown: Attribute
    examples: tuple[Example, ...] = ()
    within: str = ""

    @property
    def n(self) -> int:
        """Number of the photographs that were tried."""
        return self.any_photo.n


def explained_rows(count: int) -> np.ndarray:
    """Return which of a cell's photographs are explained: at most MOST, evenly spaced."""
    rows: np.ndarray = np.linspace(0, count - 1, min(MOST, count)).round().astype(int)
    return rows


def attributes_to(explainer: Explainer, label: int, classifier_id: str | None = None) -> list[Attribute]:
    """Return the listed attributes that lead to a class. UserError where there are none."""
    key = classifier_id or explainer.classifier_id
    listed = newest_set(explainer.attribute_sets, key)
    attributes = [] if listed is None else [a for a in listed.attributes if a.target == label]
    if not attributes:
        raise UserError(no_attributes(explainer.name, explainer.classifiers[key].config.class_names[label]))
    return attributes


def explain_cell(
    explainer: Explainer,
    photos: np.ndarray,
    names: Sequence[str],
    label: int,
    verdict: int,
    *,
    attributes: Sequence[Attribute] | None = None,
    within: str = "",
    classifier_id: str | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, CellExplanation]:
    """Try each attribute towards `label` on photographs (N, R, R, 3) uint8 of one cell. A job.

    attributes   those to try; the listed ones that lead to the label without it
    within       what group the photographs are of, in words

    UserError where there is no attribute that leads there.
    """
    key = classifier_id or explainer.classifier_id
    tried = attributes_to(explainer, label, key) if attributes is None else list(attributes)
    targets = [Target(name, photo) for name, photo in zip(names, photos, strict=True)]
    job = project(explainer, targets, REFINEMENT, device=device, budget=budget, classifier_id=key)
    refined = yield from forward_events(job, _worth_telling)
    trier = PhotoExplainer(explainer, tried, PhotoSettings(target=label), classifier_id=key, device=device)
    cell = _Cell(trier, targets, refined, label)
    hits = yield from cell.hits(tried)  # (N, A, 2)
    everyone = np.arange(len(hits))
    held_out = len(hits) >= FEWEST_FOR_HALVES
    choosing, measuring = (everyone[::2], everyone[1::2]) if held_out else (everyone, everyone)
    counts = hits[choosing, :, 1].sum(axis=0)
    rates = [_turned(attribute, hits[:, a]) for a, attribute in enumerate(tried)]
    best = None
    if counts.any():
        chosen = int(counts.argmax())
        measured = _turned(tried[chosen], hits[measuring, chosen])
        controls = yield from cell.controls(tried[chosen], measuring)
        best = Best(measured, *controls["random"], *controls["weights"], held_out)
    rates.sort(key=lambda rate: (-rate.photo.count, -rate.copy.count))
    shown = rates[0].attribute if best is None else best.turned.attribute
    examples = yield from cell.examples(shown)
    any_photo = Rate(int(hits[:, :, 1].any(axis=1).sum()), len(hits))
    return CellExplanation(label, verdict, tuple(rates), best, any_photo, shown, examples, within)


def explain_mistakes(
    explainer: Explainer,
    judged: JudgedPhotos,
    label: int,
    verdict: int,
    *,
    by: str | None = None,
    group: str | None = None,
    attributes: Sequence[Attribute] | None = None,
    classifier_id: str | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, CellExplanation]:
    """Read at most MOST photographs of a cell, evenly spaced, and explain them. A job.

    by, group    only those of one value of a column
    attributes   those to try; the listed ones that lead to the label without it

    UserError where the cell holds none, or no attribute leads to the label.
    """
    tried = attributes_to(explainer, label, classifier_id) if attributes is None else attributes
    inside = judged.cell(label, verdict, by, group)
    names = judged.class_names
    if not len(inside):
        raise UserError(f"No photograph of {names[label]} is called {names[verdict]}. Choose another cell.")
    chosen = inside[explained_rows(len(inside))]
    progress = Progress(0, len(chosen), "Reading the photographs")
    size = explainer.generator.config.resolution
    photos, broken = yield from read_photos(judged.data, judged.rows[chosen], size, progress)
    files = [name for name in judged.names(chosen) if name not in broken]
    if not files:
        raise UserError(f"The photographs cannot be read any more. The first: {next(iter(broken.values()))}")
    return (
        yield from explain_cell(
            explainer, photos, files, label, verdict, attributes=tried, within="" if group is None else f"{by} {group}",
            classifier_id=classifier_id, device=device, budget=budget,
        )
    )  # fmt: skip


def _worth_telling(event: Event) -> Event | None:
    """Return an event of the refinement unless it is of one photograph, or says that stopping keeps something."""
    if isinstance(event, Progress):
        return replace(event, message="Refining copies of the photographs")
    kept = isinstance(event, Kept | Metric) or (isinstance(event, Notice) and event.severity != "warning")
    return None if kept else event


@dataclass(frozen=True)
class _Cell:
    """Refined photographs of one cell, to try edits on."""

    trier: PhotoExplainer
    targets: list[Target]
    refined: list[ProjectedPicture]
    label: int

    def hits(self, attributes: Sequence[Attribute]) -> Generator[Event, None, np.ndarray]:
        """Return (N, A, 2) bool: whether the copy, and the photograph, turn with each attribute alone."""
        out = np.zeros((len(self.targets), len(attributes), 2), bool)
        for i in range(len(self.targets)):
            with self._on(i) as trial:
                for a, attribute in enumerate(attributes):
                    yield Progress(i, len(self.targets), "Trying each attribute on each photograph")
                    out[i, a] = [margin > 0 for margin in trial.tried((attribute,))]
        return out

    def controls(
        self, attribute: Attribute, rows: np.ndarray
    ) -> Generator[Event, None, dict[Control, tuple[Rate, Rate]]]:
        """Return how many copies and photographs each control of an attribute turns; of none where it is not known."""
        hits: dict[Control, list[list[bool]]] = {control: [] for control in get_args(Control)}
        rng = torch.Generator().manual_seed(0)
        for done, i in enumerate(rows):
            with self._on(i) as trial:
                for control in self.trier.controls:
                    yield Progress(done, len(rows), "Trying controls of the same size")
                    hits[control].append([margin > 0 for margin in trial.tried((attribute,), control, rng)])
        return {control: _rates(np.array(found, bool).reshape(-1, 2)) for control, found in hits.items()}

    def examples(self, attribute: Attribute) -> Generator[Event, None, tuple[Example, ...]]:
        """Return every photograph before and after an attribute."""
        found = []
        for i, target in enumerate(self.targets):
            yield Progress(i, len(self.targets), "Drawing the photographs with the attribute")
            with self._on(i) as trial:
                before, after = self.trier.picture(trial.img), trial.pasted((attribute,))
            found.append(Example(target.name, before, after, after.verdict == self.label))
        yield Progress(len(self.targets), len(self.targets), "Drawing the photographs with the attribute")
        return tuple(found)

    def _on(self, i: int) -> AbstractContextManager[Trial]:
        img = torch.from_numpy(to_float(self.targets[i].image[None]))
        return self.trier.on(img, self.refined[i], self.label)


def _turned(attribute: Attribute, hits: np.ndarray) -> Turned:
    return Turned(attribute, *_rates(hits))


def _rates(hits: np.ndarray) -> tuple[Rate, Rate]:
    """Return how many of (N, 2) copies and photographs turned."""
    copy, photo = (Rate(int(hits[:, kind].sum()), len(hits)) for kind in (0, 1))
    return copy, photo
