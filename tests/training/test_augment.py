# SPDX-License-Identifier: MIT
"""Adaptive discriminator augmentation: its effect on pictures, when it is off, and how p follows D."""

from __future__ import annotations

import pytest
import torch

from latent_explorer.models.processes import SINGLE_PROCESS
from latent_explorer.training.augment import GATES, HIGHEST, NUMBERS, Augmentation, augment
from latent_explorer.training.randomness import Purpose, StepRandom

CPU = torch.device("cpu")
MIRROR, QUARTER, WHOLE, HUE = 0, 1, 2, 11  # gates


def _numbers(n: int, gate: int | None = None) -> torch.Tensor:
    """Return numbers that open one gate only."""
    numbers = torch.rand(n, NUMBERS, generator=torch.Generator().manual_seed(0))
    numbers[:, :GATES] = 1.0
    if gate is not None:
        numbers[:, gate] = 0.0
    return numbers


@pytest.fixture
def img() -> torch.Tensor:
    return torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_closed_gates_leave_pictures_as_they_are(img: torch.Tensor) -> None:
    assert torch.equal(augment(img, torch.tensor(0.5), _numbers(4)), img)


def test_mirror_quarter_turn_and_whole_pixels_are_exact(img: torch.Tensor) -> None:
    p = torch.tensor(0.5)
    numbers = _numbers(4, MIRROR)
    numbers[:, GATES] = 0.1
    assert torch.allclose(augment(img, p, numbers), img.flip(3), atol=1e-5)
    numbers = _numbers(4, QUARTER)
    numbers[:, GATES + 1] = 0.3
    assert torch.allclose(augment(img, p, numbers), img.rot90(1, (2, 3)), atol=1e-5)
    numbers = _numbers(4, WHOLE)
    numbers[:, GATES + 2 : GATES + 4] = torch.tensor([1.0, 0.5])  # to the right end: 8 px / 8
    assert torch.allclose(augment(img, p, numbers)[..., :-1], img[..., 1:], atol=1e-5)


def test_a_third_of_the_hue_circle_exchanges_the_channels(img: torch.Tensor) -> None:
    numbers = _numbers(4, HUE)
    numbers[:, GATES + 7] = 5 / 6
    turned = augment(img, torch.tensor(0.5), numbers)
    assert torch.allclose(turned, img[:, [1, 2, 0]], atol=1e-5)


def test_gradients_pass_and_all_gates_open_give_finite_pictures(img: torch.Tensor) -> None:
    numbers = _numbers(4)
    numbers[:, :GATES] = 0.0
    img.requires_grad_()
    out = augment(img, torch.tensor(0.8), numbers)
    out.sum().backward()
    assert out.isfinite().all()
    assert img.grad is not None
    assert img.grad.abs().sum() > 0


def test_without_a_target_nothing_happens(img: torch.Tensor) -> None:
    off = Augmentation(0.0, 1000, CPU)
    assert off(img, StepRandom(0, 0), Purpose.AUGMENT_REAL, range(4)) is img
    assert off.adapt(torch.ones(4), 8, SINGLE_PROCESS) == {}


def test_p_rises_while_d_is_too_sure_and_falls_again() -> None:
    ada = Augmentation(0.6, 1000, CPU)
    for _ in range(60):
        logged = ada.adapt(torch.ones(4), 8, SINGLE_PROCESS)
    assert 0 < float(logged["ada_p"]) <= HIGHEST
    assert float(logged["real_sign"]) == pytest.approx(1, abs=0.2)
    kept = ada.state()
    for _ in range(400):
        ada.adapt(-torch.ones(4), 8, SINGLE_PROCESS)
    assert float(ada.p) == 0
    ada.load_state(kept)
    assert float(ada.p) == float(logged["ada_p"])
