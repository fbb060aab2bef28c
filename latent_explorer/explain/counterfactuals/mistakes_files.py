# SPDX-License-Identifier: MIT
"""Mistakes as files: the matrix and all figures, a table of the photographs, a sheet for each explained cell, a report.

The window and the command line write the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.common.csv_table import write_table
from latent_explorer.common.format import free_name, shortened
from latent_explorer.common.paths import atomic_output, check_writable, safe_file_name
from latent_explorer.explain.counterfactuals.confusion import JudgedPhotos
from latent_explorer.explain.counterfactuals.mistakes import CellExplanation
from latent_explorer.explain.counterfactuals.mistakes_text import cell_fields, cell_sentence, name_of, unreadable_text
from latent_explorer.media.report.mistakes_page import Cell as PageCell
from latent_explorer.media.report.mistakes_page import MistakesPage, Pair, Turn, mistakes_page
from latent_explorer.media.sheet import Cell, Row, draw_sheet, write_picture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from latent_explorer.explain.counterfactuals.mistakes import Example

PICTURE = 96  # px, side of a picture on a sheet
ACROSS = 4  # photographs in a row, each before and after


@dataclass(frozen=True)
class Mistakes:
    """What is written: photographs with their verdicts, a column to count by, and the cells that were explained."""

    explainer: str
    classifier: str
    version: str  # of the program
    judged: JudgedPhotos
    by: str | None = None
    explained: tuple[CellExplanation, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as `mistakes --json` prints them."""
        judged = self.judged
        return judged.confusion(self.by).to_dict() | {
            "split": judged.side,
            "by": self.by,
            "unreadable": dict(judged.unreadable),
            "explained": [cell_fields(each, judged.class_names) for each in self.explained],
        }


def write_mistakes(out: Path, found: Mistakes) -> list[Path]:
    """Write mistakes.json, mistakes.csv, mistakes.html and a sheet for each explained cell into a folder.

    Returns the paths. UserError where they cannot be written.
    """
    check_writable(out, "folder")
    files = [out / "mistakes.json", out / "mistakes.csv", out / "mistakes.html"]
    with atomic_output(files[0]) as temporary:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(found.to_dict()), indent=2) + b"\n")
    _write_rows(files[1], found)
    taken: set[str] = set()
    for each in found.explained:
        name = free_name(sheet_name(each, found.judged.class_names), taken.__contains__)
        taken.add(name)
        files.append(out / f"{name}.png")
        write_picture(files[-1], cell_sheet(each, found.judged.class_names))
    with atomic_output(files[2]) as temporary:
        temporary.write_text(mistakes_page(page_of(found)), encoding="utf-8")
    return files


def sheet_name(found: CellExplanation, class_names: Sequence[str]) -> str:
    """Return the name of a cell's sheet, "healthy called diseased"."""
    words = f"{_short(class_names[found.label])} called {_short(class_names[found.verdict])}"
    if found.within:
        words += f", {_short(found.within)}"
    return safe_file_name(words) or "cell"


def _short(name: str) -> str:
    return shortened(name, 40)


def _write_rows(path: Path, found: Mistakes) -> None:
    """Write a row for each mistake, and what the best attribute made of it where it was tried."""
    judged, names = found.judged, found.judged.class_names
    tried = {each.name: (cell, each) for cell in found.explained for each in cell.examples}
    groups = judged.column(found.by) if found.by is not None else None
    header = ["file", "label", "verdict", *(f"p {name}" for name in names)]
    header += ["attribute", "turned", *(f"p {name} with it" for name in names)]
    header += [found.by] if found.by is not None and groups is not None else []
    verdicts, files = judged.verdicts, judged.names(slice(None))  # type: ignore[arg-type]
    table: list[list[object]] = []
    for i, file in enumerate(files):
        label, verdict = int(judged.labels[i]), int(verdicts[i])
        if label == verdict:
            continue
        line: list[object] = [file, names[label], names[verdict], *(f"{p:.4f}" for p in judged.probs[i])]
        if file in tried:
            cell, each = tried[file]
            line += [name_of(cell.shown), int(each.turned), *(f"{p:.4f}" for p in each.after.probs)]
        else:
            line += [""] * (2 + len(names))
        table.append(line + ([groups[i]] if groups is not None else []))
    write_table(path, header, table)


def cell_sheet(found: CellExplanation, class_names: Sequence[str]) -> Any:
    """Return the sheet (H, W, 3) uint8 of a cell: each photograph before and after, those that turn first."""
    ordered = sorted(found.examples, key=lambda each: not each.turned)
    pairs = [_pair(each, class_names) for each in ordered]
    rows = [
        Row("", tuple(cell for pair in pairs[i : i + ACROSS] for cell in pair)) for i in range(0, len(pairs), ACROSS)
    ]
    heads = ("photograph", shortened(name_of(found.shown), 24)) * min(ACROSS, len(pairs))
    return draw_sheet(rows, heads, cell_title(found, class_names), cell_sentence(found, class_names), picture=PICTURE)


def _pair(each: Example, class_names: Sequence[str]) -> tuple[Cell, Cell]:
    return (
        Cell(each.before.image, picture_text(each.before, class_names)),
        Cell(each.after.image, picture_text(each.after, class_names), strong=each.turned),
    )


def picture_text(picture: Any, class_names: Sequence[str]) -> str:
    """Return a picture's verdict, its probability first: "0.98 healthy"."""
    return f"{picture.probs[picture.verdict]:.2f} {class_names[picture.verdict]}"


def cell_title(found: CellExplanation, class_names: Sequence[str]) -> str:
    """Return what a cell holds: "healthy called diseased (crop apple)"."""
    text = f"{_short(class_names[found.label])} called {_short(class_names[found.verdict])}"
    return f"{text} ({_short(found.within)})" if found.within else text


def page_of(found: Mistakes) -> MistakesPage:
    """Return the report as a value for `media.report.mistakes_page`."""
    judged, names = found.judged, found.judged.class_names
    matrix = judged.confusion(found.by)
    low, high = matrix.accuracy.interval
    lead = (
        f"{found.classifier}, the classifier that {found.explainer} explains, asked about {len(judged):,} labelled "
        f"photographs of {judged.data.about['source']}: right in {matrix.accuracy.share:.3f} of them "
        f"[{low:.3f}, {high:.3f}]."
    )
    tables = [("All photographs", matrix.counts), *((f"{found.by}: {key}", c) for key, c in matrix.groups.items())]
    cells = tuple(
        PageCell(
            cell_title(each, names),
            cell_sentence(each, names),
            names[each.label],
            tuple(
                Turn(name_of(t.attribute), (t.photo.count, t.photo.n), (t.copy.count, t.copy.n)) for t in each.turned
            ),
            name_of(each.shown),
            tuple(
                Pair(
                    example.name,
                    example.before.image,
                    example.after.image,
                    float(example.before.probs[each.label]),
                    float(example.after.probs[each.label]),
                    example.turned,
                )
                for example in each.examples
            ),
        )
        for each in found.explained
    )
    return MistakesPage(lead, unreadable_text(judged), names, tuple(tables), cells, found.version)
