# SPDX-License-Identifier: MIT
"""Label that is edited in place: click or F2 to edit, Return to keep, Escape to cancel."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from latent_explorer.ui.style import theme


class _Editor(QLineEdit):
    """Field shown while editing. It accepts Escape before the window's shortcut does."""

    done = Signal(bool)  # whether to keep the text

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.done.emit(False)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.done.emit(True)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:  # its own context menu
            self.done.emit(True)


class EditableLabel(QWidget):
    """Elided, editable text; `renamed` carries the new text, "" if it was cleared."""

    renamed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = ""
        self.setFont(theme.font())
        self.setFixedHeight(20)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(48)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.editor = _Editor(self)
        self.editor.setAccessibleName("New name")
        self.editor.setStyleSheet("min-height: 18px; padding: 0 2px; border-radius: 3px;")
        self.editor.setFont(self.font())
        self.editor.setMaxLength(80)
        self.editor.hide()
        self.editor.done.connect(self._finish)

    @property
    def editing(self) -> bool:
        return self.editor.isVisible()

    def set_text(self, text: str) -> None:
        """Show a name without emitting signals; a name that is being typed stays."""
        if text == self.text:
            return
        self.text = text
        self.setAccessibleName(f"Name: {text}")
        self._update_tool_tip()
        self.update()

    def _update_tool_tip(self) -> None:
        fits = self.fontMetrics().horizontalAdvance(self.text) <= self.width() - 4
        self.setToolTip("" if fits else self.text)

    def edit(self) -> None:
        self.editor.setText(self.text)
        self.editor.setAccessibleName(f"New name for {self.text}")
        self.editor.setGeometry(self.rect())
        self.editor.show()
        self.editor.setFocus(Qt.FocusReason.OtherFocusReason)
        self.editor.selectAll()

    def _finish(self, keep: bool) -> None:
        if not self.editor.isVisible():
            return
        typed = " ".join(self.editor.text().split())
        self.editor.hide()
        self.update()
        if keep and typed != self.text:
            self.renamed.emit(typed)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text) + 12, 20)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.edit()
        else:
            event.ignore()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._update_tool_tip()
        self.editor.setGeometry(self.rect())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        if self.editor.isVisible():
            return
        painter = QPainter(self)
        painter.setPen(theme.current().color("ink"))
        box = self.rect().adjusted(0, 0, -4, 0)
        metrics = self.fontMetrics()
        text = metrics.elidedText(self.text, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, theme.LEFT, text)
        if self.underMouse():  # a dotted line shows that it can be edited
            baseline = box.center().y() + metrics.ascent() // 2 + 2
            painter.setPen(theme.current().color("ink", 0.45))
            width = min(metrics.horizontalAdvance(text), box.width())
            for x in range(box.left(), box.left() + width, 3):
                painter.drawPoint(x, baseline)
