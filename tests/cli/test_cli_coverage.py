# SPDX-License-Identifier: MIT
"""`coverage`: what it prints, for people and as JSON."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from latent_explorer.cli.root import main


def test_shares_are_printed_for_each_class(file: Path, tmp_path: Path, capsys, run_json) -> None:
    for i in range(3):
        Image.new("RGB", (16, 16), "red").save(tmp_path / f"{i}.png")
    result = run_json("coverage", file, "--n", 10, "--psi", 0.7, "--images", tmp_path)
    classes = result["classes"]
    for place in range(3):
        sets = [each["sets"][place] for each in classes.values()]
        assert sum(each["count"] for each in sets) == sets[0]["n"]
    assert [each["of"] for each in next(iter(classes.values()))["sets"]] == [
        "real pictures",
        "reconstructions",
        "seeds at psi 0.7",
    ]
    assert main(["coverage", str(file), "--n", "10"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in classes)
    assert "of 10" in out


def test_the_sheet_shows_the_highest_scoring_pictures_of_every_origin(file: Path, tmp_path: Path, run_json) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(3):
        Image.new("RGB", (16, 16), "red").save(pictures / f"{i}.png")
    out = tmp_path / "sheet.png"
    options = ("--n", 6, "--images", pictures, "--triggers", "diseased", "--count", 2, "--out", out)
    result = run_json("coverage", file, *options)
    assert result["path"] == str(out)
    highest = result["triggers"]["highest"]
    assert list(highest) == ["real pictures", "reconstructions", "seeds at psi 1"]
    for ranked in highest.values():
        assert ranked[0][1] >= ranked[1][1]
    with Image.open(out) as sheet:
        wide, high = sheet.size
    run_json("coverage", file, *options[:2], *options[4:])  # without real pictures: a row less
    with Image.open(out) as sheet:
        assert sheet.size[0] == wide
        assert sheet.size[1] < high
    for wrong in (("--triggers", "diseased"), ("--triggers", "ill", "--out", out), ("--out", out)):
        assert run_json("coverage", file, *wrong, code=1)["event"] == "error"
