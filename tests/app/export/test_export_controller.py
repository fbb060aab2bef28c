# SPDX-License-Identifier: MIT
"""The export controller: sources, saved choices, jobs and estimates."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from animation_frames import read_frames
from fakes import SPOTS
from headless import of_type
from PIL import Image

from latent_explorer.app import settings as stored
from latent_explorer.app.engine.events import JobEnded, JobStarted
from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.exploration.recipe_png import read_recipe
from latent_explorer.app.export.controller import ExportController
from latent_explorer.app.export.sheets import SheetPlan, sheet_of
from latent_explorer.app.timeline.controller import ChangeTimeline
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.recipe import PictureRecipe, SampleBase, SeedBase
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline
from latent_explorer.media.animation.settings import AnimationSettings
from latent_explorer.media.sheet import Text

SMALL = AnimationSettings(size=16, fps=10, ping_pong=True)
WALK = Timeline("walk", (Keyframe(0.0, PictureRecipe(SeedBase(1))), Keyframe(1.0, PictureRecipe(SeedBase(2)))))


@pytest.fixture
def controller(opened) -> ExportController:
    return ExportController(opened.explorer)


def with_timeline(opened) -> None:
    opened.explorer.apply(ChangeTimeline(WALK.name, WALK, "new timeline"))


def test_sources_are_timelines_then_sweeps(opened, controller):
    assert [s.name for s in controller.sources()] == ["Sweep: spots", "Sweep: Style 5 down"]
    with_timeline(opened)
    assert [s.is_timeline for s in controller.sources()] == [True, False, False]
    assert controller.default_source("walk") == 0
    assert controller.default_source() == 0
    opened.explorer.apply(SetAttribute(opened.explorer.attributes()[1], 0.5))
    assert controller.default_source() == 2


def test_without_a_model_there_is_nothing(headless):
    controller = ExportController(headless.explorer)
    assert controller.sources() == controller.bases("samples", 3) == []
    assert controller.export_sheet(headless.folder / "x.png", SheetPlan(bases=(SeedBase(0),))) is None


def test_an_animation_is_a_job_that_can_be_cancelled(opened, controller, tmp_path):
    job = controller.export(tmp_path / "sweep.gif", controller.sources()[0].scene, SMALL)
    assert opened.explorer.jobs == {job: "Writing sweep.gif"}
    told = opened.settle()
    assert of_type(told, JobStarted)[0].cancellable
    assert of_type(told, JobEnded)[0].outcome == "finished"
    assert of_type(told, updates.Message)[0].text.startswith("Saved sweep.gif (")
    assert len(read_frames(tmp_path / "sweep.gif")) == 40


def test_the_table_beside_it_is_said(opened, controller, tmp_path):
    settings = msgspec.structs.replace(SMALL, csv=True)
    controller.export(tmp_path / "sweep.webp", controller.sources()[0].scene, settings)
    assert "Saved sweep.webp and sweep.csv (" in of_type(opened.settle(), updates.Message)[0].text
    lines = (tmp_path / "sweep.csv").read_text().splitlines()
    assert "# classifier: net" in lines
    assert len(lines) == 5 + 1 + 40


def test_what_fails_is_a_trouble(opened, controller):
    controller.export(Path(os.devnull) / "x.gif", controller.sources()[0].scene, SMALL)
    (trouble,) = of_type(opened.settle(), updates.ErrorReport)
    assert "cannot be written" in trouble.failure.message


def test_all_attributes_with_their_manifest(opened, controller, tmp_path):
    controller.export_all(tmp_path / "all", 2, controller.bases("samples", 2), SMALL)
    told = opened.settle()
    assert of_type(told, updates.Message)[0].text == "Saved 4 animations and their manifest in all."
    manifest = json.loads((tmp_path / "all" / "manifest.json").read_text())
    items = manifest["animations"]
    assert manifest["model_hash"] == opened.explorer.summary.model_hash
    assert manifest["target"] == "diseased"
    files = {item["file"] for item in items}
    assert files | {"manifest.json", "manifest.csv"} == {p.name for p in (tmp_path / "all").iterdir()}
    first = items[0]
    assert (first["attribute"], first["style_indices"], first["directions"]) == ("spots", [3], ["max"])
    assert first["base"] == {"type": "sample", "index": 0}
    # The fake classifier says 0.5 + 0.4 times the edit: class 1 from the beginning on, by a hair.
    assert first["p_before"] == pytest.approx(0.5, abs=0.01)
    assert abs(first["p_after"] - first["p_before"]) > 0.3
    text = (tmp_path / "all" / "manifest.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["file"] for row in rows] == [item["file"] for item in items]
    assert all(item["bytes"] == (tmp_path / "all" / item["file"]).stat().st_size for item in items)


def test_a_cancel_keeps_what_is_whole_with_its_manifest(opened, tmp_path):
    from latent_explorer.app.export.batch import export_all

    controller = ExportController(opened.explorer)
    render = opened.host.renderers[-1].render
    bases = [SeedBase(i) for i in range(5)]
    job = export_all(tmp_path / "all", controller.context(1), bases, SMALL, render)
    folder = tmp_path / "all"
    for _ in job:
        if folder.is_dir() and len(list(folder.glob("[!.]*.gif"))) == 2:
            break
    job.close()
    manifest = json.loads((folder / "manifest.json").read_text())
    kept = {item["file"] for item in manifest["animations"]}
    assert {p.name for p in folder.iterdir()} == kept | {"manifest.json", "manifest.csv"}
    assert 1 <= len(kept) <= 2


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
@pytest.mark.parametrize("kind", ["counterfactual", "truncation", "mixing"])
def test_sheets(opened, controller, tmp_path, kind, suffix):
    path = tmp_path / f"sheet{suffix}"
    plan = SheetPlan(kind, bases=(SampleBase(0), SeedBase(5)), others=(SeedBase(1),), last=2)
    controller.export_sheet(path, plan)
    told = opened.settle()
    assert [u.text for u in of_type(told, updates.Message)] == [f"Saved sheet{suffix}."]
    if suffix == ".png":
        assert read_recipe(path).state.base == SampleBase(0)
        with Image.open(path) as picture:
            assert min(picture.size) > 400
    else:
        assert path.read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(("ids", "head"), [("leaf {}", "reconstruction"), ("generated {}", "generated")])
def test_a_sheet_says_what_its_first_column_is(opened, controller, ids, head):
    context = controller.context(1)
    samples = replace(context.summary.samples, ids=tuple(ids.format(i) for i in range(4)))
    context = replace(context, summary=replace(context.summary, samples=samples))
    laid_out = run_job(sheet_of(SheetPlan(bases=(SampleBase(0), SampleBase(1))), context, opened.host.render))
    words = [mark.text for mark in laid_out.marks if isinstance(mark, Text)]
    assert [word for word in words if word in ("reconstruction", "generated")] == [head]


def test_a_sheet_that_cannot_be_drawn_is_a_sentence(opened, controller, tmp_path):
    for plan, words in (
        (SheetPlan(), "no pictures"),
        (SheetPlan("mixing", bases=(SeedBase(0),), others=(SeedBase(1),), last=99), "not in a latent"),
        (SheetPlan("truncation", bases=(SeedBase(0),), psis=()), "at least one psi"),
    ):
        controller.export_sheet(tmp_path / "x.png", plan)
        assert words in of_type(opened.settle(), updates.ErrorReport)[0].failure.message
    assert not (tmp_path / "x.png").exists()


def test_an_estimate_is_near_what_is_written(opened, controller, tmp_path):
    found = []
    settings = msgspec.structs.replace(SMALL, size=128)
    scene = controller.sources()[0].scene
    controller.estimate(scene, settings, ".gif", found.append)
    opened.settle()
    controller.export(tmp_path / "x.gif", scene, settings)
    opened.settle()
    assert found[0].frames == 40
    assert found[0].seconds == 4.0
    assert found[0].picture.shape == (128, 128, 3)
    assert found[0].bytes == pytest.approx((tmp_path / "x.gif").stat().st_size, rel=0.4)


def test_only_the_newest_estimate_is_answered(opened, controller):
    found = []
    scene = controller.sources()[0].scene
    for size in (16, 32, 64):
        controller.estimate(scene, msgspec.structs.replace(SMALL, size=size), ".gif", found.append)
    told = opened.settle()
    assert [f.picture.shape[0] for f in found] == [64]
    assert {e.outcome for e in of_type(told, JobEnded)} == {"finished"}  # no "was cancelled"
    controller.estimate(scene, SMALL, ".gif", found.append)
    controller.cancel_estimate()
    opened.settle()
    assert len(found) == 1


def test_a_sheet_can_be_looked_at_first(opened, controller):
    found = []
    plan = SheetPlan(bases=(SampleBase(0),))
    controller.preview_sheet(plan, lambda image, problem: found.append((image, problem)))
    controller.preview_sheet(SheetPlan(), lambda image, problem: found.append((image, problem)))
    opened.settle()
    assert len(found) == 1
    assert "no pictures" in found[0][1]
    controller.preview_sheet(plan, lambda image, problem: found.append((image, problem)))
    opened.settle()
    assert isinstance(found[1][0], np.ndarray)


def test_an_estimate_says_what_it_waits_for(opened, controller):
    assert controller.blocked_reason == ""
    controller.estimate(controller.sources()[0].scene, SMALL, ".gif", lambda _found: None)
    assert controller.blocked_reason == ""
    opened.explorer.start_job("Finding attributes", lambda _budget: iter(()), lambda _value: None)
    assert controller.blocked_reason == "Waits for: Finding attributes"
    opened.settle()


def test_choices_are_kept_between_starts(opened, controller):
    chosen = AnimationSettings(size=256, fps=12.5, bar=True, budget_bytes=2_000_000)
    controller.save_choices(animation=chosen, suffix=".webp", top=3)
    again = stored.load(opened.folder / "settings.json")
    assert again.export == controller.choices
    assert (again.export.animation, again.export.suffix, again.export.top) == (chosen, ".webp", 3)


def test_pictures_to_choose_from(opened, controller):
    assert controller.bases("shown", 5) == [opened.explorer.state.base]
    assert controller.bases("samples", 2) == [SampleBase(0), SampleBase(3)]
    assert controller.bases("samples", 9) == [SampleBase(i) for i in range(4)]
    assert controller.bases("seeds", 3) == [SeedBase(0), SeedBase(1), SeedBase(2)]
    assert controller.bases("favourites", 3) == []
    explorer = opened.explorer
    explorer.change_document(explorer.document.with_favourite(SeedBase(8), True))
    assert controller.bases("favourites", 3) == [SeedBase(8)]
    scene = controller.flip_scene(SeedBase(8))
    assert scene is not None
    assert scene.timeline.name == SPOTS.name


def test_what_was_chosen_on_a_model_that_has_gone_is_not_written_of_another(opened, controller, tmp_path):
    asked, scene = opened.explorer.summary.model_hash, controller.sources()[0].scene
    opened.open("other.explainer")
    controller.export(tmp_path / "sweep.gif", scene, SMALL)
    controller.export_all(tmp_path / "all", 1, [SampleBase(0)], SMALL, model_hash=asked)
    controller.export_sheet(tmp_path / "sheet.png", SheetPlan(bases=(SeedBase(0),)), model_hash=asked)
    told = opened.settle()
    assert [ended.outcome for ended in of_type(told, JobEnded)] == ["failed"] * 3
    assert {trouble.failure.kind for trouble in of_type(told, updates.ErrorReport)} == {"user"}
    assert not [path for path in ("sweep.gif", "all", "sheet.png") if (tmp_path / path).exists()]
