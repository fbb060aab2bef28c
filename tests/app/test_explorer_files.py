# SPDX-License-Identifier: MIT
"""The user's document, its file, its recovery, and what leaves the program."""

from __future__ import annotations

import threading

import msgspec
import numpy as np
import pytest
from fakes import BOTH, EDGES, SPOTS
from headless import HeadlessExplorer, of_type
from PIL import Image

from latent_explorer.app import library
from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration import recipe_png, updates
from latent_explorer.app.exploration.document import single_slider
from latent_explorer.app.exploration.intents import SetAttribute, SetTarget
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Progress
from latent_explorer.explain.recipe import SampleBase


def test_what_the_person_adds_changes_the_list_of_attributes(opened):
    explorer = opened.explorer
    explorer.change_document(explorer.document.renamed(SPOTS, "brown spots"))
    explorer.change_document(explorer.document.with_slider(single_slider(20, 1)))
    explorer.change_document(explorer.document.with_pin(EDGES, True))
    explorer.change_document(explorer.document)  # nothing new
    assert len(of_type(opened.settle(), updates.DocumentChanged)) == 3
    assert [a.name for a in explorer.attributes()] == ["Style 5 down", "Style 20 up", "brown spots"]
    assert explorer.unsaved
    assert explorer.undo_text == ""


def test_save_and_open_bring_everything_back(opened, folder):
    explorer = opened.explorer
    explorer.apply(SetAttribute(BOTH, 0.7))
    explorer.change_document(explorer.document.renamed(SPOTS, "brown spots"))
    told = opened.settle()
    assert [u.unsaved for u in of_type(told, updates.FileChanged)] == [True]
    assert not explorer.save()  # it has no file yet
    assert explorer.save(folder / "mine.exploration")
    assert explorer.path == folder / "mine.exploration"
    assert [u.unsaved for u in of_type(opened.settle(), updates.FileChanged)] == [False]
    state, document = explorer.state, explorer.document
    explorer.apply(SetAttribute(BOTH, 0.1))
    assert explorer.unsaved
    told = opened.open("mine.exploration")
    assert explorer.state == state
    assert explorer.document == document
    assert not explorer.unsaved
    assert explorer.undo_text == ""
    assert len(of_type(told, updates.ModelOpened)) == 1
    assert of_type(told, updates.MainPicture)[-1].request.recipe.edits == state.edits
    assert len(opened.host.renderers) == 1  # the model was open already


def test_an_exploration_opens_its_model_wherever_it_is_found(opened, folder):
    opened.explorer.apply(SetAttribute(SPOTS, 0.7))
    opened.explorer.save(folder / "mine.exploration")
    state = opened.explorer.state
    opened.open("other.explainer")
    told = opened.open("mine.exploration")  # by the path it remembers
    assert of_type(told, updates.ErrorReport) == []
    assert opened.explorer.state == state
    opened.open("other.explainer")
    moved = folder / "elsewhere"
    moved.mkdir()
    (folder / "leaf.explainer").rename(moved / "renamed.explainer")
    told = opened.open("mine.exploration")
    assert "belongs to leaf (model aaaaaaaaaaaa)" in of_type(told, updates.ErrorReport)[0].failure.message
    assert opened.explorer.summary.model_hash == "b" * 64
    assert opened.explorer.shown is not None
    opened.open("elsewhere/renamed.explainer")
    opened.open("other.explainer")
    opened.open("mine.exploration")  # by its hash among the recent ones
    assert opened.explorer.state == state


def test_saving_where_it_is_impossible_is_said(opened, folder):
    opened.explorer.apply(SetAttribute(SPOTS, 0.7))
    opened.settle()
    assert not opened.explorer.save(folder / "no" / "mine.exploration")
    assert "cannot be written" in of_type(opened.settle(), updates.ErrorReport)[0].failure.message
    assert opened.explorer.path is None
    assert opened.explorer.unsaved


