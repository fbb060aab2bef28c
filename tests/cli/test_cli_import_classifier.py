# SPDX-License-Identifier: MIT
"""`import-classifier` on the command line: what a file is, its verdicts, and the file that is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch
from PIL import Image
from torchvision import models

from latent_explorer.cli.import_classifier import parse_preprocessing
from latent_explorer.cli.root import main
from latent_explorer.common.errors import UserError
from latent_explorer.models.classifier_file import read_classifier
from latent_explorer.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.save(models.squeezenet1_1(num_classes=2).state_dict(), tmp_path / "net.pth")
    return tmp_path / "net.pth"


def test_says_what_it_is_and_writes_it(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, colour in (("ants", 0), ("bees", 200)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (32, 32), (colour, i, 0)).save(tmp_path / "data" / name / f"{i}.png")
    out = tmp_path / "net.classifier"
    args = ["--class-names", "ants,bees", "--preprocessing", "size=32,mean=0.5", "--data", str(tmp_path / "data")]
    assert main(["import-classifier", str(checkpoint), "--out", str(out), "--json", *args]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["architecture"] == "torchvision:squeezenet1_1"
    assert result["preprocessing_from"] == "the usual one of torchvision:squeezenet1_1"
    assert len(result["check"]["verdicts"]) == 6
    classifier, about = read_classifier(out)
    assert classifier.config.class_names == ("ants", "bees")
    assert classifier.config.preprocessing.input_size == 32
    assert classifier.config.preprocessing.mean == (0.5, 0.5, 0.5)
    assert about["imported"]["file"] == "net.pth"
    assert main(["info", str(out)]) == 0
    assert "torchvision:squeezenet1_1" in capsys.readouterr().out


def test_classes_that_nobody_named_are_called_as_the_labels(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("wasps", "ants"):
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(tmp_path / "data" / name / "0.png")
    out = tmp_path / "net.classifier"
    args = ["--preprocessing", "size=32", "--data", str(tmp_path / "data"), "--out", str(out)]
    assert main(["import-classifier", str(checkpoint), *args]) == 0
    assert "Class names are the pictures' labels: ants, wasps." in capsys.readouterr().out
    assert read_classifier(out)[0].config.class_names == ("ants", "wasps")


def test_info_says_what_a_foreign_file_is(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(checkpoint)]) == 0
    assert "torchvision:squeezenet1_1, 2 outputs" in capsys.readouterr().out


def test_class_names_from_a_file_must_be_as_many(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "names.txt").write_text("a\nb\nc\n")
    assert main(["import-classifier", str(checkpoint), "--class-names", str(tmp_path / "names.txt")]) == 1
    assert "2 class names, not 3" in capsys.readouterr().err


def test_a_size_that_the_network_does_not_take_is_said(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import-classifier", str(checkpoint), "--preprocessing", "size=8"]) == 1
    assert "does not take pictures of 8 px" in capsys.readouterr().err
    timm = pytest.importorskip("timm")
    torch.save(timm.create_model("vit_tiny_patch16_224", num_classes=2, img_size=32).state_dict(), tmp_path / "v.pth")
    assert main(["import-classifier", str(tmp_path / "v.pth"), "--preprocessing", "size=64"]) == 1
    assert "takes pictures of 32 px only" in capsys.readouterr().err


def test_preprocessing_in_words() -> None:
    usual = Preprocessing(224, crop=0.875)
    changed = parse_preprocessing("size=96, std=0.1/0.2/0.3,channels=bgr", usual)
    assert changed == Preprocessing(96, std=(0.1, 0.2, 0.3), crop=0.875, channels="bgr")
    for wrong in ("size", "size=big", "mean=1/2", "channels=cmyk", "colour=red"):
        with pytest.raises(UserError, match="Write for example"):
            parse_preprocessing(wrong, usual)
