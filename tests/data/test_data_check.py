# SPDX-License-Identifier: MIT
"""Data check: its findings, reading without unreadable pictures, and stopping."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latent_explorer.cli.root import main
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Notice, Progress
from latent_explorer.common.jobs import run_job, without_progress
from latent_explorer.data.check import DataReport, check
from latent_explorer.data.dataset import ImageDataset, open_dataset, read_all
from latent_explorer.data.image_facts import inspect_image
from latent_explorer.data.threads import map_in_threads


def picture(seed: int, size: tuple[int, int] = (16, 16)) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of 30 sound pictures, 16 x 16 px."""
    for i in range(60):
        path = tmp_path / "data" / ("a", "b")[i % 2] / f"{i:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(i).save(path)
    return tmp_path / "data"


def report_of(data: ImageDataset, resolution: int = 16) -> DataReport:
    events: list[Event] = []
    report = run_job(check(data, resolution), events.append)
    assert all(isinstance(event, Progress) for event in events)
    assert isinstance(report, DataReport)
    for finding in report.findings:
        assert finding.text.endswith(".")
        assert "\n" not in finding.text
        assert len(finding.names) <= 5
    return report


def said(report: DataReport, words: str) -> str:
    """Return severity, text and names of the only finding that contains these words."""
    found = [finding for finding in report.findings if words in finding.text]
    assert len(found) == 1, [finding.text for finding in report.findings]
    return f"{found[0].severity}: {found[0].text} {' | '.join(found[0].names)}"


def test_sound_data(folder: Path) -> None:
    report = report_of(open_dataset(folder))
    assert report.can_train
    assert (report.pictures, report.unreadable, report.kind) == (60, (), "class folders")
    assert report.classes == (("a", 30), ("b", 30))
    assert said(report, "can be read").startswith("good: All 60 pictures")
    assert said(report, "well balanced").startswith("good")
    assert said(report, "All pictures are 16 x 16 px").startswith("good")
    assert said(report, "No picture occurs twice").startswith("good")
    assert "ada_target" in said(report, "60 pictures are very few")


def test_unreadable_pictures_are_named_with_the_reason(folder: Path) -> None:
    jpeg = io.BytesIO()
    picture(0, (64, 64)).save(jpeg, "JPEG")
    (folder / "a" / "00.png").write_bytes(b"")
    (folder / "a" / "02.png").write_bytes(jpeg.getvalue()[:900])
    (folder / "a" / "04.png").write_bytes(b"<html>not found</html>")
    (folder / "b" / "01.png").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 99)
    report = report_of(open_dataset(folder))
    text = said(report, "cannot be read")
    assert text.startswith("warning: 4 of 60 pictures cannot be read and are left out")
    assert "a/00.png (the file is empty)" in text
    assert "a/02.png (cut off" in text
    assert "a/04.png (not a picture" in text
    assert "b/01.png (a HEIC photo" in text
    assert report.can_train
    assert report.unreadable == ("a/00.png", "a/02.png", "a/04.png", "b/01.png")
    for i in range(6, 20, 2):
        (folder / "a" / f"{i:02d}.png").write_bytes(b"")
    assert not report_of(open_dataset(folder)).can_train


def test_a_decompression_bomb_is_named(folder: Path) -> None:
    Image.new("1", (9500, 9000)).save(folder / "a" / "00.png")
    assert "a/00.png (larger than 80 million pixels)" in said(report_of(open_dataset(folder)), "cannot be read")


def test_copies(folder: Path) -> None:
    data = open_dataset(folder)
    train, val = data.indices("train"), data.indices("val")
    torn = data.names[train[0]], data.names[val[0]]
    (folder / torn[1]).write_bytes((folder / torn[0]).read_bytes())
    picture(500).save(folder / "a" / "x1.png")
    picture(500).save(folder / "a" / "x2.bmp")
    picture(501).save(folder / "a" / "y1.png")
    picture(501).save(folder / "b" / "y2.png")
    report = report_of(open_dataset(folder))
    text = said(report, "exact copies")
    assert "3 pictures are exact copies of others, 1 of them in another file format" in text
    assert "a/x1.png = a/x2.bmp" in text
    assert "--group" in said(report, "different sides of the split")
    assert all(name in said(report, "different sides of the split") for name in torn)
    assert "a/y1.png = b/y2.png" in said(report, "in another class")


