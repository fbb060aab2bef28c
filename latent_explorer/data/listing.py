# SPDX-License-Identifier: MIT
"""List the pictures at a path, with a table from labels.csv, a known download or the folders. Opens no picture."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.data.folders import read_folders
from latent_explorer.data.known_datasets import recognise_download
from latent_explorer.data.label_files import find_table
from latent_explorer.data.labels import Listing, take_rows
from latent_explorer.data.sources import FolderSource, Source, ZipSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from latent_explorer.data.label_files import LabelTable


def find_source(path: Path) -> Source:
    """Return the folder or zip at `path`; of a folder without pictures and with one zip (at any depth), that zip."""
    if not path.exists():
        raise UserError(f"There is no folder or zip file {path}. Check the path.")
    source: Source = FolderSource(path) if path.is_dir() else ZipSource(path)
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
            f"There are no pictures in {path}. {' '.join([*source.notes, ''])}Give a folder of pictures, of class "
            "folders, or a zip of either."
        )
    return source


def list_pictures(source: Source) -> Listing:
    """List the pictures of a source. A labels.csv takes precedence over the folders.

    Raises UserError for a labels.csv that cannot be read or names none of the pictures.
    """
    table, notes = find_table(source)
    listing = _by_table(source.names, table) if table is not None else _by_folders(source)
    if table is None and listing.label and not listing.kind.startswith("class folders"):
        notes = []  # a known download, whose lists are read
    return replace(listing, notes=(*source.notes, *notes))


def _by_folders(source: Source) -> Listing:
    reading = read_folders(source.names)
    if known := recognise_download(source, reading):
        return known
    kind = "class folders" if "class" in reading.columns else "pictures"
    return Listing(
        kind + (", split by folder" if reading.split else ""),
        reading.columns,
        unlisted=reading.left_out,
        label="class" if "class" in reading.columns else None,
        split=reading.split,
        question=reading.question,
    )


def _by_table(names: Sequence[str], table: LabelTable) -> Listing:
    rows = sorted(
        (i for i, name in enumerate(table.pictures) if name is not None), key=lambda i: table.pictures[i] or ""
    )
    columns = take_rows(table.columns, rows)
    columns["file"] = [table.pictures[i] or "" for i in rows]
    listed = set(columns["file"])
    return Listing(
        f"pictures with {os.path.basename(table.name)}{table.how}",
        columns,
        unlisted=tuple(name for name in names if name not in listed),
        missing=tuple(f for f, name in zip(table.columns["file"], table.pictures, strict=True) if name is None),
        table=table.name,
    )
