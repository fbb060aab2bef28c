# SPDX-License-Identifier: MIT
"""Line that says which mark stands for which class."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.common.format import shortened
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.class_mark import paint_class_mark

MOST = 4  # classes that are named; with more the words of a picture must do
MARK, APART = 14, 2 * theme.UNIT  # px: from a mark to its name, between classes


class ClassLegend(QWidget):
    """Marks of the verdicts with the names of the classes; empty where there are too many."""

    def __init__(self) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self.setFont(theme.font(theme.SMALL))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_classes(self, names: tuple[str, ...]) -> None:
        self._names = tuple(shortened(name, 24) for name in names) if len(names) <= MOST else ()
        self.setAccessibleName(f"Marks of the verdicts: {', '.join(self._names)}" if self._names else "")
        self.setVisible(bool(self._names))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        width = sum(MARK + metrics.horizontalAdvance(name) + APART for name in self._names)
        return QSize(width, metrics.height() + 2)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x, middle = 0.0, self.height() / 2
        for index, name in enumerate(self._names):
            paint_class_mark(painter, QPointF(x + 5, middle), index, outline="paper")
            width = painter.fontMetrics().horizontalAdvance(name)
            painter.setPen(theme.current().color("muted"))
            painter.drawText(QRectF(x + MARK, 0, width + 2, self.height()), theme.LEFT, name)
            x += MARK + width + APART
