# SPDX-License-Identifier: MIT
"""The trainer on tiny networks: every part moves, resuming is exact, wrong input is one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Metric, Result
from latent_explorer.models.classifier_file import read_classifier, write_classifier
from latent_explorer.training import losses
from latent_explorer.training.classifier import temperature_for, train_classifier
from latent_explorer.training.config import ClassifierTraining, DataConfig, TrainConfig
from latent_explorer.training.run import RunFolder
from latent_explorer.training.train import train


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 pictures of a disc: red ones and green ones."""
    folder = tmp_path_factory.mktemp("blobs")
    rng = np.random.default_rng(0)
    grid = np.mgrid[:16, :16]
    for k, name in enumerate(("green", "red")):
        (folder / name).mkdir()
        for i in range(30):
            centre = rng.uniform(5, 11, (2, 1, 1))
            disc = ((grid - centre) ** 2).sum(axis=0) < 16
            image = np.zeros((16, 16, 3), np.uint8)
            image[disc, 1 - k] = rng.integers(150, 255)
            Image.fromarray(image).save(folder / name / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def classifier_file(blobs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = ClassifierTraining(
        DataConfig(str(blobs)), resolution=16, widths=(8, 16), steps=80, batch=16, confidence=0.9
    )
    events = list(train_classifier(config))
    classifier, about = next(e.value for e in events if isinstance(e, Result))
    assert about["test"]["accuracy"] > 0.9
    path = tmp_path_factory.mktemp("classifier") / "blobs.classifier"
    write_classifier(path, classifier, about)
    return path


class FakePerceptual(torch.nn.Module):
    """Stands for LPIPS, whose weights a bare clone lacks."""

    def __init__(self, net: str) -> None:
        super().__init__()

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a - b).square().mean(dim=(1, 2, 3))


@pytest.fixture
def config(blobs: Path, classifier_file: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    monkeypatch.setattr("latent_explorer.training.train.Perceptual", FakePerceptual)
    return TrainConfig(
        DataConfig(str(blobs)),
        str(classifier_file),
        resolution=16,
        channels=(8, 8, 8),
        z_dim=8,
        w_dim=8,
        hidden=16,
        images=160,
        batch=8,
        kl_start=0,
        kl_ramp=1,
        adversarial_start=40,
        adversarial_ramp=1,
        mapped=2,
        repaired=2,
        discriminated=4,
        validate_every=80,
        sheet_every=80,
        path_length_every=4,
        r1_every=4,
    )


def test_every_network_moves_and_the_folder_holds_what_a_person_looks_for(
    config: TrainConfig, tmp_path: Path
) -> None:
    list(train(config, tmp_path / "run"))
    run = RunFolder(tmp_path / "run")
    state = run.load()
    assert state["images"] == 160
    for name in ("G", "E", "D", "G_ema", "E_ema"):
        assert all(torch.isfinite(t).all() for t in state["networks"][name].values())
    steps = {name: o["state"][0]["step"] for name, o in state["optimisers"].items()}
    assert all(step > 0 for step in steps.values())
    figures = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    assert any("val_agreement" in line for line in figures)
    assert len(list(run.samples.glob("*.png"))) == 2


def test_the_encoder_and_the_mapping_are_trained_in_every_update(
    config: TrainConfig, tmp_path: Path
) -> None:
    from latent_explorer.training.train import _set_up

    trainer, _, _ = _set_up(config)
    trainer.images = config.adversarial_start + 100
    before = {n: p.clone() for n, p in trainer.networks.G.mapping.named_parameters()}
    encoder_before = [p.clone() for p in trainer.networks.E.parameters()]
    trainer.step()
    assert all(
        not torch.equal(before[n], p) for n, p in trainer.networks.G.mapping.named_parameters()
    )
    moved = [
        not torch.equal(a, b)
        for a, b in zip(encoder_before, trainer.networks.E.parameters(), strict=True)
    ]
    assert all(moved)


def test_the_class_enters_through_convolutions_alone(config: TrainConfig, tmp_path: Path) -> None:
    list(train(config, tmp_path / "run"))
    state = RunFolder(tmp_path / "run").load()["networks"]["G"]
    columns = {n: t[:, config.w_dim :] for n, t in state.items() if n.endswith("affine.weight")}
    assert all(t.abs().sum() == 0 for n, t in columns.items() if "torgb" in n)
    assert any(t.abs().sum() > 0 for n, t in columns.items() if "conv" in n)
    spread = torch.cat([t - t.mean(dim=1, keepdim=True) for t in columns.values()])
    assert float(spread.abs().max()) <= config.cond_limit + 1e-6


def test_a_resumed_run_equals_a_straight_one(config: TrainConfig, tmp_path: Path) -> None:
    list(train(config, tmp_path / "straight"))
    job = train(config, tmp_path / "halved")
    for event in job:
        if isinstance(event, Metric) and event.step >= 80:
            break
    job.close()
    list(train(config, tmp_path / "halved", resume=True))
    a, b = (RunFolder(tmp_path / name).load()["networks"]["G"] for name in ("straight", "halved"))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_folder_with_a_run_is_not_overwritten(config: TrainConfig, tmp_path: Path) -> None:
    RunFolder(tmp_path).create(config, {})
    with pytest.raises(UserError, match="--resume"):
        list(train(config, tmp_path))


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(
    config: TrainConfig, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path)
    run.create(config, {})
    run.save({"images": 1})
    run.save({"images": 2})
    (run.checkpoints / "00000002.pt").write_bytes(b"PK\x03\x04 cut off")
    assert run.load()["images"] == 1


def test_a_training_that_diverges_says_so_and_keeps_the_last_sound_checkpoint(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from latent_explorer.training.loop import Trainer

    monkeypatch.setattr("latent_explorer.training.train.LOG_EVERY", 2)
    config = msgspec.structs.replace(config, checkpoint_seconds=0.0)
    step = Trainer.step

    def diverging(trainer: Trainer) -> dict[str, torch.Tensor]:
        logged = step(trainer)
        if trainer.images == 48:
            with torch.no_grad():
                next(iter(trainer.networks.G.parameters())).fill_(torch.nan)
        return logged

    monkeypatch.setattr(Trainer, "step", diverging)
    with pytest.raises(UserError, match="diverged"):
        list(train(config, tmp_path / "run"))
    assert RunFolder(tmp_path / "run").load()["images"] == 40


def test_a_step_cannot_take_more_than_its_batch(config: TrainConfig, tmp_path: Path) -> None:
    for fields in ({"discriminated": 9}, {"mapped": 6, "repaired": 6}):
        with pytest.raises(UserError, match="a batch has 8 pictures"):
            list(train(msgspec.structs.replace(config, **fields), tmp_path / "run"))


def test_figures_that_a_crash_cut_off_are_forgotten(config: TrainConfig, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.create(config, {})
    for images in (8, 16, 24):
        run.log(images, {"l1": 0.5})
    with run.metrics.open("a") as file:
        file.write('{"images": 3')
    run.forget_after(16)
    assert [json.loads(line)["images"] for line in run.metrics.read_text().splitlines()] == [8, 16]


def test_classifier_files_come_back_and_others_are_refused(
    classifier_file: Path, tmp_path: Path
) -> None:
    classifier, about = read_classifier(classifier_file)
    assert classifier.config.class_names == ("green", "red")
    assert 0.8 < about["val"]["median_top_probability"] < 0.95
    broken = tmp_path / "broken.classifier"
    broken.write_bytes(classifier_file.read_bytes()[:500])
    with pytest.raises(UserError):
        read_classifier(broken)


def test_temperature_meets_the_asked_confidence() -> None:
    logits = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) * 8
    scaled = logits / temperature_for(logits, 0.85)
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
