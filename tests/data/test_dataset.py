# SPDX-License-Identifier: MIT
"""Data sets from folders, class folders and zips: labels, a fixed split, and refusal of hostile archives."""

from __future__ import annotations

import json
import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latent_explorer.common.errors import UserError
from latent_explorer.data import dataset as dataset_module
from latent_explorer.data import labels as tables
from latent_explorer.data.dataset import ImageDataset, open_dataset
from latent_explorer.data.split_words import SPLITS


def picture(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 8), (shade, 0, 255 - shade)).save(path)


def read_all(data: ImageDataset) -> np.ndarray:
    return data.read(data.indices(), 8)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two class folders of 20 pictures each and a labels.csv with a leaf number and a state."""
    root = tmp_path / "leaves"
    rows = ["file,state,leaf,crop,side"]
    for i in range(40):
        name = f"{'good' if i % 2 else 'bad'}/{i:02d}.png"
        picture(root / name, 6 * i)
        rows.append(
            f"{name},{i % 2},leaf{i // 4},{'apple' if i < 30 else 'bell pepper'},{('train', 'val')[i // 4 % 2]}"
        )
    (root / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


def zipped(root: Path, target: Path, *, inside: str = "", table: bool = True) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(root.rglob("*")):
            if path.is_file() and (table or path.name != "labels.csv"):
                archive.write(path, inside + path.relative_to(root).as_posix())
    return target


def test_the_options_choose_and_name(tree: Path) -> None:
    data = open_dataset(tree, label="state", classes="0=diseased,1=healthy", where=["crop=apple"], group="leaf")
    assert len(data) == 30
    assert data.class_names == ("diseased", "healthy")
    assert data.labels is not None
    assert data.labels.dtype == np.int64
    for name, label in zip(data.names, data.labels, strict=True):
        assert name.startswith(("bad", "good")[label])
    assert data.names == sorted(data.names)
    assert set(data.columns) == {"file", "state", "leaf", "crop", "side"}


def test_classes_may_leave_out_merge_and_reorder(tree: Path) -> None:
    data = open_dataset(tree, label="leaf", classes="leaf3=x,leaf1=y,leaf0=x")
    assert data.class_names == ("x", "y")
    assert len(data) == 12
    data = open_dataset(tree, label="crop", classes="bell pepper,apple")
    assert data.class_names == ("bell pepper", "apple")


def test_folders_alone_name_the_classes(tree: Path) -> None:
    (tree / "labels.csv").unlink()
    data = open_dataset(tree)
    assert data.class_names == ("bad", "good")
    assert open_dataset(tree / "bad").labels is None


def test_split_folders_are_a_split_column(tmp_path: Path) -> None:
    for i, name in enumerate(["train/a/1.png", "train/b/2.png", "val/a/3.png", "test/b/4.png"]):
        picture(tmp_path / name, i)
    data = open_dataset(tmp_path, split="split")
    assert data.class_names == ("a", "b")
    assert [len(data.indices(side)) for side in ("train", "val", "test", "all")] == [2, 1, 1, 4]


def test_zip_and_folder_are_the_same_data(tree: Path, tmp_path: Path) -> None:
    expected = open_dataset(tree, label="state", group="leaf")
    lone = tmp_path / "pack"
    lone.mkdir()
    zipped(tree, lone / "images.zip", table=False)
    (lone / "labels.csv").write_bytes((tree / "labels.csv").read_bytes())
    sources = [
        zipped(tree, tmp_path / "inside.zip"),
        zipped(tree, tmp_path / "deeper.zip", inside="top/"),
        lone,
        lone / "images.zip",
    ]
    for source in sources:
        data = open_dataset(source, label="state", group="leaf")
        np.testing.assert_array_equal(data.labels, expected.labels)
        np.testing.assert_array_equal(read_all(data), read_all(expected))
        if "deeper" not in source.name:
            assert data.describe()["list_sha256"] == expected.describe()["list_sha256"]
        data.close()


def test_a_group_never_parts(tree: Path) -> None:
    data = open_dataset(tree, label="state", group="leaf")
    sides = {side: set(np.array(data.columns["leaf"])[data.indices(side)]) for side in SPLITS}
    assert not sides["train"] & sides["val"]
    assert not sides["train"] & sides["test"]
    assert not sides["val"] & sides["test"]
    assert sum(len(data.indices(side)) for side in SPLITS) == len(data)


def test_the_hash_split_is_fixed_for_all_time() -> None:
    sides = tables.hash_split([f"leaf{i}" for i in range(10_000)])
    assert sides[:12].tolist() == [0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]
    shares = np.bincount(sides) / len(sides)
    np.testing.assert_allclose(shares, [0.8, 0.1, 0.1], atol=0.01)


def test_named_split(tree: Path) -> None:
    data = open_dataset(tree, label="state", split="side", group="leaf")
    assert len(data.indices("test")) == 0
    assert len(data.indices("val")) == 20
    with pytest.raises(UserError, match="sides"):
        open_dataset(tree, label="state", split="side", group="crop")
    with pytest.raises(UserError, match="train, val or test"):
        open_dataset(tree, label="state", split="crop")
    with pytest.raises(UserError, match="no split"):
        data.indices("dev")


def test_reading_is_cached_and_can_do_without(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = open_dataset(tree, label="state")
    some = data.read([3, 1, 3], 8)
    assert some.shape == (3, 8, 8, 3)
    everything = read_all(data)
    np.testing.assert_array_equal(everything[[3, 1, 3]], some)
    monkeypatch.setattr(dataset_module, "MEMORY_LIMIT", 100)
    frugal = open_dataset(tree, label="state")
    np.testing.assert_array_equal(read_all(frugal), everything)
    (tree / frugal.names[0]).unlink()
    with pytest.raises(UserError):
        frugal.read([0], 8)  # decoded afresh


def test_provenance_is_plain_and_names_no_machine(tree: Path) -> None:
    about = open_dataset(tree, label="state", classes="0=diseased,1=healthy", group="leaf").describe()
    text = json.dumps(about)
    assert str(tree.parent) not in text
    assert about["classes"] == {"diseased": 20, "healthy": 20}
    assert about["groups"] == 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "nothing"}, "no column 'nothing'"),
        ({"label": "state", "classes": "0=a,2=b"}, "label 2"),
        ({"label": "state", "classes": "0=a,,1=b"}, "value=name"),
        ({"label": "state", "where": ["crop=plum"]}, "plum"),
        ({"label": "state", "where": ["crop"]}, "not a condition"),
        ({"label": "state", "where": ["crop=apple", "leaf=leaf9"]}, "together"),
        ({"label": "state", "group": "tree"}, "no column 'tree'"),
    ],
)
def test_wrong_options_end_in_a_sentence(tree: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        open_dataset(tree, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,state\na,1\n", "'file'"),
        ("file,file\na,1\n", "'file'"),
        ("file,state\nbad/00.png\n", "row 2"),
        ("file,state\nbad/00.png,0\nbad/00.png,1\n", "twice"),
        ("file,state\nelsewhere.png,0\n", "names none"),
        ("", "'file'"),
        ('file,state\n"bad/00.png,0\n', "table"),
    ],
)
def test_wrong_tables_end_in_a_sentence(tree: Path, text: str, message: str) -> None:
    (tree / "labels.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        open_dataset(tree, label="state")


def test_pictures_without_a_row_are_left_out_and_counted(tree: Path) -> None:
    picture(tree / "bad" / "99.png", 1)
    (tree / "good" / "01.png").unlink()
    about = open_dataset(tree, label="state").describe()
    assert (about["unlabelled"], about["missing"], about["pictures"]) == (1, 1, 39)


def test_damaged_picture_is_named(tree: Path) -> None:
    (tree / "bad" / "04.png").write_bytes(b"oh no")
    with pytest.raises(UserError, match=r"bad/04\.png"):
        read_all(open_dataset(tree, label="state"))


def test_empty_and_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no pictures"):
        open_dataset(tmp_path)
    with pytest.raises(UserError, match="no folder"):
        open_dataset(tmp_path / "none")
    (tmp_path / "a.zip").write_bytes(b"PK, not really")
    with pytest.raises(UserError, match="zip"):
        open_dataset(tmp_path / "a.zip")


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_bad_links_are_never_followed_and_named(tree: Path, tmp_path: Path) -> None:
    (tree / "loop").symlink_to(tree)
    assert len(open_dataset(tree, label="state")) == 40  # inside: harmless, and never followed
    picture(tmp_path / "secret.png", 3)
    (tree / "bad" / "out.png").symlink_to(tmp_path / "secret.png")
    (tree / "bad" / "nowhere.png").symlink_to(tree / "gone.png")
    (tree / "bad" / "itself.png").symlink_to("itself.png")
    (tree / "outside").symlink_to(tmp_path)
    (tree / "good" / "again.png").symlink_to(tree / "good" / "01.png")  # stays: it leads to a picture of the folder
    data = open_dataset(tree, label="state")
    assert len(data) == 40
    assert data.listing.unlisted == ("good/again.png",)
    (note,) = data.listing.notes
    assert note == (
        "4 links that lead to nothing in the folder are left out: bad/itself.png, bad/nowhere.png, bad/out.png ..."
    )


def test_a_folder_that_cannot_be_read_is_left_out_and_named(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def locked(path: str | Path) -> object:
        if str(path).rstrip("/").endswith("bad"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    data = open_dataset(tree, label="state")
    assert len(data) == 20
    assert data.listing.notes == ("1 folder that cannot be read is left out: bad (Permission denied)",)
    with pytest.raises(UserError, match="Permission denied"):
        open_dataset(tree / "bad")


@pytest.fixture
def deep(tree: Path) -> Iterator[Path]:
    """The tree with 1,200 folders in one another, removed bottom-up: pytest's own removal ends in RecursionError."""
    here = os.open(tree, os.O_RDONLY)
    try:
        for _ in range(1200):  # one below the other: the whole path is longer than a system takes
            os.mkdir("d", dir_fd=here)
            here = _moved_to("d", here)
        yield tree
    finally:
        while (tree / "d").exists():
            here = _moved_to("..", here)
            os.rmdir("d", dir_fd=here)
        os.close(here)


