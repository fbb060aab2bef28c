# SPDX-License-Identifier: MIT
"""Tables as spreadsheets and other systems write them, and values that contain separators."""

from __future__ import annotations

from pathlib import Path

import pytest

from latent_explorer.common.errors import UserError
from latent_explorer.data import labels as tables
from latent_explorer.data.dataset import open_dataset


@pytest.mark.parametrize(
    ("names", "table"),
    [
        (["1.png", "2.png"], b"\xef\xbb\xbffile;label\r\n1.png;a\r\n2.png;b\r\n"),
        (["1.png", "2.png"], b"file,label\r\n1.png,a\r\n2.png,b\r\n,\r\n"),
        (["in/1.png", "in/2.png"], b"file,label\r\n.\\in\\1.png,a\r\nin\\2.png,b\r\n"),
        # As macOS writes an umlaut into a file's name, and as a keyboard writes it into a table.
        (["A\u0308pfel.png", "2.png"], "file,label\n\u00c4pfel.png,a\n2.png,b\n".encode()),
        # As Excel saves CSV in western Europe, and its "Unicode text".
        (["\u00c4pfel.png", "2.png"], "file;label\r\n\u00c4pfel.png;a\r\n2.png;b\r\n".encode("cp1252")),
        (["\u00c4pfel.png", "2.png"], "file\tlabel\r\n\u00c4pfel.png\ta\r\n2.png\tb\r\n".encode("utf-16")),
        (["\u00c4pfel.png", "2.png"], "file,label\n\u00c4pfel.png,a\n2.png,b\n".encode("utf-16-le")),
        (["\u00c4pfel.png", "2.png"], "file,label\n\u00c4pfel.png,a\n2.png,b\n".encode("utf-16-be")),
        (["1.png", "2.png"], b"sep=;\r\nfile;label;size\r\n1.png;a;1,5\r\n2.png;b;2,5\r\n"),
        (["1.png", "2.png"], b"file;label;size\r\n1.png;a;1,5\r\n2.png;b;2,5\r\n"),
        (["1.png", "2.png"], b"file,label,tags\n1.png,a,x;y;z;u;v\n2.png,b,x;y;z;u;v\n"),
    ],
)
def test_tables_as_spreadsheets_write_them(tmp_path: Path, names: list[str], table: bytes) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "labels.csv").write_bytes(table)
    data = open_dataset(tmp_path, label="label")
    assert sorted(data.names) == sorted(names)
    assert data.class_names == ("a", "b")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b'file,label\n1.png,"a\n2.png,b\n', "cannot be read as a table"),
        (b"PK\x03\x04 a workbook", "workbook"),
        (b"file,label\n1.png,a\x00\n", "not a table of text"),
        (b"file,label\n1.png,a\n2.png\n", "row 3, has 1 cells"),
        (b"", "first line that names its columns"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_its_name(table: bytes, said: str) -> None:
    with pytest.raises(UserError, match=rf"my/labels.csv.*{said}"):
        tables.read_labels(table, "my/labels.csv")


@pytest.mark.parametrize("name", ["a;b.png", "a\tb.png"])
def test_names_in_a_table_of_one_column_may_hold_a_separator(name: str) -> None:
    columns = tables.read_labels(f"file\n{name}\nc.png\n".encode(), "labels.csv")
    assert list(columns) == ["file"]
    assert list(columns["file"]) == [name, "c.png"]


def test_values_with_commas_and_equals_signs_can_be_chosen(tmp_path: Path) -> None:
    for value in ("Apple, red", "a=b", "pear"):
        (tmp_path / value).mkdir()
        (tmp_path / value / "1.png").touch()
    names = {"Apple, red": "apple", "a=b": "other"}
    assert tables.parse_classes(tables.write_classes(names)) == names
    data = open_dataset(tmp_path, classes=tables.write_classes(names))
    assert data.names == ["Apple, red/1.png", "a=b/1.png"]
    assert data.class_names == ("apple", "other")
    assert len(open_dataset(tmp_path, where='class="Apple, red",pear')) == 2
    with pytest.raises(UserError):
        open_dataset(tmp_path, where='class="Apple')
