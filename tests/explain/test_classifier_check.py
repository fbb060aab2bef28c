# SPDX-License-Identifier: MIT
"""The check of an imported classifier finds a planted wrong preprocessing, a wrong order of names, and lost detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from latent_explorer.common.events import Kept
from latent_explorer.common.jobs import run_job
from latent_explorer.data.dataset import open_dataset
from latent_explorer.explain.report.classifier_check import CheckPictures, ClassifierCheck, check_classifier
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("dark", "grey", "light")


class Brightness(nn.Module):
    """Answers by the mean of pictures given as -1 to 1: below -0.4, between, above 0.4."""

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(dim=(1, 2, 3))
        return 20 * torch.stack([-0.4 - mean, 0.3 - mean.abs(), mean - 0.4], dim=1)


class FineDetail(nn.Module):
    """Answers by the contrast of neighbouring pixels, which small pictures do not have."""

    def forward(self, x: Tensor) -> Tensor:
        contrast = (x[..., 1:] - x[..., :-1]).abs().mean(dim=(1, 2, 3))
        return 20 * torch.stack([0.2 - contrast, contrast - 0.2], dim=1)


@pytest.fixture
def pictures(tmp_path: Path):
    rng = np.random.default_rng(0)
    for name, value in zip(CLASSES, (20, 128, 235), strict=True):
        (tmp_path / name).mkdir()
        for i in range(8):
            noise = rng.integers(-9, 9, (64, 64, 3))
            Image.fromarray((value + noise).clip(0, 255).astype(np.uint8)).save(tmp_path / name / f"{i}.png")
    return open_dataset(tmp_path)


def classifier_of(network: nn.Module, names: tuple[str, ...], pre: Preprocessing) -> Classifier:
    classifier = Classifier(ClassifierConfig("x", "small-resnet", names, Preprocessing(64), widths=(4,)))
    classifier.network = network
    return classifier.with_preprocessing(pre)


def check(classifier: Classifier, pictures) -> ClassifierCheck:
    return run_job(check_classifier(classifier, CheckPictures(pictures)))


def test_a_right_one_gets_no_advice(pictures) -> None:
    found = check(classifier_of(Brightness(), CLASSES, Preprocessing(64)), pictures)
    assert found.accuracy is not None
    assert found.accuracy.share == 1
    assert found.advice(CLASSES) == []
    assert len(found.verdicts) == 12
    assert all(each.label == each.verdict for each in found.verdicts)


def test_a_wrong_preprocessing_is_noticed(pictures) -> None:
    unit = msgspec.structs.replace(Preprocessing(64), mean=(0.0,) * 3, std=(1.0,) * 3)
    found = check(classifier_of(Brightness(), CLASSES, unit), pictures)
    assert found.accuracy is not None
    assert found.accuracy.share < 0.8
    assert {trial.text: trial.accuracy for trial in found.trials}["-1 to 1"] == 1
    assert found.best is not None
    assert found.best.accuracy == 1
    assert found.best.order == CLASSES
    [advice] = [each for each in found.advice(CLASSES) if each.text.startswith("With pictures as")]
    assert "1.000" in advice.text
    assert advice.preprocessing == found.best.preprocessing


def test_a_wrong_order_of_names_is_noticed(pictures) -> None:
    names = ("light", "dark", "grey")
    found = check(classifier_of(Brightness(), names, Preprocessing(64)), pictures)
    assert found.accuracy is not None
    assert found.accuracy.share == 0
    assert found.trials[0].order == CLASSES
    [advice] = found.advice(names)
    assert "dark, grey, light" in advice.text
    assert advice.class_names == CLASSES
    assert not any(each.right for each in found.verdicts)


def test_other_names_get_the_order_that_fits(pictures) -> None:
    names = ("class 0", "class 1", "class 2")
    found = check(classifier_of(Brightness(), names, Preprocessing(64)), pictures)
    assert found.trials[0].order == CLASSES
    assert found.trials[0].accuracy == 1
    [advice] = found.advice(names)
    assert advice.class_names == CLASSES
    assert "The labels are called dark, grey, light" in advice.text


def test_verdicts_come_first_and_in_small_steps(pictures) -> None:
    """The page shows twelve verdicts before the rest is asked, and a slider waits for no whole data set."""
    classifier = classifier_of(Brightness(), CLASSES, Preprocessing(64))
    batches = []
    classifier.network.register_forward_pre_hook(lambda _, args: batches.append(len(args[0])))
    job = check_classifier(classifier, CheckPictures(pictures), lambda: 0.0)
    first = next(event.value for event in job if isinstance(event, Kept))
    assert len(first.verdicts) == len(batches) == 12
    assert all(each.right for each in first.verdicts)
    assert first.accuracy is None
    run_job(job)
    assert max(batches) == 1


def test_a_picture_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    found = check(classifier_of(Brightness(), CLASSES, Preprocessing(64)), open_dataset(tmp_path))
    assert [each.name for each in found.verdicts] == ["a.png"]


def test_what_small_pictures_lose_is_said(tmp_path: Path) -> None:
    for name in ("smooth", "striped"):
        (tmp_path / name).mkdir()
        for i in range(8):
            pixels = np.full((224, 224, 3), 128 + i, np.uint8)
            if name == "striped":
                pixels[:, ::2] = 0
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    pictures = open_dataset(tmp_path)
    found = check(classifier_of(FineDetail(), ("smooth", "striped"), Preprocessing(224)), pictures)
    assert dict(found.by_size) == {64: 0.5, 128: 0.5, 224: 1.0}
    assert any("128 px" in each.text for each in found.advice(("smooth", "striped")))


def test_without_labels_there_are_verdicts(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    found = check(classifier_of(Brightness(), CLASSES, Preprocessing(64)), open_dataset(tmp_path))
    assert found.accuracy is None
    assert [(v.name, v.verdict, v.label) for v in found.verdicts] == [("a.png", "dark", "")]
    assert found.advice(CLASSES) == []
