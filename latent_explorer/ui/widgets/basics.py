# SPDX-License-Identifier: MIT
"""Basic widgets and layouts of every panel: labels, hairlines, buttons, combo box, empty state."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from latent_explorer.common.format import shortened
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.fitting import fit_to_screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QPaintEvent, QWheelEvent

SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
TIP_COLUMNS = 90  # letters of a line in a tooltip
LEAST_TEXT, MOST_TEXT = 30 * theme.UNIT, 80 * theme.UNIT  # width that the longest text asks for, px
Layout = TypeVar("Layout", bound=QBoxLayout)
COMBO_ICON_GAP = 4  # px that Qt leaves between icon and text of a combo box
OF_MODEL = "of_model"  # property of dialogs that show what belongs to the open model
Dialog = TypeVar("Dialog", bound=QDialog)


def column(owner: QWidget | None = None, *, spacing: int = theme.GAP, margin: int = 0) -> QVBoxLayout:
    """Return a vertical layout with the spacing of the theme."""
    return _spaced(QVBoxLayout(owner) if owner else QVBoxLayout(), spacing, margin)


def row(owner: QWidget | None = None, *, spacing: int = theme.GAP, margin: int = 0) -> QHBoxLayout:
    """Return a horizontal layout with the spacing of the theme."""
    return _spaced(QHBoxLayout(owner) if owner else QHBoxLayout(), spacing, margin)


def _spaced(layout: Layout, spacing: int, margin: int) -> Layout:
    layout.setSpacing(spacing)
    layout.setContentsMargins(margin, margin, margin, margin)
    return layout


def title(text: str) -> Label:
    """Return the title of a panel: sentence case, semibold, body size."""
    return _label(text, "title")


def plain(text: str) -> Label:
    """Return a label of body text."""
    return _label(text, "plain")


def hint(text: str, *, wrap: bool = True) -> Label:
    """Return a label of small, muted text."""
    label = _label(text, "hint")
    label.setFont(theme.font(theme.SMALL))
    label.setWordWrap(wrap)
    return label


def warning(text: str = "") -> Label:
    """Return a label of small warning text, hidden while empty."""
    label = _label(text, "warning")
    label.setFont(theme.font(theme.SMALL))
    label.setWordWrap(True)
    label.setVisible(bool(text))
    return label


def _label(text: str, role: str) -> Label:
    label = Label(text)
    label.setProperty("role", role)
    return label


def tip(*lines: str) -> str:
    """Return lines as a tooltip, without empty ones. Qt breaks a line at the width of the screen, if at all."""
    return "\n".join(fill(line, TIP_COLUMNS) for line in lines if line)


def action_text(text: str) -> str:
    """Return a foreign text for a menu or a button: short, and with "&" escaped, which would mark the next letter."""
    return shortened(text).replace("&", "&&")


class Label(QLabel):
    """Plain text that never makes a window wide: what does not fit is elided; `text()` stays the whole text."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.PlainText)  # names from files are not HTML

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), LEAST_TEXT), hint.height())

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        return QSize(min(hint.width(), MOST_TEXT), hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if super().minimumSizeHint().width() <= self.width():
            super().paintEvent(event)  # with its selection, where the text can be selected
            return
        box = self.contentsRect()
        parts = self.text().split(" ") if self.wordWrap() else [self.text()]
        elided = (self.fontMetrics().elidedText(part, Qt.TextElideMode.ElideRight, box.width()) for part in parts)
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        wrap = Qt.TextFlag.TextWordWrap if self.wordWrap() else Qt.TextFlag.TextSingleLine
        painter.drawText(box, self.alignment() | wrap, " ".join(elided))


class ElidedLabel(Label):
    """Label of one line that takes the width there is."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)


def hairline(*, vertical: bool = False) -> QFrame:
    """Return a line of one pixel between regions of the window."""
    line = QFrame()
    line.setProperty("role", "hairline")
    if vertical:
        line.setFixedWidth(1)
    else:
        line.setFixedHeight(1)
    return line


def button(text: str, on_click: Callable[[], object], *, role: str = "", icon: str = "") -> QPushButton:
    """Return a push button; `role` is "primary" (one per panel), "quiet" or empty."""
    made = QPushButton(text)
    if role:
        made.setProperty("role", role)
    if icon:
        made.setIconSize(QSize(theme.ICON, theme.ICON))
        icons.set_icon(made, icon, "on_accent" if role == "primary" else "ink")
    made.setAccessibleName(text)
    made.clicked.connect(lambda: on_click())
    return made


def icon_button(
    icon: str, name: str, on_click: Callable[[], object] | None = None, *, checkable: bool = False
) -> QToolButton:
    """Return a quiet square button; `name` is its tooltip and its accessible name."""
    made = QToolButton()
    made.setProperty("role", "quiet")
    made.setIconSize(QSize(theme.ICON, theme.ICON))
    made.setFixedSize(theme.CONTROL, theme.CONTROL)
    made.setCheckable(checkable)
    made.setToolTip(name)
    made.setAccessibleName(name)
    icons.set_icon(made, icon)
    if on_click is not None:
        made.clicked.connect(lambda: on_click())
    return made


class EmptyState(QWidget):
    """Content of an empty panel: an icon, one sentence, and at most one button."""

    def __init__(
        self, icon: str, sentence: str, button_text: str = "", on_click: Callable[[], object] | None = None
    ) -> None:
        super().__init__()
        picture = QLabel()
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._picture, self._icon = picture, icon
        self.sentence = hint(sentence)
        self.sentence.setFont(theme.font())
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sentence.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.sentence.setMaximumWidth(44 * theme.UNIT)
        layout = column(self, spacing=theme.MARGIN, margin=theme.MARGIN)
        layout.addStretch(1)
        layout.addWidget(picture)
        line = row()
        line.addWidget(self.sentence)
        layout.addLayout(line)
        self.button: QPushButton | None = None
        if button_text and on_click is not None:
            self.button = button(button_text, on_click, role="primary")
            layout.addWidget(self.button, alignment=Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        theme.notifier.changed.connect(self._draw)
        self._draw()

    def _draw(self) -> None:
        side = 5 * theme.UNIT
        self._picture.setPixmap(icons.icon(self._icon, "muted").pixmap(QSize(side, side)))


class Pages(QStackedWidget):
    """Stack that gives the focus of a page that it hides to the panel around it.

    Qt would pass it to the first field of the next page, which then takes the next key.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.currentChanged.connect(self._keep_focus)

    def _keep_focus(self) -> None:
        focused = QApplication.focusWidget()
        if focused is None or not self.isAncestorOf(focused):  # a page that was hidden had no focus before
            return
        holder: QWidget | None = self
        while holder is not None and holder.focusPolicy() == Qt.FocusPolicy.NoFocus:
            holder = holder.parentWidget()
        if holder is not None:
            holder.setFocus(Qt.FocusReason.OtherFocusReason)


class NoWheelComboBox(QComboBox):
    """Combo box that takes the wheel only while it has the focus; otherwise the panel around it scrolls.

    A text that does not fit is elided; Qt cuts it off.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumContentsLength(6)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def text_room(self) -> int:
        """Return the width that there is for the text, px."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        parts = (QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField)
        width = self.style().subControlRect(*parts, self).width()
        return width if option.currentIcon.isNull() else width - option.iconSize.width() - COMBO_ICON_GAP

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.isEditable() or self.fontMetrics().horizontalAdvance(self.currentText()) <= self.text_room():
            super().paintEvent(event)
            return
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideRight, self.text_room()
        )
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


def close_dialogs_of_model(window: QWidget) -> list[str]:
    """Close the dialogs that show what belongs to one model, which another one replaces. Return their titles."""
    closed = [dialog for dialog in window.findChildren(QDialog) if dialog.property(OF_MODEL) and dialog.isVisible()]
    for dialog in closed:
        dialog.reject()
    return [dialog.windowTitle() for dialog in closed]


def open_dialog(dialog: Dialog) -> Dialog:
    """Show a dialog over its parent without blocking; it is deleted when it closes."""
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
    fit_to_screen(dialog)
    return dialog


def show_beside(dialog: Dialog) -> Dialog:
    """Show a dialog that stays open beside its parent, which can be used meanwhile; it is deleted when it closes."""
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.show()
    fit_to_screen(dialog)
    return dialog
