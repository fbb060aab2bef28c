# SPDX-License-Identifier: MIT
"""Names, pins and sliders: what the user adds, and the list that comes of it."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from fakes import BOTH, EDGES, GREEN, SPOTS, make_summary

from latent_explorer.app.exploration.document import (
    Document,
    attribute_key,
    can_merge,
    reported_attributes,
    reported_set,
    shown_attributes,
    single_slider,
)
from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.common.errors import UserError
from latent_explorer.explain.recipe import SampleBase, SeedBase
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet

SUMMARY = make_summary()
STATE = ExplorerState("a" * 64, classifier_id="c" * 64, target_class=1)


def names(document: Document, state: ExplorerState = STATE) -> list[str]:
    return [a.name for a in shown_attributes(document, SUMMARY, state)]


def test_the_identity_of_an_attribute_is_what_it_moves():
    assert attribute_key(SPOTS) == "3max"
    assert attribute_key(BOTH) == "3max*0.5+7min"
    assert attribute_key(msgspec.structs.replace(SPOTS, name="else", mean_effect=9.0)) == "3max"


def test_attributes_of_the_target_by_rank():
    assert names(Document()) == ["spots", "Style 5 down"]
    assert names(Document(), msgspec.structs.replace(STATE, target_class=0)) == ["green"]
    assert names(Document(), msgspec.structs.replace(STATE, classifier_id="other")) == []


def test_a_name_stays_with_its_attribute():
    document = Document().renamed(EDGES, "  edge browning ")
    assert names(document) == ["spots", "edge browning"]
    listed = shown_attributes(document, SUMMARY, STATE)[1]
    assert names(document.renamed(listed, "edge browning")) == ["spots", "edge browning"]
    assert names(document.renamed(listed, " ")) == ["spots", "Style 5 down"]


def test_pins_go_first_and_then_own_sliders():
    mine = single_slider(20, target=1)
    document = Document().with_slider(mine).with_slider(mine).with_pin(EDGES, True)
    assert names(document) == ["Style 5 down", "Style 20 up", "spots"]
    assert names(document.with_pin(EDGES, False)) == ["Style 20 up", "spots", "Style 5 down"]
    assert names(document.without_slider(mine).with_pin(EDGES, False)) == ["spots", "Style 5 down"]


def test_an_added_slider_shows_what_was_found_of_it():
    document = Document().with_slider(single_slider(3, target=1))
    listed = shown_attributes(document, SUMMARY, STATE)
    assert [a.name for a in listed] == ["spots", "Style 5 down"]
    assert listed[0].mean_effect == SPOTS.mean_effect


def test_the_newest_search_counts_and_one_for_other_classes_changes_nothing():
    def found(*attributes, kappa=1.0):
        return AttributeSet("c" * 64, "attfind-notebook", 9, kappa, "here", attributes)

    document = Document().with_attribute_set(found(BOTH))
    assert names(document) == ["both"]
    assert names(document.with_attribute_set(found(GREEN, kappa=0.5))) == ["both"]
    again = document.with_attribute_set(found(SPOTS, EDGES, BOTH))
    assert len(again.attribute_sets) == 1
    by_probability = msgspec.structs.replace(found(GREEN), settings={"effect": "probability"})
    assert len(again.with_attribute_set(by_probability).attribute_sets) == 2  # it says something else
    assert names(again) == ["spots", "Style 5 down", "both"]


def test_favourites():
    document = Document().with_favourite(SeedBase(1), True).with_favourite(SampleBase(0), True)
    assert document.with_favourite(SeedBase(1), True).favourites == (SampleBase(0), SeedBase(1))
    assert document.with_favourite(SeedBase(1), False).favourites == (SampleBase(0),)


def test_a_document_survives_json():
    document = (
        Document(notes="look at the edges")
        .renamed(SPOTS, "brown spots")
        .with_slider(single_slider(4, 0))
        .with_favourite(SeedBase(1), True)
        .with_pin(SPOTS, True)
        .with_attribute_set(SUMMARY.attribute_sets[0])
    )
    assert msgspec.json.decode(msgspec.json.encode(document), type=Document) == document


def test_values_cannot_be_changed():
    with pytest.raises(AttributeError):
        Document().notes = "x"
    with pytest.raises(AttributeError):
        replace(SUMMARY).name = "x"


def test_a_stored_document_must_fit_the_model():
    known = Document(sliders=(BOTH,), favourites=(SampleBase(3), SeedBase(9)))
    known.with_attribute_set(SUMMARY.attribute_sets[0]).check(SUMMARY)
    beyond = single_slider(SUMMARY.layout.num_styles, 1)
    for document in (
        Document(sliders=(beyond,)),
        Document(attribute_sets=(AttributeSet("c" * 64, "x", 1, 1.0, "", (beyond,)),)),
        Document(favourites=(SampleBase(4),)),
        Document(favourites=(SampleBase(-1),)),
    ):
        with pytest.raises(UserError, match="another model"):
            document.check(SUMMARY)


def test_a_slider_that_moves_nothing_is_no_attribute():
    for entries in ((), (AttributeEntry(3, "max", 0.0),)):
        with pytest.raises(ValueError, match="weight"):
            Attribute("x", 0, entries)
    stored = b'{"sliders": [{"name": "x", "target": 0, "entries": []}]}'
    with pytest.raises(msgspec.ValidationError, match="weight"):
        msgspec.json.decode(stored, type=Document)


def test_attributes_are_listed_by_their_effect_towards_the_chosen_class():
    shuffled = (
        Attribute("weak", 1, (AttributeEntry(3, "max"),), mean_effect=0.1),
        Attribute("strong", 1, (AttributeEntry(5, "max"),), mean_effect=2.0),
        Attribute("other class", 0, (AttributeEntry(6, "max"),), mean_effect=9.0),
        Attribute("middle", 1, (AttributeEntry(7, "max"),), mean_effect=0.5),
    )
    found = AttributeSet("c" * 64, "attfind-notebook", 9, 1.0, "given", shuffled)
    document, state = Document(attribute_sets=(found,)), ExplorerState("a" * 64, classifier_id="c" * 64, target_class=1)
    assert [a.name for a in shown_attributes(document, make_summary(), state)] == ["strong", "middle", "weak"]
    towards_1 = [a.name for a in reported_attributes(document, found) if a.target == 1]
    assert towards_1 == ["strong", "middle", "weak"]


def test_a_report_rests_on_a_settled_list_where_there_is_one():
    (settled,) = SUMMARY.attribute_sets
    so_far = msgspec.structs.replace(settled, settings={"settled": False})
    document = Document().with_attribute_set(so_far)
    assert reported_set(document, SUMMARY) == settled
    assert reported_set(document, replace(SUMMARY, attribute_sets=())) == so_far


def test_a_merged_slider_stands_in_the_place_of_both_until_it_is_removed():
    document = Document().renamed(EDGES, "edges").merged(SPOTS, EDGES)
    (merged,) = shown_attributes(document, SUMMARY, STATE)
    assert merged.name == "spots + edges"
    assert merged.entries == SPOTS.entries + EDGES.entries
    assert names(document, msgspec.structs.replace(STATE, target_class=0)) == ["spots + edges", "green"]
    mine = single_slider(20, target=1)
    three = document.with_slider(mine).merged(merged, mine)
    assert names(three) == ["spots + edges + Style 20 up"]
    assert names(three.without_slider(three.sliders[0])) == ["spots", "edges"]
    assert can_merge(SPOTS, EDGES)
    assert not can_merge(SPOTS, GREEN)  # towards another class
    assert not can_merge(merged, SPOTS)  # the same coordinate
