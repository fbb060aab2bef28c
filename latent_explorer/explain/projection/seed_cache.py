# SPDX-License-Identifier: MIT
"""Cache of a generator's random pictures: thumbnails of its seeds, distances of pairs.

Computing them takes minutes for a large generator. All of it can be computed again, so failing to read or write it is
not an error. One file for each model in the user's cache folder.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import torch

from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.common.events import Event, Progress
from latent_explorer.common.guarded_arrays import read_arrays
from latent_explorer.common.paths import atomic_path, cache_dir
from latent_explorer.data.images import to_uint8
from latent_explorer.explain.latents import Latent, seed_latent
from latent_explorer.explain.projection.loss import area_downsample

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from torch import Tensor

    from latent_explorer.models.explainer import Explainer
    from latent_explorer.models.perceptual import PerceptualDistance

THUMBNAIL = 16  # px; enough to tell which of hundreds are worth a closer look
PAIRS = 64
_LARGEST_BATCH = 8
_MAX_BYTES = 1 << 28

log = logging.getLogger(__name__)


def batch_size(model: Explainer) -> int:
    """Return how many pictures of this generator are rendered at once."""
    # On a CPU a batch of large pictures saves nothing and lets the slider wait; elsewhere it must fit into the memory.
    largest = 64 if model.generator.mapping.w_avg.device.type == "cpu" else 256  # px
    return max(1, min(_LARGEST_BATCH, _LARGEST_BATCH * largest**2 // model.generator.config.resolution**2))


def _path(model: Explainer) -> Path:
    return cache_dir() / f"seeds-{model.model_hash[:16]}.npz"


def _load(model: Explainer) -> dict[str, np.ndarray]:
    try:
        path = _path(model)
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return {}
        return read_arrays(path, None, _MAX_BYTES)
    except (OSError, UserError, DamagedData) as error:
        log.info("The cache of seeds is not used: %s", error)
        return {}


def _store(model: Explainer, arrays: dict[str, np.ndarray]) -> None:
    try:
        with atomic_path(_path(model), durable=False) as temporary:
            np.savez(temporary, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the names for its own
    except (OSError, UserError) as error:
        log.info("The cache of seeds is not kept: %s", error)


@torch.no_grad()
def pictures_of_seeds(model: Explainer, seeds: range) -> Tensor:
    """Render seeds as the window shows them: (n, 3, R, R) in [-1, 1]."""
    latents = [seed_latent(model, seed) for seed in seeds]
    return pictures_of(model, latents)


@torch.no_grad()
def pictures_of(model: Explainer, latents: list[Latent]) -> Tensor:
    """Render latents in W+ with the stored noise: (n, 3, R, R) in [-1, 1]."""
    synthesis = model.generator.synthesis
    conds = [latent.cond for latent in latents if latent.cond is not None]
    cond = torch.cat(conds) if conds else None
    img: Tensor = synthesis(torch.cat([x.ws for x in latents]), cond, synthesis.noise_const())
    return img.clamp(-1, 1)


def thumbnails(img: Tensor) -> np.ndarray:
    """Reduce pictures (n, 3, R, R) in [-1, 1] to (n, 16, 16, 3) uint8."""
    return to_uint8(area_downsample(img, THUMBNAIL).float().cpu().numpy())


def _thumbnails_of(cached: dict[str, np.ndarray]) -> np.ndarray:
    images = cached.get("thumbnails", np.zeros(0, np.uint8))
    if images.dtype != np.uint8 or images.shape[1:] != (THUMBNAIL, THUMBNAIL, 3):
        return np.zeros((0, THUMBNAIL, THUMBNAIL, 3), np.uint8)
    return images


def _pairs_of(cached: dict[str, np.ndarray], distance: PerceptualDistance) -> np.ndarray | None:
    distances = cached.get(_pairs_name(distance))
    if distances is None or distances.shape != (PAIRS,) or distances.dtype != np.float32:
        return None
    return distances


def _pairs_name(distance: PerceptualDistance) -> str:
    return f"pairs {distance.name}"


def missing_pictures(model: Explainer, seeds: int, distance: PerceptualDistance) -> int:
    """Return how many pictures `seed_thumbnails` of so many seeds and `pair_distances` would render now."""
    cached = _load(model)
    pairs = 0 if _pairs_of(cached, distance) is not None else PAIRS + 1
    return pairs + max(0, seeds - len(_thumbnails_of(cached)))


def seed_thumbnails(model: Explainer, count: int) -> Generator[Event, None, np.ndarray]:
    """Return thumbnails (count, 16, 16, 3) uint8 of the seeds 0, 1, ..., cached or rendered. A job within a job."""
    images = _thumbnails_of(_load(model))
    if len(images) >= count:
        return images[:count]
    parts, done = [images], len(images)
    while done < count:
        seeds = range(done, min(done + batch_size(model), count))
        parts.append(thumbnails(pictures_of_seeds(model, seeds)))
        done = seeds.stop
        yield Progress(done, count, "Looking through random pictures")
    images = np.concatenate(parts)
    _store(model, _load(model) | {"thumbnails": images})
    return images


def pair_distances(model: Explainer, distance: PerceptualDistance) -> Generator[Event, None, np.ndarray]:
    """Return sorted distances (PAIRS,) float32 between pictures of neighbouring seeds. A job within a job."""
    distances = _pairs_of(_load(model), distance)
    if distances is not None:
        return distances
    parts, size = [], batch_size(model)  # a power of two, as PAIRS is
    last = area_downsample(pictures_of_seeds(model, range(1)))
    for done in range(0, PAIRS, size):
        img = torch.cat([last, area_downsample(pictures_of_seeds(model, range(done + 1, done + size + 1)))])
        last = img[-1:]
        with torch.no_grad():
            parts.append(distance(img[:-1], img[1:]).float().cpu().numpy())
        yield Progress(done + size, PAIRS, "Comparing random pictures")
    distances = np.sort(np.concatenate(parts))
    _store(model, _load(model) | {_pairs_name(distance): distances})
    return distances
