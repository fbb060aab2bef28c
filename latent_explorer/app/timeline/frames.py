# SPDX-License-Identifier: MIT
"""The frames of one timeline: their requests, a cache, and the probabilities of all that are rendered.

Frames are requested through two slots: "timeline" for those the user waits for (scrubbing, the next ones during
playback), "frames" for prefetching all others when the worker is idle.
"""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.app.engine.events import PictureReady
from latent_explorer.app.engine.frame_cache import CachedFrame, FrameRequest
from latent_explorer.app.thumbnail import reduced
from latent_explorer.explain.recipe import Picture, PictureRequest
from latent_explorer.explain.timeline.timeline import Timeline, frame_times, recipe_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from latent_explorer.app.engine.events import PictureFailed
    from latent_explorer.explain.recipe import RenderResult

PLAYHEAD_SLOT, PREFETCH_SLOT = "timeline", "frames"  # slots
MAX_FRAME_BYTES = 96 << 20  # bytes of pictures in memory; more are on disk
PREFETCH_SECONDS = 0.7  # seconds rendered ahead during playback
MIN_PREFETCH = 4  # frames
MAX_VERDICTS = 100_000
PREFETCH_BATCH = 400  # frames checked at once: all 30 000 of a long timeline would block the window


class TimelineFrames:
    """Requests and caches frames. `ask(slot, requests)` replaces the requests of a slot; pass the answers to `take`."""

    def __init__(self, ask: Callable[[str, Sequence[FrameRequest]], None]) -> None:
        self._ask = ask
        self.times: list[float] = []  # of one pass, as `frame_times`
        self.way = np.empty(0)  # (n,) times of the way forward; the way back repeats them
        self.probs = np.empty((0, 0))  # (n, K) of these, nan where unknown; K = 0 without a classifier
        self.known = np.empty(0, bool)  # (n,) True for those that were rendered
        self._at: Callable[[float], FrameRequest]
        self._requests: dict[int, FrameRequest] = {}  # by index on the way forward, of frames requested so far
        self._places: dict[FrameRequest, list[int]] = {}
        self._keyframes: dict[float, FrameRequest] = {}
        self._kept: set[FrameRequest] = set()  # of the keyframes
        self._pictures: OrderedDict[FrameRequest, CachedFrame] = OrderedDict()  # newest last
        self._bytes = 0
        self._thumbnails: dict[FrameRequest, Picture] = {}
        self._verdicts: dict[FrameRequest, np.ndarray] = {}
        self._failed: set[FrameRequest] = set()
        self._pending: set[FrameRequest] = set()  # requested in the slot "timeline"
        self._portion: set[FrameRequest] = set()  # requested in the slot "frames"
        self._rest: Iterator[int] = iter(())  # indices not yet requested in that slot
        self._seconds = 0.0  # of rendering a frame, running mean
        self._filling = False

    def set_timeline(self, timeline: Timeline | None, model_hash: str = "", classifier_id: str = "") -> None:
        """Set another timeline, or the same after a change. Results of equal frames are kept."""
        self.times, self._keyframes = [], {}
        if timeline is not None and timeline.keyframes:
            judge_id = timeline.classifier_id or classifier_id

            def at(seconds: float) -> FrameRequest:
                return FrameRequest(PictureRequest(recipe_at(timeline, seconds), judge_id), model_hash)

            self._at = at
            self.times = frame_times(timeline)
            self._keyframes = {k.seconds: at(k.seconds) for k in timeline.keyframes}
        forward = int(np.argmax(self.times)) + 1 if self.times else 0
        self.way, self.probs = np.array(self.times[:forward]), np.empty((forward, 0))
        self.known = np.zeros(forward, bool)
        self._kept = set(self._keyframes.values())
        for outdated in (self._requests, self._places, self._failed, self._pending):
            outdated.clear()
        self._thumbnails = {r: p for r, p in self._thumbnails.items() if r in self._kept}
        for request in self._kept & self._pictures.keys():
            self._thumbnails[request] = reduced(self._pictures[request].result.after)
        if len(self._verdicts) > MAX_VERDICTS:
            self._verdicts.clear()
        self._ask(PLAYHEAD_SLOT, [])
        self._fill()

    def add_frame(self, request: FrameRequest, result: RenderResult) -> None:
        """Add a picture rendered elsewhere, so that a keyframe of it need not be rendered again."""
        if request not in self._pictures:
            self._verdicts[request] = result.after.probs
            self._keep(request, CachedFrame(result, False))

    def invalidate(self) -> None:
        """Drop all frames, because the model or the device has changed."""
        for frames in (self._pictures, self._thumbnails, self._verdicts):
            frames.clear()
        self._bytes, self._seconds = 0, 0.0

    def set_prefetch(self, on: bool) -> None:
        """Turn rendering ahead while the worker is idle on or off."""
        self._filling = on
        self._fill()

    def __len__(self) -> int:
        return len(self.times)

    def frame(self, index: int) -> CachedFrame | None:
        """Return a frame, or None if it is not in memory."""
        request = self._look(index)
        cached = self._pictures.get(request)
        if cached is not None:
            self._pictures.move_to_end(request)
        return cached

    def request(self, index: int) -> PictureRequest:
        return self._look(index).request

    def picture_at(self, seconds: float) -> Picture | None:
        """Return the picture of the keyframe at a time, perhaps reduced, or of the frame there if it is in memory."""
        request = self._keyframes.get(seconds)
        if request is None and self.times:
            request = self._look(self.index(seconds))
        if request in self._thumbnails:
            return self._thumbnails[request]
        cached = self._pictures.get(request) if request else None
        return cached.result.after if cached else None

    def index(self, seconds: float) -> int:
        """Return the frame nearest to a time, on the way forward."""
        return int(np.abs(self.way - seconds).argmin())

    def _look(self, index: int) -> FrameRequest:
        """Return a frame's request, and note the probabilities of an equal frame rendered before."""
        place = index if index < len(self.way) else 2 * (len(self.way) - 1) - index
        request = self._requests.get(place)
        if request is None:
            request = self._requests[place] = self._at(self.times[place])
            self._places.setdefault(request, []).append(place)
            if request in self._verdicts:
                self._note([place], self._verdicts[request])
        return request

    def _note(self, places: list[int], probs: np.ndarray) -> None:
        if not self.probs.shape[1]:
            self.probs = np.full((len(self.way), len(probs)), np.nan)
        self.probs[places] = probs
        self.known[places] = True

    def request_frame(self, index: int) -> None:
        """Request this frame before all others."""
        request = self._look(index)
        if request not in self._pending or len(self._pending) > 1:
            self._send([request])

    def prefetch(self, index: int, fps: float, loop: bool) -> None:
        """Request the frames from this one on, during playback.

        Where rendering is slower than playback, only as many as can be ready in time, evenly spaced; the others are
        rendered when there is time, and are ready in the next round.
        """
        count = max(MIN_PREFETCH, math.ceil(PREFETCH_SECONDS * fps))
        count = max(MIN_PREFETCH, min(count, self._max_frames() // 2))
        stride = max(1, math.ceil(self._seconds * fps))
        total = len(self.times)
        requests: dict[FrameRequest, None] = {}
        for place in range(index, index + count if loop else min(index + count, total)):
            request = self._look(place % total)
            in_time = place >= index + stride - 1 and place % total % stride == 0
            if in_time or request in self._verdicts:  # rendered before: it is on disk
                requests[request] = None
        missing = [r for r in requests if r not in self._pictures and r not in self._failed]
        if any(r not in self._pending for r in missing):
            self._send(missing)

    def take(self, event: PictureReady | PictureFailed) -> bool:
        """Take an answer. Return True if it is a frame of the current timeline."""
        request: FrameRequest = event.request
        (self._pending if event.slot == PLAYHEAD_SLOT else self._portion).discard(request)
        is_current = request in self._places or request in self._kept
        if isinstance(event, PictureReady):
            self._take_frame(request, event.result, is_playhead=event.slot == PLAYHEAD_SLOT, is_current=is_current)
        else:
            self._failed.add(request)
        if event.slot == PREFETCH_SLOT and not self._portion:
            self._fill_on()
        return is_current

    def _take_frame(self, request: FrameRequest, frame: CachedFrame, *, is_playhead: bool, is_current: bool) -> None:
        if not frame.cached:
            took = frame.result.seconds
            self._seconds = 0.8 * self._seconds + 0.2 * took if self._seconds else took
        if not is_current:
            return
        picture = frame.result.after
        self._verdicts[request] = picture.probs
        self._note(self._places.get(request, []), picture.probs)
        if request in self._kept:
            self._thumbnails[request] = reduced(picture)
        if is_playhead or self._bytes < MAX_FRAME_BYTES:
            self._keep(request, frame)

    def _send(self, requests: list[FrameRequest]) -> None:
        self._pending = set(requests)
        self._ask(PLAYHEAD_SLOT, requests)

    def _fill(self) -> None:
        """Request keyframes first, then every 16th frame, every 8th between them and so on, for an early plot."""
        self._portion.clear()
        self._rest = _coarse_to_fine(len(self.way)) if self._filling else iter(())
        if self._filling:
            self._fill_on(r for r in self._keyframes.values() if r not in self._thumbnails)
        else:
            self._ask(PREFETCH_SLOT, [])

    def _fill_on(self, first: Iterable[FrameRequest] = ()) -> None:
        """Request the unknown frames of the next portion; if all are known, one frame, whose answer continues."""
        requests = dict.fromkeys(first)
        portion = [self._look(place) for place in itertools.islice(self._rest, PREFETCH_BATCH)]
        unknown = (r for r in portion if r not in self._verdicts and r not in self._failed)
        requests.update(dict.fromkeys(unknown))
        if not requests and len(portion) == PREFETCH_BATCH:
            requests.update(dict.fromkeys(portion[:1]))
        self._portion = set(requests)
        self._ask(PREFETCH_SLOT, list(requests))

    def _keep(self, request: FrameRequest, frame: CachedFrame) -> None:
        replaced = self._pictures.pop(request, None)
        self._pictures[request] = frame
        self._bytes += _size(frame.result) - (_size(replaced.result) if replaced else 0)
        while self._bytes > MAX_FRAME_BYTES and len(self._pictures) > 1:
            _, oldest = self._pictures.popitem(last=False)
            self._bytes -= _size(oldest.result)

    def _max_frames(self) -> int:
        """Return how many frames of this size fit in memory."""
        newest = next(reversed(self._pictures.values()), None)
        return MAX_FRAME_BYTES // _size(newest.result) if newest else MIN_PREFETCH * 4


def _coarse_to_fine(count: int) -> Iterator[int]:
    """Yield all numbers below `count`: every sixteenth first, then those halfway between, and so on."""
    yield from range(0, count, 16)
    for step in (8, 4, 2, 1):
        yield from range(step, count, 2 * step)


def _size(result: RenderResult) -> int:
    edited = result.before is not result.after
    return result.after.image.nbytes * (2 if edited else 1) + result.styles.nbytes
