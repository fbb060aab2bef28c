# SPDX-License-Identifier: MIT
"""How good a training is, on pictures that it never sees, by the averaged networks; and the sheets to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from latent_explorer.models.metrics import agreement, frechet_distance
from latent_explorer.training.stream import to_img

if TYPE_CHECKING:
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.perceptual import Perceptual
    from latent_explorer.training.networks import Networks

SHEET_COLUMNS = 8


class Validation:
    """Fixed validation pictures (N, H, W, 3) uint8 and what is measured on them."""

    def __init__(self, pixels: np.ndarray, classifier: Classifier, perceptual: Perceptual) -> None:
        self.real = to_img(pixels)
        self.classifier = classifier
        self.perceptual = perceptual
        with torch.no_grad():
            self.probs = classifier.probs(self.real)
            self.features = classifier.features(self.real)
            mean = self.real.mean(dim=0, keepdim=True)
            self.mean_image_lpips = float(self._lpips(mean.expand_as(self.real)))

    @torch.no_grad()
    def measure(self, networks: Networks) -> dict[str, float]:
        """Reconstruction, agreement, encoder diversity and Frechet distances on the classifier's features."""
        w = _batched(networks.E_ema, self.real)
        rec = self._render(networks, w)
        mapped = self._render(networks, _mapped(networks, len(w)))
        same = agreement(self.probs, self.classifier.probs(rec))
        lpips = float(self._lpips(rec))
        return {
            "val_lpips": lpips,
            "val_lpips_ratio": lpips / self.mean_image_lpips,
            "val_l1": float((rec - self.real).abs().mean()),
            "val_agreement": same.argmax,
            "val_kl": same.kl,
            "val_diversity": float(torch.pdist(w).mean() / w.norm(dim=1).mean()),
            "val_frechet_reconstruction": frechet_distance(
                self.features, self.classifier.features(rec)
            ),
            "val_frechet_mapping": frechet_distance(
                self.features, self.classifier.features(mapped)
            ),
        }

    @torch.no_grad()
    def sheet(self, networks: Networks) -> np.ndarray:
        """Rows: original, reconstruction, the same told the opposite, mapping samples. Two bands of each."""
        real, probs = self.real[: SHEET_COLUMNS * 2], self.probs[: SHEET_COLUMNS * 2]
        w = networks.E_ema(real)
        rows = [
            real,
            self._render(networks, w, probs),
            self._render(networks, w, probs.flip(1)),
            self._render(networks, _mapped(networks, len(real)), probs),
        ]
        half = (len(real) + 1) // 2
        bands = [row[k : k + half] for k in (0, half) for row in rows if len(row[k : k + half])]
        return _stack(bands, half)

    def _render(self, networks: Networks, w: Tensor, probs: Tensor | None = None) -> Tensor:
        cond = self.probs[: len(w)] if probs is None else probs
        synthesis, noise = networks.G_ema.synthesis, networks.G_ema.synthesis.noise_const()
        ws = networks.G_ema.broadcast(w)
        pieces = [synthesis(ws[i : i + 32], cond[i : i + 32], noise) for i in range(0, len(w), 32)]
        return torch.cat(pieces).clamp(-1, 1)

    def _lpips(self, rec: Tensor) -> Tensor:
        pieces = [
            self.perceptual(rec[i : i + 64], self.real[i : i + 64]) for i in range(0, len(rec), 64)
        ]
        return torch.cat(pieces).mean()


def _batched(network: torch.nn.Module, img: Tensor) -> Tensor:
    return torch.cat([network(img[i : i + 64]) for i in range(0, len(img), 64)])


def _mapped(networks: Networks, n: int) -> Tensor:
    z = torch.randn(n, networks.G_ema.config.z_dim, generator=torch.Generator().manual_seed(0))
    w: Tensor = networks.G_ema.mapping(z)
    return w


def _stack(bands: list[Tensor], columns: int) -> np.ndarray:
    """Bands (n <= columns, 3, H, W) in [-1, 1], one below the other -> (rows * H, columns * W, 3) uint8."""
    padded = [F.pad(band, (0, 0, 0, 0, 0, 0, 0, columns - len(band)), value=-1) for band in bands]
    img = torch.stack(padded).clamp(-1, 1)  # (rows, columns, 3, H, W)
    rows, _, _, height, width = img.shape
    pixels = ((img + 1) * 127.5).round().byte().permute(0, 3, 1, 4, 2)
    return np.ascontiguousarray(pixels.reshape(rows * height, columns * width, 3).numpy())
