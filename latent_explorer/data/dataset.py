# SPDX-License-Identifier: MIT
"""Data sets: a folder or zip of pictures with labels and a fixed split, listed, opened and read.

Decoded pixels are kept in memory if they fit.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Notice
from latent_explorer.common.format import valid_text
from latent_explorer.data import labels as tables
from latent_explorer.data.deep_pixels import SetRanges
from latent_explorer.data.images import read_image
from latent_explorer.data.labels import Listing
from latent_explorer.data.listing import find_source, list_pictures
from latent_explorer.data.sources import Source, ZipSource
from latent_explorer.data.split_words import BY_HASH, SPLITS
from latent_explorer.data.threads import map_in_threads

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Generator, Sequence

MAX_UNREADABLE = 0.1  # a larger share means that something is wrong
SHOWN = 5  # names in a sentence
MEMORY_LIMIT = 2 << 30  # bytes of decoded pictures a data set may keep


@dataclass(eq=False, repr=False)
class ImageDataset:
    """Pictures with labels and a split; see `open_dataset`.

    names:        file names inside the source, sorted
    labels:       (N,) int64 class indices, or None without labels
    class_names:  names in the order of the indices
    columns:      table of the pictures, column by column, from labels.csv, a known download or the folders
    listing:      origin of the table, and the files and rows that did not match
    question:     what only the user can say of the labels, before a classifier is trained from them; mostly empty
    """

    source: Source
    listing: Listing
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    sides: np.ndarray  # (N,) int64 indices into labels.SPLITS
    about: dict[str, Any]
    question: str = ""
    ranges: SetRanges | None = None  # of values beyond 8 bits; of the whole source, whatever is chosen from it

    def __post_init__(self) -> None:
        self.names = self.listing.columns["file"]
        self.columns = self.listing.columns
        self.ranges = self.ranges or SetRanges(self.source)
        # size -> pictures, which of them are decoded
        self._pixels: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def __len__(self) -> int:
        return len(self.names)

    def indices(self, split: str = "all") -> np.ndarray:
        """Return the indices of "train", "val", "test" or "all", (n,) int64, in the order of `names`; may be empty."""
        if split == "all":
            return np.arange(len(self), dtype=np.int64)
        if split not in SPLITS:
            raise UserError(f"There is no split '{split}'. Choose train, val, test or all.")
        return np.flatnonzero(self.sides == SPLITS.index(split)).astype(np.int64)

    def read(self, indices: Sequence[int] | np.ndarray, size: int) -> np.ndarray:
        """Return pictures as (n, size, size, 3) uint8. Raises UserError, naming the file, if one cannot be read."""
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
        """Return the choices for provenance: JSON values only, and no path beyond the source's own name."""
        about: dict[str, Any] = {**self.about, "pictures": len(self), "list_sha256": self.list_digest()}
        if isinstance(self.source, ZipSource):
            with self.source.path.open("rb") as file:
                about["archive_sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
        about["splits"] = {split: len(self.indices(split)) for split in SPLITS}
        if self.labels is not None:
            about["classes"] = dict(self.class_counts())
        return about

    def list_digest(self) -> str:
        """Return the SHA-256, in hexadecimal, of all names with their labels and sides."""
        lines = [
            f"{name}\t{'' if self.labels is None else self.labels[i]}\t{SPLITS[side]}\n"
            for i, (name, side) in enumerate(zip(self.names, self.sides, strict=True))
        ]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def class_counts(self) -> tuple[tuple[str, int], ...]:
        """Return the name and number of pictures of each class, in the order of the classes; () without labels."""
        if self.labels is None:
            return ()
        counts = np.bincount(self.labels, minlength=len(self.class_names)).tolist()
        return tuple(zip(self.class_names, counts, strict=True))

    def close(self) -> None:
        """Close the archive; decoded pictures stay readable."""
        self.source.close()

    def decode(self, row: int, size: int, enlarge: bool = True) -> np.ndarray:
        """Read one picture, (size, size, 3) uint8, from its file. May be called from several threads.

        Without `enlarge` the square of a smaller picture stays as it is.
        """
        name = self.names[row]
        return read_image(self.source.read(name), size, name=name, ranges=self.ranges, enlarge=enlarge)

    def without(self, rows: Collection[int]) -> ImageDataset:
        """Return the data set without these pictures, which its `describe` lists."""
        stay = np.setdiff1d(np.arange(len(self)), np.fromiter(rows, np.int64))
        left_out = [*self.about.get("left_out", ()), *(self.names[row] for row in rows)]
        return replace(
            self,
            listing=replace(self.listing, columns=tables.take_rows(self.columns, stay)),
            labels=None if self.labels is None else self.labels[stay],
            sides=self.sides[stay],
            about={**self.about, "left_out": sorted(left_out)},
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

    label    column of labels.csv with the class (default: the class folders or a column `class`, if any)
    classes  "0=diseased,1=healthy" or "diseased,healthy": values, names and order of the classes; others are left out
    where    conditions "column=value,value", all of which must hold
    group    column whose equal values are never split over two sides (default: every file by itself)
    split    column that says train, val or test; "hash" for 80/10/10 by hash (default: the split that the folders make,
             if any, else by hash)

    Raises UserError for anything else.
    """
    source = find_source(Path(path))
    try:
        listing = list_pictures(source)
    except UserError:
        source.close()
        raise
    try:
        label, group, split = (_spelt(listing.columns, key) for key in (label, group, split))
        asked = listing.question.sentence() if listing.question and label is None else ""
        if asked and classes is not None:
            raise UserError(asked)
        chosen = tables.take_rows(listing.columns, tables.select(listing.columns, where))
        columns, indices, names = _classes(chosen, label, classes, listing.value_names)
        key = label or "class"
        if listing.table and classes is None and key in chosen:
            asked = tables.ask_of_values(key, chosen[key])
        split = _chosen_split(columns, listing, split)
        sides, filled = _sides(columns, group, split)
    except UserError as error:
        source.close()
        if listing.notes and not listing.table:  # the reason may be that labels were not found
            raise UserError(f"{error} {listing.notes[-1]}") from error
        raise
    about: dict[str, Any] = {
        "source": valid_text(Path(path).resolve().name),
        "kind": listing.kind,
        "options": {
            "label": label,
            "classes": classes,
            "where": [where] if isinstance(where, str) else list(where),
            "group": group,
            "split": split,
        },
        "unlabelled": len(listing.unlisted),
        "missing": len(listing.missing),
    }
    if indices is not None:
        about["without_label"] = chosen[label or "class"].count("")
    if group:
        about["groups"] = len(set(columns[group]))
    if filled:
        about["split_by_hash"] = list(filled)
    return ImageDataset(source, replace(listing, columns=columns), indices, names, sides, about, asked)


def evenly_spaced_rows(rows: np.ndarray, n: int | None) -> np.ndarray:
    """Return all rows of a side, or the same n each time, spread evenly. Raises UserError if there are none."""
    if len(rows) == 0:
        raise UserError("There are no pictures on this side of the split. Choose another --split or folder.")
    if n is None or n >= len(rows):
        return rows
    return rows[np.linspace(0, len(rows) - 1, n).round().astype(int)]


def _classes(
    columns: tables.Columns, label: str | None, classes: str | None, value_names: dict[str, dict[str, str]]
) -> tuple[tables.Columns, np.ndarray | None, tuple[str, ...]]:
    """Assign class indices; pictures without a label, or with none of the chosen classes, are left out."""
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


def _spelt(columns: tables.Columns, key: str | None) -> str | None:
    """Return the name of a column as the table spells it; None and "hash" as they are."""
    return key if key is None or (key == BY_HASH and key not in columns) else tables.column_name(columns, key)


def _chosen_split(columns: tables.Columns, listing: Listing, split: str | None) -> str | None:
    """Return the column of the split, None for one by hash. The folders' own is taken unless nothing is to train on."""
    if split is None and listing.split is not None and "train" in columns[listing.split]:
        return listing.split
    return None if split == BY_HASH and BY_HASH not in columns else split


def _sides(columns: tables.Columns, group: str | None, split: str | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the side of each picture, and the sides missing in the column `split`, which a hash filled."""
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
                f"The split column puts pictures of the group '{name}' on {count} sides. "
                f"Leave out one of the two options, or say --split {BY_HASH}."
            )


def read_all(data: ImageDataset, size: int) -> Generator[Event, None, tuple[ImageDataset, np.ndarray]]:
    """Return the data set without unreadable pictures, and its pictures as (N, size, size, 3) uint8.

    Yields Progress, and a Notice that names the pictures left out. Raises UserError if more than a tenth is unreadable.
    """
    pixels = np.empty((len(data), size, size, 3), dtype=np.uint8)

    def read(row: int) -> str | None:
        try:
            pixels[row] = data.decode(row, size)
        except UserError as error:
            return str(error)
        return None

    for note in data.listing.notes:
        yield Notice(note, "warning")
    if unlabelled := data.about.get("without_label", 0):
        yield Notice(f"{unlabelled} pictures have no label and are left out.", "warning")
    errors = yield from map_in_threads(read, len(data), "Reading pictures")
    broken = [row for row, error in enumerate(errors) if error]
    if not broken:
        return data, pixels
    names = join_names([data.names[row] for row in broken])
    if too_many_unreadable(len(broken), len(data)):
        raise UserError(
            f"{len(broken)} of {len(data)} pictures cannot be read: {names}. The first: {errors[broken[0]]} "
            "Look at them with `latent-explorer check`, and repair or remove them."
        )
    what = "picture that cannot be read is" if len(broken) == 1 else "pictures that cannot be read are"
    yield Notice(f"{len(broken)} {what} left out: {names}.", "warning")
    sound = [row for row, error in enumerate(errors) if not error]
    for place, row in enumerate(sound):  # in place: a copy might not fit in memory
        pixels[place] = pixels[row]
    return data.without(broken), pixels[: len(sound)]


def too_many_unreadable(broken: int, total: int) -> bool:
    """Return True if more than a tenth of the pictures is unreadable, which forbids a training."""
    return broken > MAX_UNREADABLE * total


def join_names(names: Sequence[str]) -> str:
    """Return a few names and the number of the others."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
