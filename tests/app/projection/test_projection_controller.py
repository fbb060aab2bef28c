# SPDX-License-Identifier: MIT
"""The projection controller: photos of every kind, a run that keeps its best, results in the strip,
latents in and out."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from fake_projection import fake_project, make_projected
from headless import of_type
from PIL import Image

from latent_explorer.app import library
from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.intents import SetEdits, SetTruncateEncoded
from latent_explorer.app.exploration.updates import (
    PhotosChanged,
    ProjectionEnded,
    ProjectionProgress,
    ProjectionStarted,
)
from latent_explorer.app.projection import photos
from latent_explorer.app.projection.controller import ProjectionController
from latent_explorer.common.events import Metric
from latent_explorer.data.crop import Crop
from latent_explorer.explain.projected import read_projected, write_projected
from latent_explorer.explain.recipe import ProjectedBase, StyleShift

RNG = np.random.default_rng(0)


@pytest.fixture
def controller(headless):
    made = ProjectionController(headless.explorer, headless.posted.put, project=fake_project)
    made.change(steps=12)
    yield made
    made.close()


@pytest.fixture
def ready(opened, controller):
    opened.settle()
    return controller


def save(path, height=30, width=40, **options):
    Image.fromarray(RNG.integers(0, 256, (height, width, 3), np.uint8)).save(path, **options)
    return path


def read(headless):
    """Wait for the file's recipe, then for the reader, then for everything else."""
    told = headless.settle()
    for thread in threading.enumerate():
        if thread.name == "photos":
            thread.join(60)
    return told + headless.settle()


def test_photos_come_by_file_and_by_folder_and_broken_ones_are_told_in_one_sentence(headless, ready, tmp_path):
    folder = tmp_path / "leaves"
    (folder / "below").mkdir(parents=True)
    for name in ("b.png", "a.jpg", "below/c.webp"):
        save(folder / name)
    (folder / "broken.png").write_bytes(b"nothing")
    (folder / "notes.txt").write_text("x")
    headless.explorer.open_path(folder)
    told = read(headless)
    assert [photo.name for photo in ready.photos] == ["a.jpg", "b.png", "c.webp"]
    (said,) = of_type(told, updates.Message)
    assert said.text.startswith("1 of 4 pictures could not be read. broken.png cannot be read")
    assert of_type(told, PhotosChanged)[0].opened
    assert of_type(told, updates.ErrorReport) == []


def test_one_broken_photo_and_an_empty_folder_say_why(headless, ready, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"x")
    headless.explorer.open_path(tmp_path / "bad.jpg")
    assert "bad.jpg cannot be read as a picture" in of_type(read(headless), updates.Message)[0].text
    for name in ("c.jpg", "d.jpg"):
        (tmp_path / name).write_bytes(b"x")
    headless.explorer.open_path(*(tmp_path / name for name in ("bad.jpg", "c.jpg", "d.jpg")))
    text = of_type(read(headless), updates.Message)[0].text
    assert text.startswith("3 of 3 pictures could not be read. bad.jpg cannot be read")
    assert text.endswith("Also unreadable: c.jpg, d.jpg.")
    (tmp_path / "empty").mkdir()
    headless.explorer.open_path(tmp_path / "empty")
    assert "no picture in that folder" in of_type(read(headless), updates.Message)[0].text


def test_a_bomb_is_refused_in_a_sentence(headless, ready, tmp_path, monkeypatch):
    monkeypatch.setattr("latent_explorer.data.images.MAX_PIXELS", 100)
    headless.explorer.open_path(save(tmp_path / "huge.png"))
    (said,) = of_type(read(headless), updates.Message)
    assert said.text.startswith("huge.png is larger than")
    assert ready.photos == ()


def test_a_large_photo_is_kept_small_and_cut_from_the_file(headless, ready, tmp_path, monkeypatch):
    monkeypatch.setattr(photos, "MAX_DISPLAY_SIZE", 20)
    path = save(tmp_path / "large.png", 60, 80)
    headless.explorer.open_path(path)
    read(headless)
    assert ready.photo.image.shape == (15, 20, 3)
    assert ready.photo.full().shape == (60, 80, 3)
    assert ready.photo.crop_image(16).shape == (16, 16, 3)


def test_a_photo_that_is_kept_whole_is_not_read_again(headless, ready, tmp_path):
    path = save(tmp_path / "small.png", 60, 80)
    headless.explorer.open_path(path)
    read(headless)
    path.unlink()
    assert ready.photo.full() is ready.photo.image


def test_more_than_fit_are_left_out_and_said(headless, ready, tmp_path, monkeypatch):
    monkeypatch.setattr("latent_explorer.app.projection.controller.MAX_PHOTOS", 2)
    for i in range(3):
        save(tmp_path / f"{i}.png")
    headless.explorer.open_path(*(tmp_path / f"{i}.png" for i in range(3)))
    told = read(headless)
    assert len(ready.photos) == 2
    assert "1 were left out" in of_type(told, updates.Message)[0].text


def test_a_photo_without_a_model_opens_the_bundled_one(headless, controller, tmp_path, monkeypatch):
    monkeypatch.setattr(library, "bundled_explainer", lambda _name: tmp_path / "leaf.explainer")
    headless.explorer.open_path(save(tmp_path / "p.png"))
    read(headless)
    assert headless.explorer.summary is not None
    assert controller.photo.name == "p.png"


