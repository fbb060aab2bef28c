# SPDX-License-Identifier: MIT
"""Losses of a projection against the published formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from projection_runs import changed

from latent_explorer.explain.projection.loss import (
    PictureLoss,
    learning_rate,
    noise_on_w,
    noise_penalty,
    normalise_noise,
)
from latent_explorer.explain.projection_settings import NVIDIA_SCHEDULE, ProjectionSettings


class Sizes(torch.nn.Module):
    """Mean absolute difference that records the sizes of pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def features(self, img):
        self.seen.append(img.shape[-1])
        return [img]

    def distance_of_features(self, a, b):
        return (a[0] - b[0]).abs().mean(dim=(1, 2, 3))

    def forward(self, a, b):
        return self.distance_of_features(self.features(a), self.features(b))


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 0.0), (25, 0.05), (50, 0.1), (500, 0.1), (750, 0.1), (875, 0.05), (999, 3.95e-6)],
)
def test_nvidias_learning_rate(step: int, expected: float) -> None:
    assert learning_rate(NVIDIA_SCHEDULE, step / 1000) == pytest.approx(expected, rel=0.01)


def test_nvidias_noise_on_w() -> None:
    assert noise_on_w(NVIDIA_SCHEDULE, 0) == 0.05
    assert noise_on_w(NVIDIA_SCHEDULE, 0.375) == pytest.approx(0.05 / 4)
    assert noise_on_w(NVIDIA_SCHEDULE, 0.75) == noise_on_w(NVIDIA_SCHEDULE, 0.9) == 0


def test_the_published_schedule_is_the_preset() -> None:
    fixed = {"space": "w", "start": "mean", "steps": 1000, "noise": "optimise", "keep": "last"}
    assert all(getattr(NVIDIA_SCHEDULE, name) == value for name, value in fixed.items())
    assert (NVIDIA_SCHEDULE.l2, NVIDIA_SCHEDULE.noise_regulariser) == (0, 1e5)


def published_penalty(noise: np.ndarray) -> float:
    """Return the penalty of one map in plain loops over the pyramid, as in the projector's source."""
    total = 0.0
    while True:
        total += (noise * np.roll(noise, 1, axis=1)).mean() ** 2
        total += (noise * np.roll(noise, 1, axis=0)).mean() ** 2
        if noise.shape[0] <= 8:
            return total
        half = noise.shape[0] // 2
        noise = noise.reshape(half, 2, half, 2).mean(axis=(1, 3))


def test_the_penalty_of_noise_maps() -> None:
    rng = np.random.default_rng(0)
    maps = [rng.standard_normal((2, 1, size, size)) for size in (4, 8, 32)]
    maps[2][1] += np.sin(np.arange(32) / 5)  # something is hidden in this one
    penalty = noise_penalty([torch.from_numpy(m) for m in maps])
    expected = [sum(published_penalty(m[i, 0]) for m in maps) for i in range(2)]
    np.testing.assert_allclose(penalty.numpy(), expected)
    assert penalty[1] > 2 * penalty[0]


def test_maps_are_brought_back_to_noise() -> None:
    maps = [torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 5 + 2]
    normalise_noise(maps)
    assert maps[0].mean(dim=(1, 2, 3)).abs().max() < 1e-6
    torch.testing.assert_close(maps[0].square().mean(dim=(1, 2, 3)), torch.ones(3))


@pytest.mark.parametrize(
    ("look", "size", "seen"),
    [
        ("native", 512, {512}),
        ("256", 512, {256}),
        ("auto", 256, {256}),
        ("auto", 64, {64}),
        ("auto", 512, {256}),
        ("crops", 1024, {256}),
    ],
)
def test_at_which_size_the_distance_looks(look: str, size: int, seen: set[int]) -> None:
    distance = Sizes()
    targets = torch.zeros(2, 3, size, size)
    rng = torch.Generator().manual_seed(0)
    loss = PictureLoss(distance, targets, changed(lpips=look, l2=0), rng)
    small, compared, perceptual = loss(torch.ones(1, 3, size, size), torch.tensor([1]))
    assert set(distance.seen) == seen
    octaves = math.log2(size / 256) if look in ("crops", "auto") and size > 256 else 0
    assert float(small) == pytest.approx(1 + octaves)
    assert float(compared) == float(perceptual) == pytest.approx(1)


def test_the_classifiers_divergence_can_be_part_of_it(tiny_explainer) -> None:
    """KL(p || p') of the classifier's probabilities times its weight is part of both losses."""
    classifier = tiny_explainer.classifier
    a, b = torch.rand(2, 3, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    losses = []
    for weight in (0.0, 2.0):
        settings = ProjectionSettings(verdict=weight)
        loss = PictureLoss(Sizes(), a, settings, torch.Generator(), classifier)
        losses.append(loss(b, torch.arange(3)))
    p, q = classifier.probs(a), classifier.probs(b)
    expected = 2 * (p * (p / q).log()).sum(dim=1)
    for plain, weighted in zip(losses[0][:2], losses[1][:2], strict=True):
        torch.testing.assert_close((weighted - plain).detach(), expected.detach(), atol=1e-5, rtol=1e-3)


def test_crops_follow_the_seed_and_see_every_place() -> None:
    targets = torch.zeros(1, 3, 512, 512)
    spot = torch.zeros(1, 3, 512, 512)
    spot[..., 300:310, 300:310] = 1.0

    def crops(seed: int) -> list[float]:
        settings = ProjectionSettings(lpips="crops", l2=0)
        loss = PictureLoss(Sizes(), targets, settings, torch.Generator().manual_seed(seed))
        row = torch.tensor([0])
        return [float(small - compared) for small, compared, _ in (loss(spot, row) for _ in "123456")]

    assert crops(0) == crops(0) != crops(1)
    assert len(set(crops(0))) > 1
