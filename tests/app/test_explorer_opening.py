# SPDX-License-Identifier: MIT
"""Opening models: updates, refusals, and that no request reaches a model it was not made for."""

from __future__ import annotations

import dataclasses
import threading
from types import SimpleNamespace

import pytest
from fakes import EDGES, SECOND, SPOTS, FakeModelHost
from headless import HeadlessExplorer, of_type

from latent_explorer.app import library
from latent_explorer.app.engine.events import JobStarted
from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.intents import SetBase, SetClassifier
from latent_explorer.explain.recipe import SampleBase, SeedBase


def test_opening_an_explainer_shows_its_first_picture(headless):
    told = headless.open()
    assert [type(u).__name__ for u in told] == [
        "JobStarted",
        "JobEnded",
        "DeviceChanged",
        "ModelOpened",
        "FileChanged",
        "MainPicture",
    ]
    assert not of_type(told, JobStarted)[0].cancellable
    (model,) = of_type(told, updates.ModelOpened)
    assert model.summary.name == "leaf"
    assert model.state == headless.explorer.state
    assert model.device == "A card"
    (device,) = of_type(told, updates.DeviceChanged)
    assert device.choices[0] == ("auto", "Automatic (A card)")
    (picture,) = of_type(told, updates.MainPicture)
    assert picture.request.recipe.base == SampleBase(2)
    assert headless.explorer.shown is picture
    assert not headless.explorer.unsaved
    assert headless.explorer.settings.recent == (str(headless.folder / "leaf.explainer"),)


def test_everything_of_the_model_happens_on_the_engine_thread(opened):
    opened.explorer.apply(SetBase(SeedBase(3)))
    opened.settle()
    assert opened.host.renderers[-1].threads == {"engine"}


def test_a_window_that_asks_when_told_of_the_model_gets_its_pictures(headless):
    def on_opened(_update):
        headless.explorer.set_strip([SampleBase(i) for i in range(4)])
        headless.explorer.set_grid([SeedBase(1)])
        headless.explorer.hover(SPOTS)

    headless.explorer.updates.on(updates.ModelOpened, on_opened)
    told = headless.open()
    assert [u.base for u in of_type(told, updates.Thumbnail)] == [SampleBase(i) for i in range(4)]
    assert len(of_type(told, updates.GridPicture)) == 1
    assert [u.sign for u in of_type(told, updates.HoverPicture)] == [-1, 1]
    assert len(of_type(headless.open("other.explainer"), updates.Thumbnail)) == 4


@pytest.mark.parametrize(
    ("name", "words"),
    [("broken.explainer", "is no explainer"), ("none.explainer", "was not found"), ("leaf.txt", "cannot be opened")],
)
def test_what_cannot_be_opened_is_said_and_the_open_model_stays(opened, name, words):
    if name != "none.explainer" and name != "broken.explainer":
        (opened.folder / name).write_bytes(b"x")
    told = opened.open(name)
    (trouble,) = of_type(told, updates.ErrorReport)
    assert words in trouble.failure.message
    assert trouble.failure.kind == "user"
    assert opened.explorer.summary.model_hash == "a" * 64
    opened.explorer.apply(SetBase(SeedBase(1)))
    assert len(of_type(opened.settle(), updates.MainPicture)) == 1


def test_the_bundled_explainer_opens_or_its_absence_is_said(headless, monkeypatch):
    headless.explorer.open_bundled()
    (trouble,) = of_type(headless.settle(), updates.ErrorReport)
    assert "No explainer comes with this copy" in trouble.failure.message
    monkeypatch.setattr(library, "bundled", lambda: [headless.folder / "leaf.explainer"])
    headless.explorer.open_bundled()
    assert of_type(headless.settle(), updates.ModelOpened)
    assert headless.explorer.settings.recent == ()  # it need not be looked for


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
    assert [u.request.recipe.base for u in of_type(told, updates.MainPicture)] == [SampleBase(2)]
    assert of_type(told, updates.HoverPicture) == of_type(told, updates.GridPicture) == []


def test_of_two_files_opened_at_once_the_last_one_stays(headless):
    headless.explorer.open_path(headless.folder / "leaf.explainer")
    told = headless.open("other.explainer")
    assert len(of_type(told, updates.ModelOpened)) == 2
    assert headless.explorer.summary.model_hash == "b" * 64
    assert [r.model_hash for r in headless.host.renderers] == ["a" * 64, "b" * 64]
    assert headless.host.renderers[0].requests == []
    assert len(of_type(told, updates.MainPicture)) == 1


