# SPDX-License-Identifier: MIT
"""The classifier is asked once about the pictures of a training, and the estimate of its time asks the same one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from tiny_training import tiny_config

from latent_explorer.common.jobs import run_job
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.training import estimate, verdicts
from latent_explorer.training.batches import to_img

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


@pytest.mark.parametrize("change", ["pictures", "classifier", "mirrored", "damaged"])
def test_what_was_kept_for_something_else_is_not_taken(tmp_path: Path, change: str) -> None:
    classifier, pixels = Counting(), PIXELS
    probs(tmp_path, classifier)
    classifier.asked.clear()
    if change == "pictures":
        pixels = PIXELS[::-1].copy()
    elif change == "classifier":
        classifier.network.head.bias.data += 1
    elif change == "damaged":
        (kept,) = tmp_path.iterdir()
        kept.write_bytes(kept.read_bytes()[:-5])
    found = probs(tmp_path, classifier, pixels, flip=change != "mirrored")
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
