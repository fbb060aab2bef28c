# SPDX-License-Identifier: MIT
"""The cost of a search for attributes, timed on a few pictures before it starts. A job."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import torch

from latent_explorer.common.events import Event, Progress
from latent_explorer.explain.attfind.cost import SearchCost
from latent_explorer.explain.attfind.effects import Reconstructions, SingleMoves, logits_of
from latent_explorer.explain.attfind.searched import latents_to_search
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.latents import copy_to_device

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from torch import Tensor

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.models.explainer import Explainer, Samples

PICTURES = 16  # that are classified; the classes they have are counted
BATCHES = 10  # that are timed, after the first: each new size is slow at first
ENOUGH = 2.0  # seconds after which nothing more is timed
_TIMED_CLASSES = 2  # whose slopes are timed; each further one is another backward pass


def search_cost(
    explainer: Explainer,
    *,
    classifier_id: str | None = None,
    torgb: bool = False,
    latents: Samples | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
    clock: Callable[[], float] = time.perf_counter,
) -> Generator[Event, None, SearchCost]:
    """Time what `attfind` does with the same arguments: moves in batches, and slopes. A job of a few seconds.

    With a slow classifier it classifies fewer than PICTURES pictures, and takes its time for two and two slopes.
    """
    samples = explainer.samples if latents is None else latents
    model = copy_to_device(explainer, device)
    classifier, synthesis = model.classifiers[classifier_id or model.classifier_id], model.generator.synthesis
    ws, cond = latents_to_search(explainer, latents, PICTURES, None, device)
    with torch.inference_mode():
        styles = synthesis.styles(ws, cond)
        s = synthesis.join(styles, torgb=torgb)
    logits: dict[int, Tensor] = {}

    def classify(rows: slice) -> None:
        found = logits_of(synthesis, classifier, [x[rows] for x in styles], s[rows])
        logits.update(zip(range(rows.start, rows.stop), found, strict=True))

    picture = yield from _timed(classify, len(s), budget, clock)
    known = torch.stack([logits[i] for i in sorted(logits)])
    few = slice(0, len(known))
    pictures = Reconstructions([x[few] for x in styles], s[few], known)
    moves = SingleMoves(synthesis, classifier, pictures, torch.stack([s.amin(dim=0), s.amax(dim=0)]), 1, BatchSizer())
    timed = min(_TIMED_CLASSES, classifier.num_classes)
    slopes = yield from _timed(lambda rows: moves.slopes(rows, timed), len(known), budget, clock)
    backward = max(0.0, slopes - picture) / timed
    return SearchCost(
        picture=picture,
        gradient=slopes + (classifier.num_classes - timed) * backward,
        available=0 if samples is None else len(samples),
        styles=s.shape[1],
        classes=classifier.num_classes,
        verdicts=len(set(pictures.classes.tolist())),
    )


def _timed(
    compute: Callable[[slice], object], count: int, budget: StepBudget, clock: Callable[[], float]
) -> Generator[Event, None, float]:
    """Return the median seconds for one of `count` pictures, in batches as a search has them. A job within a job."""
    batch_sizer, begin = BatchSizer(budget), clock()
    seconds: list[float] = []
    done = 0
    while not seconds or (clock() - begin < ENOUGH and len(seconds) <= BATCHES):
        first = done % count
        size = min(batch_sizer.next(), count - first)
        start = clock()
        compute(slice(first, first + size))
        seconds.append((clock() - start) / size)
        batch_sizer.done(size)
        done += size
        yield Progress(min(done, count), count, "Timing a search for attributes")
    return statistics.median(seconds[1:] or seconds)
