# SPDX-License-Identifier: MIT
"""The timeline controller: choosing, changing, generating and recording timelines, without a window.

Call its methods on the window's thread; changes are announced through the explorer's updates, and no method raises for
user input. Timelines are part of the state, so every change is an intent and can be undone; the choice of the current
one is kept here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from latent_explorer.app.exploration import picture_requests, updates
from latent_explorer.app.exploration.intents import Intent, SetBase, ShowRecipe
from latent_explorer.app.exploration.state import same_picture
from latent_explorer.app.timeline.player import TimelinePlayer
from latent_explorer.app.timeline.recording import Recorder
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import free_name
from latent_explorer.explain.directions.direction import Direction
from latent_explorer.explain.recipe import ProjectedBase, SampleBase, SeedBase, slider_edits
from latent_explorer.explain.timeline import edits, makers
from latent_explorer.explain.timeline.file import timeline_problem
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline, duration, frame_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Base, PictureRecipe, Slider
    from latent_explorer.models.summary import ExplainerSummary

KEYFRAME_SPACING = 1.0  # seconds from the last keyframe to one added after it
MAX_SAMPLES = 200  # encoded pictures that `available_bases` lists


class TimelineController:
    """The timelines of the open exploration; `player` shows the current one. `clock` returns seconds."""

    def __init__(self, explorer: Explorer, clock: Callable[[], float] = time.monotonic) -> None:
        self.player = TimelinePlayer(explorer, clock)
        self._explorer = explorer
        self._clock = clock
        self._name = ""
        self._recorder: Recorder | None = None
        self._known: ExplorerState | None = None  # the session's state when it changed last
        explorer.updates.on(updates.ModelOpened, self._begin)
        explorer.updates.on(updates.DeviceChanged, self._on_device_changed)
        explorer.updates.on(updates.StateChanged, self._on_state_changed)

    # Selection -----------------------------------------------------------------------------------

    @property
    def timelines(self) -> tuple[Timeline, ...]:
        """All timelines of the exploration."""
        return self._explorer.state.timelines if self._explorer.state else ()

    @property
    def current(self) -> Timeline | None:
        """The current timeline; None without timelines."""
        return next((t for t in self.timelines if t.name == self._name), None)

    def choose(self, name: str) -> None:
        """Make another timeline the current one."""
        if name != self._name and any(t.name == name for t in self.timelines):
            self.player.pause()
            self._name, self.player.playhead = name, 0.0
            self._refresh()

    def make(self, timeline: Timeline, text: str = "new timeline") -> None:
        """Add a timeline under a free name and make it the current one."""
        name = self._free_name(timeline.name or "Timeline")
        self.player.pause()
        before = self._name, self.player.playhead
        self._name, self.player.playhead = name, 0.0
        if not self._put(name, msgspec.structs.replace(timeline, name=name), text):
            self._name, self.player.playhead = before

    def _free_name(self, name: str) -> str:
        return free_name(name, {t.name for t in self.timelines}.__contains__)

    def new(self, name: str = "") -> None:
        """Add an empty timeline."""
        self.make(Timeline(name.strip()))

    def duplicate(self) -> None:
        """Add a copy of the current timeline."""
        if self.current is not None:
            self.make(self.current, "copy of the timeline")

    def rename(self, name: str) -> None:
        """Rename the current timeline; a number is added to a name that is taken."""
        name = name.strip()
        if self.current is not None and name and name != self._name:
            name = self._free_name(name)
            renamed = msgspec.structs.replace(self.current, name=name)
            self._put(self._name, renamed, "name of the timeline")

    def delete(self) -> None:
        """Remove the current timeline from the exploration."""
        if self.current is not None:
            self.player.pause()
            self._explorer.apply(ChangeTimeline(self._name, None, "deletion of the timeline"))

    # Keyframes ---------------------------------------------------------------------------

    def change(self, timeline: Timeline, text: str, merge: str = "") -> None:
        """Replace the current timeline, or add a new one without a current one. `text` completes "Undo ...".

        Within a gesture of the explorer, changes with the same `merge` are one undo step.
        """
        if self.current is None:
            self.make(timeline, text)
        else:
            kept = msgspec.structs.replace(timeline, name=self._name)
            self._put(self._name, kept, text, merge)

    def add_keyframe(self, seconds: float | None = None) -> None:
        """Add the picture on the canvas as a keyframe at `seconds`, by default at the playhead.

        If the playhead is at the end, the keyframe is added after the last one. A keyframe in the same frame takes the
        picture instead.
        """
        recipe = self.player.canvas_recipe
        if recipe is None:
            return
        timeline = self.current or Timeline("")
        if seconds is None:
            seconds = self._free_place(timeline)
        self.player.playhead = max(0.0, seconds)
        self.change(edits.with_keyframe(timeline, Keyframe(self.player.playhead, recipe)), "keyframe")

    def replace_keyframe(self, index: int) -> None:
        """Replace a keyframe's picture with the one on the canvas."""
        timeline, recipe = self.current, self.player.canvas_recipe
        if timeline is not None and recipe is not None and index < len(timeline.keyframes):
            self.change(edits.with_recipe(timeline, index, recipe), "picture of a keyframe")

    def open_keyframe(self, index: int) -> None:
        """Load a keyframe's picture into the sliders."""
        if self.current is not None and index < len(self.current.keyframes):
            keyframe = self.current.keyframes[index]
            self.player.playhead = keyframe.seconds
            self._explorer.apply(ShowRecipe(keyframe.recipe))
            self.player.leave()

    # Generators ----------------------------------------------------------------------------------

    def available_bases(self) -> list[Base]:
        """Return latents to morph or mix: projected ones, the current one, favourites, then samples or seeds."""
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            return []
        document = self._explorer.document
        count = min(len(summary.samples.ids), MAX_SAMPLES) if summary.samples else 0
        bases: list[Base] = [ProjectedBase(latent_id) for latent_id in document.projected]
        bases += [state.base, *document.favourites]
        bases += [SampleBase(index) for index in range(count)] or [SeedBase(s) for s in range(20)]
        return list(dict.fromkeys(bases))

    def random_walk(self, count: int = 8, seconds: float = 1.0) -> None:
        """Make a timeline through `count` new seeds and back to the first, with the sliders as they are."""
        like = self._recipe_of(SeedBase(0))
        if like is not None:
            seeds = [b.seed for b in self._explorer.random_seeds(count) if isinstance(b, SeedBase)]
            self._show_made(makers.random_walk(seeds, seconds, like), "random walk")

    def morph(self, a: Base, b: Base, seconds: float = 2.0) -> None:
        """Make a timeline from one latent to another and back, without edits; projections keep their noise."""
        ends = [self._recipe_of(base) for base in (a, b)]
        plain = [msgspec.structs.replace(r, edits=(), cond=None) for r in ends if r is not None]
        if plain:
            self._show_made(makers.morph(plain[0], plain[1], seconds), "morph")

    def sweep(self, slider: Slider, start: float = -1.0, stop: float = 1.0, seconds: float = 2.0) -> None:
        """Make a timeline of the current picture with an attribute or direction from `start` to `stop` and back."""
        recipe = self.player.canvas_recipe
        if recipe is not None:
            own = self._explorer.document.direction_name(slider) if isinstance(slider, Direction) else slider.name
            made = makers.alpha_sweep(recipe, slider_edits(slider), start, stop, seconds, name=own or "Sweep")
            self._show_made(made, "sweep")

    def stepped_sweep(self, slider: Slider, end: float = 1.0) -> None:
        """Make a timeline of 20 frames with an attribute or direction from 0 to 0.95 times `end`."""
        recipe = self.player.canvas_recipe
        if recipe is not None:
            own = self._explorer.document.direction_name(slider) if isinstance(slider, Direction) else slider.name
            made = makers.stepped_sweep(recipe, slider_edits(slider, end), name=own or "Sweep")
            self._show_made(made, "sweep")

    def style_mix(self, other: Base, first: int, last: int, seconds: float = 2.0) -> None:
        """Make a timeline of the current picture and the same with rows `first` to `last` of ws from another latent."""
        recipe = self.player.canvas_recipe
        if recipe is not None:
            made = makers.style_mix(recipe, [other], first, last, seconds)
            self._show_made(made, "style mixing")

    # Recording -----------------------------------------------------------------------------------

    @property
    def recording(self) -> bool:
        """True while changes of the sliders are recorded."""
        return self._recorder is not None

    @property
    def record_seconds(self) -> float:
        """The length of the recording so far, in seconds."""
        return self._recorder.seconds(self._clock()) if self._recorder else 0.0

    def record(self) -> None:
        """Start recording every change of the picture."""
        recipe = self.player.canvas_recipe
        if recipe is not None and self._recorder is None:
            self.player.pause()
            self._recorder = Recorder(recipe, self._clock())
            self._explorer.updates.emit(updates.RecordingChanged(True))

    def stop_recording(self) -> None:
        """Stop, and make a timeline of the recording."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        self._explorer.updates.emit(updates.RecordingChanged(False))
        keyframes = recorder.keyframes()
        if keyframes:
            self._show_made(Timeline("Recording", keyframes), "recording")
        else:
            self._explorer.updates.emit(updates.Message("Nothing moved while recording: nothing was kept."))

    # Internal --------------------------------------------------------------------------------------

    def _put(self, name: str, timeline: Timeline, text: str, merge: str = "") -> bool:
        """Store the timeline in the state. Return True if it is there now."""
        with updates.report_errors(self._explorer.updates.emit, "Changing the timeline"):
            if reason := timeline_problem(timeline):
                raise UserError(f"The timeline stays as it was: {reason}. Choose other values.")
            self._explorer.apply(ChangeTimeline(name, timeline, text, merge))
        return timeline in self.timelines

    def _show_made(self, timeline: Timeline, text: str) -> None:
        """Add a timeline and, in view, show its first frame, so that playhead and picture agree."""
        self.make(timeline, text)
        if self.player.active:
            self.player.seek(0.0)

    def _recipe_of(self, base: Base) -> PictureRecipe | None:
        """Return the recipe of another latent with the sliders as they are."""
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            return None
        shown = SetBase(base, self._explorer.latents.noise_of(base)).next_state(state)
        return picture_requests.resolve(shown, summary).recipe

    def _free_place(self, timeline: Timeline) -> float:
        if not timeline.keyframes:
            return 0.0
        last = duration(timeline)
        return last + KEYFRAME_SPACING if self.player.playhead >= last else frame_at(timeline, self.player.playhead)

    def _begin(self, _opened: updates.ModelOpened) -> None:
        self._recorder = None
        self._known = self._session_state
        self._name = self.timelines[0].name if self.timelines else ""
        self.player.reset()
        self._refresh()

    def _on_device_changed(self, _changed: updates.DeviceChanged) -> None:
        self.player.invalidate()
        self._refresh()

    @property
    def _session_state(self) -> ExplorerState | None:
        return self._explorer.session.state if self._explorer.session else None

    def _on_state_changed(self, _changed: updates.StateChanged) -> None:
        """Follow the session; the update also comes when a frame is shown, which changes no session."""
        old, new = self._known, self._session_state
        self._known = new
        if old is None or new is None or old == new:
            return
        if not same_picture(old, new):
            self._sliders_moved()
        if old.timelines != new.timelines:
            self._follow(old.timelines, new.timelines)
        if old.timelines != new.timelines or old.classifier_id != new.classifier_id:
            self._refresh()

    def _refresh(self) -> None:
        """Show the current timeline again after it, or the classifier, has changed."""
        if self._explorer.state is not None:
            self.player.set_timeline(self.current)
            names = tuple(t.name for t in self.timelines)
            self._explorer.updates.emit(updates.TimelinesChanged(self.current, names))
            self.player.refresh()

    def _sliders_moved(self) -> None:
        recipe = self.player.slider_recipe
        if self._recorder is not None and recipe is not None:
            self._recorder.note(recipe, self._clock())
        self.player.leave()

    def _follow(self, old: tuple[Timeline, ...], new: tuple[Timeline, ...]) -> None:
        """Choose a timeline if the current one was removed or renamed."""
        names = [t.name for t in new]
        if self._name in names:
            return
        places = [i for i, t in enumerate(old) if t.name == self._name]
        place = places[0] if places else 0
        self._name = names[min(place, len(names) - 1)] if names else ""


class ChangeTimeline(Intent, frozen=True):
    """Replace the timeline called `name` (None removes it; an unknown name adds one).

    `text` completes "Undo ..."; changes with the same `merge`, if any, are one step within a gesture.
    """

    name: str
    timeline: Timeline | None
    text: str
    merge: str = ""

    @property
    def merge_key(self) -> tuple[object, ...] | None:
        return ("timeline", self.name, self.merge) if self.merge else None

    def label(self, summary: ExplainerSummary) -> str:  # noqa: ARG002
        return self.text

    def next_state(self, state: ExplorerState) -> ExplorerState:
        chosen: list[Timeline | None] = list(state.timelines)
        names = [t.name for t in state.timelines]
        if self.name in names:
            chosen[names.index(self.name)] = self.timeline
        else:
            chosen.append(self.timeline)
        timelines = tuple(t for t in chosen if t is not None)
        return msgspec.structs.replace(state, timelines=timelines)
