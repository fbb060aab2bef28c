# SPDX-License-Identifier: MIT
"""Tables in every encoding, separator and form in which programs write them, with the line that each row begins at."""

from __future__ import annotations

import pytest

from latent_explorer.common import csv_table
from latent_explorer.common.csv_table import iterate_table, read_table
from latent_explorer.common.errors import UserError
from latent_explorer.data.labels import read_labels

ROWS = [["file", "label"], ["Äpfel.png", "süß"], ["2.png", "b"]]
TEXT = "file,label\nÄpfel.png,süß\n2.png,b\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"], ids=str
)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_encoding_and_separator(encoding: str, separator: str, ending: str) -> None:
    text = TEXT.replace(",", separator).replace("\n", ending)
    table = iterate_table(text.encode(encoding), "labels.csv", strict=True)
    assert list(table) == list(zip([1, 2, 3], ROWS, strict=True))


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "sep=;;;"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_the_first_line_of_a_spreadsheet_that_names_the_separator(first: str, ending: str) -> None:
    table = read_table(f"{first}{ending}a;b,c{ending}1;2,5{ending}".encode(), "x.csv")
    assert table == [["a", "b,c"], ["1", "2,5"]]
    assert list(table.lines) == [2, 3]


def test_utf_16_without_a_mark_that_begins_with_other_letters() -> None:
    text = "数据,file\n苹果,1.png\n梨,2.png\n"
    for encoding in ("utf-16-le", "utf-16-be"):
        assert read_table(text.encode(encoding), "x.csv") == [["数据", "file"], ["苹果", "1.png"], ["梨", "2.png"]]


def test_a_row_knows_its_line_after_empty_lines_and_cells_of_several_lines() -> None:
    table = read_table(b'file,note\n\n1.png,"two\nlines"\r\n\r\n2.png,x\n,\n\n', "x.csv")
    assert [row for row in table if row] == [["file", "note"], ["1.png", "two\nlines"], ["2.png", "x"]]
    assert [line for line, row in zip(table.lines, table, strict=True) if row] == [1, 3, 6]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04rest", "workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "workbook"),
        (b"\xef\xbb\xbf\r\n<HTML><table>", "web page"),
        (b'<?xml version="1.0"?>', "XML"),
        (b"%PDF-1.4", "PDF"),
    ],
)
def test_a_file_of_another_kind_is_named_and_csv_is_offered(data: bytes, said: str) -> None:
    with pytest.raises(UserError, match=rf"my\.csv is .*{said}.* Save the sheet as CSV"):
        read_table(data, "my.csv")


def test_another_code_page_is_not_read_as_wrong_letters() -> None:
    with pytest.raises(UserError, match=r"labels\.csv is neither UTF-8 .*Save it as CSV"):
        read_table("file,label\nりんご.png,赤\n".encode("shift-jis"), "labels.csv")


def test_a_table_that_breaks_off_names_the_line() -> None:
    with pytest.raises(UserError, match="begins at line 4"):
        list(iterate_table(b'sep=,\nfile,label\n1.png,a\n2.png,"b\n3.png,c\n', "labels.csv", strict=True))


def test_different_cells_beyond_the_memory_end_in_a_sentence_and_equal_ones_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csv_table, "MAX_MEMORY", 1 << 20)
    different = "".join(f"{i:x},{i:o},{i}\n" for i in range(5000)).encode()
    for read in (read_table, read_labels):
        with pytest.raises(UserError, match=r"labels\.csv would take more than .* Delete the columns"):
            read(b"file,a,b\n" + different, "labels.csv")
    assert len(read_table(b"a,b,c\n" * 5000, "labels.csv")) == 5000
