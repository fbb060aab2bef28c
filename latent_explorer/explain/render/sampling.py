# SPDX-License-Identifier: MIT
"""Pictures of many seeds or of given latents, for `generate`. What a seed means stands in `explain.latents`."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Progress, Result
from latent_explorer.data.images import to_uint8
from latent_explorer.explain.latents import Latent, copy_to_device, cpu_threads, seed_latent
from latent_explorer.models.stylegan2 import truncate

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from pathlib import Path

    from latent_explorer.models.explainer import Explainer


@dataclass(frozen=True)
class Sampled:
    """One generated picture: as people see it, and as the network made it."""

    image: np.ndarray  # (H, W, 3) uint8
    img: np.ndarray  # (3, H, W) float32, nominally in [-1, 1], not clipped


def sample_seeds(
    explainer: Explainer,
    seeds: Sequence[int],
    psi: float = 1.0,
    cutoff: int | None = None,
    device: str = "cpu",
) -> Generator[Event, None, list[Sampled]]:
    """The pictures of seeds, each equal to the one that the window shows. A job."""
    model = copy_to_device(explainer, device)
    latents = (lambda seed=seed: seed_latent(model, seed) for seed in seeds)
    return (yield from _sample(model, latents, len(seeds), psi, cutoff))


def read_latents(path: Path) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Latents (and their cond, or None) as tensors, from an npz with `w` (NVIDIA's projected_w.npz) or an npy."""
    try:
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            arrays = {"w": found} if isinstance(found, np.ndarray) else dict(found)
        w, cond = arrays["w"], arrays.get("cond")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path} cannot be read as latents ({error}). It should be an npz with an array w, or an npy."
        ) from error
    if w.dtype.kind != "f" or w.ndim not in (2, 3) or not np.isfinite(w).all():
        raise UserError(
            f"The array w in {path} is not made of finite numbers in the shape (N, num_ws, w_dim)."
        )
    if cond is not None and (cond.dtype.kind not in "fiu" or not np.isfinite(cond).all()):
        raise UserError(
            f"The array cond in {path} is not made of finite numbers in the shape (N, classes)."
        )
    tensors = (torch.from_numpy(x.astype(np.float32)) for x in (w, cond) if x is not None)
    return next(tensors), next(tensors, None)


def sample_latents(
    explainer: Explainer,
    ws: torch.Tensor,
    cond: torch.Tensor | None = None,
    psi: float = 1.0,
    cutoff: int | None = None,
    device: str = "cpu",
) -> Generator[Event, None, list[Sampled]]:
    """The pictures of ws (N, num_ws, w_dim), or (N, w_dim) for all rows alike, told cond (N, K). A job.

    Without `cond` a StylEx generator is told that all classes are equally likely.
    """
    model = copy_to_device(explainer, device)
    ws, cond = checked_latents(model, ws, cond)
    latents = (
        lambda i=i: Latent(
            ws[i : i + 1].to(device), None if cond is None else cond[i : i + 1].to(device)
        )
        for i in range(len(ws))
    )
    return (yield from _sample(model, latents, len(ws), psi, cutoff))


def checked_latents(
    model: Explainer, ws: torch.Tensor, cond: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """ws (N, num_ws, w_dim) and cond (N, K) or None as `model` takes them. UserError when they are of another one."""
    generator = model.generator
    if ws.dim() == 2 and ws.shape[1] == generator.config.w_dim:
        ws = generator.broadcast(ws)
    expected = (generator.num_ws, generator.config.w_dim)
    if ws.dim() != 3 or tuple(ws.shape[1:]) != expected:
        raise UserError(
            f"The latents have the shape {tuple(ws.shape)}, but {model.name} takes (N, {expected[0]}, {expected[1]}) "
            f"or (N, {expected[1]}). They belong to another model."
        )
    classes = generator.config.num_classes
    if not classes:
        return ws.float(), None
    if cond is None:
        cond = torch.full((len(ws), classes), 1 / classes)
    if tuple(cond.shape) != (len(ws), classes):
        raise UserError(
            f"The condition has the shape {tuple(cond.shape)}; {model.name} takes ({len(ws)}, {classes}): "
            "class probabilities for every latent."
        )
    return ws.float(), cond.float()


def _sample(
    model: Explainer,
    latents: Iterable[Callable[[], Latent]],
    count: int,
    psi: float,
    cutoff: int | None,
) -> Generator[Event, None, list[Sampled]]:
    found = []
    for done, latent in enumerate(latents, start=1):
        found.append(_picture(model, latent, psi, cutoff))
        yield Progress(done, count, "Generating pictures")
    yield Result(found)
    return found


@torch.inference_mode()
def _picture(
    model: Explainer, latent: Callable[[], Latent], psi: float, cutoff: int | None
) -> Sampled:
    generator = model.generator
    with cpu_threads(1):  # as in explain.synthesis: the same number of threads, the same bits
        found = latent()
        ws = truncate(found.ws, generator.mapping.w_avg, psi, cutoff)
        noise = generator.synthesis.noise_const()
        img = generator.synthesis(ws, found.cond, noise)[0].float().cpu()
    return Sampled(to_uint8(img.clamp(-1, 1).numpy()), img.numpy())
