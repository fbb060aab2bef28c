# SPDX-License-Identifier: MIT
"""Window and training on one device: what must be said before, and how the training is held back while it matters."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from latent_explorer.app import updates

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.app.runs import RunView

EVERY = 0.5  # seconds between two requests for room; the training waits for one from the last
_UNKNOWN = (("auto", "Automatic"), ("cpu", "CPU"))


class SharedDevice:
    """Listens to the explorer; knows where the window computes and when a person is at it."""

    def __init__(self) -> None:
        self.choices: tuple[tuple[str, str], ...] = _UNKNOWN  # (id, words), "auto" first
        self.model: Path | None = None  # the explainer on the screen
        self._window = ""  # in words; empty while nothing is open
        self._asked = 0.0

    def heard(self, update: updates.Update) -> bool:
        """Take note of an update. Whether it says that a person is moving something."""
        if isinstance(update, updates.DeviceChanged):
            self._window, self.choices = update.device, update.choices
        elif isinstance(update, updates.ModelOpened):
            self._window, self.model = update.device, update.path
        return isinstance(update, (updates.StateChanged, updates.HoverPicture))

    def ask_for_room(self, run: RunView) -> None:
        """Hold the training back for a moment, if it computes where the window does."""
        now = time.monotonic()
        if now - self._asked < EVERY:
            return
        device = run.status.device if run.status is not None else ""
        if not device or not self._window or _same(device, self._window):
            self._asked = now
            run.folder.busy()

    def warning(self, device: str) -> str:
        """What must be said before a training on `device` (an id) begins; empty when the window is elsewhere."""
        named = [(key, words) for key, words in self.choices if key != "auto"]
        key, words = next((c for c in named if c[0] == device), named[0])
        if device not in ("auto", key) or not self._window or not _same(words, self._window):
            return ""
        if key == "cpu":
            return (
                "The training shares the processor with this window. It waits while you move a slider, "
                "yet pictures may come a little later."
            )
        return (
            f"{words} draws this window's pictures, too. The training waits while you move a slider, and both share "
            "its memory: at large sizes choose another device for one of them."
        )


def _same(a: str, b: str) -> bool:
    """Whether two names are of one device; the CPU's says with how many threads, which differ."""
    return a.partition(",")[0].lower() == b.partition(",")[0].lower()
