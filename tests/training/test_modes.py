# SPDX-License-Identifier: MIT
"""Variants of the recipe: parts left out, more classes, a plain StyleGAN2, lower precision, ADA."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from tiny_training import FakePerceptual, classifier_training, started, tiny_config, write_disc_classifier, write_discs

from latent_explorer.cli.root import main
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.models.explainer_file import read_explainer, write_explainer
from latent_explorer.training.batches import open_data
from latent_explorer.training.checkpoints import Checkpoints
from latent_explorer.training.config import DataConfig, TrainConfig
from latent_explorer.training.distributed import check_batch_divisible
from latent_explorer.training.estimate import estimate
from latent_explorer.training.export import encode_split, export
from latent_explorer.training.fit_mapping import FITTING
from latent_explorer.training.networks import Networks
from latent_explorer.training.setup import build_training, read_pictures
from latent_explorer.training.stylex_trainer import Trainer, uses_bfloat16
from latent_explorer.training.train import Throughput, train
from latent_explorer.training.validate import Validation

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_discs(tmp_path_factory.mktemp("discs"), colours=("red", "green", "blue"))


@pytest.fixture(scope="module")
def classifier_file(discs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_disc_classifier(discs, tmp_path_factory.mktemp("c") / "discs.classifier")


@pytest.fixture
def config(discs: Path, classifier_file: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    for user in ("setup", "export", "estimate"):
        monkeypatch.setattr(f"latent_explorer.training.{user}.perceptual_for", FakePerceptual)
    return tiny_config(discs, classifier_file)


def _first_step(config: TrainConfig, folder: Path) -> tuple[Trainer, Validation]:
    run = started(config, folder)
    return run_job(build_training(run, *run_job(read_pictures(run)), fresh=True))


def _changed(config: TrainConfig, **fields: object) -> TrainConfig:
    return msgspec.structs.replace(config, **fields)


def _steps(trainer: Trainer, count: int) -> list[dict[str, float]]:
    """Return the losses of a few steps, from where the discriminator takes part."""
    trainer.images = trainer.config.adversarial_start + 100
    return [{k: float(v) for k, v in trainer.step().items()} for _ in range(count)]


EVERYTHING = {
    "l1", "lpips", "kl", "latent", "adversarial", "align", "cond_sparsity", "discriminator", "real_score", "r1",
    "path_length",
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({}, set()),
        ({"mapped": 0, "align": 0.0}, set()),
        ({"repaired": 0}, set()),
        ({"mapped": 0, "repaired": 0, "align": 0.0}, set()),
        ({"lpips": 0.0}, {"lpips"}),
        ({"kl": 0.0}, {"kl"}),
        ({"latent": 0.0}, {"latent"}),
        ({"path_length": 0.0}, {"path_length"}),
        ({"precision": "bfloat16"}, set()),
        ({"flip": False}, set()),
    ],
)
def test_parts_can_be_left_out(
    config: TrainConfig, tmp_path: Path, fields: dict[str, object], missing: set[str]
) -> None:
    trainer, _ = _first_step(_changed(config, **fields), tmp_path / "run")
    logged = _steps(trainer, 5)
    assert set(logged[0]) == EVERYTHING - missing
    assert all(np.isfinite(list(losses.values())).all() for losses in logged)
    assert trainer.is_finite()


def test_all_losses_from_the_start(config: TrainConfig, tmp_path: Path) -> None:
    early = _changed(config, adversarial_start=0, adversarial_ramp=1)
    trainer, _ = _first_step(early, tmp_path / "run")
    assert "adversarial" not in trainer.step()  # nothing was seen yet
    assert "adversarial" in trainer.step()


def test_augmentation_takes_part_and_is_kept(config: TrainConfig, tmp_path: Path) -> None:
    adaptive = _changed(config, ada_target=-1.0, ada_images=100)  # D is always too sure
    trainer, _ = _first_step(adaptive, tmp_path / "run")
    p = [losses["ada_p"] for losses in _steps(trainer, 5)]
    assert p == sorted(p)
    assert p[-1] == pytest.approx(5 * 8 / 100)
    other, _ = _first_step(adaptive, tmp_path / "other")
    other.load_state(trainer.state())
    assert float(other.augmentation.p) == pytest.approx(p[-1])


def test_three_classes_from_training_to_the_file(config: TrainConfig, tmp_path: Path) -> None:
    run = started(config, tmp_path / "run")
    list(train(run))
    figures, _ = run.metrics()
    assert 0 <= figures[-1]["val_agreement"] <= 1
    explainer = run_job(export(run.path, "discs", pictures=10))
    assert explainer.generator.config.num_classes == 3
    assert explainer.samples is not None
    assert explainer.samples.cond.shape == (10, 3)


def test_generated_samples_stand_for_photographs(
    config: TrainConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = started(config, tmp_path / "run"), tmp_path / "discs.explainer"
    list(train(run))
    encoded = run_job(export(run.path, "discs", pictures=10)).samples
    options = ("--out", str(out), "--n", "10", "--generated", "--json")
    assert main(["export", str(run.path), *options]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"Encoding pictures", FITTING} <= {event.get("message") for event in told}
    explainer = read_explainer(out)
    assert told[-1]["model_hash"] == explainer.model_hash
    samples = explainer.samples
    assert encoded is not None
    assert samples is not None
    assert samples.ids == tuple(f"generated {i}" for i in range(10))
    assert torch.equal(samples.cond, encoded.cond)
    assert not torch.isclose(samples.ws, encoded.ws).all(dim=2).any()
    synthesis = explainer.generator.synthesis
    img = synthesis(samples.ws, samples.cond, synthesis.noise_const()).clamp(-1, 1)
    assert torch.allclose(explainer.classifier.probs(img), samples.probs, atol=1e-5)


def test_export_brings_random_seeds_to_the_encoder(config: TrainConfig, tmp_path: Path) -> None:
    run = started(_changed(config, mapping_steps=200), tmp_path / "run")
    list(train(run))
    explainer = run_job(export(run.path, "discs", pictures=10))
    before = Checkpoints(run).load()["networks"]["G_ema"]["mapping.w_avg"]
    assert explainer.samples is not None
    center = explainer.samples.ws[:, 0].mean(dim=0)
    after = explainer.generator.mapping.w_avg
    assert (after - center).norm() < (before - center).norm()


def test_a_broken_training_picture_does_not_end_an_export(config: TrainConfig, tmp_path: Path) -> None:
    own = tmp_path / "discs"
    shutil.copytree(config.data.path, own)
    config = _changed(config, data=DataConfig(str(own)))
    run = started(config, tmp_path / "run")
    list(train(run))
    data = open_data(config.data)
    encoder = Networks(config, 3).E_ema
    assert encoder is not None
    whole = run_job(encode_split(encoder, data))
    (own / data.names[data.indices("train")[0]]).write_bytes(b"")
    assert len(run_job(encode_split(encoder, data))) == len(whole) - 1
    assert run_job(export(run.path, "discs", pictures=10)).samples is not None
    for row in data.indices("train"):
        (own / data.names[row]).write_bytes(b"")
    with pytest.raises(UserError, match="No picture of the train split"):
        run_job(encode_split(encoder, data))


def test_the_sheet_tells_each_picture_the_next_class(config: TrainConfig, tmp_path: Path) -> None:
    trainer, validation = _first_step(config, tmp_path / "run")
    told: list[torch.Tensor] = []
    validation._render = lambda networks, w, probs: (  # type: ignore[method-assign]
        told.append(probs),
        torch.zeros(len(w), 3, 16, 16),
    )[1]
    validation.sheet(trainer.networks)
    assert torch.equal(told[1], told[0].roll(1, dims=1))
    assert not torch.equal(told[1], told[0])


def test_a_plain_stylegan2_trains_is_exported_and_started_from(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latent_explorer.training.train.LOG_EVERY", 2)
    plain = _changed(config, mode="stylegan2", classifier="", images=80)
    run = started(plain, tmp_path / "plain")
    list(train(run))
    figures, _ = run.metrics()
    assert {"adversarial", "discriminator", "val_frechet_mapping"} <= set().union(*figures)
    assert not {"l1", "kl", "val_lpips"} & set().union(*figures)
    assert run.sheets()
    explainer = run_job(export(run.path, "plain"))
    assert (explainer.encoder, explainer.classifiers, explainer.samples) == (None, {}, None)
    assert explainer.style_stats is not None
    path = tmp_path / "plain.explainer"
    write_explainer(explainer, path)
    assert read_explainer(path).generator.config.num_classes == 0

    warm = _changed(config, init=str(path), warm_up=80)
    trainer, _ = _first_step(warm, tmp_path / "warm")
    trainer.step()
    rates = {group["lr"] for o in trainer.optimisers.values() for group in o.param_groups}
    assert list(rates) == pytest.approx([config.lr * 8 / 80])
    old, new = explainer.generator.synthesis.b8.conv0, trainer.networks.G.synthesis.b8.conv0
    moved = (old.weight - new.weight).detach().abs().max()
    assert float(moved) < 10 * config.lr


def test_a_plain_stylegan2_has_one_pace(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("latent_explorer.training.train.time.monotonic", lambda: now[0])
    # the second stage at half the rate
    for mode, seconds_left in (("stylegan2", 25.0), ("stylex", 45.0)):
        asked = _changed(config, mode=mode, images=300, adversarial_start=100, validate_every=1000)
        throughput = Throughput(asked, 0)
        now[0] += 5
        assert throughput.lap(50) == 10
        assert throughput.seconds_left(50) == pytest.approx(seconds_left)


def test_precision_is_chosen_by_device() -> None:
    assert not uses_bfloat16("auto", CPU)
    assert uses_bfloat16("bfloat16", CPU)
    assert not uses_bfloat16("float32", CPU)


@pytest.mark.parametrize(
    "fields", [{"discriminated": 9}, {"discriminated": 0}, {"mapped": 6, "repaired": 6}, {"mapped": -1}]
)
def test_a_step_cannot_take_more_than_its_batch(config: TrainConfig, fields: dict[str, int]) -> None:
    with pytest.raises(UserError, match="a batch has 8 pictures"):
        check_batch_divisible(_changed(config, **fields))


def test_what_processes_cannot_share_evenly_is_said(config: TrainConfig) -> None:
    check_batch_divisible(_changed(config, discriminated=8, mapped=4, repaired=4), 2)
    check_batch_divisible(_changed(config, stddev_group=2), 2)
    with pytest.raises(UserError, match=r"discriminated \(4\).*multiples of 8"):
        check_batch_divisible(config, 2)
    with pytest.raises(UserError, match=r"mapped \(1\)"):
        check_batch_divisible(_changed(config, discriminated=8, mapped=1, repaired=7), 2)


@pytest.mark.parametrize("mode", ["stylex", "stylegan2"])
def test_an_estimate_is_measured_without_touching_a_file(config: TrainConfig, tmp_path: Path, mode: str) -> None:
    asked = _changed(config, mode=mode, images=4000, adversarial_start=1000)
    state = torch.get_rng_state()
    done = run_job(estimate(asked, 3, tmp_path / "not" / "there"))
    assert torch.equal(torch.get_rng_state(), state)
    assert (done.images_per_second_reconstruction is None) == (mode == "stylegan2")
    assert done.images_per_second_full is not None
    assert done.seconds == pytest.approx(
        sum(
            images / rate
            for images, rate in (
                (1000, done.images_per_second_reconstruction),
                (3000 if mode == "stylex" else 4000, done.images_per_second_full),
            )
            if rate
        )
        + done.asking_seconds
    )
    assert (done.asking_seconds > 0) == (mode == "stylex")
    assert done.free_bytes is not None
    assert 0 < done.disk_bytes < 1 << 30
    assert not list(tmp_path.iterdir())


def test_an_estimate_without_the_full_stage(config: TrainConfig) -> None:
    done = run_job(estimate(_changed(config, images=100, adversarial_start=1000), 2))
    assert done.images_per_second_full is None
    assert done.free_bytes is None


def test_the_classifier_training_says_how_large_the_classifier_will_be(config: TrainConfig, discs: Path) -> None:
    asked = _changed(config, classifier="", classifier_training=classifier_training(discs))
    assert run_job(estimate(asked, 3)).seconds > 0
