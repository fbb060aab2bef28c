# SPDX-License-Identifier: MIT
"""Texts about runs: states, phases, sizes, durations. No widget."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from latent_explorer.common.format import duration_text

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.app.training.runs import RunView

STATES = {  # words, icon, colour
    "starting": ("Starting", "training", "accent"),
    "running": ("Training", "training", "accent"),
    "paused": ("Paused", "pause", "muted"),
    "stopped": ("Stopped early", "stop", "muted"),
    "finished": ("Finished", "within", "accent"),
    "failed": ("Failed", "error", "danger"),
    "interrupted": ("Interrupted", "warning", "warning"),
    "unknown": ("Not readable", "warning", "warning"),
}
PHASES = {
    "classifier": "Training the classifier",
    "explainer": "Training the explainer",
    "attributes": "Finding attributes",
}
ASKED = {"pause": "Pausing", "stop": "Stopping"}
SHEET_ROWS = ("original", "reconstruction", "given the other class", "random samples")


def state_text(view: RunView) -> str:
    """Return the state in words: "Training the explainer", "Pausing", "Failed"."""
    if view.alive and view.requested in ASKED:
        return ASKED[view.requested]
    if view.alive and view.status is not None and view.state == "running":
        return PHASES[view.status.phase]
    return STATES[view.state][0]


def share(view: RunView) -> float | None:
    """Return how much of the present phase is done, 0 to 1, or None if unknown; of a run that ended, how much of all.

    The last phase of a stopped training is the writing of its explainer, which says nothing about how far it came.
    """
    status = view.status
    if status is None or view.state in ("starting", "unknown"):
        return None
    if view.state == "finished":
        return 1.0
    done, total = status.phase_done, status.phase_total
    if not (total and view.alive):
        done, total = status.images, status.total
    return min(1.0, done / total) if total else None


def progress_text(view: RunView) -> str:
    """Return progress and time: "61 %, 12 min left"."""
    part = share(view)
    text = "" if part is None else f"{int(100 * part)} %"  # 100 % only at the end
    left = view.status.seconds_left if view.status is not None and view.alive else None
    if left is not None:
        text += f"{', ' if text else ''}{duration_text(left)} left"
    return text


def badge_text(view: RunView) -> str:
    """Return the text for the status line: "Training 61 %, 12 min left"."""
    if view.requested in ASKED:
        return f"{ASKED[view.requested]} the training"
    return f"Training {progress_text(view)}".strip()


def date_text(seconds: float) -> str:
    """Return a local time as "today 05:01", "22 Nov, 05:01" or "22 Nov 2025"; empty for 0."""
    if not seconds:
        return ""
    then, now = time.localtime(seconds), time.localtime()
    if then[:3] == now[:3]:
        return time.strftime("today %H:%M", then)
    return time.strftime("%d %b, %H:%M" if then.tm_year == now.tm_year else "%d %b %Y", then)


def folder_size(path: Path) -> int:
    """Return the bytes of all files in a run folder."""
    total = 0
    for folder, _folders, files in os.walk(path):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total


def sheet_labels(view: RunView) -> tuple[str, ...]:
    """Return the labels of the rows of its sheets."""
    generator_only = view.config is not None and view.config.mode == "stylegan2"
    return SHEET_ROWS[-1:] if generator_only else SHEET_ROWS
