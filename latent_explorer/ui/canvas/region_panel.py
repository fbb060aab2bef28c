# SPDX-License-Identifier: MIT
"""Panel beside the picture while a region is painted: the brush, whether the verdict turns, and what changes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QSlider, QWidget

from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import Message, RegionFound
from latent_explorer.explain.counterfactuals import region_text
from latent_explorer.ui.canvas.share_list import ShareKey, ShareList, ShareRow
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import SELECTABLE, column, hint, icon_button, plain, row, title
from latent_explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.counterfactuals.region import InRegion, RegionStudy
    from latent_explorer.explain.recipe import PictureRequest
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.ui.widgets.mask_painter import MaskPainter

WIDTH = 38 * theme.UNIT  # px
PAINT = "Paint where the picture may change; the right button erases."
BUSY = "Trying what turns this picture there …"
STEPS = 2  # of the slider, per px of the radius


class RegionPanel(QWidget):
    """What `RegionFound` says, and the settings of the brush."""

    closed = Signal()
    previewed = Signal(object)  # InRegion to be shown on the canvas, or None

    def __init__(self, explorer: Explorer, painter: MaskPainter) -> None:
        super().__init__()
        self._explorer = explorer
        self._painter = painter
        self._found: RegionFound | None = None
        self._results: list[InRegion] = []  # of the rows
        self.setAccessibleName("Painted region")
        self.setFixedWidth(WIDTH)
        self.radius = QSlider(Qt.Orientation.Horizontal)
        self.ways = SegmentedControl("What the brush does", ("Paint", "Erase"), tight=True)
        self.undo = icon_button("undo", "Take the last stroke back (Ctrl+Z in the picture)", painter.undo)
        self.clear = icon_button("delete", "Clear all that is painted", painter.clear)
        self.copy = icon_button("copy", "Copy what turns this picture there, in a sentence", self.copy_sentence)
        self.answer = plain("")
        self.controls = hint("")
        self.list = ShareList()
        self.key = ShareKey()
        self._area = self._build_list()
        self._build()
        painter.radius_changed.connect(self._show_radius)
        painter.mask_changed.connect(lambda _mask: self._offer_undo())
        self.list.pointed.connect(self._point)
        self.show_nothing()

    def _build(self) -> None:
        self.radius.setAccessibleName("Radius of the brush")
        self.radius.setToolTip("Radius of the brush (+ and \N{MINUS SIGN}, or the wheel, in the picture)")
        self.radius.valueChanged.connect(lambda value: self._painter.set_radius(value / STEPS))
        self.ways.chosen.connect(lambda place: self._painter.set_erasing(place == 1))
        for label in (self.answer, self.controls):
            label.setWordWrap(True)
            label.setTextInteractionFlags(SELECTABLE)
        self.answer.setAccessibleName("Whether the verdict turns")
        head = row()
        head.addWidget(title("Painted region"), 1)
        head.addWidget(icon_button("close", "Put the brush away (Esc)", self.closed.emit))
        brush = row()
        brush.addWidget(self.ways)
        brush.addWidget(self.radius, 1)
        brush.addWidget(self.undo)
        brush.addWidget(self.clear)
        said = row()
        said.addWidget(self.answer, 1)
        said.addWidget(self.copy, alignment=Qt.AlignmentFlag.AlignTop)
        layout = column(self, spacing=theme.GAP)
        layout.setContentsMargins(theme.GAP, theme.GAP, theme.MARGIN, 0)
        layout.addLayout(head)
        layout.addLayout(brush)
        layout.addLayout(said)
        layout.addWidget(self.controls)
        layout.addWidget(self._area, 100)
        layout.addWidget(self.key)
        layout.addStretch(1)

    def _build_list(self) -> QScrollArea:
        inside = QWidget()
        listed = column(inside, spacing=theme.GAP // 2)
        listed.addWidget(self.list)
        listed.addStretch(1)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        area.setMinimumHeight(4 * theme.UNIT)
        return area

    def _show_radius(self, radius: float) -> None:
        self.radius.blockSignals(True)
        self.radius.setRange(1, max(2, round(STEPS * max(self._painter.painted.shape) / 4)))
        self.radius.setValue(round(STEPS * radius))
        self.radius.blockSignals(False)

    def _offer_undo(self) -> None:
        self.undo.setEnabled(self._painter.can_undo)
        self.clear.setEnabled(not self._painter.is_empty)

    def show_nothing(self) -> None:
        """Show that nothing is painted."""
        self._found = None
        self._offer_undo()
        self._show(PAINT)

    def show_busy(self) -> None:
        """Show that an answer is awaited: the last one is of another picture or mask."""
        self._found = None
        self._show(BUSY)

    def _show(self, text: str) -> None:
        self.answer.setText(text)
        self.controls.setText("")
        for widget in (self.controls, self.copy, self._area, self.key):
            widget.hide()
        self._results = []
        self.list.show_rows((), 0.0, None, "", theme.current().color("accent"))

    def show_found(self, update: RegionFound) -> None:
        """Show an answer."""
        state, summary = self._explorer.state, self._explorer.summary
        classifier = classifier_of(state, summary) if state and summary else None
        if classifier is None:
            return
        self._found, found = update, update.found
        names, name_of = classifier.class_names, self._explorer.document.name_of
        self.answer.setText(_short(found, names, name_of))
        self.controls.setText(" ".join(region_text.evidence(found, names)))
        self.controls.setVisible(bool(self.controls.text()))
        self.copy.show()
        self._results = [*(each for each in found.sets[:1] if len(each.attributes) > 1), *found.ranked]
        random = region_text.random_share(found)
        rows = [self._row(each, found, names[found.target]) for each in self._results]
        color = theme.current().class_color(found.target)
        self.list.show_rows(rows, found.area, random, names[found.target], color)
        self.key.show_key(
            f"spread evenly {region_text.share(found.area)}",
            "" if random is None else f"random edits {region_text.share(random)}",
        )
        for widget in (self._area, self.key):
            widget.setVisible(bool(self._results))

    def _row(self, result: InRegion, found: RegionStudy, aim: str) -> ShareRow:
        count, name = len(result.attributes), region_text.names_text(result, self._explorer.document.name_of)
        shown = name if count == 1 else "Both together" if count == 2 else f"All {count} together"
        p, note = float(result.inside[found.target]), ""
        if result.turns:
            note = "turns it" + (f"; random edits {result.random[0]} of {result.random[1]}" if result.random else "")
        lines = (
            name,
            f"{region_text.share(result.share)} of what it changes lies inside ({region_text.even_text(found)})",
            f"{aim} {p:.2f} where only the region may change, {result.outside[found.target]:.2f} where all but it may,",
            f"{result.whole[found.target]:.2f} where all may",
            region_text.control_text(result),
        )
        return ShareRow(shown, result.share, p, result.turns, note, "\n".join(filter(None, lines)))

    def _point(self, place: int) -> None:
        self.previewed.emit(self._results[place] if 0 <= place < len(self._results) else None)

    @property
    def request(self) -> PictureRequest | None:
        """Picture that the answer is about; None while there is none."""
        return self._found.request if self._found else None

    @property
    def sentence(self) -> str:
        """What was found, in sentences; "" while nothing is known."""
        state, summary = self._explorer.state, self._explorer.summary
        classifier = classifier_of(state, summary) if state and summary else None
        if self._found is None or classifier is None:
            return ""
        return region_text.sentence(self._found.found, classifier.class_names, self._explorer.document.name_of)

    def copy_sentence(self) -> None:
        """Copy the sentence."""
        if said := self.sentence:
            QGuiApplication.clipboard().setText(said)
            self._explorer.updates.emit(Message(f"Copied: {said}"))


def _short(found: RegionStudy, class_names: Sequence[str], name_of: Callable[[Attribute], str]) -> str:
    """Return the answer to what is asked: does the verdict turn where only the region may change?"""
    outcome = region_text.outcome(found, class_names, name_of)
    where = f"where only {region_text.share(found.area)} of the picture may change"
    said = f"{'Yes' if found.sets else 'No'}, {where}: {outcome}."
    return said if found.ranked else f"{outcome[0].upper()}{outcome[1:]}."
