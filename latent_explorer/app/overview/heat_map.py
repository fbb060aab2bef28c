# SPDX-License-Identifier: MIT
"""Table of what every listed attribute does to every picture of the overview, with a style drawn at random beside.

An effect is that of the attribute alone, at its end (amount 1), on the unedited picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from latent_explorer.app.exploration.document import listed_set
from latent_explorer.app.exploration.intents import ShowRecipe
from latent_explorer.app.exploration.picture_requests import already_at_end
from latent_explorer.app.exploration.updates import ModelOpened
from latent_explorer.app.overview.classified import ClassifiedPictures, Requests
from latent_explorer.app.overview.pictures import OPENED
from latent_explorer.app.overview.samples import LARGE, Source, pool, request_of
from latent_explorer.common.log_odds import log_odds
from latent_explorer.explain.recipe import Base, SampleBase, TrialsRequest, attribute_edits
from latent_explorer.models.attributes import Attribute, AttributeEntry, describe_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.overview.classified import Classified
    from latent_explorer.models.summary import ExplainerSummary

SLOT = "heat map"
MOST = 24  # attributes
TRIALS = 4  # pictures in a request: it takes about as long as a few, so that a slider need not wait longer
Cell = tuple[Base, tuple[AttributeEntry, ...]]  # a picture, and what an attribute moves
Quantity = Literal["odds", "probability"]
Order = Literal["lowest", "highest", "likeness"]


@dataclass(frozen=True)
class HeatQuestion:
    """What the table shows. The last column is the control, if there is a style that is not listed."""

    model_hash: str
    classifier_id: str
    target: int
    bases: tuple[Base, ...]
    columns: tuple[Attribute, ...]
    has_control: bool


class HeatMap:
    """Fills the table: the pictures first, then what a search kept, then the other cells are rendered.

    `changed` is called after each of these, and with every picture whose cells are known.
    """

    def __init__(self, explorer: Explorer, changed: Callable[[], None]) -> None:
        self._explorer, self._changed = explorer, changed
        self._question: HeatQuestion | None = None
        self._requests = Requests(explorer, SLOT)
        self._classified = ClassifiedPictures(explorer, self._requests, self._fill)
        self._of: tuple[str, str] = ("", "")  # model_hash and classifier_id of what is known
        self._known: dict[Cell, np.ndarray] = {}  # logits (K,) by picture and entries
        self._kept: set[Cell] = set()  # cells that a search had rendered
        self._places: list[list[Cell]] = []  # cells of every request
        self.rows: list[Classified] = []
        explorer.updates.on(ModelOpened, lambda _update: self._forget())

    @property
    def columns(self) -> tuple[Attribute, ...]:
        """Attributes in the order of the panel; then the control, if `has_control`."""
        return self._question.columns if self._question else ()

    @property
    def has_control(self) -> bool:
        return self._question is not None and self._question.has_control

    @property
    def classifying(self) -> bool:
        """True until the rows are known."""
        return self._classified.left > 0

    @property
    def counts(self) -> tuple[int, int, int]:
        """Numbers of cells: all, those known, and those among them that a search had rendered."""
        cells = [(row.base, a.entries) for row in self.rows for a in self.columns]
        return len(cells), sum(cell in self._known for cell in cells), sum(cell in self._kept for cell in cells)

    def show(self, attributes: Sequence[Attribute], source: Source, control_seed: int) -> None:
        """Show these attributes, at most MOST, and a control drawn by the seed, on the pictures of a source."""
        explorer, state, summary = self._explorer, self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            return
        listed = tuple(attributes)[:MOST]
        control = control_of(summary, attributes, state.target_class, control_seed)
        columns = (*listed, control) if control else listed
        bases = tuple(pool(explorer, source))
        question = HeatQuestion(
            state.model_hash, state.classifier_id, state.target_class, bases, columns, control is not None
        )
        if _asks_the_same(question, self._question):
            self._question = question  # names may have changed
            self._changed()
            return
        self._question = question
        if (state.model_hash, state.classifier_id) != self._of:
            self._forget_cells()
            self._of = state.model_hash, state.classifier_id
        if self._classified.ask(bases):
            self._fill()
        else:
            self.rows = []
            self._changed()

    def stop(self) -> None:
        """Give up what is still to be rendered; `show` begins again."""
        self._question = None
        self._requests.stop()

    def values(self, quantity: Quantity) -> np.ndarray:
        """Return the effects (N, C) on the target: change of its log-odds or of its probability, NaN until known."""
        if self._question is None or not self.rows:
            return np.full((len(self.rows), len(self.columns)), np.nan)
        unedited = np.stack([row.picture.logits for row in self.rows])
        unknown = np.full(unedited.shape[1], np.nan)
        edited = [[self._known.get((row.base, a.entries), unknown) for a in self.columns] for row in self.rows]
        target = self._question.target
        before, after = (_figures(each, target, quantity) for each in (unedited, np.array(edited)))
        changes: np.ndarray = after - before[:, None]
        return changes

    def at_ends(self) -> np.ndarray:
        """Return (N, C) bool: True where the picture is at this end already, so that the attribute changes nothing."""
        summary = self._explorer.summary
        ends = [summary is not None and already_at_end(r, summary, a) for r in self.rows for a in self.columns]
        return np.array(ends, bool).reshape(len(self.rows), len(self.columns))

    def intent(self, row: int, column: int) -> ShowRecipe:
        """Return the intent that shows a row's picture, with the attribute of a column at its end; -1: unedited."""
        edits = attribute_edits(self.columns[column]) if column >= 0 else ()
        return ShowRecipe(request_of(self._explorer, self.rows[row].base, edits).recipe, OPENED)

    def _forget(self) -> None:
        self._question, self.rows = None, []
        self._forget_cells()

    def _forget_cells(self) -> None:
        self._known.clear()
        self._kept.clear()

    def _fill(self) -> None:
        """Take the rows, and look for what a search has rendered of them."""
        question, state, summary = self._question, self._explorer.state, self._explorer.summary
        if question is None or state is None or summary is None:
            return
        found_rows = self._classified.found
        order = order_of(found_rows, np.zeros((0, 0)), question.target, "lowest")
        self.rows = [found_rows[i] for i in order]  # rendered from the top of the table to its bottom
        found = listed_set(self._explorer.document, summary, state)
        entries = {a.entries[0] for a in question.columns if len(a.entries) == 1}
        of_file = any(isinstance(row.base, SampleBase) for row in self.rows)
        searched = found is not None and found.classifier_id == question.classifier_id
        if found is not None and of_file and entries and searched:
            of = {"classifier_id": question.classifier_id, "n": found.n, "entries": entries}
            name, look = "Looking for what a search rendered", partial(_look, of)
            if self._explorer.call_model(name, look, partial(self._add, question)):
                self._changed()
                return
        self._render(question)

    def _add(self, question: HeatQuestion, effects: dict[tuple[int, AttributeEntry], np.ndarray]) -> None:
        """Add what a search rendered: effects (K,) by sample and entry."""
        if question is not self._question:
            return
        for row in self.rows:
            for attribute in question.columns:
                place = row.base, attribute.entries
                entry = attribute.entries[0]
                if not isinstance(row.base, SampleBase) or len(attribute.entries) > 1 or place in self._known:
                    continue
                effect = effects.get((row.base.index, entry))
                if effect is not None:
                    self._known[place] = row.picture.logits + effect
                    self._kept.add(place)
        self._render(question)

    def _render(self, question: HeatQuestion) -> None:
        """Ask for the cells that are not known."""
        size = TRIALS if self._explorer.summary and self._explorer.summary.resolution <= LARGE else 1
        requests: list[TrialsRequest] = []
        self._places = []
        for row in self.rows:
            missing = [a for a in question.columns if (row.base, a.entries) not in self._known]
            for first in range(0, len(missing), size):
                part = missing[first : first + size]
                requests.append(
                    TrialsRequest(request_of(self._explorer, row.base), tuple(attribute_edits(a) for a in part))
                )
                self._places.append([(row.base, a.entries) for a in part])
        self._requests.ask(requests, self._take)
        self._changed()

    def _take(self, index: int, _request: Any, logits: Any) -> None:
        if logits is not None:
            self._known.update(zip(self._places[index], logits, strict=True))
        self._changed()


