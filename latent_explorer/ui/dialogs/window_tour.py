# SPDX-License-Identifier: MIT
"""Tour of the window in four steps: callouts beside the real widgets, which go on as soon as a step was done.

Nothing is covered or locked: the window is used while a callout stands in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QGuiApplication,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from latent_explorer.app.exploration.updates import ErrorReport, MainPicture, Message, StateChanged
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import button, column, hint, plain, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QKeyEvent, QPaintEvent

    from latent_explorer.app.explorer import Explorer

Side = Literal["left", "right", "above", "below"]
SIDES: tuple[Side, ...] = ("below", "left", "above", "right")  # in the order in which they are tried
WIDTH = 36 * theme.UNIT  # px
ARROW = 8  # px from the frame to the tip
DISTANCE = 2  # px between the tip and the ring
FOLLOW_MS = 120  # ms between two looks at where the widgets are
REST_MS = 900  # ms without a change until a step that was done goes on
BEGIN_MS = 800  # ms after the first picture until the tour begins on its own
SCREENLESS = ("offscreen", "minimal")  # platforms without a person
AGAIN = "The tour and the user guide are in the Help menu."

STEPS = (
    (
        "Drag an attribute",
        "Drag this slider, or use the arrow keys on it. The picture changes, and the bars below it follow what the "
        "classifier says.",
    ),
    (
        "Watch the plot",
        "Each change draws the probability of every class on. Move the slider again, and watch the lines.",
    ),
    (
        "Turn the verdict",
        "The button names the fewest attributes found that turn what the classifier says of this picture. Press it, or "
        "drag until another class is bold.",
    ),
    (
        "Take it with you",
        "Export saves the picture together with all that made it: dropped on this window, it opens again. Animations "
        "and sheets are in the File menu.",
    ),
)
DRAG, WATCH, TURN, EXPORT = range(len(STEPS))
TURNED = "The verdict of this picture has turned already. Look at the bars: the mark on each is where it stood before."


@dataclass(frozen=True)
class Target:
    """Widget that a step is about, if it is there now, and the side on which the callout covers least."""

    widget: Callable[[], QWidget | None]
    side: Side


class WindowTour(QObject):
    """The tour of one window. `targets` belong to STEPS; `begin_step` prepares the window for a step."""

    def __init__(
        self,
        window: QWidget,
        explorer: Explorer,
        targets: Sequence[Target],
        begin_step: Callable[[int], object],
        say: Callable[[str], object],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._explorer, self._targets, self._begin_step, self._say = explorer, tuple(targets), begin_step, say
        self.step: int | None = None
        self._done = False  # the step was done, and the tour goes on when the window rests
        self.ring = Ring(window)
        self.callout = Callout(window, self.next, self.stop)
        self._follow = QTimer(self, interval=FOLLOW_MS)
        self._follow.timeout.connect(self._place)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._go_on)
        explorer.updates.on(StateChanged, self._state_changed)
        explorer.updates.on(MainPicture, self._picture_made)
        explorer.updates.on(Message, self._message)

    @property
    def active(self) -> bool:
        return self.step is not None

    def start(self) -> None:
        """Begin with the first step, and give the callout the focus, so that it is read out and Enter goes on."""
        self._show(DRAG)
        self.callout.setFocus(Qt.FocusReason.OtherFocusReason)

    def start_once(self) -> None:
        """Begin after the first picture, if the tour never began before, a person can see it, and nothing failed."""
        if self._explorer.settings.tour_shown or QGuiApplication.platformName() in SCREENLESS:
            return
        waiting = QTimer(self, singleShot=True, interval=BEGIN_MS)
        updates = self._explorer.updates
        ends = [updates.on(MainPicture, lambda _update: waiting.start())]
        ends.append(updates.on(ErrorReport, lambda _update: leave()))

        def leave() -> None:
            waiting.stop()
            for end in ends:
                end()
            ends.clear()

        def begin() -> None:
            leave()
            if not self.active and self._explorer.attributes():
                self._explorer.change_settings(tour_shown=True)
                self.start()

        waiting.timeout.connect(begin)

    def next(self) -> None:
        """Go on to the next step; after the last one the tour ends."""
        if self.step is None:
            return
        if self.step == len(STEPS) - 1:
            self.stop()
        else:
            self._show(self.step + 1)

    def stop(self) -> None:
        """End the tour, and say where it is."""
        if self.step is None:
            return
        self.step = None
        self._follow.stop()
        self._rest.stop()
        self.callout.hide()
        self.ring.hide()
        self._say(AGAIN)

    def _show(self, step: int) -> None:
        self.step, self._done = step, False
        self._rest.stop()
        self._begin_step(step)
        heading, text = STEPS[step]
        self.callout.show_step(heading, TURNED if step == TURN and self._turned() else text, step)
        self._place()
        self._follow.start()

    def _turned(self) -> bool:
        shown = self._explorer.shown
        return shown is not None and shown.result.after.verdict != shown.result.before.verdict

    def _place(self) -> None:
        """Put callout and ring beside the widget, which may have moved, or be away for now."""
        if self.step is None:
            return
        window, target = self._window, self._targets[self.step]
        widget = target.widget()
        seen = widget.visibleRegion().boundingRect() if widget is not None and widget.isVisible() else QRect()
        place = QRect(widget.mapTo(window, seen.topLeft()), seen.size()) if widget is not None else QRect()
        self.ring.surround(place)
        box, side = beside(self.callout.size_for_text(), place, window.rect(), target.side)
        self.callout.put(box, side, place.center())

    def _state_changed(self, update: StateChanged) -> None:
        if self.step in (DRAG, WATCH) and update.old.edits != update.new.edits:
            self._done = True
        if self._done:
            self._rest.start()

    def _picture_made(self, _update: MainPicture) -> None:
        if self.step == TURN and not self._done and self._turned() and self.callout.text.text() != TURNED:
            self._done = True
            self._rest.start()

    def _message(self, update: Message) -> None:
        if self.step == EXPORT and update.file is not None:
            self._done = True
            self._rest.start()

    def _go_on(self) -> None:
        if self._done:
            self.next()


def beside(size: QSize, target: QRect, room: QRect, wanted: Side) -> tuple[QRect, Side | None]:
    """Return where a callout of `size` goes: on the wanted side of `target` if it fits into `room`, else on another.

    Without a target, or where no side has room for it, it goes into the lower middle of `room`, with no side.
    """
    gap = ARROW + DISTANCE + theme.UNIT // 2
    for side in (wanted, *SIDES):
        box = QRect(QPoint(0, 0), size)
        box.moveCenter(target.center())
        if side == "below":
            box.moveTop(target.bottom() + gap)
        elif side == "above":
            box.moveBottom(target.top() - gap)
        elif side == "left":
            box.moveRight(target.left() - gap)
        else:
            box.moveLeft(target.right() + gap)
        inner = room.adjusted(theme.GAP, theme.GAP, -theme.GAP, -theme.GAP)
        if side in ("above", "below"):
            box.moveLeft(max(inner.left(), min(box.left(), inner.right() + 1 - box.width())))
        else:
            box.moveTop(max(inner.top(), min(box.top(), inner.bottom() + 1 - box.height())))
        if not target.isEmpty() and inner.contains(box):
            return box, side
    box = QRect(QPoint(0, 0), size)
    box.moveCenter(room.center())
    box.moveBottom(room.bottom() - 4 * theme.UNIT)
    return box, None


class Ring(QWidget):
    """Frame around the widget that a step is about; takes neither mouse nor focus."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._window = window
        self.hide()

    def surround(self, place: QRect) -> None:
        """Frame `place`, in the window's coordinates; hide if it is empty."""
        self.setVisible(not place.isEmpty())
        wanted = place.adjusted(-3, -3, 3, 3).intersected(self._window.rect())
        if not place.isEmpty() and wanted != self.geometry():
            self.setGeometry(wanted)
            self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.current().color("accent"), 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)


