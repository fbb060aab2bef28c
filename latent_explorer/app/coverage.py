# SPDX-License-Identifier: MIT
"""Coverage of the open explainer for the window: asked once for each classifier and truncation, on demand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from latent_explorer.app.engine.events import JobEnded
from latent_explorer.app.exploration.updates import ModelOpened
from latent_explorer.common.format import shortened
from latent_explorer.explain.recipe import SampleBase, SeedBase

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.recipe import Base
    from latent_explorer.explain.report.coverage import Coverage

NAME = "Looking at what is drawn"  # of the job
MOST_LINES = 4  # classes with a line each
SHOWN = 12  # pictures of each origin that are listed


@dataclass(frozen=True)
class _Asked:
    """What a coverage is of."""

    classifier_id: str
    psi: float
    cutoff: int | None


class CoverageController:
    """Keeps the newest coverage of the open explainer. `on_change` is called when one is known or was given up."""

    def __init__(self, explorer: Explorer, on_change: Callable[[], None]) -> None:
        self._explorer = explorer
        self._on_change = on_change
        self._asked: _Asked | None = None
        self._found: Coverage | None = None
        self._job: int | None = None
        explorer.updates.on(ModelOpened, lambda _update: self._forget())
        explorer.updates.on(JobEnded, self._end)

    @property
    def asking(self) -> bool:
        """True while the pictures are being asked about."""
        return self._job is not None

    @property
    def found(self) -> Coverage | None:
        """Coverage by the selected classifier; None until it is known. Seeds are truncated as when it was asked."""
        state = self._explorer.state
        fits = state is not None and self._asked is not None and self._asked.classifier_id == state.classifier_id
        return self._found if fits else None

    def ask(self) -> None:
        """Ask about the pictures, unless that is known or under way for the classifier and truncation."""
        state = self._explorer.state
        if state is None:
            return
        asked = _Asked(state.classifier_id, state.truncation_psi, state.truncation_cutoff)
        if asked == self._asked and (self._found is not None or self.asking):
            return
        if self._job is not None:
            self._explorer.cancel(self._job)
        self._asked, self._found = asked, None
        self._job = self._explorer.start_model_job(NAME, partial(_coverage, asked=asked), partial(self._take, asked))

    def highest(self, target: int) -> list[Base]:
        """Return the seeds with the highest probability of a class, then the pictures of the file; [] until known."""
        found = self.found
        if found is None:
            return []
        bases: list[Base] = [SeedBase(int(i)) for i in found.seeds.highest(target)[:SHOWN]]
        if found.drawn is not None:
            bases += [SampleBase(int(i)) for i in found.drawn.highest(target)[:SHOWN]]
        return bases

    def _take(self, asked: _Asked, found: Coverage) -> None:
        if asked == self._asked:
            self._found = found
            self._on_change()

    def _end(self, update: JobEnded) -> None:
        if update.job == self._job:
            self._job = None
            if update.outcome != "finished":
                self._asked = None
                self._on_change()

    def _forget(self) -> None:
        self._asked = self._found = self._job = None


def coverage_lines(found: Coverage, target: int) -> list[str]:
    """Return how often each class is drawn, a short line each, the target first; of many classes the target alone."""
    lines = []
    for k in _classes(found, target):
        name = shortened(found.class_names[k], 30)
        sets = {"seeds": found.seeds, "pictures of the file": found.drawn, "photographs": found.photographs}
        shares = [f"{each.reaching(k).share:.0%} of {what}" for what, each in sets.items() if each is not None]
        lines.append(f"{name}: {', '.join(shares)}" + (". Almost never drawn." if found.sentence(k) else ""))
    return lines


def coverage_details(found: Coverage, target: int) -> list[str]:
    """Return the counts with their intervals for the same classes, and what it means that one is almost never drawn."""
    lines = []
    for k in _classes(found, target):
        name = shortened(found.class_names[k], 30)
        for each in found.sets:
            rate = each.reaching(k)
            low, high = rate.interval
            lines.append(f"{name}: {rate.count:,} of {rate.n:,} {each.title} ({low:.0%} to {high:.0%})")
        if sentence := found.sentence(k):
            lines.append(sentence)
    return lines


def _classes(found: Coverage, target: int) -> list[int]:
    count = len(found.class_names)
    return sorted(range(count), key=lambda k: k != target) if count <= MOST_LINES else [target]


def _coverage(host: ModelHost, budget: StepBudget, *, asked: _Asked) -> Generator[Event, None, Coverage]:
    from latent_explorer.explain.report.coverage import coverage

    return coverage(
        host.explainer,
        psi=asked.psi,
        cutoff=asked.cutoff,
        classifier_id=asked.classifier_id,
        device=host.device,
        budget=budget,
    )
