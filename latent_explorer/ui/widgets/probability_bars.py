# SPDX-License-Identifier: MIT
"""Bars with the probability of every class and a tick at that of the unedited picture, and the same in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.common.format import signed_text
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import SELECTABLE, ElidedLabel, column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QColor, QPaintEvent

ROW = 3 * theme.UNIT  # px
MAX_ROWS = 4
ADVICE = "Drag an attribute to change the picture."
NOT_ASKED = "A draft: the verdict follows with the whole picture, when the hand rests."


@dataclass(frozen=True)
class ClassProbabilities:
    """Probabilities of the edited and the unedited picture, (K,) each, and the names of the classes.

    They are NaN where the classifier was not asked, which is so for drafts.
    """

    names: tuple[str, ...]
    after: np.ndarray
    before: np.ndarray
    target: int
    before_caption: str = "was"  # caption of the probabilities before
    editable: bool = True  # the sliders can change the picture
    peeking: bool = False  # the picture before is on the canvas in place of the one after

    @property
    def shown(self) -> np.ndarray:
        """Probabilities of the picture on the canvas, (K,)."""
        return self.before if self.peeking else self.after

    @property
    def asked(self) -> bool:
        """True if the classifier was asked about the picture on the canvas."""
        return bool(np.isfinite(self.shown).all())

    @property
    def flipped(self) -> bool:
        """True if the most probable class changed."""
        return int(self.after.argmax()) != int(self.before.argmax())

    def rows(self) -> list[int]:
        """Return the classes to show: all if they fit, else the target and the most probable of either picture."""
        count = len(self.names)
        if count <= MAX_ROWS:
            return list(range(count))
        weight = np.nan_to_num(np.fmax(self.after, self.before))
        best = sorted(range(count), key=lambda i: (i != self.target, -weight[i]))
        return best[:MAX_ROWS]


def sentence(verdict: ClassProbabilities) -> str:
    """Return the bars in words, for screen readers and the clipboard."""
    if not verdict.asked:
        return NOT_ASKED
    new, old = int(verdict.shown.argmax()), int(verdict.before.argmax())
    edited = not verdict.peeking and not np.array_equal(verdict.after, verdict.before)
    parts = [
        f"{verdict.names[i]} {verdict.shown[i]:.2f}"
        + (f" ({verdict.before_caption} {verdict.before[i]:.2f})" if edited else "")
        for i in verdict.rows()
    ]
    if len(parts) < len(verdict.names):
        parts.append(f"{len(verdict.names) - len(parts)} more classes")
    text = ", ".join(parts)
    if verdict.peeking:
        return f"Before: {text}."
    if not edited:
        return f"The classifier says {verdict.names[new]}: {text}.{f' {ADVICE}' if verdict.editable else ''}"
    if verdict.flipped:
        return f"Flipped from {verdict.names[old]} to {verdict.names[new]}: {text}."
    return f"Still {verdict.names[new]}: {text}."


def paint_share(painter: QPainter, bar: QRectF, share: float, color: QColor, empty: QColor) -> None:
    """Paint a bar with round ends, its left `share` (0..1) in `color` and the rest in `empty`."""
    radius = bar.height() / 2
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(empty)
    painter.drawRoundedRect(bar, radius, radius)
    painter.save()
    painter.setClipRect(QRectF(bar.left(), bar.top(), bar.width() * share, bar.height()))
    painter.setBrush(color)
    painter.drawRoundedRect(bar, radius, radius)
    painter.restore()


class _Bars(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.verdict: ClassProbabilities | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        rows = len(self.verdict.rows()) if self.verdict else 2
        return QSize(400, rows * ROW)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        if self.verdict is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plain, strong = QFontMetricsF(theme.font()), QFontMetricsF(theme.font(semibold=True))
        widest = max(strong.horizontalAdvance(self.verdict.names[i]) for i in self.verdict.rows())
        names = min(widest + theme.MARGIN, self.width() * 0.3)
        number = plain.horizontalAdvance("0.00") + theme.MARGIN
        change = plain.horizontalAdvance("+0.00") + theme.MARGIN
        for line, index in enumerate(self.verdict.rows()):
            cell = QRectF(0, line * ROW, self.width(), ROW)
            self._paint_texts(painter, cell, index, names, change)
            bar = QRectF(names, cell.top() + 6, self.width() - names - number - change, ROW - 12)
            self._paint_bar(painter, bar, index)

    def _paint_texts(self, painter: QPainter, cell: QRectF, index: int, names: float, change: float) -> None:
        assert self.verdict is not None
        now, verdict = theme.current(), self.verdict
        winner = verdict.asked and index == int(verdict.shown.argmax())
        font = theme.font(semibold=winner)
        painter.setFont(font)
        painter.setPen(now.color("ink"))
        name = QFontMetricsF(font).elidedText(verdict.names[index], Qt.TextElideMode.ElideRight, names - theme.UNIT)
        painter.drawText(QRectF(cell.left(), cell.top(), names, ROW), theme.LEFT, name)
        if not verdict.asked:
            return
        value = cell.adjusted(0, 0, -change, 0)
        painter.drawText(value, theme.RIGHT, f"{verdict.shown[index]:.2f}")
        painter.setFont(theme.font())
        moved = float(verdict.shown[index] - verdict.before[index])
        text = signed_text(moved)
        painter.setPen(now.color("muted" if text == "0.00" else "ink"))
        painter.drawText(cell, theme.RIGHT, text)

    def _paint_bar(self, painter: QPainter, bar: QRectF, index: int) -> None:
        assert self.verdict is not None
        now = theme.current()
        share = float(self.verdict.shown[index]) if self.verdict.asked else 0.0
        paint_share(painter, bar, share, now.class_color(index), now.color("line", 0.75))
        if not np.isfinite(self.verdict.before[index]):
            return
        x = bar.left() + bar.width() * float(self.verdict.before[index])
        x = min(max(x, bar.left() + 1), bar.right() - 1)
        painter.setPen(QPen(now.color("paper"), 4))
        painter.drawLine(QPointF(x, bar.top()), QPointF(x, bar.bottom()))
        painter.setPen(QPen(now.color("ink"), 2))
        painter.drawLine(QPointF(x, bar.top() - 1), QPointF(x, bar.bottom() + 1))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.color("ink"))
        top = bar.top() - 1
        painter.drawPolygon(QPolygonF([QPointF(x - 3.5, top - 3), QPointF(x + 3.5, top - 3), QPointF(x, top + 1)]))


class ProbabilityBars(QWidget):
    """Bars with the same in words below them."""

    def __init__(self) -> None:
        super().__init__()
        self._bars = _Bars()
        self.text = ElidedLabel()  # a long sentence must not widen the window
        self.text.setProperty("role", "hint")
        self.text.setFont(theme.font(theme.SMALL))
        self.text.setTextInteractionFlags(SELECTABLE)
        self.text.setAccessibleName("What the classifier says")
        self._bars.setAccessibleName("Probability of every class")
        layout = column(self, spacing=theme.UNIT // 2)
        layout.addWidget(self._bars)
        layout.addWidget(self.text)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def verdict(self) -> ClassProbabilities | None:
        return self._bars.verdict

    def show_verdict(self, verdict: ClassProbabilities | None) -> None:
        """Show a verdict, or nothing if None."""
        what = "photo" if verdict and verdict.before_caption == "photo" else "unedited picture"
        self._bars.setToolTip(f"The mark on a bar is where the {what} stands.")
        rows = len(verdict.rows()) if verdict else 0
        old = len(self._bars.verdict.rows()) if self._bars.verdict else 0
        self._bars.verdict = verdict
        self.text.setText(sentence(verdict) if verdict else "")
        self.text.setToolTip(self.text.text())
        self._bars.setAccessibleDescription(self.text.text())
        if rows != old:
            self._bars.updateGeometry()
        self._bars.update()


def top_class_text(names: Sequence[str], probs: np.ndarray) -> str:
    """Return the most probable class and its probability: "diseased 0.91"."""
    best = int(probs.argmax())
    return f"{names[best]} {probs[best]:.2f}"
