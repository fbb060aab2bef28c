# SPDX-License-Identifier: MIT
"""Controls of an explainer, on planted generators of which it is known where the class comes from."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from colour_explainer import CHANNELS, tiny_explainer, tiny_generator
from torch import Tensor, nn

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.report.controls import (
    CONTROLS,
    Controls,
    band_power,
    controls,
    margin_correlations,
    margins,
)

if TYPE_CHECKING:
    from latent_explorer.models.explainer import Explainer

SIDE = 16
N = 20  # pictures; 12 of the first class, 8 of the second


class MeanEncoder(nn.Module):
    """w begins with the picture's mean colour."""

    def forward(self, img: Tensor) -> Tensor:
        w = torch.zeros(len(img), 16)
        w[:, :3] = img.mean(dim=(2, 3))
        return w


class Planted(nn.Module):
    """Draws flat colour: `latent` times the one in w, plus `told` times the class probabilities; noise as stripes."""

    def __init__(self, latent: float, told: float) -> None:
        super().__init__()
        self.latent, self.told = latent, told
        self.config = tiny_generator().config
        self.layout = self.config.layout  # which the generator repeats w for

    def noise_const(self) -> list[Tensor]:
        return [0.05 * _stripes(cycles=5, phase=math.pi / 2)]

    def forward(self, ws: Tensor, cond: Tensor, noise: list[Tensor] | None) -> Tensor:
        colour = self.latent * ws[:, 0, :3]
        colour[:, :2] += self.told * cond
        img = colour[:, :, None, None] + 0.05 * _stripes(cycles=5)
        return img if noise is None else img + noise[0]


def _stripes(cycles: int, phase: float = 0.0) -> Tensor:
    angle = 2 * math.pi * cycles * torch.arange(SIDE) / SIDE
    return torch.sin(angle + phase).expand(1, 1, SIDE, SIDE)


def _pictures() -> np.ndarray:
    """(N, 16, 16, 3) uint8: more or less red, or more or less green, with stripes of 5 cycles twice those planted."""
    level = torch.linspace(0.1, 0.4, N)
    is_red = torch.arange(N) < 12
    colour = torch.stack([level * is_red, level * ~is_red, torch.zeros(N)], dim=1)
    img = colour[:, :, None, None] + 0.1 * _stripes(cycles=5)
    pixels = ((img + 1) * 127.5).round().byte().permute(0, 2, 3, 1)
    return np.ascontiguousarray(pixels.numpy())


def _explainer(latent: float, told: float) -> Explainer:
    explainer = tiny_explainer()
    explainer.generator.synthesis = Planted(latent, told)
    return replace(explainer, encoder=MeanEncoder())


def _measured(latent: float, told: float) -> Controls:
    pictures = _pictures()
    job = controls(_explainer(latent, told), lambda rows: pictures[rows], [str(i) for i in range(N)])
    return run_job(job)


def _shares(found: Controls) -> dict[str, float]:
    return {key: rate.share for key, rate in found.agreement.items()}


def test_a_generator_that_paints_what_it_is_told() -> None:
    found = _measured(latent=0.0, told=0.5)
    shares = _shares(found)
    assert set(shares) == set(CONTROLS)
    assert shares["own"] == shares["mean"] == shares["foreign"] == 1.0
    assert shares["other"] == 0.0
    assert shares["nothing"] == 12 / N  # always one verdict: that of a tie, the first
    assert found.margin_correlation == {"a": None, "b": None}  # every picture the same


def test_a_generator_that_draws_what_the_latent_holds() -> None:
    found = _measured(latent=1.0, told=0.0)
    shares = _shares(found)
    assert shares["own"] == shares["nothing"] == shares["other"] == 1.0
    assert shares["foreign"] == 0.0
    # The mean latent draws one picture for all: 12 reds of 0.1 to 0.27 against 8 greens of 0.29 to 0.4.
    assert shares["mean"] == 8 / N
    assert found.margin_correlation["a"] == pytest.approx(1.0, abs=1e-3)
    assert found.margin_correlation["b"] == pytest.approx(1.0, abs=1e-3)


