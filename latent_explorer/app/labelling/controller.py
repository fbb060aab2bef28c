# SPDX-License-Identifier: MIT
"""Labelling of pictures for the window: one picture after the other, figures that follow, and a slider in the end.

Labels are kept in the exploration's document, so they are saved, recovered and closed with it.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec

from latent_explorer.app.directions import find_directions
from latent_explorer.app.engine.events import JobEnded, PictureFailed, PictureReady
from latent_explorer.app.exploration.updates import DirectionsFound, ErrorReport, Message, ModelOpened, report_errors
from latent_explorer.app.labelling.deck import Deck
from latent_explorer.app.labelling.figures import LiveFigures
from latent_explorer.common.format import free_name
from latent_explorer.explain.direction_search.settings import SearchSettings
from latent_explorer.explain.direction_search.summary import effect_text
from latent_explorer.explain.labels import MAX_LABELS, MAX_NAME, RATINGS, SKIPPED, LabelSet, read_labels, write_labels
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, SeedBase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.labelling.deck import Source
    from latent_explorer.explain.directions.direction import Direction
    from latent_explorer.explain.labels import Kind, Label

SLOT = "labels"
FEWEST = 5  # of each label, or at each end of the ratings
ENOUGH = 20  # of each label, below which the page says that more would help
POOL = 60  # pictures among which the least sure one is sought
MOST_SETS = 100
_KEPT = 24  # pictures in memory


class LabellingController:
    """What the labelling page shows. `on_change` is called when any of it is new. To be started, and closed."""

    def __init__(self, explorer: Explorer, on_change: Callable[[], None], rng: random.Random | None = None) -> None:
        self._explorer, self._on_change = explorer, on_change
        self.number = max(0, len(explorer.document.labels) - 1)  # which set of the exploration is labelled
        self.seek = True
        self.given: tuple[Direction, ...] = ()  # that the boundary is conditional on
        self.figures = LiveFigures(explorer, self._judged)
        self.result = ""  # what the slider that was made last does, as sentences
        self.problem = ""  # why the picture is not there
        self._rng = rng or random.Random()
        self._deck = Deck(self._rng)
        self._images: dict[tuple[object, ...], np.ndarray] = {}  # (H, W, 3) uint8, by what was shown
        self._asked: list[tuple[object, ...]] = []  # pictures that are on their way
        self._making: int | None = None  # job that makes a slider
        updates = explorer.updates
        self._unsubscribe = [
            updates.on(ModelOpened, lambda _update: self.start()),
            updates.on(PictureReady, self._take, slot=SLOT),
            updates.on(PictureFailed, self._fail, slot=SLOT),
            updates.on(JobEnded, self._end_making),
            updates.on(DirectionsFound, self._made),
        ]

    def start(self) -> None:
        """Begin on the model and exploration that are open now."""
        explorer = self._explorer
        self.number, self.given, self.result = max(0, len(explorer.document.labels) - 1), (), ""
        self._images.clear()
        self._asked, self._making = [], None
        self.figures.model_opened()
        summary = explorer.summary
        self._deck = Deck(self._rng, samples=len(summary.samples.ids) if summary and summary.samples else 0)
        self._deck.source = self.sources[-1]
        self._restart()

    def close(self) -> None:
        """End: ask for no more pictures. Labels stay in the exploration, and are autosaved."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._explorer.request_pictures(SLOT, [])
        self._explorer.autosave()

    # What is shown -------------------------------------------------------------------------------

    @property
    def labels(self) -> LabelSet:
        """The labels of the attribute in hand."""
        sets = self._explorer.document.labels
        return sets[self.number] if self.number < len(sets) else LabelSet()

    @property
    def picture(self) -> Label | None:
        """The picture in front of the person; None if there are no more."""
        return self._deck.cards[0] if self._deck.cards else None

    @property
    def image(self) -> np.ndarray | None:
        """Its pixels (H, W, 3) uint8; None until they are there."""
        return self._images.get(self.picture.picture) if self.picture is not None else None

    @property
    def next_image(self) -> np.ndarray | None:
        """Pixels of the picture after it, where they are there already."""
        cards = self._deck.cards
        return self._images.get(cards[1].picture) if len(cards) > 1 else None

    @property
    def title(self) -> str:
        """What the picture is: "seed 12, truncation 0.70"."""
        card = self.picture
        if card is None:
            return ""
        if isinstance(card.base, SeedBase):
            truncated = f", truncation {card.truncation_psi:.2f}" if card.truncation_psi != 1 else ""
            return f"seed {card.base.seed}{truncated}"
        return f"picture {card.base.index + 1} of the file"  # not its name, which may say what is in it

    @property
    def source(self) -> Source:
        """Where pictures are drawn from."""
        return self._deck.source

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where they can be drawn from: a file may hold no pictures."""
        return ("seeds", "samples", "both") if self._deck.samples else ("seeds",)

    @property
    def missing(self) -> str:
        """What the labels lack for a boundary, or would gain from, as a sentence; empty if they are fine."""
        low, high, names = self._ends()
        fewer = names[0] if low <= high else names[1]
        if min(low, high) < FEWEST:
            return f"Too few {fewer}: {FEWEST - min(low, high)} more, and there are figures and a slider."
        found = self.figures.judgement.figures if self.figures.judgement else {}
        if found and found["low"] <= max(found.get("majority", 0.0), found["shuffled"]):
            return "No better than chance, as far as can be said: the interval reaches the marks."
        if max(low, high) > 3 * min(low, high):
            return f"Unbalanced: look for more {fewer}."
        if min(low, high) < ENOUGH:
            return f"With more {fewer} the interval narrows."
        return ""

    @property
    def can_make(self) -> bool:
        """True if there are enough labels for a slider, and none is on its way."""
        low, high, _ = self._ends()
        return min(low, high) >= FEWEST and self._making is None and self._explorer.state is not None

    @property
    def making(self) -> bool:
        """True while a slider is on its way."""
        return self._making is not None

    def _ends(self) -> tuple[int, int, tuple[str, str]]:
        """Return how many labels there are at either end, and what these are called."""
        labels = self.labels
        if labels.kind == "rating":
            return (
                labels.count(1) + labels.count(2),
                labels.count(4) + labels.count(5),
                ("ratings of 1 or 2", "ratings of 4 or 5"),
            )
        return labels.count(0), labels.count(1), ("pictures without it", "pictures with it")

    # What the person does ------------------------------------------------------------------------

    def answer(self, value: int) -> bool:
        """Label the picture, or skip it, and go on. Returns False while it is not on the screen yet."""
        card, labels = self.picture, self.labels
        allowed = (SKIPPED, *(RATINGS if labels.kind == "rating" else (0, 1)))
        if card is None or self.image is None or value not in allowed:
            return False
        if len(labels.labels) >= MAX_LABELS:
            self.problem = f"A set holds at most {MAX_LABELS:,} labels. Begin another one."
            self._on_change()
            return False
        self._deck.take()
        self._keep(labels.with_label(msgspec.structs.replace(card, value=value)))
        self._go_on()
        return True

    def undo(self) -> bool:
        """Take the last label back, and show its picture once more. Returns False if there is none."""
        labels = self.labels
        if not labels.labels:
            return False
        self._deck.put_back(labels.labels[-1])
        self._keep(msgspec.structs.replace(labels, labels=labels.labels[:-1]))
        self._go_on(kept=1)
        return True

    def rename(self, name: str) -> None:
        """Give the attribute a name."""
        name = " ".join(name.split())[:MAX_NAME]
        if name != self.labels.name:
            self._keep(msgspec.structs.replace(self.labels, name=name))
            self._on_change()

    def set_kind(self, kind: Kind) -> None:
        """Label with yes and no, or with ratings. Labels of the other kind stay in their set; a new one is begun."""
        if kind == self.labels.kind:
            return
        if self.labels.labels and not self._begin_set():
            return
        self._keep(msgspec.structs.replace(self.labels, kind=kind))
        self._restart()

    def set_source(self, source: Source) -> None:
        """Draw the next pictures from seeds, from the file, or from both."""
        self._deck.source = source
        self._restart()

    def set_seek(self, on: bool) -> None:
        """Let every third picture be one that the boundary is least sure of, or draw all of them at random."""
        self.seek = on
        self._deck.unsure.clear()
        if on:
            self._judge()
        self._on_change()

    def set_given(self, given: Sequence[Direction]) -> None:
        """Make the boundary conditional on these directions."""
        self.given = tuple(given)
        self._judge()
        self._on_change()

    def choose(self, number: int) -> None:
        """Go on with another set of the exploration."""
        self.number = min(number, len(self._explorer.document.labels))
        self._restart()

    def begin_set(self) -> None:
        """Begin with another attribute."""
        if self._begin_set():
            self._restart()

    def _begin_set(self) -> bool:
        sets = len(self._explorer.document.labels)
        if sets >= MOST_SETS:
            text = f"An exploration holds at most {MOST_SETS} sets of labels. Delete one first."
            self._explorer.updates.emit(Message(text, "warning"))
            return False
        self.number = sets
        return True

    def delete(self) -> None:
        """Delete the labels of the attribute in hand."""
        if self.number < len(self._explorer.document.labels):
            self._explorer.change_document(self._explorer.document.with_labels(self.number, None))
        self.number = max(0, self.number - 1)
        self._restart()

    def write(self, path: Path) -> None:
        """Write the labels as CSV."""
        with report_errors(self._explorer.updates.emit, f"Writing {path.name}"):
            summary = self._explorer.summary
            write_labels(path, self.labels, summary.model_hash if summary else "")

    def read(self, path: Path) -> None:
        """Read labels from a CSV as another set."""
        summary = self._explorer.summary
        if summary is None:
            return
        with report_errors(self._explorer.updates.emit, f"Reading {path.name}"):
            found = read_labels(path, summary.model_hash, summary.samples.ids if summary.samples else ())
            if self._begin_set():
                self._keep(found)
                self._restart()

    def make_slider(self) -> None:
        """Fit the direction, try it beside random ones, and give it a slider."""
        labels = self.labels
        taken = {self._explorer.document.direction_name(each) for each in self._explorer.document.directions}
        name = free_name(labels.name or "my labels", taken.__contains__)
        named = msgspec.structs.replace(labels, name=name)
        settings = SearchSettings("boundary")
        self._making = find_directions(self._explorer, settings, named, self.given)
        self.result = ""
        self._on_change()

    # Inside --------------------------------------------------------------------------------------

    def _restart(self) -> None:
        """Show another picture, for other labels or from elsewhere."""
        self.figures.forget()
        self._deck.clear()
        self._go_on()

    def _keep(self, labels: LabelSet) -> None:
        self._explorer.change_document(self._explorer.document.with_labels(self.number, labels))

    def _go_on(self, kept: int = 0) -> None:
        """Draw and ask for what is missing, and let the figures follow.

        kept  pictures at the front that stay although the truncation was changed
        """
        self.problem = ""
        state = self._explorer.state
        if state is not None:
            truncation = state.truncation_psi, state.truncation_cutoff
            if truncation != self._deck.truncation:  # it was changed meanwhile: what was drawn is of before
                self._deck.truncation, self._deck.cards[kept:] = truncation, []
            self._deck.fill(self.labels.labels)
            self._ask()
        self._judge()
        self._on_change()

    def _ask(self) -> None:
        """Ask for the pictures that are not there. What is on its way is not asked for again: it would begin anew."""
        state = self._explorer.state
        wanted = [card for card in self._deck.cards if card.picture not in self._images]
        if state is None or not wanted or (self._asked and wanted[0].picture in self._asked):
            return
        self._asked = [card.picture for card in wanted]
        recipes = (PictureRecipe(c.base, c.truncation_psi, c.truncation_cutoff) for c in wanted)
        self._explorer.request_pictures(SLOT, [PictureRequest(recipe, state.classifier_id) for recipe in recipes])

    def _take(self, event: PictureReady) -> None:
        recipe: PictureRecipe = event.request.recipe
        shown = (recipe.base, recipe.truncation_psi, recipe.truncation_cutoff)
        self._images.pop(shown, None)
        self._images[shown] = event.result.after.image
        while len(self._images) > _KEPT:
            del self._images[next(iter(self._images))]
        self._arrived(shown)

    def _fail(self, event: PictureFailed) -> None:
        recipe: PictureRecipe = event.request.recipe
        self.problem = event.failure.message
        self._explorer.updates.emit(ErrorReport(event.failure, "Drawing a picture", SLOT))
        self._arrived((recipe.base, recipe.truncation_psi, recipe.truncation_cutoff), ask=False)

    def _arrived(self, shown: tuple[object, ...], *, ask: bool = True) -> None:
        self._asked = [each for each in self._asked if each != shown]
        if ask and not self._asked:
            self._ask()
        if self.picture is not None and self.picture.picture == shown:
            self._on_change()

    def _judge(self) -> None:
        """Let the figures follow the labels."""
        low, high, _ = self._ends()
        if min(low, high) < FEWEST:
            self.figures.forget()
            return
        labels = self.labels
        pool = self._deck.pool(POOL, labels.labels) if self.seek and labels.kind == "yes-no" else []
        self.figures.follow(labels, pool, self.given)

    def _judged(self) -> None:
        found = self.figures.judgement
        self._deck.unsure = list(found.unsure) if found is not None and self.seek else []
        self._on_change()

    def _made(self, update: DirectionsFound) -> None:
        if self._making is not None and any("shuffled" in each.figures for each in update.found):
            self._making = None
            self.result = " ".join(effect_text(each, update.class_names) for each in update.found)
            self._on_change()

    def _end_making(self, update: JobEnded) -> None:
        if update.job == self._making and update.outcome != "finished":
            self._making = None
            self._on_change()
