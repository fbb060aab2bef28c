# SPDX-License-Identifier: MIT
"""Where latents come from and the copy of a model that the sciences work on. Rendering them is `explain.render`."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeVar

import torch
from torch import Tensor, nn

from latent_explorer.explain.projected import ProjectedPicture, ProjectionReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from latent_explorer.models.explainer import Explainer
    from latent_explorer.models.stylegan2 import Generator

M = TypeVar("M", bound=nn.Module)

_W_STATISTICS = 1024  # mapped z's for the standard deviation of w


@dataclass(frozen=True)
class Latent:
    """A latent with what belongs to it, for one picture."""

    ws: Tensor  # (1, num_ws, w_dim)
    cond: Tensor | None = None  # (1, K); None where the generator takes none
    # Optimised maps, one (1, 1, H, W) for every 3x3 convolution.
    noise: tuple[Tensor, ...] | None = None
    # Found in style space: styles of every layer, each (1, channels), where ws alone would not give them.
    styles: tuple[Tensor, ...] | None = None
    # Pivotal tuning: what is added to the generator's tensors, by name. Renders with its own copy of the generator.
    delta: Mapping[str, Tensor] = field(default_factory=dict)


def latent_of(projected: ProjectedPicture) -> Latent:
    """A projected picture as the renderer takes it, on the CPU."""

    def row(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array)[None]

    noise, styles, cond = projected.noise, projected.styles, projected.cond
    return Latent(
        ws=row(projected.ws),
        cond=None if cond is None else row(cond),
        noise=None if noise is None else tuple(row(n)[None] for n in noise),
        styles=None if styles is None else tuple(row(s) for s in styles),
        delta={name: torch.from_numpy(array) for name, array in projected.delta.items()},
    )


def projected_of(latent: Latent, target: np.ndarray, image: np.ndarray, report: ProjectionReport) -> ProjectedPicture:
    """The inverse of `latent_of`: a found latent as the value that is kept."""

    def row(tensor: Tensor) -> np.ndarray:
        return tensor[0].detach().float().cpu().numpy()

    noise, styles, cond = latent.noise, latent.styles, latent.cond
    return ProjectedPicture(
        ws=row(latent.ws),
        target=target,
        image=image,
        report=report,
        cond=None if cond is None else row(cond),
        styles=None if styles is None else tuple(row(s) for s in styles),
        noise=None if noise is None else tuple(row(n)[0] for n in noise),
        delta={name: change.cpu().numpy() for name, change in latent.delta.items()},
    )


@dataclass(frozen=True)
class Direction:
    """A direction that a DirectionShift names: (w_dim,) or (num_ws, w_dim) in W, (num_styles,) in style space."""

    space: Literal["w", "style"]
    vector: Tensor


def _place(module: M, device: str | torch.device) -> M:
    moved = copy.deepcopy(module).to(device)
    return moved.to(memory_format=torch.channels_last)


def copy_to_device(explainer: Explainer, device: str | torch.device) -> Explainer:
    """The explainer with its own copies of the networks and samples on `device`, laid out for fast convolutions.

    A copy, because nothing that explains a model may change it; attribute sets and statistics are shared.
    """

    samples, encoder = explainer.samples, explainer.encoder
    if samples is not None:
        ws, cond, probs = (t.to(device).float() for t in (samples.ws, samples.cond, samples.probs))
        samples = replace(samples, ws=ws, cond=cond, probs=probs)
    return replace(
        explainer,
        generator=_place(explainer.generator, device),
        encoder=None if encoder is None else _place(encoder, device),
        discriminator=None,
        classifiers={key: _place(c, device) for key, c in explainer.classifiers.items()},
        samples=samples,
    )


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """Run with `count` CPU threads. Never around a `yield` of a job."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def seed_latent(explainer: Explainer, seed: int) -> Latent:
    """The untruncated latent of a seed."""
    z, c, cond = seed_inputs(explainer, seed)
    return Latent(explainer.generator.ws_from_z(z, c), cond)


def seed_inputs(explainer: Explainer, seed: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """z (1, z_dim) of a seed, c (1, c_dim) and cond (1, K): by the same CPU generator z, then the sample whose cond
    it takes, then the class of c."""
    config = explainer.generator.config
    generator = torch.Generator().manual_seed(seed)
    like = explainer.generator.mapping.w_avg
    z = torch.randn(1, config.z_dim, generator=generator).to(like)
    samples = explainer.samples
    cond = None
    if config.num_classes and samples is not None and len(samples):
        row = int(torch.randint(len(samples), (1,), generator=generator))
        cond = samples.cond[row : row + 1].to(like)
    elif config.num_classes:
        cond = torch.full((1, config.num_classes), 1 / config.num_classes).to(like)
    c = None
    if config.c_dim:
        c = torch.zeros(1, config.c_dim)
        c[0, int(torch.randint(config.c_dim, (1,), generator=generator))] = 1
        c = c.to(like)
    return z, c, cond


@torch.no_grad()
def mapped_w(generator: Generator, count: int) -> Tensor:
    """w (count, w_dim) of z's drawn by one CPU generator, of random classes where the mapping takes one."""
    config = generator.config
    rng = torch.Generator().manual_seed(0)
    like = generator.mapping.w_avg
    z = torch.randn(count, config.z_dim, generator=rng).to(like)
    c = None
    if config.c_dim:
        classes = torch.randint(config.c_dim, (count,), generator=rng)
        c = nn.functional.one_hot(classes, config.c_dim).to(like)
    w: Tensor = generator.mapping(z, c)
    return w


def w_standard_deviation(generator: Generator) -> float:
    """Root of the mean variance of w over mapped z's: the unit of `w_distance`."""
    w = mapped_w(generator, _W_STATISTICS)
    return max(float(w.var(dim=0).mean().sqrt()), 1e-12)
