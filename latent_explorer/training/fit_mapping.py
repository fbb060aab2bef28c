# SPDX-License-Identifier: MIT
"""Final fit of the mapping network alone, which makes random seeds nearly as good as reconstructions.

During a training the encoder keeps moving its latents, and the mapping lags far behind. Once the encoder is fixed, its
latents are a fixed set of points, and the mapping can be fitted to their distribution in a minute, without drawing a
picture. Distributions are compared by the sliced Wasserstein distance (Bonneel et al. 2015), as in the training; from
re-paired latents the generator has learned to draw any encoded w with any `cond`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from latent_explorer.common.events import Event, Progress
from latent_explorer.training.losses import sliced_wasserstein

if TYPE_CHECKING:
    from collections.abc import Generator

    from torch import Tensor

    from latent_explorer.models.stylegan2 import MappingNetwork

FITTING = "Fitting random seeds"
BATCH = 1024  # latents compared in a step
PROJECTIONS = 64  # directions to compare along: more are slower and end no nearer
LR = 0.03  # of the effective weights; on leaf-health half of it ends 1.4 times as far away, twice it 4 times
HELD_OUT = 512  # directions to judge the fit by
AVERAGED = 8192  # z for the mean that becomes w_avg
_TURN = 50  # steps between two Progress events


def fit_mapping(mapping: MappingNetwork, w: Tensor, steps: int) -> Generator[Event, None, tuple[float, float]]:
    """Fit the mapping in place to the distribution of the encoded w (N, w_dim). A job; deterministic.

    Returns the squared sliced Wasserstein distance before and after. The weights stay as they were if the distance
    would grow, or if the mapping takes classes.
    """
    before = spread_distance(mapping, w)
    if not steps or mapping.c_dim:
        return before, before
    start = {name: tensor.clone() for name, tensor in mapping.state_dict().items()}
    rng = torch.Generator().manual_seed(0)
    mapping.requires_grad_(True)
    optimiser = torch.optim.Adam(_groups(mapping), betas=(0.0, 0.99))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / steps))
    for step in range(steps):
        if step % _TURN == 0:
            yield Progress(step, steps, FITTING)
        rows = torch.randint(len(w), (BATCH,), generator=rng)
        directions = _normal(mapping, mapping.w_dim, PROJECTIONS, rng)
        mapped = mapping(_normal(mapping, BATCH, mapping.z_dim, rng))
        optimiser.zero_grad(set_to_none=True)
        sliced_wasserstein(mapped, w[rows.to(w.device)], directions).backward()
        optimiser.step()
        schedule.step()
    mapping.requires_grad_(False)
    after = spread_distance(mapping, w)
    if not after < before:
        mapping.load_state_dict(start)
        return before, before
    with torch.no_grad():
        mapping.w_avg.copy_(mapping(_normal(mapping, AVERAGED, mapping.z_dim, rng)).mean(dim=0))
    return before, after


@torch.no_grad()
def spread_distance(mapping: MappingNetwork, w: Tensor) -> float:
    """Return the squared sliced Wasserstein distance of the mapping's w from w (N, w_dim), in units of w's variance.

    By z's and directions that are the same at every call, and that no fit has seen. NaN of a mapping that
    takes classes.
    """
    if mapping.c_dim:
        return math.nan
    rng = torch.Generator().manual_seed(1)
    mapped = mapping(_normal(mapping, len(w), mapping.z_dim, rng))
    directions = _normal(mapping, mapping.w_dim, HELD_OUT, rng)
    distance = sliced_wasserstein(mapped, w, directions)
    return float(distance / w.var(dim=0).mean().clamp_min(1e-12))


def _groups(mapping: MappingNetwork) -> list[dict[str, object]]:
    """Return parameter groups whose learning rates cancel the layers' multiplier (`bias_gain`)."""
    layers = [getattr(mapping, f"fc{i}") for i in range(mapping.num_layers)]
    return [{"params": list(layer.parameters()), "lr": LR / layer.bias_gain} for layer in layers]


def _normal(mapping: MappingNetwork, rows: int, columns: int, rng: torch.Generator) -> Tensor:
    return torch.randn(rows, columns, generator=rng).to(mapping.w_avg)