def _moved_to(name: str, here: int) -> int:
    """Close the folder `here` and return its neighbour, open."""
    there = os.open(name, os.O_RDONLY, dir_fd=here)
    os.close(here)
    return there


def test_a_thousand_nested_folders_end_in_a_sentence(deep: Path) -> None:
    tree = deep
    data = open_dataset(tree, label="state")
    assert len(data) == 40
    assert "in more than 200 others" in data.listing.notes[0]
    with zipfile.ZipFile(tree.parent / "deep.zip", "w") as archive:
        for name in ("a", "b"):
            archive.writestr("d/" * 1200 + f"{name}/1.png", b"x")
    assert open_dataset(tree.parent / "deep.zip").class_names == ("a", "b")


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "C:/evil.png", "..\\evil.png"])
def test_members_that_point_outside_are_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "slip.zip", "w") as archive:
        archive.writestr("a/good.png", b"x")
        archive.writestr(name, b"x")
    with pytest.raises(UserError, match=r"evil\.png points outside"):
        open_dataset(tmp_path / "slip.zip")


def test_links_and_absurd_sizes_in_a_zip_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, b"/etc/passwd")
    with pytest.raises(UserError, match=r"link\.png is a link"):
        open_dataset(tmp_path / "link.zip")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", b"\0" * 1000)
    raw = bytearray((tmp_path / "bomb.zip").read_bytes())
    entry = raw.index(b"PK\x01\x02")
    struct.pack_into("<I", raw, entry + 24, 0xFFFF_FFF0)  # the directory's uncompressed size
    (tmp_path / "bomb.zip").write_bytes(raw)
    with pytest.raises(UserError, match=r"bomb\.png would unpack"):
        open_dataset(tmp_path / "bomb.zip")


