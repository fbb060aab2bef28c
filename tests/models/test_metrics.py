# SPDX-License-Identifier: MIT
"""Figures against scipy and against cases with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import linalg

from latent_explorer.models.metrics import agreement, calibration_error, frechet_distance


def test_frechet_distance_equals_the_matrix_square_root_form() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5))
    b = rng.normal(size=(150, 5)) @ rng.normal(size=(5, 5)) + 0.5
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    root = linalg.sqrtm(cov_a @ cov_b).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root)
    found = frechet_distance(torch.from_numpy(a), torch.from_numpy(b))
    assert found == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_survives_more_features_than_pictures() -> None:
    a = torch.randn(8, 40, generator=torch.Generator().manual_seed(0))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-4)
    # Columns of zeros change nothing, but the number of features decides how it is computed.
    b = torch.randn(30, 3, generator=torch.Generator().manual_seed(1)) @ torch.tensor(
        [[1.0, 2, 0], [0, 1, 0], [3, 0, 1]]
    )
    c = b.flip(0)[:25] * 2 + 1
    wide = [torch.cat([x, torch.zeros(len(x), 40)], dim=1) for x in (b, c)]
    assert frechet_distance(*wide) == pytest.approx(frechet_distance(b, c), rel=1e-9)


def test_agreement_of_equals_is_complete_and_of_opposites_none() -> None:
    p = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    same, other = agreement(p, p), agreement(p, p.flip(1))
    assert (same.argmax, same.kl, same.mean_abs) == (1.0, pytest.approx(0), 0.0)
    assert other.argmax == 0.0
    assert other.mean_abs == pytest.approx(0.7)


def test_agreement_refuses_what_it_cannot_compare() -> None:
    with pytest.raises(ValueError, match="compared"):
        agreement(torch.ones(2, 2), torch.ones(3, 2))


def test_calibration_error_of_a_confident_liar_is_its_confidence() -> None:
    probs = torch.tensor([[0.95, 0.05]] * 10)
    assert calibration_error(probs, torch.ones(10, dtype=torch.long)) == pytest.approx(0.95)
    assert calibration_error(probs, torch.zeros(10, dtype=torch.long)) == pytest.approx(0.05)
