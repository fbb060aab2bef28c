# SPDX-License-Identifier: MIT
"""Pictures of the overview with one attribute at both of its ends, rendered in turn with everything else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.app.engine.events import PictureFailed, PictureReady
from latent_explorer.app.exploration.intents import ShowRecipe
from latent_explorer.app.exploration.updates import ErrorReport, ModelOpened
from latent_explorer.app.overview.samples import Source, balanced, pool, request_of
from latent_explorer.app.thumbnail import reduced
from latent_explorer.explain.recipe import Base, Picture, TrialsRequest, attribute_edits
from latent_explorer.models.attributes import Attribute

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import PictureRequest

SLOT = "pictures"
SIGNS = (-1, 0, 1)


@dataclass(frozen=True)
class StripQuestion:
    """What the strip shows: `count` pictures of a source, with an attribute at `amount` of either way to its ends."""

    model_hash: str
    classifier_id: str
    target: int
    source: Source
    bases: tuple[Base, ...]  # to choose from
    attribute: Attribute
    amount: float
    count: int


@dataclass(frozen=True)
class StripRow:
    """A latent with its pictures by sign, -1, 0 (unedited) and +1, as far as they are rendered."""

    base: Base
    called: bool  # the target class, unedited
    pictures: tuple[Picture | None, Picture | None, Picture | None] = (None, None, None)


class PictureStrip:
    """Renders the rows. First all pictures to choose from are classified, then those chosen are rendered.

    `rows_changed` is called when there are other rows, `row_changed(i)` when a row has one more picture.
    """

    def __init__(
        self, explorer: Explorer, rows_changed: Callable[[], None], row_changed: Callable[[int], None]
    ) -> None:
        self._explorer = explorer
        self._rows_changed, self._row_changed = rows_changed, row_changed
        self._question: StripQuestion | None = None
        self._asked: Any = None  # of the pictures to choose from
        self._logits: dict[Base, np.ndarray | None] = {}  # of the pictures to choose from; None: it cannot be drawn
        self._requests: list[Any] = []
        self.rows: list[StripRow] = []
        self.classifying = False  # the pictures to choose from
        explorer.updates.on(PictureReady, self._take, slot=SLOT)
        explorer.updates.on(PictureFailed, self._fail, slot=SLOT)
        explorer.updates.on(ModelOpened, lambda _update: self._forget())

    @property
    def left(self) -> int:
        """Number of pictures that are still to be rendered."""
        return sum(picture is None for row in self.rows for picture in row.pictures)

    def show(self, attribute: Attribute, amount: float, source: Source, count: int) -> None:
        """Show an attribute; what was being rendered for another question is given up."""
        explorer, state = self._explorer, self._explorer.state
        if state is None:
            return
        bases = tuple(pool(explorer, source))
        of_model = state.model_hash, state.classifier_id, state.target_class
        question = StripQuestion(*of_model, source, bases, attribute, amount, count)
        if question == self._question:
            return
        self._question = question
        if (state.model_hash, state.classifier_id) != self._asked:
            self._asked, self._logits = (state.model_hash, state.classifier_id), {}
        if not state.classifier_id:
            self.rows = [StripRow(base, called=False) for base in bases[:count]]
            self._show_rows()
        elif unknown := [base for base in bases if base not in self._logits]:
            self.rows, self.classifying = [], True
            self._rows_changed()
            self._request([TrialsRequest(request_of(explorer, base), ((),)) for base in unknown])
        else:
            self._choose()

    def stop(self) -> None:
        """Give up what is still to be rendered; `show` begins again."""
        self._question = None
        self._request([])

    def intent(self, row: int, sign: int) -> ShowRecipe | None:
        """Return the intent that shows a picture of the strip on the canvas, or None if there is no such row."""
        if self._question is None or not 0 <= row < len(self.rows):
            return None
        return ShowRecipe(self._picture_request(self.rows[row].base, sign).recipe, "picture of the overview")

    def _forget(self) -> None:
        self._question, self._asked, self._logits, self.rows, self._requests = None, None, {}, [], []

    def _request(self, requests: list[Any]) -> None:
        self._requests = requests
        self._explorer.request_pictures(SLOT, requests)

    def _picture_request(self, base: Base, sign: int) -> PictureRequest:
        assert self._question is not None
        amount = sign * self._question.amount
        edits = attribute_edits(self._question.attribute, amount) if amount else ()
        return request_of(self._explorer, base, edits)

    def _choose(self) -> None:
        """Choose the rows among the classified pictures, and ask for their pictures at both ends."""
        assert self._question is not None
        target, count = self._question.target, self._question.count
        known = {base: self._logits.get(base) for base in self._question.bases}
        drawn = {base: logits for base, logits in known.items() if logits is not None}
        bases = list(drawn)
        rows = balanced(np.stack(list(drawn.values())), target, count) if drawn else []
        self.rows = [StripRow(bases[i], int(drawn[bases[i]].argmax()) == target) for i in rows]
        self._show_rows()

    def _show_rows(self) -> None:
        self.classifying = False
        self._rows_changed()
        self._request([self._picture_request(row.base, sign) for row in self.rows for sign in (1, -1)])

    def _take(self, event: PictureReady) -> None:
        if event.request not in self._requests[event.index : event.index + 1]:
            return  # of an earlier question
        if isinstance(event.request, TrialsRequest):
            self._classified(event.request.request.recipe.base, event.result[0])
            return
        place, minus = divmod(event.index, 2)
        pictures = list(self.rows[place].pictures)
        pictures[0 if minus else 2] = reduced(event.result.after)
        pictures[1] = pictures[1] or reduced(event.result.before)
        self.rows[place] = replace(self.rows[place], pictures=(pictures[0], pictures[1], pictures[2]))
        self._row_changed(place)

    def _fail(self, event: PictureFailed) -> None:
        if event.request not in self._requests[event.index : event.index + 1]:
            return
        self._explorer.updates.emit(ErrorReport(event.failure, "Drawing the overview", SLOT))
        if isinstance(event.request, TrialsRequest):
            self._classified(event.request.request.recipe.base, None)

    def _classified(self, base: Base, logits: np.ndarray | None) -> None:
        self._logits[base] = logits
        if self._question is not None and all(each in self._logits for each in self._question.bases):
            self._choose()