def test_damaged_member_is_named(tmp_path: Path, tree: Path) -> None:
    path = zipped(tree, tmp_path / "a.zip")
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"\x89PNG") + 30] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(UserError, match="damaged"):
        read_all(open_dataset(path, label="state"))


def test_the_leaf_pack(shared_data: Path) -> None:
    data = open_dataset(
        shared_data / "leaves-segmented-64",
        label="healthy",
        classes="0=diseased,1=healthy",
        where=["crop=apple,bell pepper,strawberry"],
        group="group",
    )
    assert len(data) == 7204
    assert np.bincount(data.labels).tolist() == [3632, 3572]
    assert [len(data.indices(side)) for side in SPLITS] == [5787, 702, 715]
    summary = json.loads((shared_data / "leaves-segmented-64" / "summary.json").read_text())
    assert data.describe()["archive_sha256"] in json.dumps(summary)
    corner = data.read(data.indices("val")[:50], 64)[:, 0, 0]
    assert corner.max() < 30  # cut out on black
    data.close()


def test_numbers_name_classes_by_size_and_in_one_order_in_every_run() -> None:
    assert tables.assign_classes(["10", "9", "-1"], None)[1] == ("-1", "9", "10")
    assert tables.assign_classes(["7", "07", "6"], None)[1] == ("6", "07", "7")
    assert tables.assign_classes(["²", "1"], None)[1] == ("1", "²")  # a digit, but not a number


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_is_a_sentence_whatever_the_zip_is_packed_with(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("1.png", bytes(range(256)) * 40)
    raw = bytearray(path.read_bytes())
    raw[40:60] = bytes(20)
    path.write_bytes(raw)
    data = open_dataset(path)
    with pytest.raises(UserError, match=r"1\.png"):
        data.source.read("1.png")
    data.close()


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_link_to_itself_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "1.png").symlink_to("1.png")
    with pytest.raises(UserError, match="link"):
        open_dataset(tmp_path)


def test_a_table_beside_that_cannot_be_read_is_a_sentence(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree.parent / "labels.csv").write_text("file\n")
    for inside in tree.rglob("labels.csv"):
        inside.unlink()

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UserError, match="Permission denied"):
        open_dataset(tree)
