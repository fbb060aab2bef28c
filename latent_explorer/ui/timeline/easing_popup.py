# SPDX-License-Identifier: MIT
"""The popup that sets the easing of a segment: three presets, or a custom curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from latent_explorer.explain.timeline.timeline import Curve, Easing
from latent_explorer.ui.style import theme
from latent_explorer.ui.timeline.painting import curve_path
from latent_explorer.ui.timeline.timeline_text import EASINGS
from latent_explorer.ui.widgets.basics import column, hint
from latent_explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from PySide6.QtGui import QCloseEvent, QFocusEvent

SIDE = 19 * theme.UNIT  # px
EDGE = 12.0  # px around the square, to show whole handles in its corners
RADIUS = 6.0
STEP = 0.02  # per arrow key
# The custom curve that each preset starts as; "smooth" is exactly this cubic.
STARTS = {
    "linear": Curve(1 / 3, 1 / 3, 2 / 3, 2 / 3),
    "smooth": Curve(1 / 3, 0.0, 2 / 3, 1.0),
    "hold": Curve(1.0, 0.0, 1.0, 0.0),
}
PRESETS = tuple(EASINGS)
NAMES = (*EASINGS.values(), "Custom")
CUSTOM = len(PRESETS)
DESCRIPTIONS = {
    "linear": "The same speed throughout.",
    "smooth": "Starts and ends slowly.",
    "hold": "Stays still, then jumps at the next keyframe.",
}
CUSTOM_HINT = "Drag the two handles."


def as_curve(easing: Easing) -> Curve:
    """Return the easing as a curve with handles."""
    return easing if isinstance(easing, Curve) else STARTS[easing]


class EasingEditor(QWidget):
    """Editor of a curve by two handles, with mouse or keys. `changed(Curve)` is emitted while a handle moves."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.curve = STARTS["smooth"]
        self._taken: int | None = None  # handle under the mouse
        self._current = 0  # handle that the keys move
        self.setAccessibleName("Curve of the movement")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedSize(SIDE, SIDE)
        self.setToolTip("Drag a handle, or move it with the arrow keys; Space selects the other one")
        self.show_curve(self.curve)

    def show_curve(self, curve: Curve) -> None:
        """Show a curve. Emits nothing."""
        self.curve = curve
        self.setAccessibleDescription(
            f"First handle at {curve.x1:.2f}, {curve.y1:.2f}; second at {curve.x2:.2f}, {curve.y2:.2f}"
        )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def handle_at(self, index: int) -> QPointF:
        """Return the position of handle 0 or 1, in px."""
        c, box = self.curve, self._box()
        x, y = ((c.x1, c.y1), (c.x2, c.y2))[index]
        return QPointF(box.left() + x * box.width(), box.bottom() - y * box.height())

    def _box(self) -> QRectF:
        return QRectF(self.rect()).adjusted(EDGE, EDGE, -EDGE, -EDGE)

    def _put(self, index: int, x: float, y: float) -> None:
        x, y = (round(min(max(v, 0.0), 1.0), 3) for v in (x, y))
        c = self.curve
        curve = Curve(x, y, c.x2, c.y2) if index == 0 else Curve(c.x1, c.y1, x, y)
        if curve != c:
            self.show_curve(curve)
            self.changed.emit(curve)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        away = [(self.handle_at(i) - at).manhattanLength() for i in (0, 1)]
        self._taken = self._current = away.index(min(away))
        self.mouseMoveEvent(event)
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._taken is not None:
            box, at = self._box(), event.position()
            x, y = (at.x() - box.left()) / box.width(), (box.bottom() - at.y()) / box.height()
            self._put(self._taken, x, y)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._taken = None
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (-STEP, 0.0),
            Qt.Key.Key_Right: (STEP, 0.0),
            Qt.Key.Key_Up: (0.0, STEP),
            Qt.Key.Key_Down: (0.0, -STEP),
        }
        step = steps.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Space:
            self._current = 1 - self._current
            self.update()
        elif step is not None:
            c = self.curve
            x, y = ((c.x1, c.y1), (c.x2, c.y2))[self._current]
            self._put(self._current, x + step[0], y + step[1])
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        now, box = theme.current(), self._box()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(now.color("line"), 1))
        painter.setBrush(now.color("sunken"))
        painter.drawRect(box)
        painter.setPen(QPen(now.color("line"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(box.bottomLeft(), box.topRight())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(now.color("ink"), 2))
        painter.drawPath(curve_path(self.curve, box))
        for index, corner in ((0, box.bottomLeft()), (1, box.topRight())):
            at, held = self.handle_at(index), self.hasFocus() and self._current == index
            painter.setPen(QPen(now.color("accent"), 1.2))
            painter.drawLine(corner, at)
            painter.setBrush(now.color("accent" if held or self._taken == index else "surface"))
            painter.drawEllipse(at, RADIUS, RADIUS)
            painter.setBrush(Qt.BrushStyle.NoBrush)


class EasingPopup(QFrame):
    """Popup of a segment. `chosen(easing)` is emitted at every change, `closed` when it closes."""

    chosen = Signal(object)
    closed = Signal()

    def __init__(self, parent: QWidget, easing: Easing) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName("How the picture moves")
        self.setProperty("role", "popup")
        self.easing = easing
        self.kinds = SegmentedControl("How the picture moves", NAMES)
        self.kinds.chosen.connect(self._take)
        self.editor = EasingEditor()
        self.editor.changed.connect(self._set)
        self.description = hint("", wrap=False)
        layout = column(self, spacing=theme.UNIT, margin=theme.UNIT)
        layout.addWidget(self.kinds)
        layout.addWidget(self.editor, alignment=Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self.description)
        self._show()

    def show_above(self, place: QPoint) -> None:
        """Show it centred above a point of the screen, moved to fit on it."""
        self.adjustSize()
        screen = QGuiApplication.screenAt(place) or QGuiApplication.primaryScreen()
        room = screen.availableGeometry()
        x = min(max(place.x() - self.width() // 2, room.left()), room.right() - self.width())
        y = max(place.y() - self.height() - theme.UNIT, room.top())
        self.move(x, y)
        self.show()
        self.kinds.setFocus()

    def _take(self, index: int) -> None:
        """Choose a preset or the custom curve, which starts at the previous easing."""
        self._set(as_curve(self.easing) if index == CUSTOM else PRESETS[index])

    def _set(self, easing: Easing) -> None:
        if easing != self.easing:
            self.easing = easing
            self.chosen.emit(easing)
        self._show()

    def _show(self) -> None:
        self.kinds.choose(CUSTOM if isinstance(self.easing, Curve) else PRESETS.index(self.easing))
        self.description.setText(CUSTOM_HINT if isinstance(self.easing, Curve) else DESCRIPTIONS[self.easing])
        self.editor.show_curve(as_curve(self.easing))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.close()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()