def control_of(summary: ExplainerSummary, attributes: Sequence[Attribute], target: int, seed: int) -> Attribute | None:
    """Return a style coordinate that no attribute moves, and an end of it, both drawn at random; None if all do."""
    listed = {e.style_index for a in attributes for e in a.entries}
    free = [j for j in range(summary.layout.num_styles) if j not in listed]
    if not free or summary.style_stats is None:
        return None
    random = np.random.default_rng(seed)
    entry = AttributeEntry(free[int(random.integers(len(free)))], "max" if random.integers(2) else "min")
    control = Attribute("", target, (entry,))
    return Attribute(describe_entries(control), target, (entry,))


def order_of(rows: Sequence[Classified], values: np.ndarray, target: int, order: Order) -> list[int]:
    """Return the rows in their order: the lowest or highest probability of the target first, or similar ones together.

    values  (N, C) effects; similar rows stand together only where all of them are known
    """
    logits = [row.picture.logits for row in rows]
    if not logits or not len(logits[0]):
        return list(range(len(rows)))
    if order == "likeness" and np.isfinite(values).all():
        return clustered(values)
    odds = log_odds(np.stack(logits), target)
    return [int(i) for i in np.argsort(-odds if order == "highest" else odds, kind="stable")]


def clustered(values: np.ndarray) -> list[int]:
    """Return the rows of a table (N, C) so that similar ones stand together: the leaves of a tree of clusters.

    The two clusters nearest to each other are joined again and again; the distance of two clusters is the mean
    Euclidean distance of their rows (average linkage: R. R. Sokal, C. D. Michener, 1958). Of two that are joined, the
    one of the higher mean stands first.
    """
    clusters = [[i] for i in range(len(values))]
    distances = np.sqrt(((values[:, None] - values[None]) ** 2).sum(axis=2))
    np.fill_diagonal(distances, np.inf)
    means = list(values.mean(axis=1)) if len(values) else []
    while len(clusters) > 1:
        a, b = sorted(int(i) for i in np.unravel_index(distances.argmin(), distances.shape))
        sizes = len(clusters[a]), len(clusters[b])
        merged = (sizes[0] * distances[a] + sizes[1] * distances[b]) / sum(sizes)
        first, second = (a, b) if means[a] >= means[b] else (b, a)
        means[a] = float(np.average([means[a], means[b]], weights=sizes))
        clusters[a] = clusters[first] + clusters[second]
        distances[a], distances[:, a] = merged, merged
        distances[a, a] = np.inf
        distances = np.delete(np.delete(distances, b, axis=0), b, axis=1)
        del clusters[b], means[b]
    return clusters[0] if clusters else []


def _asks_the_same(one: HeatQuestion, other: HeatQuestion | None) -> bool:
    """Return True if two questions have the same answers, whatever the names of the attributes."""
    if other is None or (one.classifier_id, one.model_hash) != (other.classifier_id, other.model_hash):
        return False
    keys = [[a.entries for a in each.columns] for each in (one, other)]
    return (one.target, one.bases, keys[0]) == (other.target, other.bases, keys[1])


def _figures(logits: np.ndarray, target: int, quantity: Quantity) -> np.ndarray:
    """Return log-odds or probability (...,) of the target in logits (..., K)."""
    odds = log_odds(logits, target)
    probabilities: np.ndarray = (1 + np.tanh(odds / 2)) / 2
    return odds if quantity == "odds" else probabilities


def _look(of: dict[str, Any], host: ModelHost) -> dict[tuple[int, AttributeEntry], np.ndarray]:
    return host.kept_effects(**of)
