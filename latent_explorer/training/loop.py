# SPDX-License-Identifier: MIT
"""The loop over steps that every training which can be paused shares, and the means of its losses. No network here."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from torch import Tensor

    from latent_explorer.common.events import Event, Progress

LOG_EVERY = 50  # steps
PROGRESS_SECONDS = 1.0


class TrainingLoop(ABC):
    """A training between two steps: it can be saved, left and continued at any of them."""

    @abstractmethod
    def is_finished(self) -> bool:
        """Whether all images were seen."""

    @abstractmethod
    def step(self) -> Iterable[Event]:
        """Take one step, do whatever is due after it, and only then return events: a reader may leave at any
        of them."""

    @abstractmethod
    def progress(self) -> Progress:
        """How far it is, and how long the rest takes."""

    @abstractmethod
    def save(self) -> None:
        """Write a checkpoint that holds everything the next step depends on."""

    def should_stop(self, asked: Callable[[], object]) -> bool:
        """Whether to leave the loop here."""
        return bool(asked())

    def run_steps(self, should_stop: Callable[[], object]) -> Generator[Event, None, bool]:
        """Take steps until all images were seen or `should_stop` says so; returns whether it came to its end.

        A checkpoint is written then, and when the generator is closed.
        """
        shown = -math.inf
        try:
            while not self.is_finished() and not self.should_stop(should_stop):
                yield from self.step()
                if time.monotonic() - shown >= PROGRESS_SECONDS:
                    shown = time.monotonic()
                    yield self.progress()
        except GeneratorExit:
            self.save()
            raise
        self.save()
        yield self.progress()
        return self.is_finished()


class RunningMeans:
    """Means of the losses since the last line of figures; they stay on the device until they are asked for."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: dict[str, Tensor]) -> None:
        for name, value in values.items():
            old = self._sums.get(name)
            value = value.detach().float()
            self._sums[name] = value.clone() if old is None else old + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def are_finite(self) -> bool:
        return not self._sums or bool(torch.stack(list(self._sums.values())).isfinite().all())

    def take(self) -> dict[str, float]:
        """The means, in one transfer from the device; a new interval begins."""
        if not self._sums:
            return {}
        sums = torch.stack(list(self._sums.values())).tolist()
        means = {name: total / self._counts[name] for name, total in zip(self._sums, sums, strict=True)}
        self._sums, self._counts = {}, {}
        return means

    def state(self) -> dict[str, Any]:
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def load_state(self, state: dict[str, Any], device: torch.device) -> None:
        """All of them on `device`, where the next step's losses are: a rare one may be added to long after."""
        self._sums = {name: total.to(device) for name, total in state["sums"].items()}
        self._counts = dict(state["counts"])