def test_a_group_is_the_remedy(folder: Path) -> None:
    data = open_dataset(folder)
    first, second = data.names[data.indices("train")[0]], data.names[data.indices("val")[0]]
    (folder / second).write_bytes((folder / first).read_bytes())
    rows = [f"{name},{name[0]},{'same' if name in (first, second) else name}" for name in data.names]
    (folder / "labels.csv").write_text("\n".join(["file,class,group", *rows]))
    assert "'group' as Group (--group)" in said(report_of(open_dataset(folder)), "belong together")
    grouped = report_of(open_dataset(folder, group="group"))
    assert not any("different sides" in finding.text for finding in grouped.findings)


@pytest.mark.parametrize("plants", [3, 60])
def test_a_split_that_parts_what_belongs_together_is_a_warning(folder: Path, plants: int) -> None:
    """Warn of the data's own split, too, but not if every plant was photographed once."""
    rows = [
        f"{name},{name[0]},{i % plants},{('train', 'val', 'test')[i % 4 % 3]}"
        for i, name in enumerate(open_dataset(folder).names)
    ]
    (folder / "labels.csv").write_text("\n".join(["file,class,plant,side", *rows]))
    by_file = report_of(open_dataset(folder))
    by_column = report_of(open_dataset(folder, split="side"))
    if plants == 60:
        assert not [f for r in (by_file, by_column) for f in r.findings if "together" in f.text]
    else:
        assert said(by_file, "with 'plant' as Group (--group) they").startswith("warning")
        assert said(by_column, "'plant' as Group (--group) in place of Split (--split)").startswith("warning")


def test_sizes(folder: Path) -> None:
    picture(1, (400, 100)).save(folder / "a" / "wide.png")
    picture(2, (8, 6)).save(folder / "a" / "tiny.png")
    report = report_of(open_dataset(folder))
    assert "smallest picture is 8 x 6 px, the middle one 16 x 16, the largest 400 x 100" in said(report, "smallest")
    assert "note: 1 picture is smaller than 16 px" in said(report, "enlarged")
    assert "up to 75% of a picture is cut off. a/wide.png" in said(report, "far from square")
    assert said(report_of(open_dataset(folder), 64), "enlarged").startswith("warning: 61")


