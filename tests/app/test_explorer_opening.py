# SPDX-License-Identifier: MIT
"""Opening models: what is told, what is refused, and that no request reaches a model it was not made for."""

from __future__ import annotations

import dataclasses

import pytest
from fakes import EDGES, SECOND, SPOTS
from headless import of

from latent_explorer.app import library
from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.intents import (
    SetBase,
    SetClassifier,
)
from latent_explorer.explain.recipe import SampleBase, SeedBase


def test_opening_an_explainer_shows_its_first_picture(stage):
    told = stage.open()
    assert [type(u).__name__ for u in told] == [
        "JobStarted",
        "JobEnded",
        "DeviceChanged",
        "ModelOpened",
        "FileChanged",
        "MainPicture",
    ]
    assert not of(told, updates.JobStarted)[0].cancellable
    (model,) = of(told, updates.ModelOpened)
    assert model.summary.name == "leaf"
    assert model.state == stage.explorer.state
    assert model.device == "A card"
    (device,) = of(told, updates.DeviceChanged)
    assert device.choices[0] == ("auto", "Automatic (A card)")
    (picture,) = of(told, updates.MainPicture)
    assert picture.request.recipe.base == SampleBase(2)
    assert stage.explorer.shown is picture
    assert not stage.explorer.unsaved
    assert stage.explorer.settings.recent == (str(stage.folder / "leaf.explainer"),)


def test_everything_of_the_model_happens_on_the_engine_thread(opened):
    opened.explorer.apply(SetBase(SeedBase(3)))
    opened.settle()
    assert opened.bench.renderers[-1].threads == {"engine"}


def test_a_window_that_asks_when_told_of_the_model_gets_its_pictures(stage):
    def on_update(update):
        if isinstance(update, updates.ModelOpened):
            stage.explorer.set_strip([SampleBase(i) for i in range(4)])
            stage.explorer.set_grid([SeedBase(1)])
            stage.explorer.hover(SPOTS)

    stage.explorer.listeners.append(on_update)
    told = stage.open()
    assert [u.base for u in of(told, updates.Thumbnail)] == [SampleBase(i) for i in range(4)]
    assert len(of(told, updates.GridPicture)) == 1
    assert [u.sign for u in of(told, updates.HoverPicture)] == [-1, 1]
    assert len(of(stage.open("other.explainer"), updates.Thumbnail)) == 4


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("broken.explainer", "is no explainer"),
        ("none.explainer", "is not there"),
        ("leaf.txt", "cannot be opened"),
    ],
)
def test_what_cannot_be_opened_is_said_and_the_open_model_stays(opened, name, words):
    if name != "none.explainer" and name != "broken.explainer":
        (opened.folder / name).write_bytes(b"x")
    told = opened.open(name)
    (trouble,) = of(told, updates.Trouble)
    assert words in trouble.failure.message
    assert trouble.failure.kind == "user"
    assert opened.explorer.summary.model_hash == "a" * 64
    opened.explorer.apply(SetBase(SeedBase(1)))
    assert len(of(opened.settle(), updates.MainPicture)) == 1


def test_the_bundled_explainer_opens_or_its_absence_is_said(stage, monkeypatch):
    stage.explorer.open_bundled()
    (trouble,) = of(stage.settle(), updates.Trouble)
    assert "No explainer comes with this copy" in trouble.failure.message
    monkeypatch.setattr(library, "bundled", lambda: [stage.folder / "leaf.explainer"])
    stage.explorer.open_bundled()
    assert of(stage.settle(), updates.ModelOpened)
    assert stage.explorer.settings.recent == ()  # it need not be looked for


def test_no_request_reaches_a_model_it_was_not_made_for(opened):
    opened.explorer.hover(SPOTS)
    opened.explorer.set_grid([SeedBase(1), SeedBase(2)])
    opened.settle()
    opened.explorer.open_path(opened.folder / "other.explainer")
    opened.explorer.apply(SetBase(SeedBase(77)))  # still of the old model
    opened.explorer.hover(EDGES)
    opened.explorer.set_strip([SeedBase(78)])
    assert opened.explorer.start_attfind() is None
    told = opened.settle()
    assert [r.recipe.base for r in opened.rendered] == [SampleBase(2)]
    assert [u.request.recipe.base for u in of(told, updates.MainPicture)] == [SampleBase(2)]
    assert of(told, updates.HoverPicture) == of(told, updates.GridPicture) == []


def test_of_two_files_opened_at_once_the_last_one_stays(stage):
    stage.explorer.open_path(stage.folder / "leaf.explainer")
    told = stage.open("other.explainer")
    assert len(of(told, updates.ModelOpened)) == 2
    assert stage.explorer.summary.model_hash == "b" * 64
    assert [r.model_hash for r in stage.bench.renderers] == ["a" * 64, "b" * 64]
    assert stage.bench.renderers[0].requests == []
    assert len(of(told, updates.MainPicture)) == 1


def test_the_device_can_be_changed_and_a_wrong_one_is_said(opened):
    shown = opened.explorer.shown.request
    opened.explorer.set_device("cpu")
    told = opened.settle()
    assert of(told, updates.DeviceChanged)[0].device == "CPU"
    assert opened.rendered == [shown]
    opened.explorer.set_device("tpu")
    told = opened.settle()
    assert "no device 'tpu'" in of(told, updates.Trouble)[0].failure.message
    opened.explorer.apply(SetBase(SeedBase(1)))
    assert of(opened.settle(), updates.MainPicture)


def test_a_remembered_card_that_is_gone_keeps_no_model_closed(stage):
    stage.explorer.change_settings(device="cuda:7")
    (model,) = of(stage.open(), updates.ModelOpened)
    assert model.device == "A card"


@pytest.mark.parametrize("first", ["leaf.explainer", "other.explainer"])
def test_of_two_files_of_a_model_the_one_with_the_asked_classifier_is_opened(
    stage, folder, first
) -> None:
    """`add-classifier` leaves the model what it was: two files hold it, and one of them alone fits."""
    (folder / "second.explainer").write_text("a" * 64)
    stage.open("second.explainer")
    stage.explorer.apply(SetClassifier(SECOND.classifier_id, 1))
    stage.explorer.save(folder / "mine.exploration")
    stage.open("leaf.explainer")
    stage.open(first)
    exploration = exploration_file.read(folder / "mine.exploration")
    moved = dataclasses.replace(exploration, model_path=str(folder / "leaf.explainer"))
    exploration_file.write(folder / "mine.exploration", moved)
    told = stage.open("mine.exploration")
    assert not of(told, updates.Trouble)
    assert stage.explorer.summary.name == "second"
    assert stage.explorer.state.classifier_id == SECOND.classifier_id


def test_a_classifier_that_no_file_holds_is_said(stage, folder) -> None:
    (folder / "second.explainer").write_text("a" * 64)
    stage.open("second.explainer")
    stage.explorer.apply(SetClassifier(SECOND.classifier_id, 1))
    stage.explorer.save(folder / "mine.exploration")
    stage.open("leaf.explainer")
    (folder / "second.explainer").unlink()
    (trouble,) = of(stage.open("mine.exploration"), updates.Trouble)
    assert "its classifier is not in it" in trouble.failure.message
    assert stage.explorer.summary.name == "leaf"
    stage.explorer.apply(SetBase(SeedBase(1)))
    assert of(stage.settle(), updates.MainPicture)
