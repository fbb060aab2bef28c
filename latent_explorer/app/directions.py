# SPDX-License-Identifier: MIT
"""Directions as sliders of the exploration: from files of other programs, and searched for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.app.exploration.intents import SetDirectionRows, SetEdit
from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import (
    DirectionsFound,
    LatentsOpened,
    Message,
    ModelOpened,
    VectorsDropped,
    VectorsFound,
)
from latent_explorer.common.format import shortened
from latent_explorer.explain.direction_search.summary import effect_text
from latent_explorer.explain.directions.direction import direction_key
from latent_explorer.explain.recipe import DirectionShift

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.direction_search.settings import FoundDirection, SearchSettings
    from latent_explorer.explain.directions.direction import Direction
    from latent_explorer.explain.directions.found import VectorFile
    from latent_explorer.explain.labels import LabelSet


class DirectionsController:
    """Directions of the open exploration. Methods are called on the window's thread and raise for no file."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._waiting: tuple[Path, ...] = ()  # files that were opened before any explainer
        self._effects: dict[str, str] = {}  # what directions found in this session do, as sentences, by key
        explorer.updates.on(VectorsDropped, self._dropped)
        explorer.updates.on(ModelOpened, self._model_opened)
        explorer.updates.on(DirectionsFound, self._found)

    def _dropped(self, update: VectorsDropped) -> None:
        for path in update.paths:
            self.look_at(path)

    def _model_opened(self, _update: ModelOpened) -> None:
        waiting, self._waiting = self._waiting, ()
        for path in waiting:
            self.look_at(path)

    def look_at(self, path: Path) -> None:
        """Find out what a file holds, and open it if there is nothing to choose. Else emits `VectorsFound`."""

        def look(host: ModelHost) -> VectorFile:
            from latent_explorer.explain.projection.latent_import import look_at_vectors

            return look_at_vectors(path, host.explainer)

        if not self._explorer.call_model(f"Opening {path.name}", look, self._take):
            self._waiting = (*(each for each in self._waiting if each != path), path)
            sentence = f"{shortened(path.name)} belongs to an explainer. Open that one now: the file is opened with it."
            self._explorer.updates.emit(Message(sentence, "warning"))

    def _take(self, found: VectorFile) -> None:
        if not found.vectors:
            self.open_latents(found)
        elif not found.pictures and len(found.vectors) == 1:
            self.add(found)
        else:
            self._explorer.updates.emit(VectorsFound(found))

    def open_latents(self, found: VectorFile) -> None:
        """Take the vectors of a file as latents: they become projections."""
        self._explorer.updates.emit(LatentsOpened(found.path))

    def add(self, found: VectorFile, first: int = 0, last: int = 0) -> None:
        """Take the vectors `first` to `last` of a file as directions: they get sliders."""
        vectors = found.vectors[first : last + 1]

        def measure(host: ModelHost) -> list[Direction]:
            from latent_explorer.explain.directions.file import unit_directions
            from latent_explorer.explain.latents import typical_ws

            return unit_directions(vectors, typical_ws(host.explainer))

        self._explorer.call_model(f"Opening {found.path.name}", measure, self._list)

    def find(
        self, settings: SearchSettings, given: Sequence[Direction] = (), embedding: Path | None = None
    ) -> int | None:
        """Search for directions, which get sliders. Returns the job; None while no model is ready.

        given      that a boundary is conditional on
        embedding  file of a network whose answer a guided direction leaves as it is
        """
        return find_directions(self._explorer, settings, given=given, embedding=embedding)

    def effect(self, direction: Direction) -> str:
        """Return what a direction does to pictures that it was not found with; empty if that was not tried here."""
        return self._effects.get(direction_key(direction), "")

    def _found(self, update: DirectionsFound) -> None:
        found = update.found
        if not found:
            self._explorer.updates.emit(Message("No direction was found.", "warning"))
            return
        effects = {direction_key(each.direction): effect_text(each, update.class_names) for each in found}
        self._effects |= effects
        self._list([each.direction for each in found])
        best = max(found, key=lambda each: each.check.flipped[-1] if each.check else 0.0)
        count = f"{len(found)} directions found. " if len(found) > 1 else ""
        effect = effects[direction_key(best.direction)] or "found."
        self._explorer.updates.emit(Message(f"{count}{best.direction.name}: {effect}"))

    def _list(self, directions: list[Direction]) -> None:
        self._explorer.change_document(self._explorer.document.with_directions(*directions))

    def move(self, direction: Direction, amount: float) -> None:
        """Move the picture by `amount` standard deviations along a direction."""
        name = self._explorer.document.direction_name(direction)
        self._explorer.apply(SetEdit(DirectionShift(direction, amount), name))

    def rename(self, direction: Direction, name: str) -> None:
        """Give a direction another name; an empty one restores its own."""
        self._explorer.change_document(self._explorer.document.renamed(direction, name))

    def set_rows(self, direction: Direction, first: int, last: int | None) -> None:
        """Let a direction move other rows of ws; None: to the end."""
        self._explorer.change_document(self._explorer.document.with_directions(direction.with_rows(first, last)))
        self._explorer.apply(SetDirectionRows(direction, first, last))

    def remove(self, direction: Direction) -> None:
        """Remove a slider, and what it does to the picture; that can be undone."""
        self.move(direction, 0.0)
        self._explorer.change_document(self._explorer.document.without_direction(direction))


def find_directions(
    explorer: Explorer,
    settings: SearchSettings,
    labels: LabelSet | None = None,
    given: Sequence[Direction] = (),
    embedding: Path | None = None,
) -> int | None:
    """Search for directions of the open model; emits `DirectionsFound`. Returns the job; None while none is ready.

    `labels` of a person, and the directions `given` that it is conditional on, are for a boundary; the file of an
    `embedding` for a guided direction.
    """
    state, summary = explorer.state, explorer.summary
    classifier_id = (state.classifier_id if state else "") or None
    classifier = classifier_of(state, summary) if state and summary else None
    names = classifier.class_names if classifier else ()

    def job(host: ModelHost, budget: StepBudget) -> Generator[Event, None, list[FoundDirection]]:
        from latent_explorer.explain.direction_search.search import find_directions

        network = None
        if embedding is not None:
            from latent_explorer.data.threads import run_in_thread
            from latent_explorer.models.classifier_file import read_classifier

            network, _about = yield from run_in_thread(lambda: read_classifier(embedding), "Reading the network")
        return (
            yield from find_directions(
                host.explainer,
                settings,
                classifier_id=classifier_id,
                labels=labels,
                given=given,
                embedding=network,
                device=host.device,
                budget=budget,
            )
        )

    return explorer.start_model_job(
        "Finding directions", job, lambda found: explorer.updates.emit(DirectionsFound(tuple(found), names))
    )
