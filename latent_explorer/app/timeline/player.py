# SPDX-License-Identifier: MIT
"""A timeline's frames on the canvas: scrubbing, playback, and the trace of the classifier's probabilities."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from latent_explorer.app.engine.events import PictureFailed, PictureReady
from latent_explorer.app.engine.frame_cache import FrameRequest
from latent_explorer.app.exploration import picture_requests, updates
from latent_explorer.app.timeline.frames import PLAYHEAD_SLOT, PREFETCH_SLOT, TimelineFrames
from latent_explorer.explain.timeline.timeline import frame_at, is_one_latent, is_one_state, span

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Picture, PictureRecipe
    from latent_explorer.explain.timeline.timeline import Timeline

TRACE_EVERY = 0.1  # seconds between two updates of the trace while frames come in
ENOUGH = 0.5  # share of rendered frames below which playing shows few of them
LATER = "They are rendered while the timeline is in view."
_ROUNDING = 1e-6  # of a frame


class TimelinePlayer:
    """Shows frames of a timeline in place of the session's own picture.

    Plays in real time: frames that are not ready when they are due are skipped. `clock` returns seconds, on the same
    clock as the argument of `tick`.
    """

    def __init__(self, explorer: Explorer, clock: Callable[[], float] = time.monotonic) -> None:
        self.playhead = 0.0  # seconds
        self.playing = False  # the window then calls `tick` at least once per frame
        self.active = False
        self._explorer = explorer
        self._clock = clock
        self._timeline: Timeline | None = None
        self._frames = TimelineFrames(explorer.request_pictures)
        self._on_canvas = False  # a frame is shown, or awaited, instead of the session's picture
        self._awaited = -1  # the frame to show when it is ready; -1: none
        # Playing: the frame it starts at, when frame 0 of the first pass was due (None until the first tick), and
        # the frame shown last; frames are counted through all passes.
        self._start_frame = 0
        self._began: float | None = None
        self._last = -1
        self._trace_emitted_at = -float("inf")
        self._reported_failures: set[str] = set()  # failures already reported for this timeline
        for slot in (PLAYHEAD_SLOT, PREFETCH_SLOT):
            explorer.updates.on(PictureReady, self._take_frame, slot=slot)
            explorer.updates.on(PictureFailed, self._report_failure, slot=slot)

    @property
    def trace(self) -> TimelineTrace:
        """The classifier's probabilities of the frames rendered so far."""
        known = self._frames.known
        state, summary = self._explorer.state, self._explorer.summary
        if self._timeline is None or state is None or summary is None or not known.any():
            return TimelineTrace()
        judge_id = self._timeline.classifier_id or state.classifier_id
        classifier = picture_requests.classifier_of(msgspec.structs.replace(state, classifier_id=judge_id), summary)
        return TimelineTrace(
            self._frames.way[known],
            self._frames.probs[known],
            1 / self._timeline.fps,
            classifier.class_names if classifier else (),
            self.progress,
        )

    @property
    def progress(self) -> float:
        """The share of frames that are rendered, 0 to 1."""
        return float(self._frames.known.mean()) if len(self._frames) else 0.0

    @property
    def slider_recipe(self) -> PictureRecipe | None:
        """The recipe of the session's own picture; None while no model is open."""
        session = self._explorer.session
        return picture_requests.resolve(session.state, session.summary).recipe if session else None

    @property
    def canvas_recipe(self) -> PictureRecipe | None:
        """The recipe of the picture on the canvas: a frame's, or the session's own."""
        if self._on_canvas and len(self._frames):
            return self._frames.request(self._frames.index(self.playhead)).recipe
        return self.slider_recipe

    def picture_at(self, seconds: float) -> Picture | None:
        """Return the picture at a time (a keyframe's may be reduced), or None if it is not rendered yet."""
        return self._frames.picture_at(seconds)

    def set_timeline(self, timeline: Timeline | None) -> None:
        """Set another timeline, or the same after a change; call `refresh` to show it."""
        session, shown = self._explorer.session, self._explorer.shown
        assert session is not None
        state = session.state
        self._timeline = timeline
        self._reported_failures.clear()
        if shown is not None:
            self._frames.add_frame(FrameRequest(shown.request, state.model_hash), shown.result)
        self._frames.set_timeline(timeline, state.model_hash, state.classifier_id)
        self.playhead = min(self.playhead, span(timeline)) if timeline else 0.0

    def refresh(self) -> None:
        """Announce the trace, and show the frame under the playhead again."""
        self._emit_trace()
        if not len(self._frames):
            self.leave()
        elif self._on_canvas:
            self.seek(self.playhead)

    def invalidate(self) -> None:
        """Drop all frames, because the model or the device has changed."""
        self._frames.invalidate()

    def reset(self) -> None:
        """Return to the beginning and clear the canvas, for another exploration."""
        self.playing, self._on_canvas, self._awaited = False, False, -1
        self.playhead = 0.0
        self.invalidate()

    def set_active(self, on: bool) -> None:
        """Tell whether the timeline is in view; frames are rendered ahead and shown only then."""
        if on != self.active:
            self.active = on
            self._frames.set_prefetch(on)
            if not on:
                self.leave()

    def seek(self, seconds: float) -> None:
        """Show the frame nearest to a time as soon as it is ready."""
        if self._timeline is None or not len(self._frames):
            return
        self.playhead = frame_at(self._timeline, seconds)
        self._on_canvas = True
        index = self._frames.index(self.playhead)
        if self.playing:
            self._start(index)
        self._show(index)

    def step(self, frames: int) -> None:
        """Move by a number of frames."""
        if self._timeline is not None:
            self.pause()
            self.seek(self.playhead + frames / self._timeline.fps)

    def play(self) -> None:
        """Play from the playhead, or from the start if it is at the end."""
        timeline = self._timeline
        if timeline is None or len(self._frames) < 2 or self.playing:
            return
        at_end = self.playhead >= span(timeline) and not timeline.loop
        self._on_canvas = True
        self._start(0 if at_end else self._frames.index(self.playhead))
        self._explorer.updates.emit(updates.TimelinePlaying(True))

    def pause(self) -> None:
        """Stop at the current frame."""
        if self._stop() and isinstance(self._explorer.shown, updates.TimelineFrame):
            self._show(self._frames.index(self.playhead))  # at rest the sliders may stand for it

    def leave(self) -> None:
        """Pause and show the session's own picture."""
        self._stop()
        self._on_canvas, self._awaited = False, -1
        self._explorer.show_frame(None)

    def _stop(self) -> bool:
        """Stop playing. Return True if it played."""
        played, self.playing = self.playing, False
        if played:
            self._explorer.updates.emit(updates.TimelinePlaying(False))
        return played

    def tick(self, now: float) -> None:
        """Show the newest frame that is due and ready, if any. Called by the window's timer during playback."""
        timeline = self._timeline
        if not self.playing or timeline is None:
            return
        total, fps, loop = len(self._frames), timeline.fps, timeline.loop
        begins = self._began is None
        if self._began is None:
            self._began = now - self._start_frame / fps
        due = int((now - self._began) * fps + _ROUNDING)
        ends = not loop and due >= total - 1
        if ends:
            due, self.playing = total - 1, False
        self._frames.prefetch(due % total + (0 if begins else 1), fps, loop)
        for place in range(due, max(self._last, due - total), -1):
            if ends or self._frames.frame(place % total) is not None:
                self._last = place
                self._show(place % total)
                break
        if ends:
            self._explorer.updates.emit(updates.TimelinePlaying(False))
            self._say_what_is_missing()

    def _say_what_is_missing(self) -> None:
        """Say after playing that most frames were left out: a model of 1024 px takes seconds for each."""
        if self.progress < ENOUGH:
            missing, total = int((~self._frames.known).sum()), len(self._frames.known)
            text = f"{missing} of {total} frames were left out: they are not rendered yet. {LATER}"
            self._explorer.updates.emit(updates.Message(text))

    def _start(self, index: int) -> None:
        """Play from a frame; time starts with the next tick."""
        self.playing = True
        self._start_frame, self._began, self._last = index, None, index - 1

    def _show(self, index: int) -> None:
        """Show a frame, or request it and show it when it comes."""
        frame, summary, timeline = self._frames.frame(index), self._explorer.summary, self._timeline
        if frame is None or summary is None or timeline is None:
            self._awaited = index
            self._frames.request_frame(index)
            return
        self._awaited = -1
        self.playhead = self._frames.times[index]
        request = self._frames.request(index)
        warnings = picture_requests.warnings(request, summary, frame.result, self._explorer.latents.of)
        # The sliders would flash at every keyframe of a walk that plays.
        one_state = is_one_latent(timeline) if self.playing else is_one_state(timeline, request.recipe)
        self._explorer.show_frame(
            updates.TimelineFrame(self.playhead, request, frame.result, frame.cached, warnings, one_state)
        )

    def _take_frame(self, event: PictureReady) -> None:
        if not self._frames.take(event):
            return
        if self._awaited >= 0 and self._frames.frame(self._awaited) is not None:
            self._show(self._awaited)
        if self._clock() - self._trace_emitted_at >= TRACE_EVERY or self.progress == 1:
            self._emit_trace()

    def _report_failure(self, event: PictureFailed) -> None:
        """Report each reason once: a missing noise map is missing in every frame."""
        is_current, reason = self._frames.take(event), event.failure.message
        if is_current and event.slot == PLAYHEAD_SLOT and reason not in self._reported_failures:
            self._reported_failures.add(reason)
            self._explorer.updates.emit(updates.ErrorReport(event.failure, "Making the frame", PLAYHEAD_SLOT))

    def _emit_trace(self) -> None:
        self._trace_emitted_at = self._clock()
        self._explorer.updates.emit(self.trace)


