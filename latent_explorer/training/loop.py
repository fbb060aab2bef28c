# SPDX-License-Identifier: MIT
"""Loop over the steps of a training that can be paused, and running means of its losses."""

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
    """Base class of trainings that can be saved, left and continued between any two steps."""

    @abstractmethod
    def is_finished(self) -> bool:
        """Return True if all images were seen."""

    @abstractmethod
    def step(self) -> Iterable[Event]:
        """Take one step, do what is due after it, then return events. The reader may stop at any of these."""

    @abstractmethod
    def progress(self) -> Progress:
        """Return the images seen, and the estimated time for the rest."""

    @abstractmethod
    def save(self) -> None:
        """Write a checkpoint of everything that the next step depends on."""

    def should_stop(self, asked: Callable[[], object]) -> bool:
        """Return True to leave the loop here."""
        return bool(asked())

    def run_steps(self, should_stop: Callable[[], object]) -> Generator[Event, None, bool]:
        """Take steps until all images were seen or `should_stop()` is true. Return True if all were seen.

        A checkpoint is written at the end and when the generator is closed.
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
    """Means of the losses since the last line of figures, kept on the device until `take`."""

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
        """Return the means, in one transfer from the device, and begin a new interval."""
        if not self._sums:
            return {}
        sums = torch.stack(list(self._sums.values())).tolist()
        means = {name: total / self._counts[name] for name, total in zip(self._sums, sums, strict=True)}
        self._sums, self._counts = {}, {}
        return means

    def state(self) -> dict[str, Any]:
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def load_state(self, state: dict[str, Any], device: torch.device) -> None:
        """Restore the sums on `device`, where the next step's losses are."""
        self._sums = {name: total.to(device) for name, total in state["sums"].items()}
        self._counts = dict(state["counts"])
