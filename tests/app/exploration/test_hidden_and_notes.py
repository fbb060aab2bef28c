# SPDX-License-Identifier: MIT
"""What a person does to attributes: hidden, noted, renamed, pinned, merged; undone, kept in the file, carried on."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace

import msgspec
import pytest
from exploration_examples import EXPLORATION, STATE
from fakes import BOTH, EDGES, GREEN, SPOTS, make_summary
from headless import HeadlessExplorer

from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration.document import (
    MAX_NOTE,
    Document,
    attribute_key,
    hidden_attributes,
    reported_attributes,
    shown_attributes,
)
from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.exploration.state import ExplorerState, attribute_amount, with_attributes
from latent_explorer.explain.recipe import SeedBase

SUMMARY = make_summary()
TOWARDS_1 = ExplorerState("a" * 64, classifier_id="c" * 64, target_class=1)


def shown(document, state=TOWARDS_1):
    return [attribute_key(a) for a in shown_attributes(document, SUMMARY, state)]


def test_a_hidden_attribute_is_listed_only_while_it_moves_the_picture():
    document = Document().with_pin(SPOTS, True).with_hidden(SPOTS, True)
    assert document.pins == ()
    assert shown(document) == [attribute_key(EDGES)]
    assert [attribute_key(a) for a in hidden_attributes(document, SUMMARY, TOWARDS_1)] == [attribute_key(SPOTS)]
    moved = with_attributes(TOWARDS_1, [SPOTS], 0.5)
    assert shown(document, moved) == [attribute_key(SPOTS), attribute_key(EDGES)]
    assert hidden_attributes(document, SUMMARY, moved) == []
    assert shown(document.without_hidden([SPOTS])) == shown(Document())
    # A report tells what the search found, in whatever order.
    reported = reported_attributes(document, SUMMARY.attribute_sets[0])
    assert [a.name for a in reported if a.target == 1] == ["Style 5 down", "spots"]


def test_a_note_goes_with_its_attribute():
    document = Document().annotated(SPOTS, "  only on old leaves\n")
    (spots, _edges) = shown_attributes(document, SUMMARY, TOWARDS_1)
    assert spots.note == "only on old leaves"
    assert document.renamed(SPOTS, "rust").note_of(SPOTS) == "only on old leaves"
    assert reported_attributes(document, SUMMARY.attribute_sets[0])[1].note == "only on old leaves"
    assert document.annotated(SPOTS, " ").annotations == {}
    assert len(document.annotated(SPOTS, "x" * 5000).note_of(SPOTS)) == MAX_NOTE
    brought = msgspec.structs.replace(SPOTS, note="of the file")
    assert Document().note_of(brought) == "of the file"


def test_undo_keeps_what_has_come_since():
    old = Document().renamed(SPOTS, "rust").with_pin(EDGES, True).with_slider(BOTH)
    new = old.renamed(SPOTS, "mildew").renamed(EDGES, "rim").with_pin(EDGES, False).without_slider(BOTH)
    new = new.with_hidden(GREEN, True)
    later = new.renamed(GREEN, "pale").with_favourite(SeedBase(3), True).with_pin(SPOTS, True)
    undone = later.changed_as(new, old)
    assert undone.names == {attribute_key(SPOTS): "rust", attribute_key(GREEN): "pale"}
    assert undone.favourites == (SeedBase(3),)
    assert set(undone.pins) == {attribute_key(SPOTS), attribute_key(EDGES)}
    assert (undone.sliders, undone.hidden) == ((BOTH,), ())
    redone = undone.changed_as(old, new)
    assert redone.names == later.names
    assert (redone.pins, redone.sliders, redone.hidden) == (later.pins, (), later.hidden)


@pytest.fixture
def opened(folder):
    headless = HeadlessExplorer(folder)
    headless.open()
    yield headless.explorer
    headless.explorer.close()


def test_every_change_is_a_step_of_undo_with_the_slider_that_it_reset(opened):
    spots = opened.attributes()[0]
    changes = {
        "the name": lambda d: d.renamed(spots, "rust"),
        "the note": lambda d: d.annotated(spots, "seen twice"),
        "pinning": lambda d: d.with_pin(spots, True),
        "adding": lambda d: d.with_slider(BOTH),
    }
    documents = [opened.document]
    for label, change in changes.items():
        opened.edit_document(change(opened.document), label)
        documents.append(opened.document)
        assert opened.undo_text == f"Undo {label}"
    opened.apply(SetAttribute(spots, 0.7))
    opened.edit_document(opened.document.with_hidden(spots, True), "hiding", SetAttribute(spots, 0.0))
    assert attribute_amount(opened.state, spots) == 0
    opened.undo()
    assert attribute_amount(opened.state, spots) == 0.7
    assert opened.document.hidden == ()
    opened.redo()
    assert attribute_amount(opened.state, spots) == 0
    assert opened.document.hidden == (attribute_key(spots),)
    opened.undo()
    opened.undo()  # the slider alone
    for document in reversed(documents[:-1]):
        opened.undo()
        assert opened.document == document
    assert opened.undo_text == ""
    opened.edit_document(opened.document, "nothing")
    assert opened.undo_text == ""


def test_the_file_says_what_it_needs(tmp_path):
    path = tmp_path / "x.exploration"

    def version(document):
        exploration_file.write(path, replace(EXPLORATION, state=STATE, document=document))
        assert exploration_file.read(path).document == document
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("about.json"))["version"]

    assert version(Document(names={"3max": "rust"})) < exploration_file.VERSION
    assert version(Document().with_hidden(SPOTS, True)) == exploration_file.VERSION
    assert version(Document().annotated(SPOTS, "seen")) == exploration_file.VERSION
