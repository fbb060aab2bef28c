# SPDX-License-Identifier: MIT
"""The frames of one timeline: which are wanted when, those at hand, and what the classifier says of all made so far.

Asks through two slots: "timeline" for what a person waits for (a frame scrubbed to, the next ones while it plays),
"frames" for all others, when nothing else is to be done. Does not know the state, the window or the clock.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.app.engine_events import PictureReady
from latent_explorer.app.frame_cache import CachedFrame, FrameRequest
from latent_explorer.explain.recipe import Picture, PictureRequest
from latent_explorer.explain.timeline import Timeline, frame_times, recipe_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from latent_explorer.app.engine_events import PictureFailed
    from latent_explorer.explain.recipe import RenderResult

NOW, LATER = "timeline", "frames"  # slots
AT_HAND = 96 << 20  # bytes of pictures in memory; more are on disk
AHEAD = 0.7  # seconds that are made ready while it plays
FEWEST_AHEAD = 4  # frames
THUMBNAIL = 128  # px; larger pictures of keyframes are kept at about this size
MOST_VERDICTS = 100_000


class TimelineFrames:
    """`ask(slot, requests)` replaces what a slot shall bring; answers come by `take`."""

    def __init__(self, ask: Callable[[str, Sequence[FrameRequest]], None]) -> None:
        self._ask = ask
        self.times: list[float] = []  # of one pass, as `frame_times`
        self._asked: list[FrameRequest] = []
        self._keyframes: dict[float, FrameRequest] = {}
        self._kept: set[FrameRequest] = set()  # the keyframes' own
        self._current: set[FrameRequest] = set()  # all of the timeline
        self._pictures: OrderedDict[FrameRequest, CachedFrame] = OrderedDict()  # newest last
        self._bytes = 0
        self._thumbnails: dict[FrameRequest, Picture] = {}
        self._verdicts: dict[FrameRequest, np.ndarray] = {}
        self._failed: set[FrameRequest] = set()
        self._pending: set[FrameRequest] = set()  # asked for in the slot "timeline"
        self._seconds = 0.0  # that a frame takes to render, running mean
        self._filling = False

    def use(self, timeline: Timeline | None, model_hash: str = "", classifier_id: str = "") -> None:
        """Another timeline, or the same after a change. What was made of equal frames stays known."""

        def at(timeline: Timeline, seconds: float) -> FrameRequest:
            asked = timeline.classifier_id or classifier_id
            return FrameRequest(PictureRequest(recipe_at(timeline, seconds), asked), model_hash)

        self.times, self._asked, self._keyframes = [], [], {}
        if timeline is not None and timeline.keyframes:
            self.times = frame_times(timeline)
            once = {seconds: at(timeline, seconds) for seconds in self.times}
            self._asked = [once[seconds] for seconds in self.times]
            self._keyframes = {k.seconds: at(timeline, k.seconds) for k in timeline.keyframes}
        self._kept = set(self._keyframes.values())
        self._current = self._kept.union(self._asked)
        self._failed.clear()
        self._thumbnails = {r: p for r, p in self._thumbnails.items() if r in self._kept}
        if len(self._verdicts) > MOST_VERDICTS:
            self._verdicts.clear()
        self._pending.clear()
        self._ask(NOW, [])
        self._fill()

    def forget(self) -> None:
        """Another model or device: nothing that was made is a frame any more."""
        for kept in (self._pictures, self._thumbnails, self._verdicts):
            kept.clear()
        self._bytes, self._seconds = 0, 0.0

    def fill(self, on: bool) -> None:
        """Whether frames are made while nothing else is to be done."""
        self._filling = on
        self._fill()

    # What is at hand -----------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.times)

    def frame(self, index: int) -> CachedFrame | None:
        """A frame, if it is in memory."""
        found = self._pictures.get(self._asked[index])
        if found is not None:
            self._pictures.move_to_end(self._asked[index])
        return found

    def request(self, index: int) -> PictureRequest:
        """What a frame is a picture of."""
        return self._asked[index].request

    def picture_at(self, seconds: float) -> Picture | None:
        """The picture of the keyframe at a time, perhaps reduced; or of the frame there, if it is in memory."""
        request = self._keyframes.get(seconds)
        if request is None and self.times:
            request = self._asked[self.index(seconds)]
        if request in self._thumbnails:
            return self._thumbnails[request]
        found = self._pictures.get(request) if request else None
        return found.result.after if found else None

    def index(self, seconds: float) -> int:
        """The frame nearest to a time, on the way forward."""
        forward = self._forward()
        return int(np.abs(np.array(self.times[:forward]) - seconds).argmin())

    @property
    def trace(self) -> list[tuple[float, np.ndarray]]:
        """(seconds, probs) of the frames made so far, in the order of time."""
        known = zip(self.times[: self._forward()], self._asked, strict=False)
        return [(t, self._verdicts[r]) for t, r in known if r in self._verdicts]

    @property
    def progress(self) -> float:
        """The share of the frames that are made."""
        if not self._asked:
            return 0.0
        return sum(r in self._verdicts for r in self._asked) / len(self._asked)

    def _forward(self) -> int:
        """How many frames lead forward; those of the way back are the same once more."""
        return int(np.argmax(self.times)) + 1 if self.times else 0

    # What is asked for ---------------------------------------------------------------------------

    def want(self, index: int) -> None:
        """This frame, before all others."""
        request = self._asked[index]
        if request not in self._pending or len(self._pending) > 1:
            self._send([request])

    def look_ahead(self, index: int, fps: float, loop: bool) -> None:
        """While it plays: the frames from this one on.

        Where rendering is slower than playing, only as many as can be ready in time, evenly spaced; the others come
        when there is time, and are there in the next round.
        """
        count = max(FEWEST_AHEAD, math.ceil(AHEAD * fps))
        count = max(FEWEST_AHEAD, min(count, self._most_at_hand() // 2))
        stride = max(1, math.ceil(self._seconds * fps))
        total = len(self._asked)
        following = range(index, index + count)
        places = [i % total for i in following if loop or i < total]
        wanted = dict.fromkeys(
            self._asked[i]
            for i in places
            if i % stride == 0 or self._asked[i] in self._verdicts  # made once: it is on disk
        )
        missing = [r for r in wanted if r not in self._pictures and r not in self._failed]
        if any(r not in self._pending for r in missing):
            self._send(missing)

    def take(self, event: PictureReady | PictureFailed) -> bool:
        """An answer. Whether it is a frame of the current timeline."""
        request: FrameRequest = event.request
        if event.slot == NOW:
            self._pending.discard(request)
        shown = request in self._current
        if not isinstance(event, PictureReady):
            self._failed.add(request)
            return shown
        frame: CachedFrame = event.result
        if not frame.cached:
            took = frame.result.seconds
            self._seconds = 0.8 * self._seconds + 0.2 * took if self._seconds else took
        if shown:
            self._verdicts[request] = frame.result.after.probs
            if request in self._kept:
                self._thumbnails[request] = _reduced(frame.result.after)
            if event.slot == NOW or self._bytes < AT_HAND:
                self._keep(request, frame)
        return shown

    def _send(self, requests: list[FrameRequest]) -> None:
        self._pending = set(requests)
        self._ask(NOW, requests)

    def _fill(self) -> None:
        """Keyframes first, then every 16th frame, every 8th between them and so on: the plot takes shape early."""
        order = sorted(range(len(self._asked)), key=_coarse_first)
        wanted = dict.fromkeys([*self._keyframes.values(), *(self._asked[i] for i in order)])
        missing = [r for r in wanted if not self._is_made(r)]
        self._ask(LATER, missing if self._filling else [])

    def _is_made(self, request: FrameRequest) -> bool:
        if request in self._kept and request not in self._thumbnails:
            return False
        return request in self._verdicts or request in self._failed

    def _keep(self, request: FrameRequest, frame: CachedFrame) -> None:
        replaced = self._pictures.pop(request, None)
        self._pictures[request] = frame
        self._bytes += _size(frame.result) - (_size(replaced.result) if replaced else 0)
        while self._bytes > AT_HAND and len(self._pictures) > 1:
            _, oldest = self._pictures.popitem(last=False)
            self._bytes -= _size(oldest.result)

    def _most_at_hand(self) -> int:
        """How many frames of this size memory may hold."""
        newest = next(reversed(self._pictures.values()), None)
        return AT_HAND // _size(newest.result) if newest else FEWEST_AHEAD * 4


def flips(trace: Sequence[tuple[float, np.ndarray]]) -> list[float]:
    """The times from which on the predicted class is another than before."""
    winners = [int(np.argmax(probs)) for _, probs in trace]
    return [trace[i][0] for i in range(1, len(trace)) if winners[i] != winners[i - 1]]


def _coarse_first(index: int) -> tuple[int, int]:
    step = 16
    while index % step:
        step //= 2
    return -step, index


def _size(result: RenderResult) -> int:
    edited = result.before is not result.after
    return result.after.image.nbytes * (2 if edited else 1) + result.styles.nbytes


def _reduced(picture: Picture) -> Picture:
    """The picture at about the size of a thumbnail: every block of pixels becomes their mean."""
    factor = picture.image.shape[0] // THUMBNAIL
    if factor < 2:
        return picture
    size = picture.image.shape[0] // factor
    cut: Any = picture.image[: size * factor, : size * factor]
    blocks = cut.reshape(size, factor, size, factor, 3).mean(axis=(1, 3))
    return Picture(blocks.round().astype(np.uint8), picture.logits, picture.probs)
