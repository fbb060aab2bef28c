# SPDX-License-Identifier: MIT
"""Synthesis network of lucidrains' stylegan2-pytorch, and the encoder of the StylEx that was built on it.

It differs from StyleGAN2 in what no choice of weights makes equal: features are enlarged before their convolution, and
repeat their edge; the 4-px block has an unmodulated convolution and two modulated ones; noise has a strength for each
channel; some have attention. Styles are offsets: a weight is multiplied by 1 + style.

Here noise maps have mean 0 and variance 1 like StyleGAN2's. The source draws one map for a picture, uniform in [0, 1),
and uses its upper left corner in small layers. The mean of it is part of the bias here, so "no noise" is the mean.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latent_explorer.models.ops import LRELU_SLOPE, modulated_conv
from latent_explorer.models.synthesis import SynthesisNetwork

if TYPE_CHECKING:
    from collections.abc import Iterator

    from latent_explorer.models.architecture import GeneratorConfig, StyleLayer, TrunkConfig
    from latent_explorer.models.synthesis import NoiseMaps, Styles

UNIFORM_STD = math.sqrt(1 / 12)  # of numbers uniform in [0, 1)
NORM_EPS = 1e-5
HEADS, HEAD_WIDTH = 8, 64  # of attention


def enlarge(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 2H, 2W), bilinear; the edge is repeated."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def smooth(x: Tensor) -> Tensor:
    """Filter (N, C, H, W) with 1-2-1 in both directions; beyond the edge the picture is mirrored."""
    taps = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
    kernel = torch.outer(taps, taps).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel, groups=x.shape[1])


class ChannelNorm(nn.Module):
    """Norm over the channels of each pixel."""

    def __init__(self, channels: int, eps_in_root: bool) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.eps_in_root = eps_in_root

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x, dim=1, correction=0, keepdim=True)
        scale = (variance + NORM_EPS).sqrt() if self.eps_in_root else variance.sqrt() + NORM_EPS
        return (x - mean) / scale * self.gain + self.bias


class LinearAttention(nn.Module):
    """Attention whose cost grows with the pixels, not their square (Shen et al. 2021, "Efficient Attention")."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = HEADS * HEAD_WIDTH
        self.query = nn.Conv2d(channels, inner, 1, bias=False)
        self.key_value_depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.key_value = nn.Conv2d(channels, 2 * inner, 1, bias=False)
        self.out = nn.Conv2d(inner, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        key, value = self.key_value(self.key_value_depthwise(x)).chunk(2, dim=1)
        q, k, v = (each.reshape(len(x), HEADS, HEAD_WIDTH, -1) for each in (self.query(x), key, value))
        q, k = q.softmax(dim=2) / math.sqrt(HEAD_WIDTH), k.softmax(dim=3)
        context = k @ v.transpose(2, 3)  # (N, heads, width of k, width of v)
        y = context.transpose(2, 3) @ q
        return self.out(F.gelu(y.reshape(len(x), -1, *x.shape[2:])))


class Attention(nn.Module):
    """Attention and a feed-forward network of 1x1 convolutions, both with a norm before and added to their input."""

    def __init__(self, channels: int, eps_in_root: bool) -> None:
        super().__init__()
        self.norm, self.attend = ChannelNorm(channels, eps_in_root), LinearAttention(channels)
        self.norm_mix = ChannelNorm(channels, eps_in_root)
        self.widen, self.narrow = nn.Conv2d(channels, 2 * channels, 1), nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attend(self.norm(x))
        return x + self.narrow(F.leaky_relu(self.widen(self.norm_mix(x)), LRELU_SLOPE))


class LucidrainsLayer(nn.Module):
    """Affine, modulated 3x3 convolution, noise, bias, leaky ReLU."""

    def __init__(self, layer: StyleLayer, out_channels: int, config: GeneratorConfig) -> None:
        super().__init__()
        self.affine = nn.Linear(config.latent_dim, layer.channels)
        self.weight = nn.Parameter(torch.randn(out_channels, layer.channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        x = modulated_conv(x, self.weight, style + 1) + self.bias[:, None, None]
        if noise is not None:
            x = x + noise * self.noise_strength[:, None, None]
        return F.leaky_relu(x, LRELU_SLOPE)


class LucidrainsToRGB(nn.Module):
    """Affine and modulated 1x1 convolution to RGB or RGBA, without demodulation and bias."""

    def __init__(self, layer: StyleLayer, config: GeneratorConfig, outputs: int) -> None:
        super().__init__()
        self.affine = nn.Linear(config.latent_dim, layer.channels)
        self.weight = nn.Parameter(torch.randn(outputs, layer.channels, 1, 1))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        return modulated_conv(x, self.weight, style + 1, demodulate=False)


class LucidrainsBlock(nn.Module):
    """Layers of one resolution: (attention,) conv0, conv1 and toRGB."""

    def __init__(self, k: int, config: GeneratorConfig) -> None:
        super().__init__()
        options, width = config.lucidrains, config.channels[k]
        assert options is not msgspec.UNSET
        layers = [layer for layer in config.layout.layers if layer.resolution == 4 << k and layer.kind != "input"]
        self.attention = Attention(layers[0].channels, options.norm_eps_in_root) if k in options.attention else None
        self.conv0, self.conv1 = (LucidrainsLayer(layer, width, config) for layer in layers[:2])
        self.torgb = LucidrainsToRGB(layers[2], config, 4 if options.transparent else 3)


class LucidrainsSynthesis(SynthesisNetwork):
    """lucidrains' synthesis network."""

    noise_map: Tensor  # (R, R): the noise of every layer is its upper left corner

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__(config)
        assert config.lucidrains is not msgspec.UNSET
        self.options = config.lucidrains
        width = config.channels[0]
        if self.options.input_from_w:
            self.input = nn.ConvTranspose2d(config.latent_dim, width, 4, bias=False)
        else:
            self.const = nn.Parameter(torch.randn(width, 4, 4))
        self.initial = nn.Conv2d(width, width, 3, padding=1)
        for k, resolution in enumerate(self.resolutions):
            setattr(self, f"b{resolution}", LucidrainsBlock(k, config))
        self.register_buffer("noise_map", torch.randn(config.resolution, config.resolution))

    def noise_const(self) -> list[Tensor]:
        return self._corners(self.noise_map[None, None])

    def noise_random(self, n: int, generator: torch.Generator | None = None) -> list[Tensor]:
        size = self.config.resolution
        uniform = torch.rand(n, 1, size, size, generator=generator)
        return self._corners(((uniform - 0.5) / UNIFORM_STD).to(self.noise_map))

    def _corners(self, noise: Tensor) -> list[Tensor]:
        return [noise[:, :, : layer.resolution, : layer.resolution] for layer in self.layout.conv_layers]

    def progressive(self, styles: Styles, noise: NoiseMaps | None = None) -> Iterator[Tensor]:
        maps = iter(noise if noise is not None else [None] * len(self.layout.conv_layers))
        remaining = iter(styles)
        if self.options.input_from_w:
            x = self.input(next(remaining)[:, :, None, None])
        else:
            x = self.const[None].expand(styles[0].shape[0], -1, -1, -1)
        x = self.initial(x)
        rgb: Tensor | None = None
        for resolution in self.resolutions:
            block = getattr(self, f"b{resolution}")
            if block.attention is not None:
                x = block.attention(x)
            if rgb is not None:
                x, rgb = enlarge(x), enlarge(rgb)
                rgb = smooth(rgb) if self.options.rgb_blur else rgb
            x = block.conv0(x, next(remaining), next(maps))
            x = block.conv1(x, next(remaining), next(maps))
            y = block.torgb(x, next(remaining))
            rgb = y if rgb is None else rgb + y
            yield self._picture(rgb)

    def _picture(self, rgb: Tensor) -> Tensor:
        """Return img of the sum of toRGB outputs, which are in [0, 1]; opacity may be a fourth channel."""
        if self.options.transparent:
            colour, opacity = rgb.clamp(0, 1).split([3, 1], dim=1)
            rgb = 1 - opacity + colour * opacity
        return 2 * rgb - 1


class LucidrainsResidualBlock(nn.Module):
    """Two 3x3 convolutions (and a third after a blur, down 2) beside one of 1x1, summed with gain sqrt(1/2)."""

    def __init__(self, in_channels: int, out_channels: int, down: bool) -> None:
        super().__init__()
        self.skip = nn.Conv2d(in_channels, out_channels, 1, stride=2 if down else 1)
        self.conv0 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv1 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.down = nn.Conv2d(out_channels, out_channels, 3, padding=1, stride=2) if down else None
        self.attention: Attention | None = None

    def forward(self, x: Tensor) -> Tensor:
        y = F.leaky_relu(self.conv1(F.leaky_relu(self.conv0(x), LRELU_SLOPE)), LRELU_SLOPE)
        if self.down is not None:
            y = self.down(smooth(y))
        y = (y + self.skip(x)) * math.sqrt(0.5)
        return y if self.attention is None else self.attention(y)


class LucidrainsEncoder(nn.Module):
    """Encoder of a StylEx built on lucidrains' networks: img (N, 3, H, W) in [-1, 1] -> (N, outputs).

    It is lucidrains' discriminator with as many outputs as the first numbers of w.
    """

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        assert config.lucidrains is not msgspec.UNSET
        self.config = config
        widths = [3, *config.channels[::-1], config.hidden]
        last = len(widths) - 2
        self.blocks = nn.Sequential(
            *(LucidrainsResidualBlock(*pair, down=i != last) for i, pair in enumerate(pairwise(widths)))
        )
        for i in config.lucidrains.attention:
            self.blocks.get_submodule(str(i)).attention = Attention(widths[i + 1], config.lucidrains.norm_eps_in_root)
        self.final = nn.Conv2d(config.hidden, config.hidden, 3, padding=1)
        self.out = nn.Linear(4 * config.hidden, config.outputs)

    def forward(self, img: Tensor) -> Tensor:
        return self.out(self.final(self.blocks((img + 1) / 2)).flatten(1))
