# SPDX-License-Identifier: MIT
"""The timeline's panel: the view, or a hint while it is empty, with its transport, menus and timer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QMenu, QStackedLayout, QWidget

from latent_explorer.app.exploration.updates import (
    ModelOpened,
    RecordingChanged,
    TimelineFrame,
    TimelinePlaying,
    TimelinesChanged,
)
from latent_explorer.app.timeline.player import TimelineTrace
from latent_explorer.explain.timeline.timeline import span
from latent_explorer.ui.style import icons
from latent_explorer.ui.timeline import timeline_text
from latent_explorer.ui.timeline.easing_popup import EasingPopup
from latent_explorer.ui.timeline.keyframe_editor import KeyframeEditor
from latent_explorer.ui.timeline.make_dialogs import MakeActions
from latent_explorer.ui.timeline.submenus import TimelineMenus
from latent_explorer.ui.timeline.transport import Transport
from latent_explorer.ui.timeline.view import TimelineView
from latent_explorer.ui.widgets.basics import button, column, hint, row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PySide6.QtGui import QAction

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.timeline.controller import TimelineController

FAR_FRAMES = 10
PLAYING_MS = 10  # half a frame of the fastest rate
RECORDING_MS = 100  # between two updates of the elapsed time
TRACE_INTERVAL = 0.4  # seconds between two updates of the trace during playback: frames come first
RECORD, STOP = "Record", "Stop"


class TimelinePanel(QWidget):
    """View of the controller. `transport` is laid out by the owner of the panel."""

    def __init__(self, explorer: Explorer, controller: TimelineController) -> None:
        super().__init__()
        self._explorer, self.controller = explorer, controller
        self._player = controller.player
        self.view = TimelineView()
        self.editor = KeyframeEditor(controller, self.view)
        self.transport = Transport()
        self.menus = TimelineMenus(self, controller, self.editor)
        self.make = MakeActions(self, explorer, controller)
        self._record: QAction | None = None
        self._record_tip = ""
        self._loops: tuple[QAction, ...] = ()
        self._traced = 0.0  # time of the last update of the trace
        self._timer = QTimer(self, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)
        self.sentence = hint(timeline_text.EMPTY)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.first = button("Add this picture", self.add_keyframe, icon="add_keyframe")
        self._pages = QStackedLayout(self)
        self._empty = self._empty_page()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.view)
        self._commands = self._command_table()
        self._connect()
        self._subscribe()

    def _empty_page(self) -> QWidget:
        page = QWidget()
        layout = column(page)
        layout.addStretch(1)
        layout.addWidget(self.sentence)
        line = row()
        line.addStretch(1)
        line.addWidget(self.first)
        line.addStretch(1)
        layout.addLayout(line)
        layout.addStretch(1)
        return page

    def _connect(self) -> None:
        view, transport, editor = self.view, self.transport, self.editor
        view.seek_requested.connect(self.seek)
        view.moved.connect(editor.move_or_copy)
        view.easing_requested.connect(self.ask_easing)
        view.opened.connect(self.controller.open_keyframe)
        view.menu_requested.connect(self._open_menu)
        view.command_requested.connect(lambda command: self._commands[command]())
        transport.play.clicked.connect(self.toggle_play)
        transport.add.clicked.connect(self.add_keyframe)
        transport.duration.committed.connect(editor.stretch)
        transport.fps.setMenu(self.menus.fps)
        transport.space.setMenu(self.menus.space)
        transport.name.setMenu(self.menus.timelines)

    def set_actions(self, actions: Mapping[str, QAction], menus: Mapping[str, QMenu]) -> None:
        """Connect the window's actions and menus with the buttons and submenus."""
        menu = menus["timeline"]
        before = actions["reverse_timeline"]
        for each in (self.menus.timelines, self.menus.fps, self.menus.space):
            menu.insertMenu(before, each)
        self.transport.make.setMenu(menus["make"])
        self._loops = (actions["loop"], actions["ping_pong"])
        self.transport.loop.setDefaultAction(actions["loop"])
        self.transport.ping_pong.setDefaultAction(actions["ping_pong"])
        export = actions.get("export_animation")
        self.transport.export.setVisible(export is not None)
        if export is not None:
            self.transport.export.clicked.connect(export.trigger)
        self._record = actions["record"]
        self._record_tip = self._record.toolTip()
        self._show_recording()

    # Commands ---------------------------------------------------------------------

    def _command_table(self) -> dict[str, Callable[[], object]]:
        editor = self.editor
        return {
            "play": self.toggle_play,
            "frame_back": lambda: self.step(-1),
            "frame_on": lambda: self.step(1),
            "move_back": lambda: editor.shift(-1),
            "move_on": lambda: editor.shift(1),
            "move_far_back": lambda: editor.shift(-FAR_FRAMES),
            "move_far_on": lambda: editor.shift(FAR_FRAMES),
            "keyframe_back": lambda: self.step_keyframe(-1),
            "keyframe_on": lambda: self.step_keyframe(1),
            "extend_back": lambda: self.step_keyframe(-1, extend=True),
            "extend_on": lambda: self.step_keyframe(1, extend=True),
            "start": lambda: self.seek(0.0),
            "end": self._to_end,
            "select_all": lambda: self.view.select(range(len(self.view.times))),
            "delete": editor.delete,
            "copy": editor.copy,
            "cut": editor.cut,
            "paste": editor.paste,
            "duplicate": editor.duplicate,
            "open": self._open_selected,
            "leave": lambda: self.view.select([]),
        }

    def add_keyframe(self) -> None:
        """Add the picture on the canvas as a keyframe."""
        self.controller.add_keyframe()

    def seek(self, seconds: float) -> None:
        """Pause and show another time."""
        self._player.pause()
        self._player.seek(seconds)
        self._show_time()

    def toggle_play(self) -> None:
        """Play from the playhead, or pause."""
        if self._player.playing:
            self._player.pause()
        else:
            self._player.play()

    def toggle_recording(self) -> None:
        """Record the sliders, or stop and keep the recording."""
        if self.controller.recording:
            self.controller.stop_recording()
        else:
            self.controller.record()
        self._show_recording()

    def step(self, frames: int) -> None:
        """Move the playhead by a number of frames."""
        self._player.step(frames)
        self._show_time()

    def step_keyframe(self, by: int, *, extend: bool = False) -> None:
        """Select the keyframe before or after the playhead, alone or added to the selection."""
        times, here = self.view.times, self._player.playhead
        half = 0.5 / self.controller.current.fps if self.controller.current else 0.0
        beside = [i for i, t in enumerate(times) if by * (t - here) > half]
        if beside:
            index = beside[0] if by > 0 else beside[-1]
            self.view.select([*self.view.selected, index] if extend else [index])
            self.seek(times[index])

    def _to_end(self) -> None:
        if self.controller.current is not None:
            self.seek(span(self.controller.current))

    def _open_selected(self) -> None:
        if self.view.selected:
            self.controller.open_keyframe(self.view.selected[0])

    def ask_easing(self, index: int, place: QPoint) -> None:
        """Open the popup of a segment. Its choices are shown at once and are one undo step together."""
        timeline = self.controller.current
        if timeline is None or not 0 <= index < len(timeline.keyframes):
            return
        popup = EasingPopup(self.view, timeline.keyframes[index].easing)
        self._explorer.begin_gesture()
        popup.chosen.connect(lambda easing: self.editor.set_easing(index, easing))
        popup.closed.connect(self._easing_done)
        self.view.mark_segment(index)
        popup.show_above(place)

    def _easing_done(self) -> None:
        self._explorer.end_gesture()
        self.view.mark_segment(None)

    def _open_menu(self, index: int | None, place: QPoint) -> None:
        """Open the context menu of a keyframe, or of the timeline if there is none under the mouse."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        add = menu.addAction
        if index is not None:
            add("Show it in the &sliders\tF2", lambda: self.controller.open_keyframe(index))
            add("Replace it with the shown &picture", lambda: self.controller.replace_keyframe(index))
            menu.addSeparator()
            add("Cu&t\tCtrl+X", self.editor.cut)
            add("&Copy\tCtrl+C", self.editor.copy)
            add("&Delete\tDel", self.editor.delete)
        add("&Paste at the playhead\tCtrl+V", self.editor.paste)
        menu.addSeparator()
        add("Re&verse", self.editor.reverse)
        add("Distribute &evenly", self.editor.distribute)
        add("&Whole timeline\tZ", self.view.fit)
        menu.popup(place)

    # Updates --------------------------------------------------------------------------------

    def _subscribe(self) -> None:
        updates = self._explorer.updates
        for kind in (ModelOpened, TimelinesChanged):
            updates.on(kind, lambda _update: self.refresh())
        updates.on(TimelineFrame, lambda _update: self._show_time())
        updates.on(TimelineTrace, lambda _update: self._trace_changed())
        updates.on(TimelinePlaying, lambda _update: self._playing_changed())
        updates.on(RecordingChanged, lambda _update: self.refresh_playing())

    def _trace_changed(self) -> None:
        if not self._player.playing or time.monotonic() - self._traced > TRACE_INTERVAL:
            self._show_trace()

    def _playing_changed(self) -> None:
        self._show_trace()
        self.refresh_playing()

    def refresh(self) -> None:
        """Show the current timeline, after another choice or a change."""
        timeline = self.controller.current
        has_keyframes = timeline is not None and bool(timeline.keyframes)
        self._pages.setCurrentWidget(self.view if has_keyframes else self._empty)
        self.sentence.setText(timeline_text.EMPTY if self._explorer.state else timeline_text.NO_MODEL)
        self.first.setVisible(self._explorer.state is not None)
        self.view.show_timeline(timeline)
        self.transport.show_timeline(timeline)
        for action, name in zip(self._loops, ("loop", "ping_pong"), strict=False):
            action.setChecked(timeline is not None and getattr(timeline, name))
        self._show_trace()
        self._show_time()
        self.refresh_playing()

    def refresh_playing(self) -> None:
        """Update the buttons and the timer to playing and recording."""
        self.transport.show_playing(self._player.playing)
        self._show_recording()
        self._schedule()

    def _show_recording(self) -> None:
        """Turn the action into a red dot with the elapsed time during a recording."""
        on, action = self.controller.recording, self._record
        if action is None:
            return
        action.setChecked(on)
        action.setText("Stop re&cording" if on else "Re&cord")
        action.setIconText(f"{STOP} {clock(self.controller.record_seconds)}" if on else RECORD)
        action.setToolTip(f"Stop, and keep what was recorded\n{self._record_tip}" if on else self._record_tip)
        icons.set_icon(action, "record", "danger" if on else "ink")

    def stop(self) -> None:
        """Stop the timer when the window closes."""
        self._timer.stop()

    def _schedule(self) -> None:
        """Start the timer at the interval needed now, or stop it; a late tick costs a fraction of a frame."""
        playing = self._player.playing
        if not (playing or self.controller.recording):
            self._timer.stop()
            return
        interval = PLAYING_MS if playing else RECORDING_MS
        if not self._timer.isActive() or self._timer.interval() != interval:
            self._timer.start(interval)

    def _on_tick(self) -> None:
        if self._player.playing:
            self._player.tick(time.monotonic())
        if self.controller.recording:
            self._show_recording()
        self._show_time()
        self._schedule()

    def _show_time(self) -> None:
        self.view.show_playhead(self._player.playhead)
        self.transport.show_playhead(self._player.playhead)
        self.transport.show_playing(self._player.playing)

    def _show_trace(self) -> None:
        self._traced = time.monotonic()
        timeline = self.controller.current
        if timeline is None or not timeline.keyframes:
            self.transport.show_progress(None)
            return
        self.view.show_trace(self._player.trace)
        self.view.show_pictures([self._player.picture_at(k.seconds) for k in timeline.keyframes])
        self.transport.show_progress(self._player.progress)


def clock(seconds: float) -> str:
    """Return a time as "0:07", "1:40"."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
