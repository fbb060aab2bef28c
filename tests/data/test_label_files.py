# SPDX-License-Identifier: MIT
"""Tables of labels under other names, in other places, with other paths and cells; those not used are named."""

from __future__ import annotations

import re
import struct
import unicodedata
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from latent_explorer.cli.root import main
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice
from latent_explorer.common.jobs import run_job
from latent_explorer.data.check import check
from latent_explorer.data.dataset import ImageDataset, open_dataset, read_all
from latent_explorer.data.summary import summarise_data
from latent_explorer.training.config import DataConfig
from latent_explorer.training.train_classifier import open_labelled_data

NAMES = [f"{folder}/{i:02d}.png" for folder in ("good", "bad") for i in range(20)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Forty pictures in folders that are no labels: every second one has the label x."""
    for i, name in enumerate(NAMES):
        path = tmp_path / "leaves" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (i, 200 - i, 3 * i)).save(path)
    return tmp_path / "leaves"


def table(names: list[str] = NAMES, head: str = "file,state") -> str:
    return "\n".join([head, *(f"{name},{'xy'[i % 2]}" for i, name in enumerate(names))]) + "\n"


def pack(root: Path, wrapper: str = "") -> Path:
    with zipfile.ZipFile(root.parent / "pack.zip", "w") as archive:
        for name in NAMES:
            archive.write(root / name, wrapper + name)
    return root.parent / "pack.zip"


def states(data: ImageDataset) -> dict[str, str]:
    return dict(zip(data.names, data.columns["state"], strict=True))


@pytest.mark.parametrize(
    "name",
    ["labels.csv", "Labels.csv", "LABELS.CSV", "label.csv", "labels.tsv", "labels.txt", "labels.csv.txt",
     "labels (1).csv", "labels_v2.csv", "labels - copy.csv"],
)  # fmt: skip
@pytest.mark.parametrize("inside", [True, False], ids=["inside", "beside"])
def test_other_spellings_are_read(root: Path, name: str, inside: bool) -> None:
    ((root if inside else root.parent) / name).write_text(table())
    data = open_dataset(root, label="state")
    assert data.class_names == ("x", "y")
    assert len(data) == 40
    assert name in data.listing.kind
    assert data.listing.notes == ()


@pytest.mark.parametrize("wrapper", ["", "leaves/", "download/leaves/"])
@pytest.mark.parametrize("folder", ["", "leaves/", "C:\\Users\\me\\leaves\\", "/home/me/leaves/"])
def test_a_table_beside_a_zip_with_a_folder_around_everything(root: Path, wrapper: str, folder: str) -> None:
    source = pack(root, wrapper)
    names = [folder + (name.replace("/", "\\") if "\\" in folder else name) for name in NAMES]
    (root.parent / "labels.csv").write_text(table(names))
    data = open_dataset(source, label="state")
    assert states(data) == {wrapper + name: "xy"[i % 2] for i, name in enumerate(NAMES)}
    data.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda name: name.upper(), "capitals"),
        (lambda name: name.removesuffix(".png"), "without endings"),
        (lambda name: name.replace(".png", ".jpg"), "without endings"),
        (lambda name: f"./{name}", ""),
        (lambda name: name.replace("/", "\\"), ""),
    ],
    ids=["capitals", "no ending", "another ending", "dot", "backslashes"],
)
def test_paths_that_differ_in_spelling_only_are_matched_and_it_is_said_how(root: Path, change, said: str) -> None:
    (root / "labels.csv").write_text(table([change(name) for name in NAMES]))
    data = open_dataset(root, label="state")
    assert states(data) == {name: "xy"[i % 2] for i, name in enumerate(NAMES)}
    assert said in data.listing.kind


def test_names_that_several_pictures_have_are_not_guessed(root: Path) -> None:
    """`00.png` is in both folders."""
    (root / "labels.csv").write_text(table([name.partition("/")[2] for name in NAMES[:20]]))
    with pytest.raises(UserError, match=r"labels\.csv .*names none of the pictures there; its first is \['00\.png'\]"):
        open_dataset(root, label="state")


@pytest.mark.parametrize(
    ("place", "name", "said"),
    [
        ("inside", "train.csv", "speaks of these pictures and is not used"),
        ("beside", "leaves.csv", "speaks of these pictures and is not used"),
        ("inside", "metadata.tsv", "speaks of these pictures and is not used"),
        ("inside", "labels.xlsx", "is a workbook .* save its sheet as CSV"),
        ("beside", "labels.xlsx", "is a workbook .* save its sheet as CSV"),
        ("inside", "anything.ods", "is a workbook .* save its sheet as CSV"),
        ("beside", "leaves.xls", "is a workbook .* save its sheet as CSV"),
    ],
)
def test_labels_that_are_not_used_are_named(root: Path, place: str, name: str, said: str) -> None:
    ((root if place == "inside" else root.parent) / name).write_text(
        table().replace(",", "\t" if "tsv" in name else ",")
    )
    data = open_dataset(root)
    assert data.class_names == ("bad", "good")
    (note,) = data.listing.notes
    assert name in note
    assert re.search(said, note)
    assert summarise_data(root).notes == (note,)
    assert note in [finding.text for finding in run_job(check(data, 8)).findings]
    notices: list[str] = []
    run_job(read_all(data, 8), lambda event: notices.append(event.text) if isinstance(event, Notice) else None)
    assert note in notices
    with pytest.raises(UserError, match=name):
        open_dataset(root, label="state")


def test_a_table_beside_that_names_none_of_the_pictures_is_named(root: Path) -> None:
    (root.parent / "labels.csv").write_text(table([f"{i}.jpg" for i in range(900, 940)]))
    data = open_dataset(root)
    assert data.class_names == ("bad", "good")
    assert "names none of the pictures" in data.listing.notes[0]
    assert "It is not used." in data.listing.notes[0]


def test_lists_of_other_things_are_not_mentioned(root: Path) -> None:
    (root / "labels.txt").write_text("good\nbad\n")  # the names of classes, as some programs write them
    (root / "results.csv").write_text("epoch,loss\n1,0.5\n2,0.4\n")
    (root / "readme.txt").write_text("Leaves.")
    data = open_dataset(root)
    assert data.class_names == ("bad", "good")
    assert data.listing.notes == ()


@pytest.mark.parametrize(
    "head", ["File,State", "FILE ,STATE", "filename,state", "image_id,State", "Image Path,state", "id,state"]
)
def test_heads_in_any_capitals_and_other_names_of_the_column_of_files(root: Path, head: str) -> None:
    (root / "labels.csv").write_text(table(head=head))
    for label in ("state", "State", "STATE"):
        data = open_dataset(root, label=label, where=f"{label}=x,y")
        assert data.class_names == ("x", "y")
    assert data.about["options"]["label"] == head.partition(",")[2].strip()


def test_columns_that_were_emptied_are_left_out_and_rows_keep_their_numbers(root: Path) -> None:
    rows = ["file;state;;", "", *(f"{name};{'xy'[i % 2]};;" for i, name in enumerate(NAMES))]
    (root / "labels.csv").write_text("\n".join(rows))
    assert list(open_dataset(root, label="state").columns) == ["file", "state"]
    for bad, said in (
        (";".join(["x.png", "a", "b"]), "row 43, has 3 cells"),
        (f"{NAMES[3]};x", "in rows 6 and 43"),
        (";x", "row 43"),
    ):
        (root / "labels.csv").write_text("\n".join([*rows, bad]))
        with pytest.raises(UserError, match=said):
            open_dataset(root, label="state")
    (root / "labels.csv").write_text('sep=,\nfile,note\n1.png,"two\nlines"\n2.png\n')
    with pytest.raises(UserError, match="row 5, has 1 cells"):
        open_dataset(root, label="state")


@pytest.mark.parametrize("word", ["NA", "n/a", "NaN", "None", "unknown", "?", "-", "#N/A"])
def test_labels_that_may_be_none_are_asked_about(root: Path, word: str) -> None:
    rows = [f"{name},{('x', 'y', word, '')[i % 4]}" for i, name in enumerate(NAMES)]
    (root / "labels.csv").write_text("\n".join(["file,state", *rows]))
    with pytest.raises(UserError, match=r"10 pictures say .* in the column 'state': no label, or a class\?.*x=x,y=y"):
        open_labelled_data(DataConfig(str(root), label="state"))
    assert open_labelled_data(DataConfig(str(root), label="state", classes="x,y")).class_names == ("x", "y")
    kept = open_labelled_data(DataConfig(str(root), label="state", classes=f"x,y,{word}=other,(empty)=other"))
    assert kept.class_names == ("x", "y", "other")
    assert kept.class_counts()[2] == ("other", 20)
    assert len(open_dataset(root, where="state=(empty)")) == 10
    summary = summarise_data(root)
    assert set(summary.doubtful["state"]) == {word, "(empty)"}
    asked = run_job(check(open_dataset(root, label="state"), 8))
    assert asked.classes == ()
    assert any("no label, or a class?" in finding.text for finding in asked.findings)
    assert any(
        "10 pictures have no label" in finding.text for finding in asked.findings if finding.severity == "warning"
    )


def test_a_table_that_marks_one_class_only_is_asked_about(root: Path) -> None:
    rows = [f"{name},{('sick', '')[i % 2]}" for i, name in enumerate(NAMES)]
    (root / "labels.csv").write_text("\n".join(["file,state", *rows]))
    with pytest.raises(UserError, match=r"20 pictures have an empty cell .*sick=sick,\(empty\)=other as Classes"):
        open_labelled_data(DataConfig(str(root), label="state"))
    chosen = DataConfig(str(root), label="state", classes="sick,(empty)=well")
    assert open_labelled_data(chosen).class_counts() == (("sick", 20), ("well", 20))


def test_folders_called_none_are_a_class(tmp_path: Path) -> None:
    for i in range(20):
        for name in ("none", "rust"):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.new("RGB", (4, 4), (i, 0, 0)).save(tmp_path / name / f"{i}.png")
    assert open_dataset(tmp_path).question == ""


def test_one_letter_may_be_written_in_two_ways_in_labels_and_options(root: Path) -> None:
    one, two = unicodedata.normalize("NFC", "süß"), unicodedata.normalize("NFD", "süß")
    rows = [f"{name},{(one, two, 'y')[i % 3]}" for i, name in enumerate(NAMES)]
    (root / "labels.csv").write_text("\n".join([f"file,{two}", *rows]), encoding="utf-8")
    for name in (one, two):
        data = open_dataset(root, label=name, classes=f"{two},y", where=f"{one}={two},y")
        assert data.class_names == (one, "y")
        assert len(data) == 40


def test_members_of_a_zip_may_hold_a_colon(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("2021-03-04 10:20:30.png", "a:b/1.png", "12:30/2.png"):
            archive.writestr(name, b"x")
    data = open_dataset(tmp_path / "a.zip")
    assert len(data) == 3
    data.close()


def renumber(path: Path, method: int, only: str = "") -> None:
    """Claim that members are packed by another method."""
    raw = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if only in info.filename]
    at = 0
    while (at := raw.find(b"PK\x01\x02", at)) >= 0:
        length = struct.unpack_from("<H", raw, at + 28)[0]
        if only.encode() in raw[at + 46 : at + 46 + length]:
            struct.pack_into("<H", raw, at + 10, method)
        at += 46
    for info in infos:
        struct.pack_into("<H", raw, info.header_offset + 8, method)
    path.write_bytes(raw)


@pytest.mark.parametrize(("method", "name"), [(9, "Deflate64"), (98, "PPMd"), (95, "XZ"), (55, "method 55")])
def test_other_ways_of_packing_are_named(root: Path, method: int, name: str) -> None:
    source = pack(root)
    renumber(source, method, "good/00")
    data = open_dataset(source)
    with pytest.raises(UserError, match=rf"good/00\.png in .* is packed with {name}.* pack it again with Deflate"):
        data.source.read("good/00.png")
    assert "packed in a way" in run_job(check(data, 8)).findings[0].names[0]
    data.close()
    renumber(source, method)
    with pytest.raises(UserError, match=rf"pack\.zip is packed with {name}"):
        open_dataset(source)


def test_names_in_other_code_pages_are_called_that_and_utf_8_is_read(tmp_path: Path) -> None:
    for encoding, known in (("utf-8", True), ("shift-jis", False), ("cp1251", False)):
        path = tmp_path / f"{encoding}.zip"
        text = "яблоко" if encoding == "cp1251" else "りんご"
        raw = text.encode(encoding)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x" * len(raw) + "/1.png", b"x")
        path.write_bytes(path.read_bytes().replace(b"x" * len(raw) + b"/", raw + b"/"))
        data = open_dataset(path)
        assert (data.names == [f"{text}/1.png"]) == known
        assert [("old code page" in note) for note in data.listing.notes] == ([] if known else [True])
        assert data.source.read(data.names[0]) == b"x"
        data.close()


def test_the_command_line_says_what_is_not_used(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "labels.xlsx").write_bytes(b"PK\x03\x04")
    main(["check", str(root)])
    assert "labels.xlsx is a workbook" in capsys.readouterr().out
