# SPDX-License-Identifier: MIT
"""Labels of pictures as values and as CSV files."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from latent_explorer.common.errors import UserError
from latent_explorer.explain.labels import Label, LabelSet, read_labels, write_labels
from latent_explorer.explain.recipe import SampleBase, SeedBase

IDS = ("a.png", "b, c.png", "a.png")
SET = LabelSet(
    "brown, or =spots",
    "yes-no",
    (
        Label(SeedBase(12), 1, 0.7, 3),
        Label(SampleBase(1), 0),
        Label(SeedBase(2**40), -1, sought=True),
    ),
)


def test_written_labels_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    write_labels(path, SET, "abc")
    assert read_labels(path, "abc", IDS) == SET
    ratings = LabelSet("size", "rating", tuple(Label(SeedBase(i), i) for i in range(1, 6)))
    write_labels(path, ratings, "abc")
    assert read_labels(path, "abc") == ratings
    with pytest.raises(UserError, match="another model"):
        read_labels(path, "abd")


def test_a_table_of_your_own_needs_two_columns(tmp_path: Path) -> None:
    path = tmp_path / "spots.csv"
    path.write_text('label;picture\n1;seed 3\n0;"b, c.png"\nskip;sample 2\n;a.png\n1;Seed 3\n\n', "utf-8")
    read = read_labels(path, "abc", IDS)
    assert (read.name, read.kind) == ("spots", "yes-no")
    assert [(each.base, each.value) for each in read.labels] == [
        (SeedBase(3), 1),
        (SampleBase(1), 0),
        (SampleBase(2), -1),
        (SampleBase(0), -1),
    ]
    assert [read.count(value) for value in (1, 0, -1)] == [1, 1, 2]
    assert len(read.given) == 2


@pytest.mark.parametrize(("text", "words"), [
    ("picture,label\nseed 1,2\n", "none of -1, 0, 1"),
    ("picture,rating\nseed 1,0\n", "none of -1, 1, 2"),
    ("picture,rating\nseed 1,9\n", "line 2"),
    ("picture,label\nseed 1,yes\n", "line 2: 'yes' is no label"),
    ("picture,label\n\nseed x,1\n", "line 3"),
    ("picture,label\nd.png,1\n", "'d.png' is no picture"),
    ("picture,label\nsample 3,1\n", "not among its 3"),
    ("picture,label\nseed 99999999999999999999,1\n", "line 2"),
    ("picture,label\nseed 9223372036854775808,1\n", "line 2"),
    ("picture,label,truncation_psi\nseed 1,1,nan\n", "line 2"),
    ("picture,label,truncation_psi\nseed 1,1,1e99\n", "line 2"),
    ("picture,label,truncation_psi\nseed 1,1,x\n", "line 2"),
    ("seed 1,1\n", "needs the columns"),
    ("", "needs the columns"),
    ("PK\x03\x04", "workbook"),
])  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(UserError, match=words):
        read_labels(path, "", IDS)


def test_files_beyond_the_limits_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"picture,label\n" + b"seed 1,1\n" * 20_200)
    with pytest.raises(UserError, match="rows"):
        read_labels(path, "")
    path.write_bytes(b" " * (5 << 20))
    with pytest.raises(UserError, match="larger than"):
        read_labels(path, "")
    with pytest.raises(UserError, match="cannot be read"):
        read_labels(tmp_path / "none.csv", "")


def test_a_picture_has_one_label() -> None:
    again = SET.with_label(msgspec.structs.replace(SET.labels[0], value=0))
    assert [each.value for each in again.labels] == [0, -1, 0]
    other = SET.with_label(Label(SeedBase(12), 0, 0.8, 3))  # truncated otherwise, it is another picture
    assert len(other.labels) == 4
