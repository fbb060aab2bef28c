# SPDX-License-Identifier: MIT
"""Engines with fake renderers and jobs, closed at the end of a test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from latent_explorer.app.engine.engine import Engine
from latent_explorer.app.engine.events import JobEnded, PictureReady
from latent_explorer.common.events import Progress

WAIT = 60.0


class Gate:
    """Renderer that waits until the test opens it; `entered` is set while a picture is in hand."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self, request):
        self.entered.set()
        assert self.open.wait(WAIT)
        return request


@contextmanager
def running(render: Callable, **options) -> Iterator[tuple[Engine, list]]:
    events: list = []
    engine = Engine(render, events.append, **options)
    try:
        yield engine, events
    finally:
        engine.close()


def pictures(events: list, slot: str = "main") -> list:
    return [e.result for e in events if isinstance(e, PictureReady) and e.slot == slot]


def ended(events: list) -> list[tuple[str, str]]:
    return [(e.name, e.outcome) for e in events if isinstance(e, JobEnded)]


def counting(total: int):
    """A job of `total` steps."""

    def job(_budget):
        for i in range(total):
            yield Progress(i, total)
        return total

    return job


def endless(log: list, started: threading.Event):
    def job(_budget):
        try:
            while True:
                started.set()
                yield Progress(0, 0)
        finally:
            log.append(threading.current_thread().name)

    return job
