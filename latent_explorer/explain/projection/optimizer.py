# SPDX-License-Identifier: MIT
"""Optimisation of latents, and by pivotal tuning of the generator, towards pictures.

A few pictures share a batch; each keeps its own best latent and ends by itself.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.events import Event, Progress
from latent_explorer.explain.latents import Latent, latent_styles, mapped_w
from latent_explorer.explain.projection.loss import (
    PictureLoss,
    learning_rate,
    noise_on_w,
    noise_penalty,
    normalise_noise,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.projection_settings import ProjectionSettings
    from latent_explorer.models.explainer import Explainer
    from latent_explorer.models.stylegan2 import Generator as Network
    from latent_explorer.models.synthesis import Styles

_SPREAD_SAMPLES = 256  # latents that the spread of styles is measured on
_MIN_SPREAD = 0.1  # of a layer's mean spread: styles that hardly vary may still move
_IMPROVEMENT_FACTOR = 0.999  # of the loss before: a smaller gain does not count against early stopping


class LatentVariables:
    """Latents of N pictures as tensors with gradients.

    start   ws (N, num_ws, w_dim), all rows of a picture alike
    cond    (N, K) or None: held fixed
    w_std   what a step of 1 means in W and W+
    """

    def __init__(
        self,
        model: Explainer,
        start: Tensor,
        cond: Tensor | None,
        settings: ProjectionSettings,
        w_std: float,
    ) -> None:
        self._synthesis = model.generator.synthesis
        self.cond = cond
        self._start = start
        self._space = space = settings.space
        n = len(start)
        raw = settings.lr_unit == "raw"
        shapes: list[tuple[int, ...]]
        if space == "s":
            with torch.no_grad():
                self._styles = self._synthesis.styles(start, cond)
            shapes = [tuple(style.shape) for style in self._styles]
            ones = [torch.ones_like(style[0]) for style in self._styles]
            self._units = ones if raw else style_spread(model)
        else:
            shapes = [(n, 1 if space == "w" else start.shape[1], start.shape[2])]
            self._units = [start.new_tensor(1.0 if raw else w_std)]
        self.moved = [start.new_zeros(shape).requires_grad_() for shape in shapes]
        self.noise: list[Tensor] = []
        if settings.noise == "optimise":
            maps = self._synthesis.noise_const()
            self.noise = [m.repeat(n, 1, 1, 1).requires_grad_() for m in maps]
        self._best = [leaf.detach().clone() for leaf in self.parameters]

    def __len__(self) -> int:
        return len(self._start)

    @property
    def parameters(self) -> list[Tensor]:
        return [*self.moved, *self.noise]

    def ws(self, rows: Tensor, jitter: Tensor | None = None) -> Tensor:
        """Return ws (n, num_ws, w_dim) of the pictures `rows` (n,) plus `jitter`; in style space the start."""
        start = self._start[rows]
        if self._space == "s":
            return start
        moved = self.moved[0][rows] * self._units[0]
        return start + (moved if jitter is None else moved + jitter)

    def jitter(self, scale: float, rng: torch.Generator) -> Tensor | None:
        """Draw noise of this scale for latents in W and W+, the same for every picture."""
        if not scale or self._space == "s":
            return None
        shape = self.moved[0].shape[1:]
        return torch.randn(1, *shape, generator=rng).to(self._start) * scale

    def render(self, rows: Tensor, jitter: Tensor | None = None) -> Tensor:
        """Render the pictures `rows` (n, 3, R, R), nominally in [-1, 1], with gradients."""
        cond = None if self.cond is None else self.cond[rows]
        if self._space == "s":
            styles = self._moved_styles(self.moved, rows)
        else:
            styles = self._synthesis.styles(self.ws(rows, jitter), cond)
        maps = [m[rows] for m in self.noise] if self.noise else self._synthesis.noise_const()
        return self._synthesis.render(styles, maps)

    @torch.no_grad()
    def keep(self, rows: Tensor) -> None:
        """Keep the present latents of the pictures `rows` as their best."""
        for best, leaf in zip(self._best, self.parameters, strict=True):
            best[rows] = leaf[rows]

    @torch.no_grad()
    def best(self, i: int) -> Latent:
        """Return the best latent of picture i."""
        rows = torch.tensor([i], device=self._start.device)
        count = len(self.moved)
        moved, noise = self._best[:count], self._best[count:]
        ws, styles = self._start[rows], None
        if self._space == "s":
            styles = tuple(self._moved_styles(moved, rows))
        else:
            ws = ws + moved[0][rows] * self._units[0]
        return Latent(
            ws=ws.contiguous(),
            cond=None if self.cond is None else self.cond[rows],
            noise=tuple(m[rows].contiguous() for m in noise) or None,
            styles=styles,
        )

    def _moved_styles(self, moved: list[Tensor], rows: Tensor) -> Styles:
        parts = zip(self._styles, moved, self._units, strict=True)
        return [style[rows] + change[rows] * unit for style, change, unit in parts]


@torch.no_grad()
def style_spread(model: Explainer) -> list[Tensor]:
    """Return the standard deviation of styles, (channels,) for each layer: over encoded pictures, else over seeds."""
    generator = model.generator
    samples = model.samples
    cond = None
    if samples is not None and len(samples) > 1:
        ws, cond = samples.ws[:_SPREAD_SAMPLES], samples.cond_of(slice(_SPREAD_SAMPLES))
    else:
        ws = generator.broadcast(mapped_w(generator, _SPREAD_SAMPLES))
        if num_classes := generator.config.num_classes:
            cond = torch.full((_SPREAD_SAMPLES, num_classes), 1 / num_classes).to(ws)
    spreads = [style.std(dim=0) for style in generator.synthesis.styles(ws, cond)]
    return [s.clamp_min(max(_MIN_SPREAD * float(s.mean()), 1e-6)) for s in spreads]


@dataclass(frozen=True)
class OptimizationStep:
    """Losses of the pictures that still move after a step."""

    number: int
    rows: np.ndarray  # (n,) which of the batch
    loss: np.ndarray  # (n,)
    perceptual: np.ndarray  # (n,)


class LatentOptimizer:
    """Optimiser of N pictures; `steps_to_best` (N,) holds the step of each one's best, counted from `begun_at`."""

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
        self._reference_losses = np.full(count, np.inf)  # that the next improvement is measured from
        self._improved_at = np.zeros(count, dtype=int)
        self._moving = np.ones(count, dtype=bool)
        self.steps_to_best = np.zeros(count, dtype=int)

    def run(self, budget: StepBudget) -> Iterator[OptimizationStep | None]:
        """Run all steps; yield None in the middle of one that is longer than the budget."""
        settings = self._settings
        optimiser = torch.optim.Adam(self.variables.parameters, lr=settings.lr, betas=(0.9, 0.999))
        for step in range(settings.steps + 1):
            began = time.perf_counter()
            rows = np.flatnonzero(self._moving)
            share = step / max(1, settings.steps)
            total, state = self._evaluate(rows, step, share)
            self._keep_improved(rows, state.loss, step)
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
        """Return the sum to minimise, and the losses of the pictures before the step."""
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
        """Return (n,): the penalty on ws (n, num_ws, w_dim) far from the mean, and on rows far from each other."""
        settings = self._settings
        penalty = ws.new_zeros(len(ws))
        if settings.near_mean:
            from_mean = (ws - self._w_avg) / self._w_std
            penalty = penalty + settings.near_mean * from_mean.square().mean(dim=(1, 2))
        if settings.spread:
            from_row_mean = (ws - ws.mean(dim=1, keepdim=True)) / self._w_std
            penalty = penalty + settings.spread * from_row_mean.square().mean(dim=(1, 2))
        return penalty

    def _keep_improved(self, rows: np.ndarray, losses: np.ndarray, step: int) -> None:
        """Keep latents that improved, and end pictures that have not improved for `early_stop` steps."""
        settings = self._settings
        newest = settings.keep == "last" or settings.w_noise > 0
        better = np.isfinite(losses) if newest else losses < self._best[rows]
        chosen = rows[better]
        if len(chosen):
            self.variables.keep(torch.from_numpy(chosen).to(self._w_avg.device))
            self._best[chosen] = losses[better]
            self.steps_to_best[chosen] = step
        improved = rows[losses < _IMPROVEMENT_FACTOR * self._reference_losses[rows]]
        self._reference_losses[improved] = losses[np.isin(rows, improved)]
        self._improved_at[improved] = step
        if settings.early_stop:
            self._moving[rows] = step - self._improved_at[rows] < settings.early_stop


