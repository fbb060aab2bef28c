# SPDX-License-Identifier: MIT
"""Photographs to explain: refined once, asked again when the question changes, in view first, cancelled when closed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fake_photographs import FakeSearch, change
from panel_harness import explorer_on, open_model, waiting_for
from PIL import Image

from latent_explorer.app.exploration.intents import SetClassifier
from latent_explorer.app.exploration.updates import ErrorReport, Message
from latent_explorer.app.photograph.controller import PhotographController
from latent_explorer.app.projection.photos import photo_of
from latent_explorer.common.errors import UserError
from latent_explorer.data.crop import Crop
from latent_explorer.ui.main_thread import MainThreadInvoker

WAIT = 60_000  # ms


@pytest.fixture
def explorer(qtbot, tmp_path):
    with explorer_on(tmp_path, classifiers=3) as made:
        open_model(qtbot, made, tmp_path)
        yield made


@pytest.fixture
def search():
    return FakeSearch()


@pytest.fixture
def controller(explorer, search):
    invoker = MainThreadInvoker()
    made = PhotographController(explorer, invoker.post, refine=search.refine, explain=search.explain)
    made.set_active(True)
    yield made
    made.close()
    invoker.close()
    invoker.deleteLater()


def photo(name="leaf.png", value=90):
    return photo_of(np.full((70, 90, 3), value, np.uint8), name)


def known(qtbot, controller):
    qtbot.waitUntil(lambda: all(controller.is_known(case) for case in controller.cases), timeout=WAIT)


def region(value=1.0):
    only = np.zeros((64, 64), np.float32)
    only[:8] = value
    return only


def test_a_photograph_is_refined_then_asked_about_with_what_the_panel_lists(qtbot, explorer, controller, search):
    controller.add(photo())
    known(qtbot, controller)
    assert search.refined == ["leaf.png"]
    (question,) = search.questions
    assert (question.classifier_id, question.target, question.only) == (explorer.state.classifier_id, None, None)
    listed = [a.name for a in explorer.attributes()]
    assert [a.name for a in question.attributes if a.target == explorer.state.target_class] == listed
    assert controller.case.change.attributes == question.attributes[:1]


def test_another_region_or_class_asks_again_without_refining_again(qtbot, controller, search):
    controller.add(photo())
    known(qtbot, controller)
    controller.paint(region())
    assert not controller.is_known(controller.case)
    known(qtbot, controller)
    controller.set_target(0)
    known(qtbot, controller)
    controller.paint(region(0))
    known(qtbot, controller)
    assert search.refined == ["leaf.png"]
    assert [(q.target, q.only is not None) for q in search.questions] == [
        (None, False),
        (None, True),
        (0, True),
        (0, False),
    ]


def test_painting_during_a_search_gives_it_up(qtbot, controller, search):
    search.held = True
    controller.add(photo())
    qtbot.waitUntil(lambda: search.holding, timeout=WAIT)
    controller.paint(region())  # the copy is refined all the same
    assert controller.run.stage == "refine"
    search.held = False
    known(qtbot, controller)
    assert [q.only is not None for q in search.questions] == [True]
    search.held = True
    controller.paint(region(0.5))
    qtbot.waitUntil(lambda: len(search.questions) == 2 and search.holding, timeout=WAIT)
    qtbot.waitUntil(lambda: controller.case.change.random.n == 0, timeout=WAIT)  # verdicts come first
    controller.paint(region(0.7))
    qtbot.waitUntil(lambda: len(search.questions) == 3, timeout=WAIT)
    search.held = False
    known(qtbot, controller)
    assert search.questions[-1].only.max() == np.float32(0.7)
    assert search.refined == ["leaf.png"]


def test_another_classifier_refines_again_and_the_main_windows_is_followed(qtbot, explorer, controller, search):
    first, _other, second = (each.classifier_id for each in controller.classifiers)
    controller.add(photo())
    known(qtbot, controller)
    explorer.apply(SetClassifier(second, 0))
    known(qtbot, controller)
    assert controller.classifier.classifier_id == second
    controller.set_classifier(first)
    known(qtbot, controller)
    explorer.apply(SetClassifier(first, 0))
    explorer.apply(SetClassifier(second, 0))
    assert controller.classifier.classifier_id == first  # chosen here
    assert [q.classifier_id for q in search.questions] == [first, second, first]
    assert len(search.refined) == 3


def test_the_photograph_in_view_goes_first(qtbot, controller, search):
    search.held = True
    controller.add(photo("a"), photo("b"), photo("c"))
    qtbot.waitUntil(lambda: search.holding, timeout=WAIT)
    controller.select(2)
    search.held = False
    known(qtbot, controller)
    assert search.refined == ["a", "c", "b"]


def test_closing_cancels_and_opening_goes_on(qtbot, explorer, controller, search):
    search.held = True
    controller.add(photo())
    qtbot.waitUntil(lambda: search.holding, timeout=WAIT)
    controller.set_active(False)
    qtbot.waitUntil(lambda: not explorer.jobs, timeout=WAIT)
    assert controller.run is None
    search.held = False
    controller.set_active(True)
    known(qtbot, controller)


def test_what_was_stopped_waits_until_it_is_wanted(qtbot, explorer, controller, search):
    search.held = True
    controller.add(photo("a"), photo("b"))
    qtbot.waitUntil(lambda: search.holding, timeout=WAIT)
    controller.stop()
    qtbot.waitUntil(lambda: not explorer.jobs, timeout=WAIT)
    assert controller.run is None
    assert all(case.stopped for case in controller.cases)
    search.held = False
    controller.go_on()
    known(qtbot, controller)


def test_a_failure_is_said_once_and_the_next_photograph_goes_on(qtbot, explorer, controller, search):
    whole = search.refine

    def refine(host, budget, each, key):
        if each.name == "bad":
            raise UserError("This cannot be refined. Choose another.")
        return (yield from whole(host, budget, each, key))

    controller._refine = refine
    with waiting_for(qtbot, explorer, ErrorReport) as reports:
        controller.add(photo("bad"), photo("good"))
    qtbot.waitUntil(lambda: controller.is_known(controller.cases[1]), timeout=WAIT)
    assert controller.cases[0].problem == "This cannot be refined. Choose another."
    assert len(reports) == 1


def test_files_are_read_and_what_is_no_picture_is_named(qtbot, explorer, controller, tmp_path):
    Image.new("RGB", (80, 60), "green").save(tmp_path / "one.png")
    (tmp_path / "two.png").write_bytes(b"no picture")
    with waiting_for(qtbot, explorer, Message) as messages:
        controller.open_photos([tmp_path / "one.png", tmp_path / "two.png"])
    known(qtbot, controller)
    assert [case.photo.name for case in controller.cases] == ["one.png"]
    assert "two.png" in messages[0].text


def test_another_square_of_the_photograph_is_another_question(qtbot, controller, search):
    controller.add(photo())
    known(qtbot, controller)
    controller.set_crop(Crop(0.0, 0.0, 0.5))
    known(qtbot, controller)
    assert search.refined == ["leaf.png"] * 2
    controller.remove(0)
    assert controller.case is None


def test_a_name_that_is_given_stands_in_what_is_known_and_asks_nothing(qtbot, explorer, controller, search):
    controller.add(photo())
    known(qtbot, controller)
    (attribute,) = controller.case.change.attributes
    explorer.change_document(explorer.document.renamed(attribute, "rust"))
    assert controller.case.change.attributes[0].name == "rust"
    assert len(search.questions) == 1


def test_another_model_begins_again_with_the_same_photographs(qtbot, explorer, controller, search, tmp_path):
    controller.add(photo())
    known(qtbot, controller)
    controller.paint(region())
    open_model(qtbot, explorer, tmp_path)
    qtbot.waitUntil(lambda: len(search.refined) == 2, timeout=WAIT)
    known(qtbot, controller)
    assert controller.case.only is None


def test_the_sheet_and_the_figures_show_the_change_that_is_looked_at(qtbot, controller, search, tmp_path):
    search.changes = lambda question: tuple(change((each,)) for each in question.attributes[:2])
    controller.add(photo())
    known(qtbot, controller)
    controller.case.chosen = 1
    names = [each.attributes[0].name for each in controller.case.explanation.changes]
    controller.save(tmp_path / "figures.json")
    (found,) = json.loads((tmp_path / "figures.json").read_text())["photos"]
    assert [each["attributes"] for each in found["changes"]] == [[names[1]], [names[0]]]
    controller.save(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 800
