# SPDX-License-Identifier: MIT
"""The figures of labels while they are given: one computation after the other, always of the newest labels."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.direction_search.judge import Judgement
    from latent_explorer.explain.directions.direction import Direction
    from latent_explorer.explain.labels import Label, LabelSet

NAME = "Judging the labels"  # of the job


class LiveFigures:
    """Judgement of the newest labels. `on_change` is called when there is another one.

    Labels that come during a computation wait for its end: begun anew at every key, it would never end.
    """

    def __init__(self, explorer: Explorer, on_change: Callable[[], None]) -> None:
        self._explorer, self._on_change = explorer, on_change
        self.judgement: Judgement | None = None
        self.problem = ""  # why there are no figures
        self._running = False
        self._wanted: tuple[LabelSet, Sequence[Label], Sequence[Direction]] | None = None  # next
        self._subject = 0  # one set of labels

    def forget(self) -> None:
        """Begin with other labels: what is being computed is not of them."""
        self.judgement, self.problem, self._wanted = None, "", None
        self._subject += 1

    def model_opened(self) -> None:
        """Note that jobs on the model before have ended without a word."""
        self._running = False
        self.forget()

    def follow(self, labels: LabelSet, pool: Sequence[Label], given: Sequence[Direction]) -> None:
        """Judge labels, of which there are enough, and pictures among which others are to be sought."""
        self._wanted = (labels, pool, given)
        if not self._running:
            self._start()

    @property
    def fresh(self) -> bool:
        """True if the judgement is that of the newest labels."""
        return self.judgement is not None and not self._running

    @property
    def waiting_for(self) -> str:
        """Name of the job that the figures wait for; empty if they do not."""
        first = next(iter(self._explorer.jobs.values()), NAME)
        return first if self._running and first != NAME else ""

    def _start(self) -> None:
        if self._wanted is None:
            return
        job, take = partial(_judgement, asked=self._wanted), partial(self._take, self._subject)
        self._wanted = None
        self._running = self._explorer.start_model_job(NAME, job, take, quiet=True) is not None

    def _take(self, subject: int, found: Judgement | str) -> None:
        self._running = False
        if subject == self._subject:
            if isinstance(found, str):
                self.judgement, self.problem = None, found
            else:
                self.judgement, self.problem = found, ""
        self._start()
        self._on_change()


def _judgement(
    host: ModelHost, _budget: StepBudget, *, asked: tuple[LabelSet, Sequence[Label], Sequence[Direction]]
) -> Generator[Event, None, Judgement | str]:
    from latent_explorer.explain.direction_search.judge import judge

    try:
        return (yield from judge(host.explainer, *asked))
    except UserError as error:  # a quiet job says nothing
        return str(error)
