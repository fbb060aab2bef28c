# SPDX-License-Identifier: MIT
"""Losses of a projection: the distance of pictures at one or several sizes, and the regularisers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from latent_explorer.models.perceptual import LpipsDistance

if TYPE_CHECKING:
    from latent_explorer.explain.projection_settings import LpipsSize, ProjectionSettings
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.perceptual import PerceptualDistance

MAX_LPIPS_SIZE = 256  # px; LPIPS was made from smaller pictures, and projectors are compared at this size
UPSAMPLED_SIZE = 96  # px; enlarged to this, pictures of 64 px are fitted better, by another network's judgement too


def area_downsample(img: Tensor, size: int = MAX_LPIPS_SIZE) -> Tensor:
    """Reduce pictures (N, 3, H, W) to `size` px by area averaging; return them as they are when not larger."""
    return img if img.shape[-1] <= size else F.interpolate(img, size=size, mode="area")


def bilinear_upsample(img: Tensor, size: int = UPSAMPLED_SIZE) -> Tensor:
    """Enlarge pictures (N, 3, H, W) bilinearly to `size` px; return them as they are when not smaller."""
    if img.shape[-1] >= size:
        return img
    return F.interpolate(img, size=size, mode="bilinear", align_corners=False)


class PictureLoss:
    """Distance of pictures from fixed targets (N, 3, H, W).

    The perceptual distance, plus `l2` times the mean squared difference and, where the settings ask for it, `verdict`
    times the KL divergence of the classifier's probabilities. Random crops are drawn from `rng`, the same for every
    picture of the batch.
    """

    def __init__(
        self,
        distance: PerceptualDistance,
        targets: Tensor,
        settings: ProjectionSettings,
        rng: torch.Generator,
        classifier: Classifier | None = None,
    ) -> None:
        self._distance = distance
        self._targets = targets
        self._l2 = settings.l2
        self._rng = rng
        size = targets.shape[-1]
        self._size_mode: LpipsSize = settings.lpips
        if settings.lpips == "auto":
            self._size_mode = "crops" if size > MAX_LPIPS_SIZE else "256"
        self._enlarge = settings.lpips == "auto" and isinstance(distance, LpipsDistance)
        self._classifier = classifier if settings.verdict else None
        self._verdict = settings.verdict
        with torch.no_grad():
            if self._classifier is not None:
                self._target_log_probs = self._classifier.logits(targets).log_softmax(dim=1)
            self._features = distance.features(self._resized(targets))

    def __call__(self, img: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return three (n,) tensors for pictures img (n, 3, H, W) of the targets `rows` (n,).

        They are the loss to minimise, the loss to compare steps by, and the perceptual distance. Crops differ from step
        to step, so steps are compared without them.
        """
        target = self._targets[rows]
        features = [x[rows] for x in self._features]
        perceptual = self._distance.distance_of_features(self._distance.features(self._resized(img)), features)
        compared = perceptual + self._l2 * (img - target).square().mean(dim=(1, 2, 3))
        if self._classifier is not None:
            log_probs = self._classifier.logits(img).log_softmax(dim=1)
            target_log_probs = self._target_log_probs[rows]
            divergence = (target_log_probs.exp() * (target_log_probs - log_probs)).sum(dim=1)
            compared = compared + self._verdict * divergence
        crops = self._crops(img, target) if self._size_mode == "crops" else []
        loss = compared
        if crops:
            loss = loss + torch.stack(crops).sum(dim=0)
        return loss, compared.detach(), perceptual.detach()

    def _resized(self, img: Tensor) -> Tensor:
        if self._size_mode == "native":
            return img
        return bilinear_upsample(area_downsample(img)) if self._enlarge else area_downsample(img)

    def _crops(self, img: Tensor, target: Tensor) -> list[Tensor]:
        """Return the distance of one random crop of 256 px at every octave above: 512, 1024, ... px."""
        distances, size = [], img.shape[-1]
        while size > MAX_LPIPS_SIZE:
            left, top = torch.randint(size - MAX_LPIPS_SIZE + 1, (2,), generator=self._rng).tolist()
            a, b = (
                area_downsample(x, size)[:, :, top : top + MAX_LPIPS_SIZE, left : left + MAX_LPIPS_SIZE]
                for x in (img, target)
            )
            distances.append(self._distance(a, b))
            size //= 2
        return distances


def noise_penalty(maps: list[Tensor]) -> Tensor:
    """Return (N,): the autocorrelation of the maps (N, 1, H, W) at one pixel, at every size down to 8 px.

    Karras et al. 2020 (StyleGAN2), appendix D: squared mean of the map times itself shifted, over a pyramid of 2 x 2
    averages. White noise gives about 0; a picture hidden in a map does not.
    """
    total = maps[0].new_zeros(maps[0].shape[0])
    for noise in maps:
        level = noise
        while True:
            for axis in (2, 3):
                total = total + (level * level.roll(1, axis)).mean(dim=(1, 2, 3)).square()
            if level.shape[-1] <= 8:
                break
            level = F.avg_pool2d(level, 2)
    return total


@torch.no_grad()
def normalise_noise(maps: list[Tensor]) -> None:
    """Normalise every map (N, 1, H, W) to mean 0 and variance 1, in place."""
    for noise in maps:
        noise -= noise.mean(dim=(1, 2, 3), keepdim=True)
        noise /= noise.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp_min(1e-8)


def learning_rate(settings: ProjectionSettings, share: float) -> float:
    """Return the rate at `share` of the steps in [0, 1): linear rise, cosine fall (section C.1, NVIDIA's schedule)."""
    rate = 1.0
    if settings.rampdown:
        rate = 0.5 - 0.5 * math.cos(math.pi * min(1.0, (1.0 - share) / settings.rampdown))
    if settings.rampup:
        rate *= min(1.0, share / settings.rampup)
    return settings.lr * rate


def noise_on_w(settings: ProjectionSettings, share: float) -> float:
    """Return the strength of the noise on w at `share` of the steps, in w_std."""
    return settings.w_noise * max(0.0, 1.0 - share / 0.75) ** 2
