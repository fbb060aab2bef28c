# SPDX-License-Identifier: MIT
"""Final fit of the mapping network to the encoder's latents."""

from __future__ import annotations

import math

import pytest
import torch

from latent_explorer.common.jobs import run_job
from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.stylegan2 import MappingNetwork
from latent_explorer.training import fit_mapping as module
from latent_explorer.training.fit_mapping import fit_mapping, spread_distance


def network(**fields: object) -> MappingNetwork:
    torch.manual_seed(0)
    config = GeneratorConfig((4, 4), 8, 6, mapping_layers=3, **fields)  # type: ignore[arg-type]
    return MappingNetwork(config).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def bent() -> torch.Tensor:
    """Bent band of points far from the origin, as encoders' latents are."""
    x = torch.randn(900, 6, generator=torch.Generator().manual_seed(5))
    band = torch.cat([x[:, :2] * torch.tensor([2.0, 0.7]), 0.1 * x[:, 2:]], dim=1)
    band[:, 2] += band[:, 0].square() / 2
    return band + torch.tensor([3.0, -1.0, 0.0, 0.5, 0.0, 0.0])


@pytest.mark.parametrize("lr_mul", [1.0, 0.1, 0.01])
def test_it_spreads_like_the_encoder_whatever_the_multiplier(bent, lr_mul) -> None:
    mapping = network(mapping_lr_mul=lr_mul)
    before, after = run_job(fit_mapping(mapping, bent, 300))
    assert after < 0.05 * before
    assert after == spread_distance(mapping, bent)
    assert torch.allclose(mapping.w_avg, bent.mean(dim=0), atol=0.3)
    assert not any(p.requires_grad for p in mapping.parameters())


def test_it_learns_the_bend_and_not_only_mean_and_variance(bent) -> None:
    mapping = network()
    run_job(fit_mapping(mapping, bent, 600))
    normal = torch.distributions.MultivariateNormal(bent.mean(dim=0), torch.cov(bent.T))
    torch.manual_seed(0)
    gaussian = normal.sample((len(bent),))
    rng = torch.Generator().manual_seed(2)
    directions = torch.randn(6, 512, generator=rng)
    mapped = mapping(torch.randn(len(bent), 8, generator=rng))
    distance = module.sliced_wasserstein
    assert distance(mapped, bent, directions) < 0.5 * distance(gaussian, bent, directions)


def test_equal_arguments_fit_equally(bent) -> None:
    one, other = network(), network()
    run_job(fit_mapping(one, bent, 20))
    torch.manual_seed(99)
    run_job(fit_mapping(other, bent, 20))
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_what_would_end_farther_away_is_taken_back(bent, monkeypatch) -> None:
    monkeypatch.setattr(module, "LR", 1e6)
    mapping = network()
    start = {name: tensor.clone() for name, tensor in mapping.state_dict().items()}
    before, after = run_job(fit_mapping(mapping, bent, 20))
    assert before == after
    assert all(torch.equal(start[name], tensor) for name, tensor in mapping.state_dict().items())


def test_no_steps_and_classes_change_nothing(bent) -> None:
    plain, conditional = network(), network(c_dim=2)
    start = [t.clone() for m in (plain, conditional) for t in m.state_dict().values()]
    assert run_job(fit_mapping(plain, bent, 0))[0] > 0
    assert all(map(math.isnan, run_job(fit_mapping(conditional, bent, 20))))
    end = [t for m in (plain, conditional) for t in m.state_dict().values()]
    assert all(torch.equal(a, b) for a, b in zip(start, end, strict=True))
