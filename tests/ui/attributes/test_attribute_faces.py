# SPDX-License-Identifier: MIT
"""Content of the attribute cards, as values."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from fake_explainer import FakeExplainer

from latent_explorer.app.effects import Measured
from latent_explorer.app.exploration.document import Document, attribute_key, listed_set, single_slider
from latent_explorer.app.exploration.picture_requests import opening_state
from latent_explorer.app.exploration.state import with_attribute
from latent_explorer.models.attributes import Attribute, AttributeEntry
from latent_explorer.ui.attributes.card_data import (
    details_of,
    is_from_other_classifier,
    location_text,
    ranking_details,
    ranking_summary,
    rows,
)
from latent_explorer.ui.attributes.effect_bar import _effect_text

SUMMARY = FakeExplainer().summary()
STATE = opening_state(SUMMARY)


def test_ranks_stay_with_their_attributes_when_the_order_changes():
    attribute = rows(Document(), SUMMARY, STATE, None)[4].attribute
    document = Document().with_pin(attribute, True).with_slider(single_slider(33, 0))
    shown = rows(document, SUMMARY, STATE, None)
    assert [row.card_data.rank for row in shown[:4]] == ["5", "", "1", "2"]
    assert [row.card_data.pinned for row in shown[:2]] == [True, False]
    assert [row.card_data.removable for row in shown[:2]] == [False, True]


def test_what_was_never_measured_has_no_effect():
    document = Document().with_slider(single_slider(33, 0))
    card_data = rows(document, SUMMARY, STATE, None)[0].card_data
    assert card_data.mean_effect is None


def test_all_bars_share_the_scale_of_the_longest_whisker():
    spans = {row.card_data.span for row in rows(Document(), SUMMARY, STATE, None)}
    assert len(spans) == 1
    low, high = spans.pop()
    assert low == 0
    assert high == pytest.approx(2.6 * 0.95)


def test_amounts_come_from_the_state():
    first = rows(Document(), SUMMARY, STATE, None)[0].attribute
    moved = msgspec.structs.replace(STATE, edits=with_attribute(STATE, first, -0.6))
    assert rows(Document(), SUMMARY, moved, None)[0].card_data.amount == pytest.approx(-0.6)


def test_place_and_details():
    one = Attribute("", 0, (AttributeEntry(40, "min"),), round=2)
    assert location_text(one, SUMMARY) == "8 px · 40"
    said = details_of(one, SUMMARY)
    assert "b8.conv0, channel 8" in said
    assert "seen from 0.00 to 1.00" in said
    assert "minimum" in said
    assert "round 2" in said
    two = Attribute("", 0, (AttributeEntry(40, "min"), AttributeEntry(210, "max", 0.5)))
    assert location_text(two, SUMMARY) == "8 to 64 px"


def test_an_effect_says_on_which_pictures_it_was_measured():
    on_these = "Measured on the pictures that it was chosen on, so rather too large"
    (first, *_) = rows(Document(), SUMMARY, STATE, None)
    assert first.card_data.elsewhere == on_these
    key = attribute_key(first.attribute)
    measured = {key: Measured(0.3, 1.62, (1.3, 1.9), 24, True)}
    (first, *_) = rows(Document(), SUMMARY, STATE, None, measured=measured)
    assert first.card_data.elsewhere == (
        f"{on_these}.\nOn 24 pictures that the search did not use: 1.62 (95 % 1.30 to 1.90)"
    )
    (first, *_) = rows(Document(), SUMMARY, STATE, None, measured={key: replace(measured[key], apart=False)})
    assert first.card_data.elsewhere == on_these
    own = Document(sliders=(single_slider(3, 0),))
    assert rows(own, SUMMARY, STATE, None)[0].card_data.elsewhere == ""  # nobody searched for it


def test_an_effect_of_a_pair_is_of_log_odds():
    found = listed_set(Document(), SUMMARY, STATE)
    pair = msgspec.structs.replace(found, settings={"pair": "0,1"})
    (first, *_) = rows(Document(attribute_sets=(pair,)), SUMMARY, STATE, None)
    assert (first.card_data.against, first.card_data.elsewhere) == ("healthy", "")
    bar = _effect_text(1.0, None, first.card_data.target, first.card_data.against, True)
    assert bar == "Moves half the log-odds of diseased against healthy by 1.00 on average at amount 1"
    assert msgspec.structs.replace(found, settings={"pair": "0,x"}).pair is None


def test_the_tooltip_of_the_list_says_what_it_turns_beside_the_controls():
    found = listed_set(Document(), SUMMARY, STATE)
    assert "test pictures" not in ranking_details(found, SUMMARY, STATE)
    control = {"share": 0.1, "interval": [0.05, 0.2], "n": 90}
    flips = [{"k": 3, "kappa": 1.0, "overall": 0.9, "interval": [0.8, 0.95], "controls": {"random": control}}]
    figures = {"test": {"n": 90, "agreement": 1.0, "classifier_id": found.classifier_id, "flips": flips}}
    measured = replace(SUMMARY, figures=figures)
    assert ranking_details(found, measured, STATE).endswith(
        "On 90 test pictures the first 3 together turn 0.900 [0.800, 0.950]; as a control, random edits of the same "
        "size 0.100 [0.050, 0.200]."
    )
    # The figures are of the file's list, not of one that was found since.
    since = msgspec.structs.replace(found, n=61)
    assert "test pictures" not in ranking_details(since, measured, STATE)


def test_the_line_of_the_search_says_how_the_tooltip_for_whom():
    found = listed_set(Document(), SUMMARY, STATE)
    assert found is not None
    assert ranking_summary(found, SUMMARY, STATE) == "Found on 60 pictures"
    assert found.classifier_id in ranking_details(found, SUMMARY, STATE)
    screened = msgspec.structs.replace(found, method="attfind-notebook-screened")
    assert "AttFind notebook, screened" in ranking_details(screened, SUMMARY, STATE)
    counts = {"moves": 380000, "rendered_moves": 9291, "agreement": 0.917}
    raced = msgspec.structs.replace(found, method="attfind-notebook-raced", settings=counts)
    assert ranking_summary(raced, SUMMARY, STATE) == "On 60 pictures, 9,291 moves"
    details = ranking_details(raced, SUMMARY, STATE)
    assert "AttFind notebook, raced: 9,291 of 380,000 moves rendered; completions agree by 92 %" in details
    stopped = msgspec.structs.replace(raced, settings=counts | {"settled": False})
    assert ranking_summary(stopped, SUMMARY, STATE) == "Not settled: 60 pictures, 9,291 moves"
    assert ranking_summary(stopped, SUMMARY, STATE, running=True) == "So far: 60 pictures, 9,291 moves"
    assert "Not settled" in ranking_details(stopped, SUMMARY, STATE)


def test_the_newest_search_counts():
    old = listed_set(Document(), SUMMARY, STATE)
    assert old is not None
    new = msgspec.structs.replace(old, n=9)
    found = listed_set(Document(attribute_sets=(new,)), SUMMARY, STATE)
    assert found is not None
    assert found.n == 9


THREE = FakeExplainer(classifiers=3).summary()


def asking(index: int):
    """Return the opening state with another of the three classifiers selected."""
    return msgspec.structs.replace(STATE, classifier_id=THREE.classifiers[index].classifier_id)


def test_sliders_stay_when_another_network_of_the_same_classes_is_asked():
    own, from_other = rows(Document(), THREE, STATE, None), rows(Document(), THREE, asking(2), None)
    assert [row.attribute for row in from_other] == [row.attribute for row in own]
    assert [row.card_data.rank for row in from_other] == [row.card_data.rank for row in own]
    assert {row.card_data.mean_effect for row in from_other} == {None}  # they are effects on the other one


def test_a_line_says_whose_sliders_they_are():
    found = listed_set(Document(), THREE, asking(2))
    assert found is not None
    assert is_from_other_classifier(found, asking(2))
    assert not is_from_other_classifier(found, STATE)
    said = ranking_summary(found, THREE, asking(2))
    assert said == "Found for small residual network; shown for frame-only"
    assert "was not measured" in ranking_details(found, THREE, asking(2))


def test_no_sliders_are_lent_to_a_network_whose_classes_stand_otherwise():
    assert listed_set(Document(), THREE, asking(1)) is None


def test_what_was_found_for_the_asked_network_itself_goes_first():
    found = listed_set(Document(), THREE, asking(2))
    assert found is not None
    own = msgspec.structs.replace(found, classifier_id=asking(2).classifier_id, n=7)
    document = Document().with_attribute_set(own)
    assert listed_set(document, THREE, asking(2)) == own
    assert rows(document, THREE, asking(2), None)[0].card_data.mean_effect is not None
    assert listed_set(document, THREE, STATE) == found
