# SPDX-License-Identifier: MIT
"""Status bar: jobs with cancel, running training, speed, device, and whether the picture is within the data."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QLabel, QMenu, QProgressBar, QSizePolicy, QToolButton, QWidget

from latent_explorer.app.exploration.picture_requests import outside_the_data
from latent_explorer.common.events import Progress
from latent_explorer.common.format import duration_text
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import action_text, hint, icon_button, row, tip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from latent_explorer.app.exploration.picture_requests import Caution

HEIGHT = 4 * theme.UNIT
LEAST_WORDS = 4 * theme.UNIT  # px of what is elided on a narrow window
WINDOW_SECONDS = 1.0  # seconds over which pictures are counted
MIN_SAMPLES = 5  # pictures needed for a rate

DEVICE = "Device that makes the pictures"
WITHIN = (
    "Every style is inside the range that the data shows, together they are near to those of the file's pictures, and "
    "the latent lies where the model learned."
)
NOT_COMPARED = (
    "Every style is inside the range that the data shows. Whether the data has them together is not known: the file "
    "holds too few pictures."
)


def _data_text(warnings: Sequence[Caution], compared: bool) -> str:
    """Return whether the picture is within the data, as it was tested, or what about it is not."""
    if outside := outside_the_data(warnings):
        return f"Outside the data: {outside}"
    if warnings:
        return "Take care"
    return "Within the data" if compared else "Styles within their ranges"


@dataclass
class _Job:
    name: str
    cancellable: bool
    progress: Progress | None = None


def job_text(name: str, progress: Progress | None) -> str:
    """Return name and progress of a job: "Finding attributes 43 %, 1 min left"."""
    if progress is None or progress.total <= 0:
        return f"{name}..."
    text = f"{progress.message or name} {100 * progress.done // progress.total} %"
    if progress.seconds_left is not None:
        text += f", {duration_text(progress.seconds_left)} left"
    return text


class JobIndicator(QWidget):
    """Running job with its progress, and the number of waiting jobs."""

    cancel_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._jobs: dict[int, _Job] = {}
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setMinimumWidth(5 * theme.UNIT)
        self.bar.setMaximumWidth(15 * theme.UNIT)
        self.bar.setAccessibleName("Progress of the job")
        self.text = hint("", wrap=False)
        self.text.setAccessibleName("What runs")
        self.text.setMinimumWidth(LEAST_WORDS)
        self.cancel = icon_button("cancel", "Cancel what is running (Esc); finished results are kept")
        self.cancel.setFixedSize(HEIGHT - 8, HEIGHT - 8)
        self.cancel.clicked.connect(self.cancel_current)
        layout = row(self)
        layout.addWidget(self.bar, alignment=Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.text)
        layout.addWidget(self.cancel)
        self._show()

    def started(self, job: int, name: str, cancellable: bool) -> None:
        self._jobs[job] = _Job(name, cancellable)
        self._show()

    def progressed(self, job: int, progress: Progress) -> None:
        if job in self._jobs:
            self._jobs[job].progress = progress
            self._show()

    def ended(self, job: int) -> None:
        self._jobs.pop(job, None)
        self._show()

    def cancel_current(self) -> bool:
        """Request the cancellation of the running job. Return False if there is none."""
        for number, job in self._jobs.items():
            if job.cancellable:
                self.cancel_requested.emit(number)
                return True
        return False

    @property
    def busy(self) -> bool:
        """True while a cancellable job is running."""
        return any(job.cancellable for job in self._jobs.values())

    def _show(self) -> None:
        job = next(iter(self._jobs.values()), None)
        self.setVisible(job is not None)
        if job is None:
            return
        more = f"  (+{len(self._jobs) - 1} waiting)" if len(self._jobs) > 1 else ""
        self.text.setText(job_text(job.name, job.progress) + more)
        self.text.setToolTip(self.text.text())
        self.cancel.setVisible(job.cancellable)
        known = job.progress is not None and job.progress.total > 0
        self.bar.setRange(0, job.progress.total if known and job.progress else 0)
        self.bar.setValue(job.progress.done if known and job.progress else 0)


class Speed(QLabel):
    """Pictures per second over the last second of movement, and the time of the last one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._times: deque[float] = deque()
        self._rate = 0.0
        self._kind = "pictures"
        self.setProperty("role", "hint")
        self.setFont(theme.font(theme.SMALL))
        self.setAccessibleName("Speed")
        self.setToolTip("Pictures per second while a slider moved, and the time per picture")

    def count(self, seconds: float, kind: str = "pictures") -> None:
        """Count a picture that took `seconds` to make; those of another `kind` ("drafts") are counted anew."""
        if kind != self._kind:
            self._kind, self._rate = kind, 0.0
            self._times.clear()
        now = self._clock()
        self._times.append(now)
        while self._times and now - self._times[0] > WINDOW_SECONDS:
            self._times.popleft()
        if len(self._times) >= MIN_SAMPLES and self._times[-1] > self._times[0]:
            self._rate = (len(self._times) - 1) / (self._times[-1] - self._times[0])
        took = f"{1000 * seconds:.0f} ms" if seconds >= 0.001 else "under 1 ms"
        self.setText(f"{self._rate:.0f} {kind}/s, {took}" if self._rate else took)


