# SPDX-License-Identifier: MIT
"""Losses of StylEx training as functions of tensors, without their weights and schedules."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from latent_explorer.models.synthesis import SynthesisNetwork


def generator_loss(fake_scores: Tensor) -> Tensor:
    """Non-saturating logistic loss of discriminator scores (N,) of generated pictures."""
    return F.softplus(-fake_scores).mean()


def discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Logistic loss of the discriminator; high scores mean real."""
    return F.softplus(-real_scores).mean() + F.softplus(fake_scores).mean()


def r1_penalty(real_scores: Tensor, real: Tensor) -> Tensor:
    """Mean squared gradient norm of the scores at real pictures (Mescheder et al. 2018); multiply by gamma / 2."""
    (gradient,) = torch.autograd.grad(real_scores.sum(), real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def path_lengths(img: Tensor, ws: Tensor, noise: Tensor) -> Tensor:
    """Length (N,) of J^T y for each picture, with y = noise / sqrt(H W): StyleGAN2, section 3.2."""
    projected = (img * noise / math.sqrt(img.shape[2] * img.shape[3])).sum()
    (gradient,) = torch.autograd.grad(projected, ws, create_graph=True)
    return gradient.square().sum(dim=2).mean(dim=1).sqrt()


def kl_divergence(p: Tensor, logits: Tensor) -> Tensor:
    """Mean KL(p || softmax(logits)) in nats: p (N, K) of the originals, logits (N, K) of the copies."""
    log_q = logits.log_softmax(dim=1)
    return (p * (p.clamp_min(1e-8).log() - log_q)).sum(dim=1).mean()


def class_weights(synthesis: SynthesisNetwork) -> list[Tensor]:
    """Class weights of each layer's styles: its affine's columns for `cond`, about their mean, (channels, K)."""
    w_dim = synthesis.config.w_dim
    columns = [synthesis.layer(x.name).affine.weight[:, w_dim:] for x in synthesis.layout.layers]
    return [x - x.mean(dim=1, keepdim=True) for x in columns]


def cond_sparsity(synthesis: SynthesisNetwork) -> Tensor:
    """L1 norm of all class weights."""
    return torch.cat(class_weights(synthesis)).abs().sum()


def sliced_wasserstein(a: Tensor, b: Tensor, directions: Tensor) -> Tensor:
    """Squared sliced Wasserstein distance between equally many samples a, b (N, D) along directions (D, P)."""
    directions = F.normalize(directions, dim=0).T
    a, b = directions @ a.T, directions @ b.T
    return (a.gather(1, _order(a)) - b.gather(1, _order(b))).square().mean()


def _order(x: Tensor) -> Tensor:
    """Indices that sort each row. On a CPU by numpy, which is three times as fast as torch there."""
    if x.device.type == "cpu":
        return torch.from_numpy(np.argsort(x.detach().numpy(), axis=1))
    return x.detach().argsort(dim=1)
