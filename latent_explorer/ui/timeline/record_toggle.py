# SPDX-License-Identifier: MIT
"""What is seen of a recording: the action turns into a red dot with the elapsed time, and stops what it began."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.ui.style import icons

if TYPE_CHECKING:
    from PySide6.QtGui import QAction

    from latent_explorer.app.timeline.controller import TimelineController

RECORD, STOP = "Record", "Stop"


class RecordToggle:
    """The action "Record": checked while the sliders are recorded."""

    def __init__(self, controller: TimelineController, action: QAction) -> None:
        self._controller, self._action = controller, action
        self._tip = action.toolTip()
        self.show()

    def toggle(self) -> None:
        """Begin, or stop and keep what was recorded."""
        if self._controller.recording:
            self._controller.stop_recording()
        else:
            self._controller.record()
        self.show()

    def show(self) -> None:
        """What is going on."""
        on, action = self._controller.recording, self._action
        action.setChecked(on)
        action.setText("Stop re&cording" if on else "Re&cord")
        action.setIconText(f"{STOP} {clock(self._controller.record_seconds)}" if on else RECORD)
        action.setToolTip(f"Stop, and keep what was recorded\n{self._tip}" if on else self._tip)
        icons.set_icon(action, "record", "danger" if on else "ink")


def clock(seconds: float) -> str:
    """ "0:07", "1:40"."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