class Callout(QWidget):
    """Bubble with a step's words, "Skip" and "Next". It is a child of the window, and cannot be left behind.

    Its margin holds the arrow, which points at the widget.
    """

    def __init__(self, window: QWidget, go_on: Callable[[], object], skip: Callable[[], object]) -> None:
        super().__init__(window)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._side: Side | None = None
        self._tip = QPoint()
        self.heading = plain("")
        self.heading.setFont(theme.font(semibold=True))
        self.count = hint("", wrap=False)
        self.text = plain("")
        self.text.setWordWrap(True)
        self.skip = button("Skip the tour", skip, role="quiet")
        self.skip.setToolTip("Esc; the Help menu shows the tour again")
        self.go = button("Next", go_on, role="primary")
        head, foot = row(), row()
        head.addWidget(self.heading, 1)
        head.addWidget(self.count)
        foot.addWidget(self.skip)
        foot.addStretch(1)
        foot.addWidget(self.go)
        layout = self._lines = column(self, spacing=theme.GAP, margin=theme.MARGIN + ARROW)
        layout.addLayout(head)
        layout.addWidget(self.text)
        layout.addLayout(foot)
        self.setFixedWidth(WIDTH + 2 * ARROW)
        theme.notifier.changed.connect(self.update)
        self.hide()

    def show_step(self, heading: str, text: str, step: int) -> None:
        """Show the words of a step, and have them read out; the focus stays where it is."""
        self.heading.setText(heading)
        self.text.setText(text)
        self.count.setText(f"{step + 1} of {len(STEPS)}")
        last = step == len(STEPS) - 1
        self.skip.setVisible(not last)
        self.go.setText("Finish" if last else "Next")
        self.go.setAccessibleName(self.go.text())
        said = f"Tour, step {step + 1} of {len(STEPS)}: {heading}. {text}"
        self.setAccessibleName(said)
        self.show()
        self.raise_()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, said))

    def size_for_text(self) -> QSize:
        """Return the size of the bubble with its margin."""
        return QSize(self.width(), self._lines.heightForWidth(self.width()))

    def put(self, box: QRect, side: Side | None, tip: QPoint) -> None:
        """Take the place `box`, with an arrow from its far side to `tip`, both in the window's coordinates."""
        # The margin of ARROW px is on every side, so that the bubble stays as large; here it may overlap the gap.
        shift = {"below": QPoint(0, -ARROW), "above": QPoint(0, ARROW), "left": QPoint(ARROW, 0)}
        place = box.translated(shift.get(side or "", QPoint(-ARROW, 0) if side else QPoint()))
        inside = tip - place.topLeft()
        if (place, side, inside) != (self.geometry(), self._side, self._tip):
            self._side, self._tip = side, inside
            self.setGeometry(place)
            self.raise_()
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and not event.isAutoRepeat():
            self.go.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(ARROW, ARROW, -ARROW, -ARROW)
        shape = QPainterPath()
        shape.addRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)
        if self._side is not None:
            arrow = QPainterPath()
            arrow.addPolygon(self._arrow(box))
            arrow.closeSubpath()
            shape = shape.united(arrow)
        now = theme.current()
        painter.setBrush(now.color("surface"))
        painter.setPen(QPen(now.color("accent"), 1.5 if self.hasFocus() else 1.0))
        painter.drawPath(shape)

    def _arrow(self, box: QRectF) -> QPolygonF:
        """Return the triangle from the edge of the bubble that faces the widget to the edge of this."""
        room = theme.RADIUS + ARROW
        x = max(box.left() + room, min(float(self._tip.x()), box.right() - room))
        y = max(box.top() + room, min(float(self._tip.y()), box.bottom() - room))
        if self._side in ("below", "above"):
            edge, end = (box.top() + 1, 0.0) if self._side == "below" else (box.bottom() - 1, float(self.height()))
            return QPolygonF([QPointF(x - ARROW, edge), QPointF(x, end), QPointF(x + ARROW, edge)])
        edge, end = (box.right() - 1, float(self.width())) if self._side == "left" else (box.left() + 1, 0.0)
        return QPolygonF([QPointF(edge, y - ARROW), QPointF(end, y), QPointF(edge, y + ARROW)])
