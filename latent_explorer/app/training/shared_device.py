# SPDX-License-Identifier: MIT
"""Window and training on one device: what must be said before, and how the training is held back while it matters."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.app.training.run_view import RunView

REQUEST_INTERVAL = 0.5  # seconds between two requests for room; the training waits for one from the last
_UNKNOWN = (("auto", "Automatic"), ("cpu", "CPU"))


class SharedDevice:
    """Knows where the window computes, and asks a training there for room."""

    def __init__(self) -> None:
        self.choices: tuple[tuple[str, str], ...] = _UNKNOWN  # (id, words), "auto" first
        self.model: Path | None = None  # the explainer on the screen
        self._window = ""  # id of the device that the window computes on; empty while nothing is open
        self._asked = 0.0

    def set_window(self, device: str, choices: tuple[tuple[str, str], ...]) -> None:
        """Note the device that the window computes on (in words), and those that can be chosen."""
        self.choices = choices
        self._window = next((key for key, words in self._named() if words == device), "")

    def hold_training_back(self, run: RunView) -> None:
        """Hold the training back for a moment, if it computes where the window does."""
        now = time.monotonic()
        if now - self._asked < REQUEST_INTERVAL:
            return
        device = run.status.device if run.status is not None else ""
        if not device or device == self._window or not self._window:
            self._asked = now
            run.folder.busy()

    def warning(self, device: str) -> str:
        """What must be said before a training on `device` (an id) begins; empty when the window is elsewhere."""
        named = self._named()
        chosen = named[0][0] if device == "auto" else device
        if chosen != self._window:
            return ""
        if chosen == "cpu":
            return (
                "The training shares the processor with this window. It waits while you move a slider, "
                "yet pictures may come a little later."
            )
        return (
            f"{dict(named)[chosen]} draws this window's pictures, too. The training waits while you move a slider, "
            "and both share its memory: at large sizes choose another device for one of them."
        )

    def _named(self) -> list[tuple[str, str]]:
        return [choice for choice in self.choices if choice[0] != "auto"]
