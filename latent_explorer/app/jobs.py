# SPDX-License-Identifier: MIT
"""Jobs and calls on the engine by name, and the handlers of their results."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from latent_explorer.app.engine.events import JobEnded, JobEvent, JobStarted
from latent_explorer.app.exploration import updates

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from latent_explorer.app.engine.engine import Engine
    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget

    ResultHandler = Callable[[Any], None]
    Job = Callable[[StepBudget], Generator[Event, None, Any]]
    ModelJob = Callable[[ModelHost, StepBudget], Generator[Event, None, Any]]

log = logging.getLogger(__name__)


class Jobs:
    """Long jobs can be listed and cancelled; calls (opening a model) are short and go before all pictures."""

    def __init__(self, engine: Engine, notify: Callable[[object], None], calls_done: Callable[[], None]) -> None:
        self.running: dict[int, str] = {}  # names of the jobs that run or wait, by id
        self._engine = engine
        self._notify = notify
        self._calls_done = calls_done
        self._calls: set[int] = set()
        self._without_model: set[int] = set()  # jobs that do not need the open model
        self._quiet: set[int] = set()
        self._on_result: dict[int, ResultHandler] = {}

    @property
    def has_pending_call(self) -> bool:
        """True if a call has not come back yet."""
        return bool(self._calls)

    @property
    def of_model(self) -> tuple[str, ...]:
        """Names of the jobs that end when another model or exploration is opened."""
        apart = self._without_model | self._quiet
        return tuple(name for number, name in self.running.items() if number not in apart)

    def start(
        self, name: str, job: Job, on_result: ResultHandler, *, of_model: bool = True, quiet: bool = False
    ) -> int:
        """Queue a job; `on_result` gets its value on the window's thread. Emits `JobQueued`. Returns its id.

        A job `of_model` works on the open model and exploration, and is cancelled when another one is opened.
        Nothing is told of a `quiet` one, also not that it failed: it takes seconds, and nobody asked for it.
        """
        number = self._engine.start(name, job)
        if not of_model:
            self._without_model.add(number)
        if quiet:
            self._quiet.add(number)
        self.running[number] = name
        self._on_result[number] = on_result
        if not quiet:
            self._notify(updates.JobQueued(number, name))
        return number

    def call(self, name: str, fn: Callable[[], Any], on_result: ResultHandler) -> None:
        """Run `fn` on the worker before any picture; `on_result` gets its value. `calls_done` follows the last call."""
        number = self._engine.call(name, fn)
        self._calls.add(number)
        self._on_result[number] = on_result

    def cancel_of_model(self) -> None:
        """Cancel every job on the open model (calls go on). A result that is already on its way is dropped."""
        for number in self.running.keys() - self._without_model:
            self._engine.cancel(number)
            self._on_result[number] = lambda _value: None

    def take(self, event: JobStarted | JobEvent | JobEnded) -> None:
        """Handle an event of a job or call, on the window's thread."""
        quiet = event.job in self._quiet
        if not isinstance(event, JobEnded):
            if not quiet:
                self._notify(event)
            return
        self.running.pop(event.job, None)
        self._without_model.discard(event.job)
        on_result = self._on_result.pop(event.job)
        self._quiet.discard(event.job)
        if not quiet:
            self._notify(event)
        if event.failure is not None and quiet:
            log.warning("%s: %s", event.name, event.failure)
        elif event.failure is not None:
            self._notify(updates.ErrorReport(event.failure, event.name))
        elif event.outcome == "finished":
            with updates.report_errors(self._notify, event.name):
                on_result(event.value)
        if event.job in self._calls:
            self._calls.remove(event.job)
            if not self._calls:
                self._calls_done()
