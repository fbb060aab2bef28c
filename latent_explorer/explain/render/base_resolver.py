# SPDX-License-Identifier: MIT
"""Bases and noise of recipes as tensors: seeds, samples, projected pictures, and blends of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from latent_explorer.common.errors import UserError
from latent_explorer.explain.latents import Latent, TunedGenerators, latent_styles, seed_inputs, seed_latent
from latent_explorer.explain.recipe import (
    Base,
    BlendBase,
    BlendEndBase,
    MixBase,
    Noise,
    ProjectedBase,
    SampleBase,
    SeedBase,
)
from latent_explorer.models.stylegan2 import truncate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from latent_explorer.models.explainer import Explainer
    from latent_explorer.models.synthesis import NoiseMaps, Styles

_MIN_SPREAD = 1e-8  # standard deviation; a flatter map is not rescaled


class BaseResolver:
    """Latents and noise maps of one explainer on one device. `projected` holds projected pictures by latent_id."""

    def __init__(self, explainer: Explainer, projected: Mapping[str, Latent], tuned: TunedGenerators) -> None:
        self._explainer = explainer
        self._projected = projected
        self._tuned = tuned

    def latent(self, base: Base) -> Latent:
        """Return the untruncated latent of a base. UserError names what the model or the exploration lacks."""
        if isinstance(base, SeedBase):
            return seed_latent(self._explainer, base.seed)
        if isinstance(base, SampleBase):
            return self._sample(base)
        if isinstance(base, ProjectedBase):
            if base.latent_id not in self._projected:
                raise UserError(
                    f"The projected picture {base.latent_id!r} is not in this exploration. Project the picture again."
                )
            return self._projected[base.latent_id]
        if isinstance(base, BlendEndBase):
            return self._end(base)
        return self._blend(base) if isinstance(base, BlendBase) else self._mix(base)

    def noise(self, noise: Noise) -> NoiseMaps:
        """Return the maps of a noise, each (1, 1, H, W) or None. UserError when the exploration lacks them."""
        synthesis = self._explainer.generator.synthesis
        if noise.kind == "const":
            return synthesis.noise_const()
        if noise.kind == "none":
            return [None] * len(synthesis.layout.conv_layers)
        if noise.kind == "seed":
            return synthesis.noise_random(1, torch.Generator().manual_seed(noise.seed))
        if noise.kind == "blend":
            a, b = self.noise(noise.a or Noise()), self.noise(noise.b or Noise())
            return [blend_maps(x, y, noise.amount) for x, y in zip(a, b, strict=True)]
        latent = self._projected.get(noise.maps_id)
        if latent is None or latent.noise is None:
            raise UserError(f"The noise maps {noise.maps_id!r} are not in this exploration. Choose another noise.")
        return latent.noise

    def _sample(self, base: SampleBase) -> Latent:
        samples = self._explainer.samples
        count = 0 if samples is None else len(samples)
        if samples is None or not 0 <= base.index < count:
            raise UserError(
                f"There is no encoded picture {base.index} in {self._explainer.name}: it holds {count}. "
                "Choose another sample or a seed."
            )
        rows = slice(base.index, base.index + 1)
        return Latent(samples.ws[rows], samples.cond_of(rows))

    def _end(self, base: BlendEndBase) -> Latent:
        latent = self.latent(base.base)
        w_avg = self._explainer.generator.mapping.w_avg
        truncation = base.truncation_psi, base.truncation_cutoff
        ws = truncate(latent.ws, w_avg, *truncation)
        cond = latent.cond
        if base.cond is not None and self._explainer.generator.config.num_classes:
            cond = cond_tensor(self._explainer, base.cond)
        styles = None
        if latent.styles is not None:
            synthesis = self._tuned.for_latent(latent).synthesis
            styles = tuple(latent_styles(synthesis, latent, ws, cond, *truncation))
        return replace(latent, ws=ws, cond=cond, styles=styles)

    def _blend(self, base: BlendBase) -> Latent:
        if base.amount <= 0 or base.a == base.b:
            return self.latent(base.a)
        if base.amount >= 1:
            return self.latent(base.b)
        if base.space in ("z", "z-slerp"):
            z, c, cond = self._inputs(base)
            return Latent(self._explainer.generator.ws_from_z(z, c), cond)
        a, b, t = self.latent(base.a), self.latent(base.b), base.amount
        styles = None
        if a.styles is not None or b.styles is not None:
            pairs = zip(self._styles(a, a.cond), self._styles(b, b.cond), strict=True)
            styles = tuple(torch.lerp(x, y, t) for x, y in pairs)
        return Latent(
            ws=torch.lerp(a.ws, b.ws, t),
            cond=_lerp(a.cond, b.cond, t),
            styles=styles,
            delta=_blend_deltas(a.delta, b.delta, t),
        )

    def _inputs(self, base: Base) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return z, c and cond of a base that comes from seeds, blended."""
        if isinstance(base, SeedBase):
            return seed_inputs(self._explainer, base.seed)
        if isinstance(base, BlendEndBase) and base.truncation_psi == 1:
            z, c, _ = self._inputs(base.base)
            return z, c, self._end(base).cond
        if not isinstance(base, BlendBase) or base.space not in ("z", "z-slerp"):
            raise UserError(
                "Only latents of seeds can be blended in Z: other latents have no z. Blend in W or W+ instead."
            )
        a, b, t = self._inputs(base.a), self._inputs(base.b), base.amount
        z = torch.lerp(a[0], b[0], t) if base.space == "z" else slerp(a[0], b[0], t)
        return z, _lerp(a[1], b[1], t), _lerp(a[2], b[2], t)

    def _mix(self, base: MixBase) -> Latent:
        layout = self._explainer.generator.synthesis.layout
        if not 0 <= base.first <= base.last < layout.num_ws:
            raise UserError(
                f"Rows {base.first} to {base.last} cannot be mixed: {self._explainer.name} has rows 0 to "
                f"{layout.num_ws - 1}. Choose layers that it has."
            )
        one, other = self.latent(base.base), self.latent(base.other)
        rows = range(base.first, base.last + 1)
        ws = one.ws.clone()
        ws[:, rows] = other.ws[:, rows]
        styles = None
        if one.styles is not None or other.styles is not None:
            pairs = zip(self._styles(one, one.cond), self._styles(other, one.cond), strict=True)
            styles = tuple(
                theirs if layer.ws_row in rows else mine
                for layer, (mine, theirs) in zip(layout.layers, pairs, strict=True)
            )
        return replace(one, ws=ws, styles=styles)

    def _styles(self, latent: Latent, cond: Tensor | None) -> Styles:
        return latent_styles(self._tuned.for_latent(latent).synthesis, latent, latent.ws, cond)


