# SPDX-License-Identifier: MIT
"""Summary of a folder or zip before anything is chosen: kind, columns and suggestions. Opens no picture."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from latent_explorer.data import labels as tables
from latent_explorer.data.listing import find_source, list_pictures
from latent_explorer.data.split_words import side_indices

if TYPE_CHECKING:
    import os

    from latent_explorer.data.labels import Columns

MAX_VALUES = 20  # a column with more values does not offer a choice of classes
# Columns of pictures that belong together: no value may be on two sides of the split.
_GROUPS = (
    "group", "identity", "patient", "patient_id", "subject", "subject_id", "person", "animal", "plant", "leaf",
)  # fmt: skip
_LABELS = ("label", "class", "target", "healthy")


@dataclass(frozen=True)
class DataSummary:
    """Summary of DATA for the window; `label`, `group`, `split` and `where` are suggestions.

    columns      the columns with 2 to MAX_VALUES values, or as many as were asked for: value -> number of pictures, in
                 the order of the classes
    value_names  readable names of values that are numbers
    split_by_folder  the folders make the split, which is taken unless another is asked for
    question     how the folders are to be read, where that is in doubt
    notes        sentences about what was not used
    doubtful     by column of a table: values that may mean that there is no label
    """

    kind: str
    pictures: int
    columns: dict[str, dict[str, int]] = field(default_factory=dict)
    value_names: dict[str, dict[str, str]] = field(default_factory=dict)
    label: str | None = None
    group: str | None = None
    split: str | None = None
    where: tuple[str, ...] = ()
    split_by_folder: bool = False
    question: tables.Question | None = None
    notes: tuple[str, ...] = ()
    doubtful: dict[str, tuple[str, ...]] = field(default_factory=dict)


def summarise_data(path: str | os.PathLike[str], values: tuple[int, int] = (2, MAX_VALUES)) -> DataSummary:
    """Summarise the folder or zip at `path`. Raises UserError if it holds no pictures.

    values   fewest and most different cells of a column that offers a choice of classes
    """
    source = find_source(Path(path))
    try:
        listing = list_pictures(source)
    finally:
        source.close()
    counted = {key: _values(cells, *values) for key, cells in listing.columns.items() if key != "file"}
    columns = {key: counts for key, counts in counted.items() if counts}
    return DataSummary(
        listing.kind,
        len(listing.columns["file"]),
        columns,
        listing.value_names,
        listing.label or (None if listing.question else _suggested_label(columns)),
        suggested_group(listing.columns),
        listing.split or suggested_split(listing.columns),
        listing.where,
        listing.split is not None,
        listing.question,
        listing.notes,
        {key: found for key, each in columns.items() if (found := tuple(filter(tables.may_be_no_label, each)))}
        if listing.table
        else {},
    )


def suggested_group(columns: Columns) -> str | None:
    """Return the column whose name suggests that it groups pictures that belong together."""
    return next((key for key in columns if key.lower() in _GROUPS), None)


def suggested_split(columns: Columns) -> str | None:
    """Return the column, of whatever name, whose cells all say train, val or test."""
    for key, cells in columns.items():
        if key != "file" and side_indices(set(cells)) is not None:
            return key
    return None


def _values(cells: list[str], fewest: int, most: int) -> dict[str, int] | None:
    """Return how often each value occurs; None if there are too few or too many to choose from."""
    counts = Counter(cells)
    if counts[""]:
        counts[tables.EMPTY] += counts.pop("")
    if not fewest <= len(counts) <= most:
        return None
    return {value: counts[value] for value in tables.sorted_values(counts)}


def _suggested_label(columns: dict[str, dict[str, int]]) -> str | None:
    usual = next((key for key in columns if key.lower() in _LABELS), None)
    others = (key for key in columns if key.lower() not in _GROUPS and key not in ("version", "split"))
    return usual or next(others, None)
