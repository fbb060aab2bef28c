# SPDX-License-Identifier: MIT
"""Folders as downloads have them: splits, classes, folders in doubt, and what systems leave behind."""

from __future__ import annotations

import unicodedata
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.data.check import check
from latent_explorer.data.dataset import open_dataset
from latent_explorer.data.folders import read_folders
from latent_explorer.data.split_words import BY_HASH, split_side
from latent_explorer.training.config import DataConfig
from latent_explorer.training.train_classifier import open_labelled_data


def names(*folders: str, each: int = 4) -> list[str]:
    return [f"{folder}/{i}.png" for folder in folders for i in range(each)]


def meanings(*folders: str) -> dict[str, str]:
    """Return "side class" of each folder; "" where there is none."""
    columns = read_folders(names(*folders, each=1)).columns
    rows = len(columns["file"])
    sides, classes = (columns.get(key, [""] * rows) for key in ("split", "class"))
    files = (file.rpartition("/")[0] for file in columns["file"])
    return {file: f"{side} {cell}".strip() for file, side, cell in zip(files, sides, classes, strict=True)}


@pytest.mark.parametrize(
    ("train", "test", "sides"),
    [
        ("training_set", "test_set", "train test"),
        ("Train", "Test", "train test"),
        ("TRAIN", "VALID", "train val"),
        ("train", "validation", "train val"),
        ("train", "dev", "train val"),
        ("training", "evaluation", "train test"),
        ("train", "holdout", "train test"),
        ("train", "hold-out", "train test"),
        ("train_images", "test_images", "train test"),
        ("images_train", "images_val", "train val"),
        ("Training Data", "Testing Data", "train test"),
        ("trainset", "testset", "train test"),
        ("TrainSet", "TestSet", "train test"),
        ("train2017", "val2017", "train val"),
        ("01_train", "02_test", "train test"),
        ("seg_train/seg_train", "seg_test/seg_test", "train test"),
        ("train/train", "test/test", "train test"),
        ("train/images", "test/images", "train test"),
        ("imgs/train", "imgs/test", "train test"),
        ("download/archive/train", "download/archive/test", "train test"),
        ("dogs-vs-cats-train", "dogs-vs-cats-test", "train test"),
    ],
)
def test_split_folders_are_a_split_and_not_classes(train: str, test: str, sides: str) -> None:
    first, second = sides.split()
    assert meanings(f"{train}/cats", f"{train}/dogs", f"{test}/cats", f"{test}/dogs") == {
        f"{train}/cats": f"{first} cats",
        f"{train}/dogs": f"{first} dogs",
        f"{test}/cats": f"{second} cats",
        f"{test}/dogs": f"{second} dogs",
    }


@pytest.mark.parametrize(
    "folders",
    [
        {"cats_train": "train cats", "dogs_train": "train dogs", "cats_test": "test cats", "dogs_test": "test dogs"},
        {"train-A": "train A", "train-B": "train B", "test-A": "test A", "test-B": "test B"},
        {"A_train": "train A", "B_train": "train B", "A_val": "val A", "B_val": "val B"},
        {"trainA": "train A", "trainB": "train B", "testA": "test A", "testB": "test B"},
        {"train_0": "train 0", "train_1": "train 1", "val_0": "val 0", "val_1": "val 1"},
        {"train_cats": "train cats", "train_dogs": "train dogs"},
        {"Train-Äpfel": "train Äpfel", "Train-x": "train x", "Test-Äpfel": "test Äpfel", "Test-x": "test x"},
        {"cats/train": "train cats", "cats/test": "test cats", "dogs/train": "train dogs", "dogs/test": "test dogs"},
        {"train/a": "train a", "train/b": "train b", "val/a": "val a", "test/b": "test b"},
        {"train/a": "train a", "train/b": "train b", "valid/a": "val a", "eval/b": "test b"},
        {"train/a": "train a", "train/b": "train b", "eval/a": "val a", "test/b": "test b"},
        {"train1/a": "train a", "train1/b": "train b", "train2/a": "train a", "test/b": "test b"},
        {"Train/Cats": "train Cats", "Train/Dogs": "train Dogs", "test/cats": "test Cats", "test/dogs": "test Dogs"},
        {"train/a": "train a", "train/b": "train b", "test": "test"},  # a test set without labels
        {"train": "train", "test": "test"},  # no classes at all
    ],
    ids=lambda folders: " ".join(folders),
)  # fmt: skip
def test_sides_and_classes_in_one_another(folders: dict[str, str]) -> None:
    assert meanings(*folders) == folders


@pytest.mark.parametrize(
    "folders",
    [
        ("train", "bus", "car"),  # a vehicle
        ("train/1", "train/2", "bus/1", "car/3"),
        ("valid", "invalid"),
        ("test tube", "training shoe"),
        ("test_strip", "test_tube"),
        ("control", "test"),
        ("cats/images", "dogs/images"),
        ("cats/tabby", "dogs/poodle", "dogs/pug"),
    ],
    ids=" ".join,
)
def test_classes_that_only_look_like_a_split_stay_classes(folders: tuple[str, ...]) -> None:
    reading = read_folders(names(*folders))
    assert reading.question is None
    assert reading.split is None
    assert set(reading.columns["class"]) == {folder.partition("/")[0] for folder in folders}


