# SPDX-License-Identifier: MIT
"""A run whose pictures were moved goes on with the new place, if they are the same."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image
from tiny_training import FakePerceptual, classifier_training, same_tensors, started, tiny_config

from latent_explorer.app.training.pipeline import run_pipeline
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Metric, Notice
from latent_explorer.training.checkpoints import Checkpoints
from latent_explorer.training.run_folder import RunFolder
from latent_explorer.training.setup import read_pictures, with_data_at
from latent_explorer.training.train import train


@pytest.fixture
def data(discs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("latent_explorer.training.setup.perceptual_for", FakePerceptual)
    monkeypatch.setattr("latent_explorer.training.train.LOG_EVERY", 2)
    return Path(shutil.copytree(discs, tmp_path / "data"))


@pytest.fixture
def run(data: Path, classifier_file: Path, tmp_path: Path) -> RunFolder:
    """A run that was closed in its first stage, and whose classifier would have been trained on the same pictures."""
    config = tiny_config(data, classifier_file, images=80, attributes=0)
    run = started(msgspec.structs.replace(config, classifier_training=classifier_training(data)), tmp_path / "run")
    job = train(run)
    for event in job:
        if isinstance(event, Metric):
            break
    job.close()
    return run


def test_a_run_goes_on_with_pictures_that_were_moved(run: RunFolder, data: Path, tmp_path: Path) -> None:
    straight = RunFolder(Path(shutil.copytree(run.path, tmp_path / "straight")))
    list(run_pipeline(straight.path))
    shutil.move(data, tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"not at .*data any more.*train DATA --resume --out .*run"):
        list(run_pipeline(run.path))
    list(run_pipeline(run.path, changes={"data": str(tmp_path / "elsewhere")}))
    assert Checkpoints(run).load()["images"] == 80
    assert same_tensors(Checkpoints(straight).load(), Checkpoints(run).load())
    config = run.config()
    assert config.data.path == str(tmp_path / "elsewhere")
    assert config.classifier_training is not None
    assert config.classifier_training.data.path == config.data.path
    list(run_pipeline(run.path))  # it is remembered


def test_a_zip_of_the_same_pictures_will_do(run: RunFolder, data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as archive:
        for path in sorted(data.rglob("*.png")):
            archive.write(path, path.relative_to(data).as_posix())
    assert with_data_at(run, str(tmp_path / "pack.zip")).data.path.endswith("pack.zip")


@pytest.mark.parametrize("how", ["missing", "new", "labels", "split"])
def test_other_pictures_are_refused_before_the_run_is_touched(
    run: RunFolder, data: Path, tmp_path: Path, how: str
) -> None:
    other = tmp_path / "other"
    shutil.copytree(data, other)
    said = {
        "missing": r"1 are missing: red/7\.png",
        "new": r"1 have come since: red/z\.png",
        "labels": "other labels, or another split",
        "split": "other labels, or another split",
    }[how]
    names = sorted(path.relative_to(other).as_posix() for path in other.rglob("*.png"))
    if how == "missing":
        (other / "red" / "7.png").unlink()
    elif how == "new":
        shutil.copy(other / "red" / "7.png", other / "red" / "z.png")
    elif how == "labels":
        rows = [f"{name},{'red' if name.startswith('green') else 'green'}" for name in names]
        (other / "labels.csv").write_text("\n".join(["file,class", *rows]))
    else:
        run.change_config(
            msgspec.structs.replace(run.config(), data=msgspec.structs.replace(run.config().data, split="side"))
        )
        rows = [f"{name},{name.partition('/')[0]},{'train' if i % 2 else 'val'}" for i, name in enumerate(names)]
        (other / "labels.csv").write_text("\n".join(["file,class,side", *rows]))
    before = run.config()
    with pytest.raises(UserError, match=said):
        list(run_pipeline(run.path, changes={"data": str(other)}))
    assert run.config() == before


def test_a_run_that_has_not_listed_its_pictures_takes_no_others(run: RunFolder, data: Path) -> None:
    (run.path / "pictures.txt").unlink()
    with pytest.raises(UserError, match="nothing proves that DATA are the same"):
        with_data_at(run, str(data))


def test_runs_from_before_folders_were_a_split_go_on_as_they_began(
    discs: Path, classifier_file: Path, data: Path, tmp_path: Path
) -> None:
    root = tmp_path / "download"
    for side in ("train", "test"):
        shutil.copytree(discs, root / side)
    run = started(tiny_config(root, classifier_file, images=40), tmp_path / "old")
    run.change_config(
        msgspec.structs.replace(run.config(), data=msgspec.structs.replace(run.config().data, split="hash"))
    )
    list(train(run))
    digest = run.provenance()["data"]["list_sha256"]
    run.change_config(tiny_config(root, classifier_file, images=80))  # no split was named then
    list(train(run))
    assert run.provenance()["data"]["list_sha256"] == digest
    assert Checkpoints(run).load()["images"] == 80


def test_a_changed_picture_is_noticed_when_a_run_goes_on(run: RunFolder) -> None:
    def notices() -> list[str]:
        return [event.text for event in read_pictures(run) if isinstance(event, Notice)]

    assert notices() == []
    name = (run.path / "pictures.txt").read_text().splitlines()[3]
    picture = Path(run.config().data.path) / name
    pixels = np.array(Image.open(picture))
    pixels[0, 0] ^= 128
    Image.fromarray(pixels).save(picture)
    (said,) = notices()
    assert said.startswith("1 of ")
    assert name in said
    (run.path / "pictures.sha256").unlink()
    assert notices() == [], "an earlier run has no digests"
