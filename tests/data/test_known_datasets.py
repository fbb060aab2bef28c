# SPDX-License-Identifier: MIT
"""Known downloads, folder or zip, are recognised and summarised without opening a picture."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from PIL import Image

from latent_explorer.common.errors import UserError
from latent_explorer.data.dataset import open_dataset
from latent_explorer.data.summary import summarise_data

ATTRIBUTES = ("5_o_Clock_Shadow", "Male", "No_Beard", "Smiling", "Bangs", "Mouth_Slightly_Open")


def plant(root: Path, names: Iterable[str]) -> Path:
    for i, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (i % 256, 0, 0)).save(path)
    return root


def zipped(root: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(root.parent).as_posix())
    return target


def attribute_list(n: int, *, kaggle: bool) -> str:
    rows = [["1" if (i >> k) & 1 else "-1" for k in range(len(ATTRIBUTES))] for i in range(n)]
    if kaggle:
        head = ",".join(["image_id", *ATTRIBUTES])
        return "\n".join([head, *(f"{i:06d}.jpg,{','.join(row)}" for i, row in enumerate(rows, 1))])
    lines = [f"{i:06d}.jpg {' '.join(c.rjust(2) for c in row)}" for i, row in enumerate(rows, 1)]
    return "\n".join([str(n), " ".join(ATTRIBUTES) + " ", *lines, ""])


def partition_list(n: int, *, kaggle: bool) -> str:
    separator = "," if kaggle else " "
    rows = [f"{i:06d}.jpg{separator}{i % 3}" for i in range(1, n + 1)]
    return "\n".join((["image_id,partition"] if kaggle else []) + rows)


FACES = [f"img_align_celeba/{i:06d}.jpg" for i in range(1, 31)]


def celeba(root: Path, kind: str) -> Path:
    """Make the authors' folder, Kaggle's nested one, or the authors' with the pictures still in their zip."""
    kaggle = kind == "kaggle"
    places = {"authors": ("", ""), "folders": ("Anno/", "Eval/"), "kaggle": ("", "")}
    anno, evaluation = places.get(kind, ("Anno/", "Eval/"))
    suffix = "csv" if kaggle else "txt"
    for folder in ("Anno", "Eval"):
        (root / folder).mkdir(parents=True)
    (root / f"{anno}list_attr_celeba.{suffix}").write_text(attribute_list(33, kaggle=kaggle))
    (root / f"{evaluation}list_eval_partition.{suffix}").write_text(partition_list(33, kaggle=kaggle))
    if kind == "zip":
        plant(root.parent / "made", FACES)
        (root / "Img").mkdir()
        zipped(root.parent / "made" / "img_align_celeba", root / "Img" / "img_align_celeba.zip")
    else:
        plant(root, [f"img_align_celeba/{name}" if kaggle else name for name in FACES])
    return root


@pytest.mark.parametrize("kind", ["authors", "folders", "kaggle", "zip"])
def test_celeba(tmp_path: Path, kind: str) -> None:
    root = celeba(tmp_path / "CelebA", kind)
    data = open_dataset(root, label="Smiling", split="split")
    assert data.describe()["kind"] == "CelebA"
    assert data.class_names == ("not smiling", "smiling")
    assert data.labels is not None
    assert data.labels.tolist() == [(i >> 3) & 1 for i in range(30)]
    assert [len(data.indices(side)) for side in ("train", "val", "test")] == [10, 10, 10]
    assert len(data.listing.missing) == 3
    males = open_dataset(root, label="Male", where="Smiling=1")
    assert males.class_names == ("not male", "male")
    offer = summarise_data(root)
    assert (offer.kind, offer.pictures, offer.label, offer.split) == (
        "CelebA", 30, "Smiling", "split",
    )  # fmt: skip
    assert offer.columns["Bangs"] == {"0": 16, "1": 14}
    assert offer.value_names["No_Beard"] == {"0": "beard", "1": "no beard"}
    assert offer.value_names["5_o_Clock_Shadow"]["1"] == "5 o'clock shadow"


@pytest.mark.parametrize("inner", ["img_align_celeba", "Img/img_align_celeba.zip"])
def test_celeba_by_its_pictures_alone(tmp_path: Path, inner: str) -> None:
    """Open only the folder or zip of the pictures, with the lists beside it."""
    root = celeba(tmp_path / "CelebA", "zip" if inner.endswith("zip") else "folders")
    assert summarise_data(root / inner).kind == "CelebA"
    packed = zipped(root, tmp_path / "all.zip")
    if not inner.endswith("zip"):
        data = open_dataset(packed, label="Smiling")
        assert data.listing.kind == "CelebA"
        data.close()


def test_a_damaged_attribute_list_is_named(tmp_path: Path) -> None:
    root = celeba(tmp_path / "CelebA", "authors")
    path = root / "list_attr_celeba.txt"
    path.write_text(path.read_text().replace(" 1", " 7", 1))
    with pytest.raises(UserError, match="list_attr_celeba"):
        open_dataset(root)


