# SPDX-License-Identifier: MIT
"""Attributes panel: target class, cards, suggestion of what turns the verdict, and search for attributes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QFrame, QWidget

from latent_explorer.app.attribute_search import NAME
from latent_explorer.app.effects import EffectMeter
from latent_explorer.app.engine.events import JobEnded, JobEvent, JobStarted
from latent_explorer.app.exploration.document import hidden_attributes, listed_set, names_by_style, single_slider
from latent_explorer.app.exploration.intents import ResetAttributes, SetTarget
from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import (
    DocumentChanged,
    EffectsMeasured,
    EvidenceFound,
    MainPicture,
    ModelOpened,
    SearchTimed,
    StateChanged,
    TimelineFrame,
)
from latent_explorer.app.search_timer import SearchTimer
from latent_explorer.common.glossary import meaning
from latent_explorer.ui.attributes.add_slider import AddSliderDialog
from latent_explorer.ui.attributes.attribute_list import AttributeList
from latent_explorer.ui.attributes.card_data import class_name, ranking_details, ranking_summary, rows
from latent_explorer.ui.attributes.classifier_selector import ClassifierSelector
from latent_explorer.ui.attributes.find_attributes import FindAttributesDialog
from latent_explorer.ui.attributes.search_pages import AttributeSearchPages, SearchProgress
from latent_explorer.ui.attributes.verdict_view import VerdictView
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import (
    SELECTABLE,
    NoWheelComboBox,
    Pages,
    column,
    hint,
    icon_button,
    open_dialog,
    row,
    show_beside,
    tip,
    title,
)

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.attfind.plan import SearchPlan
    from latent_explorer.explain.recipe import RenderResult
    from latent_explorer.models.summary import ExplainerSummary

MIN_WIDTH_WITH_TOWARDS = 320  # px
MAX_CLOSED_NOTES = 100  # closed notes that are remembered; older ones are shown again


class AttributesPanel(QWidget):
    """Panel that sends intents to the explorer and shows the states in its updates; it keeps no state itself."""

    def __init__(self, explorer: Explorer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._explorer = explorer
        self._result: RenderResult | None = None  # of the last picture, for "already at the end"
        self._evidence: EvidenceFound | None = None
        self._job: int | None = None  # a search that runs or waits
        self._meter = EffectMeter(explorer)
        self._timer = SearchTimer(explorer)
        self.setAccessibleName("Attributes")
        self.add = icon_button("add", "Add slider for any style coordinate", self.open_add_slider)
        self.reset = icon_button("reset", "Reset all attributes", lambda: explorer.apply(ResetAttributes()))
        self.target = NoWheelComboBox("Class that the attributes move towards")
        self._towards = hint("towards", wrap=False)
        self.classifier_selector = ClassifierSelector()
        self.note = ExplainerNote(explorer)
        self.list = AttributeList(explorer)
        self.info = self.list.info
        self.list.more_wanted.connect(self.refresh)
        self.search = AttributeSearchPages()
        self.searching = SearchProgress(compact=True)  # above the list, while a search runs
        self.verdict = VerdictView(explorer)
        self._pages = Pages()
        self._build()
        self._connect()
        self._open()

    def _build(self) -> None:
        self._towards.setBuddy(self.target)
        head = row(spacing=theme.GAP // 2)
        heading = title("Attributes")
        heading.setFixedHeight(theme.CONTROL)
        heading.setToolTip(tip(meaning("attribute")))
        head.addWidget(heading)
        head.addSpacing(theme.GAP // 2)
        head.addWidget(self._towards)
        head.addWidget(self.target, 2)
        head.addStretch(0)
        head.addWidget(self.add)
        head.addWidget(self.reset)
        self.info.setProperty("role", "hint")
        self.info.setFont(theme.font(theme.SMALL))
        page = QWidget()
        listed = column(page, spacing=theme.GAP // 2)
        listed.addWidget(self.searching)
        listed.addWidget(self.list, 1)
        listed.addWidget(self.verdict)
        self._pages.addWidget(page)
        self._pages.addWidget(self.search)
        layout = column(self, spacing=theme.GAP)
        layout.setContentsMargins(theme.MARGIN, theme.MARGIN, theme.GAP, theme.GAP)
        layout.addLayout(head)
        layout.addWidget(self.classifier_selector)
        layout.addWidget(self.note)
        layout.addWidget(self._pages, 1)
        self.setMinimumWidth(300)

    def _connect(self) -> None:
        explorer = self._explorer
        self.target.activated.connect(lambda index: explorer.apply(SetTarget(index)))
        self.classifier_selector.intent_emitted.connect(explorer.apply)
        self.search.search_requested.connect(self.start_search)
        self.search.settings_requested.connect(self.open_search)
        self.list.search.clicked.connect(self.open_search)
        for progress in (self.search.searching, self.searching):
            progress.stop_requested.connect(self._stop_search)
        self.verdict.turned.connect(self.list.reveal)
        theme.notifier.changed.connect(self._open)
        updates = explorer.updates
        updates.on(ModelOpened, self._model_opened)
        updates.on(StateChanged, self._state_changed)
        updates.on(DocumentChanged, lambda _update: self.refresh())
        updates.on(EffectsMeasured, lambda _update: self.refresh())
        updates.on(EvidenceFound, self._take_evidence)
        updates.on(SearchTimed, self._search_timed)
        updates.on(MainPicture, self._take_picture)
        updates.on(TimelineFrame, self._take_picture)
        updates.on(JobStarted, self._job_started)
        updates.on(JobEvent, self._job_event)
        updates.on(JobEnded, self._job_ended)

    def sizeHint(self) -> QSize:
        return QSize(360, 560)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_towards()

    def _show_towards(self) -> None:
        """Leave the room of "towards" to the class where there is little."""
        known = self._explorer.summary is not None and bool(self._explorer.summary.classifiers)
        self._towards.setVisible(known and self.width() >= MIN_WIDTH_WITH_TOWARDS)

    # user input -------------------------------------------------------------------------------

    def start_search(self, plan: SearchPlan | None = None) -> None:
        """Search for the attributes of the selected classifier: by a plan, or as is chosen in place of the cards."""
        n = self.search.chosen()
        if plan is None and n is not None:
            plan = msgspec.structs.replace(self._explorer.search_plan(), n=n)
        self._job = self._explorer.start_attfind(plan)
        self.refresh()

    def open_search(self) -> FindAttributesDialog | None:
        """Open the dialog that searches with settings. None while a search runs, or nothing can be searched."""
        state, summary = self._explorer.state, self._explorer.summary
        classifier = classifier_of(state, summary) if state and summary else None
        if state is None or summary is None or classifier is None or self._job is not None:
            return None
        available = len(summary.samples.ids) if summary.samples else 0
        plan = self._explorer.search_plan()
        dialog = FindAttributesDialog(classifier.class_names, state.target_class, available, plan, self)
        dialog.show_cost(self._timer.cost())
        dialog.chosen.connect(self.start_search)
        return open_dialog(dialog)

    def _search_timed(self, _update: SearchTimed) -> None:
        for dialog in self.findChildren(FindAttributesDialog):
            dialog.show_cost(self._timer.cost())
        self.refresh()

    def _stop_search(self) -> None:
        if self._job is not None:
            self._explorer.cancel(self._job)

    def open_add_slider(self) -> AddSliderDialog | None:
        """Open the dialog that adds sliders, which stays open beside the window."""
        summary = self._explorer.summary
        if summary is None:
            return None
        listed = {e.style_index for a in self._explorer.attributes() for e in a.entries}
        names = names_by_style(self._explorer.document, summary)
        dialog = AddSliderDialog(summary, listed, self, names=names)
        dialog.chosen.connect(self._add_slider)
        return show_beside(dialog)

    def _add_slider(self, style_index: int, pin: bool) -> None:
        state = self._explorer.state
        if state is None:
            return
        slider = single_slider(style_index, state.target_class)
        document = self._explorer.document.with_slider(slider)
        document = document.with_pin(slider, True) if pin else document
        self._explorer.edit_document(document, f'adding "{document.name_of(slider)}"')
        self.list.reveal(slider)

    # updates ----------------------------------------------------------------------------------

    def _model_opened(self, update: ModelOpened) -> None:
        self._result = self._evidence = None
        self.note.show_model(update.summary)
        self._open()

    def _state_changed(self, update: StateChanged) -> None:
        if update.old.base != update.new.base:
            self._result = None  # does not apply to the new picture
        if _selection(update.old) != _selection(update.new):
            self._open()
        else:
            self.refresh()

    def _take_evidence(self, update: EvidenceFound) -> None:
        self._evidence = update
        self.refresh()

    def _take_picture(self, picture: MainPicture | TimelineFrame) -> None:
        known, self._result = self._result, picture.result
        if known is None or not _same_unedited(known, picture.result):
            self.refresh()  # not at every step of a drag, only after a change of what is shown

    def _job_started(self, update: JobStarted) -> None:
        if update.name == NAME:
            self._job = update.job
            for progress in (self.search.searching, self.searching):
                progress.begin()
            self.refresh()

    def _job_event(self, update: JobEvent) -> None:
        if update.job == self._job:
            for progress in (self.search.searching, self.searching):
                progress.show_event(update.event)

    def _job_ended(self, update: JobEnded) -> None:
        if update.job == self._job:
            self._job = None
            self.refresh()

    def _open(self) -> None:
        """Rebuild everything after a change of model, classifier, class or theme."""
        state, summary = self._explorer.state, self._explorer.summary
        classifier = classifier_of(state, summary) if state and summary else None
        self.target.clear()
        for index, name in enumerate(classifier.class_names if classifier else ()):
            self.target.addItem(_swatch(index), name)
        self.target.setEnabled(self.target.count() > 1)
        if state is not None:
            self.target.setCurrentIndex(state.target_class)
        self.classifier_selector.show_state(state, summary)
        self.refresh()

    def refresh(self) -> None:
        """Show the current state and document in all widgets without emitting signals."""
        state, summary, document = (self._explorer.state, self._explorer.summary, self._explorer.document)
        for part in (self.add, self.reset):
            part.setVisible(summary is not None)
        self.target.setVisible(bool(summary and summary.classifiers))
        self._show_towards()
        editable = self._explorer.editable
        self.reset.setEnabled(editable and bool(state and state.edits))
        self.add.setEnabled(editable)
        self.list.set_editable(editable)
        if state is None or summary is None:
            self.search.show_no_model()
            self._pages.setCurrentWidget(self.search)
            return
        shown = rows(document, summary, state, self._result, self.list.wanted, self._meter.measured(), self._evidence)
        self.list.show_rows(shown, total=len(self._explorer.attributes()), fold=self._result is not None)
        hidden = hidden_attributes(document, summary, state)
        self.list.show_hidden(hidden)
        self.list.show_likenesses(self._meter.likenesses())
        attribute_set = listed_set(document, summary, state)
        running = self._job is not None
        origin = (
            ranking_summary(attribute_set, summary, state, running=running) if attribute_set else "Your own sliders"
        )
        self.info.setText(origin)
        self.searching.setVisible(running)
        self.list.search.setVisible(bool(summary.classifiers) and not running)
        classifier = classifier_of(state, summary)
        self.list.chooser.refresh(classifier.class_names if classifier else ())
        self.info.setToolTip(ranking_details(attribute_set, summary, state) if attribute_set else "")
        any_slider = bool(shown or hidden or self._explorer.directions())
        if not any_slider and not summary.classifiers:
            self.search.show_no_classifier()
        elif not any_slider:
            target = class_name(state, summary, state.target_class)
            self.search.show_nothing(target, running, self._timer.cost())
        self._pages.setCurrentIndex(0 if any_slider else 1)


def _same_unedited(one: RenderResult, other: RenderResult) -> bool:
    """Return True if two results have the same unedited picture, which is all that the cards depend on."""
    return np.array_equal(one.styles, other.styles) and np.array_equal(one.before.logits, other.before.logits)


def _selection(state: ExplorerState) -> tuple[str, int]:
    return (state.classifier_id, state.target_class)


def _swatch(index: int) -> QIcon:
    """Return a disc in the colour of a class."""
    side = 12
    pixmap = QPixmap(2 * side, 2 * side)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.current().class_color(index))
    painter.drawEllipse(QRectF(1, 1, side - 2, side - 2))
    painter.end()
    return QIcon(pixmap)


class ExplainerNote(QFrame):
    """Note of the open explainer, shown as plain text until it is closed. Help > About shows it again."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self._explorer = explorer
        self.setProperty("role", "card")
        self.text = hint("")
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setTextInteractionFlags(SELECTABLE)
        self.text.setAccessibleName("Note of this explainer")
        self.close_button = icon_button("close", "Close this note; Help > About keeps it", self.dismiss)
        line = row(self, spacing=theme.GAP // 2)
        line.setContentsMargins(theme.GAP, theme.GAP, theme.GAP // 2, theme.GAP)
        line.addWidget(self.text, 1)
        line.addWidget(self.close_button, alignment=Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_model(self, summary: ExplainerSummary | None) -> None:
        note = summary.note if summary else ""
        self.text.setText(note)
        self.text.setAccessibleDescription(note)
        closed = self._explorer.settings.closed_notes
        self.setVisible(summary is not None and note != "" and note_key(summary) not in closed)

    def dismiss(self) -> None:
        """Hide the note for good; a different note of the same model will be shown."""
        self.hide()
        summary = self._explorer.summary
        if summary is not None:
            closed = self._explorer.settings.closed_notes
            self._explorer.change_settings(closed_notes=(*closed, note_key(summary))[-MAX_CLOSED_NOTES:])


def note_key(summary: ExplainerSummary) -> str:
    """Return the key by which the settings remember a closed note of a model."""
    return hashlib.sha256(f"{summary.model_hash} {summary.note}".encode()).hexdigest()[:16]
