# SPDX-License-Identifier: MIT
"""The row above the timeline: play, time, loop and more. Controls that do not fit are in the menu "Timeline" too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QToolButton, QWidget

from latent_explorer.explain.timeline.timeline import duration
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.timeline import timeline_text
from latent_explorer.ui.widgets.basics import action_text, hint, icon_button, row
from latent_explorer.ui.widgets.number_field import NumberField

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

    from latent_explorer.explain.timeline.timeline import Timeline

PLAY, PAUSE = "Play (Shift+Space)", "Pause (Shift+Space)"
TIGHT = theme.UNIT // 2
SECONDS_WIDTH = 46  # px of the duration's field
BAR_HEIGHT = 3  # px
NAME_WIDTH = 12 * theme.UNIT  # px of a timeline's name


class Transport(QWidget):
    """Buttons and fields of the timeline, filled by `show_timeline`; the panel connects them."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Transport")
        self.play = icon_button("play", PLAY)
        self.time = hint("0.00 /", wrap=False)
        self.time.setAccessibleName("Playhead, seconds")
        self.duration = _duration_field()
        self.add = icon_button("add_keyframe", "Add the picture as a keyframe (K)")
        self.loop = icon_button("loop", "Loop: start again at the end", checkable=True)
        self.ping_pong = icon_button("ping_pong", "Ping-pong: play backwards from the end", checkable=True)
        self.fps = menu_button("Frames per second", icon="")
        self.space = menu_button("Interpolation between keyframes", icon="")
        self.name = menu_button("Timelines")
        self.make = menu_button("Make a timeline", "Make", "make")
        self.progress = hint("", wrap=False)
        self.progress.setAccessibleName("Frames that are ready")
        self.bar = QProgressBar(self)  # along the lower edge: on a narrow window there is no room for the words
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Share of the frames that are ready")
        self.bar.hide()
        self.export = icon_button("export", "Export the animation")
        self._line = layout = row(self, spacing=TIGHT)
        layout.addWidget(self.play)
        layout.addWidget(self.time)
        layout.addWidget(self.duration)
        for control in (self.add, self.loop, self.ping_pong, self.fps, self.space):
            layout.addWidget(control)
        layout.addStretch(1)
        layout.addWidget(self.progress)
        for control in (self.make, self.name, self.export):
            layout.addWidget(control)
        loops = (self.ping_pong, self.loop)
        rest = (self.export, self.add, self.duration)
        self._hide_order = (self.space, self.name, self.fps, self.make, *loops, self.time, *rest)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.show_timeline(None)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, theme.CONTROL)

    def show_timeline(self, timeline: Timeline | None) -> None:
        """Update the controls to a timeline. Emits nothing."""
        several = timeline is not None and len(timeline.keyframes) > 1
        for widget in (self.play, self.duration, self.export):
            widget.setEnabled(several)
        self.duration.set_value(duration(timeline) if timeline else 0.0)
        self.fps.setText(f"{timeline.fps if timeline else 20.0:g} fps")
        self.space.setText(timeline_text.short_space(timeline.space if timeline else "w+"))
        name = timeline.name if timeline else "Timeline"
        metrics = self.name.fontMetrics()
        shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, NAME_WIDTH)
        self.name.setText(action_text(shown))
        self._fit()

    def show_playhead(self, seconds: float) -> None:
        """Show the time of the playhead."""
        self.time.setText(f"{timeline_text.time_text(seconds)} /")

    def show_playing(self, on: bool) -> None:
        """Show the button as "Pause" or "Play"."""
        text = PAUSE if on else PLAY
        icons.set_icon(self.play, "pause" if on else "play")
        self.play.setToolTip(text)
        self.play.setAccessibleName(text)

    def show_progress(self, share: float | None) -> None:
        """Show the share of rendered frames where there is room; nothing once all are."""
        text = "" if share is None or share >= 1 else f"Rendering {100 * share:.0f} %"
        self.bar.setValue(round(100 * (share or 0)))
        self.bar.setToolTip(text)
        self.bar.setVisible(bool(text))
        if text != self.progress.text():
            self.progress.setText(text)
            self._fit_progress()

    def _fit(self) -> None:
        """Shorten a label, then hide the controls that do not fit, the least important first."""
        self.progress.hide()
        self._fit_controls()
        self._fit_progress()

    def _fit_progress(self) -> None:
        """Show the progress if it fits; it changes often, so no other control moves for it."""
        self.progress.show()
        self.progress.setVisible(self._fits())

    def _fit_controls(self) -> None:
        style = Qt.ToolButtonStyle
        self.make.setToolButtonStyle(style.ToolButtonTextBesideIcon)
        for widget in self._hide_order:
            widget.setVisible(True)
        if self._fits():
            return
        self.make.setToolButtonStyle(style.ToolButtonIconOnly)
        for widget in self._hide_order:
            if self._fits():
                return
            widget.setVisible(False)

    def _fits(self) -> bool:
        self._line.invalidate()
        return self._line.sizeHint().width() <= self.width()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.bar.setGeometry(0, self.height() - BAR_HEIGHT, self.width(), BAR_HEIGHT)
        self._fit()


def _duration_field() -> NumberField:
    field = NumberField()
    field.setFixedWidth(SECONDS_WIDTH)
    field.setAccessibleName("Duration in seconds")
    field.setToolTip("Duration in seconds; a change stretches the whole timeline")
    return field


def menu_button(name: str, text: str = "", icon: str = "down") -> QToolButton:
    """Return a flat button that opens a menu; a caret follows its text, any other icon precedes it."""
    made = QToolButton()
    made.setProperty("role", "quiet")
    made.setText(text)
    made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    made.setIconSize(QSize(12, 12) if icon == "down" else QSize(theme.ICON, theme.ICON))
    if icon == "down":
        made.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    made.setFixedHeight(theme.CONTROL)
    made.setToolTip(name)
    made.setAccessibleName(name)
    if icon:
        icons.set_icon(made, icon)
    return made
