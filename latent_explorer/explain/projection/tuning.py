# SPDX-License-Identifier: MIT
"""Pivotal tuning: the latent stays, the generator moves until it shows the picture (Roich et al. 2021).

Only the change of the weights is kept. Ranges and effects of attributes were measured on the untuned generator, so
with it they are approximate. How a delta renders is `explain.render.tuned`.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

from latent_explorer.common.events import Event, Progress
from latent_explorer.explain.render.tuned import latent_styles

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from torch import Tensor

    from latent_explorer.explain.latents import Latent
    from latent_explorer.explain.projection.loss import PictureLoss
    from latent_explorer.explain.projection.settings import ProjectionSettings
    from latent_explorer.models.stylegan2 import Generator as Network


def tune(
    generator: Network, latent: Latent, loss: PictureLoss, row: int, settings: ProjectionSettings
) -> Generator[Event, None, Mapping[str, Tensor]]:
    """What must be added to the generator's tensors (fp16, on the CPU) to show target `row` of the loss
    from the latent.

    Adam on all weights of the synthesis; the best step is kept, or nothing where no step was better.
    """
    tuned = copy.deepcopy(generator)
    synthesis = tuned.synthesis.requires_grad_(True)
    optimiser = torch.optim.Adam(synthesis.parameters(), lr=settings.tuning_lr)
    rows = torch.tensor([row], device=latent.ws.device)
    maps = latent.noise or synthesis.noise_const()
    best, kept = float("inf"), {}
    for step in range(settings.tuning + 1):
        styles = latent_styles(synthesis, latent, latent.ws, latent.cond)
        made_small, compared, _ = loss(synthesis.render(styles, maps), rows)
        if float(compared) < best:
            best = float(compared)
            kept = {k: p.detach().clone() for k, p in synthesis.named_parameters()}
        if step == settings.tuning:
            break
        optimiser.zero_grad()
        torch.autograd.backward(made_small.sum())
        optimiser.step()
        yield Progress(step + 1, settings.tuning, "Tuning the generator")
    return _delta(generator, kept)


@torch.no_grad()
def _delta(generator: Network, kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    before = dict(generator.synthesis.named_parameters())
    changes = {f"synthesis.{k}": (p - before[k]).half().cpu().contiguous() for k, p in kept.items()}
    return {name: change for name, change in changes.items() if change.any()}
