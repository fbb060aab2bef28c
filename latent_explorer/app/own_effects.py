# SPDX-License-Identifier: MIT
"""What each listed attribute does to the picture on the canvas, asked as soon as the picture is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from latent_explorer.app.engine.events import PictureReady
from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.app.exploration.picture_requests import resolve
from latent_explorer.app.exploration.state import attribute_amount, with_attribute
from latent_explorer.app.exploration.updates import (
    GestureEnded,
    MainPicture,
    ModelOpened,
    OwnEffects,
    StateChanged,
    TimelineFrame,
    TimelinePlaying,
)
from latent_explorer.explain.recipe import TrialsRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.summary import ExplainerSummary

SLOT = "marks"
LARGEST_RENDERED = 64  # px; above it ten pictures take longer than one gradient
TRIALS = 12  # pictures in a request: beside a search every other one would wait for a step of it
MOST = 24  # attributes


class OwnEffectMeter:
    """Emits `OwnEffects` of the attributes given to `show` for every picture that stays on the canvas.

    The other edits stay as they are: an effect is the difference between the slider at 1 and at 0. Up to
    LARGEST_RENDERED px all are rendered in small batches; above, they are predicted from one gradient.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._attributes: tuple[Attribute, ...] = ()
        self._asked: tuple[object, ...] = ()  # picture, target and attributes that were asked about last
        self._asked_of: tuple[Attribute, ...] = ()  # those may be shown no more while their answers arrive
        self._requests: list[TrialsRequest] = []
        self._target = 0
        self._zeros: list[int] = []  # places of the pictures without each attribute
        self._answers: dict[int, np.ndarray] = {}
        self._playing = False
        for kind in (ModelOpened, StateChanged, MainPicture, TimelineFrame, GestureEnded):
            explorer.updates.on(kind, lambda _update: self._consider())
        explorer.updates.on(TimelinePlaying, self._play)
        explorer.updates.on(PictureReady, self._take, slot=SLOT)

    def show(self, attributes: Sequence[Attribute]) -> None:
        """Choose the attributes, at most MOST of them."""
        self._attributes = tuple(attributes)[:MOST]
        self._consider()

    def _play(self, update: TimelinePlaying) -> None:
        self._playing = update.playing
        self._consider()

    def _consider(self) -> None:
        """Ask about the picture on the canvas, if it is that of the sliders and nothing moves."""
        explorer = self._explorer
        state, summary, shown, session = explorer.state, explorer.summary, explorer.shown, explorer.session
        if state is None or summary is None or shown is None or session is None or session.in_gesture:
            return
        request = resolve(state, summary)
        rests = explorer.editable and not self._playing and shown.request == request
        if not rests or not 0 <= state.target_class < len(shown.result.after.logits):
            return
        asked = (request, state.target_class, *map(attribute_key, self._attributes))
        if asked != self._asked:
            self._asked, self._target, self._answers = asked, state.target_class, {}
            self._asked_of = self._attributes
            self._requests = effect_requests(state, summary, self._attributes)
            self._zeros = _zero_places(state, self._attributes)
            explorer.request_pictures(SLOT, self._requests)

    def _take(self, event: PictureReady) -> None:
        if event.request not in self._requests[event.index : event.index + 1]:
            return  # of another picture
        self._answers[event.index] = event.result
        if len(self._answers) < len(self._requests):
            return
        logits = np.concatenate([self._answers[i] for i in range(len(self._requests))])
        exact = self._requests[0].predicted is None
        of_target = logits[:, self._target if exact else 0].astype(float)
        effects = of_target[1 : len(self._asked_of) + 1] - of_target[self._zeros]
        keys = map(attribute_key, self._asked_of)
        self._explorer.updates.emit(OwnEffects(dict(zip(keys, effects.tolist(), strict=True)), exact))


def effect_requests(
    state: ExplorerState, summary: ExplainerSummary, attributes: Sequence[Attribute]
) -> list[TrialsRequest]:
    """Return requests for the picture as it is, with each attribute at 1, and with each that is moved at 0."""
    moved = [a for a in attributes if attribute_amount(state, a) != 0]
    states = [state, *(_at(state, a, 1.0) for a in attributes), *(_at(state, a, 0.0) for a in moved)]
    edits = tuple(resolve(each, summary).recipe.edits for each in states)
    request = resolve(state, summary)
    if summary.resolution > LARGEST_RENDERED:
        return [TrialsRequest(request, edits, predicted=state.target_class)]
    return [TrialsRequest(request, edits[i : i + TRIALS]) for i in range(0, len(edits), TRIALS)]


def _zero_places(state: ExplorerState, attributes: Sequence[Attribute]) -> list[int]:
    """Return where in the edits of `effect_requests` each attribute is at 0."""
    places, next_place = [], len(attributes) + 1
    for attribute in attributes:
        moved = attribute_amount(state, attribute) != 0
        places.append(next_place if moved else 0)
        next_place += moved
    return places


def _at(state: ExplorerState, attribute: Attribute, amount: float) -> ExplorerState:
    return msgspec.structs.replace(state, edits=with_attribute(state, attribute, amount))
