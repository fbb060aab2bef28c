# SPDX-License-Identifier: MIT
"""Two classifiers side by side: their comparison, a job, and both verdicts on the picture on the canvas, live."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from latent_explorer.app.engine.events import JobEnded, JobEvent, PictureFailed, PictureReady
from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.app.exploration.intents import SetBase, SetEdits
from latent_explorer.app.exploration.updates import (
    ErrorReport,
    MainPicture,
    Message,
    ModelOpened,
    TimelineFrame,
    report_errors,
)
from latent_explorer.app.overview.parted import PartedPhotographs
from latent_explorer.common.events import Progress
from latent_explorer.common.format import shortened
from latent_explorer.explain.recipe import (
    PictureRecipe,
    PictureRequest,
    RenderResult,
    SampleBase,
    StyleShift,
    canonical_edits,
)
from latent_explorer.models.attributes import Attribute, AttributeEntry, describe_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.counterfactuals.confusion import JudgedPhotos
    from latent_explorer.explain.report.two_classifiers import Comparison, SharedMove
    from latent_explorer.models.summary import ClassifierSummary

NAME = "Comparing two classifiers"  # of the job
SLOT = "two"
_REMEMBERED = 8  # pictures of which one verdict waits for the other

Ids = tuple[str, str]


@dataclass(frozen=True)
class BothVerdicts:
    """One picture with and without its edits, judged by both classifiers."""

    recipe: PictureRecipe
    results: tuple[RenderResult, RenderResult]


class TwoClassifiers:
    """Comparison of two classifiers of the open explainer, or of files.

    `on_change` is called when a comparison begins, goes on, is known or was given up, or when there is another
    classifier to choose; `on_verdicts` when both verdicts on a picture are known.
    """

    def __init__(
        self, explorer: Explorer, on_change: Callable[[], None], on_verdicts: Callable[[BothVerdicts], None]
    ) -> None:
        self._explorer = explorer
        self._on_change, self._on_verdicts = on_change, on_verdicts
        self._guests: dict[str, ClassifierSummary] = {}
        self._known: dict[Ids, Comparison] = {}
        self._job: int | None = None
        self._asked: Ids | None = None  # of the job
        self._watched: Ids | None = None
        self._requests: list[PictureRequest] = []
        self._results: OrderedDict[PictureRequest, RenderResult] = OrderedDict()
        self.progress: Progress | None = None  # of the job
        self.photographs = PartedPhotographs(explorer, on_change)
        updates = explorer.updates
        updates.on(ModelOpened, lambda _update: self._forget())
        updates.on(JobEvent, self._go_on)
        updates.on(JobEnded, self._end)
        for kind in (MainPicture, TimelineFrame):
            updates.on(kind, lambda _update: self._consider())
        updates.on(PictureReady, self._take, slot=SLOT)
        updates.on(PictureFailed, self._fail, slot=SLOT)

    @property
    def classifiers(self) -> tuple[ClassifierSummary, ...]:
        """Classifiers to choose from: those of the explainer, then those of files."""
        summary = self._explorer.summary
        return (*(summary.classifiers if summary else ()), *self._guests.values())

    @property
    def comparing(self) -> bool:
        """True while a comparison runs or waits."""
        return self._job is not None

    def found(self, first: str, second: str) -> Comparison | None:
        """Return the newest comparison of two classifiers of the open explainer, or None."""
        return self._known.get((first, second))

    def add_file(self, path: Path, on_added: Callable[[ClassifierSummary], None]) -> None:
        """Read a classifier from a .classifier, or that of an .explainer, to choose from."""

        def job(host: ModelHost, _budget: StepBudget) -> Generator[Event, None, ClassifierSummary]:
            yield from ()
            return host.add_guest(path)

        def added(classifier: ClassifierSummary) -> None:
            if all(each.classifier_id != classifier.classifier_id for each in self.classifiers):
                self._guests[classifier.classifier_id] = classifier
            self._on_change()
            on_added(classifier)

        self._explorer.start_model_job(f"Reading {shortened(path.name)}", job, added)

    def compare(self, first: str, second: str, n: int) -> None:
        """Compare two classifiers on `n` pictures of the explainer. One comparison runs at a time."""
        if self.comparing:
            return
        self._asked, self.progress = (first, second), None
        job = partial(_compare, first=first, second=second, n=n)
        self._job = self._explorer.start_model_job(NAME, job, partial(self._show, (first, second)))
        self._on_change()

    def cancel(self) -> None:
        """Stop the comparison. What its searches rendered is kept, so that the next one is quicker."""
        if self._job is not None:
            self._explorer.cancel(self._job)

    def name_of(self, move: SharedMove) -> str:
        """Return the name that the open exploration has for a move, else "Style 65 up"."""
        summary, document = self._explorer.summary, self._explorer.document
        entry = AttributeEntry(move.style_index, move.end)
        attribute = Attribute("", move.target, (entry,))
        sets = (*(summary.attribute_sets if summary else ()), *document.attribute_sets)
        known = (a for s in reversed(sets) for a in s.attributes if attribute_key(a) == attribute_key(attribute))
        return document.name_of(next((a for a in known if a.name), attribute)) or describe_entries(attribute)

    def show_move(self, move: SharedMove, name: str) -> None:
        """Show the picture on the canvas with this one edit: the coordinate at the end of its observed range."""
        edits = canonical_edits((StyleShift(move.style_index, move.end, 1.0),))
        self._explorer.apply(SetEdits(edits, f"edit {shortened(name)}"))

    def show_picture(self, index: int) -> None:
        """Show a picture of the explainer as it is."""
        self._explorer.apply(SetBase(SampleBase(index), untouched=True))

    def export(self, found: Comparison, path: Path) -> None:
        """Write a comparison as `compare` does: a web page for .html, the moves as a table for .csv, else JSON.

        The page is a job: its attributes are measured first. It holds the photographs that both were asked about.
        """
        from latent_explorer.explain.report.comparison_file import write_comparison

        if path.suffix.lower() in (".html", ".htm"):
            judged = self.photographs.found(found.classifier_ids)
            names = {move: self.name_of(move) for move in found.moves}
            job = partial(_write_page, found=found, photos=judged.photos if judged else None, names=names, path=path)
            said = f"Writing {shortened(path.name)}"
            self._explorer.start_model_job(said, job, self._saved)
            self._explorer.updates.emit(Message(f"{said}: attributes are measured first."))
            return

        with report_errors(self._explorer.updates.emit, f"Writing {shortened(path.name)}"):
            write_comparison(path, found)
            self._saved(path)

    def _saved(self, path: Path) -> None:
        self._explorer.updates.emit(Message(f"Saved {shortened(path.name)}.", file=path))

    # Verdicts on the picture on the canvas ---------------------------------------------------------

    def watch(self, ids: Ids | None) -> None:
        """Call `on_verdicts` for every picture on the canvas, from now on, or not at all."""
        self._watched = ids
        if ids is None:
            self._ask([])
        else:
            self._consider()

    def _consider(self) -> None:
        shown = self._explorer.shown
        if self._watched is None or shown is None:
            return
        self._remember(shown.request, shown.result)
        wanted = [PictureRequest(shown.request.recipe, key) for key in dict.fromkeys(self._watched)]
        self._ask([each for each in wanted if each not in self._results])
        self._tell(shown.request.recipe)

    def _ask(self, requests: list[PictureRequest]) -> None:
        if requests != self._requests:
            self._requests = requests
            self._explorer.request_pictures(SLOT, requests)

    def _take(self, event: PictureReady) -> None:
        if event.request in self._requests:
            self._remember(event.request, event.result)
            self._tell(event.request.recipe)

    def _fail(self, event: PictureFailed) -> None:
        if event.request in self._requests:
            self._explorer.updates.emit(ErrorReport(event.failure, "Asking both classifiers", SLOT))

    def _remember(self, request: PictureRequest, result: RenderResult) -> None:
        self._results[request] = result
        self._results.move_to_end(request)
        while len(self._results) > 2 * _REMEMBERED:
            self._results.popitem(last=False)

    def _tell(self, recipe: PictureRecipe) -> None:
        if self._watched is None:
            return
        results = [self._results.get(PictureRequest(recipe, key)) for key in self._watched]
        if results[0] is not None and results[1] is not None:
            self._on_verdicts(BothVerdicts(recipe, (results[0], results[1])))

    # The job -------------------------------------------------------------------------------------

    def _show(self, ids: Ids, found: Comparison) -> None:
        self._known[ids] = found
        self._on_change()

    def _go_on(self, update: JobEvent) -> None:
        if update.job == self._job and isinstance(update.event, Progress):
            self.progress = update.event
            self._on_change()

    def _end(self, update: JobEnded) -> None:
        if update.job == self._job:
            self._job = self._asked = self.progress = None
            self._on_change()

    def _forget(self) -> None:
        self._guests.clear()
        self._known.clear()
        self._results.clear()
        self._job = self._asked = self.progress = self._watched = None
        self._requests = []


def _compare(
    host: ModelHost, budget: StepBudget, *, first: str, second: str, n: int
) -> Generator[Event, None, Comparison]:
    from latent_explorer.explain.attfind.kept_moves import KeptMoves
    from latent_explorer.explain.report.two_classifiers import compare_classifiers

    explainer = replace(host.explainer, classifiers=host.explainer.classifiers | host.guests)
    kept = None if host.moves_folder is None else KeptMoves(host.moves_folder)
    return compare_classifiers(explainer, first, second, n=n, device=host.device, budget=budget, kept=kept)


def _write_page(
    host: ModelHost,
    _budget: StepBudget,
    *,
    found: Comparison,
    photos: tuple[JudgedPhotos, JudgedPhotos] | None,
    names: Mapping[SharedMove, str],
    path: Path,
) -> Generator[Event, None, Path]:
    from latent_explorer.explain.report.versions import versions_report
    from latent_explorer.media.report.versions_page import write_versions_page

    explainer = replace(host.explainer, classifiers=host.explainer.classifiers | host.guests)
    report = yield from versions_report(explainer, found, photos, name_of=names.__getitem__, device=host.device)
    write_versions_page(path, report)
    return path


def comparison_sentences(found: Comparison) -> str:
    """Return what a comparison says, to be copied: verdicts, coordinates, and one edit that both were asked about."""
    first, second = (shortened(name, 40) for name in found.names)
    low, high = found.same_verdicts.interval
    split = {key: len(each) for key, each in found.coordinates.items()}
    said = [
        f"{first} (A) and {second} (B) say the same of {found.same_verdicts.share:.0%} of {found.n} pictures "
        f"(95 % interval {low:.0%} to {high:.0%}).",
        f"Of the {sum(split.values())} style coordinates that AttFind lists for them, {split['both']} are in both "
        f"lists, {split['first']} only in that of A, {split['second']} only in that of B.",
    ]
    for each in found.edits:
        (a, b), (a_large, b_large) = each.edit.both, each.as_large.both
        if each.list_of == 0 and a.n:
            said.append(
                f"The {each.moves} moves of A's list towards {shortened(found.class_names[each.target], 30)}, applied "
                f"together, turn A in {a.share:.0%} and B in {b.share:.0%} of the {a.n} pictures in which both see "
                f"another class; random edits that change the picture as much turn {a_large.share:.0%} and "
                f"{b_large.share:.0%}."
            )
    return " ".join(said)
