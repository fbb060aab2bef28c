# SPDX-License-Identifier: MIT
"""`animate`, `sheet` and `export-all`: their files, their fields, and that the window writes the same bytes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import msgspec
import numpy as np
import pytest
from animation_frames import read_frames
from headless import HeadlessExplorer, of_type
from PIL import Image

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration import picture_requests, updates
from latent_explorer.app.exploration.recipe_png import read_recipe
from latent_explorer.app.export.controller import ExportController
from latent_explorer.app.export.scene import Scene
from latent_explorer.app.export.sheets import SheetPlan
from latent_explorer.cli.export import parse_size
from latent_explorer.cli.root import main
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.projected import write_projected
from latent_explorer.explain.recipe import PictureRecipe, ProjectedBase, SampleBase, SeedBase
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.explain.timeline.file import write_timeline
from latent_explorer.explain.timeline.makers import random_walk
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline
from latent_explorer.media.animation.frames import CaptionContext, Frame, compose
from latent_explorer.media.animation.settings import AnimationSettings
from latent_explorer.models.explainer_file import read_explainer

WALK = msgspec.structs.replace(random_walk([1, 2], 0.5), fps=10.0)


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    write_timeline(tmp_path / "walk.json", WALK)
    return tmp_path / "walk.json"


@pytest.fixture
def window(file: Path, tmp_path: Path):
    """The application that a window is made on, with the same explainer; `settle` lets it finish."""
    headless = HeadlessExplorer(tmp_path, ModelHost())

    def settle() -> list:
        return [u.failure.message for u in of_type(headless.settle(), updates.ErrorReport)]

    headless.explorer.change_settings(device="cpu")
    headless.open(file)
    yield ExportController(headless.explorer), settle
    headless.explorer.close()


def test_the_window_and_the_command_line_write_the_same_bytes(file, walk, window, tmp_path, run_json):
    controller, settle = window
    settings = AnimationSettings(size=32, fps=10, caption=True, bar=True, before_after=True)
    videos = ("a.mp4", "a.webm") if importlib.util.find_spec("av") else ()
    for name in ("a.gif", "a.webp", "a.png", "a.csv", *videos):
        context = controller.context()
        controller.export(tmp_path / name, Scene(WALK, context.state, context.summary), settings)
        assert settle() == []
        out = tmp_path / f"cli-{name}"
        run_json(
            "animate", file, walk, "--out", out, "--size", 32, "--caption", "--bar", "--before-after", "--device", "cpu"
        )
        assert out.read_bytes() == (tmp_path / name).read_bytes(), name


def test_sheets_and_all_attributes_are_the_same_bytes_too(file, window, tmp_path, run_json):
    controller, settle = window
    plan = SheetPlan(bases=(SampleBase(0), SampleBase(11)), attributes=2)
    for suffix in (".png", ".pdf"):
        controller.export_sheet(tmp_path / f"s{suffix}", plan)
        assert settle() == []
        out = tmp_path / f"cli{suffix}"
        run_json("sheet", file, "--samples", 2, "--top", 2, "--out", out, "--device", "cpu")
        assert out.read_bytes() == (tmp_path / f"s{suffix}").read_bytes()
    settings = AnimationSettings(size=16, fps=10, ping_pong=True)
    controller.export_all(tmp_path / "all", 2, [SeedBase(3)], settings)
    assert settle() == []
    out = tmp_path / "cli-all"
    result = run_json(
        "export-all", file, "--top", 2, "--seeds", 3, "--size", 16, "--fps", 10, "--out", out, "--device", "cpu"
    )
    names = sorted(p.name for p in out.iterdir())
    assert names == sorted(p.name for p in (tmp_path / "all").iterdir())
    assert all((out / n).read_bytes() == (tmp_path / "all" / n).read_bytes() for n in names)
    assert [a["attribute"] for a in result["animations"]] == ["first", "second"]


def test_an_export_shows_what_the_window_renders(file, walk, tmp_path, run_json):
    result = run_json("animate", file, walk, "--out", tmp_path / "f", "--size", 16, "--device", "cpu")
    assert (result["frames"], result["seconds"]) == (10, 1.0)
    model = read_explainer(file)
    state = picture_requests.opening_state(model.summary())
    renderer = Renderer(model)
    settings = AnimationSettings(size=16, fps=10)
    requests = Scene(WALK, state, model.summary()).requests(settings)
    for shown, request in zip(read_frames(tmp_path / "f"), requests, strict=True):
        picture = renderer.render(request).after
        meant = compose(Frame(picture.image, picture.probs, 0.0), settings, CaptionContext())
        assert np.array_equal(shown, meant)


def test_a_budget_is_kept_and_said(file, walk, tmp_path, capsys):
    out = tmp_path / "a.gif"
    command = ["animate", str(file), str(walk), "--size", "128", "--out", str(out), "--budget"]
    assert main([*command, "60KB"]) == 0
    captured = capsys.readouterr()
    assert out.stat().st_size <= 60_000
    assert "To stay below 60 kB" in captured.err
    assert main([*command, "2KB"]) == 1
    assert "Make it shorter, or allow a larger file." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--out", "a.avi"), "is not an animation"),
        (("--out", "a.gif", "--fps", "24"), "24 frames per second"),
        (("--out", "a.gif", "--budget", "tiny"), "not a file size"),
        (("--out", "a.gif", "--target", "nobody"), "no class 'nobody'"),
    ],
)
def test_what_is_impossible_is_one_line(file, walk, tmp_path, capsys, arguments, words):
    name, *rest = arguments[1:]
    assert main(["animate", str(file), str(walk), "--out", str(tmp_path / name), *rest]) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / name).exists()


def test_a_timeline_of_another_model_is_refused(file, tmp_path, capsys):
    write_timeline(tmp_path / "w.json", WALK, "f" * 64)
    assert main(["animate", str(file), str(tmp_path / "w.json"), "--out", str(tmp_path / "a.gif")]) == 1
    assert "another model" in capsys.readouterr().err


def test_a_direction_is_added_to_every_frame(file, tmp_path, run_json):
    np.save(tmp_path / "boundary.npy", np.ones((1, 16), np.float32))
    write_timeline(tmp_path / "w.json", WALK)
    option = f"{tmp_path / 'boundary.npy'}=1.5"
    run_json("animate", file, tmp_path / "w.json", "--direction", option, "--out", tmp_path / "frames")
    edits = [read_recipe(path).state.edits for path in sorted((tmp_path / "frames").glob("*.png"))]
    assert {(edit.direction.name, edit.amount) for (edit,) in edits} == {("boundary", 1.5)}


def test_a_sheet_of_every_kind(file, tmp_path, run_json, capsys):
    for kind, extra in (("truncation", ["--psis", "0,1"]), ("mixing", ["--rows", "1-2", "--columns", "5"])):
        out = tmp_path / f"{kind}.png"
        result = run_json("sheet", file, "--kind", kind, "--seeds", "0-1", *extra, "--out", out)
        assert result["kind"] == kind
        with Image.open(out) as picture:
            picture.verify()
    assert main(["sheet", str(file), "--samples", "99,1", "--out", str(tmp_path / "x.png")]) == 1
    assert "no picture 99" in capsys.readouterr().err


def test_projected_pictures_are_given_as_files(tiny_explainer, file, tmp_path, run_json, capsys):
    from projection_runs import changed, pictures_of_seeds

    from latent_explorer.explain.projection.projection import project
    from latent_explorer.explain.projection.target import Target

    [photo] = pictures_of_seeds(tiny_explainer, range(1))
    job = project(tiny_explainer, [Target("a leaf", photo)], changed(steps=2, w_steps=1))
    (found,) = run_job(job)
    write_projected(tmp_path / "leaf.projection", found)
    base = ProjectedBase(found.latent_id)
    ends = (Keyframe(0.0, PictureRecipe(base)), Keyframe(0.5, PictureRecipe(SeedBase(1))))
    write_timeline(tmp_path / "t.json", Timeline("t", ends, fps=10.0))
    command = ["animate", str(file), str(tmp_path / "t.json"), "--out", str(tmp_path / "a.gif")]
    assert main(command) == 1
    assert "not in this exploration" in capsys.readouterr().err
    given = ["--latents", str(tmp_path / "leaf.projection"), "--size", "32"]
    assert main([*command, *given]) == 0
    assert len(read_frames(tmp_path / "a.gif")) == 6
    out = tmp_path / "s.png"
    run_json("sheet", file, *given[:2], "--top", 1, "--out", out)
    with Image.open(out) as picture:  # the photo, its reconstruction, and one attribute
        assert picture.width == 2 * (2 * 24 + 200 + 3 * 204 - 12)


def test_sizes_of_files():
    assert [parse_size(t) for t in ("2MB", "1.5 mb", "500KB", "1200")] == [2_000_000, 1_500_000, 500_000, 1200]
    for wrong in ("", "MB", "-3MB", "2 apples", "0"):
        with pytest.raises(UserError):
            parse_size(wrong)
