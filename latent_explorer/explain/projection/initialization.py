# SPDX-License-Identifier: MIT
"""Where a projection starts: the encoder's latent, the mean, a random one, or the nearest of many random pictures.

Every start is one w, repeated to all rows. Moving on from it is `explain.projection`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Progress
from latent_explorer.explain.latents import Latent, mapped_w, seed_latent
from latent_explorer.explain.projection.loss import area_downsample
from latent_explorer.explain.projection.seed_cache import (
    batch_size,
    pictures_of,
    seed_thumbnails,
    thumbnails,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from torch import Tensor

    from latent_explorer.explain.projection.settings import ProjectionSettings, Start
    from latent_explorer.models.explainer import Explainer
    from latent_explorer.models.perceptual import PerceptualDistance

_MEAN_SAMPLES = 10_000  # mapped z's, as NVIDIA's projector takes them
_SHORTLIST = 32  # of the nearest thumbnails are rendered and compared in full


def resolve_start(model: Explainer, settings: ProjectionSettings) -> Start:
    """The start that "auto" stands for. UserError where an encoder is asked for and there is none."""
    if settings.start == "auto":
        return "average" if model.encoder is None else "encoder"
    if settings.start == "encoder" and model.encoder is None:
        raise UserError(
            f"{model.name} has no encoder to start from. Start from the nearest sample, or train an encoder "
            "(latent-explorer train-encoder)."
        )
    return settings.start


def initial_ws(
    model: Explainer,
    start: Start,
    targets: Tensor,
    cond: Tensor | None,
    settings: ProjectionSettings,
    distance: PerceptualDistance,
) -> Generator[Event, None, Tensor]:
    """ws (N, num_ws, w_dim) to start from for the targets (N, 3, R, R), told cond (N, K). A job within a job."""
    generator = model.generator
    n = len(targets)
    if start in ("nearest", "average"):
        wanted = 1 if start == "nearest" else settings.nearest_average
        rows = []
        seen = yield from seed_thumbnails(model, settings.nearest_of)
        for i in range(n):
            told = None if cond is None else cond[i : i + 1]
            nearest = _nearest(model, targets[i : i + 1], told, seen, wanted, distance)
            rows.append((yield from nearest))
        return generator.broadcast(torch.cat(rows)).contiguous()
    with torch.no_grad():
        if start == "encoder":
            assert model.encoder is not None
            w = model.encoder(targets).float()
        elif start == "mean":
            w = mapped_w(generator, _MEAN_SAMPLES).mean(dim=0, keepdim=True)
        else:
            w = seed_latent(model, settings.seed).ws[:, 0]
        return generator.broadcast(w.expand(n, -1)).contiguous()


def _nearest(
    model: Explainer,
    target: Tensor,
    cond: Tensor | None,
    seen: np.ndarray,
    wanted: int,
    distance: PerceptualDistance,
) -> Generator[Event, None, Tensor]:
    """Mean w (1, w_dim) of the `wanted` seeds whose pictures, told `cond`, are nearest to the target (1, 3, R, R)."""
    near = seen.astype(np.float32) - thumbnails(target).astype(np.float32)
    order = np.argsort(np.square(near).mean(axis=(1, 2, 3)), kind="stable")
    seeds = [int(seed) for seed in order[: max(_SHORTLIST, wanted)]]
    small = area_downsample(target)
    ws, distances, size = [], [], batch_size(model)
    for first in range(0, len(seeds), size):
        batch = [seed_latent(model, seed) for seed in seeds[first : first + size]]
        latents = [Latent(latent.ws, cond) for latent in batch]
        with torch.no_grad():
            img = area_downsample(pictures_of(model, latents))
            distances.append(distance(img, small.expand_as(img)).cpu())
        ws += [latent.ws[:, 0] for latent in latents]
        yield Progress(min(first + size, len(seeds)), len(seeds), "Finding the nearest")
    best = torch.cat(distances).argsort(stable=True)[:wanted].tolist()
    return torch.cat([ws[i] for i in best]).mean(dim=0, keepdim=True)