def test_pictures_for_predictions_are_left_out() -> None:
    for other in ("seg_pred/seg_pred", "single_prediction", "unlabeled"):
        reading = read_folders([*names("seg_train/a", "seg_train/b", "seg_test/a", "seg_test/b"), f"{other}/9.jpg"])
        assert reading.left_out == (f"{other}/9.jpg",)
        assert set(reading.columns["class"]) == {"a", "b"}


def test_one_letter_may_be_written_in_two_ways() -> None:
    """Some systems write é as one character, others as two: the folders of train and test are one class."""
    one, two = unicodedata.normalize("NFC", "Café"), unicodedata.normalize("NFD", "Café")
    assert one != two
    assert set(meanings(f"train/{one}", "train/x", f"test/{two}", "test/x").values()) == {
        f"train {one}", "train x", f"test {one}", "test x",
    }  # fmt: skip


def make(root: Path, *folders: str, each: int = 12) -> Path:
    for at, name in enumerate(names(*folders, each=each)):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (at, 255 - at, 7 * at % 256)).save(path)
    return root


def test_the_folders_split_is_used_and_can_be_replaced(tmp_path: Path) -> None:
    root = make(tmp_path / "animals", "training_set/cats", "training_set/dogs", "test_set/cats", "test_set/dogs")
    data = open_labelled_data(DataConfig(str(root)))
    assert data.class_names == ("cats", "dogs")
    assert data.about["options"]["split"] == "split"
    assert {data.names[i].partition("/")[0] for i in data.indices("test")} == {"test_set"}
    assert {data.names[i].partition("/")[0] for i in data.indices("train")} == {"training_set"}
    by_hash = open_dataset(root, split=BY_HASH)
    assert {by_hash.names[i].partition("/")[0] for i in by_hash.indices("train")} == {"test_set", "training_set"}
    # The half that holds only one side is split by hash as before.
    assert len(open_dataset(root / "test_set").indices("train")) > 0
    assert len(open_dataset(root, where="split=test").indices("train")) > 0


def test_folders_in_doubt_are_refused_with_both_readings_until_one_is_chosen(tmp_path: Path) -> None:
    root = make(tmp_path / "x", "site A/cats", "site A/dogs", "site B/cats", "site B/dogs")
    with pytest.raises(UserError, match=r"site A, site B \(--label folder\).*cats, dogs \(--label folder2\)"):
        open_labelled_data(DataConfig(str(root)))
    data = open_dataset(root)
    assert data.labels is None
    assert any("site A, site B (--label folder)" in f.text for f in run_job(check(data, 8)).findings)
    assert open_labelled_data(DataConfig(str(root), label="folder")).class_names == ("site A", "site B")
    chosen = open_labelled_data(DataConfig(str(root), label="folder2", classes="cats,dogs"))
    assert chosen.class_names == ("cats", "dogs")
    with pytest.raises(UserError, match="--label folder2"):
        open_dataset(root, classes="cats,dogs")


@pytest.mark.parametrize(
    "folders",
    [
        ("batch1/a", "batch1/b", "batch2/a", "batch2/b"),
        ("train/a", "train/b", "extra/a", "extra/b"),
        ("fold1/a", "fold1/b", "fold2/a", "fold2/b", "fold3/b"),
        ("art/train/dog", "art/train/cat", "photo/train/dog", "photo/train/cat", "photo/test/dog"),
        ("cats/indoor", "cats/outdoor", "dogs/indoor", "dogs/outdoor"),
        ("train/a", "train/b", "test/a", "test/b", "archive/train/a"),  # a second copy inside, as in some downloads
        ("train/a", "test/b", "extra/c"),
        ("train_big/a", "train_big/b", "test_small/a", "test_small/b"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_other_repeated_names_are_a_question(folders: tuple[str, ...]) -> None:
    reading = read_folders(names(*folders))
    assert reading.question is not None
    assert "class" not in reading.columns
    assert {each.column for each in reading.question.readings} <= reading.columns.keys()


MACHINE = (
    "@eaDir", "#recycle", "__MACOSX", ".Trash-1000", "$RECYCLE.BIN", "$Recycle.Bin", ".thumbnails", "lost+found",
    "System Volume Information", ".@__thumb", "@Recycle", "@tmp", ".ipynb_checkpoints", "RECYCLER", "FOUND.000",
    "LOST.DIR", ".Spotlight-V100", "Network Trash Folder",
)  # fmt: skip


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_what_systems_leave_behind_is_no_picture(tmp_path: Path, packed: bool) -> None:
    root = make(tmp_path / "x", "cats", "dogs", each=2)
    for machine in MACHINE:
        make(root, machine, f"cats/{machine}", f"cats/{machine}/1.jpg", each=1)
    for file in (
        "cats/._0.png",
        "cats/Thumbs.db",
        "cats/desktop.ini",
        "cats/SYNOPHOTO_THUMB_M.jpg",
        ".trashed-1-x.jpg",
    ):
        (root / file).touch()
    source = root
    if packed:
        source = tmp_path / "x.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for path in root.rglob("*"):
                if path.is_file():
                    archive.write(path, path.relative_to(root).as_posix())
    data = open_dataset(source)
    assert data.class_names == ("cats", "dogs")
    assert data.names == ["cats/0.png", "cats/1.png", "dogs/0.png", "dogs/1.png"]
    assert not data.source.other
    data.close()


@pytest.mark.parametrize(
    ("word", "side"),
    [("train", "train"), ("Training", "train"), ("DEV", "val"), ("test_set", "test"), ("", ""), ("trainer", "")],
)  # fmt: skip
def test_words_of_a_split_column(word: str, side: str) -> None:
    assert split_side(word) == side
