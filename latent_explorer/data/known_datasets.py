# SPDX-License-Identifier: MIT
"""Listings of known downloads: CelebA, FFHQ, AFHQ and PlantVillage, recognised by their files and folders.

Pictures are not opened, and nothing is renamed.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.data.labels import Listing
from latent_explorer.data.sources import read_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from latent_explorer.data.folders import FolderReading
    from latent_explorer.data.labels import Columns
    from latent_explorer.data.sources import Source

# CelebA attributes that read well after "not"; the others are things that a face has or lacks.
_STATES = ("Attractive", "Bald", "Blurry", "Chubby", "Male", "Smiling", "Young", "Wearing_")
_ANIMALS = frozenset({"cat", "dog", "wild"})
_CROPS = ("Pepper__bell", "Potato", "Tomato")  # one re-publication separates them by single underscores
_SHOT = re.compile(r"___(?P<series>.*?)\D(?P<counter>\d+)")  # "8f5...___JR_FrgE.S 8743.JPG"


def recognise_download(source: Source, reading: FolderReading) -> Listing | None:
    """Return the listing of a known download, or None. Raises UserError if the download's own table is damaged."""
    return _celeba(source) or _by_folders(source.names, reading)


def _celeba(source: Source) -> Listing | None:
    """List pictures named by number, with `list_attr_celeba` (.txt of the authors, .csv of Kaggle) inside or beside."""
    attributes = _companion(source, "list_attr_celeba")
    if attributes is None:
        return None
    header, rows = _rows(attributes)
    stems = [_stem(name) for name in source.names]
    listed = [i for i, stem in enumerate(stems) if stem in rows]
    if not listed:
        return None
    chosen = [stems[i] for i in listed]
    present = set(stems)
    bits = _bits([rows[stem] for stem in chosen], len(header), attributes[0])
    columns: Columns = {"file": [source.names[i] for i in listed]}
    for key, column in zip(header, bits.T, strict=True):
        columns[key] = list(column.tobytes().decode("ascii"))
    columns |= _celeba_extras(source, chosen)
    return Listing(
        "CelebA",
        columns,
        {key: _attribute_names(key) for key in header},
        unlisted=tuple(name for name, stem in zip(source.names, stems, strict=True) if stem not in rows),
        missing=tuple(f"{stem}.jpg" for stem in rows if stem not in present),
        label="Smiling" if "Smiling" in header else header[0],
    )  # fmt: skip


def _celeba_extras(source: Source, stems: Sequence[str]) -> Columns:
    """Return the columns of the official split and of identities, if these lists exist and cover every picture."""
    columns: Columns = {}
    lists = (
        ("split", "list_eval_partition", {"0": "train", "1": "val", "2": "test"}),
        ("identity", "identity_CelebA", None),
    )
    for key, file, value_names in lists:
        found = _companion(source, file)
        if found is None:
            continue
        rows = _rows(found)[1]
        cells = [rows.get(stem, b"").strip().decode("ascii", "replace") for stem in stems]
        if value_names is not None:
            cells = [value_names.get(cell, "") for cell in cells]
        if all(cells):
            columns[key] = cells
    return columns


def _companion(source: Source, stem: str) -> tuple[str, bytes] | None:
    """Return name and bytes of a list of the download: inside it, beside it, or in the authors' Anno/ or Eval/."""
    names = (f"{stem}.txt", f"{stem}.csv")
    for name in source.tables:
        if posixpath.basename(name) in names:
            return name, source.read(name)
    path = source.path.resolve()
    folders: list[Path] = [top / folder for top in path.parents[:2] for folder in ("", "Anno", "Eval")]
    for place in folders:
        for name in names:
            if (place / name).is_file():
                return name, read_file(place / name)
    return None


def _rows(table: tuple[str, bytes]) -> tuple[list[str], dict[str, bytes]]:
    """Return the header, if any, and the rest of each line by the stem of the picture that it begins with."""
    lines = table[1].replace(b",", b" ").splitlines()
    header: list[str] = []
    if lines and lines[0].strip().isdigit():  # the authors' lists begin with their length
        lines = lines[1:]
    if lines and b"." not in lines[0].partition(b" ")[0]:
        header = lines[0].decode("utf-8-sig", "replace").split()
        lines = lines[1:]
    rows: dict[str, bytes] = {}
    for line in lines:
        name, _, rest = line.partition(b" ")
        rows[name.rpartition(b".")[0].decode("ascii", "replace")] = rest
    rows.pop("", None)
    return [key for key in header if key != "image_id"], rows


