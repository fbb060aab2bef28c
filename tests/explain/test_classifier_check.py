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


def test_other_names_ask_the_network_nothing_again(pictures) -> None:
    """A large network takes minutes for all preprocessings and sizes; names change none of its answers."""
    classifier, shown = classifier_of(Brightness(), ("a", "b", "c"), Preprocessing(64)), CheckPictures(pictures)
    asked = []
    classifier.network.register_forward_pre_hook(lambda _, args: asked.append(len(args[0])))
    run_job(check_classifier(classifier, shown))
    assert sum(asked) == 24 * (1 + 4)  # its own preprocessing and the other usual ones; at every size it is the same
    asked.clear()
    classifier.config = msgspec.structs.replace(classifier.config, class_names=CLASSES)
    found = run_job(check_classifier(classifier, shown))
    assert asked == []
    assert found.accuracy is not None
    assert found.accuracy.share == 1
    run_job(check_classifier(classifier.with_preprocessing(Preprocessing(64, std=(1.0,) * 3)), shown))
    assert len(asked) > 0


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


def test_small_pictures_lose_nothing_by_reducing(tmp_path: Path) -> None:
    """Enlarged by another filter than the classifier's own they got other verdicts, and a loss was said."""
    seen = []

    class Seen(FineDetail):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x.clone())
            return super().forward(x)

    rng = np.random.default_rng(0)
    originals = []
    for place, side in enumerate((48, 64, 64)):
        (tmp_path / "ab"[place % 2]).mkdir(exist_ok=True)
        originals.append(rng.integers(0, 256, (side, side, 3)).astype(np.uint8))
        Image.fromarray(originals[-1]).save(tmp_path / "ab"[place % 2] / f"{place}.png")
    classifier = classifier_of(Seen(), ("a", "b"), Preprocessing(224, crop=0.875))
    found = check(classifier, open_dataset(tmp_path))
    assert len({share for _, share in found.by_size}) == 1
    first = torch.from_numpy(originals[0] / np.float32(127.5) - 1).permute(2, 0, 1)[None]
    assert torch.equal(seen[0], classifier.preprocess(first))


def test_wrong_verdicts_are_counted_alike_for_all_sizes(tmp_path: Path) -> None:
    """By an order of names that fitted wrong verdicts a little better, pictures of 64 px seemed to lose something."""

    class Bright(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            mean = x.mean(dim=(1, 2, 3))
            return torch.stack([-mean, mean], dim=1)

    for name, values in (("a", (235,) * 6 + (20,) * 4), ("b", (20,) * 6 + (235,) * 4)):
        (tmp_path / name).mkdir()
        for i, value in enumerate(values):
            Image.new("RGB", (64, 64), (value,) * 3).save(tmp_path / name / f"{i}.png")
    found = check(classifier_of(Bright(), ("a", "b"), Preprocessing(64)), open_dataset(tmp_path))
    assert found.accuracy is not None
    assert found.accuracy.share == 0.4
    assert found.trials[0].accuracy == 0.6
    assert set(found.by_size) == {(64, 0.4), (128, 0.4), (224, 0.4)}


def test_a_network_that_needs_fewer_pixels_is_offered_at_them(pictures) -> None:
    found = check(classifier_of(Brightness(), CLASSES, Preprocessing(224)), pictures)
    assert dict(found.by_input) == {64: 1.0, 112: 1.0}
    [advice] = found.advice(CLASSES)
    assert advice.severity == "note"
    assert advice.preprocessing == Preprocessing(64)
    assert "Given 64 px instead of 224 px its network is right in 1.000 and about 12 times as fast" in advice.text


def test_a_network_of_one_size_is_not_offered_at_another(pictures) -> None:
    class OneSize(Brightness):
        def forward(self, x: Tensor) -> Tensor:
            assert x.shape[-1] == 224
            return super().forward(x)

    found = check(classifier_of(OneSize(), CLASSES, Preprocessing(224)), pictures)
    assert found.by_input == ()
    assert found.advice(CLASSES) == []


def test_without_labels_there_are_verdicts(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    found = check(classifier_of(Brightness(), CLASSES, Preprocessing(64)), open_dataset(tmp_path))
    assert found.accuracy is None
    assert [(v.name, v.verdict, v.label) for v in found.verdicts] == [("a.png", "dark", "")]
    assert found.advice(CLASSES) == []
