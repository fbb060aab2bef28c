# SPDX-License-Identifier: MIT
"""Which pictures a source offers, with which columns: from labels.csv, from a known download, or from the folders.

What the usual downloads look like stands in `data.known_datasets`; what is chosen of a listing, and how it is split, is
decided in `data.dataset`.
"""

from __future__ import annotations

import posixpath
import unicodedata
from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.data import known_datasets
from latent_explorer.data import labels as tables
from latent_explorer.data.labels import Listing
from latent_explorer.data.sources import LABELS, read_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.data.sources import Source


def list_pictures(source: Source) -> Listing:
    """The listing of a source that has pictures. A labels.csv goes before what the folders say.

    Raises UserError for a labels.csv that cannot be read or names none of the pictures.
    """
    table = _labels_file(source)
    if table is not None:
        return _matched(source.names, table)
    return known_datasets.recognise_download(source) or _folders(source.names)


def _folders(names: Sequence[str]) -> Listing:
    columns = tables.folder_columns(names)
    if "class" not in columns:
        return Listing("pictures", columns)
    kind = "class folders, split by folder" if "split" in columns else "class folders"
    return Listing(kind, columns, label="class")


def _matched(names: Sequence[str], table: tables.Columns) -> Listing:
    present = set(names)
    files = table["file"]
    rows = sorted((i for i, file in enumerate(files) if file in present), key=files.__getitem__)
    listed = set(files)
    return Listing(
        f"pictures with {LABELS}",
        tables.take_rows(table, rows),
        unlisted=tuple(name for name in names if name not in listed),
        missing=tuple(file for file in files if file not in present),
    )


def _labels_file(source: Source) -> tables.Columns | None:
    """The labels.csv inside the source, else the one beside it if it speaks of these pictures."""
    inside = next((name for name in source.tables if posixpath.basename(name) == LABELS), None)
    if inside is not None:
        columns = tables.read_labels(source.read(inside), inside)
        if _spoken_of(columns, source.names):
            return columns
        folder = posixpath.dirname(inside)
        columns["file"] = [posixpath.join(folder, file) for file in columns["file"]]
        if not _spoken_of(columns, source.names):
            raise UserError(
                f"{inside} in {source.path} names none of the pictures there; its first is {columns['file'][:1]}. "
                f"The column 'file' must say names like {source.names[0]}."
            )
        return columns
    beside = source.path.resolve().parent / LABELS
    if beside.is_file():
        columns = tables.read_labels(read_file(beside), str(beside))
        if _spoken_of(columns, source.names):
            return columns
    return None


def _spoken_of(columns: tables.Columns, names: Sequence[str]) -> bool:
    """Whether a table names any of the pictures; it gets their spelling then.

    Some systems write an umlaut as two characters (NFD), tables have one (NFC): they look the same.
    """
    spelt = {unicodedata.normalize("NFC", name): name for name in names}
    files = [unicodedata.normalize("NFC", file) for file in columns["file"]]
    columns["file"] = [spelt.get(file, file) for file in files]
    return not spelt.keys().isdisjoint(files)
