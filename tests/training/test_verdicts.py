# SPDX-License-Identifier: MIT
"""The classifier is asked once about the pictures of a training, and the estimate of its time asks the same one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from tiny_training import FakePerceptual, started, tiny_config

from latent_explorer.common.jobs import run_job
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.training import estimate, verdicts
from latent_explorer.training.batches import to_img
from latent_explorer.training.export import export
from latent_explorer.training.setup import open_run_data
from latent_explorer.training.train import train

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 16, 16, 3), dtype=np.uint8)
ROWS = np.array([7, 1, 4])


class Counting(Classifier):
    """A classifier that notes how many pictures it was asked about in each call."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(ClassifierConfig("x", "small-resnet", ("a", "b", "c"), Preprocessing(16), widths=(4, 8)))
        self.eval()
        self.asked: list[int] = []

    def logits(self, img: torch.Tensor) -> torch.Tensor:
        self.asked.append(len(img))
        return super().logits(img)


def probs(folder: Path, classifier: Counting, pixels: np.ndarray = PIXELS, flip: bool = True) -> torch.Tensor:
    return run_job(verdicts.class_probs(folder, classifier, pixels, ROWS, flip))


def test_pictures_are_asked_once_mirrored_too(tmp_path: Path) -> None:
    classifier = Counting()
    found = probs(tmp_path, classifier)
    assert found.shape == (2, 3, 3)
    img = to_img(PIXELS[ROWS])
    with torch.no_grad():
        assert torch.equal(found[0], classifier.probs(img))
        assert torch.equal(found[1], classifier.probs(img.flip(3)))
    classifier.asked.clear()
    assert torch.equal(probs(tmp_path, classifier), found)
    assert classifier.asked == []


def test_only_new_pictures_are_asked_about(tmp_path: Path) -> None:
    classifier = Counting()
    found = probs(tmp_path, classifier)
    classifier.asked.clear()
    rows = np.array([4, 2, 7])
    (more,) = run_job(verdicts.class_probs(tmp_path, classifier, PIXELS, rows, False))
    assert classifier.asked == [1]
    assert torch.equal(more[[2, 0]], found[0, [0, 2]])
    assert torch.equal(probs(tmp_path, classifier), found)
    assert classifier.asked == [1]


@pytest.mark.parametrize("change", ["pictures", "classifier", "damaged", "other arrays"])
def test_what_was_kept_for_something_else_is_not_taken(tmp_path: Path, change: str) -> None:
    classifier, pixels = Counting(), PIXELS
    probs(tmp_path, classifier)
    classifier.asked.clear()
    if change == "pictures":
        pixels = 255 - PIXELS
    elif change == "classifier":
        classifier.network.head.bias.data += 1
    elif change == "damaged":
        (kept,) = tmp_path.iterdir()
        kept.write_bytes(kept.read_bytes()[:-5])
    elif change == "other arrays":
        (kept,) = tmp_path.iterdir()
        np.savez(kept, pictures=np.zeros((3, 16), np.uint8), probs=np.float32(1))
    found = probs(tmp_path, classifier, pixels)
    assert classifier.asked
    with torch.no_grad():
        assert torch.equal(found[0], classifier.probs(to_img(pixels[ROWS])))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_classifier_of_large_pictures_is_asked_in_small_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "PIXELS", 2 * 16 * 16)
    monkeypatch.setattr(verdicts, "SAY_EVERY", 0.0)
    classifier = Counting()
    said = []
    run_job(verdicts.class_probs(tmp_path, classifier, PIXELS, ROWS, True), said.append)
    assert classifier.asked == [2, 1, 2, 1]
    assert [event.text.rpartition(" ")[2] for event in said] == ["33%.", "50%.", "83%.", "100%."]


def test_the_time_is_measured_with_the_classifier_that_is_explained(
    discs: Path, classifier_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a ResNet of 224 px the time was announced as that of a small network: less than a tenth of the truth."""
    slow = Counting()
    monkeypatch.setattr(estimate, "read_classifier", lambda path: (slow, {}) if path == classifier_file else None)
    config = tiny_config(discs, classifier_file)
    trainer = estimate.synthetic_trainer(config, 2)
    assert trainer.classifier is slow
    assert trainer.networks.num_classes == 3
    monkeypatch.setattr(estimate, "_seconds_of", lambda *_: 10.0)  # for a picture
    assert estimate.synthetic_trainer(config, 2, bounded=True).config.batch < 4
    assert estimate.synthetic_trainer(msgspec.structs.replace(config, classifier=""), 2).networks.num_classes == 2


def test_an_export_asks_about_reconstructions_alone(
    discs: Path, classifier_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in ("setup", "export"):
        monkeypatch.setattr(f"latent_explorer.training.{user}.perceptual_for", FakePerceptual)
    run = started(
        tiny_config(discs, classifier_file, images=16, mapping_steps=0, validate_pictures=1000), tmp_path / "run"
    )
    run_job(train(run))
    asked: list[int] = []
    logits = Classifier.logits

    def counted(self: Classifier, img: torch.Tensor) -> torch.Tensor:
        asked.append(len(img))
        return logits(self, img)

    monkeypatch.setattr(Classifier, "logits", counted)
    made = run_job(export(run.path, "x", pictures=5))
    data = open_run_data(run)
    assert sum(asked) == len(data.indices("val"))
    data.close()
    assert made.samples is not None
    assert len(made.samples.probs) == 5


def test_the_announced_time_counts_all_that_the_classifier_is_asked(
    discs: Path, classifier_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that asks about some of its pictures may ask about none: the time is that of all, divided."""
    monkeypatch.setattr(estimate, "perceptual_for", FakePerceptual)
    slow = Counting()
    monkeypatch.setattr(estimate, "read_classifier", lambda _: (slow, {}))
    config = tiny_config(discs, classifier_file, classifier_every=8, images=400, adversarial_start=400)
    trainer = estimate.synthetic_trainer(config, 2)
    estimate._seconds(trainer, 0, None)
    assert slow.asked == []
    estimate._seconds(trainer, 0, estimate.CLASSIFIER)
    assert slow.asked == [config.batch]
    times = {None: 1.0, "latent": 1.0, estimate.CLASSIFIER: 9.0}
    monkeypatch.setattr(estimate, "_median", lambda _trainer, _images, part: times[part])
    monkeypatch.setattr(estimate, "_seconds_of", lambda *_: 0.01)
    done = run_job(estimate.estimate(config, 2, pictures=20))
    asking = 0.01 * (2 * 20 + (1 + 2 * (400 // 80)) * config.validate_pictures)
    assert done.asking_seconds == pytest.approx(asking)
    assert done.seconds == pytest.approx(400 / config.batch * (1.0 + (9.0 - 1.0) / 8) + asking)
    assert done.classifier_share == pytest.approx(0.5)
