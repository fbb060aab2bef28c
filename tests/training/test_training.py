# SPDX-License-Identifier: MIT
"""Recipe of the trainer on tiny networks: what moves, where the class enters, and the losses."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import torch
from tiny_training import FakePerceptual, started, tiny_config

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.models.classifier_file import read_classifier
from latent_explorer.training import losses
from latent_explorer.training.checkpoints import Checkpoints
from latent_explorer.training.config import TrainConfig
from latent_explorer.training.setup import build_training, read_pictures
from latent_explorer.training.train import train
from latent_explorer.training.train_classifier import fit_temperature


@pytest.fixture
def config(discs: Path, classifier_file: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    monkeypatch.setattr("latent_explorer.training.setup.perceptual_for", FakePerceptual)
    return tiny_config(discs, classifier_file)


def test_every_network_moves_and_the_folder_holds_what_a_person_looks_for(config: TrainConfig, tmp_path: Path) -> None:
    run = started(config, tmp_path / "run")
    list(train(run))
    state = Checkpoints(run).load()
    assert state["images"] == 160
    for name in ("G", "E", "D", "G_ema", "E_ema"):
        assert all(torch.isfinite(t).all() for t in state["networks"][name].values())
    steps = {name: o["state"][0]["step"] for name, o in state["optimisers"].items()}
    assert all(step > 0 for step in steps.values())
    figures, _ = run.metrics()
    assert any("val_agreement" in row for row in figures)
    assert [sheet.name for sheet in run.sheets()] == ["00000080.png", "00000160.png"]


def test_the_encoder_and_the_mapping_are_trained_in_every_update(config: TrainConfig, tmp_path: Path) -> None:
    run = started(config, tmp_path / "run")
    trainer, _ = run_job(build_training(run, *run_job(read_pictures(run)), fresh=True))
    trainer.images = config.adversarial_start + 100
    before = {n: p.clone() for n, p in trainer.networks.G.mapping.named_parameters()}
    encoder_before = [p.clone() for p in trainer.networks.E.parameters()]
    trainer.step()
    assert all(not torch.equal(before[n], p) for n, p in trainer.networks.G.mapping.named_parameters())
    moved = [not torch.equal(a, b) for a, b in zip(encoder_before, trainer.networks.E.parameters(), strict=True)]
    assert all(moved)


def test_the_class_enters_through_convolutions_alone(config: TrainConfig, tmp_path: Path) -> None:
    run = started(config, tmp_path / "run")
    list(train(run))
    state = Checkpoints(run).load()["networks"]["G"]
    columns = {n: t[:, config.w_dim :] for n, t in state.items() if n.endswith("affine.weight")}
    assert all(t.abs().sum() == 0 for n, t in columns.items() if "torgb" in n)
    assert any(t.abs().sum() > 0 for n, t in columns.items() if "conv" in n)
    spread = torch.cat([t - t.mean(dim=1, keepdim=True) for t in columns.values()])
    assert float(spread.abs().max()) <= config.cond_limit + 1e-6


def test_finer_layers_than_asked_for_never_hear_the_class(config: TrainConfig, tmp_path: Path) -> None:
    config = msgspec.structs.replace(config, cond_resolution=8)
    run = started(config, tmp_path / "run")
    list(train(run))
    state = Checkpoints(run).load()["networks"]["G"]
    columns = {n: t[:, config.w_dim :] for n, t in state.items() if n.endswith("affine.weight")}
    hears = {n.split(".")[1] for n, t in columns.items() if t.abs().sum() > 0}
    assert hears == {"b4", "b8"}


def test_classifier_files_come_back_and_others_are_refused(classifier_file: Path, tmp_path: Path) -> None:
    classifier, about = read_classifier(classifier_file)
    assert classifier.config.class_names == ("green", "red")
    assert 0.8 < about["val"]["median_top_probability"] < 0.95
    broken = tmp_path / "broken.classifier"
    broken.write_bytes(classifier_file.read_bytes()[:500])
    with pytest.raises(UserError):
        read_classifier(broken)


def test_temperature_meets_the_asked_confidence() -> None:
    logits = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) * 8
    scaled = logits / fit_temperature(logits, 0.85)
    assert float(scaled.softmax(1).amax(1).median()) == pytest.approx(0.85, abs=1e-3)


def test_r1_is_the_squared_gradient_norm() -> None:
    x = torch.randn(3, 2, 4, 4, requires_grad=True)
    weight = torch.randn(2, 4, 4)
    penalty = losses.r1_penalty((x * weight).sum(dim=(1, 2, 3)), x)
    assert float(penalty) == pytest.approx(float(weight.square().sum()), rel=1e-5)


def test_path_length_of_a_linear_map_is_its_norm() -> None:
    ws = torch.randn(2, 3, 4, requires_grad=True)
    noise = torch.ones(2, 1, 2, 2)
    img = ws.sum(dim=(1, 2))[:, None, None, None].expand(2, 1, 2, 2)
    # d(sum of img / 2) / d ws = 4 / 2 for each of the four entries of a row
    assert losses.path_lengths(img, ws, noise).tolist() == pytest.approx([4.0, 4.0])


def test_kl_and_wasserstein_vanish_on_equals() -> None:
    logits = torch.randn(5, 3)
    assert float(losses.kl_divergence(logits.softmax(1), logits)) == pytest.approx(0, abs=1e-6)
    a = torch.randn(6, 4)
    assert float(losses.sliced_wasserstein(a, a.flip(0), torch.randn(4, 7))) == pytest.approx(0)
    assert float(losses.sliced_wasserstein(a, a + 1, torch.eye(4))) == pytest.approx(1, rel=1e-5)