def test_the_device_can_be_changed_and_a_wrong_one_is_said(opened):
    shown = opened.explorer.shown.request
    opened.explorer.set_device("cpu")
    told = opened.settle()
    assert of_type(told, updates.DeviceChanged)[0].device == "CPU"
    assert opened.rendered == [shown]
    opened.explorer.set_device("tpu")
    told = opened.settle()
    assert "no device 'tpu'" in of_type(told, updates.ErrorReport)[0].failure.message
    opened.explorer.apply(SetBase(SeedBase(1)))
    assert of_type(opened.settle(), updates.MainPicture)


def test_a_remembered_card_that_is_gone_keeps_no_model_closed(headless):
    headless.explorer.change_settings(device="cuda:7")
    (model,) = of_type(headless.open(), updates.ModelOpened)
    assert model.device == "A card"


@pytest.mark.parametrize("first", ["leaf.explainer", "other.explainer"])
def test_of_two_files_of_a_model_the_one_with_the_asked_classifier_is_opened(headless, folder, first) -> None:
    """`add-classifier` leaves the model what it was: two files hold it, and one of them alone fits."""
    (folder / "second.explainer").write_text("a" * 64)
    headless.open("second.explainer")
    headless.explorer.apply(SetClassifier(SECOND.classifier_id, 1))
    headless.explorer.save(folder / "mine.exploration")
    headless.open("leaf.explainer")
    headless.open(first)
    exploration = exploration_file.read(folder / "mine.exploration")
    moved = dataclasses.replace(exploration, model_path=str(folder / "leaf.explainer"))
    exploration_file.write(folder / "mine.exploration", moved)
    told = headless.open("mine.exploration")
    assert not of_type(told, updates.ErrorReport)
    assert headless.explorer.summary.name == "second"
    assert headless.explorer.state.classifier_id == SECOND.classifier_id


def test_a_classifier_that_no_file_holds_is_said(headless, folder) -> None:
    (folder / "second.explainer").write_text("a" * 64)
    headless.open("second.explainer")
    headless.explorer.apply(SetClassifier(SECOND.classifier_id, 1))
    headless.explorer.save(folder / "mine.exploration")
    headless.open("leaf.explainer")
    (folder / "second.explainer").unlink()
    (trouble,) = of_type(headless.open("mine.exploration"), updates.ErrorReport)
    assert "its classifier is not in it" in trouble.failure.message
    assert headless.explorer.summary.name == "leaf"
    headless.explorer.apply(SetBase(SeedBase(1)))
    assert of_type(headless.settle(), updates.MainPicture)


class FussyHost(FakeModelHost):
    """Model host that fails in the named place when it opens "other"."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place

    def _fake_renderer(self, explainer, device):
        if self.place == "renderer" and explainer.summary().model_hash == "b" * 64:
            raise ValueError("no memory for this one")
        return super()._fake_renderer(explainer, device)

    @staticmethod
    def _read_text(path):
        explainer = FakeModelHost._read_text(path)
        if path.stem == "other":
            broken = dataclasses.replace(explainer.summary(), attribute_sets=(5,))
            explainer = SimpleNamespace(summary=lambda: broken)
        return explainer


@pytest.mark.parametrize("place", ["renderer", "session"])
def test_opening_is_all_or_nothing(folder, monkeypatch, place):
    """Whatever goes wrong, the window and the worker hold the same model."""
    monkeypatch.setattr(library, "bundled", list)
    headless = HeadlessExplorer(folder, FussyHost(place))
    headless.open()
    (trouble,) = of_type(headless.open("other.explainer"), updates.ErrorReport)
    assert trouble.failure.kind == "defect"
    assert headless.explorer.summary.model_hash == "a" * 64
    assert headless.host.explainer.summary().model_hash == "a" * 64
    assert headless.host.renderer.model_hash == "a" * 64
    headless.explorer.apply(SetBase(SeedBase(1)))
    assert len(of_type(headless.settle(), updates.MainPicture)) == 1
    headless.explorer.close()


def test_an_exploration_is_read_away_from_the_windows_thread(opened, monkeypatch):
    opened.explorer.save(opened.folder / "x.exploration")
    opened.settle()
    threads = set()
    read = exploration_file.read

    def watched(path):
        threads.add(threading.current_thread().name)
        return read(path)

    monkeypatch.setattr(exploration_file, "read", watched)
    told = opened.open("x.exploration")
    assert threads == {"engine"}
    assert of_type(told, updates.ErrorReport) == []
    assert len(of_type(told, updates.ModelOpened)) == 1
