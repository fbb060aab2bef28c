# SPDX-License-Identifier: MIT
"""The job that writes an animation, used by the window and the command line, so that equal seeds give equal files.

Encoding needs no torch and runs on its own thread, which the job always joins.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Notice, Preview, Progress
from latent_explorer.common.jobs import run_job
from latent_explorer.common.paths import check_writable
from latent_explorer.media.animation.settings import format_of
from latent_explorer.media.animation.writer import WrittenAnimation, write_animation
from latent_explorer.media.drawing import font_warning

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from latent_explorer.app.export.scene import Scene
    from latent_explorer.explain.recipe import PictureRequest, RenderResult
    from latent_explorer.media.animation.frames import Frame
    from latent_explorer.media.animation.settings import AnimationSettings

    Render = Callable[[PictureRequest], RenderResult]

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741

RENDERING = "Rendering frames"
_MAX_QUEUED = 8  # frames that may wait for the encoder: more would only take memory
_WAIT_SECONDS = 0.02


def animation(
    path: Path, scene: Scene, settings: AnimationSettings, render: Render
) -> Generator[Event, None, WrittenAnimation]:
    """Render every frame of the scene and write them to `path`. Leaves no file when it is cancelled."""
    settings = settings.checked()
    check_writable(path, "file" if path.suffix else "new folder")
    suffix, requests, captions = format_of(path), scene.requests(settings), scene.caption_context
    if not requests:
        raise UserError(
            f"The timeline {scene.timeline.name!r} has no keyframe yet, so there is nothing to export. Add one."
        )
    if settings.caption and (problem := font_warning(captions.class_names)):
        yield Notice(problem, "warning")
    total = len(requests)

    def write(frames: Iterator[Frame]) -> Generator[Event, None, WrittenAnimation]:
        return write_animation(path, frames, settings, captions, total)

    began = time.monotonic()
    with BackgroundJob(write) as encoding:
        previous: tuple[PictureRequest, RenderResult] | None = None
        for number, request in enumerate(requests):
            result = previous[1] if previous and previous[0] == request else render(request)
            previous = request, result
            frame = scene.frame(number, request, result, settings, suffix)
            while not encoding.put(frame):
                yield Progress(number, total, RENDERING)
            yield Preview(result.after.image)
            seconds_left = (time.monotonic() - began) / (number + 1) * (total - number - 1)
            yield Progress(number + 1, total, RENDERING, seconds_left)
        return (yield from encoding.drain())


class BackgroundJob(Generic[I, T]):
    """A job on its own thread that is fed items. Leaving the block by an exception (or a cancel) closes it."""

    def __init__(self, job: Callable[[Iterator[I]], Generator[Event, None, T]]) -> None:
        self._job = job
        self._items: queue.Queue[I | None] = queue.Queue(_MAX_QUEUED)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._abandoned = threading.Event()
        self._ended = (
            threading.Event()
        )  # not is_alive: CPython takes a thread for ended if a signal interrupts its join
        self._error: BaseException | None = None
        self._value: list[T] = []
        self._thread = threading.Thread(target=self._run, name="encoding", daemon=True)

    def __enter__(self) -> BackgroundJob[I, T]:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._abandoned.set()
        self._ended.wait()
        self._thread.join()

    def put(self, item: I) -> bool:
        """Pass one more item to the job. Returns False if too many wait; raises the job's error, if any."""
        self._raise()
        try:
            self._items.put(item, timeout=_WAIT_SECONDS)
        except queue.Full:
            return False
        return True

    def drain(self) -> Generator[Event, None, T]:
        """End the items, yield the job's remaining events and return its result."""
        while not self._end():
            yield Progress(0, 0, RENDERING)
        self._empty()
        last: Event | None = None
        while not self._ended.wait(_WAIT_SECONDS):
            events = self._empty()
            yield from (event for event in events if not isinstance(event, Progress))
            last = next((e for e in reversed(events) if isinstance(e, Progress)), last)
            if last is not None:
                yield last
        yield from (event for event in self._empty() if not isinstance(event, Progress))
        self._raise()
        return self._value[0]

    def _end(self) -> bool:
        try:
            self._items.put(None, timeout=_WAIT_SECONDS)
        except queue.Full:
            return self._ended.is_set()
        return True

    def _empty(self) -> list[Event]:
        events = []
        while not self._events.empty():
            events.append(self._events.get())
        return events

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._value.append(run_job(self._job(self._received_items()), self._take))
        except _AbandonedError:
            pass
        except BaseException as error:
            self._error = error
        finally:
            self._ended.set()

    def _take(self, event: Event) -> None:
        if self._abandoned.is_set():
            raise _AbandonedError
        self._events.put(event)

    def _received_items(self) -> Iterator[I]:
        while True:
            if self._abandoned.is_set():
                raise _AbandonedError
            try:
                item = self._items.get(timeout=_WAIT_SECONDS)
            except queue.Empty:
                continue
            if item is None:
                return
            yield item


class _AbandonedError(Exception):
    """Raised inside a cancelled job, to end the encoder without a file."""
