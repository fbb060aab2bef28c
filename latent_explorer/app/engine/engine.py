# SPDX-License-Identifier: MIT
"""Worker thread with a latest-wins mailbox for pictures, and long jobs that are stepped between pictures.

Imports neither torch nor Qt: the caller gives the function that renders and the one that receives events. Every
function handed to the engine runs on its thread, and so does every call of `deliver`.

Order of service. Calls first (opening a model). Then pictures of the first slot alternate with one unit of
background work, which is one picture of a lower slot or one step of the job, also in turns. So a steady drag
neither waits for more than one unit of background work nor starves it: an intent is on the screen after at
most the current picture, one step, and its own picture.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from latent_explorer.app.engine.events import EngineEvent, JobEnded, JobEvent, JobStarted, PictureFailed, PictureReady
from latent_explorer.app.engine.failure import Failure, failure_of
from latent_explorer.common.events import Event, Kept
from latent_explorer.common.jobs import GivenUp, StepBudget

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from latent_explorer.app.engine.events import Outcome

log = logging.getLogger(__name__)

INTERACTIVE_SECONDS = 1.0  # seconds after an intent in which the sliders go before jobs
FRAME = 0.030  # seconds for a step and a picture together in that time: 33 less what delivery takes
LONG_STEP = 0.3  # longest step at other times, seconds


@dataclass
class _Slot:
    """Newest requests of a slot. `cursor` is the next index, `remaining` the number that is still to be rendered.

    An `ordered` slot begins each list at its head: what stands first matters most.
    """

    ordered: bool = False
    generation: int = 0
    requests: tuple[Any, ...] = ()
    cursor: int = 0
    remaining: int = 0
    due: float = 0.0  # by the engine's clock: not to be served before

    def replace(self, requests: Sequence[Any]) -> None:
        """Replace the requests. A list that is cut short goes on where it was, or its end would never be rendered."""
        same_length = len(requests) == len(self.requests)
        resume = self.remaining > 0 and same_length and not self.ordered
        self.generation += 1
        self.requests = tuple(requests)
        self.remaining = len(self.requests)
        if not resume:
            self.cursor = 0

    def take(self) -> tuple[int, int, Any]:
        """Return (generation, index, request) of the next picture."""
        index = self.cursor
        self.cursor = (index + 1) % len(self.requests)
        self.remaining -= 1
        return self.generation, index, self.requests[index]

    def put_back(self, generation: int, index: int) -> None:
        """Make the picture taken last the next one again, unless the requests were replaced meanwhile."""
        if generation == self.generation:
            self.cursor = index
            self.remaining += 1


@dataclass(eq=False)
class _Job:
    """Job that runs or waits; a call is a job of one step that goes before the pictures."""

    id: int
    name: str
    make: Callable[[StepBudget], Generator[Event, None, Any]]
    cancellable: bool
    generator: Generator[Event, None, Any] | None = field(default=None, repr=False)
    kept: Any = None


class Engine:
    """Owner of the only thread that may touch torch. Its methods may be called from any thread and never wait."""

    def __init__(
        self,
        render: Callable[[Any], Any],
        deliver: Callable[[EngineEvent], None],
        *,
        slots: Sequence[str] = ("main", "hover", "grid"),
        ordered: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._render = render
        self._deliver_to = deliver
        self._clock = clock
        self._wake = threading.Condition()  # guards everything below
        self._slots = {name: _Slot(name in ordered) for name in slots}  # highest priority first
        self._first = slots[0]
        self._calls: deque[_Job] = deque()
        self._jobs: deque[_Job] = deque()  # the leftmost runs
        self._cancelled: set[int] = set()
        self._next_id = 1
        self._last_unit = ""  # "first", "lower" or "step": what was served last
        self._last_background = ""
        self._in_hand = ("", 0)  # slot and generation of the picture that is being rendered
        self._last_intent = -float("inf")
        self._picture_seconds = 0.0  # running mean over the first slot: what a hand on a slider waits for
        self._idle = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    # Called from the window's thread -------------------------------------------------------------

    def show(self, slot: str, requests: Sequence[Any], *, delay: float = 0.0) -> int:
        """Replace the requests of `slot` (an empty list clears it). Returns the generation of the list.

        delay  seconds before which they are not served, nor anything below that slot
        """
        with self._wake:
            self._check_open()
            self._slots[slot].replace(requests)
            self._slots[slot].due = self._clock() + delay
            if requests:
                self._last_intent = self._clock()
            self._notify_worker()
            return self._slots[slot].generation

    def start(self, name: str, job: Callable[[StepBudget], Generator[Event, None, Any]]) -> int:
        """Queue a long job, a function that makes a generator. Returns its id; jobs run one after the other."""
        return self._add(self._jobs, name, job)

    def call(self, name: str, fn: Callable[[], Any]) -> int:
        """Run `fn` once, before any picture. Its value comes back in JobEnded."""

        def once(_budget: StepBudget) -> Generator[Event, None, Any]:
            yield from ()
            return fn()

        return self._add(self._calls, name, once)

    def cancel(self, job_id: int) -> None:
        """Close the job's generator after the current step, on the worker thread. Unknown ids are ignored."""
        with self._wake:
            self._cancelled.add(job_id)
            self._notify_worker()

    def superseded(self) -> bool:
        """Return True if the picture in hand is not wanted any more, or must wait for a call or for a higher slot.

        To be asked by the renderer. No other picture interrupts those of the first slot: a steady drag would show none.
        """
        name, generation = self._in_hand
        with self._wake:
            if self._closing or self._calls or name in ("", self._first):
                return self._closing or bool(self._calls)
            if self._slots[name].generation != generation:
                return True
            higher = itertools.takewhile(lambda slot: slot != name, self._slots)
            return any(self._is_due(self._slots[slot]) for slot in higher)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is left to do (for tests and headless tours). Returns False when the time is up."""
        with self._wake:
            return self._wake.wait_for(lambda: self._idle, timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Cancel everything, finish the current unit and join the thread. May be called twice."""
        with self._wake:
            self._closing = True
            self._notify_worker()
        if threading.current_thread() is self._thread:
            return  # called by a listener on the worker itself: it ends after this event
        self._thread.join(timeout)
        if self._thread.is_alive():
            log.warning("The engine did not stop within %.1f s; the process will end without it.", timeout)

    # The worker thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        while (unit := self._next_unit()) is not None:
            unit()
        with self._wake:
            left = [*self._calls, *self._jobs]
        for job in left:
            self._close_job(job)
        with self._wake:
            self._idle = True
            self._wake.notify_all()

    def _next_unit(self) -> Callable[[], None] | None:
        """Wait for the next piece of work; None when closing."""
        with self._wake:
            while not self._closing:
                unit = self._choose()
                if unit is not None:
                    return unit
                self._cancelled.clear()  # the rest are ids of jobs that ended before the click
                self._last_unit = ""  # after a pause the first slot goes first
                waits = [slot.due - self._clock() for slot in self._slots.values() if slot.remaining]
                self._idle = not waits
                self._wake.notify_all()
                # What is due already is held back by what is not: asking again before that would be a busy loop.
                self._wake.wait(min((each for each in waits if each > 0), default=0.0) if waits else None)
            return None

    def _is_due(self, slot: _Slot) -> bool:
        return slot.remaining > 0 and self._clock() >= slot.due

    def _choose(self) -> Callable[[], None] | None:
        """Choose the next unit by the order of service (see the docstring of this module)."""
        for job in (*self._calls, *self._jobs):
            if job.id in self._cancelled:
                return partial(self._close_job, job)
        if self._calls:
            return partial(self._step, self._calls[0])
        first = self._is_due(self._slots[self._first])
        lower = next((n for n, s in self._slots.items() if s.remaining and n != self._first), None)
        held_back = lower is not None and not self._is_due(self._slots[lower])
        background = [kind for kind, due in (("lower", lower), ("step", self._jobs)) if due and not held_back]
        if first and (self._last_unit != "first" or not background):
            self._last_unit = "first"
            return self._picture(self._first)
        if not background:
            return None
        # If both kinds wait, take the one that was not served last.
        kind = next((k for k in background if k != self._last_background), background[0])
        self._last_unit = self._last_background = kind
        if kind == "lower":
            assert lower is not None
            return self._picture(lower)
        return partial(self._step, self._jobs[0])

    def _picture(self, slot: str) -> Callable[[], None]:
        generation, index, request = self._slots[slot].take()

        def unit() -> None:
            self._in_hand = slot, generation
            started = self._clock()
            try:
                result = self._render(request)
            except GivenUp:
                with self._wake:
                    self._slots[slot].put_back(generation, index)
                return
            except BaseException as error:  # a dead worker would leave a window that never answers
                self._deliver(PictureFailed(slot, generation, index, request, failure_of(error)))
                return
            if slot == self._first:
                self._note_picture(self._clock() - started)
            self._deliver(PictureReady(slot, generation, index, request, result))

        return unit

    def _step(self, job: _Job) -> None:
        try:
            if job.generator is None:
                self._deliver(JobStarted(job.id, job.name, job.cancellable))
                job.generator = job.make(self._step_seconds)
            event = next(job.generator)
        except StopIteration as stop:
            self._end(job, "finished", stop.value)
        except BaseException as error:
            self._end(job, "failed", job.kept, failure_of(error))
        else:
            if isinstance(event, Kept):
                job.kept = event.value
            self._deliver(JobEvent(job.id, event))

    def _close_job(self, job: _Job) -> None:
        try:
            if job.generator is not None:
                job.generator.close()
        except BaseException as error:
            self._end(job, "failed", job.kept, failure_of(error))
        else:
            self._end(job, "cancelled", job.kept)

    def _end(self, job: _Job, outcome: Outcome, value: Any = None, failure: Failure | None = None) -> None:
        with self._wake:
            (self._calls if job in self._calls else self._jobs).remove(job)
            self._cancelled.discard(job.id)
        self._deliver(JobEnded(job.id, job.name, outcome, value, failure))

    # Shared --------------------------------------------------------------------------------------

    def _add(self, queue: deque[_Job], name: str, make: Callable[[StepBudget], Generator[Event, None, Any]]) -> int:
        with self._wake:
            self._check_open()
            job = _Job(self._next_id, name, make, cancellable=queue is self._jobs)
            self._next_id += 1
            queue.append(job)
            self._notify_worker()
            return job.id

    def _notify_worker(self) -> None:
        self._idle = False
        self._wake.notify_all()

    def _check_open(self) -> None:
        if self._closing:
            raise RuntimeError("the engine is closed")

    def _deliver(self, event: EngineEvent) -> None:
        try:
            self._deliver_to(event)
        except Exception:
            log.exception("A listener failed on %s", type(event).__name__)

    def _note_picture(self, seconds: float) -> None:
        with self._wake:
            mean = self._picture_seconds
            self._picture_seconds = seconds if mean == 0.0 else 0.8 * mean + 0.2 * seconds

    def _step_seconds(self) -> float:
        """Return the seconds that a job's next step may last, so that sliders stay live beside it.

        A picture asked for as soon as the one before is there waits for one step. Where pictures take longer than half
        a frame, the step may take as long as they do: the job is left half of the time.
        """
        with self._wake:
            waiting = any(slot.remaining for slot in self._slots.values())
            recent = waiting or self._clock() - self._last_intent <= INTERACTIVE_SECONDS
            return max(FRAME - self._picture_seconds if recent else LONG_STEP, self._picture_seconds)
