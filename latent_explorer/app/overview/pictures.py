# SPDX-License-Identifier: MIT
"""Pictures of the overview with one attribute at both of its ends, rendered in turn with everything else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.app.exploration.intents import ShowRecipe
from latent_explorer.app.exploration.updates import ModelOpened
from latent_explorer.app.overview.classified import ClassifiedPictures, Requests
from latent_explorer.app.overview.samples import Source, balanced, pool, request_of
from latent_explorer.app.thumbnail import reduced
from latent_explorer.explain.recipe import Base, Picture, attribute_edits
from latent_explorer.models.attributes import Attribute

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.overview.classified import Classified
    from latent_explorer.explain.recipe import PictureRequest

SLOT = "pictures"
OPENED = "picture of the overview"  # what undo takes back


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
    pictures: tuple[Picture | None, Picture, Picture | None]


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
        self._requests = Requests(explorer, SLOT)
        self._classified = ClassifiedPictures(explorer, self._requests, self._choose)
        self.rows: list[StripRow] = []
        self.classifying = False  # the pictures to choose from
        explorer.updates.on(ModelOpened, lambda _update: self._forget())

    @property
    def left(self) -> int:
        """Number of pictures that are still to be rendered."""
        return sum(picture is None for row in self.rows for picture in row.pictures)

    def show(self, attribute: Attribute, amount: float, source: Source, count: int) -> None:
        """Show an attribute; what was being rendered for another question is given up."""
        state = self._explorer.state
        if state is None:
            return
        bases = tuple(pool(self._explorer, source))
        of_model = state.model_hash, state.classifier_id, state.target_class
        question = StripQuestion(*of_model, source, bases, attribute, amount, count)
        if question == self._question:
            return
        self._question = question
        if self._classified.ask(bases):
            self._choose()
        else:
            self.rows, self.classifying = [], True
            self._rows_changed()

    def stop(self) -> None:
        """Give up what is still to be rendered; `show` begins again."""
        self._question = None
        self._requests.stop()

    def intent(self, row: int, sign: int) -> ShowRecipe | None:
        """Return the intent that shows a picture of the strip on the canvas, or None if there is no such row."""
        if self._question is None or not 0 <= row < len(self.rows):
            return None
        return ShowRecipe(self._picture_request(self.rows[row].base, sign).recipe, OPENED)

    def _forget(self) -> None:
        self._question, self.rows = None, []

    def _picture_request(self, base: Base, sign: int) -> PictureRequest:
        assert self._question is not None
        amount = sign * self._question.amount
        edits = attribute_edits(self._question.attribute, amount) if amount else ()
        return request_of(self._explorer, base, edits)

    def _choose(self) -> None:
        """Choose the rows among the classified pictures, and ask for their pictures at both ends."""
        if self._question is None:
            return
        target = self._question.target
        chosen = chosen_rows(self._classified.found, target, self._question.count)
        self.rows = [StripRow(c.base, c.picture.verdict == target, (None, c.picture, None)) for c in chosen]
        self.classifying = False
        self._rows_changed()
        requests = [self._picture_request(row.base, sign) for row in self.rows for sign in (1, -1)]
        self._requests.ask(requests, self._take)

    def _take(self, index: int, _request: Any, result: Any) -> None:
        if result is None:
            return  # its place stays empty
        place, minus = divmod(index, 2)
        row, picture = self.rows[place], reduced(result.after)
        before, unedited, after = row.pictures
        pictures = (picture, unedited, after) if minus else (before, unedited, picture)
        self.rows[place] = replace(row, pictures=pictures)
        self._row_changed(place)


def chosen_rows(found: list[Classified], target: int, count: int) -> list[Classified]:
    """Return `count` of the pictures, balanced over the verdicts; the first ones where there is no classifier."""
    if not found or not len(found[0].picture.logits):
        return found[:count]
    return [found[i] for i in balanced(np.stack([each.picture.logits for each in found]), target, count)]
