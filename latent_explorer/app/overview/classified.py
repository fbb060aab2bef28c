# SPDX-License-Identifier: MIT
"""Unedited pictures of the overview with the classifier's verdicts: what a page chooses its rows from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.app.engine.events import PictureFailed, PictureReady
from latent_explorer.app.exploration.updates import ErrorReport, ModelOpened
from latent_explorer.app.overview.samples import request_of
from latent_explorer.app.thumbnail import reduced
from latent_explorer.explain.recipe import Base, Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from latent_explorer.app.explorer import Explorer

    Take = Callable[[int, Any, Any], None]


@dataclass(frozen=True)
class Classified:
    """Unedited picture of a latent, at about the size of a thumbnail, and its style values (num_styles,)."""

    base: Base
    picture: Picture
    styles: np.ndarray


class Requests:
    """Requests of one page in its slot, of which only the newest list is answered."""

    def __init__(self, explorer: Explorer, slot: str) -> None:
        self._explorer, self._slot = explorer, slot
        self._take: Take = _ignore
        self.newest: list[Any] = []
        explorer.updates.on(PictureReady, self._ready, slot=slot)
        explorer.updates.on(PictureFailed, self._failed, slot=slot)
        explorer.updates.on(ModelOpened, lambda _update: self.newest.clear())

    def ask(self, requests: Sequence[Any], take: Take) -> None:
        """Replace the requests; those before are given up.

        `take(index, request, result)` gets each answer; None for a request that failed, after the window was told.
        """
        self.newest, self._take = list(requests), take
        self._explorer.request_pictures(self._slot, self.newest)

    def stop(self) -> None:
        """Give up what is still to be rendered."""
        self.ask([], _ignore)

    def _ready(self, event: PictureReady) -> None:
        if event.request in self.newest[event.index : event.index + 1]:
            self._take(event.index, event.request, event.result)

    def _failed(self, event: PictureFailed) -> None:
        if event.request in self.newest[event.index : event.index + 1]:
            self._explorer.updates.emit(ErrorReport(event.failure, "Drawing the overview", self._slot))
            self._take(event.index, event.request, None)


def _ignore(_index: int, _request: Any, _result: Any) -> None:
    pass


class ClassifiedPictures:
    """Renders unedited pictures, once for each classifier. `done` is called when all that were asked for are known."""

    def __init__(self, explorer: Explorer, requests: Requests, done: Callable[[], None]) -> None:
        self._explorer, self._requests, self._done = explorer, requests, done
        self._of: tuple[str, str] = ("", "")  # model_hash and classifier_id
        self._known: dict[Base, Classified | None] = {}  # None: it cannot be drawn
        self._wanted: tuple[Base, ...] = ()
        explorer.updates.on(ModelOpened, lambda _update: self._known.clear())

    @property
    def left(self) -> int:
        """Number of pictures that are still to be rendered."""
        return sum(base not in self._known for base in self._wanted)

    @property
    def found(self) -> list[Classified]:
        """Pictures that were asked for, as far as they can be drawn, in the order of the question."""
        known = (self._known.get(base) for base in self._wanted)
        return [each for each in known if each is not None]

    def ask(self, bases: Sequence[Base]) -> bool:
        """Ask for these pictures. Returns True if all are known already; else `done` will be called."""
        state = self._explorer.state
        assert state is not None
        of = state.model_hash, state.classifier_id
        if of != self._of:
            self._of, self._known = of, {}
        self._wanted = tuple(bases)
        unknown = [base for base in self._wanted if base not in self._known]
        if unknown:
            self._requests.ask([request_of(self._explorer, base) for base in unknown], self._take)
        return not unknown

    def _take(self, _index: int, request: Any, result: Any) -> None:
        base = request.recipe.base
        self._known[base] = Classified(base, reduced(result.after), result.styles) if result is not None else None
        if not self.left:
            self._done()
