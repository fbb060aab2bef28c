# SPDX-License-Identifier: MIT
"""A data set: a folder or zip of pictures with labels, a fixed split and decoded pixels kept in memory when they fit.

Reading one picture is `data.images`, tables of labels are `data.labels`, folders and archives are `data.sources`.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.data import labels as tables
from latent_explorer.data.images import read_image
from latent_explorer.data.sources import LABELS, FolderSource, Source, ZipSource, open_source

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

MEMORY_LIMIT = 2 << 30  # bytes of decoded pictures a data set may keep


class ImageDataset:
    """Pictures with labels and a split. Made by `open_dataset`.

    names:        file names inside the source, sorted
    labels:       (N,) int64 class indices, or None without labels
    class_names:  names in the order of the indices
    columns:      the rows of labels.csv that belong to `names`, column by column
    """

    def __init__(
        self,
        source: Source,
        columns: tables.Columns,
        labels: np.ndarray | None,
        class_names: tuple[str, ...],
        sides: np.ndarray,
        about: dict[str, Any],
    ) -> None:
        self.names = columns["file"]
        self.columns = columns
        self.labels = labels
        self.class_names = class_names
        self._source = source
        self._sides = sides
        self._about = about
        self._pixels: dict[
            int, tuple[np.ndarray, np.ndarray]
        ] = {}  # size -> pictures, which are decoded

    def __len__(self) -> int:
        return len(self.names)

    def indices(self, split: str = "all") -> np.ndarray:
        """Indices of "train", "val", "test" or "all", (n,) int64, in the order of `names`. May be empty."""
        if split == "all":
            return np.arange(len(self), dtype=np.int64)
        if split not in tables.SPLITS:
            raise UserError(f"There is no split '{split}'. Choose train, val, test or all.")
        return np.flatnonzero(self._sides == tables.SPLITS.index(split)).astype(np.int64)

    def read(self, indices: Sequence[int] | np.ndarray, size: int) -> np.ndarray:
        """Pictures as (n, size, size, 3) uint8. UserError names the file that cannot be read."""
        rows = np.asarray(indices, dtype=np.int64)
        kept = self._kept(size)
        if kept is None:
            out = np.empty((len(rows), size, size, 3), dtype=np.uint8)
            for place, row in enumerate(rows):
                out[place] = self._decode(row, size)
            return out
        pixels, done = kept
        for row in rows[~done[rows]]:
            pixels[row] = self._decode(row, size)
            done[row] = True
        return pixels[rows]

    def read_all(self, size: int) -> np.ndarray:
        """All pictures, (N, size, size, 3) uint8: a read-only view of the kept array where it fits in memory."""
        kept = self._kept(size)
        if kept is None:
            return self.read(self.indices(), size)
        pixels, done = kept
        self.read(np.flatnonzero(~done), size)
        view = pixels.view()
        view.flags.writeable = False
        return view

    def describe(self) -> dict[str, Any]:
        """What was chosen, for provenance: JSON values only, and no path beyond the source's own name."""
        lines = [
            f"{name}\t{'' if self.labels is None else self.labels[i]}\t{tables.SPLITS[side]}\n"
            for i, (name, side) in enumerate(zip(self.names, self._sides, strict=True))
        ]
        about: dict[str, Any] = {**self._about, "pictures": len(self)}
        about["list_sha256"] = hashlib.sha256("".join(lines).encode()).hexdigest()
        if isinstance(self._source, ZipSource):
            with self._source.path.open("rb") as file:
                about["archive_sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
        about["splits"] = {split: len(self.indices(split)) for split in tables.SPLITS}
        if self.labels is not None:
            counts = np.bincount(self.labels, minlength=len(self.class_names))
            about["classes"] = {
                name: int(n) for name, n in zip(self.class_names, counts, strict=True)
            }
        return about

    def close(self) -> None:
        """Let go of the archive; decoded pictures stay readable."""
        self._source.close()

    def _decode(self, row: int, size: int) -> np.ndarray:
        name = self.names[row]
        return read_image(self._source.read(name), size, name=name)

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
    source = _find_source(Path(path))
    try:
        columns, counts = _table(source)
        columns = tables.take(columns, tables.select(columns, where))
        columns, indices, names = _classes(columns, label, classes)
        sides = _sides(columns, group, split)
    except UserError:
        source.close()
        raise
    conditions = [where] if isinstance(where, str) else list(where)
    options = {
        "label": label,
        "classes": classes,
        "where": conditions,
        "group": group,
        "split": split,
    }
    about = {"source": Path(path).resolve().name, "options": options, **counts}
    if group:
        about["groups"] = len(set(columns[group]))
    return ImageDataset(source, columns, indices, names, sides, about)


def _find_source(path: Path) -> Source:
    source = open_source(path)
    if isinstance(source, FolderSource) and not source.names and len(source.zips) == 1:
        source = ZipSource(source.zips[0])
    if not source.names:
        source.close()
        raise UserError(
            f"There are no pictures in {path}. Give a folder of pictures, of class folders, or a zip of either."
        )
    return source


def _table(source: Source) -> tuple[tables.Columns, dict[str, int]]:
    """Labels of the pictures that are there, sorted by name, and what did not match."""
    columns = _labels_file(source)
    if columns is None:
        return tables.folder_table(source.names), {"unlabelled": 0, "missing": 0}
    present = set(source.names)
    rows = sorted(
        (i for i, file in enumerate(columns["file"]) if file in present),
        key=lambda i: columns["file"][i],
    )
    counts = {"unlabelled": len(present) - len(rows), "missing": len(columns["file"]) - len(rows)}
    return tables.take(columns, rows), counts


def _labels_file(source: Source) -> tables.Columns | None:
    """The labels.csv inside the source, else the one beside it if it speaks of these pictures."""
    present = set(source.names)
    if source.labels is not None:
        columns = tables.read_table(source.read(source.labels), source.labels)
        if not present.intersection(columns["file"]):
            folder = posixpath.dirname(source.labels)
            columns["file"] = [posixpath.join(folder, file) for file in columns["file"]]
        if not present.intersection(columns["file"]):
            raise UserError(
                f"{source.labels} in {source.path} names none of the pictures there; its first is {columns['file'][:1]}. "
                f"The column 'file' must say names like {source.names[0]}."
            )
        return columns
    beside = source.path.resolve().parent / LABELS
    if beside.is_file():
        columns = tables.read_table(beside.read_bytes(), str(beside))
        if present.intersection(columns["file"]):
            return columns
    return None


def _classes(
    columns: tables.Columns, label: str | None, classes: str | None
) -> tuple[tables.Columns, np.ndarray | None, tuple[str, ...]]:
    """Class indices; pictures whose label is none of the asked classes are left out."""
    if label is None and "class" not in columns:
        if classes is not None:
            raise UserError(
                "There are no labels for the classes. Name the column of labels.csv that holds them (--label)."
            )
        return columns, None, ()
    indices, names = tables.assign_classes(tables.column(columns, label or "class"), classes)
    rows = np.flatnonzero(indices >= 0)
    return tables.take(columns, rows), indices[rows], names


def _sides(columns: tables.Columns, group: str | None, split: str | None) -> np.ndarray:
    if split is not None:
        sides = tables.named_split(tables.column(columns, split), split)
        if group is not None:
            _refuse_torn_groups(tables.column(columns, group), sides)
        return sides
    if group is None:
        return tables.hash_split(columns["file"])
    cells = tables.column(columns, group)
    return tables.hash_split(
        [cell or file for cell, file in zip(cells, columns["file"], strict=True)]
    )


def _refuse_torn_groups(groups: Sequence[str], sides: np.ndarray) -> None:
    torn = Counter(name for name, _ in set(zip(groups, sides.tolist(), strict=True)) if name)
    for name, count in torn.most_common(1):
        if count > 1:
            raise UserError(
                f"The split column puts pictures of the group '{name}' on {count} sides. Leave out one of the two options."
            )