def _numbers(values: Tensor) -> np.ndarray:
    array: np.ndarray = values.detach().double().cpu().numpy()
    return array


def tune(
    generator: Network, latent: Latent, loss: PictureLoss, row: int, settings: ProjectionSettings
) -> Generator[Event, None, Mapping[str, Tensor]]:
    """Tune the generator to show target `row` of the loss from a latent; return the change of its tensors.

    Pivotal tuning (Roich et al. 2021): the latent stays, the weights move. The change is what must be added to each
    tensor, by name, in fp16 on the CPU; empty where no step was better. Adam on all weights of the synthesis; the best
    step is kept. Ranges and effects of attributes were measured on the untuned generator, so they are approximate.
    """
    tuned = copy.deepcopy(generator)
    synthesis = tuned.synthesis.requires_grad_(True)
    optimiser = torch.optim.Adam(synthesis.parameters(), lr=settings.tuning_lr)
    rows = torch.tensor([row], device=latent.ws.device)
    maps = latent.noise or synthesis.noise_const()
    best, best_weights = float("inf"), {}
    for step in range(settings.tuning + 1):
        styles = latent_styles(synthesis, latent, latent.ws, latent.cond)
        objective, compared, _ = loss(synthesis.render(styles, maps), rows)
        if float(compared) < best:
            best = float(compared)
            best_weights = {k: p.detach().clone() for k, p in synthesis.named_parameters()}
        if step == settings.tuning:
            break
        optimiser.zero_grad()
        torch.autograd.backward(objective.sum())
        optimiser.step()
        yield Progress(step + 1, settings.tuning, "Tuning the generator")
    return _delta(generator, best_weights)


@torch.no_grad()
def _delta(generator: Network, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    before = dict(generator.synthesis.named_parameters())
    changes = {f"synthesis.{k}": (p - before[k]).half().cpu().contiguous() for k, p in weights.items()}
    return {name: change for name, change in changes.items() if change.any()}