def test_crops_and_removing(ready):
    for i in range(3):
        ready.open_image(np.zeros((20, 30, 3), np.uint8), f"{i}")
    ready.select_photo(1)
    ready.set_crop(Crop(0.1, 0.2, 0.5))
    assert ready.photos[1].crop == Crop(0.1, 0.2, 0.5)
    ready.set_crop(Crop(99, 99, 1e9))
    assert ready.photo.crop.size == 1.5
    ready.remove(0)
    assert [p.name for p in ready.photos] == ["1", "2"]
    assert ready.photo.name == "1"
    ready.remove(1)
    ready.clear()
    assert ready.photo is None
    ready.set_crop(Crop(0, 0, 1))  # nothing to cut, nothing happens
    ready.start()
    assert ready.run is None


def test_a_run_shows_its_way_and_ends_in_the_strip_and_on_the_canvas(headless, ready):
    explorer = headless.explorer
    ready.open_image(RNG.integers(0, 256, (20, 30, 3), np.uint8), "one")
    ready.open_image(RNG.integers(0, 256, (20, 20, 3), np.uint8), "two")
    explorer.apply(SetEdits((StyleShift(0, "max", 0.5),)))
    explorer.apply(SetTruncateEncoded(on=True))
    before = explorer.state
    headless.settle()
    ready.select_photo(1)
    ready.start()
    ready.start()  # at work already
    run = ready.run
    told = headless.settle()
    assert len(of_type(told, ProjectionStarted)) == 1
    assert any(update.pictures for update in of_type(told, ProjectionProgress))
    assert [len(curve) for curve in run.curves] == [12, 12]
    assert run.curves[0][-1][1] < run.curves[0][0][1]
    assert run.progress.done == 12
    (ended,) = of_type(told, ProjectionEnded)
    assert ended.outcome == "finished"
    assert explorer.document.projected == ended.latent_ids
    assert explorer.state.base == ProjectedBase(ended.latent_ids[1]), "the one that was looked at"
    assert not explorer.state.edits, "it is shown as it was found"
    assert not explorer.state.truncate_encoded
    assert ready.run is None
    assert ready.photos == ()
    explorer.undo()
    assert explorer.state == before
    assert len(explorer.document.projected) == 2, "undo leaves the strip alone"


def test_cancel_keeps_the_best(headless, ready):
    def endless(*arguments):
        job = fake_project(*arguments)
        for _ in range(8):
            yield next(job)
        while True:
            time.sleep(0.001)
            yield Metric(0)

    ready.project = endless
    ready.open_image(np.zeros((20, 20, 3), np.uint8), "one")
    ready.start()
    deadline = time.monotonic() + 60
    while not ready.run.pictures and time.monotonic() < deadline:
        while not headless.posted.empty():
            headless.posted.get()()
    best = ready.run.pictures[0]
    ready.cancel()
    (ended,) = of_type(headless.settle(), ProjectionEnded)
    assert ended.outcome == "cancelled"
    assert ended.latent_ids == (best.latent_id,)
    assert headless.explorer.state.base == ProjectedBase(best.latent_id)


def test_cancelled_before_anything_was_found_keeps_the_photos(headless, ready):
    def slow(*_arguments):
        while True:
            time.sleep(0.001)
            yield Metric(0)

    ready.project = slow
    ready.open_image(np.zeros((20, 20, 3), np.uint8), "one")
    ready.start()
    ready.cancel()
    (ended,) = of_type(headless.settle(), ProjectionEnded)
    assert ended.latent_ids == ()
    assert len(ready.photos) == 1


def test_a_failure_is_told_and_the_photos_stay(headless, ready):
    def broken(*_arguments):
        yield Metric(0)
        raise MemoryError

    ready.project = broken
    ready.open_image(np.zeros((20, 20, 3), np.uint8), "one")
    ready.start()
    told = headless.settle()
    assert "memory" in of_type(told, updates.ErrorReport)[0].failure.message
    assert of_type(told, ProjectionEnded)[0].outcome == "failed"
    assert len(ready.photos) == 1


def test_another_model_ends_the_run_and_leaves_no_trace(headless, ready):
    ready.change(steps=2000)
    ready.open_image(np.zeros((20, 20, 3), np.uint8), "one")
    ready.start()
    told = headless.open("other.explainer")
    assert ready.run is None
    assert len(of_type(told, ProjectionEnded)) == 1
    assert headless.explorer.document.projected == ()
    assert of_type(told, updates.ErrorReport) == []


def test_projections_are_opened_from_files(headless, ready, tmp_path):
    mine, foreign = make_projected(seed=5), make_projected(model_hash="b" * 64)
    write_projected(tmp_path / "mine.projection", mine)
    write_projected(tmp_path / "foreign.projection", foreign)
    (tmp_path / "broken.projection").write_bytes(b"?")
    headless.explorer.open_path(*(tmp_path / f"{n}.projection" for n in ("mine", "foreign", "broken")))
    troubles = [t.failure.message for t in of_type(headless.settle(), updates.ErrorReport)]
    assert headless.explorer.document.projected == (mine.latent_id,)
    assert "another model" in troubles[0]
    assert "cannot be read as a projection" in troubles[1]
    ready.remove_projected(mine.latent_id)
    assert headless.explorer.document.projected == ()
    assert headless.explorer.latents.get(mine.latent_id) is not None
    ready.export(mine.latent_id, tmp_path / "again.projection")
    assert read_projected(tmp_path / "again.projection").latent_id == mine.latent_id
