# SPDX-License-Identifier: MIT
"""Discriminator, StylEx encoder and the residual trunk that they share (StyleGAN2, section 4 and appendix B)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from latent_explorer.models.ops import EqualizedConv, EqualizedLinear

if TYPE_CHECKING:
    from latent_explorer.models.architecture import TrunkConfig

RESIDUAL_GAIN = math.sqrt(0.5)


class ResidualBlock(nn.Module):
    """Residual block: conv0, conv1 (down 2) and a 1x1 skip (down 2), summed with gain sqrt(1/2)."""

    def __init__(self, in_channels: int, out_channels: int, clamp: float | None) -> None:
        super().__init__()
        self.conv0 = EqualizedConv(in_channels, in_channels, 3, clamp=clamp)
        self.conv1 = EqualizedConv(in_channels, out_channels, 3, down=True, gain=RESIDUAL_GAIN, clamp=clamp)
        self.skip = EqualizedConv(
            in_channels, out_channels, 1, down=True, bias=False, activation=False, gain=RESIDUAL_GAIN
        )

    def forward(self, x: Tensor) -> Tensor:  # (N, in, H, W) -> (N, out, H/2, W/2)
        return self.conv1(self.conv0(x)) + self.skip(x)


def minibatch_stddev(x: Tensor, group_size: int = 4) -> Tensor:
    """Append one channel with the mean standard deviation over groups of the batch: (N, C, H, W) -> (N, C + 1, H, W).

    Groups are strided (i, i + N/G, ...), as in the papers; a batch that `group_size` does not divide is one group.
    """
    n, channels, height, width = x.shape
    group = group_size if n % group_size == 0 else n
    y = x.reshape(group, n // group, channels, height, width)
    y = (y.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))  # (N/G,)
    y = y.repeat(group)[:, None, None, None].expand(n, 1, height, width)
    return torch.cat([x, y], dim=1)


class Trunk(nn.Module):
    """Residual trunk: img (N, 3, H, W) -> (N, outputs)."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.config = config
        self.stddev_group = 4  # pictures in one statistic; as in StyleGAN2
        widths = config.channels[::-1]  # from the full resolution down to 4 px
        self.from_rgb = EqualizedConv(3, widths[0], 1, clamp=config.conv_clamp)
        self.blocks = nn.Sequential(*(ResidualBlock(a, b, config.conv_clamp) for a, b in pairwise(widths)))
        extra = 1 if config.minibatch_stddev else 0
        self.conv = EqualizedConv(widths[-1] + extra, widths[-1], 3, clamp=config.conv_clamp)
        self.dense = EqualizedLinear(widths[-1] * 16, config.hidden, activation=True)
        self.out = EqualizedLinear(config.hidden, config.outputs)

    def forward(self, img: Tensor) -> Tensor:
        size = self.config.resolution
        if tuple(img.shape[1:]) != (3, size, size):
            raise ValueError(f"img has shape {tuple(img.shape)}; this network takes (N, 3, {size}, {size})")
        x = self.blocks(self.from_rgb(img))
        if self.config.minibatch_stddev:
            x = minibatch_stddev(x, self.stddev_group)
        x = self.conv(x)
        return self.out(self.dense(x.flatten(1)))


class Discriminator(Trunk):
    """Discriminator: img (N, 3, H, W), cond (N, outputs) -> scores (N,); high means real.

    As in the released StylEx model there is one output per class, multiplied by the class probabilities and summed.
    With a single output `cond` is not used.
    """

    def score(self, img: Tensor, cond: Tensor | None = None) -> Tensor:
        y = self(img)
        if self.config.outputs == 1:
            return y[:, 0]
        if cond is None:
            raise ValueError(f"cond (N, {self.config.outputs}) is missing: this discriminator is conditional")
        return (y * cond).sum(dim=1)


class Encoder(Trunk):
    """StylEx encoder, without minibatch statistics: img (N, 3, H, W) in [-1, 1] -> w (N, w_dim)."""