def _bits(rows: Sequence[bytes], count: int, name: str) -> np.ndarray:
    """Convert lines of -1 and 1 to (n, count) letters "0" and "1"; whole lines at once, for eight million cells."""
    packed = [row.replace(b"-1", b"0").replace(b" ", b"") for row in rows]
    if count and all(len(row) == count for row in packed):
        bits = np.frombuffer(b"".join(packed), np.uint8).reshape(len(rows), count)
        if np.isin(bits, (ord("0"), ord("1"))).all():
            return bits
    raise UserError(
        f"{name} is not CelebA's list of attributes: a line must hold a file name and {count or 40} times 1 or -1. "
        "Download that file again."
    )


def _attribute_names(key: str) -> dict[str, str]:
    """Name the values of an attribute.

    "Smiling" -> {"0": "not smiling", "1": "smiling"}; "No_Beard" -> {"0": "beard", "1": "no beard"}.
    """
    text = key.replace("5_o_Clock", "5 o'clock").replace("_", " ").lower()
    if key.startswith("No_"):
        return {"0": text.removeprefix("no "), "1": text}
    if key.startswith(_STATES):
        return {"0": f"not {text}", "1": text}
    if key == "Mouth_Slightly_Open":
        return {"0": "mouth closed", "1": text}
    return {"0": f"no {text}", "1": text}


def _stem(name: str) -> str:
    # pathlib would take seconds for a whole download
    return name.rpartition("/")[2].rpartition(".")[0]


def _by_folders(names: Sequence[str], reading: FolderReading) -> Listing | None:
    columns = reading.columns
    if _is_ffhq(names):
        columns.pop("class", None)
        return Listing("FFHQ", columns, where=_one_version(columns))
    classes = set(columns.get("class", ()))
    if classes == _ANIMALS:
        return Listing("AFHQ", columns, label="class", split=reading.split)
    return _plantvillage(columns, classes, reading.split)


def _is_ffhq(names: Sequence[str]) -> bool:
    """Return True if every picture is named by number, in the folder of its thousand: 69000/69123.png."""
    for name in names:
        folder, _, file = name.rpartition("/")
        thousand, stem = posixpath.basename(folder), _stem(file)
        if not (len(thousand) == len(stem) == 5 and (thousand + stem).isdecimal()):
            return False
        if int(thousand) % 1000 or int(thousand) != int(stem) // 1000 * 1000:
            return False
    return True


def _plantvillage(columns: Columns, classes: Iterable[str], split: str | None) -> Listing | None:
    """List "Crop___condition" folders with columns crop, condition, healthy, and group (photographs of one leaf)."""
    known = {name: _leaf(name) for name in classes}
    if not any("___" in name for name in known) or not all(known.values()):
        return None
    leaves = [known[name] or ("", "") for name in columns["class"]]
    columns["class"] = [f"{crop} {condition}".strip() for crop, condition in leaves]
    columns["crop"] = [crop for crop, _ in leaves]
    columns["condition"] = [condition for _, condition in leaves]
    columns["healthy"] = ["" if not condition else "1" if condition == "healthy" else "0" for _, condition in leaves]
    columns["group"] = [_shot(name) for name in columns["file"]]
    value_names = {"healthy": {"0": "diseased", "1": "healthy"}}
    label = "healthy" if {"0", "1"} <= set(columns["healthy"]) else "class"
    return Listing("PlantVillage", columns, value_names, label=label, where=_one_version(columns), split=split)


def _leaf(folder: str) -> tuple[str, str] | None:
    """Return crop and condition of a folder: "Pepper,_bell___Bacterial_spot" -> ("bell pepper", "bacterial spot")."""
    if folder.lower() == "background_without_leaves":
        return "background", ""
    crop, strokes, condition = folder.partition("___")
    if not strokes:
        crop = next((c for c in _CROPS if folder.startswith(f"{c}_")), "")
        condition = folder[len(crop) :]
    if not crop or not condition.strip("_"):
        return None
    noun, _, kind = crop.replace("__", ",").partition(",")
    return _words(f"{kind} {noun}"), _words(condition)


def _words(text: str) -> str:
    # A comma or an equals sign would end the value in --where and --classes.
    return " ".join(re.sub(r"[_,=]", " ", text).lower().split())


def _shot(name: str) -> str:
    """Return camera series and counter in tens, roughly one leaf: its photographs were taken one after the other."""
    stem = _stem(name)
    found = _SHOT.search(stem)
    if found is None:
        return stem
    return f"{_words(found['series']).replace(' ', '_')}-{int(found['counter']) // 10}"


def _one_version(columns: Columns) -> tuple[str, ...]:
    """Return the condition that takes each picture once, if a download holds several versions of all."""
    versions = Counter(columns.get("version", ()))
    if len(versions) < 2:
        return ()
    order = ("color", "colour", "thumbnails128x128", "images1024x1024")
    first = next((name for name in order if name in versions), min(versions))
    return (f"version={first}",)
