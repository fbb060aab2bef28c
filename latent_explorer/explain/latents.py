# SPDX-License-Identifier: MIT
"""Latents, their styles, and the copies of a model that render them."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn

from latent_explorer.common.errors import UserError
from latent_explorer.explain.projected import ProjectedPicture, ProjectionReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from latent_explorer.models.explainer import Explainer
    from latent_explorer.models.stylegan2 import Generator
    from latent_explorer.models.synthesis import Styles, SynthesisNetwork

M = TypeVar("M", bound=nn.Module)

_W_SAMPLES = 1024  # mapped z's for the standard deviation of w
_FEWEST_SAMPLES = 100  # encoded pictures from which the deviation of w along a direction is taken
_MAX_COPIES = 2  # tuned generators in memory at once: the picture and what it is compared with


@dataclass(frozen=True)
class Latent:
    """Latent of one picture with everything that its render needs."""

    ws: Tensor  # (1, num_ws, w_dim)
    cond: Tensor | None = None  # (1, K); None where the generator takes none
    # Optimised maps, one (1, 1, H, W) for every 3x3 convolution.
    noise: tuple[Tensor, ...] | None = None
    # Found in style space: styles of every layer, each (1, channels), where ws alone would not give them.
    styles: tuple[Tensor, ...] | None = None
    # Pivotal tuning: what is added to the generator's tensors, by name. Renders with its own copy of the generator.
    delta: Mapping[str, Tensor] = field(default_factory=dict)


def latent_of(projected: ProjectedPicture) -> Latent:
    """Return a projected picture as the renderer takes it, on the CPU."""

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
    """Return a latent as the value that is stored: the inverse of `latent_of`."""

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


def _place(module: M, device: str | torch.device) -> M:
    moved = copy.deepcopy(module).to(device)
    return moved.to(memory_format=torch.channels_last)


def copy_to_device(explainer: Explainer, device: str | torch.device) -> Explainer:
    """Return the explainer with copies of its networks and samples on `device`, in channels-last layout.

    Copies, because nothing that explains a model may change it; attribute sets and statistics are shared.
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
    """Return the untruncated latent of a seed."""
    z, c, cond = seed_inputs(explainer, seed)
    return Latent(explainer.generator.ws_from_z(z, c), cond)


def seed_inputs(explainer: Explainer, seed: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Return z (1, z_dim), c (1, c_dim) and cond (1, K) of a seed.

    One CPU generator draws z, then the sample whose cond is taken, then the class of c.
    """
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
    """Return w (count, w_dim) of random z's, always the same; of random classes where the mapping takes one."""
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
    """Return the root of the mean variance of w over mapped z's: the unit of `w_distance`."""
    w = mapped_w(generator, _W_SAMPLES)
    return max(float(w.var(dim=0).mean().sqrt()), 1e-12)


def typical_ws(explainer: Explainer) -> np.ndarray:
    """Return ws (M, num_ws, w_dim) float32 by which a model's latents are known: its encoded pictures, else random z's.

    Fewer than _FEWEST_SAMPLES say too little of how latents vary. Always the same on the CPU.
    """
    samples = explainer.samples
    if samples is not None and len(samples) >= _FEWEST_SAMPLES:
        return samples.ws.float().cpu().numpy()
    generator = explainer.generator
    return generator.broadcast(mapped_w(generator, _W_SAMPLES)).float().cpu().numpy()


def latent_styles(
    synthesis: SynthesisNetwork,
    latent: Latent,
    ws: Tensor,
    cond: Tensor | None,
    truncation_psi: float = 1.0,
    truncation_cutoff: int | None = None,
) -> Styles:
    """Return the styles of every layer of a latent after its ws and cond have become these.

    `truncation_psi` and `truncation_cutoff` say how ws was truncated.

    A latent found in style space is its ws and what its styles add to them. Styles are affine in ws and cond, so what
    is added is the same wherever those move, and truncation scales it scales ws - w_avg.
    """
    styles = synthesis.styles(ws, cond)
    if latent.styles is None:
        return styles
    base_styles = synthesis.styles(latent.ws, latent.cond)
    moved = []
    for layer, style, mine, base in zip(synthesis.layout.layers, styles, latent.styles, base_styles, strict=True):
        truncated = truncation_cutoff is None or layer.ws_row < truncation_cutoff
        psi = truncation_psi if truncated else 1.0
        # In this order an untouched latent keeps its styles to the last bit.
        moved.append(mine + (style - base) + (psi - 1.0) * (mine - base))
    return moved


def check_latent(synthesis: SynthesisNetwork, latent: Latent) -> None:
    """Raise UserError unless the shapes of a latent are those of this generator."""
    layout, config = synthesis.layout, synthesis.config
    fits = tuple(latent.ws.shape) == (1, layout.num_ws, config.w_dim)
    if latent.cond is not None:
        fits &= tuple(latent.cond.shape) == (1, config.num_classes)
    if latent.styles is not None:
        fits &= [s.shape[1] for s in latent.styles] == [layer.channels for layer in layout.layers]
    if latent.noise is not None:
        sizes = [layer.resolution for layer in layout.conv_layers]
        fits &= [tuple(n.shape[-2:]) for n in latent.noise] == [(size, size) for size in sizes]
    if config.num_classes and latent.cond is None:
        fits = False
    if not fits:
        raise UserError(
            "This projected picture was made with another model, whose latents have other shapes. Project it again."
        )


def on_device(latent: Latent, device: torch.device) -> Latent:
    """Return the latent in fp32 on a device."""

    def moved(tensors: tuple[Tensor, ...] | None) -> tuple[Tensor, ...] | None:
        return None if tensors is None else tuple(t.to(device).float() for t in tensors)

    return replace(
        latent,
        ws=latent.ws.to(device).float(),
        cond=None if latent.cond is None else latent.cond.to(device).float(),
        noise=moved(latent.noise),
        styles=moved(latent.styles),
    )


def with_delta(generator: Generator, delta: Mapping[str, Tensor]) -> Generator:
    """Return a copy of the generator with the delta added. UserError when the delta is of another generator."""
    with torch.inference_mode(False):  # what is computed of the weights once is kept for ordinary tensors only
        tuned = copy.deepcopy(generator)
        state = tuned.state_dict()
        for name, change in delta.items():
            if name not in state or state[name].shape != change.shape:
                raise UserError(
                    f"The tuned weights of this projection do not fit the generator ({name[:80]}): it was made with "
                    "another model. Project the picture again."
                )
            state[name] += change.to(state[name])
    return tuned


class TunedGenerators:
    """Copies of one generator with the deltas of latents added; the newest two are kept."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._kept: OrderedDict[int, tuple[Mapping[str, Tensor], Generator]] = OrderedDict()

    def for_latent(self, latent: Latent) -> Generator:
        """Return the generator that renders this latent: the one given, unless the latent brings a delta."""
        if not latent.delta:
            return self._generator
        key = id(latent.delta)  # the mapping is kept beside the copy, so its id stays its own
        entry = self._kept.pop(key, None) or (latent.delta, with_delta(self._generator, latent.delta))
        self._kept[key] = entry
        while len(self._kept) > _MAX_COPIES:
            self._kept.popitem(last=False)
        return entry[1]
