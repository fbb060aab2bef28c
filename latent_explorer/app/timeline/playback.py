# SPDX-License-Identifier: MIT
"""The frames of the current timeline on the canvas: scrubbing, playing, and the trace of what the classifier says.

Which timeline is current is the desk's (`timeline_desk`), which stands on this class; the window talks to the desk.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from latent_explorer.app.engine.events import PictureFailed, PictureReady
from latent_explorer.app.engine.frame_cache import FrameRequest
from latent_explorer.app.exploration import picture_requests, updates
from latent_explorer.app.timeline import frames as timeline_frames
from latent_explorer.app.timeline.frames import PLAYHEAD_SLOT, PREFETCH_SLOT, TimelineFrames
from latent_explorer.app.timeline.player import Player
from latent_explorer.explain.timeline.timeline import Timeline, frame_at, span

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Picture, PictureRecipe

TRACE_EVERY = 0.1  # seconds between two tellings of the trace while frames come in


class TimelinePlayback:
    """Shows frames of `current` in place of the state's picture. `clock` is in seconds, as `tick`'s."""

    def __init__(self, explorer: Explorer, clock: Callable[[], float] = time.monotonic) -> None:
        self.playhead = 0.0  # seconds
        self.active = False
        self._explorer = explorer
        self._clock = clock
        self._frames = TimelineFrames(explorer.request_pictures)
        self._player = Player(self._frames)
        self._on_canvas = False  # a frame is shown, not the state's picture
        self._wanted = -1  # the frame that is waited for
        self._trace_told = -float("inf")
        self._troubles: set[str] = set()  # what was said of the frames of this timeline
        for slot in (PLAYHEAD_SLOT, PREFETCH_SLOT):
            explorer.updates.on(PictureReady, self._take, slot=slot)
            explorer.updates.on(PictureFailed, self._take, slot=slot)

    @property
    def timelines(self) -> tuple[Timeline, ...]:
        """All of the exploration."""
        return self._explorer.state.timelines if self._explorer.state else ()

    @property
    def current(self) -> Timeline | None:
        """The chosen one."""
        raise NotImplementedError

    @property
    def playing(self) -> bool:
        """Whether it plays; then the window calls `tick` at least once a frame."""
        return self._player.playing

    @property
    def trace(self) -> updates.TimelineTrace:
        """What the classifier says of the frames made so far."""
        known = self._frames.known
        seconds, probs = self._frames.way[known], self._frames.probs[known]
        flips = tuple(timeline_frames.flips(seconds, probs))
        return updates.TimelineTrace(seconds, probs, flips, self.progress)

    @property
    def progress(self) -> float:
        """The share of the frames that are made, 0..1."""
        return float(self._frames.known.mean()) if len(self._frames) else 0.0

    def picture_at(self, seconds: float) -> Picture | None:
        """The picture at a time if it is at hand, that of a keyframe perhaps reduced; None: not yet."""
        return self._frames.picture_at(seconds)

    def set_active(self, on: bool) -> None:
        """Whether the timeline is in view: only then its frames are made ahead, and only then it shows them."""
        if on != self.active:
            self.active = on
            self._frames.set_prefetch(on)
            if not on:
                self._leave()

    def seek(self, seconds: float) -> None:
        """Show the frame nearest to a time, as soon as it is there."""
        timeline = self.current
        if timeline is None or not len(self._frames):
            return
        self.playhead = frame_at(timeline, seconds)
        self._on_canvas = True
        index = self._frames.index(self.playhead)
        if self.playing:
            self._player.start(index)
        self._show(index)

    def step(self, frames: int) -> None:
        """So many frames on, or back."""
        if self.current is not None:
            self.pause()
            self.seek(self.playhead + frames / self.current.fps)

    def play(self) -> None:
        """From the playhead on; from the start when it stands at the end."""
        timeline = self.current
        if timeline is None or len(self._frames) < 2 or self.playing:
            return
        index = self._frames.index(self.playhead)
        at_end = self.playhead >= span(timeline) and not timeline.loop
        self._on_canvas = True
        self._player.start(0 if at_end else index)
        self._explorer.notify(updates.TimelinePlaying(True))

    def pause(self) -> None:
        """Stay at the frame that is shown."""
        if self.playing:
            self._player.stop()
            self._explorer.notify(updates.TimelinePlaying(False))

    def tick(self, now: float) -> None:
        """What the window's timer calls while it plays: shows the frame that is due now."""
        timeline = self.current
        if not self.playing or timeline is None:
            return
        index = self._player.advance(now, timeline.fps, timeline.loop)
        if index is not None:
            self._show(index)
        if not self._player.playing:
            self._explorer.notify(updates.TimelinePlaying(False))

    # Inside --------------------------------------------------------------------------------------

    def _state_recipe(self) -> PictureRecipe | None:
        """What the sliders show."""
        state, summary = self._explorer.state, self._explorer.summary
        return picture_requests.resolve(state, summary).recipe if state and summary else None

    def _canvas_recipe(self) -> PictureRecipe | None:
        if self._on_canvas and len(self._frames):
            return self._frames.request(self._frames.index(self.playhead)).recipe
        return self._state_recipe()

    def _show(self, index: int) -> None:
        """Show a frame now or, when it is not at hand, as soon as it comes."""
        frame, summary = self._frames.frame(index), self._explorer.summary
        if frame is None or summary is None:
            self._wanted = index
            self._frames.request_frame(index)
            return
        self._wanted = -1
        self.playhead = self._frames.times[index]
        request = self._frames.request(index)
        said = picture_requests.warnings(request, summary, frame.result)
        shown = updates.TimelineFrame(
            self.playhead, request, frame.result, frame.cached, tuple(said)
        )
        self._explorer.notify(shown)

    def _leave(self) -> None:
        """The canvas belongs to the sliders again."""
        self.pause()
        if self._on_canvas:
            self._on_canvas, self._wanted = False, -1
            if self._explorer.shown is not None:
                self._explorer.notify(self._explorer.shown)

    def _use(self) -> None:
        """The current timeline is another value, or is asked about by another classifier."""
        state, timeline = self._explorer.state, self.current
        if state is None:
            return
        self._troubles.clear()
        if (shown := self._explorer.shown) is not None:
            self._frames.add_frame(FrameRequest(shown.request, state.model_hash), shown.result)
        self._frames.set_timeline(timeline, state.model_hash, state.classifier_id)
        self.playhead = min(self.playhead, span(timeline)) if timeline else 0.0
        names = tuple(t.name for t in self.timelines)
        self._explorer.notify(updates.TimelinesChanged(timeline, names))
        self._tell_trace()
        if not len(self._frames):
            self._leave()
        elif self._on_canvas:
            self.seek(self.playhead)

    def _take(self, event: PictureReady | PictureFailed) -> None:
        if not self._frames.take(event):
            return
        if isinstance(event, PictureFailed):
            # A noise that is missing is missing in every frame: it is said once.
            if event.slot == PLAYHEAD_SLOT and event.failure.message not in self._troubles:
                self._troubles.add(event.failure.message)
                self._explorer.notify(
                    updates.ErrorReport(event.failure, "Making the frame", PLAYHEAD_SLOT)
                )
            return
        if self._wanted >= 0 and self._frames.frame(self._wanted) is not None:
            self._show(self._wanted)
        if self._clock() - self._trace_told >= TRACE_EVERY or self.progress == 1:
            self._tell_trace()

    def _tell_trace(self) -> None:
        self._trace_told = self._clock()
        self._explorer.notify(self.trace)
