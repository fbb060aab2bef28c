# SPDX-License-Identifier: MIT
"""Scheduler of pictures: turns states into engine requests and results into updates.

Used on the window's thread. Depends on the slots, but not on sessions, files or jobs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from latent_explorer.app.engine.events import PictureFailed, PictureReady
from latent_explorer.app.exploration import picture_requests
from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.app.exploration.updates import (
    DraftPicture,
    ErrorReport,
    GridPicture,
    HoverPicture,
    MainPicture,
    Thumbnail,
)
from latent_explorer.app.thumbnail import reduced
from latent_explorer.explain.recipe import Draft, LiveRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from latent_explorer.app.exploration.projected_latents import LatentStore
    from latent_explorer.common.update_hub import UpdateHub
    from latent_explorer.explain.recipe import Base, Picture, PictureRequest
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.summary import ExplainerSummary

# Highest priority first. "whole" is the picture whose draft is on the canvas.
# "timeline" and "frames" belong to the timeline, "grad-cam" to that of the canvas, "two" to the verdicts of two
# classifiers on it, "region" to its painted part, "marks" to what each card does to the picture, "verdict" to what
# turns it,
# "labels" to the pictures that a person labels,
# "ends" to the pictures on the cards, "pictures" and "heat map" to the pages of these names in the overview,
# "effects" to the mean effects of what is listed.
SLOTS = (
    "main", "whole", "timeline", "hover", "labels", "grad-cam", "region", "two", "marks", "verdict", "grid",
    "thumbnails", "ends", "pictures", "map", "heat map", "frames", "effects",
)  # fmt: skip
# Slots whose first pictures are needed first
ORDERED = ("timeline", "labels", "region", "marks", "verdict", "ends", "pictures", "heat map", "frames", "effects")
REST = 0.25  # seconds without a change, during a drag, after which a draft is replaced by the whole picture


@dataclass(frozen=True)
class ShownPicture:
    """Picture on the canvas and the state that made it."""

    state: ExplorerState
    picture: MainPicture


class PictureScheduler:
    """Requests each picture once: a request equal to the last one of its slot is not sent again."""

    def __init__(self, show: Callable[..., int], updates: UpdateHub, latents: LatentStore) -> None:
        self._show = show
        self._updates = updates
        self._latents = latents
        self._suspended = True
        self._summary: ExplainerSummary | None = None
        self._state: ExplorerState | None = None
        self._frame_state: ExplorerState | None = None  # of a timeline's frame on the canvas
        self._sent: dict[str, list[PictureRequest]] = {}
        self._states: dict[tuple[str, int], ExplorerState] = {}  # of requests of "main" and "whole", by generation
        self._in_gesture = False
        self._whole: PictureRequest | None = None  # asked for, to replace a draft
        self.draft: DraftPicture | None = None  # on the canvas
        self._attribute: Attribute | None = None
        self._grid: tuple[Base, ...] = ()
        self._strip: tuple[Base, ...] = ()
        self._thumbnails: dict[PictureRequest, Picture] = {}
        self._features: dict[str, list[Any]] = {}  # requests of features in their own slots
        self.shown: ShownPicture | None = None
        for slot, take in (
            ("main", self._take_main),
            ("whole", self._take_main),
            ("hover", self._take_hover),
            ("grid", self._take_grid),
            ("thumbnails", self._take_thumbnail),
        ):
            updates.on(PictureReady, take, slot=slot)
            updates.on(PictureFailed, self._failed, slot=slot)

    def suspend(self) -> None:
        """Request nothing until `resume`: the model is being changed, and requests belong to one model."""
        self._suspended = True
        for slot in SLOTS:
            self._show(slot, [])
        self._sent.clear()
        self._whole = None

    def set_session(self, summary: ExplainerSummary, state: ExplorerState) -> None:
        """Begin another session.

        With another model, hover, grid, thumbnails and the shown picture are dropped.
        """
        if self._summary is None or summary.model_hash != self._summary.model_hash:
            self._attribute, self._grid, self._strip, self.shown = None, (), (), None
            self._thumbnails.clear()
        self._features.clear()
        self._states.clear()
        self._summary, self._state, self._frame_state, self.draft = summary, state, None, None

    def resume(self) -> None:
        """Request every picture that is needed now."""
        if self._state is not None:
            was_suspended, self._suspended = self._suspended, False
            self.refresh(self._state)
            for slot, requests in self._features.items() if was_suspended else ():
                self._show(slot, requests)

    def request_pictures(self, slot: str, requests: Sequence[Any]) -> None:
        """Replace the requests of a feature in its slot.

        They are sent once more after the model was changed, unless the feature replaced them.
        """
        self._features[slot] = list(requests)
        if not self._suspended:
            self._show(slot, requests)

    @property
    def image(self) -> np.ndarray | None:
        """Shown picture, (H, W, 3) uint8, or None."""
        return self.shown.picture.result.after.image if self.shown else None

    def refresh(self, state: ExplorerState, *, in_gesture: bool = False) -> None:
        """Request the pictures of a new state; `in_gesture` tells that another will follow soon."""
        old, self._state, self._in_gesture = self._state, state, in_gesture
        if self._suspended or self._summary is None:
            return
        request = picture_requests.resolve(state, self._summary)
        if self.shown is not None and self.shown.picture.request == request:
            self.shown = ShownPicture(state, self.shown.picture)
        self._ask_main(state, request)
        self.hover(self._attribute)
        self.set_grid(self._grid)
        # Edits do not change the dozens of thumbnails. After a failure or `suspend` they must be requested again.
        if old is None or old.classifier_id != state.classifier_id or "thumbnails" not in self._sent:
            self._ask_strip()

    def _ask_main(self, state: ExplorerState, request: PictureRequest) -> None:
        if self._sent.get("main") == [request]:
            return
        self._sent["main"] = [request]
        since = self.shown.picture.request if self.shown else None
        self._states["main", self._show("main", [LiveRequest(request, since)])] = state
        if self.draft is not None:  # as long as drafts come, nothing long may begin between them
            self._ask_whole(request)
        else:
            self._ask_no_whole()

    def _ask_no_whole(self) -> None:
        if self._whole is not None:
            self._whole = None
            self._show("whole", [])

    def _ask_whole(self, request: PictureRequest) -> None:
        """Ask for the picture of the state itself, at once or, in a gesture, when nothing has changed for a while."""
        assert self._state is not None
        self._whole = request
        delay = REST if self._in_gesture else 0.0
        self._states["whole", self._show("whole", [request], delay=delay)] = self._state

    def end_gesture(self) -> None:
        """Ask for the whole picture in place of a draft at once: the hand is off."""
        self._in_gesture = False
        if self._whole is not None and not self._suspended:
            self._ask_whole(self._whole)

    def set_frame_state(self, state: ExplorerState | None) -> None:
        """Let hover and grid follow a timeline's frame, and hold the main picture back; None ends it."""
        if state != self._frame_state:
            self._frame_state = state
            self.hover(self._attribute)
            self.set_grid(self._grid)

    def hover(self, attribute: Attribute | None) -> None:
        """Show the attribute's two ends; None clears."""
        self._attribute = attribute
        state = self._frame_state or self._state
        if self._suspended or self._summary is None or state is None:
            return
        requests = attribute and picture_requests.resolve_hover(state, self._summary, attribute)
        self._ask("hover", requests or [])

    def set_grid(self, bases: Sequence[Base]) -> None:
        """Show the same edits on these latents; empty closes the grid."""
        self._grid = tuple(bases)
        state = self._frame_state or self._state
        if self._suspended or self._summary is None or state is None:
            return
        requests = picture_requests.resolve_grid(state, self._summary, self._grid, self._latents.noise_of)
        self._ask("grid", requests)

    def set_strip(self, bases: Sequence[Base]) -> Sequence[Base]:
        """Show these latents as thumbnails; those rendered before are emitted at once. Returns the latents before."""
        before, self._strip = self._strip, tuple(bases)
        for request in self._strip_requests():
            if request in self._thumbnails:
                self._updates.emit(Thumbnail(request.recipe.base, self._thumbnails[request]))
        self._ask_strip()
        return before

    def _ask_strip(self) -> None:
        requests = self._strip_requests()
        if not self._suspended and requests != self._sent.get("thumbnails"):
            self._sent["thumbnails"] = requests
            self._show("thumbnails", [r for r in requests if r not in self._thumbnails])

    def _strip_requests(self) -> list[PictureRequest]:
        state = self._state
        if state is None:
            return []
        noise_of = self._latents.noise_of
        return [picture_requests.resolve_thumbnail(state, base, noise_of(base)) for base in self._strip]

    def take(self, event: PictureReady | PictureFailed) -> None:
        """Pass a finished or failed picture on by its slot, unless the model is being changed."""
        if not self._suspended:
            self._updates.emit(event)

    def _failed(self, event: PictureFailed) -> None:
        slot = event.slot
        if slot == "whole":
            slot, self._whole = "main", None
        self._sent.pop(slot, None)  # so that it is requested again
        self._updates.emit(ErrorReport(event.failure, "Making the picture", slot))

    def _take_main(self, event: PictureReady) -> None:
        """Take the whole picture of a state, or a draft of it."""
        assert self._summary is not None
        state = self._states.get((event.slot, event.generation))
        self._states = {key: s for key, s in self._states.items() if key[0] != event.slot or key[1] > event.generation}
        request = event.request.request if isinstance(event.request, LiveRequest) else event.request
        if isinstance(event.result, Draft):
            self._take_draft(request, event.result)
            return
        self._end_draft(request)
        result = replace(event.result, generation=event.generation)
        warnings = picture_requests.warnings(request, self._summary, result, self._latents.of)
        picture = MainPicture(request, result, warnings)
        if state is not None:
            self.shown = ShownPicture(state, picture)
        if self._frame_state is None:
            self._updates.emit(picture)

    def _end_draft(self, request: PictureRequest) -> None:
        """Note that the whole picture of a request is there."""
        self.draft = None
        if self._sent.get("main") == [request]:
            self._ask_no_whole()

    def _take_draft(self, request: PictureRequest, draft: Draft) -> None:
        if self.shown is not None and self.shown.picture.request == request:  # the drag came back to where it was
            self._end_draft(request)
            if self._frame_state is None:
                self._updates.emit(self.shown.picture)
            return
        self.draft = DraftPicture(request, draft)
        if self._whole is None and self._sent.get("main") == [request]:
            self._ask_whole(request)
        if self._frame_state is None:
            self._updates.emit(self.draft)

    def _take_hover(self, event: PictureReady) -> None:
        requests = self._sent.get("hover", [])
        if self._attribute is not None and event.request in requests:
            sign = -1 if requests.index(event.request) == 0 else 1
            self._updates.emit(HoverPicture(self._attribute, sign, event.result))

    def _take_grid(self, event: PictureReady) -> None:
        # During a drag a picture may be a little older than the slider; its latent must be the right one.
        base = event.request.recipe.base
        if event.index < len(self._grid) and self._grid[event.index] == base:
            self._updates.emit(GridPicture(event.index, base, event.result))

    def _take_thumbnail(self, event: PictureReady) -> None:
        picture = self._thumbnails[event.request] = reduced(event.result.after)
        if event.request.recipe.base in self._strip:
            self._updates.emit(Thumbnail(event.request.recipe.base, picture))

    def _ask(self, slot: str, requests: list[PictureRequest]) -> int | None:
        """Send the requests and return their generation; None if they are equal to those sent last."""
        if requests == self._sent.get(slot, []):
            return None
        self._sent[slot] = requests
        return self._show(slot, requests)
