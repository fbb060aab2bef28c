# SPDX-License-Identifier: MIT
"""The steps of a projection: a few pictures in one batch move towards their targets, each with its own best and end.

Where they start and what becomes of them is `explain.projection`.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from latent_explorer.explain.projection.loss import (
    PictureLoss,
    learning_rate,
    noise_on_w,
    noise_penalty,
    normalise_noise,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.projection.settings import ProjectionSettings
    from latent_explorer.explain.projection.variables import LatentVariables

_IMPROVEMENT_FACTOR = 0.999  # of the loss that was: less is no improvement that keeps a picture from its end


@dataclass(frozen=True)
class OptimizationStep:
    """How the pictures that still move stand after a step."""

    number: int
    rows: np.ndarray  # (n,) which of the batch
    loss: np.ndarray  # (n,)
    perceptual: np.ndarray  # (n,)


class LatentOptimizer:
    """Moves the variables of N pictures; `steps_to_best` (N,) says when each was best, from `begun_at` on."""

    def __init__(
        self,
        variables: LatentVariables,
        loss: PictureLoss,
        settings: ProjectionSettings,
        w_avg: Tensor,
        w_std: float,
        rng: torch.Generator,
        begun_at: int = 0,
    ) -> None:
        self.variables = variables
        self._loss = loss
        self._settings = settings
        self._w_avg = w_avg
        self._w_std = w_std
        self._rng = rng
        self.begun_at = begun_at  # steps that were done before
        count = len(variables)
        self._best = np.full(count, np.inf)
        self._marks = np.full(count, np.inf)  # losses that an improvement is measured from
        self._marked = np.zeros(count, dtype=int)
        self._moving = np.ones(count, dtype=bool)
        self.steps_to_best = np.zeros(count, dtype=int)

    def run(self, budget: StepBudget) -> Iterator[OptimizationStep | None]:
        """All steps; yields None in the middle of one that is longer than the budget."""
        settings = self._settings
        optimiser = torch.optim.Adam(self.variables.parameters, lr=settings.lr, betas=(0.9, 0.999))
        for step in range(settings.steps + 1):
            began = time.perf_counter()
            rows = np.flatnonzero(self._moving)
            share = step / max(1, settings.steps)
            total, state = self._evaluate(rows, step, share)
            self._remember(rows, state.loss, step)
            last = step == settings.steps or not self._moving.any()
            if last:
                yield state
                return
            if time.perf_counter() - began > budget():
                yield None
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(settings, share)
            optimiser.zero_grad()
            torch.autograd.backward(total)
            optimiser.step()
            normalise_noise(self.variables.noise)
            yield state

    def _evaluate(self, rows: np.ndarray, step: int, share: float) -> tuple[Tensor, OptimizationStep]:
        """The sum that is made small, and how the pictures stand before it is."""
        settings, variables = self._settings, self.variables
        index = torch.from_numpy(rows).to(self._w_avg.device)
        scale = noise_on_w(settings, share) * self._w_std * math.sqrt(len(self._w_avg))
        jitter = variables.jitter(scale, self._rng)
        loss, compared, perceptual = self._loss(variables.render(index, jitter), index)
        total = loss + self._latent_penalty(variables.ws(index))
        if variables.noise:
            maps = [noise[index] for noise in variables.noise]
            total = total + settings.noise_regulariser * noise_penalty(maps)
        return total.sum(), OptimizationStep(step, rows, _numbers(compared), _numbers(perceptual))

    def _latent_penalty(self, ws: Tensor) -> Tensor:
        """(n,): what keeps ws (n, num_ws, w_dim) near the mean, and its rows near each other."""
        settings = self._settings
        found = ws.new_zeros(len(ws))
        if settings.near_mean:
            away = (ws - self._w_avg) / self._w_std
            found = found + settings.near_mean * away.square().mean(dim=(1, 2))
        if settings.spread:
            apart = (ws - ws.mean(dim=1, keepdim=True)) / self._w_std
            found = found + settings.spread * apart.square().mean(dim=(1, 2))
        return found

    def _remember(self, rows: np.ndarray, losses: np.ndarray, step: int) -> None:
        """Keep what is better, and end what has not become better for long."""
        settings = self._settings
        newest = settings.keep == "last" or settings.w_noise > 0
        better = np.isfinite(losses) if newest else losses < self._best[rows]
        chosen = rows[better]
        if len(chosen):
            self.variables.keep(torch.from_numpy(chosen).to(self._w_avg.device))
            self._best[chosen] = losses[better]
            self.steps_to_best[chosen] = step
        risen = rows[losses < _IMPROVEMENT_FACTOR * self._marks[rows]]
        self._marks[risen] = losses[np.isin(rows, risen)]
        self._marked[risen] = step
        if settings.early_stop:
            self._moving[rows] = step - self._marked[rows] < settings.early_stop


def _numbers(values: Tensor) -> np.ndarray:
    found: np.ndarray = values.detach().double().cpu().numpy()
    return found
