# SPDX-License-Identifier: MIT
"""Shapes of networks as values: what a file's header stores and what the constructors take. No torch."""

from __future__ import annotations

import msgspec

from latent_explorer.models.style_layout import StyleLayout, stylegan2_layout


class GeneratorConfig(msgspec.Struct, frozen=True):
    """A StyleGAN2 generator. The block at 4 * 2**k px has `channels[k]` output channels."""

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
    """A residual trunk (discriminator or encoder): the block at 4 * 2**k px takes `channels[k]` channels."""

    channels: tuple[int, ...]
    outputs: int  # discriminator: 1 or the number of classes; encoder: w_dim
    hidden: int = 512  # width of the dense layer after the 4x4 convolution
    minibatch_stddev: bool = False  # the discriminator's; an encoder must not see its neighbours
    conv_clamp: float | None = None

    @property
    def resolution(self) -> int:
        return 4 << (len(self.channels) - 1)
