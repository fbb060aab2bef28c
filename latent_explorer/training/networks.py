# SPDX-License-Identifier: MIT
"""The networks of one StylEx training: generator, encoder, discriminator, and the averaged copies that are kept."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latent_explorer.common.errors import UserError
from latent_explorer.models.architecture import GeneratorConfig, TrunkConfig
from latent_explorer.models.discriminator import Discriminator
from latent_explorer.models.encoder import Encoder
from latent_explorer.models.stylegan2 import Generator

if TYPE_CHECKING:
    from latent_explorer.training.config import TrainConfig

W_AVG_BETA = 0.998


def check_widths(config: TrainConfig) -> None:
    """Raise UserError unless there is one width for every resolution."""
    expected = 4 << (len(config.channels) - 1)
    if expected != config.resolution:
        raise UserError(
            f"{len(config.channels)} widths make {expected} px, not {config.resolution} px. "
            "Give one width for every resolution from 4 px up."
        )


class Networks:
    """`G`, `E`, `D` are trained; `G_ema` and `E_ema` follow them and are what is exported and judged."""

    def __init__(self, config: TrainConfig, num_classes: int) -> None:
        check_widths(config)
        torch.manual_seed(config.seed)  # initial weights only
        self.G = Generator(
            GeneratorConfig(
                channels=config.channels,
                z_dim=config.z_dim,
                w_dim=config.w_dim,
                num_classes=num_classes,
                cond_gain=config.cond_gain,
                mapping_layers=config.mapping_layers,
                mapping_lr_mul=config.mapping_lr_mul,
            )
        )
        self._start_without_cond()
        self.E = Encoder(TrunkConfig(config.channels, config.w_dim, config.hidden))
        self.D = Discriminator(
            TrunkConfig(config.channels, num_classes, config.hidden, minibatch_stddev=True)
        )
        self.G_ema = copy.deepcopy(self.G).eval().requires_grad_(False)
        self.E_ema = copy.deepcopy(self.E).eval().requires_grad_(False)
        for module in self.modules().values():
            module.to(memory_format=torch.channels_last)

    def _start_without_cond(self) -> None:
        """Zero columns for `cond`, as when the affines of a trained StyleGAN2 are widened (B.6 of the reference).

        Those of toRGB stay zero: AttFind searches the styles of the 3x3 convolutions, and a class that travels
        through toRGB would pass it by.
        """
        w_dim = self.G.config.w_dim
        for layer in self.G.synthesis.layout.layers:
            weight = self.G.synthesis.layer(layer.name).affine.weight
            with torch.no_grad():
                weight[:, w_dim:] = 0
            if layer.kind == "torgb":
                weight.register_hook(
                    lambda gradient: F.pad(gradient[:, :w_dim], (0, gradient.shape[1] - w_dim))
                )

    @torch.no_grad()
    def limit_cond(self, limit: float) -> None:
        """Keep every style's class weights within `limit` of their mean, so that several styles share the class."""
        w_dim = self.G.config.w_dim
        for layer in self.G.synthesis.layout.conv_layers:
            weight = self.G.synthesis.layer(layer.name).affine.weight[:, w_dim:]
            mean = weight.mean(dim=1, keepdim=True)
            weight.copy_(mean + (weight - mean).clamp(-limit, limit))

    def modules(self) -> dict[str, nn.Module]:
        return {"G": self.G, "E": self.E, "D": self.D, "G_ema": self.G_ema, "E_ema": self.E_ema}

    @torch.no_grad()
    def update_averages(self, batch: int, images: int, half_life: int, w: Tensor) -> None:
        """Move the averaged copies; early in a training the half-life is at most 5 % of what was seen."""
        center = self.G.mapping.w_avg
        center.copy_(w.mean(dim=0).lerp(center, W_AVG_BETA))
        decay = 0.5 ** (batch / max(min(half_life, 0.05 * images), 1e-8))
        for average, network in ((self.G_ema, self.G), (self.E_ema, self.E)):
            for a, b in zip(average.parameters(), network.parameters(), strict=True):
                a.lerp_(b, 1 - decay)
            for kept, new in zip(average.buffers(), network.buffers(), strict=True):
                kept.copy_(new)

    def state(self) -> dict[str, Any]:
        return {name: module.state_dict() for name, module in self.modules().items()}

    def load_state(self, state: dict[str, Any]) -> None:
        for name, module in self.modules().items():
            module.load_state_dict(state[name])
