# SPDX-License-Identifier: MIT
"""StyleGAN2 generator (skip architecture) with the StylEx extension, written from the papers.

Style space is part of the interface, `ws, cond -> styles -> img`: styles can be replaced in between, and edits never
touch weights. Parameter names follow stylegan2-ada, so checkpoints map one to one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latent_explorer.models import winograd
from latent_explorer.models.lucidrains import LucidrainsSynthesis
from latent_explorer.models.ops import (
    LRELU_GAIN,
    LRELU_SLOPE,
    EqualizedLinear,
    demodulation,
    inference_conv,
    leaky_relu,
    modulated_conv,
    normalize_second_moment,
    upsample,
)
from latent_explorer.models.synthesis import SynthesisNetwork

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from latent_explorer.models.architecture import GeneratorConfig, StyleLayer
    from latent_explorer.models.synthesis import NoiseMaps, Styles


class MappingNetwork(nn.Module):
    """Mapping network: z (and c) -> w. Truncation acts on its output only."""

    w_avg: Tensor

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.z_dim, self.c_dim, self.w_dim = config.z_dim, config.c_dim, config.w_dim
        self.num_layers = config.mapping_layers
        embed_dim = config.w_dim if config.c_dim else 0
        if config.c_dim:
            self.embed = EqualizedLinear(config.c_dim, embed_dim)
        widths = [config.z_dim + embed_dim] + [config.w_dim] * config.mapping_layers
        for i in range(config.mapping_layers):
            layer = EqualizedLinear(widths[i], widths[i + 1], lr_mul=config.mapping_lr_mul, activation=True)
            setattr(self, f"fc{i}", layer)
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """(N, z_dim), (N, c_dim) -> w (N, w_dim)."""
        x = normalize_second_moment(z)
        if self.c_dim:
            if c is None:
                raise ValueError(f"this mapping network is conditional: c (N, {self.c_dim}) is missing")
            x = torch.cat([x, normalize_second_moment(self.embed(c))], dim=1)
        for i in range(self.num_layers):
            x = getattr(self, f"fc{i}")(x)
        return x


def truncate(ws: Tensor, w_avg: Tensor, psi: float = 1.0, cutoff: int | None = None) -> Tensor:
    """Move the first `cutoff` rows of ws (N, num_ws, w_dim) towards w_avg: psi 1 keeps them, psi 0 gives w_avg."""
    if psi == 1.0:
        return ws
    truncated = w_avg + psi * (ws - w_avg)
    if cutoff is None:
        return truncated
    return torch.cat([truncated[:, :cutoff], ws[:, cutoff:]], dim=1)


class ModulatedLayer(nn.Module):
    """Affine, modulated 3x3 convolution (optionally upsampling), noise, bias, leaky ReLU."""

    noise_const: Tensor

    def __init__(self, layer: StyleLayer, out_channels: int, config: GeneratorConfig, up: bool) -> None:
        super().__init__()
        self.affine = EqualizedLinear(config.w_dim + config.num_classes, layer.channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, layer.channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(layer.resolution, layer.resolution))
        self.up = up
        self.clamp = config.conv_clamp

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        if winograd.is_inference(self.weight, x, style, noise, self.noise_strength, self.bias):
            return self._infer(x, style, noise)
        x = modulated_conv(x, self.weight, style, up=self.up)
        if noise is not None:
            x = x + noise * self.noise_strength
        return leaky_relu(x + self.bias[:, None, None], self.clamp)

    def _infer(self, x: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        """Compute the same without gradients: what follows the convolution is done while its output is in the cache."""
        # The gain of the leaky ReLU comes first: fewer numbers are multiplied, and it commutes.
        scale, bias = demodulation(self.weight, style) * LRELU_GAIN, self.bias[:, None, None] * LRELU_GAIN
        if noise is not None:
            noise = (noise * self.noise_strength * LRELU_GAIN).expand(x.shape[0], -1, -1, -1)

        def finish(band: Tensor, pictures: slice, rows: slice) -> None:
            if noise is not None:
                band += noise[pictures, :, rows]
            band += bias
            F.leaky_relu_(band, LRELU_SLOPE)
            if self.clamp is not None:
                band.clamp_(-self.clamp, self.clamp)

        return inference_conv(x, self.weight, style, scale, self.up, finish)


class ToRGB(nn.Module):
    """Affine and modulated 1x1 convolution to three channels, without demodulation."""

    def __init__(self, layer: StyleLayer, config: GeneratorConfig) -> None:
        super().__init__()
        self.affine = EqualizedLinear(config.w_dim + config.num_classes, layer.channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(3, layer.channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.style_gain = 1.0 / math.sqrt(layer.channels)
        self.clamp = config.conv_clamp

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        x = modulated_conv(x, self.weight, style * self.style_gain, demodulate=False)
        x = x + self.bias[:, None, None]
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


class SynthesisBlock(nn.Module):
    """Layers of one resolution: (conv0 up,) conv1 and toRGB."""

    const: Tensor  # of the 4-px block only

    def __init__(self, layers: Sequence[StyleLayer], out_channels: int, config: GeneratorConfig) -> None:
        super().__init__()
        *convs, torgb = layers
        if len(convs) == 1:
            self.const = nn.Parameter(torch.randn(out_channels, 4, 4))
        else:
            self.conv0 = ModulatedLayer(convs[0], out_channels, config, up=True)
        self.conv1 = ModulatedLayer(convs[-1], out_channels, config, up=False)
        self.torgb = ToRGB(torgb, config)


class StyleGAN2Synthesis(SynthesisNetwork):
    """StyleGAN2's synthesis network."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__(config)
        for resolution, width in zip(self.resolutions, config.channels, strict=True):
            layers = [layer for layer in self.layout.layers if layer.resolution == resolution]
            setattr(self, f"b{resolution}", SynthesisBlock(layers, width, config))

    def block(self, resolution: int) -> SynthesisBlock:
        return getattr(self, f"b{resolution}")

    def noise_const(self) -> list[Tensor]:
        layers = (self.layer(layer.name) for layer in self.layout.conv_layers)
        return [m.noise_const[None, None] for m in layers if isinstance(m, ModulatedLayer)]

    def noise_random(self, n: int, generator: torch.Generator | None = None) -> list[Tensor]:
        like = self.block(4).const
        return [
            torch.randn(n, 1, layer.resolution, layer.resolution, generator=generator).to(like)
            for layer in self.layout.conv_layers
        ]

    def progressive(self, styles: Styles, noise: NoiseMaps | None = None) -> Iterator[Tensor]:
        maps = iter(noise if noise is not None else [None] * len(self.layout.conv_layers))
        remaining = iter(styles)
        x = self.block(4).const[None].expand(styles[0].shape[0], -1, -1, -1)
        img: Tensor | None = None
        for resolution in self.resolutions:
            block = self.block(resolution)
            if resolution > 4:
                x = block.conv0(x, next(remaining), next(maps))
            x = block.conv1(x, next(remaining), next(maps))
            rgb = block.torgb(x, next(remaining))
            img = rgb if img is None else upsample(img) + rgb
            yield img


class Generator(nn.Module):
    """Generator: mapping and synthesis networks."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(config)
        self.synthesis: SynthesisNetwork = (
            StyleGAN2Synthesis(config) if config.lucidrains is msgspec.UNSET else LucidrainsSynthesis(config)
        )

    @property
    def num_ws(self) -> int:
        return self.synthesis.layout.num_ws

    def broadcast(self, w: Tensor) -> Tensor:
        """w (N, w_dim) -> ws (N, num_ws, w_dim)."""
        return w[:, None].expand(-1, self.num_ws, -1)

    def ws_from_z(self, z: Tensor, c: Tensor | None = None, psi: float = 1.0, cutoff: int | None = None) -> Tensor:
        """z (N, z_dim) -> truncated ws (N, num_ws, w_dim)."""
        return truncate(self.broadcast(self.mapping(z, c)), self.mapping.w_avg, psi, cutoff)
