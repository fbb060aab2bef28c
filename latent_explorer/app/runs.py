# SPDX-License-Identifier: MIT
"""The run history: views of run folders, polled without cost while nothing changes. The files are `training.record`'s."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from latent_explorer.training.config import TrainConfig
    from latent_explorer.training.record import RunFolder, RunStatus

State = Literal[
    "starting", "running", "paused", "stopped", "finished", "failed", "interrupted", "unknown"
]


class RunView:
    """One run folder as the window sees it. Attributes are what the last `poll` read."""

    folder: RunFolder
    path: Path
    name: str
    config: TrainConfig | None  # None: not written yet, or not readable
    status: RunStatus | None
    alive: bool  # somebody works on it
    state: State  # "interrupted": says that it runs, but nobody does
    message: str  # how it stands or why it ended, in one sentence
    requested: str  # "pause" or "stop" while that was asked for and not done yet
    series: dict[str, list[tuple[float, float]]]  # (images seen, value), by the figure's name
    sheets: list[Path]  # sorted by images seen
    log: list[str]  # sentences with their local time
    result: Path | None  # the finished explainer

    def poll(self) -> bool:
        """Read what is new. Whether there was anything."""
        raise NotImplementedError
