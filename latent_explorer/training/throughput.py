# SPDX-License-Identifier: MIT
"""How fast a training goes and how long it will still take. Only clocks; what is trained is elsewhere."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from latent_explorer.training.config import TrainConfig

FULL_COST = 2.0  # a step with discriminator and mapping path, in steps of reconstruction; until it is measured


class Throughput:
    """Images a second, apart for the two stages of the schedule. Time `paused` is no training: validation, writing."""

    def __init__(self, config: TrainConfig, images: int) -> None:
        self._config = config
        # The first image that the discriminator takes part in.
        self._full_from = config.adversarial_start if config.mode == "stylex" else 0
        self._started = time.monotonic()  # as if nothing had been done aside
        self._paused_at: float | None = None
        self._lap = (images, 0.0)  # images seen and seconds trained at its start
        self._rates: dict[bool, float] = {}  # by whether the discriminator takes part
        self._validations: list[float] = []

    def seconds(self) -> float:
        """Trained so far, by this process."""
        return (self._paused_at or time.monotonic()) - self._started

    @contextlib.contextmanager
    def paused(self, validation: bool = False) -> Iterator[None]:
        """Do something that is no training; the clock stands meanwhile."""
        self._paused_at = started = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - started
            self._started += took
            self._paused_at = None
            if validation:
                self._validations.append(took)

    def lap(self, images: int) -> float:
        """Images a second since the last lap; the next begins."""
        rate = self._rate(images)
        self._rates[self._is_full(self._lap[0])] = rate
        self._lap = images, self.seconds()
        return rate

    def taken_back(self, images: int) -> None:
        """The training went back to `images`: the lap is void."""
        self._lap = images, self.seconds()

    def seconds_left(self, images: int) -> float | None:
        """Seconds to the end of the schedule, validations included; None before anything was measured."""
        rates = dict(self._rates)
        if images > self._lap[0]:
            rates.setdefault(self._is_full(self._lap[0]), self._rate(images))
        if not rates:
            return None
        full = rates[True] if True in rates else rates[False] / FULL_COST
        first = rates.get(False, full * FULL_COST)
        end = self._config.images
        before = max(min(end, self._full_from) - images, 0)
        validations = end // self._config.validate_every - images // self._config.validate_every
        each = sum(self._validations) / max(len(self._validations), 1)
        return before / first + max(end - images - before, 0) / full + validations * each

    def _rate(self, images: int) -> float:
        return (images - self._lap[0]) / max(self.seconds() - self._lap[1], 1e-9)

    def _is_full(self, images: int) -> bool:
        return images >= self._full_from
