# SPDX-License-Identifier: MIT
"""Parts of forms: a grid of labelled fields, and messages with the icon of their severity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import column, plain, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QResizeEvent

LABEL = 8 * theme.UNIT  # px, of a field's name


class FormGrid(QGridLayout):
    """Grid with labels at the left and fields at the right."""

    def __init__(self) -> None:
        super().__init__()
        self.setContentsMargins(0, 0, 0, 0)
        self.setHorizontalSpacing(theme.GAP)
        self.setVerticalSpacing(theme.GAP // 2)
        self.setColumnMinimumWidth(0, LABEL)
        self.setColumnStretch(1, 1)

    def add(self, name: str, *widgets: QWidget) -> QLabel:
        """Add a row, in which the first widget stretches and is the buddy of the label. Return the label.

        The tooltip of that widget, which must be set by now, stands at the label, too.
        """
        label = plain(name)
        label.setBuddy(widgets[0])
        label.setToolTip(widgets[0].toolTip())
        line = row(spacing=theme.GAP // 2)
        for place, widget in enumerate(widgets):
            line.addWidget(widget, int(place == 0))
        at = self.rowCount()
        self.addWidget(label, at, 0)
        self.addLayout(line, at, 1)
        return label


class MessageLines(QWidget):
    """List of messages with the icon of their severity; hidden while empty."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = column(self, spacing=theme.GAP // 2)
        self._shown: list[tuple[str, str]] = []
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    @property
    def texts(self) -> list[str]:
        return [text for _severity, text in self._shown]

    def sizeHint(self) -> QSize:
        """Return the size at the present width: the height that long sentences need is also the largest."""
        hint = super().sizeHint()
        if self._lines.hasHeightForWidth() and self.width() > 0:
            hint.setHeight(max(hint.height(), self._lines.heightForWidth(self.width())))
        return hint

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def show_lines(self, lines: Sequence[tuple[str, str]]) -> None:
        """Show (severity, sentence) pairs; a severity is a key of `SEVERITY_ICONS`."""
        if list(lines) == self._shown:
            return
        self._shown = list(lines)
        while (old := self._lines.takeAt(0)) is not None:
            if (widget := old.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for severity, text in lines:
            self._lines.addWidget(SeverityLabel(severity, text))
        self.setVisible(bool(lines))


SEVERITY_ICONS = {  # icon, colour, and the first word for screen readers
    "good": ("within", "accent", "Good"),
    "note": ("info", "muted", "Note"),
    "warning": ("warning", "warning", "Caution"),
    "error": ("error", "danger", "Problem"),
}


class SeverityLabel(QWidget):
    """Icon and a sentence that wraps."""

    def __init__(self, severity: str, text: str) -> None:
        super().__init__()
        self._icon = QLabel()
        self._severity = severity
        self.label = plain(text)
        self.label.setWordWrap(True)
        self.label.setFont(theme.font(theme.SMALL))
        self.label.setAccessibleName(f"{SEVERITY_ICONS[severity][2]}: {text}")
        self.label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        line = row(self)
        stack = column()
        stack.addWidget(self._icon)
        stack.addStretch(1)
        line.addLayout(stack)
        line.addWidget(self.label, 1)
        theme.notifier.changed.connect(self._draw)
        self._draw()

    def _draw(self) -> None:
        name, color, _word = SEVERITY_ICONS[self._severity]
        side = theme.ICON - 2
        self._icon.setPixmap(icons.icon(name, color).pixmap(QSize(side, side)))
