# SPDX-License-Identifier: MIT
"""Networks of a StylEx training: generator, encoder, discriminator, and averaged copies of them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latent_explorer.models.architecture import GeneratorConfig, TrunkConfig
from latent_explorer.models.discriminator import Discriminator, Encoder
from latent_explorer.models.stylegan2 import Generator
from latent_explorer.training.settings import check_widths
from latent_explorer.training.warm_start import (
    copy_generator,
    copy_outputs,
    copy_trunk,
    forget_noise,
    forget_told,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from latent_explorer.models.architecture import StyleLayer
    from latent_explorer.models.explainer import Explainer
    from latent_explorer.training.config import TrainConfig

W_AVG_BETA = 0.998
M = TypeVar("M", bound=nn.Module)


class Networks:
    """Networks of a training: `G`, `E`, `D` are trained; `G_ema`, `E_ema` are averages, for export and validation.

    A plain StyleGAN2 (`mode`) has neither encoder nor classes.
    """

    E: Encoder | None
    E_ema: Encoder | None

    def __init__(self, config: TrainConfig, num_classes: int, device: torch.device | None = None) -> None:
        check_widths(config)
        self.num_classes = num_classes if config.mode == "stylex" else 0
        self._never_told = config.untold == 1
        self._noise = config.noise
        self._cond_resolution = config.cond_resolution or config.resolution
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)  # initial weights only
            self.G, self.E, self.D = self._new(config)
        for module in (self.G, self.E, self.D):
            if module is not None:
                module.to(device).to(memory_format=torch.channels_last)
        self._zero_unused_cond()
        self.D.stddev_group = config.stddev_group
        self.G_ema = _average(self.G)
        self.E_ema = None if self.E is None else _average(self.E)

    def _new(self, c: TrainConfig) -> tuple[Generator, Encoder | None, Discriminator]:
        generator = GeneratorConfig(
            channels=c.channels,
            z_dim=c.z_dim,
            w_dim=c.w_dim,
            num_classes=self.num_classes,
            cond_gain=c.cond_gain,
            mapping_layers=c.mapping_layers,
            mapping_lr_mul=c.mapping_lr_mul,
        )
        G = Generator(generator)
        E = Encoder(TrunkConfig(c.channels, c.w_dim, c.hidden)) if c.mode == "stylex" else None
        outputs = max(self.num_classes, 1)
        D = Discriminator(TrunkConfig(c.channels, outputs, c.hidden, minibatch_stddev=True))
        return G, E, D

    def load_explainer(self, explainer: Explainer) -> list[str]:
        """Take over the networks of an explainer. Returns sentences on what was taken and what starts anew.

        If it has no encoder, E starts from the discriminator's trunk (B.6 of the reference). Raises UserError if shapes
        differ.
        """
        said = [copy_generator(self.G, explainer.generator)]
        self._zero_cond_weights(self._layers_without_cond)
        if self.num_classes and self._cond_resolution < self.G.config.resolution:
            said.append(f"Convolutions above {self._cond_resolution} px are not told of the classes.")
        if self.num_classes and self._never_told:
            said.append(forget_told(self.G))
        if not self._noise:
            said.append(forget_noise(self.G))
        critic = explainer.discriminator
        if self.E is not None:
            said.append(self._load_encoder(self.E, explainer))
        if critic is None:
            said.append("The discriminator starts anew: the explainer holds none.")
        else:
            copy_trunk(self.D, critic, "discriminator")
            taken = copy_outputs(self.D, critic)
            but = "" if taken else " but its last layer, which knew other classes"
            said.append(f"The discriminator is taken{but}.")
        self.G_ema.load_state_dict(self.G.state_dict())
        if self.E is not None and self.E_ema is not None:
            self.E_ema.load_state_dict(self.E.state_dict())
        return said

    @staticmethod
    def _load_encoder(E: Encoder, explainer: Explainer) -> str:
        if isinstance(explainer.encoder, Encoder):
            copy_trunk(E, explainer.encoder, "encoder")
            copy_outputs(E, explainer.encoder)
            return "The encoder is taken."
        if explainer.discriminator is not None:
            copy_trunk(E, explainer.discriminator, "discriminator")
            return "The encoder starts from the discriminator's convolutions: the explainer holds none."
        return "The encoder starts anew: the explainer holds neither one nor a discriminator."

    def _zero_unused_cond(self) -> None:
        """Zero the columns for `cond`, as when affines of a trained StyleGAN2 are widened (B.6 of the reference)."""
        w_dim = self.G.config.w_dim
        self._zero_cond_weights(self.G.synthesis.layout.layers)
        for layer in self._layers_without_cond:
            self.G.synthesis.layer(layer.name).affine.weight.register_hook(
                lambda gradient: F.pad(gradient[:, :w_dim], (0, gradient.shape[1] - w_dim))
            )

    @property
    def _layers_without_cond(self) -> list[StyleLayer]:
        """Layers whose columns for `cond` stay zero: toRGB, and those finer than `cond_resolution`.

        AttFind searches the styles of the 3x3 convolutions: it would miss a class that acts through toRGB.
        """
        return [
            layer
            for layer in self.G.synthesis.layout.layers
            if layer.kind == "torgb" or layer.resolution > self._cond_resolution
        ]

    @torch.no_grad()
    def _zero_cond_weights(self, layers: Iterable[StyleLayer]) -> None:
        for layer in layers:
            self.G.synthesis.layer(layer.name).affine.weight[:, self.G.config.w_dim :] = 0

    @torch.no_grad()
    def limit_cond(self, limit: float) -> None:
        """Clamp every style's class weights to within `limit` of their mean: several styles must share the class."""
        w_dim = self.G.config.w_dim
        for layer in self.G.synthesis.layout.conv_layers:
            weight = self.G.synthesis.layer(layer.name).affine.weight[:, w_dim:]
            mean = weight.mean(dim=1, keepdim=True)
            weight.copy_(mean + (weight - mean).clamp(-limit, limit))

    def modules(self) -> dict[str, nn.Module]:
        """Return the networks that exist, by name."""
        every = {"G": self.G, "E": self.E, "D": self.D, "G_ema": self.G_ema, "E_ema": self.E_ema}
        return {name: module for name, module in every.items() if module is not None}

    @torch.no_grad()
    def update_averages(self, batch: int, images: int, half_life: int, w: Tensor) -> None:
        """Update the averaged copies. Early in a training the half-life is at most 5 % of the images seen."""
        center = self.G.mapping.w_avg
        center.copy_(w.mean(dim=0).lerp(center, W_AVG_BETA))
        decay = 0.5 ** (batch / max(min(half_life, 0.05 * images), 1e-8))
        for average, network in ((self.G_ema, self.G), (self.E_ema, self.E)):
            if average is None or network is None:
                continue
            kept: list[Tensor] = list(average.parameters())
            new: list[Tensor] = list(network.parameters())
            torch._foreach_lerp_(kept, new, 1 - decay)
            for buffer, current in zip(average.buffers(), network.buffers(), strict=True):
                buffer.copy_(current)

    def state(self) -> dict[str, Any]:
        return {name: module.state_dict() for name, module in self.modules().items()}

    def load_state(self, state: dict[str, Any]) -> None:
        for name, module in self.modules().items():
            module.load_state_dict(state[name])


def _average(network: M) -> M:
    return copy.deepcopy(network).eval().requires_grad_(False)
