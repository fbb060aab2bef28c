# SPDX-License-Identifier: MIT
"""Settings that make latents carry the evidence: pictures told nothing, no noise, margin and evidence losses."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import torch
from tiny import make_explainer
from tiny_training import FakePerceptual, started, tiny_config

from latent_explorer.common.jobs import run_job
from latent_explorer.training import losses
from latent_explorer.training.config import TrainConfig
from latent_explorer.training.networks import Networks
from latent_explorer.training.randomness import StepRandom
from latent_explorer.training.setup import build_training, read_pictures
from latent_explorer.training.step_inputs import hear
from latent_explorer.training.stylex_trainer import Trainer
from latent_explorer.training.warm_start import forget_told

EVERYTHING = 100  # images, after which every stage of the schedule takes part


@pytest.fixture
def config(discs: Path, classifier_file: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    monkeypatch.setattr("latent_explorer.training.setup.perceptual_for", FakePerceptual)
    return tiny_config(discs, classifier_file, repaired=0)


def _trainer(config: TrainConfig, folder: Path, **changes: object) -> Trainer:
    run = started(msgspec.structs.replace(config, **changes), folder)
    trainer, _ = run_job(build_training(run, *run_job(read_pictures(run)), fresh=True))
    trainer.images = EVERYTHING
    return trainer


@torch.no_grad()
def _largest_class_weight(trainer: Trainer) -> float:
    return float(torch.cat(losses.class_weights(trainer.networks.G.synthesis)).abs().max())


def test_a_generator_that_is_never_told_learns_no_class_weights(config: TrainConfig, tmp_path: Path) -> None:
    """All stages take part, path length too, which draws pictures from z."""
    trainer = _trainer(config, tmp_path / "never", untold=1.0, cond_sparsity=0.0)
    told = _trainer(config, tmp_path / "always", cond_sparsity=0.0)
    for _ in range(5):
        trainer.step()
        told.step()
    assert trainer.step_count > config.path_length_every
    assert _largest_class_weight(trainer) == 0
    assert _largest_class_weight(told) > 0


def test_a_share_of_the_pictures_hears_its_class_and_the_rest_the_same_of_every_class(
    config: TrainConfig, tmp_path: Path
) -> None:
    trainer = _trainer(config, tmp_path / "run", untold=0.7)
    told = torch.tensor([[0.9, 0.1]]).repeat(1000, 1)
    draws = StepRandom(seed=0, step=3)
    heard = hear(told, trainer._untold(draws, range(1000)))
    is_told = (heard == told).all(dim=1)
    assert torch.equal(heard[~is_told], torch.full((int((~is_told).sum()), 2), 0.5))
    assert float(is_told.float().mean()) == pytest.approx(0.3, abs=0.04)
    again = hear(told[10:20], trainer._untold(draws, range(10, 20)))
    assert torch.equal(again, heard[10:20])  # whatever process draws the picture


def test_what_pictures_are_meant_to_show(config: TrainConfig, tmp_path: Path) -> None:
    """An encoded one its original's class, told or not; one from z that was told nothing what the classifier sees."""
    trainer = _trainer(config, tmp_path / "run", untold=1.0)
    draws = StepRandom(trainer.config.seed, 0)
    batch = trainer.stream.batch(trainer.images, draws)
    with torch.no_grad():
        img, shown, _ = trainer._draw(batch, trainer._encode(batch.real), True, draws)
    assert torch.equal(shown[:8], batch.cond)
    assert torch.allclose(shown[8:], trainer.classifier.probs(img[8:]))
    assert len(shown) == 8 + config.mapped


def test_without_noise_inputs_none_is_learned(config: TrainConfig, tmp_path: Path) -> None:
    strengths = {}
    for noise in (True, False):
        trainer = _trainer(config, tmp_path / str(noise), noise=noise)
        for _ in range(5):
            trainer.step()
        layers = trainer.networks.G.synthesis.layout.conv_layers
        found = [trainer.networks.G.synthesis.layer(x.name).noise_strength for x in layers]
        strengths[noise] = float(torch.stack(found).detach().abs().max())
    assert strengths[False] == 0
    assert strengths[True] > 0


