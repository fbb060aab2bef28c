# SPDX-License-Identifier: MIT
"""Shapes of networks and the layout of their style coordinates, as plain values. No torch.

`s`, the vector that AttFind searches, is the concatenation of the styles of the modulated 3x3 convolutions in
synthesis order. The toRGB styles are not part of it unless they are asked for: they follow it, in the same order.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class LucidrainsConfig(msgspec.Struct, frozen=True):
    """What lucidrains' stylegan2-pytorch varies in its generator, and StyleGAN2 does not have."""

    attention: tuple[int, ...] = ()  # numbers of the blocks that begin with attention; 0 is the block at 4 px
    input_from_w: bool = False  # the first feature map is made from the mean of the rows of ws (`no_const`)
    transparent: bool = False  # its pictures have an opacity, and are shown on white
    rgb_blur: bool = True  # enlarged RGB is blurred: since its version 1.1
    norm_eps_in_root: bool = True  # the attention's norm divides by sqrt(var + eps), before 1.8.8 by std + eps


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
    # Unset, not None: the header of a StyleGAN2 stays as earlier versions read it.
    lucidrains: LucidrainsConfig | msgspec.UnsetType = msgspec.UNSET

    @property
    def resolution(self) -> int:
        return 4 << (len(self.channels) - 1)

    @property
    def latent_dim(self) -> int:
        """Inputs of an affine: a row of ws and the class probabilities that are appended to it."""
        return self.w_dim + self.num_classes

    @property
    def layout(self) -> StyleLayout:
        if self.lucidrains is msgspec.UNSET:
            return stylegan2_layout(self.channels)
        return lucidrains_layout(self.channels, self.latent_dim if self.lucidrains.input_from_w else 0)


class LucidrainsTrunkConfig(msgspec.Struct, frozen=True):
    """What lucidrains' stylegan2-pytorch varies in its discriminator."""

    attention: tuple[int, ...] = ()  # numbers of the blocks that end with attention; 0 is the block of the full size
    norm_eps_in_root: bool = True


class TrunkConfig(msgspec.Struct, frozen=True):
    """Shape of a residual trunk (discriminator or encoder). The block at 4 * 2**k px takes `channels[k]` channels.

    In lucidrains' trunk that block makes as many, and a last one, at 2 px, makes `hidden`.
    """

    channels: tuple[int, ...]
    outputs: int  # discriminator: 1 or the number of classes; encoder: w_dim
    hidden: int = 512  # width of the dense layer after the 4x4 convolution
    minibatch_stddev: bool = False  # the discriminator's; an encoder must not see its neighbours
    conv_clamp: float | None = None
    lucidrains: LucidrainsTrunkConfig | msgspec.UnsetType = msgspec.UNSET

    @property
    def resolution(self) -> int:
        return 4 << (len(self.channels) - 1)


@dataclass(frozen=True)
class StyleLayer:
    """Modulated convolution. `channels` counts its *input* channels, which the style scales.

    A layer of the kind "input" is no convolution: its style is the mean of all rows of ws, from which the first feature
    map is made.
    """

    name: str  # "b8.conv0", as in the parameter names
    resolution: int  # of its output, px
    channels: int
    ws_row: int  # row of ws that feeds its affine
    kind: Literal["conv", "torgb", "input"]


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
    def torgb_positions(self) -> tuple[int, ...]:
        """Positions of the toRGB layers in `layers`."""
        return tuple(i for i, layer in enumerate(self.layers) if layer.kind == "torgb")

    @cached_property
    def indexed_layers(self) -> tuple[StyleLayer, ...]:
        """Layers whose coordinates have a style_index: those of `s`, then toRGB."""
        return self.conv_layers + tuple(self.layers[i] for i in self.torgb_positions)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """First style_index of each indexed layer."""
        return tuple(accumulate((layer.channels for layer in self.indexed_layers[:-1]), initial=0))

    @cached_property
    def num_styles(self) -> int:
        """Coordinates of `s`."""
        return sum(layer.channels for layer in self.conv_layers)

    @cached_property
    def num_with_torgb(self) -> int:
        """Coordinates with a style_index: those of `s`, then toRGB."""
        return sum(layer.channels for layer in self.indexed_layers)

    def can_move(self, style_index: int, own_ends: bool) -> bool:
        """Return True if an edit can move a coordinate. Those of toRGB have only the ends that an edit brings."""
        return 0 <= style_index < (self.num_with_torgb if own_ends else self.num_styles)

    @cached_property
    def num_ws(self) -> int:
        return 1 + max(layer.ws_row for layer in self.layers)

    def at(self, style_index: int) -> tuple[StyleLayer, int]:
        """Return the layer of a coordinate, and the channel in it."""
        if not 0 <= style_index < self.num_with_torgb:
            raise IndexError(f"style_index {style_index} is outside 0..{self.num_with_torgb - 1}")
        i = bisect_right(self.starts, style_index) - 1
        return self.indexed_layers[i], style_index - self.starts[i]

    def index(self, layer_name: str, channel: int) -> int:
        """Return the style_index of a channel; the inverse of `at`."""
        for start, layer in zip(self.starts, self.indexed_layers, strict=True):
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


def lucidrains_layout(channels: Sequence[int], input_width: int = 0) -> StyleLayout:
    """Return the layout of lucidrains' generator: two convolutions and toRGB in every block, which share a row of ws.

    `input_width` is the width of the vector that the first feature map is made from, 0 if that is constant.
    """
    layers = [StyleLayer("input", 4, input_width, 0, "input")] if input_width else []
    for k, width in enumerate(channels):
        resolution = 4 << k
        layers.append(StyleLayer(f"b{resolution}.conv0", resolution, channels[max(0, k - 1)], k, "conv"))
        layers.append(StyleLayer(f"b{resolution}.conv1", resolution, width, k, "conv"))
        layers.append(StyleLayer(f"b{resolution}.torgb", resolution, width, k, "torgb"))
    return StyleLayout(tuple(layers))
