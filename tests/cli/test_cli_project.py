# SPDX-License-Identifier: MIT
"""`project` on a tiny explainer: files, fields, refusals, and what an interrupted one leaves."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from projection_runs import pictures_of_seeds

from latent_explorer.cli.project import projection_settings
from latent_explorer.cli.root import main
from latent_explorer.common.errors import UserError
from latent_explorer.data.images import open_picture
from latent_explorer.explain.projected import read_projected
from latent_explorer.explain.projection_settings import DEFAULT, NVIDIA_SCHEDULE
from latent_explorer.models.explainer_file import read_explainer


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def photos(tiny_explainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three pictures, one of them twice as large, and a file that is none."""
    folder = tmp_path_factory.mktemp("photos")
    for i, pixels in enumerate(pictures_of_seeds(tiny_explainer, range(3))):
        picture = Image.fromarray(pixels)
        (picture.resize((40, 32)) if i == 2 else picture).save(folder / f"leaf {i}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def run(capsys: pytest.CaptureFixture[str], *args: object, code: int = 0) -> list[dict]:
    """Run `project` with --json; its lines."""
    assert main(["project", *map(str, args), "--json"]) == code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_folder_becomes_projections(file: Path, photos: Path, tmp_path: Path, capsys) -> None:
    lines = run(capsys, file, photos, "--steps", 3, "--space", "w", "--out", tmp_path / "out")
    result = lines[-1]
    assert (result["event"], result["n"]) == ("result", 3)
    assert any("broken.png" in line.get("text", "") for line in lines)
    assert {"progress", "metric", "kept"} <= {line["event"] for line in lines}
    first = result["projections"][0]
    saved = read_projected(first["projection"])
    assert (saved.latent_id, saved.report.space) == (first["latent_id"], "w")
    with Image.open(first["image"]) as pair:
        assert pair.size == (1024, 512)
    assert len(saved.report.probs_photo) == 0
    assert len(result["projections"][2]["probs_photo"]) == 2  # it is larger than the generator's pictures
    with (tmp_path / "out" / "summary.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert [row["name"] for row in rows] == ["leaf 0.png", "leaf 1.png", "leaf 2.png"]
    assert set(rows[0]) >= {"class_check", "detail_check", "domain_check", "detail_kept"}
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["n"] == 3
    assert set(first["checks"]) == {"class", "detail", "domain"}


def test_each_picture_has_its_three_lines(file: Path, photos: Path, tmp_path: Path, capsys) -> None:
    assert main(["project", *map(str, (file, photos / "leaf 0.png", "--steps", 1, "--out", tmp_path / "out"))]) == 0
    text = capsys.readouterr().out
    for name in ("class", "detail", "domain"):
        assert f"\n  {name} " in text


def test_a_photo_is_decoded_once(file: Path, photos: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    decoded = []

    def counted(source: Path, name: str) -> Image.Image:
        decoded.append(name)
        return open_picture(source, name)

    monkeypatch.setattr("latent_explorer.data.images.open_picture", counted)
    run(capsys, file, photos / "leaf 2.png", "--steps", 1, "--out", tmp_path / "out")
    assert decoded == ["leaf 2.png"]


def test_latents_go_out_and_in(file: Path, photos: Path, tmp_path: Path, capsys) -> None:
    """The npz that one run writes is what another program reads, and what `generate` and `project` take."""
    photo = photos / "leaf 0.png"
    [*_, result] = run(capsys, file, photo, "--steps", 2, "--out", tmp_path / "a")
    npz = result["projections"][0]["latents"]
    with np.load(npz) as arrays:
        config = read_explainer(file).generator.config
        assert arrays["w"].shape == (1, config.layout.num_ws, config.w_dim)
        assert arrays["cond"].shape == (1, 2)
    [*_, again] = run(capsys, file, npz, "--out", tmp_path / "b")
    back, there = (read_projected(r["projections"][0]["projection"]) for r in (again, result))
    np.testing.assert_array_equal(back.ws, there.ws)
    np.testing.assert_array_equal(back.image, there.image)
    assert again["agreement"] is None, "there is no photo that a class could agree with"
    [*_, both] = run(capsys, file, npz, photo, "--steps", 2, "--out", tmp_path / "c")
    assert (both["n"], both["psnr"]) == (2, result["psnr"])


def test_people_read_what_speaks_against_a_result(file: Path, tmp_path: Path, capsys) -> None:
    config = read_explainer(file).generator.config
    np.savez(tmp_path / "other.npz", w=np.zeros((1, config.layout.num_ws, config.w_dim), ">f8"))
    args = [file, tmp_path / "other.npz", "--out", tmp_path / "out"]
    assert main(["project", *map(str, args)]) == 0
    said = capsys.readouterr().out
    assert "other: No photo: the classifier says" in said
    assert "the generator was given equal ones" in said


def test_two_pictures_of_one_name_are_two_results(file: Path, photos: Path, tmp_path, capsys) -> None:
    twin = tmp_path / "leaf 0.png"
    twin.write_bytes((photos / "leaf 1.png").read_bytes())
    [*_, result] = run(capsys, file, photos / "leaf 0.png", twin, "--steps", 1, "--out", tmp_path / "out")
    names = [Path(r["projection"]).name for r in result["projections"]]
    assert names == ["leaf 0.projection", "leaf 0-2.projection"]


def test_an_interrupted_run_leaves_the_best_so_far(
    file: Path, photos: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    from latent_explorer.cli.output import Output

    monkeypatch.setattr("latent_explorer.explain.projection.projection._PREVIEW_SECONDS", 0.0)
    monkeypatch.setattr("latent_explorer.explain.projection.projection._PREVIEW_SHARE", 0)
    seen = []

    def interrupted(self: Output, event: object) -> None:
        seen.append(type(event).__name__)
        if seen.count("Kept") == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Output, "event", interrupted)
    photo = photos / "leaf 0.png"
    run(capsys, file, photo, "--steps", 500, "--out", tmp_path / "out", code=130)
    report = read_projected(tmp_path / "out" / "leaf 0.projection").report
    assert report.steps < 500
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["n"] == 1


def test_what_cannot_be_done_is_a_sentence(file: Path, photos: Path, tmp_path, capsys) -> None:
    out = ("--out", tmp_path / "out")
    [line] = run(capsys, file, photos / "none.png", *out, code=1)[-1:]
    assert "none that can be read" in line["message"]
    [line] = run(capsys, file, photos, "--set", "speed=9", *out, code=1)[-1:]
    assert "is not a setting" in line["message"]
    [line] = run(capsys, file, photos, "--set", "lr=-1", *out, code=1)[-1:]
    assert "out of its range" in line["message"]
    (tmp_path / "file").write_text("no folder")
    [line] = run(capsys, file, photos, "--out", tmp_path / "file", code=1)[-1:]
    assert "is a file" in line["message"]


def test_settings_start_from_a_schedule() -> None:
    found = projection_settings(NVIDIA_SCHEDULE, {"steps": 10, "space": None}, ["lr=0.05"])
    assert (found.steps, found.space, found.lr, found.start) == (10, "w", 0.05, "mean")
    assert projection_settings(DEFAULT, {}, []) == DEFAULT
    with pytest.raises(UserError, match="NAME=VALUE"):
        projection_settings(DEFAULT, {}, ["lr"])
