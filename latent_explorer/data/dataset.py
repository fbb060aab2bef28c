# SPDX-License-Identifier: MIT
"""A data set: a folder or zip of pictures with labels, a fixed split and decoded pixels kept in memory when they fit.

Reading one picture is `data.images`, tables of labels are `data.labels`, folders and archives are `data.sources`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.data import labels as tables
from latent_explorer.data.images import read_image
from latent_explorer.data.listing import list_pictures
from latent_explorer.data.sources import FolderSource, Source, ZipSource, open_source

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Sequence

    from latent_explorer.data.labels import Listing

MEMORY_LIMIT = 2 << 30  # bytes of decoded pictures a data set may keep


class ImageDataset:
    """Pictures with labels and a split. Made by `open_dataset`.

    names:        file names inside the source, sorted
    labels:       (N,) int64 class indices, or None without labels
    class_names:  names in the order of the indices
    columns:      what is known of each picture (the rows of labels.csv, or of a known download), column by column
    listing:      where that comes from, and what did not match
    """

    def __init__(
        self,
        source: Source,
        listing: Listing,
        labels: np.ndarray | None,
        class_names: tuple[str, ...],
        sides: np.ndarray,
        about: dict[str, Any],
    ) -> None:
        self.names = listing.columns["file"]
        self.columns = listing.columns
        self.listing = listing
        self.labels = labels
        self.class_names = class_names
        self.source = source
        self.sides = sides  # (N,) int64 indices into labels.SPLITS
        self.about = about
        self._pixels: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # size -> pictures, which are decoded

    def __len__(self) -> int:
        return len(self.names)

    def indices(self, split: str = "all") -> np.ndarray:
        """Indices of "train", "val", "test" or "all", (n,) int64, in the order of `names`. May be empty."""
        if split == "all":
            return np.arange(len(self), dtype=np.int64)
        if split not in tables.SPLITS:
            raise UserError(f"There is no split '{split}'. Choose train, val, test or all.")
        return np.flatnonzero(self.sides == tables.SPLITS.index(split)).astype(np.int64)

    def read(self, indices: Sequence[int] | np.ndarray, size: int) -> np.ndarray:
        """Pictures as (n, size, size, 3) uint8. UserError names the file that cannot be read."""
        rows = np.asarray(indices, dtype=np.int64)
        kept = self._kept(size)
        if kept is None:
            out = np.empty((len(rows), size, size, 3), dtype=np.uint8)
            for place, row in enumerate(rows):
                out[place] = self.decode(row, size)
            return out
        pixels, done = kept
        for row in rows[~done[rows]]:
            pixels[row] = self.decode(row, size)
            done[row] = True
        return pixels[rows]

    def describe(self) -> dict[str, Any]:
        """What was chosen, for provenance: JSON values only, and no path beyond the source's own name."""
        lines = [
            f"{name}\t{'' if self.labels is None else self.labels[i]}\t{tables.SPLITS[side]}\n"
            for i, (name, side) in enumerate(zip(self.names, self.sides, strict=True))
        ]
        about: dict[str, Any] = {**self.about, "pictures": len(self)}
        about["list_sha256"] = hashlib.sha256("".join(lines).encode()).hexdigest()
        if isinstance(self.source, ZipSource):
            with self.source.path.open("rb") as file:
                about["archive_sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
        about["splits"] = {split: len(self.indices(split)) for split in tables.SPLITS}
        if self.labels is not None:
            counts = np.bincount(self.labels, minlength=len(self.class_names))
            about["classes"] = {name: int(n) for name, n in zip(self.class_names, counts, strict=True)}
        return about

    def close(self) -> None:
        """Let go of the archive; decoded pictures stay readable."""
        self.source.close()

    def decode(self, row: int, size: int) -> np.ndarray:
        """One picture, (size, size, 3) uint8, afresh from its file. May be called from several threads."""
        name = self.names[row]
        return read_image(self.source.read(name), size, name=name)

    def without(self, rows: Collection[int]) -> ImageDataset:
        """The same data without these pictures, which `describe` names."""
        stay = np.setdiff1d(np.arange(len(self)), np.fromiter(rows, np.int64))
        left_out = [*self.about.get("left_out", ()), *(self.names[row] for row in rows)]
        return ImageDataset(
            self.source,
            replace(self.listing, columns=tables.take_rows(self.columns, stay)),
            None if self.labels is None else self.labels[stay],
            self.class_names,
            self.sides[stay],
            {**self.about, "left_out": sorted(left_out)},
        )

    def _kept(self, size: int) -> tuple[np.ndarray, np.ndarray] | None:
        if len(self) * size * size * 3 > MEMORY_LIMIT:
            return None
        if size not in self._pixels:
            # np.empty takes no real memory until a picture is written.
            pixels = np.empty((len(self), size, size, 3), dtype=np.uint8)
            self._pixels[size] = pixels, np.zeros(len(self), dtype=bool)
        return self._pixels[size]


def open_dataset(
    path: str | os.PathLike[str],
    *,
    label: str | None = None,
    classes: str | None = None,
    where: str | Sequence[str] = (),
    group: str | None = None,
    split: str | None = None,
) -> ImageDataset:
    """Open DATA: a folder of pictures, a folder of class folders, a zip of either, or a folder with one zip.

    label    column of labels.csv that names the class (default: the class folders or a column `class`, if any)
    classes  "0=diseased,1=healthy" or "diseased,healthy": values, names and order of the classes; others are left out
    where    conditions "column=value,value", all of which must hold
    group    column whose equal values never stand on both sides of the split (default: every file by itself)
    split    column that says train, val or test itself

    Raises UserError for anything that is not such a data set.
    """
    source = find_source(Path(path))
    try:
        listing = list_pictures(source)
        chosen = tables.take_rows(listing.columns, tables.select(listing.columns, where))
        columns, indices, names = _classes(chosen, label, classes, listing.value_names)
        sides, filled = _sides(columns, group, split)
    except UserError:
        source.close()
        raise
    options = {
        "label": label,
        "classes": classes,
        "where": [where] if isinstance(where, str) else list(where),
        "group": group,
        "split": split,
    }
    about = {"source": Path(path).resolve().name, **_about(listing, options)}
    if indices is not None:
        about["without_label"] = chosen[label or "class"].count("")
    if group:
        about["groups"] = len(set(columns[group]))
    if filled:
        about["split_by_hash"] = list(filled)
    return ImageDataset(source, replace(listing, columns=columns), indices, names, sides, about)


def evenly_spaced_rows(rows: np.ndarray, n: int | None) -> np.ndarray:
    """All rows of a side, or n of them, spread evenly over the folder and always the same."""
    if len(rows) == 0:
        raise UserError("There are no pictures on this side of the split. Choose another --split or folder.")
    if n is None or n >= len(rows):
        return rows
    return rows[np.linspace(0, len(rows) - 1, n).round().astype(int)]


def _about(listing: Listing, options: dict[str, Any]) -> dict[str, Any]:
    """What provenance tells of a listing and of what was asked of it."""
    return {
        "kind": listing.kind,
        "options": options,
        "unlabelled": len(listing.unlisted),
        "missing": len(listing.missing),
    }


def find_source(path: Path) -> Source:
    """The folder or zip at `path` if it holds pictures; of a folder with one zip in it (at any depth), that zip."""
    source = open_source(path)
    if isinstance(source, FolderSource) and not source.names and source.zips:
        if len(source.zips) > 1:
            raise UserError(
                f"{path} holds {len(source.zips)} zip files and no pictures. Give one of the zip files, "
                f"such as {source.zips[0].name}."
            )
        source = ZipSource(source.zips[0])
    if not source.names:
        source.close()
        raise UserError(
            f"There are no pictures in {path}. Give a folder of pictures, of class folders, or a zip of either."
        )
    return source


def _classes(
    columns: tables.Columns, label: str | None, classes: str | None, value_names: dict[str, dict[str, str]]
) -> tuple[tables.Columns, np.ndarray | None, tuple[str, ...]]:
    """Class indices; pictures without a label, or with none of the asked classes, are left out."""
    if label is None and "class" not in columns:
        if classes is not None:
            raise UserError(
                "There are no labels for the classes. Name the column of labels.csv that holds them (--label)."
            )
        return columns, None, ()
    key = label or "class"
    indices, names = tables.assign_classes(tables.column(columns, key), classes, value_names.get(key))
    rows = np.flatnonzero(indices >= 0)
    return tables.take_rows(columns, rows), indices[rows], names


def _sides(columns: tables.Columns, group: str | None, split: str | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """The side of each picture, and the sides that the column `split` lacks and a hash had to make."""
    keys = columns["file"]
    if group is not None:
        keys = [cell or file for cell, file in zip(tables.column(columns, group), keys, strict=True)]
    if split is None:
        return tables.hash_split(keys), ()
    sides = tables.named_split(tables.column(columns, split), split)
    if group is not None:
        _refuse_torn_groups(columns[group], sides)
    return tables.fill_split(sides, keys)


def _refuse_torn_groups(groups: Sequence[str], sides: np.ndarray) -> None:
    torn = Counter(name for name, _ in set(zip(groups, sides.tolist(), strict=True)) if name)
    for name, count in torn.most_common(1):
        if count > 1:
            raise UserError(
                f"The split column puts pictures of the group '{name}' on {count} sides. Leave out one of the two options."
            )