def test_a_crash_is_offered_again_and_thrown_away_only_when_it_is_back(folder, monkeypatch):
    monkeypatch.setattr(library, "bundled", list)
    first = HeadlessExplorer(folder)
    first.open()
    assert not first.explorer.autosave()  # nothing to lose yet
    first.explorer.apply(SetAttribute(SPOTS, 0.7))
    state = first.explorer.state
    assert first.explorer.autosave()
    assert not first.explorer.autosave()
    first.explorer.close(keep_autosave=True)  # as good as a crash

    second = HeadlessExplorer(folder)
    (recovery,) = second.explorer.recoverable()
    (folder / "leaf.explainer").rename(folder / "gone")
    second.explorer.recover(recovery)
    assert of_type(second.settle(), updates.ErrorReport)
    assert len(second.explorer.recoverable()) == 1
    (folder / "gone").rename(folder / "leaf.explainer")
    second.explorer.recover(recovery)
    second.settle()
    assert second.explorer.state == state
    assert second.explorer.unsaved
    assert second.explorer.path is None
    assert second.explorer.recoverable() == []
    second.explorer.close()

    third = HeadlessExplorer(folder)
    assert third.explorer.recoverable() == []  # it was closed in good order
    third.explorer.close()


def test_a_png_restores_its_state_as_one_undoable_step(opened, folder):
    opened.explorer.apply(SetAttribute(SPOTS, 0.7))
    opened.settle()
    state = opened.explorer.state
    opened.explorer.export_png(folder / "leaf.png")
    assert of_type(opened.settle(), updates.Message)[0].text == "Saved leaf.png."
    np.testing.assert_array_equal(
        recipe_png.read_recipe(folder / "leaf.png").image, opened.explorer.shown.result.after.image
    )
    opened.explorer.change_document(opened.explorer.document.renamed(SPOTS, "kept"))
    opened.explorer.apply(SetAttribute(SPOTS, -0.2))
    opened.open("leaf.png")
    assert opened.explorer.state == state
    assert opened.explorer.document.names
    assert opened.explorer.undo_text == "Undo recipe of leaf.png"
    opened.open("other.explainer")
    opened.open("leaf.png")  # of another model: that one is found
    assert opened.explorer.state == state


def test_a_png_holds_the_state_of_the_picture_not_of_the_slider_beyond_it(opened):
    opened.explorer.apply(SetAttribute(SPOTS, 0.7))
    opened.settle()
    drawn = opened.explorer.state
    opened.explorer.apply(SetAttribute(SPOTS, 0.9))  # its picture has not come yet
    (opened.folder / "x.png").write_bytes(opened.explorer.png())
    assert recipe_png.read_recipe(opened.folder / "x.png").state == drawn
    opened.settle()
    opened.explorer.apply(SetTarget(0))  # the same picture in another state
    (opened.folder / "x.png").write_bytes(opened.explorer.png())
    assert recipe_png.read_recipe(opened.folder / "x.png").state == opened.explorer.state


def test_without_a_picture_there_is_nothing_to_export(headless):
    headless.explorer.export_png(headless.folder / "x.png")
    assert "no picture to export" in of_type(headless.settle(), updates.ErrorReport)[0].failure.message
    with pytest.raises(UserError):
        headless.explorer.png()


def test_a_stored_state_that_does_not_fit_is_refused(opened, folder):
    opened.settle()
    odd = msgspec.structs.replace(opened.explorer.state, base=SampleBase(99))
    recipe_png.write_png(folder / "odd.png", np.zeros((16, 16, 3), np.uint8), odd)
    told = opened.open("odd.png")
    assert "its sample is not in it" in of_type(told, updates.ErrorReport)[0].failure.message
    assert opened.explorer.state.base == SampleBase(2)


def test_the_later_of_two_windows_does_not_overwrite_the_earlier_silently(folder, monkeypatch):
    monkeypatch.setattr(library, "bundled", list)
    path = folder / "shared.exploration"
    windows = [HeadlessExplorer(folder), HeadlessExplorer(folder)]
    for window in windows:
        window.open()
    first, second = (window.explorer for window in windows)
    first.save(path)
    windows[1].open("shared.exploration")
    second.apply(SetAttribute(SPOTS, 0.7))
    assert not second.changed_elsewhere
    assert second.save()
    first.apply(SetAttribute(SPOTS, -0.3))
    assert first.changed_elsewhere
    assert not first.save()
    (said,) = of_type(windows[0].settle(), updates.ErrorReport)
    assert "changed by another window" in said.failure.message
    assert exploration_file.read(path).state == second.state
    assert first.save(replace=True)
    assert exploration_file.read(path).state == first.state
    assert not first.changed_elsewhere
    first.apply(SetAttribute(SPOTS, 0.1))
    path.unlink()
    assert first.save(), "one that was deleted is written again"
    for window in windows:
        window.explorer.close()


