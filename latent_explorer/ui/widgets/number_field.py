# SPDX-License-Identifier: MIT
"""Number field with two decimals, borderless until it is hovered or focused."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from latent_explorer.common.format import number_text
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.number_box import parse_number

OUTSIDE = "Outside the range observed in the data"


class NumberField(QLineEdit):
    """Right-aligned number field. Return or leaving the field commits, Escape cancels."""

    committed = Signal(float)
    cleared = Signal()  # committed while empty: reset to the default

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.value = 0.0
        self._marked = False
        self.setProperty("role", "quiet")
        self.setFont(theme.font())
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setFixedSize(58, theme.CONTROL)
        self.setMaxLength(12)
        self.editingFinished.connect(self.finish)
        theme.notifier.changed.connect(self._tint)
        self.set_value(0.0)

    def set_value(self, value: float, *, marked: bool = False) -> None:
        """Show `value`, behind a warning triangle if `marked`, without emitting signals."""
        self.value = value
        if marked != self._marked:
            self._marked = marked
            self.setToolTip(OUTSIDE if marked else "")
            self._tint()
        if not (self.hasFocus() and self.isModified()):
            self.setText(number_text(value))
            self.update()

    def finish(self) -> None:
        """Commit what was typed."""
        if not self.isModified():
            return
        typed = self.text().strip()
        value = parse_number(typed)
        self.setModified(False)
        self.setText(number_text(self.value))
        if not typed:
            self.cleared.emit()
        elif value is not None:
            self.committed.emit(value)
        if self.hasFocus():
            self.selectAll()

    def _tint(self) -> None:
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Text, theme.current().color("warning" if self._marked else "ink"))
        self.setPalette(palette)

    def event(self, event: QEvent) -> bool:
        # Escape cancels the typing, if any; otherwise it belongs to the window.
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
            and self.isModified()
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.isModified():
            self.setModified(False)
            self.setText(number_text(self.value))
            self.selectAll()
            event.accept()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.selectAll()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if not self.isModified() and not self.hasSelectedText():
            self.selectAll()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the panel scrolls

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._marked:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().color("warning"))
        x, y = 7.0, self.height() / 2
        corners = [QPointF(x - 4, y + 3.5), QPointF(x + 4, y + 3.5), QPointF(x, y - 3.5)]
        painter.drawPolygon(QPolygonF(corners))
