# SPDX-License-Identifier: MIT
"""What a projection moves: the latents of a few pictures in W, W+ or style space, and their noise maps.

Each picture keeps its own best. Variables start at 0 and count standard deviations (or raw units) from the start, so
that one learning rate suits every generator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from latent_explorer.explain.latents import Latent, mapped_w

if TYPE_CHECKING:
    from latent_explorer.explain.projection.settings import ProjectionSettings
    from latent_explorer.models.explainer import Explainer
    from latent_explorer.models.stylegan2 import Styles

_LATENTS = 256  # of which the spread of styles is measured
_LEAST = 0.1  # of a layer's mean spread: styles that hardly vary may still move


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
        """(n, num_ws, w_dim) of the pictures `rows` (n,), with `jitter` added; in style space where they began."""
        start = self._start[rows]
        if self._space == "s":
            return start
        moved = self.moved[0][rows] * self._units[0]
        return start + (moved if jitter is None else moved + jitter)

    def jitter(self, scale: float, rng: torch.Generator) -> Tensor | None:
        """Noise of this scale for latents in W and W+, the same for every picture."""
        if not scale or self._space == "s":
            return None
        shape = self.moved[0].shape[1:]
        return torch.randn(1, *shape, generator=rng).to(self._start) * scale

    def render(self, rows: Tensor, jitter: Tensor | None = None) -> Tensor:
        """Pictures (n, 3, R, R), nominally in [-1, 1], with gradients."""
        cond = None if self.cond is None else self.cond[rows]
        if self._space == "s":
            styles = self._moved_styles(self.moved, rows)
        else:
            styles = self._synthesis.styles(self.ws(rows, jitter), cond)
        maps = [m[rows] for m in self.noise] if self.noise else self._synthesis.noise_const()
        return self._synthesis.render(styles, maps)

    @torch.no_grad()
    def keep(self, rows: Tensor) -> None:
        """Remember where the pictures `rows` are now as their best."""
        for best, leaf in zip(self._best, self.parameters, strict=True):
            best[rows] = leaf[rows]

    @torch.no_grad()
    def best(self, i: int) -> Latent:
        """The best latent of picture i."""
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
    """Standard deviation of every style, one (channels,) for each layer: over encoded pictures, else over seeds."""
    generator = model.generator
    samples = model.samples
    cond = None
    if samples is not None and len(samples) > 1:
        ws, cond = samples.ws[:_LATENTS], samples.told(slice(_LATENTS))
    else:
        ws = generator.broadcast(mapped_w(generator, _LATENTS))
        if classes_told := generator.config.num_classes:
            cond = torch.full((_LATENTS, classes_told), 1 / classes_told).to(ws)
    spreads = [style.std(dim=0) for style in generator.synthesis.styles(ws, cond)]
    return [s.clamp_min(max(_LEAST * float(s.mean()), 1e-6)) for s in spreads]
