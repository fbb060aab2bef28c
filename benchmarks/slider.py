# SPDX-License-Identifier: MIT
"""Latency of a slider, from the intent to the picture and its probabilities, idle and while AttFind runs.

Method. The headless application opens an explainer (default: the bundled one) in this process; the "window's thread"
is a queue that the main thread empties, as Qt's event loop would. 300 positions of the first attribute's slider are
applied, each when the picture of the one before has come (idle), then again while AttFind predicts, and while it
renders, in the same engine. Latency is apply() to the picture in hand on the main thread. The bare render of the same
requests, called directly in this process, is the yardstick: the ratio says what session, engine and delivery add.

The last line is what the drag costs AttFind: moves rendered a second while the slider moves, and while nobody
touches it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from typing import TYPE_CHECKING

from latent_explorer.app import library
from latent_explorer.app.engine.events import JobEvent
from latent_explorer.app.exploration import picture_requests, updates
from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.explorer import Explorer
from latent_explorer.common.events import Progress
from latent_explorer.explain.attfind.plan import SearchPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POSITIONS = 300
PICTURES = 48  # that AttFind searches: both its phases last longer than their positions
PREDICTING, RENDERING = "Predicting all effects by gradient", "Trying every style on a few pictures"
TIMEOUT = 60.0  # seconds without an answer: something is broken


class Driver:
    """Main thread of a headless application: applies intents and waits for updates."""

    def __init__(self, folder: Path) -> None:
        self.posted: queue.Queue[Callable[[], None]] = queue.Queue()
        self.pictures = 0
        self.explorer = Explorer(self.posted.put, data_dir=folder, config_dir=folder)
        self.explorer.updates.on(updates.MainPicture, self._count)
        self.explorer.updates.on(updates.ErrorReport, self._exit)
        self.explorer.updates.on(JobEvent, self._job_event)
        self.phase = ""  # message of the job's last step

    def _job_event(self, event: JobEvent) -> None:
        if isinstance(event.event, Progress):
            self.phase = event.event.message

    def wait_for_phase(self, phase: str) -> None:
        while self.phase != phase:
            self.posted.get(timeout=TIMEOUT)()

    def rest(self, seconds: float) -> None:
        """Empty the queue for a while."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            with contextlib.suppress(queue.Empty):
                self.posted.get(timeout=left)()

    def _count(self, _picture: updates.MainPicture) -> None:
        self.pictures += 1

    def _exit(self, error: updates.ErrorReport) -> None:
        sys.exit(f"{error.operation}: {error.failure.message}")

    def wait_for_picture(self) -> None:
        before = self.pictures
        while self.pictures == before:
            self.posted.get(timeout=TIMEOUT)()

    def latencies(self, phase: str = "") -> list[float]:
        """Return the seconds from intent to picture for every position; with a phase of the job, while it lasts."""
        attribute = self.explorer.attributes()[0]
        found = []
        for i in range(POSITIONS):
            amount = ((i % 50) - 25) / 25 + 0.001 * (i + 1)  # never the same twice
            start = time.perf_counter()
            self.explorer.apply(SetAttribute(attribute, amount))
            self.wait_for_picture()
            if phase and self.phase != phase:
                break
            found.append(time.perf_counter() - start)
        return found


@contextlib.contextmanager
def driver(path: Path) -> Iterator[Driver]:
    with tempfile.TemporaryDirectory() as folder:
        made = Driver(Path(folder))
        made.explorer.open_path(path)
        made.wait_for_picture()
        try:
            yield made
        finally:
            made.explorer.close()


def bare(made: Driver, path: Path) -> list[float]:
    """Time the same renders without session and engine, on an explainer opened for it."""
    from latent_explorer.explain.render.renderer import Renderer
    from latent_explorer.models.explainer_file import read_explainer

    assert made.explorer.session is not None
    renderer = Renderer(read_explainer(path))
    state, summary = made.explorer.session.state, made.explorer.session.summary
    attribute = made.explorer.attributes()[0]
    found = []
    for i in range(POSITIONS):
        moved = SetAttribute(attribute, ((i % 50) - 25) / 25 + 0.001 * (i + 1)).next_state(state)
        request = picture_requests.resolve(moved, summary)
        start = time.perf_counter()
        renderer.render(request)
        found.append(time.perf_counter() - start)
    return found


def row(name: str, seconds: list[float], yardstick: float) -> None:
    median, p95 = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
    rate = len(seconds) / sum(seconds)
    print(
        f"{name:24} median {1000 * median:6.1f} ms   p95 {1000 * p95:6.1f} ms   "
        f"{rate:5.1f} pictures/s   {median / yardstick:4.2f} x bare render   n = {len(seconds)}"
    )


def counted() -> Callable[[], int]:
    """Count the pictures that jobs render from now on; the function returned says how many."""
    from latent_explorer.explain.batches import BatchSizer

    count, done = 0, BatchSizer.done

    def counting(self: BatchSizer, size: int) -> None:
        nonlocal count
        count += size
        done(self, size)

    BatchSizer.done = counting  # type: ignore[method-assign]
    return lambda: count


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else library.bundled_explainer()
    with driver(path) as made:
        yardstick = bare(made, path)
        made.latencies()  # warm
        idle = made.latencies()
        rendered = counted()
        job = made.explorer.start_attfind(SearchPlan(n=PICTURES))
        made.wait_for_phase(PREDICTING)
        predicting = made.latencies(PREDICTING)
        made.wait_for_phase(RENDERING)
        before, start = rendered(), time.perf_counter()
        rendering = made.latencies(RENDERING)
        beside = (rendered() - before) / (time.perf_counter() - start)
        made.rest(1.5)  # until steps are long again
        before, start = rendered(), time.perf_counter()
        made.rest(4.0)
        alone = (rendered() - before) / (time.perf_counter() - start)
        still_running = job in made.explorer.jobs
    row("bare render", yardstick, statistics.median(yardstick))
    for name, found in (("idle", idle), ("AttFind predicts", predicting), ("AttFind renders", rendering)):
        row(name, found, statistics.median(yardstick))
    print(f"AttFind renders {beside:.0f} moves/s beside the drag, {alone:.0f} alone: {beside / alone:.0%}")
    if not still_running:
        print("AttFind ended too early: the last row counts time without it.")


if __name__ == "__main__":
    main()
