# SPDX-License-Identifier: MIT
"""The timeline as one painted widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.app.timeline.player import TimelineTrace
from latent_explorer.explain.timeline.timeline import frame_at, span
from latent_explorer.ui.style import theme
from latent_explorer.ui.timeline import geometry, timeline_text
from latent_explorer.ui.timeline import shortcuts as keys
from latent_explorer.ui.timeline.geometry import Hit, KeyframeDrag, TimeScale
from latent_explorer.ui.timeline.painting import (
    TrackState,
    paint_playhead,
    paint_playhead_values,
    paint_ruler,
    paint_trace,
    paint_track,
)
from latent_explorer.ui.widgets.probability_lines import labels_width
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PySide6.QtGui import QContextMenuEvent

    from latent_explorer.explain.recipe import Picture
    from latent_explorer.explain.timeline.timeline import Timeline
    from latent_explorer.ui.timeline.geometry import Lanes

MIN_LABELS_WIDTH = 9 * theme.UNIT  # px, of the classes' names
MAX_LABELS_SHARE = 0.24  # of the width, at most
ZOOM = 1.25  # per step


class TimelineView(QWidget):
    """Ruler, keyframes and trace over one time axis, with mouse, wheel and keys.

    Does not change the timeline: requests are emitted as signals, and the panel shows the result.
    """

    seek_requested = Signal(float)  # s
    moved = Signal(object, bool)  # {keyframe: s}, True to copy
    easing_requested = Signal(int, QPoint)  # keyframe that starts the segment, position on the screen
    opened = Signal(int)  # keyframe that was double-clicked
    menu_requested = Signal(object, QPoint)  # keyframe or None
    command_requested = Signal(str)  # a command of `shortcuts`

    def __init__(self) -> None:
        super().__init__()
        self._timeline: Timeline | None = None
        self.trace = TimelineTrace()
        self._pictures: list[Picture | None] = []  # of the keyframes
        self._pixmaps: dict[int, tuple[Picture, QPixmap]] = {}
        self._selected: frozenset[int] = frozenset()
        self._anchor = 0  # where a Shift selection starts
        self.playhead = 0.0
        self.scale = geometry.fit_scale(0.0, 0.0, 1.0)
        self._fitted = True
        self._hit = Hit("none")
        self._drag: KeyframeDrag | None = None
        self._open_segment: int | None = None  # its popup is open
        self._layer: QPixmap | None = None  # everything except the playhead
        self.setAccessibleName("Timeline")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumHeight(10 * theme.UNIT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.notifier.changed.connect(self._changed)

    def sizeHint(self) -> QSize:
        return QSize(80 * theme.UNIT, 13 * theme.UNIT)

    # Contents ----------------------------------------------------------------------------

    @property
    def times(self) -> list[float]:
        """The times of the keyframes, in seconds."""
        return [k.seconds for k in self._timeline.keyframes] if self._timeline else []

    @property
    def selected(self) -> list[int]:
        """The selected keyframes, in ascending order."""
        return sorted(self._selected)

    @property
    def lanes(self) -> Lanes:
        widest = max(MIN_LABELS_WIDTH, MAX_LABELS_SHARE * self.width())
        labels = min(labels_width(self.trace.names), widest) if self.trace.names else MIN_LABELS_WIDTH
        return geometry.lanes_in(self.width(), self.height(), labels)

    def show_timeline(self, timeline: Timeline | None) -> None:
        """Show another timeline, or the same after a change."""
        if timeline == self._timeline:
            return
        self._timeline = timeline
        self._drag = None
        self._select(self._selected & frozenset(range(len(self.times))))
        self._fit_if_fitted()
        self._describe()
        self._changed()

    def show_trace(self, trace: TimelineTrace) -> None:
        """Show the probabilities of the rendered frames."""
        self.trace = trace
        self._fit_if_fitted()
        self._changed()

    def show_pictures(self, pictures: Sequence[Picture | None]) -> None:
        """Show the pictures of the keyframes; None where one is not rendered yet."""
        self._pictures = list(pictures)
        self._changed()

    def show_playhead(self, seconds: float) -> None:
        """Show the playhead; the view pages when it runs out of sight."""
        if seconds == self.playhead:
            return
        self.playhead = seconds
        if not self._fitted and self._drag is None:
            shown = self.scale.paged_to(seconds)
            if shown != self.scale:
                self.scale = shown
                self._changed()
        self._describe()
        self.update()

    def mark_segment(self, index: int | None) -> None:
        """Highlight the segment whose popup is open."""
        self._open_segment = index
        self._changed()

    # Selection --------------------------------------------------------------------------------

    def select(self, indices: Iterable[int]) -> None:
        """Select these keyframes and no others."""
        self._select(frozenset(indices) & frozenset(range(len(self.times))))

    def _select(self, indices: frozenset[int]) -> None:
        if indices != self._selected:
            self._selected = indices
            self._describe()
            self._changed()

    def select_by_click(self, index: int, modifiers: Qt.KeyboardModifier) -> None:
        """Select a keyframe: alone, toggled with Ctrl, or the range from the last one with Shift."""
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            low, high = sorted((min(self._anchor, len(self.times) - 1), index))
            self._select(frozenset(range(low, high + 1)))
            return
        self._anchor = index
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self._select(self._selected ^ {index})
        else:
            self._select(frozenset({index}))

    def _describe(self) -> None:
        self.setAccessibleDescription(timeline_text.description(self._timeline, self.playhead, self.selected))

    # Zoom -------------------------------------------------------------------------------------

    def _whole(self) -> TimeScale:
        room = self.lanes
        right = room.track.right() - room.picture / 4
        return geometry.fit_scale(span(self._timeline) if self._timeline else 0.0, geometry.GUTTER, right)

    def fit(self) -> None:
        """Show the whole timeline."""
        self._fitted = True
        self.scale = self._whole()
        self._changed()

    def zoom(self, factor: float, x: float | None = None) -> None:
        """Zoom by `factor` about `x` px, by default about the playhead."""
        whole = self._whole()
        about = self.scale.x(self.playhead) if x is None else x
        self.scale = self.scale.zoomed(factor, about, whole.per_second)
        self._fitted = self.scale.per_second <= whole.per_second
        if self._fitted:
            self.scale = whole
        self._changed()

    def _fit_if_fitted(self) -> None:
        whole = self._whole()
        if self._fitted or self.scale.per_second <= whole.per_second:
            self._fitted, self.scale = True, whole
        else:
            self.scale = TimeScale(whole.left, whole.right, self.scale.per_second, self.scale.start)

    # Painting ---------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        """Paint the playhead over a cached layer: during playback nothing else changes."""
        room, shown, ratio = self.lanes, self._track_state(), self.devicePixelRatioF()
        if self._layer is None or self._layer.size() != self.size() * ratio:
            self._layer = QPixmap(self.size() * ratio)
            self._layer.setDevicePixelRatio(ratio)
            self._layer.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._layer)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_still(painter, room, shown)
            painter.end()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(0, 0, self._layer)
        if shown.times:
            paint_playhead(painter, room, self.scale, shown)
            paint_playhead_values(painter, room, self.scale, self.trace, self.playhead)

    def _paint_still(self, painter: QPainter, room: Lanes, shown: TrackState) -> None:
        paint_ruler(painter, room, self.scale, self.trace.ready)
        paint_trace(painter, room, self.scale, self.trace)
        painter.setClipRect(room.track.adjusted(0, 0, 0, 6))
        paint_track(painter, room, self.scale, shown)
        if len(shown.times) == 1:
            self._paint_hint(painter, room, timeline_text.ONE)

    def _changed(self) -> None:
        """Drop the cached layer and repaint."""
        self._layer = None
        self.update()

    def _paint_hint(self, painter: QPainter, room: Lanes, sentence: str) -> None:
        """Paint what to do next, at the place of the next keyframe."""
        painter.setFont(theme.font(theme.SMALL))
        painter.setPen(theme.current().color("muted"))
        left = self.scale.x(self.times[0]) + room.picture
        box = room.track.adjusted(left - room.track.left(), 0, 0, 0)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, sentence)

    def _track_state(self) -> TrackState:
        """Return the keyframes as painted, also during a drag."""
        frames = self._timeline.keyframes if self._timeline else ()
        moves = self._drag.moves if self._drag is not None else {}
        copying = self._drag is not None and self._drag.copy
        segment = self._open_segment
        if segment is None and self._hit.kind == "segment" and self._drag is None:
            segment = self._hit.index
        return TrackState(
            times=[k.seconds if copying else moves.get(i, k.seconds) for i, k in enumerate(frames)],
            easings=[k.easing for k in frames],
            pictures=[self._pixmap(i) for i in range(len(frames))],
            selected=self._selected,
            hovered=self._hit.index if self._hit.kind == "keyframe" else None,
            segment=segment,
            ghosts=list(moves.values()) if copying else [],
            closing=span(self._timeline) if self._timeline and self._drag is None else 0.0,
            playhead=self.playhead,
            focus=self.hasFocus(),
        )

    def _pixmap(self, index: int) -> QPixmap | None:
        """Return a keyframe's picture at the screen's resolution, cached."""
        picture = self._pictures[index] if index < len(self._pictures) else None
        if picture is None:
            return None
        side, ratio = self.lanes.picture, self.devicePixelRatioF()
        held = self._pixmaps.get(index)
        if held is None or held[0] is not picture or held[1].deviceIndependentSize().width() != side:
            made = QPixmap.fromImage(scaled(picture.image, side, ratio, pixels=False))
            held = self._pixmaps[index] = (picture, made)
        return held[1]

    def segments(self) -> list[tuple[int, float, float]]:
        """Return (keyframe, start, end) of every segment, in seconds; the last may close a loop."""
        times = self.times
        ends = times[1:]
        if self._timeline is not None and times and span(self._timeline) > times[-1]:
            ends = [*ends, span(self._timeline)]
        return [(i, times[i], end) for i, end in enumerate(ends)]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_if_fitted()
        self._changed()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    # Mouse ------------------------------------------------------------------------------------

    def hit(self, at: QPoint) -> Hit:
        """Return the item under a point."""
        room, times = self.lanes, self.times
        if room.ruler.contains(at) or (room.trace.contains(at) and times):
            return Hit("time")
        if not room.track.contains(at):
            return Hit("none")
        index = geometry.nearest(times, at.x(), self.scale, room.picture / 2)
        if index is not None:
            return Hit("keyframe", index)
        for index, start, end in self.segments():
            box = room.segment_between(self.scale.x(start), self.scale.x(end))
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
            drag.move(x, event.modifiers(), self.scale, self._timeline, self.selected)
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
            return  # dragged back to its place
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
            self.seek_requested.emit(frame_at(self._timeline, self.scale.seconds(x)))

    def _ask_easing(self, index: int) -> None:
        _index, start, end = self.segments()[index]
        middle = (self.scale.x(start) + self.scale.x(end)) / 2
        x = min(max(middle, 0.0), self.lanes.track.right())
        place = QPoint(round(x), 0)
        self.easing_requested.emit(index, self.mapToGlobal(place))

    def _hover(self, hit: Hit) -> None:
        if hit == self._hit:
            return
        self._hit = hit
        shapes = {"keyframe": Qt.CursorShape.OpenHandCursor, "segment": Qt.CursorShape.PointingHandCursor}
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
            self.scale = self.scale.moved(-(turn.x() or turn.y()))
            self._changed()
        else:
            event.ignore()
            return
        event.accept()

    # Keys -------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Claim the timeline's keys while it has the focus, before the window's shortcuts."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            free = event.key() == Qt.Key.Key_Escape and not (self._drag or self.selected)
            if keys.command_for(event) and not free:
                event.accept()
                return True
        elif event.type() == QEvent.Type.DevicePixelRatioChange:
            self._pixmaps.clear()
            self._changed()
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
            self.command_requested.emit(command)
        else:
            super().keyPressEvent(event)
