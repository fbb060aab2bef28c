# SPDX-License-Identifier: MIT
"""The interface of synthesis networks: ws, cond -> styles -> img. What explains a generator uses nothing else of it.

Style space is part of it: styles can be replaced in between, and edits never touch weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from latent_explorer.models.architecture import GeneratorConfig

Styles = list[Tensor]  # one (N, channels) tensor for every layer of the layout, toRGB included
NoiseMaps = Sequence[Tensor | None]  # one (N or 1, 1, H, W) map, of mean 0 and variance 1, for every 3x3 convolution


class SynthesisNetwork(nn.Module):
    """Synthesis network: ws (and cond) -> styles -> img. Its layers are called as in the layout."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.layout = config.layout
        self.resolutions = [4 << k for k in range(len(config.channels))]  # of the blocks, px

    def layer(self, name: str) -> Any:
        """Return the layer called `name` in the layout, as "b8.conv0"; its `affine` makes its style."""
        block, part = name.split(".")
        return getattr(getattr(self, block), part)

    def styles(self, ws: Tensor, cond: Tensor | None = None) -> Styles:
        """ws (N, num_ws, w_dim), cond (N, K) -> styles of every layer of the layout, each (N, channels)."""
        expected = (self.layout.num_ws, self.config.w_dim)
        if ws.dim() != 3 or tuple(ws.shape[1:]) != expected:
            raise ValueError(f"ws has shape {tuple(ws.shape)}; this generator takes (N, {expected[0]}, {expected[1]})")
        if self.config.num_classes:
            if cond is None:
                raise ValueError(f"cond (N, {self.config.num_classes}) is missing: this is a StylEx generator")
            condition = cond[:, None].expand(-1, ws.shape[1], -1) * self.config.cond_gain
            ws = torch.cat([ws, condition], dim=2)
        return [
            ws.mean(dim=1) if layer.kind == "input" else self.layer(layer.name).affine(ws[:, layer.ws_row])
            for layer in self.layout.layers
        ]

    def noise_const(self) -> list[Tensor]:
        """Return the stored noise maps, each (1, 1, H, W)."""
        raise NotImplementedError

    def noise_random(self, n: int, generator: torch.Generator | None = None) -> list[Tensor]:
        """Draw noise maps, each (n, 1, H, W); on the CPU, so a seed gives the same noise on every device."""
        raise NotImplementedError

    def progressive(self, styles: Styles, noise: NoiseMaps | None = None) -> Iterator[Tensor]:
        """Yield img (N, 3, R, R) after the block of each resolution R, 4 px first: the sum of toRGB outputs so far.

        The last is what `render` returns. A caller that wants no more of them just stops.
        """
        raise NotImplementedError

    def render(self, styles: Styles, noise: NoiseMaps | None = None) -> Tensor:
        """Styles -> img (N, 3, H, W), nominally in [-1, 1] but not clipped. `noise` None means none."""
        *_, img = self.progressive(styles, noise)
        return img

    def forward(self, ws: Tensor, cond: Tensor | None = None, noise: NoiseMaps | None = None) -> Tensor:
        return self.render(self.styles(ws, cond), noise)

    def join(self, styles: Styles, *, torgb: bool = False) -> Tensor:
        """Return the vector s (N, num_styles): styles of the 3x3 convolutions in synthesis order.

        torgb  with those of toRGB after them (N, num_with_torgb)
        """
        positions = self.layout.conv_positions + (self.layout.torgb_positions if torgb else ())
        return torch.cat([styles[i] for i in positions], dim=1)

    def replace(self, styles: Styles, s: Tensor) -> Styles:
        """Return `styles` with those taken from s, of either width that `join` returns; others are kept.

        If s holds more pictures than `styles`, `styles` must hold one, which is repeated.
        """
        torgb = s.shape[1] != self.layout.num_styles
        positions = self.layout.conv_positions + (self.layout.torgb_positions if torgb else ())
        parts = s.split([self.layout.layers[i].channels for i in positions], dim=1)
        replaced = [style.expand(s.shape[0], -1) for style in styles]
        for position, part in zip(positions, parts, strict=True):
            replaced[position] = part
        return replaced
