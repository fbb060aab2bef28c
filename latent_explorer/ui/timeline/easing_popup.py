# SPDX-License-Identifier: MIT
"""How the picture moves from a keyframe to the next: three ready-made ways, or a curve of one's own. A small window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QWidget

from latent_explorer.explain.timeline.timeline import Curve, Easing
from latent_explorer.ui.style import theme
from latent_explorer.ui.timeline.easing_editor import EasingEditor, as_curve
from latent_explorer.ui.timeline.timeline_text import EASINGS
from latent_explorer.ui.widgets.basics import column, hint
from latent_explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from PySide6.QtGui import QCloseEvent, QKeyEvent

PRESETS = tuple(EASINGS)
NAMES = (*EASINGS.values(), "Custom")
CUSTOM = len(PRESETS)
DESCRIPTIONS = {
    "linear": "The same speed all the way.",
    "smooth": "Sets off and arrives gently.",
    "hold": "Stands still, then jumps at the next keyframe.",
}
CUSTOM_HINT = "Drag the two handles."


class EasingPopup(QFrame):
    """`chosen(easing)` at every change; `closed` when it closes. Return and Escape close it."""

    chosen = Signal(object)
    closed = Signal()

    def __init__(self, parent: QWidget, easing: Easing) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName("How the picture moves")
        self.setProperty("role", "popup")
        self._easing = easing
        self.kinds = SegmentedControl("How the picture moves", NAMES)
        self.kinds.chosen.connect(self._take)
        self.editor = EasingEditor()
        self.editor.changed.connect(self._set_custom_curve)
        self.says = hint("", wrap=False)
        layout = column(self, spacing=theme.UNIT, margin=theme.UNIT)
        layout.addWidget(self.kinds)
        layout.addWidget(self.editor, alignment=Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self.says)
        self._show()

    @property
    def easing(self) -> Easing:
        return self._easing

    def show_above(self, place: QPoint) -> None:
        """Centred over a point of the screen, wholly on it."""
        self.adjustSize()
        screen = QGuiApplication.screenAt(place) or QGuiApplication.primaryScreen()
        room = screen.availableGeometry()
        x = min(max(place.x() - self.width() // 2, room.left()), room.right() - self.width())
        y = max(place.y() - self.height() - theme.UNIT, room.top())
        self.move(x, y)
        self.show()
        self.kinds.setFocus()

    def _take(self, index: int) -> None:
        """Another way; the curve of one's own starts where the way before was."""
        self._set(as_curve(self._easing) if index == CUSTOM else PRESETS[index])

    def _set_custom_curve(self, curve: Curve) -> None:
        self._set(curve)

    def _set(self, easing: Easing) -> None:
        if easing != self._easing:
            self._easing = easing
            self.chosen.emit(easing)
        self._show()

    def _show(self) -> None:
        self.kinds.choose(CUSTOM if isinstance(self._easing, Curve) else PRESETS.index(self._easing))
        self.says.setText(CUSTOM_HINT if isinstance(self._easing, Curve) else DESCRIPTIONS[self._easing])
        self.editor.show_curve(as_curve(self._easing))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.close()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()
