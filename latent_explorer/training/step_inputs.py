# SPDX-License-Identifier: MIT
"""Inputs of the generator in a step: noise maps, latents of the mapping path, and re-paired latents.

Pictures of a step have fixed positions in its whole batch, which random numbers and processes depend on: first the
encoded ones, then those of the mapping path, then the re-paired ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from latent_explorer.training import losses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.models.processes import World
    from latent_explorer.models.synthesis import Styles, SynthesisNetwork
    from latent_explorer.training.config import TrainConfig
    from latent_explorer.training.randomness import Purpose, StepRandom


class BatchPositions:
    """Positions of this process's pictures in a step's batch. A plain StyleGAN2 has a whole batch from the mapping."""

    def __init__(self, config: TrainConfig, world: World) -> None:
        c, stylex = config, config.mode == "stylex"
        mapped, repaired = (c.mapped, c.repaired) if stylex else (c.batch, 0)
        self.encoded = world.share(c.batch if stylex else 0)
        self.mapped = world.share(mapped, first=c.batch)
        self.repaired = world.share(repaired, first=c.batch + mapped)
        self.real = world.share(c.discriminated if stylex else c.batch)  # that D sees
        # Whose class a generated picture is told: a place in the shuffled batch, no two the same.
        self.mapped_partner = [i - c.batch for i in self.mapped]
        self.repaired_partner = [i - mapped - repaired for i in self.repaired]

    @property
    def generated(self) -> list[int]:
        """Positions of the pictures that are not encoded."""
        return [*self.mapped, *self.repaired]

    def shown(self, count: int) -> list[int]:
        """Return the rows that D sees of a step's `count` pictures: as many encoded as real ones, and all others."""
        encoded = len(self.encoded)
        return [*range(min(encoded, len(self.real))), *range(encoded, count)]


def noise_maps(
    synthesis: SynthesisNetwork, draws: StepRandom, purpose: Purpose, samples: Sequence[int]
) -> list[Tensor]:
    """Draw noise for the pictures at `samples`, one (N, 1, H, W) for every 3x3 convolution."""
    sides = [layer.resolution for layer in synthesis.layout.conv_layers]
    flat = draws.normal(purpose, (sum(side * side for side in sides),), samples)
    pieces = flat.to(synthesis.layer("b4.conv1").weight.device).split([side * side for side in sides], dim=1)
    return [p.reshape(-1, 1, side, side) for p, side in zip(pieces, sides, strict=True)]


def hear(cond: Tensor, untold: Tensor) -> Tensor:
    """What the generator hears of the classes cond (N, K): of pictures that it is not told, (N, 1), 1/K of each."""
    return torch.where(untold, torch.full_like(cond, 1 / max(cond.shape[1], 1)), cond)


def mix_class_styles(
    synthesis: SynthesisNetwork, ws: Tensor, own: Tensor, other: Tensor, numbers: Tensor
) -> tuple[Styles, Tensor]:
    """Compute a random share of the styles of ws (N, num_ws, w_dim) for another class, as when sliders are moved.

    Returns the styles and the target (N, K): probabilities between `own` and `other` (N, K) in the space of logits, by
    the moved share of the class weights. So effects add up, style by style, and no single style can carry the class.
    `numbers` (N, 1 + styles of all layers) are uniform: the share, then one number for each style.
    """
    before, after = synthesis.styles(ws, own), synthesis.styles(ws, other)
    share, rest = numbers[:, :1], numbers[:, 1:]
    heard = [piece < share for piece in rest.split([x.shape[1] for x in before], dim=1)]
    styles = [torch.where(m, y, x) for m, x, y in zip(heard, before, after, strict=True)]
    with torch.no_grad():
        weights = [x.abs().sum(dim=1) for x in losses.class_weights(synthesis)]
    moved = torch.stack([(m * x).sum(dim=1) for m, x in zip(heard, weights, strict=True)])
    total = torch.cat(weights).sum().clamp_min(1e-8)
    moved = moved.sum(dim=0) / total  # (N,) in 0..1
    logits = own.clamp_min(1e-6).log().lerp(other.clamp_min(1e-6).log(), moved[:, None])
    return styles, logits.softmax(dim=1)
