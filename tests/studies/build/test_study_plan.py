# SPDX-License-Identifier: MIT
"""Balance, blinding and order of the questions of a study, for every seed."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latent_explorer.common.errors import UserError
from latent_explorer.studies.build.plan import (
    Arm,
    AttributeInfo,
    StudySettings,
    count_questions,
    make_plan,
    minutes_for,
)


def arm(name: str, count: int) -> Arm:
    return Arm(name, tuple(AttributeInfo(f"{name}{i}", f"attribute {i} of {name}") for i in range(count)))


POOL = [f"picture {i}" for i in range(40)]


def asked(plan, kind="classification", at=None):
    return [i for i in plan.items if i.kind == kind and i.role == "item" and at in (None, i.arm)]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 8), items=st.integers(1, 6), arms=st.integers(1, 3))
def test_laws_of_a_plan(seed, count, items, arms) -> None:
    wanted = StudySettings(seed=seed, attributes=count, items=items)
    plan = make_plan(wanted, [arm(f"a{n}", count) for n in range(arms)], [POOL] * arms)
    for n in range(arms):
        mine = asked(plan, at=n)
        assert len(mine) == count * items
        assert set(Counter(i.attribute for i in mine).values()) == {items}
        assert set(Counter(i.distractor for i in mine).values()) == {items}  # equally often
        assert all(i.distractor != i.attribute for i in mine)  # never itself
        sides = Counter(i.right for i in mine)
        assert abs(sides["1"] - sides["2"]) <= 1
        for key in {i.attribute for i in mine}:
            own = Counter(i.right for i in mine if i.attribute == key)
            assert abs(own["1"] - own["2"]) <= 1
    for item in plan.items:
        assert len({t.source for t in item.tiles}) == 4
        if item.kind == "classification":
            shown = [t.attribute or t.effect for t in item.tiles]
            assert shown[0] == shown[1] == shown[1 + int(item.right)]
            assert shown[4 - int(item.right)] != shown[0]
    counts = count_questions(wanted, [count] * arms)
    assert counts["classification"] + counts["verbal"] == len(asked(plan)) + len(asked(plan, "verbal"))
    assert counts["catch"] == sum(i.role == "catch" for i in plan.items)
    assert counts["practice"] == sum(i.role == "practice" for i in plan.items) == 2
    assert minutes_for(counts) > 2


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_arms_are_interleaved_over_the_same_pictures(seed) -> None:
    wanted = StudySettings(seed=seed, items=2, attributes=4)
    plan = make_plan(wanted, [arm("x", 4), arm("y", 4)], [POOL, POOL])
    assert plan.paired
    for kind in ("classification", "verbal"):
        order = [i.arm for i in asked(plan, kind)]
        assert all(set(order[n : n + 2]) == {0, 1} for n in range(0, len(order), 2))
        slots = [{i.slot: [t.source for t in i.tiles] for i in asked(plan, kind, n)} for n in (0, 1)]
        assert slots[0] == slots[1]
        places = {(i.arm, i.slot): at for at, i in enumerate(asked(plan, kind))}
        near = [abs(places[0, s] - places[1, s]) for s in slots[0]]
        assert min(near) >= len(order) // 2 - 1  # the same pictures come again half a study later


def test_sides_of_paired_arms_are_drawn_apart() -> None:
    plans = [make_plan(StudySettings(seed=s), [arm("x", 6), arm("y", 6)], [POOL] * 2) for s in range(20)]
    same = different = 0
    for plan in plans:
        sides = [{i.slot: i.right for i in asked(plan, at=n)} for n in (0, 1)]
        same += sum(sides[0][s] == sides[1][s] for s in sides[0])
        different += sum(sides[0][s] != sides[1][s] for s in sides[0])
    assert 0.4 < same / (same + different) < 0.6


def test_no_picture_comes_again_before_all_were_shown() -> None:
    pool = [f"p{i}" for i in range(48)]
    plan = make_plan(StudySettings(attributes=4, items=3, kinds=("classification",)), [arm("x", 4)], [pool])
    assert len({t.source for i in asked(plan) for t in i.tiles}) == 48


def test_equal_settings_equal_plans_and_seeds_differ() -> None:
    def make(**changes):
        return make_plan(StudySettings(**changes), [arm("x", 6)], [POOL])

    assert make(seed=1) == make(seed=1)
    assert make(seed=1).items != make(seed=2).items
    # catch trials do not move the other questions
    with_catch, without = make(seed=1, catch=5), make(seed=1, catch=0)
    assert asked(with_catch) == asked(without)


def test_arms_with_other_pictures_are_not_paired() -> None:
    plan = make_plan(StudySettings(), [arm("x", 4), arm("y", 3)], [POOL, POOL[:20]])
    assert not plan.paired
    assert len(asked(plan, at=1)) == 9


@pytest.mark.parametrize(
    ("changes", "arms", "pools", "words"),
    [
        ({"items": 0}, [arm("x", 4)], [POOL], "out of range"),
        ({"seconds": float("nan")}, [arm("x", 4)], [POOL], "out of range"),
        ({"kinds": ()}, [arm("x", 4)], [POOL], "at least one kind"),
        ({}, [arm("x", 1)], [POOL], "distractor"),
        ({}, [arm("x", 4)], [POOL[:3]], "source pictures"),
        ({}, [arm("x", 4), arm("x", 4)], [POOL, POOL], "same name"),
        ({"items": 50, "attributes": 20}, [arm("x", 20)], [POOL], "at most"),
    ],
)
def test_what_no_study_can_be_made_of(changes, arms, pools, words) -> None:
    with pytest.raises(UserError, match=words):
        make_plan(StudySettings(**changes), arms, pools)


def test_settings_survive_json() -> None:
    wanted = StudySettings(seed=4, tile=256)
    assert msgspec.json.decode(msgspec.json.encode(wanted), type=StudySettings) == wanted