MAX_STEP = 1.5  # frames; a larger distance means that frames between are missing


@dataclass(frozen=True, eq=False)
class TimelineTrace:
    """`seconds` (n,) ascending and `probs` (n, K) of the rendered frames; `step`: seconds from frame to frame."""

    seconds: np.ndarray = field(default_factory=lambda: np.empty(0))
    probs: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    step: float = 1.0
    names: tuple[str, ...] = ()  # of the classes
    progress: float = 0.0  # share of the frames that are rendered, 0..1

    @property
    def flips(self) -> tuple[tuple[float, int], ...]:
        """(seconds, class) of every change of the predicted class between neighbouring rendered frames."""
        return tuple((start, index) for start, _end, index in self.stretches())

    def stretches(self) -> list[tuple[float, float, int]]:
        """Return (start, end, class) from each flip to the next, or to the last frame that is rendered there."""
        found = []
        for run in self.runs() if self.probs.shape[1] else ():
            winners = self.probs[run.start : run.stop].argmax(axis=1)
            flips = (np.flatnonzero(winners[1:] != winners[:-1]) + 1 + run.start).tolist()
            for start, end in itertools.pairwise([*flips, run.stop - 1] if flips else []):
                found.append((float(self.seconds[start]), float(self.seconds[end]), int(winners[start - run.start])))
        return found

    def runs(self) -> list[range]:
        """Return the ranges of frames that follow each other without a gap."""
        if not len(self.seconds):
            return []
        breaks = np.flatnonzero(np.diff(self.seconds) > MAX_STEP * self.step) + 1
        ends = [0, *breaks.tolist(), len(self.seconds)]
        return [range(start, stop) for start, stop in itertools.pairwise(ends)]

    @property
    def ready(self) -> list[tuple[float, float]]:
        """(start, end) of every run of rendered frames, in seconds."""
        times = self.seconds
        return [(float(times[run[0]]), float(times[run[-1]])) for run in self.runs()]

    def at(self, seconds: float) -> np.ndarray | None:
        """Return the probabilities (K,) of the frame shown at a time, or None if it is not rendered."""
        if not len(self.seconds):
            return None
        index = int(np.abs(self.seconds - seconds).argmin())
        near = abs(float(self.seconds[index]) - seconds) <= 0.75 * self.step
        return np.asarray(self.probs[index]) if near else None
