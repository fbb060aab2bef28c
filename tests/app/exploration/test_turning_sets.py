# SPDX-License-Identifier: MIT
"""Search for what turns a verdict: only rendered margins count."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from fake_explainer import FakeExplainer, FakeRenderer

from latent_explorer.app.exploration import turning_requests
from latent_explorer.app.exploration.document import Document, shown_attributes
from latent_explorer.app.exploration.picture_requests import opening_state, resolve
from latent_explorer.app.exploration.state import with_attributes
from latent_explorer.explain.counterfactuals import turning_sets
from latent_explorer.explain.recipe import SampleBase
from latent_explorer.models.attributes import Attribute, AttributeEntry, opposite

SUMMARY = FakeExplainer().summary()
STATE = opening_state(SUMMARY)


def attribute(place: int, index: int | None = None) -> Attribute:
    return Attribute(f"{place}", 0, (AttributeEntry(place if index is None else index, "max"),))


def run(attributes, margin, margin_of):
    """Run a search with margins from a function of the set; return what it found and all sets that it rendered."""
    search, rendered = turning_sets.search(attributes, margin), []
    answers = None
    while True:
        try:
            sets = search.send(answers)
        except StopIteration as stop:
            return stop.value, rendered
        rendered += sets
        answers = np.array([margin_of(s) for s in sets])


def names(sets):
    return [" ".join(a.name for a in s) for s in sets]


def adding(gains, margin):
    return lambda s: margin + sum(gains[int(a.name)] for a in s)


def test_what_turns_alone_goes_first_the_clearest_before_the_others():
    found, _ = run([attribute(i) for i in range(4)], -1.0, adding([1.5, 0.2, 2.5, 0.1], -1.0))
    assert names(found) == ["2", "0"]


def test_no_offer_contains_another():
    found, _ = run([attribute(i) for i in range(4)], -1.0, adding([1.5, 0.8, 0.7, 0.0], -1.0))
    assert names(found) == ["0", "1 2"]


def test_the_shortest_set_by_what_each_does_to_this_picture():
    found, _ = run([attribute(i) for i in range(5)], -2.0, adding([0.1, 1.1, 0.2, 1.0, 0.9], -2.0))
    assert names(found)[0] == "1 3"
    assert all(len(s) >= 2 for s in found)


@pytest.mark.parametrize("loss", [0.3, 0.6])
def test_effects_that_do_not_add_up_lengthen_the_set_instead_of_spoiling_it(loss):
    gains = [1.0] * 8
    margin_of = adding(gains, -2.5)

    def less(s):
        return margin_of(s) - loss * (len(s) - 1)

    found, _ = run([attribute(i) for i in range(8)], -2.5, less)
    assert found
    assert all(less(s) > 0 for s in found)


def test_two_that_together_do_more_than_their_sum_are_found():
    gains = [1.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
    found, _ = run([attribute(i) for i in range(8)], -2.4, lambda s: adding(gains, -2.4)(s) + 2.0 * (len(s) > 1))
    assert found
    assert all(len(s) == 2 for s in found)


def test_where_none_turns_sets_of_every_length_were_rendered():
    found, rendered = run([attribute(i) for i in range(6)], -9.0, adding([1.0] * 6, -9.0))
    assert found == []
    assert {len(s) for s in rendered} == set(range(1, 7))
    assert tuple(attribute(i) for i in range(6)) in rendered
    assert len(rendered) == len(set(rendered))


def test_what_hurts_this_picture_is_in_no_set():
    found, _ = run([attribute(i) for i in range(3)], -1.0, adding([0.7, -3.0, 0.6], -1.0))
    assert names(found) == ["0 2"]


def test_what_helps_only_beside_another_is_found_by_adding_to_the_best():
    """Alone the fifth does nothing, and of two neither does: sums of effects would never try it."""

    def margin_of(s):
        chosen = {int(a.name) for a in s}
        return -3.0 + 1.0 * (0 in chosen) + 0.1 * len(chosen & {1, 2, 3}) + 2.5 * ({0, 4} <= chosen)

    found, _ = run([attribute(i) for i in range(5)], -3.0, margin_of)
    assert names(found)[0] == "0 4"


def test_no_attribute_of_an_offer_can_be_left_out():
    """The sets that turn have three attributes where effects are added, but one of the pairs in them turns, too."""

    def margin_of(s):
        chosen = {int(a.name) for a in s}
        if chosen == {3, 4}:
            return 0.5
        return -3.0 + sum([1.2, 1.1, 1.0, 0.9, 0.8, 0.7][i] for i in chosen) - 0.3 * (len(chosen) == 2)

    found, rendered = run([attribute(i) for i in range(6)], -3.0, margin_of)
    assert len(rendered) == len(set(rendered))
    for each in found:
        for left_out in each:
            rest = tuple(a for a in each if a is not left_out)
            assert rest in rendered
            assert margin_of(rest) <= 0


def test_two_sliders_of_one_coordinate_are_never_in_one_set():
    same = [attribute(0, 7), attribute(1, 7), attribute(2)]
    found, rendered = run(same, -1.5, adding([0.9, 0.9, 0.7], -1.5))
    assert names(found) == ["0 2", "1 2"]
    assert (same[0], same[1]) not in rendered


def test_nothing_to_try():
    assert run([], -1.0, adding([], -1.0))[0] == []


def test_a_margin_within_rounding_of_the_boundary_is_no_turn():
    assert run([attribute(0)], -1.0, adding([1.0 + turning_sets.SAFE_MARGIN / 2], -1.0))[0] == []


def test_of_many_attributes_those_with_the_largest_effects_are_tried():
    many = [Attribute(f"{i}", 0, (AttributeEntry(i, "max"),), mean_effect=float(i)) for i in range(40)]
    tried = turning_requests.candidates(many, STATE)
    assert [a.name for a in tried] == [f"{i}" for i in range(39, 39 - turning_sets.MAX_CANDIDATES, -1)]


def test_sliders_at_1_already_cannot_help():
    listed = shown_attributes(Document(), SUMMARY, STATE)
    moved = with_attributes(STATE, listed[:1])
    assert turning_requests.candidates(listed, moved) == tuple(listed[1:])


def test_margins_are_against_the_strongest_other_class():
    logits = np.array([[1.0, 3.0, 2.0], [5.0, 0.0, 4.0]])
    assert turning_sets.margins(logits, 0).tolist() == [-2.0, 1.0]
    assert turning_sets.margins(logits, 2).tolist() == [-1.0, -1.0]


@pytest.mark.parametrize("target", [0, 1])
def test_every_offer_for_the_fakes_leaves_turns_also_with_edits_that_are_there_already(target):
    renderer = FakeRenderer(FakeExplainer())
    listed = shown_attributes(Document(), SUMMARY, STATE)
    if target == 1:  # the same the other way
        listed = [
            Attribute(a.name, 1, (AttributeEntry(a.entries[0].style_index, opposite(a.entries[0].end)),))
            for a in listed
        ]
    offers = 0
    for index in range(len(SUMMARY.samples.ids)):
        state = msgspec.structs.replace(STATE, base=SampleBase(index), target_class=target)
        state = with_attributes(state, listed[3:5], 0.4)
        margin = turning_sets.margins(renderer.render(resolve(state, SUMMARY)).after.logits[None], target)[0]
        if margin > 0:
            continue

        def margin_of(s, state=state):
            requests = turning_requests.trial_requests(state, SUMMARY, [s])
            return turning_sets.margins(renderer.logits(requests[0]), target)[0]

        found, _ = run(turning_requests.candidates(listed, state), margin, margin_of)
        for request in turning_requests.offer_requests(state, SUMMARY, found):
            assert renderer.render(request).after.logits.argmax() == target
            offers += 1
    assert offers > 0