def test_colours_and_kinds(folder: Path) -> None:
    picture(1).convert("L").save(folder / "a" / "grey.png")
    picture(2).convert("CMYK").save(folder / "a" / "print.jpg")
    picture(3).convert("P").save(folder / "a" / "palette.png")
    Image.fromarray(np.full((16, 16), 300, np.uint16)).save(folder / "a" / "deep.png")
    see_through = picture(4).convert("RGBA")
    see_through.putalpha(200)
    see_through.save(folder / "a" / "holes.png")
    picture(5).convert("RGBA").save(folder / "a" / "solid.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(6).save(folder / "a" / "turned.jpg", exif=exif)
    picture(7).save(folder / "a" / "moving.gif", save_all=True, append_images=[picture(8)])
    (folder / "notes.xmp").write_text("x")
    report = report_of(open_dataset(folder))
    for words, name in (
        ("CMYK", "print.jpg"),
        ("16 bits", "deep.png"),
        ("become black", "a/holes.png"),
        ("turned upright", "a/turned.jpg"),
        ("animated", "a/moving.gif"),
    ):
        assert name in said(report, words)
    assert "solid" not in said(report, "become black")
    assert said(report, "are grey" if "are grey" in str(report) else "is grey").startswith("warning")
    assert "1 file of other kinds (.xmp)" in said(report, "other kinds")


def test_what_labels_and_files_do_not_share(folder: Path) -> None:
    rows = [f"a/{i:02d}.png,{i % 3}" for i in range(0, 40, 2)] + ["a/gone.png,1", "b/01.png,"]
    (folder / "labels.csv").write_text("\n".join(["file,state", *rows]))
    report = report_of(open_dataset(folder, label="state"))
    assert "39 pictures" in said(report, "do not mention")
    assert "a/gone.png" in said(report, "file was not found")
    assert "1 picture has no label" in said(report, "no label")


def test_uneven_and_single_classes(folder: Path) -> None:
    for path in sorted((folder / "b").iterdir())[2:]:
        path.unlink()
    assert said(report_of(open_dataset(folder)), "times as many").startswith("warning")
    only = report_of(open_dataset(folder, classes="a"))
    # One class is enough to explain an existing classifier.
    assert said(only, "one class (a)").startswith("warning")


def test_pictures_beside_class_folders_are_pointed_at(folder: Path) -> None:
    picture(99).save(folder / "preview.png")
    report = report_of(open_dataset(folder))
    assert said(report, "not classes") == (
        "warning: 1 picture is beside the folders, which therefore are not classes: move or delete what is loose. "
        "preview.png"
    )


def test_too_few_for_a_split(tmp_path: Path) -> None:
    for i in range(3):
        picture(i).save(tmp_path / f"{i}.png")
    report = report_of(open_dataset(tmp_path))
    assert not report.can_train
    assert any(f.severity == "error" and "split leaves" in f.text for f in report.findings)
    assert "There are no labels" in said(report, "no labels")


def test_large_jpegs_are_looked_at_in_small() -> None:
    out = io.BytesIO()
    picture(0, (1400, 1200)).save(out, "JPEG")
    facts = inspect_image(out.getvalue(), "x.jpg")
    assert (facts.problem, facts.width, facts.height, facts.pixels_compared) == ("", 1400, 1200, False)
    assert inspect_image(out.getvalue()[:-5000], "x.jpg").problem.startswith("cut off")


def test_the_check_can_be_stepped_and_cancelled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = open_dataset(folder)
    read, seen = data.source.read, []

    def slow(name: str) -> bytes:
        seen.append(name)
        time.sleep(0.1)
        return read(name)

    monkeypatch.setattr(data.source, "read", slow)
    job = check(data)
    first = next(job)
    assert isinstance(first, Progress)
    assert first.done < first.total
    job.close()
    assert len(seen) < 60
    assert not [t for t in threading.enumerate() if t.name.startswith("pictures")]


def test_a_defect_in_a_thread_ends_the_job() -> None:
    def function(i: int) -> int:
        return 1 // (i - 50)

    with pytest.raises(ZeroDivisionError):
        list(map_in_threads(function, 100, "x"))


def test_results_keep_their_order() -> None:
    values = run_job(map_in_threads(lambda i: (time.sleep(0.001 * (i % 3)), i)[1], 50, "x"))
    assert values == list(range(50))


def read_sound(data: ImageDataset) -> tuple[ImageDataset, np.ndarray, list[Event]]:
    """Return the data set, its pictures, and the events other than progress."""
    notices: list[Event] = []
    data, pixels = run_job(without_progress(read_all(data, 8)), notices.append)
    return data, pixels, notices


def test_a_training_goes_on_without_the_unreadable(folder: Path) -> None:
    expected = open_dataset(folder)
    everything = expected.read(expected.indices(), 8)
    (folder / "a" / "10.png").write_bytes(b"")
    (folder / "b" / "11.png").unlink()
    opened = open_dataset(folder)
    (folder / "b" / "13.png").unlink()  # vanishes after the folder was listed
    data, pixels, notices = read_sound(opened)
    assert [type(event) for event in notices] == [Notice]
    assert isinstance(notices[0], Notice)
    assert "2 pictures that cannot be read are left out: a/10.png, b/13.png" in notices[0].text
    gone = {"a/10.png", "b/11.png", "b/13.png"}
    rows = [i for i, name in enumerate(expected.names) if name not in gone]
    assert data.names == [expected.names[i] for i in rows]
    np.testing.assert_array_equal(pixels, everything[rows])
    assert data.describe()["left_out"] == ["a/10.png", "b/13.png"]
    assert data.describe()["classes"] == {"a": 29, "b": 28}
    # No other picture moves to another side.
    for side in ("train", "val", "test"):
        kept = {expected.names[i] for i in expected.indices(side)} - gone
        assert {data.names[i] for i in data.indices(side)} == kept


def test_many_unreadable_pictures_end_it(folder: Path) -> None:
    for path in sorted((folder / "a").iterdir())[:7]:
        path.write_bytes(b"")
    with pytest.raises(UserError, match=r"7 of 60 pictures cannot be read: a/00\.png"):
        read_sound(open_dataset(folder))


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(folder), "--resolution", "16"]) == 0
    assert "All 60 pictures can be read." in capsys.readouterr().out
    assert main(["check", str(folder), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["event"], result["can_train"], result["pictures"]) == ("result", True, 60)
    assert {"severity", "text", "names"} == set(result["findings"][0])
    for path in (folder / "a").iterdir():
        path.write_bytes(b"")
    assert main(["check", str(folder), "--json"]) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["can_train"] is False
    assert main(["check", str(folder / "nothing")]) == 2


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="names are text there")
def test_names_that_are_no_text_are_passed_over(folder: Path) -> None:
    for name in (b"\xff\xfe.png", b"two\nlines.png"):
        (folder / "a" / os.fsdecode(name)).write_bytes(b"")
    data = open_dataset(folder)
    assert len(data) == 60
    assert "2 files of other kinds (.png)" in said(report_of(data), "other kinds")
