# SPDX-License-Identifier: MIT
"""Figures used by training and explanation: agreement, Frechet distance, calibration error."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor


@dataclass(frozen=True)
class Agreement:
    """Agreement of a classifier's answers on two sets of pictures, pair by pair."""

    n: int
    argmax: float  # share of equal argmax
    kl: float  # mean KL(p || q) in nats
    mean_abs: float  # mean |p - q| of the first set's top class


def agreement(p: Tensor, q: Tensor) -> Agreement:
    """Compare class probabilities p (N, K) of the originals with q (N, K) of the copies."""
    if p.shape != q.shape or p.dim() != 2 or len(p) == 0:
        raise ValueError(f"probabilities of {tuple(p.shape)} and {tuple(q.shape)} cannot be compared")
    p, q = p.double(), q.double()
    top = p.argmax(dim=1)
    kl = (p * (p.clamp_min(1e-12).log() - q.clamp_min(1e-12).log())).sum(dim=1)
    rows = torch.arange(len(p), device=p.device)
    return Agreement(
        n=len(p),
        argmax=float((top == q.argmax(dim=1)).double().mean()),
        kl=float(kl.mean()),
        mean_abs=float((p[rows, top] - q[rows, top]).abs().mean()),
    )


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Return the Frechet distance between Gaussians fitted to features a (N, F) and b (M, F) (Heusel et al. 2017).

    |mu_a - mu_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)); the last trace by symmetric eigenvalues, or, where there are
    more features than rows, as the singular values of the two centred tables' product, which are the same.
    """
    a, b = a.double().cpu(), b.double().cpu()
    mean_term = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    if max(len(a), len(b)) < a.shape[1]:
        a, b = ((x - x.mean(dim=0)) / (len(x) - 1) ** 0.5 for x in (a, b))
        return float(mean_term + a.square().sum() + b.square().sum() - 2 * torch.linalg.svdvals(a @ b.T).sum())
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(cov_a)
    root_a = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    trace_root = torch.linalg.eigvalsh(root_a @ cov_b @ root_a).clamp_min(0).sqrt().sum()
    return float(mean_term + cov_a.trace() + cov_b.trace() - 2 * trace_root)


def calibration_error(probs: Tensor, labels: Tensor, bins: int = 15) -> float:
    """Return the expected calibration error of probs (N, K), labels (N,) (Guo et al. 2017).

    Bins of the top probability have equal widths.
    """
    top, predicted = probs.max(dim=1)
    correct = (predicted == labels).double()
    error = 0.0
    edges = torch.linspace(0, 1, bins + 1)
    for low, high in pairwise(edges):
        inside = (top > low) & (top <= high)
        if inside.any():
            gap = correct[inside].mean() - top[inside].double().mean()
            error += float(inside.double().mean() * gap.abs())
    return error
