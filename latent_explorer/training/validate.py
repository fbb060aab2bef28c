# SPDX-License-Identifier: MIT
"""Validation of the averaged networks on pictures that a training never sees, and sample sheets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from latent_explorer.models.metrics import agreement, frechet_distance
from latent_explorer.models.stylegan2 import truncate
from latent_explorer.training.batches import to_img

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.perceptual import PerceptualDistance
    from latent_explorer.training.networks import Networks

SHEET_COLUMNS = 8
CHUNK = 32  # pictures at once: the card also has the networks of the training in its memory
TRUNCATION = 0.7  # psi of the sheet's lower row without an encoder
THUMBNAIL = 8  # px


class Validation:
    """Measurements on fixed validation pictures (N, H, W, 3) uint8.

    A plain StyleGAN2 needs neither classifier nor perceptual distance; its pictures are compared with real ones as
    thumbnails of 8 px, in colour and layout alone, not by a classifier's features.
    """

    def __init__(
        self,
        pixels: np.ndarray,
        classifier: Classifier | None,
        perceptual: PerceptualDistance | None,
        device: torch.device | None = None,
        probs: Tensor | None = None,
    ) -> None:
        """Prepare for pictures of which the classifier says `probs` (N, K); None without a classifier."""
        self.real = to_img(pixels)
        self.classifier = classifier
        self.perceptual = perceptual
        self.device = device
        self.features = self._features(self.real)
        self.probs = torch.zeros(len(self.real), 0) if probs is None else probs
        self.baseline: dict[str, float] = {}  # figures of the mean picture, as reconstruction
        if perceptual is not None:
            mean = self.real.mean(dim=0, keepdim=True)
            whole = mean.expand_as(self.real)
            self.baseline[f"mean_image_{perceptual.key}"] = self._distance(perceptual, whole)

    def measure(self, networks: Networks) -> dict[str, float]:
        """Measure reconstruction, agreement, encoder diversity and Frechet distances; without E only the last."""
        mapped = self._render(networks, self._mapped(networks, len(self.real)), self.probs)
        values = {"val_frechet_mapping": frechet_distance(self.features, self._features(mapped))}
        if networks.E_ema is None:
            return values
        assert self.classifier is not None
        w = self._map(networks.E_ema, self.real)
        rec = self._render(networks, w, self.probs)
        probs, features = self._answers(self.classifier, rec)
        same = agreement(self.probs, probs)
        return {
            **self._perceptual_figures(rec),
            "val_l1": float((rec - self.real).abs().mean()),
            "val_agreement": same.argmax,
            "val_kl": same.kl,
            "val_diversity": float(torch.pdist(w).mean() / w.norm(dim=1).mean()),
            "val_frechet_reconstruction": frechet_distance(self.features, features),
            **values,
        }

    def sheet(self, networks: Networks) -> np.ndarray:
        """Return a sheet (H, W, 3) uint8 of 16 pictures in two bands.

        Rows of a band: original, reconstruction, the same told another class, mapping samples. Without an encoder:
        original, mapping samples, the same truncated.
        """
        n = SHEET_COLUMNS * 2
        real, probs = self.real[:n], self.probs[:n]
        mapped = self._mapped(networks, len(real))
        rows = [real]
        if networks.E_ema is None:
            fewer = truncate(mapped, networks.G_ema.mapping.w_avg.cpu(), TRUNCATION)
            rows += [self._render(networks, w, probs) for w in (mapped, fewer)]
        else:
            w = self._map(networks.E_ema, real)
            told = (probs, probs.roll(1, dims=1))  # of two classes the other, of more the next
            rows += [self._render(networks, w, p) for p in told]
            rows.append(self._render(networks, mapped, probs))
        half = (len(real) + 1) // 2
        bands = [row[k : k + half] for k in (0, half) for row in rows if len(row[k : k + half])]
        return _stack(bands, half)

    def _render(self, networks: Networks, w: Tensor, probs: Tensor) -> Tensor:
        G = networks.G_ema
        noise = G.synthesis.noise_const()
        cond = probs[:, : networks.num_classes]
        return self._map(lambda w, cond: G.synthesis(G.broadcast(w), cond, noise).clamp(-1, 1), w, cond)

    def _mapped(self, networks: Networks, n: int) -> Tensor:
        z = torch.randn(n, networks.G_ema.config.z_dim, generator=torch.Generator().manual_seed(0))
        return self._map(networks.G_ema.mapping, z)

    def _features(self, img: Tensor) -> Tensor:
        """Return the features (N, F) that Frechet distances compare."""
        if self.classifier is not None:
            return self._map(self.classifier.features, img)
        return self._map(lambda x: F.adaptive_avg_pool2d(x, THUMBNAIL).flatten(1), img)

    def _answers(self, classifier: Classifier, img: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities and features of (N, 3, H, W)."""
        both = self._map(lambda x: torch.cat(classifier.probs_and_features(x), dim=1), img)
        return both[:, : classifier.num_classes], both[:, classifier.num_classes :]

    def _perceptual_figures(self, rec: Tensor) -> dict[str, float]:
        """Return the perceptual distance and its ratio to the mean picture's, by name."""
        if self.perceptual is None:
            return {}
        key, value = self.perceptual.key, self._distance(self.perceptual, rec)
        ratio = value / self.baseline[f"mean_image_{key}"]
        return {f"val_{key}": value, f"val_{key}_ratio": ratio}

    def _distance(self, perceptual: PerceptualDistance, rec: Tensor) -> float:
        return float(self._map(perceptual, rec, self.real).mean())

    @torch.no_grad()
    def _map(self, function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        """Apply a function in chunks to (N, ...) tensors on the device. The result is on the CPU."""
        pieces = zip(*(x.split(CHUNK) for x in inputs), strict=True)
        return torch.cat([function(*(x.to(self.device) for x in piece)).cpu() for piece in pieces])


def _stack(bands: list[Tensor], columns: int) -> np.ndarray:
    """Stack bands (n <= columns, 3, H, W) in [-1, 1] to one picture (rows * H, columns * W, 3) uint8."""
    padded = [F.pad(band, (0, 0, 0, 0, 0, 0, 0, columns - len(band)), value=-1) for band in bands]
    img = torch.stack(padded).clamp(-1, 1)  # (rows, columns, 3, H, W)
    rows, _, _, height, width = img.shape
    pixels = ((img + 1) * 127.5).round().byte().permute(0, 3, 1, 4, 2)
    return np.ascontiguousarray(pixels.reshape(rows * height, columns * width, 3).numpy())