@torch.no_grad()
def test_a_generator_that_forgets_what_it_is_told_draws_as_if_told_the_same_of_every_class() -> None:
    generator = make_explainer().generator
    w = torch.randn(3, generator.config.w_dim)
    even = torch.full((3, 2), 0.5)
    before = generator.synthesis(generator.broadcast(w), even)
    told = torch.tensor([[0.9, 0.1]]).expand(3, 2)
    assert not torch.allclose(generator.synthesis(generator.broadcast(w), told), before, atol=1e-3)
    forget_told(generator)
    for cond in (even, told):
        after = generator.synthesis(generator.broadcast(w), cond)
        assert torch.allclose(after, before, atol=1e-5)


def test_a_training_that_never_tells_starts_from_a_generator_that_has_forgotten(
    config: TrainConfig,
) -> None:
    explainer = make_explainer()
    sizes = {
        "channels": explainer.generator.config.channels, "resolution": 16, "w_dim": 16, "z_dim": 16,
        "mapping_layers": 2, "cond_gain": 1.0, "hidden": 16,
    }  # fmt: skip
    weights = {}
    for untold in (0.5, 1.0):
        networks = Networks(msgspec.structs.replace(config, untold=untold, **sizes), 2)
        networks.load_explainer(explainer)
        weights[untold] = float(torch.cat(losses.class_weights(networks.G_ema.synthesis)).abs().max())
    assert weights[1.0] == 0
    assert weights[0.5] > 0


@torch.no_grad()
def test_a_training_without_noise_forgets_the_strength_of_an_explainers(config: TrainConfig) -> None:
    explainer = make_explainer()
    old = explainer.generator.synthesis
    for layer in old.layout.conv_layers:
        old.layer(layer.name).noise_strength.fill_(0.5)
    sizes = {"channels": old.config.channels, "w_dim": 16, "z_dim": 16, "mapping_layers": 2, "hidden": 16}
    ws, cond = explainer.generator.broadcast(torch.randn(2, 16)), torch.full((2, 2), 0.5)
    changed = {}
    for noise in (True, False):
        networks = Networks(msgspec.structs.replace(config, noise=noise, **sizes), 2)
        networks.load_explainer(explainer)
        new = networks.G_ema.synthesis
        changed[noise] = float((new(ws, cond, new.noise_const()) - new(ws, cond, None)).abs().max())
    assert changed[False] == 0
    assert changed[True] > 0.01


def test_margin_and_evidence_are_differences_of_verdict_and_of_feature_maps(
    config: TrainConfig, tmp_path: Path
) -> None:
    trainer = _trainer(config, tmp_path / "run", margin=1.0, evidence=1.0, kl_ramp=1)
    batch = trainer.stream.batch(0, StepRandom(0, 0))
    w = trainer._encode(batch.real)
    _, same = trainer._reconstruction_losses(batch.real, w, batch.cond, batch.real)
    assert float(same["margin"]) == pytest.approx(0, abs=1e-6)
    assert float(same["evidence"]) == pytest.approx(0, abs=1e-6)
    other = batch.real.roll(1, dims=0)
    _, different = trainer._reconstruction_losses(batch.real, w, batch.cond, other)
    logits = trainer.classifier.logits(batch.real)
    assert float(different["margin"]) == pytest.approx(float((logits.roll(1, dims=0) - logits).abs().mean()), abs=1e-5)
    assert float(different["evidence"]) > 0.01
    plain = _trainer(config, tmp_path / "plain")
    _, usual = plain._reconstruction_losses(batch.real, w, batch.cond, other)
    assert not {"margin", "evidence"} & set(usual)
