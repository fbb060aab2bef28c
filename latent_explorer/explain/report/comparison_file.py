# SPDX-License-Identifier: MIT
"""File of a comparison of two classifiers: all of it as JSON, or its moves as a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from latent_explorer.common.csv_table import write_table
from latent_explorer.common.paths import atomic_output

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.explain.report.two_classifiers import Comparison

COLUMNS = (
    "style_index", "end", "towards", "listed_by", "place_a", "place_b", "pictures", "effect_a", "low_a", "high_a",
    "effect_b", "low_b", "high_b", "difference_low", "difference_high",
    "relative_b_to_a", "relative_b_low", "relative_b_high", "relative_a_to_b", "relative_a_low", "relative_a_high",
)  # fmt: skip


def _cell(value: float) -> float | str:
    return value if math.isfinite(value) else ""


def write_comparison(path: Path, found: Comparison) -> None:
    """Write a comparison: as CSV, a row for each move, if the name ends so; else as JSON. UserError if it cannot be."""
    if path.suffix.lower() == ".csv":
        rows = (
            [
                move.style_index, move.end, found.class_names[move.target], move.listed_by, *move.places, move.n,
                move.effects[0], *move.intervals[0], move.effects[1], *move.intervals[1], *move.difference,
                *(_cell(each) for ratio, interval in move.relative for each in (ratio, *interval)),
            ]
            for move in found.moves
        )  # fmt: skip
        write_table(path, COLUMNS, rows)
        return
    with atomic_output(path) as temporary:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(found.to_dict()), indent=2) + b"\n")