def test_a_generator_that_turns_certainty_round() -> None:
    """It draws the negative of w and outshouts it by the class: verdicts as told, certain where the picture is not."""
    found = _measured(latent=-1.0, told=2.0)
    assert _shares(found)["own"] == 1.0
    assert found.margin_correlation["a"] == pytest.approx(-1.0, abs=1e-3)


def test_band_power_with_and_without_stored_noise() -> None:
    """Stripes of 5 cycles at half the amplitude hold a quarter of the power; stored ones beside them as much again."""
    found = _measured(latent=1.0, told=0.0)
    (middle,) = [band for band in found.bands if band.low == 4]
    assert middle.without_noise == pytest.approx(0.25, abs=0.01)
    assert middle.with_noise == pytest.approx(0.50, abs=0.02)
    assert middle.coherence == pytest.approx(1.0, abs=0.01)


def test_texture_of_another_phase_has_power_and_no_coherence() -> None:
    pictures = np.roll(_pictures(), 4, axis=2)  # 5 cycles in 16 px: 4 px are a quarter of one more than a whole
    names = [str(i) for i in range(N)]
    found = run_job(controls(_explainer(1.0, 0.0), lambda rows: pictures[rows], names))
    (middle,) = [band for band in found.bands if band.low == 4]
    assert middle.without_noise == pytest.approx(0.25, abs=0.01)
    assert middle.coherence == pytest.approx(0.0, abs=0.01)


def test_power_of_a_wave_lies_in_its_band_alone() -> None:
    power = band_power(_stripes(cycles=5).expand(2, 3, SIDE, SIDE))
    assert power.shape == (2, 2)
    # Parseval: squares of a Hann window add up to 3/8 a pixel, with those of a sine to half of that; three colours.
    assert power[0, 1] == pytest.approx(3 * SIDE**2 * (3 / 8 * SIDE) ** 2 / 2)
    assert power[0, 0] == pytest.approx(0, abs=1e-6)


def test_margins_of_three_classes() -> None:
    logits = torch.tensor([[3.0, 1.0, 2.5], [0.0, -1.0, 4.0]])
    assert margins(logits, torch.tensor([0, 1])).tolist() == [0.5, -5.0]


def test_correlation_is_within_each_verdict() -> None:
    """Two classes apart, nothing within: over all pictures the correlation would be nearly 1."""
    margin = torch.tensor([1.0, 1.2, 1.4, 1.2]).repeat(2)
    sign = torch.tensor([1.0, -1.0]).repeat_interleave(4)
    real = torch.stack([margin * sign, -margin * sign], dim=1)
    unrelated = torch.tensor([1.0, 1.4, 1.0, 0.6]).repeat(2)
    drawn = torch.stack([unrelated * sign, -unrelated * sign], dim=1)
    found = margin_correlations(real, drawn, ("a", "b"))
    assert found["a"] == pytest.approx(0.0, abs=1e-6)
    assert found["b"] == pytest.approx(0.0, abs=1e-6)


def test_pictures_of_one_verdict_lend_no_foreign_latent() -> None:
    pictures = _pictures()[:12]
    names = [str(i) for i in range(12)]
    found = run_job(controls(_explainer(1.0, 0.0), lambda rows: pictures[rows], names))
    assert found.agreement["foreign"].n == 0
    assert found.to_dict()["agreement"]["foreign"]["share"] is None
    assert found.agreement["nothing"].share == 1.0
    assert found.margin_correlation["b"] is None


def test_a_generator_that_is_told_nothing_is_refused() -> None:
    explainer = replace(tiny_explainer(), generator=tiny_generator(classes=0))
    assert explainer.generator.config.channels == CHANNELS
    with pytest.raises(UserError, match="receives no class"):
        run_job(controls(explainer, lambda rows: _pictures()[rows], ["a", "b"]))
