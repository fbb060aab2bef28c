# SPDX-License-Identifier: MIT
"""What the three steps of the guided start have in common: a numbered title, rows of fields, and problems said in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import column, plain, row, title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.training.plan import TrainingPlan

LEAST = 26 * theme.UNIT  # px
LABEL = 8 * theme.UNIT  # px, of a field's name


class FormStep(QWidget):
    """One column of the form. `changed` when the person chose; `apply_to` puts the choices into a plan."""

    changed = Signal()

    def __init__(self, number: int, name: str) -> None:
        super().__init__()
        self.setMinimumWidth(LEAST)
        self.setAccessibleName(f"Step {number}: {name}")
        self.problems = MessageLines()
        self.layout_ = column(self, spacing=theme.GAP)
        head = row()
        digit = title(str(number))
        digit.setFixedWidth(2 * theme.UNIT)
        head.addWidget(digit)
        head.addWidget(title(name), 1)
        self.layout_.addLayout(head)

    def finish(self) -> None:
        """After the step's own rows: its problems, and room below."""
        self.layout_.addWidget(self.problems)
        self.layout_.addStretch(1)

    def apply_to(self, plan: TrainingPlan) -> TrainingPlan:
        """`plan` with this step's choices."""
        raise NotImplementedError

    def show_plan(self, plan: TrainingPlan) -> None:
        """Show a plan's choices. Emits nothing."""
        raise NotImplementedError


class FormGrid(QGridLayout):
    """Names at the left, fields at the right, all on one edge."""

    def __init__(self) -> None:
        super().__init__()
        self.setContentsMargins(0, 0, 0, 0)
        self.setHorizontalSpacing(theme.GAP)
        self.setVerticalSpacing(theme.GAP // 2)
        self.setColumnMinimumWidth(0, LABEL)
        self.setColumnStretch(1, 1)

    def add(self, name: str, *widgets: QWidget) -> QLabel:
        """A row; the first widget takes the room. The label names the first for the keyboard (Alt) and is returned."""
        label = plain(name)
        label.setBuddy(widgets[0])
        line = row(spacing=theme.GAP // 2)
        for place, widget in enumerate(widgets):
            line.addWidget(widget, int(place == 0))
        at = self.rowCount()
        self.addWidget(label, at, 0)
        self.addLayout(line, at, 1)
        return label


class MessageLines(QWidget):
    """Sentences with the sign of their severity in front; hidden while there are none."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = column(self, spacing=theme.GAP // 2)
        self._shown: list[tuple[str, str]] = []
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    @property
    def texts(self) -> list[str]:
        return [text for _severity, text in self._shown]

    def show_lines(self, lines: Sequence[tuple[str, str]]) -> None:
        """(severity, sentence) each; a severity is a key of `SEVERITY_ICONS`."""
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


SEVERITY_ICONS = {  # icon, colour, and the word that a screen reader says first
    "good": ("within", "accent", "Good"),
    "note": ("info", "muted", "Note"),
    "warning": ("warning", "warning", "Caution"),
    "error": ("error", "danger", "Problem"),
}


class SeverityLabel(QWidget):
    """An icon and a sentence that wraps."""

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
