# SPDX-License-Identifier: MIT
"""Grad-CAM of the picture on the canvas, before and after, computed while it is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.app.engine.events import PictureReady
from latent_explorer.app.exploration.updates import (
    GestureEnded,
    MainPicture,
    Message,
    ModelOpened,
    PictureHeat,
    StateChanged,
    TimelineFrame,
    TimelinePlaying,
)
from latent_explorer.explain.recipe import HeatRequest

if TYPE_CHECKING:
    from latent_explorer.app.explorer import Explorer

SLOT = "grad-cam"
LIVE_SECONDS = 0.03  # that it may take to be computed for every picture of a drag, too


class GradCamRenderer:
    """Emits `PictureHeat` of the target class for the pictures on the canvas, while it is `show`n.

    While a slider moves or a timeline plays it is computed only where that is quick.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._on = self._playing = False
        self._seconds = LIVE_SECONDS  # that the last one took
        self._asked: HeatRequest | None = None
        self._said = ""  # the problem that was told last
        for kind in (ModelOpened, StateChanged, MainPicture, TimelineFrame, GestureEnded):
            explorer.updates.on(kind, lambda _update: self._consider())
        explorer.updates.on(ModelOpened, lambda _update: self._forget())
        explorer.updates.on(TimelinePlaying, self._play)
        explorer.updates.on(PictureReady, self._take, slot=SLOT)

    def show(self, on: bool) -> None:
        """Compute it, or not."""
        if on != self._on:
            self._on, self._asked, self._said = on, None, ""
            self._consider()
            if not on:
                self._explorer.request_pictures(SLOT, [])

    def _forget(self) -> None:
        self._seconds, self._said = LIVE_SECONDS, ""

    def _play(self, update: TimelinePlaying) -> None:
        self._playing = update.playing
        self._consider()

    def _consider(self) -> None:
        explorer = self._explorer
        state, shown, session = explorer.state, explorer.shown, explorer.session
        if not self._on or state is None or shown is None or session is None:
            return
        moves = session.in_gesture or self._playing
        if moves and self._seconds > LIVE_SECONDS:
            return
        if not 0 <= state.target_class < len(shown.result.after.logits):
            return
        asked = HeatRequest(shown.request, state.target_class)
        if asked != self._asked:
            self._asked = asked
            explorer.request_pictures(SLOT, [asked])

    def _take(self, event: PictureReady) -> None:
        if not self._on or event.request != self._asked:
            return  # of an earlier picture
        self._seconds = event.result.seconds
        if event.result.problem and event.result.problem != self._said:
            self._said = event.result.problem
            self._explorer.updates.emit(Message(event.result.problem, "warning"))
        self._explorer.updates.emit(PictureHeat(event.request.request, event.request.target, event.result))
