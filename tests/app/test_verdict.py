# SPDX-License-Identifier: MIT
"""What turns the verdict of the picture on the canvas, asked of the engine beside everything else."""

from __future__ import annotations

import msgspec
import pytest
from fake_explainer import PLACES, TRAITS, model_host
from headless import HeadlessExplorer

from latent_explorer.app.engine.events import PictureReady
from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.intents import SetAttribute, SetBase, SetEdits, SetTarget
from latent_explorer.app.exploration.picture_requests import resolve
from latent_explorer.app.exploration.state import with_attributes
from latent_explorer.app.exploration.updates import TimelinePlaying, VerdictOffers
from latent_explorer.app.verdict import SLOT, VerdictTurner
from latent_explorer.explain.recipe import SampleBase
from latent_explorer.models.attributes import Attribute, AttributeEntry


@pytest.fixture
def turning(folder):
    """Return a headless explorer on the painted leaves, with its turner."""
    headless = HeadlessExplorer(folder, model_host())
    turner = VerdictTurner(headless.explorer)
    yield headless, turner
    headless.explorer.close()


def offers(told):
    return [update for update in told if isinstance(update, VerdictOffers)]


def test_every_offer_turns_the_picture_as_it_is_rendered(turning):
    headless, _ = turning
    (found,) = offers(headless.open())
    explorer = headless.explorer
    assert found.request == resolve(explorer.state, explorer.summary)
    assert 1 <= len(found.sets) <= 3
    for each in found.sets:
        assert each.picture.logits.argmax() == found.target
        moved = with_attributes(explorer.state, each.attributes)
        explorer.apply(SetEdits(moved.edits))
        headless.settle()
        assert (explorer.shown.result.after.image == each.picture.image).all()
        explorer.undo()
        headless.settle()


def test_the_picture_with_its_edits_is_asked_about(turning):
    headless, _ = turning
    headless.open()
    attribute = headless.explorer.attributes()[4]
    headless.explorer.apply(SetAttribute(attribute, -0.8))
    (found,) = offers(headless.settle())
    assert found.request.recipe.edits
    assert found.request == headless.explorer.shown.request


def test_a_picture_of_the_target_class_needs_none(turning):
    headless, _ = turning
    headless.open()
    ill = int(headless.explorer.summary.samples.probs[:, 0].argmax())
    headless.explorer.apply(SetBase(SampleBase(ill)))
    assert offers(headless.settle()) == []


def test_nothing_is_asked_during_a_drag_and_once_at_its_end(turning):
    headless, _ = turning
    headless.open()
    explorer = headless.explorer
    explorer.begin_gesture()
    for step in range(3):
        explorer.apply(SetAttribute(explorer.attributes()[8], -0.1 * step - 0.1))
        assert offers(headless.settle()) == []
    explorer.end_gesture()
    assert len(offers(headless.settle())) == 1


def test_an_answer_for_another_state_is_dropped(turning):
    headless, turner = turning
    explorer = headless.explorer
    headless.open()
    explorer.apply(SetBase(SampleBase(7)))
    explorer.wait_idle(60)
    while not turner._requests:  # the first answers are on their way
        headless.posted.get(timeout=60)()
    late = turner._requests[0]
    explorer.apply(SetBase(SampleBase(9)))
    explorer.updates.emit(PictureReady(SLOT, 1, 0, late, None))
    found = offers(headless.settle())
    shown = explorer.shown.request
    assert all(each.request == shown for each in found)


def test_all_styles_are_searched_for_the_picture_on_the_canvas(turning):
    headless, turner = turning
    headless.open()
    turner.search_everywhere()
    (everywhere,) = offers(headless.settle())
    assert everywhere.everywhere
    assert everywhere.tried == len(TRAITS)
    assert everywhere.sets
    assert all(each.picture.logits.argmax() == everywhere.target for each in everywhere.sets)


def test_towards_another_class_is_another_question(turning):
    headless, _ = turning
    headless.open()
    headless.explorer.apply(SetTarget(1))
    told = headless.settle()
    assert offers(told) == []  # nothing is listed towards it, and the leaf is of that class


def test_where_no_set_turns_it_says_so(turning):
    headless, _ = turning
    headless.open()
    explorer = headless.explorer
    for attribute in explorer.attributes()[:5]:  # the strong ones are at their ends
        explorer.change_document(explorer.document.with_pin(attribute, True))
    explorer.apply(SetEdits(with_attributes(explorer.state, explorer.attributes()[:6], 1.0).edits))
    headless.settle()
    healthy = [Attribute("", 1, (AttributeEntry(PLACES["narrow blade"], "max"),))]
    for slider in healthy:
        explorer.change_document(explorer.document.with_slider(slider))
    explorer.apply(SetTarget(1))
    (found,) = offers(headless.settle())[-1:]
    assert found.sets == ()
    assert found.tried >= 1


def test_with_every_slider_at_its_end_there_is_nothing_to_try(turning):
    headless, _ = turning
    headless.open()
    explorer = headless.explorer
    (found,) = explorer.summary.attribute_sets
    weak = found.attributes[-1]
    explorer.change_document(Document().with_attribute_set(msgspec.structs.replace(found, attributes=(weak,))))
    headless.settle()
    explorer.apply(SetAttribute(weak, 1.0))
    last = offers(headless.settle())[-1]
    assert (last.sets, last.tried) == ((), 0)


def test_nothing_is_asked_while_a_timeline_plays(turning):
    headless, _ = turning
    headless.open()
    explorer = headless.explorer
    explorer.updates.emit(TimelinePlaying(True))
    healthy = [i for i in range(60) if explorer.summary.samples.probs[i].argmax() == 1]
    explorer.apply(SetBase(SampleBase(healthy[0])))
    assert offers(headless.settle()) == []
    explorer.updates.emit(TimelinePlaying(False))
    assert len(offers(headless.settle())) == 1
