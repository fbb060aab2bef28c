# SPDX-License-Identifier: MIT
"""Estimates of an animation's size and appearance, from a few frames rendered and encoded on trial."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.app.export.job import BackgroundJob
from latent_explorer.app.export.scene import Scene
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Progress
from latent_explorer.common.jobs import forward_until
from latent_explorer.media.animation import budget
from latent_explorer.media.animation.formats import as_shown, check_format
from latent_explorer.media.animation.frames import compose
from latent_explorer.media.animation.settings import AnimationSettings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from latent_explorer.app.export.job import Render
    from latent_explorer.explain.recipe import PictureRequest, RenderResult
    from latent_explorer.media.animation.frames import Frame

_MAX_RENDERED = 64  # rendered frames kept, so that changing the encoding needs no rendering


@dataclass(frozen=True)
class Estimate:
    """The expected result of an export."""

    bytes: int | None  # None: nothing to encode (a table)
    frames: int
    seconds: float
    picture: np.ndarray  # (H, W, 3) uint8, the middle frame as the file will show it
    problem: str = ""  # the reason if it cannot be written


@dataclass(frozen=True)
class EstimateRequest:
    """A request for an estimate; it is not answered once `stale` is set."""

    scene: Scene
    settings: AnimationSettings
    suffix: str
    stale: threading.Event


class Estimator:
    """Answers the newest request only. Keeps rendered frames between requests about the same scene."""

    def __init__(self) -> None:
        self._newest: EstimateRequest | None = None
        self._rendered: dict[PictureRequest, RenderResult] = {}

    def estimate_request(self, scene: Scene, settings: AnimationSettings, suffix: str) -> EstimateRequest:
        """Return a new request and drop earlier ones."""
        self.cancel()
        self._newest = EstimateRequest(scene, settings, suffix, threading.Event())
        return self._newest

    def cancel(self) -> None:
        """Drop the last request."""
        if self._newest is not None:
            self._newest.stale.set()

    def job(self, estimate_request: EstimateRequest, render: Render) -> Generator[Event, None, Estimate | None]:
        """Render the frames that are missing and encode them on trial. Returns None when the request was dropped."""
        settings, suffix = estimate_request.settings.checked(), estimate_request.suffix
        requests = estimate_request.scene.requests(settings)
        count = len(requests)
        if not count or estimate_request.stale.is_set():
            return None
        places = budget.sample_places(count, suffix)
        middle = places[len(places) // 2][0]
        frames = {}
        for place in sorted({place for run in places for place in run}):
            if estimate_request.stale.is_set():
                return None
            frames[place] = self._frame(estimate_request, requests[place], place, render)
            yield Progress(len(frames), count, "Estimating the size")
        total = count
        if settings.ping_pong:
            total = max(1, 2 * count - (2 if settings.loop else 1))
        runs = [[frames[place] for place in run] for run in places]

        def work(_nothing: Iterator[None]) -> Generator[Event, None, Estimate]:
            return _measured(runs, frames[middle], total, estimate_request)

        with BackgroundJob(work) as trial:
            return (yield from forward_until(trial.drain(), estimate_request.stale.is_set))

    def _frame(self, estimate_request: EstimateRequest, request: PictureRequest, place: int, render: Render) -> Frame:
        result = self._rendered.pop(request, None) or render(request)
        self._rendered[request] = result
        while len(self._rendered) > _MAX_RENDERED:
            del self._rendered[next(iter(self._rendered))]
        return estimate_request.scene.frame(place, request, result, estimate_request.settings, estimate_request.suffix)


def _measured(
    runs: list[list[Frame]], middle: Frame, total: int, estimate_request: EstimateRequest
) -> Generator[Event, None, Estimate]:
    settings, suffix, captions = (
        estimate_request.settings,
        estimate_request.suffix,
        estimate_request.scene.caption_context,
    )
    seconds = total / settings.fps
    plain = compose(middle, settings, captions)
    if suffix == ".csv":
        return Estimate(None, total, seconds, plain)
    try:
        check_format(suffix)
    except UserError as error:
        return Estimate(None, total, seconds, plain, str(error))
    size = yield from budget.estimate(runs, total, suffix, settings, captions)
    return Estimate(size, total, seconds, as_shown(middle, suffix, settings, captions))
