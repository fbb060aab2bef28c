# SPDX-License-Identifier: MIT
"""Shapes of networks and the layout of their style coordinates, as plain values. No torch.

`s`, the vector that AttFind searches, is the concatenation of the styles of the modulated 3x3 convolutions in
synthesis order; the toRGB styles are layers too, but are not part of `s`.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class GeneratorConfig(msgspec.Struct, frozen=True):
    """Shape of a StyleGAN2 generator. The block at 4 * 2**k px has `channels[k]` output channels."""

    channels: tuple[int, ...]
    z_dim: int = 512
    w_dim: int = 512
    c_dim: int = 0  # condition of the mapping network
    num_classes: int = 0  # K: probabilities appended to every row of ws (StylEx); 0: a plain StyleGAN2
    cond_gain: float = 1.0  # cond is multiplied by it before the affines; 1 in the published model
    mapping_layers: int = 8
    mapping_lr_mul: float = 0.01
    conv_clamp: float | None = None

    @property
    def resolution(self) -> int:
        return 4 << (len(self.channels) - 1)

    @property
    def layout(self) -> StyleLayout:
        return stylegan2_layout(self.channels)


class TrunkConfig(msgspec.Struct, frozen=True):
    """Shape of a residual trunk (discriminator or encoder). The block at 4 * 2**k px takes `channels[k]` channels."""

    channels: tuple[int, ...]
    outputs: int  # discriminator: 1 or the number of classes; encoder: w_dim
    hidden: int = 512  # width of the dense layer after the 4x4 convolution
    minibatch_stddev: bool = False  # the discriminator's; an encoder must not see its neighbours
    conv_clamp: float | None = None

    @property
    def resolution(self) -> int:
        return 4 << (len(self.channels) - 1)


@dataclass(frozen=True)
class StyleLayer:
    """Modulated convolution. `channels` counts its *input* channels, which the style scales."""

    name: str  # "b8.conv0", as in the parameter names
    resolution: int  # of its output, px
    channels: int
    ws_row: int  # row of ws that feeds its affine
    kind: Literal["conv", "torgb"]


@dataclass(frozen=True)
class StyleLayout:
    """Modulated layers of a synthesis network, in synthesis order."""

    layers: tuple[StyleLayer, ...]

    @cached_property
    def conv_layers(self) -> tuple[StyleLayer, ...]:
        """Layers whose styles make up `s`."""
        return tuple(layer for layer in self.layers if layer.kind == "conv")

    @cached_property
    def conv_positions(self) -> tuple[int, ...]:
        """Positions of the convolution layers in `layers`, and so in the list `styles`."""
        return tuple(i for i, layer in enumerate(self.layers) if layer.kind == "conv")

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """First style_index of each convolution layer."""
        starts, total = [], 0
        for layer in self.conv_layers:
            starts.append(total)
            total += layer.channels
        return tuple(starts)

    @cached_property
    def num_styles(self) -> int:
        return sum(layer.channels for layer in self.conv_layers)

    @cached_property
    def num_ws(self) -> int:
        return 1 + max(layer.ws_row for layer in self.layers)

    def at(self, style_index: int) -> tuple[StyleLayer, int]:
        """Return the layer of a coordinate of `s`, and the channel in it."""
        if not 0 <= style_index < self.num_styles:
            raise IndexError(f"style_index {style_index} is outside 0..{self.num_styles - 1}")
        i = bisect_right(self.starts, style_index) - 1
        return self.conv_layers[i], style_index - self.starts[i]

    def index(self, layer_name: str, channel: int) -> int:
        """Return the style_index of a channel; the inverse of `at`."""
        for start, layer in zip(self.starts, self.conv_layers, strict=True):
            if layer.name == layer_name:
                if not 0 <= channel < layer.channels:
                    raise IndexError(f"{layer_name} has channels 0..{layer.channels - 1}, not {channel}")
                return start + channel
        raise KeyError(layer_name)


def stylegan2_layout(channels: Sequence[int]) -> StyleLayout:
    """Return the layout of a skip StyleGAN2 whose block at 4 * 2**k px has `channels[k]` output channels."""
    layers = []
    row = 0
    for k, width in enumerate(channels):
        resolution = 4 << k
        if k > 0:
            layers.append(StyleLayer(f"b{resolution}.conv0", resolution, channels[k - 1], row, "conv"))
            row += 1
        layers.append(StyleLayer(f"b{resolution}.conv1", resolution, width, row, "conv"))
        # toRGB shares its row with the next block's conv0.
        layers.append(StyleLayer(f"b{resolution}.torgb", resolution, width, row + 1, "torgb"))
        row += 1
    return StyleLayout(tuple(layers))
