# SPDX-License-Identifier: MIT
"""Column beside the three steps: findings of the data check, cost of the training, its command, and the next button."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QLineEdit, QProgressBar, QScrollArea, QSizePolicy, QWidget

from latent_explorer.common.format import duration_text, size_text
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import button, column, hint, icon_button, row
from latent_explorer.ui.widgets.form import MessageLines
from latent_explorer.ui.widgets.status_bar import job_text

if TYPE_CHECKING:
    from latent_explorer.app.training.updates import CheckDone
    from latent_explorer.common.events import Progress
    from latent_explorer.data.check import DataReport
    from latent_explorer.training.estimate import Estimate

MIN_WIDTH = 30 * theme.UNIT  # px, of the column with the check
INVITE = (
    "Every picture is opened once, and a few steps are timed on this computer. The check reports "
    "what cannot be read, sizes, copies, balance of the classes, disk and time."
)
CHECK_TEXT, START_TEXT, RECHECK_TEXT = "Check the images", "Start training", "Check again"
SHOW_RUNNING_TEXT = "Show the running training"
COMMAND_HELP = "The same training from a command line, here or on a server"
ORDER = {"error": 0, "warning": 1, "note": 2, "good": 3}
BESIDES = {  # by where the classifier comes from
    "train": "the classifier and the search for attributes come on top",
    "file": "the search for attributes comes on top",
}
LARGE_SHARE = 0.5  # of a step, from which the classifier is named as what takes the time
FREE_SPACE_FACTOR = 1.2  # free space as a multiple of the need, below which there is a warning


class CheckResultsView(QScrollArea):
    """Findings and measurements of the check, in sentences."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.invite = hint(INVITE)
        self.invite.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.findings = MessageLines()
        page = QWidget()
        page.setProperty("role", "page")
        layout = column(page, spacing=theme.GAP)
        layout.setContentsMargins(0, 0, theme.UNIT, 0)
        layout.addWidget(self.invite)
        layout.addWidget(self.findings)
        layout.addStretch(1)
        self.setWidget(page)

    def show_check(self, done: CheckDone | None, device: str) -> None:
        """Show the results, the worst first (None: not checked), and `device`, a warning about the device or empty."""
        lines = [] if done is None else self._lines(done)
        self.invite.setVisible(not lines)
        self.findings.show_lines([*lines, *([("note", device)] if device else [])])

    def _lines(self, done: CheckDone) -> list[tuple[str, str]]:
        lines: list[tuple[str, str]] = []
        if done.problem:
            lines.append(("error", done.problem))
        if done.estimate is not None:
            lines += estimate_lines(done.estimate, BESIDES[done.plan.classifier_from])
        if done.report is not None:
            lines += report_lines(done.report)
        return lines


class NextStepBar(QWidget):
    """Progress of a check, the command line to copy, and the button for the next action.

    Emits `next_requested` for that button, `recheck_requested` for another check, `cancel_requested` during one.
    """

    next_requested = Signal()
    recheck_requested = Signal()
    cancel_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName("Progress of the check")
        self.message = hint("")
        self.command = QLineEdit()
        self.command.setReadOnly(True)
        self.command.setFont(theme.font(theme.SMALL))
        self.command.setAccessibleName("Command line of this training")
        self.copy = icon_button("copy", "Copy the command line", self._copy)
        self.next = button(CHECK_TEXT, self.next_requested.emit, role="primary")
        self.again = button(RECHECK_TEXT, self.recheck_requested.emit)
        self.cancel = button("Cancel", self.cancel_requested.emit)
        layout = column(self, spacing=theme.GAP // 2)
        layout.addWidget(self.bar)
        line = row(spacing=theme.GAP)
        line.addWidget(self.message, 1)
        line.addWidget(self.again)
        layout.addLayout(line)
        buttons = row(spacing=theme.GAP // 2)
        buttons.addWidget(self.command, 1)
        buttons.addWidget(self.copy)
        buttons.addSpacing(theme.GAP)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.next)
        layout.addLayout(buttons)
        self.show_checking(False)

    def show_checking(self, on: bool) -> None:
        begins = on and self.cancel.isHidden()
        self.bar.setVisible(on)
        self.cancel.setVisible(on)
        self.next.setVisible(not on)
        self.again.setVisible(False)
        if begins:
            self.bar.setRange(0, 0)
            self.show_message("Checking...")

    def show_message(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def show_progress(self, progress: Progress) -> None:
        self.bar.setRange(0, max(0, progress.total))
        self.bar.setValue(progress.done)
        self.show_message(job_text("Checking", progress))

    def show_next(self, text: str, message: str = "", *, again: bool = False) -> None:
        """Set the button's text and the line above it; `again`: offer another check beside it."""
        self.show_message(message)
        self.again.setVisible(again)
        self.next.setText(text)
        self.next.setAccessibleName(text)

    def show_command(self, text: str) -> None:
        """Show the beginning of the command line."""
        self.command.setText(text)
        self.command.setCursorPosition(0)
        self.command.setToolTip(f"{COMMAND_HELP}\n\n{text}")

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.command.text())
        self.show_message("The command line is on the clipboard.")


def report_lines(report: DataReport) -> list[tuple[str, str]]:
    """Return the findings as (severity, sentence), the worst first; names of pictures follow the sentence."""
    findings = sorted(report.findings, key=lambda finding: ORDER[finding.severity])
    return [(f.severity, f"{f.text} ({', '.join(f.names)})" if f.names else f.text) for f in findings]


def fits(estimate: Estimate) -> bool:
    """Return True if the disk has room for the training, or that is not known."""
    return estimate.free_bytes is None or estimate.disk_bytes <= estimate.free_bytes


def estimate_lines(estimate: Estimate, besides: str) -> list[tuple[str, str]]:
    """Return time and disk as (severity, sentence); `besides`: what the time excludes."""
    speed = estimate.images_per_second_full or estimate.images_per_second_reconstruction
    rate = f", at {speed:.3g} images/s" if speed else ""
    time = f"About {duration_text(estimate.seconds)} on this machine{rate}; {besides}."
    if estimate.classifier_share > LARGE_SHARE:
        time += (
            f" {estimate.classifier_share:.0%} of a step is the classifier: a smaller input of it shortens that most."
        )
    needed, free = estimate.disk_bytes, estimate.free_bytes
    disk = f"{size_text(needed)} on disk"
    if free is None:
        return [("note", time), ("note", f"{disk}.")]
    disk += f", of {size_text(free)} free"
    if not fits(estimate):
        return [("note", time), ("error", f"{disk}: not enough. Free some space first.")]
    scarce = needed * FREE_SPACE_FACTOR > free
    tail = ": it will be nearly full." if scarce else "."
    return [("note", time), ("warning" if scarce else "note", f"{disk}{tail}")]
