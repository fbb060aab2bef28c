# SPDX-License-Identifier: MIT
"""Tables as spreadsheets and other systems write them, and values that hold what separates values."""

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