class _TextButton(QToolButton):
    """Quiet button of small text beside an icon; `name` is its tooltip and its accessible name."""

    def __init__(self, name: str, icon: str = "", color: str = "muted") -> None:
        super().__init__()
        self.setProperty("role", "quiet")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(theme.ICON - 2, theme.ICON - 2))
        self.setFont(theme.font(theme.SMALL))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT - 6)
        self.setAccessibleName(name)
        self.setToolTip(name)
        if icon:
            icons.set_icon(self, icon, color)


class TrainingBadge(_TextButton):
    """Button with the progress of the running training, "Training 61 %, 12 min left"; hidden while there is none."""

    def __init__(self) -> None:
        super().__init__("Show the training (Ctrl+T)", "training", "accent")
        self.show_message("")

    def show_message(self, text: str) -> None:
        """Show the progress of the training; hide if `text` is empty."""
        self.setText(f" {text}" if text else "")  # distance from the icon
        self.setAccessibleName(text or "No training")
        self.setVisible(bool(text))


class StatusBar(QWidget):
    """Status bar. `cancel_requested` carries a job, `device_requested` the id of a device."""

    cancel_requested = Signal(int)
    device_requested = Signal(str)
    warnings_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Status")
        self.setFixedHeight(HEIGHT)
        self.jobs = JobIndicator()
        self.jobs.cancel_requested.connect(self.cancel_requested)
        self.model = hint("", wrap=False)
        self.model.setAccessibleName("Model and classifier")
        self.model.setMinimumWidth(LEAST_WORDS)  # elided first: its tooltip has it whole
        self.speed = Speed()
        self.training = TrainingBadge()
        self.device_menu = QMenu(self)
        self.device_menu.setTitle("&Device")
        self.device = _TextButton(DEVICE, "cpu")
        self.device.setMenu(self.device_menu)
        self.device.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.device_note = ""
        self.data = _TextButton("Whether the picture is like those the model learned from")
        self.data.clicked.connect(self.warnings_requested)
        self.warnings: tuple[Caution, ...] = ()
        self._compared = True
        layout = row(self, spacing=theme.MARGIN)
        layout.setContentsMargins(theme.MARGIN, 0, theme.UNIT, 0)
        layout.addWidget(self.model)
        layout.addWidget(self.jobs)
        layout.addStretch(1)
        for each in (self.training, self.speed, self.device, self.data):
            layout.addWidget(each)
        theme.notifier.changed.connect(self._draw_data)
        self.show_devices("", ())
        self.show_warnings(None)

    def show_model(self, text: str, details: str) -> None:
        """Show the open model, with `details` as its tooltip."""
        self.model.setText(text)
        self.model.setToolTip(details)

    def show_devices(self, device: str, choices: Sequence[tuple[str, str]], chosen: str = "", note: str = "") -> None:
        """Show the device in use and the devices that can be chosen, as (id, words); `note` follows in the tooltip."""
        self.device.setText(action_text(device))
        self.device_note = note
        self.device.setToolTip(tip(DEVICE, note))
        self.device.setAccessibleDescription(note)
        self.device.setVisible(bool(device))
        self.device_menu.clear()
        group = QActionGroup(self.device_menu)
        for number, label in choices:
            action = self.device_menu.addAction(action_text(label))
            action.setToolTip(f"Make the pictures on: {label}")
            action.setCheckable(True)
            action.setChecked(number == chosen)
            group.addAction(action)
            action.triggered.connect(lambda _on, number=number: self.device_requested.emit(number))
        self.device_menu.setEnabled(bool(choices))

    @property
    def warning_text(self) -> str:
        """The warnings on the picture, one after the other."""
        return " ".join(warning.text for warning in self.warnings)

    def show_warnings(self, warnings: Sequence[Caution] | None, *, compared: bool = True) -> None:
        """Show the warnings on the picture; None if there is no picture.

        compared   False if its styles could not be compared, together, with those of the file's pictures
        """
        self.data.setVisible(warnings is not None)
        shown = (tuple(warnings or ()), compared)
        if warnings is not None and (self.warnings, self._compared) == shown and self.data.text():
            return  # setting a style sheet is slow, and a drag makes 60 pictures per second
        self.warnings, self._compared = shown
        self.data.setText(_data_text(self.warnings, compared))
        description = "\n".join(warning.text for warning in self.warnings) or (WITHIN if compared else NOT_COMPARED)
        self.data.setToolTip(description)
        self.data.setAccessibleDescription(description)
        self._draw_data()

    def _draw_data(self) -> None:
        color = "warning" if self.warnings else "muted"
        self.data.setIcon(icons.icon("warning" if self.warnings else "within", color))
        ink = theme.current().color("warning" if self.warnings else "ink").name()
        self.data.setStyleSheet(f"color: {ink};")
