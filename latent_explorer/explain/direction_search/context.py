# SPDX-License-Identifier: MIT
"""What every search for directions works with: latents to search on, others to judge by, and their logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import shortened
from latent_explorer.explain.batches import BatchSizer
from latent_explorer.explain.direction_search.labelled import Answers, labelled_latents, samples_in
from latent_explorer.explain.direction_search.settings import SearchSettings
from latent_explorer.explain.directions.direction import unit_direction
from latent_explorer.explain.labels import LabelSet
from latent_explorer.explain.latents import copy_to_device, typical_ws
from latent_explorer.models.classifiers import Classifier
from latent_explorer.models.explainer import Explainer

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.common.events import Event
    from latent_explorer.explain.directions.direction import Direction

_FEWEST_ENCODED = 100  # pictures of the file; with fewer, latents of random z are searched


@dataclass
class SearchContext:
    """Model, latents (M, num_ws, w_dim) with cond (M, K), and which of them are searched and held out."""

    settings: SearchSettings
    model: Explainer  # on the device
    classifier: Classifier | None
    ws: Tensor
    cond: Tensor | None
    fitted: np.ndarray  # rows to search on
    held_out: np.ndarray  # rows to judge by
    typical: np.ndarray  # (M', num_ws, w_dim): the unit of directions
    sizer: BatchSizer
    logits: np.ndarray  # (M, K); K is 0 without a classifier
    answers: Answers | None = None  # of a person, in place of the classifier's

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes; empty without a classifier."""
        return self.classifier.config.class_names if self.classifier is not None else ()

    @property
    def verdicts(self) -> np.ndarray:
        """Classes (M,) of the unedited pictures."""
        verdicts: np.ndarray = self.logits.argmax(axis=1)
        return verdicts

    def probabilities(self, rows: np.ndarray, target: int) -> np.ndarray:
        """Return the target's probabilities (n,) of the unedited pictures `rows` (n,)."""
        return probabilities_of(self.logits[rows], target)

    @property
    def rows(self) -> tuple[int, int]:
        """First and last row of ws that may move, both included."""
        return self.settings.rows or (0, self.model.generator.num_ws - 1)

    @property
    def targets(self) -> list[int]:
        """Classes that directions are searched for."""
        target = self.settings.target
        return list(range(len(self.class_names))) if target is None else [target]

    def moved(self, rows: np.ndarray | Tensor, shift: Tensor) -> Tensor:
        """Return img (n, 3, H, W) of latents `rows` (n,) after `shift`, which broadcasts to (n, num_ws, w_dim)."""
        index = torch.as_tensor(rows, device=self.ws.device)
        cond = None if self.cond is None else self.cond[index]
        synthesis = self.model.generator.synthesis
        img: Tensor = synthesis(self.ws[index] + shift, cond, synthesis.noise_const())
        return img

    @torch.no_grad()
    def logits_of(self, rows: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """Return logits (n, K) of latents `rows` (n,) moved by `shift`, which broadcasts to (n, num_ws, w_dim)."""
        assert self.classifier is not None
        moved = torch.as_tensor(shift, dtype=self.ws.dtype, device=self.ws.device)
        logits: np.ndarray = self.classifier.logits(self.moved(rows, moved)).float().cpu().numpy()
        return logits

    def direction(self, name: str, vector: np.ndarray) -> Direction:
        """Return the direction of a vector: (w_dim,), or (num_ws, w_dim) with zeros outside the rows of the search."""
        first, last = self.rows
        to_end = last == self.model.generator.num_ws - 1
        if vector.ndim == 2:
            return unit_direction(name, vector, self.typical)
        unit = unit_direction(name, vector, self.typical[:, first : last + 1])
        return unit.with_rows(first, None if to_end else last)

    def title(self, name: str, target: int | None, number: int | None = None) -> str:
        """Return the name of a direction: "boundary healthy 2, rows 0-3"."""
        first, last = self.rows
        parts = [name]
        if target is not None:
            parts.append(shortened(self.class_names[target]))
        if number is not None:
            parts.append(str(number))
        rows = "" if self.settings.rows is None else f", row {first}" if first == last else f", rows {first}-{last}"
        return " ".join(parts) + rows


def probabilities_of(logits: np.ndarray, target: int) -> np.ndarray:
    """Return the target's probabilities (n,) for logits (n, K)."""
    probs: np.ndarray = torch.from_numpy(logits).softmax(dim=1)[:, target].numpy()
    return probs


def open_context(
    explainer: Explainer,
    settings: SearchSettings,
    classifier_id: str | None,
    device: str | torch.device,
    sizer: BatchSizer,
    labels: LabelSet | Sequence[int] | np.ndarray | None = None,
) -> Generator[Event, None, SearchContext]:
    """Check the settings, draw the latents and ask the classifier about them. A job within a job.

    The latents are those of the file's encoded pictures, or of random z where it holds fewer than 100. With labels all
    that have one are searched, and none of these is held out.
    """
    model = copy_to_device(explainer, device)
    classifier = None
    if model.classifiers:
        classifier = model.classifiers[classifier_id or model.classifier_id]
    check_settings(settings, model.generator.num_ws, model.generator.config.w_dim, classifier, labels is not None)
    answers = None
    if labels is None:
        ws, cond = _latents(model, settings)
    else:
        ws, cond, answers = _answered(model, settings, labels)
    rng = np.random.default_rng(settings.seed)
    order = rng.permutation(len(ws))
    if answers is None:
        held_out = order[: min(settings.held_out, len(ws) // 4)]
        fitted = order[len(held_out) : len(held_out) + settings.n]
    else:
        labelled = answers.values[order] >= 0
        fitted, held_out = order[labelled], order[~labelled][: settings.held_out]
    context = SearchContext(
        settings,
        model,
        classifier,
        ws,
        cond,
        np.sort(fitted),
        np.sort(held_out),
        typical_ws(model),
        sizer,
        np.zeros((len(ws), 0), np.float32),
        answers,
    )
    if classifier is not None and (settings.held_out or settings.target is not None or settings.method != "sefa"):
        used = np.concatenate([context.held_out, context.fitted])
        parts = yield from sizer.run(
            lambda part: context.logits_of(used[part], np.zeros(1)), len(used), "Classifying pictures"
        )
        context.logits = np.zeros((len(ws), len(context.class_names)), np.float32)
        context.logits[used] = np.concatenate(parts)
    return context


def check_settings(
    settings: SearchSettings, num_ws: int, w_dim: int, classifier: Classifier | None, labelled: bool = False
) -> None:
    """Raise UserError for what this model does not have; pictures that are `labelled` need no classifier."""
    from latent_explorer.explain.direction_search.settings import MAX_COUNT, TARGETED

    if settings.rows is not None and not 0 <= settings.rows[0] <= settings.rows[1] < num_ws:
        raise UserError(f"There are no rows {settings.rows[0]}-{settings.rows[1]}: this model has 0-{num_ws - 1}.")
    if not 1 <= settings.count <= min(MAX_COUNT, w_dim):
        raise UserError(f"{settings.count} directions are not possible: from 1 to {min(MAX_COUNT, w_dim)} are.")
    by_class = settings.method in TARGETED and not labelled
    if classifier is None and (by_class or settings.target is not None):
        raise UserError(
            "This explainer holds no classifier, so no direction can lead to a class. Take SeFa or GANSpace."
        )
    if settings.target is not None and classifier is not None and not 0 <= settings.target < classifier.num_classes:
        raise UserError(f"There is no class {settings.target}: the classifier has 0-{classifier.num_classes - 1}.")


def _answered(
    model: Explainer, settings: SearchSettings, labels: LabelSet | Sequence[int] | np.ndarray
) -> tuple[Tensor, Tensor | None, Answers]:
    """Return ws, cond and the labels of the latents of a search.

    Those of a set come first, as they were shown, then others without a label.
    """
    samples = model.samples
    if isinstance(labels, LabelSet):
        ws, cond = labelled_latents(model, labels.given)
        others, other_cond = _latents(model, settings)
        if samples is not None and len(others) == len(samples):  # they are the file's: without those of the set
            kept = torch.ones(len(samples), dtype=torch.bool, device=others.device)
            kept[samples_in(labels)] = False
            others, other_cond = others[kept], None if other_cond is None else other_cond[kept]
        if cond is not None and other_cond is not None:
            cond = torch.cat([cond, other_cond])
        return torch.cat([ws, others]), cond if len(ws) else other_cond, Answers.of(labels, len(others))
    if samples is None or len(samples) != len(labels):
        held = 0 if samples is None else len(samples)
        raise UserError(
            f"There are {len(labels)} labels for {held} pictures in the file. Give one for each, -1 to skip."
        )
    return samples.ws, samples.cond_of(), Answers(np.asarray(labels).astype(int))


def _latents(model: Explainer, settings: SearchSettings) -> tuple[Tensor, Tensor | None]:
    """Return ws and cond to search on: of the file's pictures, else of random z."""
    samples, config = model.samples, model.generator.config
    if samples is not None and len(samples) >= _FEWEST_ENCODED:
        return samples.ws, samples.cond_of()
    rng = torch.Generator().manual_seed(settings.seed)
    count = settings.n + settings.held_out
    like = model.generator.mapping.w_avg
    z = torch.randn(count, config.z_dim, generator=rng).to(like)
    c = None
    if config.c_dim:
        classes = torch.randint(config.c_dim, (count,), generator=rng)
        c = torch.nn.functional.one_hot(classes, config.c_dim).to(like)
    cond = None
    if config.num_classes:
        cond = torch.full((count, config.num_classes), 1 / config.num_classes).to(like)
        if samples is not None and len(samples):
            cond = samples.cond[torch.randint(len(samples), (count,), generator=rng)].to(like)
    with torch.no_grad():
        return model.generator.ws_from_z(z, c).contiguous(), cond
