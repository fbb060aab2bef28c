# SPDX-License-Identifier: MIT
"""How mouse, wheel and keys speak of the timeline. What it looks like stands in `face`.

It changes nothing by itself: what a person asks for leaves as signals, and the panel says what became of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent

from latent_explorer.explain.timeline.timeline import frame_at
from latent_explorer.ui.timeline import lanes, timeline_text
from latent_explorer.ui.timeline import shortcuts as keys
from latent_explorer.ui.timeline.gesture import Hit, KeyframeDrag
from latent_explorer.ui.timeline.view_base import TimelineViewBase

if TYPE_CHECKING:
    from PySide6.QtGui import QContextMenuEvent

ZOOM = 1.25  # a step


class TimelineView(TimelineViewBase):
    """The timeline under the mouse."""

    seek_requested = Signal(float)  # s
    moved = Signal(object, bool)  # {keyframe: s}, and whether copies are asked for
    easing_requested = Signal(int, QPoint)  # of the segment after this keyframe; where it stands
    opened = Signal(int)  # a double click: the keyframe's state
    menu_requested = Signal(object, QPoint)  # keyframe or None
    asked = Signal(str)  # one of the commands of `keys`

    # mouse ------------------------------------------------------------------------------------

    def hit(self, at: QPoint) -> Hit:
        """What stands under a point."""
        room, times = self.lanes, self.times
        if room.ruler.contains(at) or (room.trace.contains(at) and times):
            return Hit("time")
        if not room.track.contains(at):
            return Hit("none")
        index = lanes.nearest(times, at.x(), self._scale, room.picture / 2)
        if index is not None:
            return Hit("keyframe", index)
        for index, start, end in self.segments():
            box = room.segment_between(self._scale.x(start), self._scale.x(end))
            if box is not None and box.contains(at):
                return Hit("segment", index)
        return Hit("none")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        hit = self.hit(event.position().toPoint())
        self._drag = KeyframeDrag(hit, event.position().x())
        if hit.kind == "time":
            self._scrub(event.position().x())
        elif hit.kind == "keyframe" and hit.index not in self._selected:
            self.select_by_click(hit.index, event.modifiers())
            self._drag.chosen = True
        elif hit.kind == "none":
            self._select(frozenset())
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x, drag = event.position().x(), self._drag
        if drag is None:
            self._hover(self.hit(event.position().toPoint()))
        elif drag.hit.kind == "time":
            self._scrub(x)
        elif drag.try_start(x) and drag.hit.kind == "keyframe" and self._timeline is not None:
            drag.move(x, event.modifiers(), self._scale, self._timeline, self.selected)
            self._changed()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag = self._drag, None
        if drag is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if drag.hit.kind == "segment" and not drag.started:
            self._ask_easing(drag.hit.index)
        elif drag.hit.kind == "keyframe":
            self._drop(drag, event.modifiers())
        self._changed()

    def _drop(self, drag: KeyframeDrag, modifiers: Qt.KeyboardModifier) -> None:
        if drag.moves:
            self.moved.emit(dict(drag.moves), drag.copy)
            return
        if drag.started:
            return  # taken up and put back
        if not drag.chosen:
            self.select_by_click(drag.hit.index, modifiers)
        self.seek_requested.emit(self.times[drag.hit.index])

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        hit = self.hit(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and hit.kind == "keyframe":
            self.opened.emit(hit.index)
        else:
            self.mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        hit = self.hit(event.pos())
        index = hit.index if hit.kind == "keyframe" else None
        if index is not None and index not in self.selected:
            self.select([index])
        self.menu_requested.emit(index, event.globalPos())

    def _scrub(self, x: float) -> None:
        if self._timeline is not None and self.times:
            self.seek_requested.emit(frame_at(self._timeline, self._scale.seconds(x)))

    def _ask_easing(self, index: int) -> None:
        _index, start, end = self.segments()[index]
        middle = (self._scale.x(start) + self._scale.x(end)) / 2
        x = min(max(middle, 0.0), self.lanes.track.right())
        place = QPoint(round(x), 0)
        self.easing_requested.emit(index, self.mapToGlobal(place))

    def _hover(self, hit: Hit) -> None:
        if hit == self._hit:
            return
        self._hit = hit
        shapes = {
            "keyframe": Qt.CursorShape.OpenHandCursor,
            "segment": Qt.CursorShape.PointingHandCursor,
        }
        self.setCursor(shapes.get(hit.kind, Qt.CursorShape.ArrowCursor))
        self.setToolTip(timeline_text.tooltip(self._timeline, hit.kind, hit.index))
        self._changed()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(Hit("none"))

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(ZOOM ** (turn.y() / 120), event.position().x())
        elif not self._fitted:
            self._scale = self._scale.moved(-(turn.x() or turn.y()))
            self._changed()
        else:
            event.ignore()
            return
        event.accept()

    # keys -------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Its keys are its own while it has the focus, whatever they mean elsewhere in the window."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            free = event.key() == Qt.Key.Key_Escape and not (self._drag or self.selected)
            if keys.command_for(event) and not free:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        command = keys.command_for(event)
        if command == "leave" and self._drag is not None:
            self._drag = None
            self._changed()
        elif command == "easing" and self.selected and self.selected[0] < len(self.segments()):
            self._ask_easing(self.selected[0])
        elif command in ("zoom_in", "zoom_out"):
            self.zoom(ZOOM if command == "zoom_in" else 1 / ZOOM)
        elif command == "fit":
            self.fit()
        elif command:
            self.asked.emit(command)
        else:
            super().keyPressEvent(event)
