# SPDX-License-Identifier: MIT
"""What the cards show and what is suggested to flip a picture, as values."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from fake_explainer import FakeExplainer, FakeRenderer

from latent_explorer.app.document import Document, single_slider
from latent_explorer.app.live import opening_state, resolve
from latent_explorer.app.state import with_attribute
from latent_explorer.explain.recipe import Picture, RenderResult, SampleBase
from latent_explorer.models.attributes import Attribute, AttributeEntry
from latent_explorer.ui.panels.attribute_faces import (
    active_set,
    details_of,
    flip_with,
    place_of,
    rows,
    set_details,
    set_line,
)

SUMMARY = FakeExplainer().summary()
STATE = opening_state(SUMMARY)


def a_result(logits: list[float]) -> RenderResult:
    values = np.array(logits, np.float32)
    picture = Picture(np.zeros((4, 4, 3), np.uint8), values, np.exp(values) / np.exp(values).sum())
    return RenderResult(picture, picture, np.full(SUMMARY.layout.num_styles, 0.5), 1.0, 0.0)


def test_ranks_stay_with_their_attributes_when_the_order_changes():
    attribute = rows(Document(), SUMMARY, STATE, None)[4].attribute
    document = Document().with_pin(attribute, True).with_slider(single_slider(33, 0))
    shown = rows(document, SUMMARY, STATE, None)
    assert [row.face.rank for row in shown[:4]] == ["5", "", "1", "2"]
    assert [row.face.pinned for row in shown[:2]] == [True, False]
    assert [row.face.removable for row in shown[:2]] == [False, True]


def test_what_was_never_measured_has_no_effect():
    document = Document().with_slider(single_slider(33, 0))
    face = rows(document, SUMMARY, STATE, None)[0].face
    assert face.mean_effect is None


def test_all_bars_share_the_scale_of_the_longest_whisker():
    spans = {row.face.span for row in rows(Document(), SUMMARY, STATE, None)}
    assert len(spans) == 1
    low, high = spans.pop()
    assert low == 0
    assert high == pytest.approx(2.6 * 0.95)


def test_amounts_come_from_the_state():
    first = rows(Document(), SUMMARY, STATE, None)[0].attribute
    moved = msgspec.structs.replace(STATE, edits=with_attribute(STATE, first, -0.6))
    assert rows(Document(), SUMMARY, moved, None)[0].face.amount == pytest.approx(-0.6)


def test_place_and_details():
    one = Attribute("", 0, (AttributeEntry(40, "min"),), round=2, note="seen on apple")
    assert place_of(one, SUMMARY) == "8 px · 40"
    said = details_of(one, SUMMARY)
    assert "b8.conv0, channel 8" in said
    assert "seen from 0.00 to 1.00" in said
    assert "minimum" in said
    assert "round 2" in said
    assert "seen on apple" in said
    two = Attribute("", 0, (AttributeEntry(40, "min"), AttributeEntry(210, "max", 0.5)))
    assert place_of(two, SUMMARY) == "8 to 64 px"


def test_the_line_of_the_search_names_the_classifier_only_where_there_is_a_choice():
    found = active_set(Document(), SUMMARY, STATE)
    assert found is not None
    assert set_line(found, SUMMARY) == "AttFind notebook · 60 pictures · κ 1"
    several = replace(SUMMARY, classifiers=SUMMARY.classifiers * 2)
    assert set_line(found, several).endswith("· small residual network")
    assert found.classifier_id in set_details(found, SUMMARY)
    screened = msgspec.structs.replace(found, method="attfind-notebook-screened")
    assert set_line(screened, SUMMARY).startswith("AttFind notebook, screened · 60 pictures")


def test_the_newest_search_counts():
    old = active_set(Document(), SUMMARY, STATE)
    assert old is not None
    new = msgspec.structs.replace(old, n=9)
    found = active_set(Document(attribute_sets=(new,)), SUMMARY, STATE)
    assert found is not None
    assert found.n == 9


@pytest.mark.parametrize(
    ("logits", "ranks"),
    [
        ([-1.0, 1.0], ("1",)),  # needs (2 + 0.1) / 2; the first one brings 2.08
        ([-2.5, 2.5], ("1", "2")),
        ([-4.0, 4.0], ("1", "2", "3")),
        ([-9.0, 9.0], None),  # all together do not suffice
        ([1.0, -1.0], None),  # it is of the target class already
    ],
)
def test_the_shortest_combination_that_should_flip(logits, ranks):
    result = a_result(logits)
    flip = flip_with(rows(Document(), SUMMARY, STATE, result), result, target=0)
    assert (flip.ranks if flip else None) == ranks


def test_what_is_at_its_end_already_cannot_help():
    result = a_result([-1.0, 1.0])
    result.styles[40] = 1.0  # brown spots, at the maximum
    flip = flip_with(rows(Document(), SUMMARY, STATE, result), result, target=0)
    assert flip is not None
    assert flip.ranks == ("2",)


def test_the_suggestion_flips_most_pictures_of_the_fake():
    explainer = FakeExplainer()
    renderer = FakeRenderer(explainer)
    kept = 0
    healthy = [i for i in range(60) if SUMMARY.samples.probs[i].argmax() == 1]
    for index in healthy:
        state = msgspec.structs.replace(STATE, base=SampleBase(index))
        before = renderer.render(resolve(state, SUMMARY))
        flip = flip_with(rows(Document(), SUMMARY, state, before), before, target=0)
        assert flip is not None
        for attribute in flip.attributes:
            state = msgspec.structs.replace(state, edits=with_attribute(state, attribute, 1.0))
        kept += int(renderer.render(resolve(state, SUMMARY)).after.probs.argmax() == 0)
    assert kept >= 0.8 * len(healthy)