def cond_tensor(explainer: Explainer, cond: tuple[float, ...]) -> Tensor:
    """Return the class probabilities of a recipe as (1, K). UserError for another number of classes."""
    classes = explainer.generator.config.num_classes
    if len(cond) != classes:
        raise UserError(
            f"The generator is given {len(cond)} class probabilities, but {explainer.name} "
            f"takes {classes}. Reset the class given to the generator."
        )
    return torch.tensor([cond]).to(explainer.generator.mapping.w_avg)


def slerp(a: Tensor, b: Tensor, amount: float) -> Tensor:
    """Interpolate vectors (1, dim) spherically (Shoemake 1985): the angle is uniform, the length linear in `amount`."""
    lengths = a.norm(), b.norm()
    u, v = a / lengths[0], b / lengths[1]
    angle = 2 * torch.atan2((u - v).norm(), (u + v).norm())  # exact for small angles too (Kahan)
    if float(angle.sin()) < 1e-6:  # parallel or opposite: no unique great circle
        return torch.lerp(a, b, amount)
    blended: Tensor = (((1 - amount) * angle).sin() * u + (amount * angle).sin() * v) / angle.sin()
    blended *= torch.lerp(lengths[0], lengths[1], amount)
    return blended


def blend_maps(a: Tensor | None, b: Tensor | None, amount: float) -> Tensor | None:
    """Blend two noise maps (1, 1, H, W); None is the map of zeros.

    A mean of independent maps has less variance than either. The blend is scaled to the standard deviation that lies
    `amount` of the way between those of its ends: maps of unit variance blend into one of unit variance.
    """
    if a is None:
        return None if b is None else b * amount
    if b is None:
        return a * (1 - amount)
    mixed = torch.lerp(a, b, amount)
    spread = float(mixed.std(correction=0))
    if spread < _MIN_SPREAD:
        return mixed
    target_spread = torch.lerp(a.std(correction=0), b.std(correction=0), amount)
    return mixed + (mixed - mixed.mean()) * (float(target_spread) / spread - 1)


def _lerp(a: Tensor | None, b: Tensor | None, amount: float) -> Tensor | None:
    return a if a is None or b is None else torch.lerp(a, b, amount)


def _blend_deltas(a: Mapping[str, Tensor], b: Mapping[str, Tensor], amount: float) -> Mapping[str, Tensor]:
    """Blend two tuned generators, or one with the generator itself, whose delta is zero."""
    if a is b:
        return a
    blended = {name: change * (1 - amount) for name, change in a.items() if name not in b}
    for name, change in b.items():
        blended[name] = torch.lerp(a[name], change, amount) if name in a else change * amount
    return blended