def test_an_autosave_that_fails_is_said_once_for_each_reason(opened, monkeypatch):
    def full(path, exploration):
        raise UserError(f"{path.name} cannot be written.") from OSError(28, "No space left on device")

    monkeypatch.setattr(exploration_file, "write", full)
    for amount in (0.1, 0.2, 0.3):
        opened.explorer.apply(SetAttribute(SPOTS, amount))
        assert not opened.explorer.autosave()
    (said,) = of_type(opened.settle(), updates.Message)
    assert "No space left on device" in said.text
    assert said.severity == "warning"

    def refused(path, exploration):
        raise UserError("Its notes are too long.")

    monkeypatch.setattr(exploration_file, "write", refused)
    for amount in (0.4, 0.5):
        opened.explorer.apply(SetAttribute(SPOTS, amount))
        opened.explorer.autosave()
    (said,) = of_type(opened.settle(), updates.Message)
    assert "notes are too long" in said.text


def test_running_jobs_are_named_before_another_model_ends_them(opened):
    asked = []
    opened.explorer.may_leave = lambda jobs: asked.append(tuple(jobs)) or False
    job = opened.explorer.start_model_job("Searching", lambda _host, _budget: iter_forever(), lambda _value: None)
    opened.explorer.start_job("Exporting", lambda _budget: iter_forever(), lambda _value: None)
    opened.explorer.open_path(opened.folder / "other.explainer")
    assert asked == [("Searching",)]
    assert opened.explorer.jobs
    for number in [job, *opened.explorer.jobs]:
        opened.explorer.cancel(number)
    opened.settle()


def test_a_search_of_one_exploration_adds_nothing_to_another_of_the_same_model(opened):
    explorer, asked, found = opened.explorer, [], []
    explorer.save(opened.folder / "first.exploration")
    explorer.may_leave = lambda jobs: asked.append(tuple(jobs)) or True
    explorer.start_model_job("Searching", lambda _host, _budget: iter_forever(), found.append)
    explorer.open_path(opened.folder / "first.exploration")
    while explorer.jobs:
        opened.posted.get(timeout=60)()
    assert asked == [("Searching",)]


def test_a_search_that_ends_while_another_exploration_is_being_opened_adds_nothing_to_it(opened):
    explorer, asked, found, gate = opened.explorer, [], [], threading.Event()
    explorer.save(opened.folder / "first.exploration")
    explorer.may_leave = lambda jobs: asked.append(tuple(jobs)) or True

    def search(_host, _budget):
        while not asked:
            yield Progress(0, 1, "")
        gate.wait(60)
        yield Progress(0, 1, "")  # the exploration is prepared between two steps
        return "found"

    explorer.start_model_job("Searching", search, found.append)
    explorer.open_path(opened.folder / "first.exploration")
    while not asked:
        opened.posted.get(timeout=60)()
    gate.set()  # both results arrive together
    opened.settle()
    assert explorer.path == opened.folder / "first.exploration"
    assert not found


def test_a_photo_is_not_decoded_in_the_windows_thread(opened, monkeypatch):
    Image.new("RGB", (8, 8)).save(opened.folder / "photo.png")
    threads, read = [], recipe_png.read_recipe
    monkeypatch.setattr(
        recipe_png, "read_recipe", lambda path: threads.append(threading.current_thread()) or read(path)
    )
    (dropped,) = of_type(opened.open("photo.png"), updates.PicturesDropped)
    assert dropped.paths == (opened.folder / "photo.png",)
    assert threads
    assert threading.current_thread() not in threads


def iter_forever():
    while True:
        yield Progress(0, 1, "")
