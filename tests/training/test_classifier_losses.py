# SPDX-License-Identifier: MIT
"""Losses that ask a large classifier about a share of each step's pictures."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import torch

from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.training.classifier_losses import ClassifierLosses, asked_rows
from latent_explorer.training.config import DataConfig, TrainConfig

WEIGHTS = {"kl": 2.0, "margin": 0.5, "evidence": 0.25}
COPIES, GENERATED = 8, 4


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    torch.manual_seed(0)
    config = ClassifierConfig("x", "small-resnet", ("a", "b", "c"), Preprocessing(16), widths=(4, 8))
    return Classifier(config).eval().requires_grad_(False)


def pictures() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    real = torch.rand(COPIES, 3, 16, 16, generator=generator) * 2 - 1
    img = torch.rand(COPIES + GENERATED, 3, 16, 16, generator=generator) * 2 - 1
    return real, img, torch.rand(COPIES + GENERATED, 3, generator=generator).softmax(dim=1)


def gradient(
    classifier: Classifier, every: int, step: int, rows: slice = slice(None)
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return the gradient of the weighted losses by all pictures, and the values of the losses."""
    real, img, target_cond = pictures()
    config = TrainConfig(DataConfig(""), classifier_every=every, **WEIGHTS)
    leaf = img.requires_grad_()
    real, mine = real[rows], [*range(COPIES)[rows], *range(COPIES, COPIES + GENERATED)[rows]]
    seen = leaf[mine]
    found = ClassifierLosses(config, classifier)(config, real, seen[: len(real)], seen, target_cond[mine], mine, step)
    values: dict[str, Any] = {name: (weight, value) for name, weight, value in found}
    loss = torch.stack([weight * value for weight, value in values.values()]).sum()
    if loss.requires_grad:
        loss.backward()
    whole = torch.zeros_like(img) if leaf.grad is None else leaf.grad
    return whole, {name: value.detach() for name, (_, value) in values.items()}


@pytest.mark.parametrize("every", [2, 4, 5, 12, 20])
def test_every_picture_has_its_turn_and_the_mean_gradient_is_that_of_all(classifier: Classifier, every: int) -> None:
    whole, values = gradient(classifier, 1, 0)
    assert set(values) == set(WEIGHTS)
    parts = [gradient(classifier, every, step) for step in range(every)]
    mean = torch.stack([part for part, _ in parts]).mean(dim=0)
    assert torch.allclose(mean, whole, atol=1e-6)
    assert whole.abs().max() > 1e-3
    for name in WEIGHTS:
        assert torch.allclose(torch.stack([v[name] for _, v in parts]).mean(), values[name], atol=1e-5)
    asked = [row for step in range(every) for row in asked_rows(range(12), step, every)]
    assert sorted(asked) == list(range(12))


def test_processes_share_a_step_as_one_would_do_it_alone(classifier: Classifier) -> None:
    alone, values = gradient(classifier, 4, 3)
    halves = [gradient(classifier, 4, 3, slice(rank, None, 2)) for rank in range(2)]
    assert torch.allclose((halves[0][0] + halves[1][0]) / 2, alone, atol=1e-6)
    for name in WEIGHTS:
        assert torch.allclose((halves[0][1][name] + halves[1][1][name]) / 2, values[name], atol=1e-5)


def test_without_a_weight_the_classifier_is_not_asked(classifier: Classifier) -> None:
    config = msgspec.structs.replace(TrainConfig(DataConfig("")), kl=0.0)
    real, img, target_cond = pictures()
    assert list(ClassifierLosses(config, classifier)(config, real, img[:COPIES], img, target_cond, range(12), 0)) == []
