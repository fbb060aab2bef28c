# SPDX-License-Identifier: MIT
"""Verdicts of two classifiers on the picture on the canvas, and how the present edit changes each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.common.format import shortened
from latent_explorer.ui.style import theme

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from latent_explorer.app.overview.two_classifiers import BothVerdicts
    from latent_explorer.models.summary import ClassifierSummary

ROW = 3 * theme.UNIT  # px
NAME, WORDS = 22 * theme.UNIT, 42 * theme.UNIT  # px
BAR = 10  # px high
WAITING = "No picture yet."


class VerdictRows(QWidget):
    """A row for each classifier: its name, a bar of the class's probability with a tick at the unedited one, words."""

    def __init__(self) -> None:
        super().__init__()
        self._classifiers: tuple[ClassifierSummary | None, ClassifierSummary | None] = (None, None)
        self._found: BothVerdicts | None = None
        self._target = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(2 * ROW)
        self.setAccessibleName("Both verdicts on the picture in the main window")

    def sizeHint(self) -> QSize:
        return QSize(100 * theme.UNIT, 2 * ROW)

    def show_classifiers(self, first: ClassifierSummary | None, second: ClassifierSummary | None, target: str) -> None:
        """Show whose verdicts follow, and the class that the bars are of."""
        if (first, second) != self._classifiers:
            self._found = None
        self._classifiers, self._target = (first, second), target
        self._changed()

    def show_verdicts(self, found: BothVerdicts) -> None:
        """Show both verdicts on one picture."""
        self._found = found
        self._changed()

    def words(self, which: int) -> str:
        """Return a row in words."""
        classifier = self._classifiers[which]
        if classifier is None or self._found is None:
            return WAITING
        result, names = self._found.results[which], classifier.class_names
        before, after = (names[each.verdict] for each in (result.before, result.after))
        says = f"says {shortened(after, 24)}" + ("" if before == after else f", was {shortened(before, 24)}")
        probabilities = self._probabilities(which)
        if probabilities is None:
            return says
        was, now = probabilities
        return f"P({shortened(self._target, 20)}) {was:.2f} \N{RIGHTWARDS ARROW} {now:.2f}; {says}"

    def _probabilities(self, which: int) -> tuple[float, float] | None:
        """Return the class's probability without and with the edit; None if the classifier has no such class."""
        classifier = self._classifiers[which]
        if classifier is None or self._found is None or self._target not in classifier.class_names:
            return None
        k, result = classifier.class_names.index(self._target), self._found.results[which]
        return float(result.before.probs[k]), float(result.after.probs[k])

    def _changed(self) -> None:
        rows = zip("AB", self._classifiers, strict=True)
        spoken = [f"{letter}, {c.name}: {self.words(k)}" for k, (letter, c) in enumerate(rows) if c is not None]
        self.setAccessibleDescription(". ".join(spoken))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        now = theme.current()
        painter.setFont(theme.font())
        metrics = painter.fontMetrics()
        for which, classifier in enumerate(self._classifiers):
            if classifier is None:
                continue
            line = QRectF(0, which * ROW, self.width(), ROW)
            painter.setPen(now.color("muted"))
            painter.drawText(QRectF(line.left(), line.top(), 16, ROW), theme.LEFT, "AB"[which])
            painter.setPen(now.color("ink"))
            name = metrics.elidedText(classifier.name, Qt.TextElideMode.ElideRight, NAME - 24)
            painter.drawText(QRectF(line.left() + 16, line.top(), NAME - 16, ROW), theme.LEFT, name)
            words = QRectF(line.right() - WORDS, line.top(), WORDS, ROW)
            text = metrics.elidedText(self.words(which), Qt.TextElideMode.ElideRight, WORDS)
            painter.drawText(words, theme.LEFT, text)
            room = QRectF(line.left() + NAME, line.center().y() - BAR / 2, words.left() - NAME - theme.GAP, BAR)
            self._paint_bar(painter, room, which)

    def _paint_bar(self, painter: QPainter, room: QRectF, which: int) -> None:
        now, probabilities = theme.current(), self._probabilities(which)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.color("sunken"))
        painter.drawRoundedRect(room, BAR / 2, BAR / 2)
        if probabilities is None:
            return
        was, is_now = probabilities
        painter.setBrush(now.color("accent" if which == 0 else "muted"))
        painter.drawRoundedRect(QRectF(room.left(), room.top(), max(BAR, is_now * room.width()), BAR), BAR / 2, BAR / 2)
        x = room.left() + was * room.width()
        painter.setPen(QPen(now.color("ink"), 2))
        painter.drawLine(QPointF(x, room.top() - 3), QPointF(x, room.bottom() + 3))
