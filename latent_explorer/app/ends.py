# SPDX-License-Identifier: MIT
"""Both ends of the listed attributes for the picture on the canvas, rendered while it rests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_explorer.app.engine.events import PictureReady
from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.app.exploration.picture_requests import resolve, resolve_hover
from latent_explorer.app.exploration.updates import (
    AttributeEnds,
    GestureEnded,
    MainPicture,
    ModelOpened,
    StateChanged,
    TimelineFrame,
    TimelinePlaying,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Picture, PictureRequest
    from latent_explorer.models.attributes import Attribute

SLOT = "ends"


class EndsRenderer:
    """Emits `AttributeEnds` for the attributes given to `show`, in their order. Drops answers for another picture."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._attributes: tuple[Attribute, ...] = ()
        self._request: PictureRequest | None = None  # of the picture whose ends are asked for
        self._requests: list[Any] = []
        self._pictures: dict[int, Picture] = {}
        self._playing = False
        for kind in (ModelOpened, StateChanged, MainPicture, TimelineFrame, GestureEnded):
            explorer.updates.on(kind, lambda _update: self._consider())
        explorer.updates.on(TimelinePlaying, self._play)
        explorer.updates.on(PictureReady, self._take, slot=SLOT)

    def show(self, attributes: Sequence[Attribute]) -> None:
        """Choose the attributes whose ends are shown."""
        if [attribute_key(a) for a in attributes] != [attribute_key(a) for a in self._attributes]:
            self._attributes, self._request = tuple(attributes), None
            self._consider()

    def _play(self, update: TimelinePlaying) -> None:
        self._playing = update.playing
        self._consider()

    def _consider(self) -> None:
        """Ask for the ends of the picture on the canvas, if it is that of the sliders and nothing moves."""
        explorer = self._explorer
        state, summary, shown, session = explorer.state, explorer.summary, explorer.shown, explorer.session
        request = resolve(state, summary) if state and summary else None
        rests = explorer.editable and not self._playing and session is not None and not session.in_gesture
        if request is not None and shown is not None and shown.request != request:
            rests = False
        wanted = request if rests and shown is not None else None
        if wanted == self._request:
            return
        self._request, self._pictures = wanted, {}
        self._requests = []
        if wanted is not None and state is not None and summary is not None:
            self._requests = [r for a in self._attributes for r in resolve_hover(state, summary, a)]
        explorer.request_pictures(SLOT, self._requests)

    def _take(self, event: PictureReady) -> None:
        shown = self._explorer.shown
        if event.request not in self._requests[event.index : event.index + 1] or shown is None:
            return  # of another picture
        self._pictures[event.index] = event.result.after
        first = event.index - event.index % 2
        if first in self._pictures and first + 1 in self._pictures:
            ends = self._pictures[first], self._pictures[first + 1]
            self._explorer.updates.emit(AttributeEnds(self._attributes[first // 2], shown.result.after, *ends))
