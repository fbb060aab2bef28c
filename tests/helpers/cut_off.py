# SPDX-License-Identifier: MIT
"""Find words in a window that are cut off: on labels, buttons, lists and number fields that have too little room."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QToolButton,
    QWidget,
)

from latent_explorer.ui.attributes.verdict_view import ElidedButton
from latent_explorer.ui.widgets.basics import ElidedLabel, Label, NoWheelComboBox

SPARE = 4  # px of padding that a button can do without


def cut_off(window: QWidget) -> list[str]:
    """Return what a person cannot read: "QPushButton 'Resume': 61 of 68 px".

    Texts that are elided where they do not fit and whole in their tooltip, and what can be scrolled to, are left out.
    """
    told = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or widget.window() is not window:
            continue
        found = _too_small(widget)
        if not found and _text(widget) and not _is_whole(widget, window):
            found = "outside of what is seen"
        if found:
            told.append(f"{type(widget).__name__} {_text(widget)[:50]!r}: {found}")
    return told


def _text(widget: QWidget) -> str:
    if isinstance(widget, QComboBox):
        return widget.currentText()
    if isinstance(widget, QLabel | QAbstractButton | QLineEdit):
        return widget.text()
    return ""


def _too_small(widget: QWidget) -> str:
    if isinstance(widget, ElidedLabel | ElidedButton | NoWheelComboBox) or not _text(widget):
        return ""
    if isinstance(widget, Label) and not widget.wordWrap() and widget.toolTip():
        return ""  # elided, and whole in the tooltip
    if isinstance(widget, QLabel):
        return _label_too_small(widget)
    needed, room = 0, widget.width()
    if widget.property("tight"):
        needed = widget.fontMetrics().horizontalAdvance(widget.text())  # with less padding than it asks for
    elif isinstance(widget, QToolButton) and widget.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly:
        needed = 0 if not widget.icon().isNull() else widget.sizeHint().width()
    elif isinstance(widget, QAbstractButton):
        needed = widget.sizeHint().width() - SPARE
    elif isinstance(widget, QComboBox):
        needed, room = widget.fontMetrics().horizontalAdvance(widget.currentText()), widget.width() - 32
    elif isinstance(widget, QLineEdit) and isinstance(widget.parentWidget(), QAbstractSpinBox):
        needed = widget.fontMetrics().horizontalAdvance(widget.text())
    return f"{room} of {needed} px" if needed > room else ""


def _label_too_small(label: QLabel) -> str:
    box = label.contentsRect()
    if label.wordWrap():
        needed = label.heightForWidth(label.width())
        widest = max(label.fontMetrics().horizontalAdvance(word) for word in label.text().split() or [""])
        if widest > box.width():
            return f"a word has {box.width()} of {widest} px"
        return f"{label.height()} of {needed} px high" if needed > label.height() + 1 else ""
    needed = max(label.fontMetrics().horizontalAdvance(line) for line in label.text().splitlines() or [""])
    return f"{box.width()} of {needed} px" if needed > box.width() + 1 else ""


def _is_whole(widget: QWidget, window: QWidget) -> bool:
    """Return True if no ancestor cuts a part off, up to one that scrolls."""
    shown = QRect(widget.rect())
    while widget is not window:
        parent = widget.parentWidget()
        shown.translate(widget.pos())
        if isinstance(parent.parentWidget(), QAbstractScrollArea) and parent.parentWidget().viewport() is parent:
            return parent.parentWidget().horizontalScrollBar().maximum() > 0 or (
                shown.left() >= 0 and shown.right() < parent.width()
            )
        if not parent.rect().contains(shown):
            return False
        widget = parent
    return True
