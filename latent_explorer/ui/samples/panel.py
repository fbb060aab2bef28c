# SPDX-License-Identifier: MIT
"""Page "Samples": selection of the latent (samples of the file, seeds, projected, favourites) and its truncation."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLayout, QMenu, QStackedLayout, QVBoxLayout, QWidget

from latent_explorer.app.coverage import CoverageController
from latent_explorer.app.exploration.intents import SetBase, SetCutoff, SetTruncateEncoded, SetTruncation
from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import DocumentChanged, ModelOpened, StateChanged, Thumbnail
from latent_explorer.app.explorer import MAX_SEED
from latent_explorer.common.format import shortened
from latent_explorer.common.glossary import meaning
from latent_explorer.explain.recipe import ProjectedBase, SampleBase, SeedBase, is_generated
from latent_explorer.ui.samples.coverage_line import CoverageLine
from latent_explorer.ui.samples.generator_inputs import GeneratorInputs
from latent_explorer.ui.samples.thumbnails import INSET as STRIP_INSET
from latent_explorer.ui.samples.thumbnails import ThumbnailView
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import (
    EmptyState,
    NoWheelComboBox,
    column,
    hint,
    icon_button,
    plain,
    row,
    tip,
    title,
)
from latent_explorer.ui.widgets.number_box import NumberLine
from latent_explorer.ui.widgets.slider import ValueSlider

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Base

SEED_HELP = "The same seed gives the same picture on every computer. Type one, or copy it."
SEEDS = 24  # random seeds offered at a time
SAMPLES, SEEDS_PAGE, PROJECTED, FAVOURITES, TRIGGERS = "samples", "seeds", "projected", "favourites", "triggers"
EMPTY = {  # texts of empty lists
    SAMPLES: "This model holds no pictures. Random seeds always work.",
    SEEDS_PAGE: "",
    PROJECTED: "Drop a photo on the window to bring it into the model; the result is listed here.",
    FAVOURITES: "Press F to add the shown picture to this list.",
    TRIGGERS: "This was stopped. Choose the list again to look at the pictures.",
}
ASKING = "Seeds and the pictures of the file are drawn and classified."
PSI_HELP = tip(meaning("psi"))
CUTOFF_HELP = "How many rows of the latent are truncated, starting with the coarse ones."
STORED_HELP = (
    "Pictures of the file and projected ones are shown as they are. Turn this on to truncate them, too: "
    "below 1 they move towards the average, above 1 away from it."
)


class SamplesPanel(QWidget):
    """Panel that sends intents to the explorer and shows its updates.

    The signals carry the latent_id of a projected picture.
    """

    report_requested = Signal(str)
    export_requested = Signal(str)
    removed = Signal(str)

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self._explorer = explorer
        self._seeds: list[Base] = [SeedBase(seed) for seed in range(SEEDS)]
        self._state: ExplorerState | None = None
        self.setAccessibleName("Samples")
        text = "Add this picture to the favourites (F)"
        self.favourite = icon_button("favourite", text, checkable=True)
        self.favourite.clicked.connect(self.toggle_favourite)
        self.view = ThumbnailView("Pictures")
        self.view.chosen.connect(explorer.show_base)
        self.view.picture_requested.connect(explorer.set_strip)
        self.view.menu_requested.connect(lambda base, at: self.menu_of(base).popup(at))
        self.empty = EmptyState("image", "No model is open.")
        # Else the thumbnails, on the other page, would keep as much height on a low screen.
        self.empty.setMinimumHeight(1)
        self._pages = QStackedLayout()
        self._pages.addWidget(self.view)
        self._pages.addWidget(self.empty)
        self.coverage = CoverageController(explorer, self._coverage_changed)
        self.coverage_line = CoverageLine()
        layout = column(self, spacing=theme.GAP)
        layout.setContentsMargins(0, 0, 0, theme.MARGIN)
        layout.addLayout(self._source_row())
        strip = _inset(self._pages)  # its scroll bar is in the margin
        strip.setContentsMargins(theme.MARGIN - STRIP_INSET, 0, theme.UNIT // 2, 0)
        layout.addLayout(strip, 1)
        layout.addLayout(_inset(self.coverage_line))
        layout.addLayout(_inset(self._seed_row()))
        layout.addLayout(_inset(self._truncation()))
        layout.addLayout(_inset(self._generator()))
        self._show_nothing()
        explorer.updates.on(ModelOpened, self._open)
        explorer.updates.on(StateChanged, self._state_changed)
        explorer.updates.on(DocumentChanged, self._document_changed)
        explorer.updates.on(Thumbnail, lambda new: self.view.thumbnails.set_picture(new.base, new.picture))

    def _seed_row(self) -> QHBoxLayout:
        self.seed = NumberLine("Seed", 0, MAX_SEED, tip=SEED_HELP)
        self.seed.setFont(theme.font())
        self.seed.editingFinished.connect(self._on_seed)
        self.seed_label = plain("Seed")
        line = row()
        line.addWidget(self.seed_label)
        line.addWidget(self.seed, 1)
        return line

    def _truncation(self) -> QVBoxLayout:
        self.psi = ValueSlider(
            "Truncation psi", -0.5, 1.5, default=1.0, detents=(0.0, 1.0), inside=(-0.5, 1.0), tooltip=PSI_HELP
        )
        self.psi.amount_changed.connect(lambda psi: self._explorer.apply(SetTruncation(psi)))
        self.psi.pressed.connect(self._explorer.begin_gesture)
        self.psi.released.connect(self._explorer.end_gesture)
        self.cutoff = NoWheelComboBox("Rows that are truncated")
        self.cutoff.setToolTip(CUTOFF_HELP)
        self.cutoff.activated.connect(lambda _index: self._explorer.apply(SetCutoff(self.cutoff.currentData())))
        self.towards_average = QCheckBox("Also stored pictures")
        self.towards_average.setToolTip(STORED_HELP)
        self.towards_average.setAccessibleName("Truncate stored pictures, too")
        self.towards_average.clicked.connect(lambda on: self._explorer.apply(SetTruncateEncoded(bool(on))))
        head = title("Truncation")
        head.setToolTip(PSI_HELP)
        rows = row()
        rows.addWidget(hint("Rows", wrap=False))
        rows.addWidget(self.cutoff, 1)
        layout = column(spacing=theme.UNIT // 2)
        layout.addSpacing(theme.GAP)
        layout.addWidget(head)
        layout.addWidget(self.towards_average)
        layout.addWidget(self.psi)
        layout.addLayout(rows)
        return layout

    def _source_row(self) -> QHBoxLayout:
        self.source = NoWheelComboBox("Pictures that are listed")
        for text, key in (
            ("Samples", SAMPLES),  # until a model says what they are
            ("Random seeds", SEEDS_PAGE),
            ("Projected pictures", PROJECTED),
            ("Favourites", FAVOURITES),
        ):
            self.source.addItem(text, key)
        self.source.currentIndexChanged.connect(lambda _index: self._list())
        self.shuffle = icon_button("shuffle", "Show a random one (R)", self.pick_random)
        line = _inset(self.source)
        line.setSpacing(theme.UNIT // 2)
        line.addWidget(self.shuffle)
        return line

    def _generator(self) -> GeneratorInputs:
        self.inputs = GeneratorInputs()
        self.inputs.intent_emitted.connect(self._explorer.apply)
        self.inputs.pressed.connect(self._explorer.begin_gesture)
        self.inputs.released.connect(self._explorer.end_gesture)
        return self.inputs

    def _state_changed(self, update: StateChanged) -> None:
        self._state = update.new
        asked = update.old.classifier_id != update.new.classifier_id
        if asked:
            self._name_classes(update.new)
        if asked or update.old.target_class != update.new.target_class:
            self._name_triggers(update.new)
        if asked or (self._lists_triggers and update.old.target_class != update.new.target_class):
            self._list()
        self._show(update.new)

    def _document_changed(self, update: DocumentChanged) -> None:
        self.view.thumbnails.set_favourites(update.document.favourites)
        if self.source.currentData() in (FAVOURITES, PROJECTED):
            self._list()
        self._show_favourite()

    def _open(self, update: ModelOpened) -> None:
        self._name_classes(update.state)
        self._name_triggers(update.state)
        self.inputs.start(update.summary)
        rows = update.summary.layout.num_ws
        self.cutoff.clear()
        self.cutoff.addItem("All", None)
        for count in range(1, rows):
            self.cutoff.addItem(f"First {count} of {rows}", count)
        self._state = None
        self.source.setItemText(self.source.findData(SAMPLES), update.summary.samples_are.capitalize())
        listed = {SampleBase: SAMPLES, ProjectedBase: PROJECTED}.get(type(update.state.base), SEEDS_PAGE)
        self.source.setCurrentIndex(self.source.findData(listed))
        self.setEnabled(True)
        self._show(update.state)
        self._list()

    def _name_classes(self, state: ExplorerState) -> None:
        """Start the thumbnails anew, since they show the answers of the selected classifier."""
        summary = self._explorer.summary
        classifier = classifier_of(state, summary) if summary else None
        if summary is not None:
            self.view.thumbnails.start(summary, classifier.class_names if classifier else ())
            self.view.thumbnails.set_favourites(self._explorer.document.favourites)

    @property
    def _lists_triggers(self) -> bool:
        return bool(self.source.currentData() == TRIGGERS)

    def _name_triggers(self, state: ExplorerState) -> None:
        """Name the list of the pictures that score highest for the class of the sliders; none without a classifier."""
        summary, at = self._explorer.summary, self.source.findData(TRIGGERS)
        classifier = classifier_of(state, summary) if summary else None
        if classifier is None:
            if at >= 0:
                self.source.removeItem(at)
            return
        text = f"What triggers {shortened(classifier.class_names[state.target_class], 30)}"
        if at < 0:
            self.source.addItem(text, TRIGGERS)
        else:
            self.source.setItemText(at, text)

    def _coverage_changed(self) -> None:
        if self._lists_triggers:
            self._list(ask=False)

    def _show_nothing(self) -> None:
        self.setEnabled(False)
        self._pages.setCurrentWidget(self.empty)
        self.seed.hide()
        self.seed_label.hide()

    def _show(self, state: ExplorerState) -> None:
        self._state = state
        self.view.show_base(state.base)
        generated, editable = is_generated(state.base), self._explorer.editable
        acts = editable and (generated or state.truncate_encoded)
        self.towards_average.setVisible(not generated)
        self.towards_average.setEnabled(editable)
        self.towards_average.setChecked(state.truncate_encoded)
        self.psi.setEnabled(acts)
        self.cutoff.setEnabled(acts)
        if not self.psi.dragging:
            self.psi.set_amount(state.truncation_psi)
        self.cutoff.setCurrentIndex(max(0, self.cutoff.findData(state.truncation_cutoff)))
        self.seed.setText(str(state.base.seed) if isinstance(state.base, SeedBase) else "")
        self.inputs.show_state(state)
        self.inputs.setEnabled(editable)
        self._show_favourite()

    def _show_favourite(self) -> None:
        if self._state is not None:
            self.favourite.setChecked(self._state.base in self.view.thumbnails.favourites)

    def _list(self, *, ask: bool = True) -> None:
        """Fill the strip from the chosen source; `ask` about what triggers a class unless it is known."""
        summary, kind = self.view.thumbnails.summary, self.source.currentData()
        if summary is None:
            return
        bases: list[Base] = []
        if kind == SAMPLES and summary.samples is not None:
            bases = [SampleBase(i) for i in range(len(summary.samples.ids))]
        elif kind == SEEDS_PAGE:
            bases = self._seeds
        elif kind == PROJECTED:
            bases = [ProjectedBase(i) for i in self._explorer.document.projected]
        elif kind == FAVOURITES:
            bases = list(self._explorer.document.favourites)
        target = self._state.target_class if self._state is not None else 0
        if kind == TRIGGERS:
            if ask:
                self.coverage.ask()
            bases = self.coverage.highest(target)
        self.coverage_line.show_coverage(self.coverage.found if kind == TRIGGERS else None, target)
        for each in (self.seed, self.seed_label):
            each.setVisible(kind == SEEDS_PAGE)
        self.view.thumbnails.set_bases(bases, self._names_of(bases))
        waits = kind == TRIGGERS and self.coverage.asking
        self.empty.sentence.setText(ASKING if waits else EMPTY[kind])
        self._pages.setCurrentWidget(self.view if bases else self.empty)
        if self._state is not None:
            self.view.show_base(self._state.base)

    def _names_of(self, bases: Sequence[Base]) -> dict[Base, str]:
        """Return the names of the projected pictures among `bases`."""
        projected_of = ((base, self._explorer.latents.of(base)) for base in bases)
        return {base: projected.report.name for base, projected in projected_of if projected is not None}

    def show_projected(self) -> None:
        self.source.setCurrentIndex(self.source.findData(PROJECTED))
        self._list()

    def pick_random(self) -> None:
        """Show another sample, or a page of new seeds and the first of them."""
        bases = self.view.thumbnails.bases
        if self.source.currentData() == SEEDS_PAGE:
            self._seeds = self._explorer.random_seeds(SEEDS)
            self._list()
            self._explorer.apply(SetBase(self._seeds[0]))
        elif bases:
            here = self._state.base if self._state else None
            others = [base for base in bases if base != here] or bases
            self._explorer.show_base(random.choice(others))

    def step(self, by: int) -> None:
        """Show the latent `by` places further in the strip, wrapping around."""
        bases = self.view.thumbnails.bases
        if not bases or self._state is None:
            return
        at = self.view.thumbnails.row_of(self._state.base)
        at = (-1 if by > 0 else 0) if at is None else at
        self._explorer.show_base(bases[(at + by) % len(bases)])

    def toggle_favourite(self) -> None:
        """Add the latent on the canvas to the favourites, or remove it."""
        if self._state is not None:
            self._set_favourite(self._state.base, self._state.base not in self._explorer.document.favourites)

    def _set_favourite(self, base: Base, on: bool) -> None:
        self._explorer.change_document(self._explorer.document.with_favourite(base, on))

    def _on_seed(self) -> None:
        if self.seed.isModified() and self.seed.value is not None:
            self.seed.setModified(False)
            self._explorer.apply(SetBase(SeedBase(int(self.seed.value))))

    def menu_of(self, base: Base) -> QMenu:
        """Return the context menu of a latent; it is deleted when it closes."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        starred = base in self._explorer.document.favourites
        text = "Remove from favourites" if starred else "Keep as a favourite"
        menu.addAction(text, lambda: self._set_favourite(base, not starred))
        if isinstance(base, ProjectedBase):
            menu.addSeparator()
            menu.addAction("How close it is to the photo...", lambda: self._report(base))
            menu.addAction("Export...", lambda: self.export_requested.emit(base.latent_id))
            if base.latent_id in self._explorer.document.projected:
                menu.addAction("Remove from the list", lambda: self.removed.emit(base.latent_id))
        return menu

    def _report(self, base: ProjectedBase) -> None:
        self._explorer.show_base(base)
        self.report_requested.emit(base.latent_id)


def _inset(part: QLayout | QWidget) -> QHBoxLayout:
    """Return a row that holds `part` between the panel's margins."""
    line = row()
    line.setContentsMargins(theme.MARGIN, 0, theme.MARGIN, 0)
    if isinstance(part, QWidget):
        line.addWidget(part, 1)
    else:
        line.addLayout(part, 1)
    return line
