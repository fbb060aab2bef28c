# SPDX-License-Identifier: MIT
"""Page "Pictures" of the overview: many samples with one attribute at both ends, beside the unedited ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QWidget

from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.state import attribute_amount
from latent_explorer.app.exploration.updates import StateChanged
from latent_explorer.app.overview.pictures import PictureStrip
from latent_explorer.common.format import shortened
from latent_explorer.ui.overview.class_legend import ClassLegend
from latent_explorer.ui.overview.page import NO_ATTRIBUTES, NO_MODEL, NO_PICTURES, OverviewPage
from latent_explorer.ui.overview.picture_table import DIFFERENCES, PLAIN, PictureTable, StripTexts
from latent_explorer.ui.overview.source_box import SourceBox
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import ElidedLabel, NoWheelComboBox, column, hint, row, title
from latent_explorer.ui.widgets.slider import ValueSlider

if TYPE_CHECKING:
    from PySide6.QtWidgets import QVBoxLayout

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.models.attributes import Attribute

COUNTS = (8, 16, 32)  # rows to choose from
AMOUNT_HELP = "How far the attribute goes towards either end of the range that the data shows; 1 is the end itself."
FOLLOW_HELP = "Show the attribute whose slider was moved last in the main window"


class PicturesPage(OverviewPage):
    """Page with two tables, one for the pictures called the target class and one for the others."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__(explorer)
        self._attributes: list[Attribute] = []
        self.strip = PictureStrip(explorer, self._show_rows, self._show_row)
        self.attribute = NoWheelComboBox("Attribute")
        self.follow = QCheckBox("Follow the sliders")
        self.source = SourceBox()
        self.count = NoWheelComboBox("Number of pictures")
        self.amount = ValueSlider("Amount", 0.0, 2.0, default=1.0, inside=(0.0, 1.0), tooltip=AMOUNT_HELP)
        self.differences = QCheckBox("What changes")
        self.line = ElidedLabel()
        self.classes = ClassLegend()
        self.tables = (_Half("Pictures of other classes"), _Half("Pictures of the class"))
        self._build()
        self._connect()

    def _build(self) -> None:
        for count in COUNTS:
            self.count.addItem(f"{count} pictures", count)
        self.setFocusProxy(self.tables[0].table)
        self.follow.setChecked(True)
        self.follow.setToolTip(FOLLOW_HELP)
        self.differences.setToolTip("Show of each end what it changes, doubled; grey is unchanged")
        self.line.setProperty("role", "hint")
        self.line.setFont(theme.font(theme.SMALL))
        layout = column(self.content, spacing=theme.GAP)
        layout.addLayout(self._controls())
        tables = row(spacing=theme.MARGIN)
        for half in self.tables:
            tables.addWidget(half, 1)
        layout.addLayout(tables, 1)
        foot = row(spacing=theme.GAP)
        foot.addWidget(self.line, 1)
        foot.addWidget(self.classes)
        layout.addLayout(foot)

    def _controls(self) -> QVBoxLayout:
        self.attribute.setMinimumContentsLength(20)
        self.count.setMinimumContentsLength(10)
        self.amount.setMinimumWidth(22 * theme.UNIT)
        what = row(spacing=theme.GAP)
        what.addWidget(self.attribute, 1)
        what.addWidget(self.follow)
        what.addSpacing(theme.GAP)
        what.addWidget(hint("Amount", wrap=False))
        what.addWidget(self.amount, 1)
        of = row(spacing=theme.GAP)
        of.addWidget(self.source)
        of.addWidget(self.count)
        of.addStretch(1)
        of.addWidget(self.differences)
        lines = column(spacing=theme.GAP)
        lines.addLayout(what)
        lines.addLayout(of)
        return lines

    def _connect(self) -> None:
        for box in (self.attribute, self.source, self.count):
            box.activated.connect(lambda _index: self._ask())
        self.amount.amount_changed.connect(lambda _amount: self._ask())
        self.differences.toggled.connect(self._show_columns)
        self.explorer.updates.on(StateChanged, self._follow)
        for half in self.tables:
            half.table.opened.connect(self._open)
            half.table.described.connect(self.line.setText)

    def refresh(self) -> None:
        summary, state = self.explorer.summary, self.explorer.state
        if summary is None or state is None:
            self.show_empty(NO_MODEL)
            return
        chosen = self.attribute.currentData()
        self._attributes = self.explorer.attributes()
        self.attribute.clear()
        for each in self._attributes:
            self.attribute.addItem(shortened(each.name), attribute_key(each))
        self.attribute.setCurrentIndex(max(0, self.attribute.findData(chosen)))
        self.source.show_model(summary)
        self.show_empty("" if self._attributes else NO_ATTRIBUTES)
        if self._attributes:
            self._ask()
        else:
            self.strip.stop()

    def rest(self) -> None:
        self.strip.stop()

    def _ask(self) -> None:
        if 0 <= self.attribute.currentIndex() < len(self._attributes):
            attribute = self._attributes[self.attribute.currentIndex()]
            self.strip.show(attribute, self.amount.amount, self.source.source, self.count.currentData())

    def _follow(self, update: StateChanged) -> None:
        """Choose the attribute whose slider was moved, if it is the same picture."""
        old, new = update.old, update.new
        if not self.follow.isChecked() or not self.isVisible() or old.base != new.base:
            return
        moved = [a for a in self._attributes if attribute_amount(old, a) != attribute_amount(new, a)]
        if len(moved) == 1:
            self.attribute.setCurrentIndex(self.attribute.findData(attribute_key(moved[0])))
            self._ask()

    def _open(self, place: int, sign: int) -> None:
        if intent := self.strip.intent(place, sign):
            self.explorer.apply(intent)

    def _show_rows(self) -> None:
        summary, state = self.explorer.summary, self.explorer.state
        if summary is None or state is None:
            return
        classifier = classifier_of(state, summary)
        names = classifier.class_names if classifier else ()
        chosen = self.attribute.currentText(), self.amount.amount, state.target_class
        texts = StripTexts(*chosen, names, lambda strip_row: self.name_of(strip_row.base))
        self.classes.show_classes(names)
        target = shortened(names[state.target_class], 30) if names else ""
        for half, called in zip(self.tables, (False, True), strict=True):
            places = [i for i, each in enumerate(self.strip.rows) if each.called == called]
            half.table.pictures.show(self.strip.rows, places, texts)
            heading = f"Called {target}" if called else f"Not called {target}"
            none = "" if places or self.strip.classifying else ": none"
            half.heading.setText(heading + none if names else "Pictures")
            half.setVisible(bool(names) or not called)
        self._show_progress()

    def _show_row(self, place: int) -> None:
        for half in self.tables:
            half.table.pictures.update_row(place)
        self._show_progress()

    def _show_progress(self) -> None:
        rows = self.strip.rows
        if self.strip.classifying:
            self.line.setText("Classifying pictures to choose from...")
        elif not rows:
            self.line.setText(NO_PICTURES)
        elif self.strip.left:
            total = 2 * len(rows)
            self.line.setText(f"Rendered {total - self.strip.left} of {total} pictures")
        else:
            self.line.setText("Click a picture, or press Enter on it, to show it in the main window")

    def _show_columns(self, on: bool) -> None:
        for half in self.tables:
            half.table.pictures.set_columns(DIFFERENCES if on else PLAIN)


class _Half(QWidget):
    """Table under its heading."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.heading = title(name)
        self.table = PictureTable(name)
        layout = column(self, spacing=theme.GAP // 2)
        layout.addWidget(self.heading)
        layout.addWidget(self.table, 1)