@pytest.mark.parametrize("second", ["val", "test"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_afhq(tmp_path: Path, second: str, as_zip: bool) -> None:
    names = [
        f"{side}/{animal}/flickr_{i:03d}.jpg"
        for side, n in (("train", 40), (second, 5))
        for animal in ("cat", "dog", "wild")
        for i in range(n)
    ]
    root = plant(tmp_path / "afhq", names)
    data = open_dataset(zipped(root, tmp_path / "a.zip") if as_zip else root, split="split")
    assert data.listing.kind == "AFHQ"
    assert data.class_names == ("cat", "dog", "wild")
    assert len(data.indices(second)) == 15
    # The download has two sides; the third is a tenth of train, and the provenance says so.
    other = "test" if second == "val" else "val"
    assert 2 <= len(data.indices(other)) <= 30
    assert data.describe()["split_by_hash"] == [other]
    assert sum(data.describe()["splits"].values()) == 135
    data.close()


def test_ffhq_has_no_class_folders(tmp_path: Path) -> None:
    names = [f"thumbnails128x128/{i // 1000 * 1000:05d}/{i:05d}.png" for i in (0, 1, 999, 1000, 69999)]
    root = plant(tmp_path / "ffhq", names)
    for path in (root, root / "thumbnails128x128", zipped(root, tmp_path / "f.zip")):
        offer = summarise_data(path)
        assert (offer.kind, offer.label, offer.columns) == ("FFHQ", None, {})
        data = open_dataset(path)
        assert data.labels is None
        data.close()


def test_numbered_class_folders_stay_classes(tmp_path: Path) -> None:
    """Keep numbered folders as classes (traffic signs, digits) unless files are numbered by the thousand."""
    root = plant(tmp_path, [f"{k:05d}/{k:05d}_{i:05d}.png" for k in (0, 1, 2) for i in range(3)])
    assert summarise_data(root).kind == "class folders"
    assert open_dataset(root).class_names == ("00000", "00001", "00002")


PLANTS = {
    "Apple___Black_rot": ("apple", "black rot", "0"),
    "Apple___healthy": ("apple", "healthy", "1"),
    "Pepper,_bell___Bacterial_spot": ("bell pepper", "bacterial spot", "0"),
    "Corn_(maize)___Common_rust_": ("corn (maize)", "common rust", "0"),
}


def test_plantvillage(tmp_path: Path) -> None:
    shots = ["8f5a___JR_FrgE.S 8743.JPG", "9b5b___JR_FrgE.S 8745.JPG", "77aa___RS_HL 0001.JPG"]
    root = plant(tmp_path / "PlantVillage", [f"{folder}/{shot}" for folder in PLANTS for shot in shots])
    data = open_dataset(root, label="healthy", group="group")
    assert data.class_names == ("diseased", "healthy")
    assert data.describe()["kind"] == "PlantVillage"
    for name, *cells in zip(data.names, *(data.columns[key] for key in ("crop", "condition", "healthy")), strict=True):
        assert tuple(cells) == PLANTS[name.split("/")[0]]
    assert set(data.columns["group"]) == {"jr_frge.s-874", "rs_hl-0"}
    assert len(open_dataset(root, where="crop=bell pepper,apple")) == 9
    offer = summarise_data(root)
    assert (offer.label, offer.group) == ("healthy", "group")
    assert offer.value_names["healthy"] == {"0": "diseased", "1": "healthy"}


def test_plantvillage_in_several_versions(tmp_path: Path) -> None:
    names = [
        f"raw/{version}/{folder}/{i}___RS_HL {i}.jpg"
        for version in ("color", "segmented", "grayscale")
        for folder in PLANTS
        for i in range(2)
    ]
    offer = summarise_data(plant(tmp_path / "PlantVillage-Dataset", names))
    assert offer.where == ("version=color",)
    assert offer.columns["version"] == {"color": 8, "grayscale": 8, "segmented": 8}
    assert offer.columns["crop"] == {"apple": 12, "bell pepper": 6, "corn (maize)": 6}


def test_plantvillage_without_a_healthy_leaf(tmp_path: Path) -> None:
    root = plant(tmp_path / "x", [f"Tomato___{d}/{i}.JPG" for d in ("mold", "blight") for i in "12"])
    assert summarise_data(root).label == "class"


def test_a_republication_with_single_strokes(tmp_path: Path) -> None:
    folders = ("Pepper__bell___healthy", "Tomato_Early_blight", "Tomato__Tomato_mosaic_virus")
    data = open_dataset(plant(tmp_path, [f"{folder}/{i}.jpg" for folder in folders for i in (1, 2)]))
    assert set(data.columns["crop"]) == {"bell pepper", "tomato"}
    assert set(data.columns["condition"]) == {"healthy", "early blight", "tomato mosaic virus"}


def test_a_wrapped_download_and_the_users_own_table(tmp_path: Path) -> None:
    root = plant(tmp_path / "outer" / "inner", [f"data/{k}/{i}.png" for k in ("a", "b") for i in range(3)])
    offer = summarise_data(tmp_path / "outer")
    assert (offer.kind, offer.label, offer.columns) == (
        "class folders", "class", {"class": {"a": 3, "b": 3}},
    )  # fmt: skip
    rows = [f"data/{k}/{i}.png,{i % 2},p{i},train" for k in ("a", "b") for i in range(3)]
    (root / "labels.csv").write_text("\n".join(["file,state,patient,set", *rows]))
    offer = summarise_data(tmp_path / "outer")
    assert offer.kind == "pictures with labels.csv"
    assert (offer.label, offer.group, offer.split) == ("state", "patient", "set")


def test_several_zips_are_no_choice_of_ours(tmp_path: Path) -> None:
    root = plant(tmp_path / "made", ["a.png"])
    (tmp_path / "data").mkdir()
    for name in ("one.zip", "two.zip"):
        zipped(root, tmp_path / "data" / name)
    with pytest.raises(UserError, match="2 zip files"):
        summarise_data(tmp_path / "data")


def test_pictures_without_a_label_are_no_class(tmp_path: Path) -> None:
    root = plant(tmp_path, [f"{i}.png" for i in range(6)])
    rows = [f"{i}.png,{('x', 'y', '')[i % 3]}" for i in range(6)]
    (root / "labels.csv").write_text("\n".join(["file,state", *rows]))
    data = open_dataset(root, label="state")
    assert (data.class_names, len(data), data.about["without_label"]) == (("x", "y"), 4, 2)
