# SPDX-License-Identifier: MIT
"""How good a training is, on pictures that it never sees, by the averaged networks; and the sheets to look at."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from latent_explorer.models.classifiers import Classifier
from latent_explorer.models.metrics import agreement, frechet_distance
from latent_explorer.models.perceptual import Perceptual
from latent_explorer.training.networks import Networks
from latent_explorer.training.stream import to_img

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
        n = SHEET_COLUMNS * 2
        real, probs = self.real[:n], self.probs[:n]
        w = networks.E_ema(real)
        mapped = _mapped(networks, n)
        parts = [
            real,
            *(
                self._render(networks, ws, p)
                for ws, p in ((w, probs), (w, probs.flip(1)), (mapped, probs))
            ),
        ]
        bands = [part[k : k + SHEET_COLUMNS] for k in range(0, n, SHEET_COLUMNS) for part in parts]
        return _tile(torch.cat(bands), SHEET_COLUMNS)

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


def _tile(img: Tensor, columns: int) -> np.ndarray:
    """(N, 3, H, W) in [-1, 1] -> one picture (rows * H, columns * W, 3) uint8."""
    n, _, height, width = img.shape
    pixels = ((img.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    grid = pixels.reshape(n // columns, columns, height, width, 3).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(grid.reshape(n // columns * height, columns * width, 3))
