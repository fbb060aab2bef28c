# SPDX-License-Identifier: MIT
"""Tables of exports hold names from files; none of them runs as a formula in a spreadsheet."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from latent_explorer.app.export.batch import BatchItem, _csv
from latent_explorer.common.csv_table import escape_line
from latent_explorer.media.animation.frames import CaptionContext
from latent_explorer.media.animation.writer import _probability_table

DANGEROUS = ("=1+1", "@SUM(A1)", "+1", "-1+2", "|calc", "  =1", "\t=1")
NAMES = (*DANGEROUS, "leaf, =1+1", "leaf;=1+1", 'leaf";=1', "leaf|=1", "leaf\t@x", "leaf\n=1")


def cells(text: str, separator: str) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(text), delimiter=separator) for cell in row]


def runs(cell: str) -> bool:
    text = cell.lstrip(" ")
    return text.startswith(("=", "+", "@", "|", "\t", "\r")) or (text.startswith("-") and not text[1:2].isdigit())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_of_probabilities_runs_nothing(name, separator):
    context = CaptionContext((name, "healthy"), 0, {"explainer": name, "target": name})
    text = _probability_table([(0.0, np.array([0.25, 0.75], np.float32))], context)
    assert not [cell for cell in cells(text, separator) if runs(cell)]
    assert text.splitlines()[-1] == "0,0.000,0.25,0.75"


@pytest.mark.parametrize("name", NAMES)
def test_a_manifest_runs_nothing_and_its_numbers_stay_numbers(name):
    item = BatchItem(**{field: sample(BatchItem.__annotations__[field], name) for field in BatchItem.__struct_fields__})
    rows = list(csv.reader(io.StringIO(_csv([item]))))
    for head, cell in zip(*rows, strict=True):
        if isinstance(getattr(item, head), float):
            assert float(cell) == getattr(item, head)
        else:
            assert not runs(cell), head


def sample(kind: str, name: str):
    """Return a value for a field of this type."""
    if "tuple" in kind:
        return (name, name) if "str" in kind else (-0.5, 0.25)
    if kind == "str":
        return name
    return -0.5 if "float" in kind else 3


def test_ordinary_facts_are_left_as_they_are():
    assert escape_line("leaf-health, of 64 px; CC BY-SA 3.0") == "leaf-health, of 64 px; CC BY-SA 3.0"
    assert escape_line(" two\n lines ") == "two lines"
