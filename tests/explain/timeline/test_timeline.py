# SPDX-License-Identifier: MIT
"""Timelines as functions of time: frame times, easing, edges, edits and ready-made ones."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latent_explorer.common.errors import UserError
from latent_explorer.explain.recipe import (
    BlendBase,
    MixBase,
    Noise,
    PictureRecipe,
    ProjectedBase,
    SampleBase,
    SeedBase,
    StyleShift,
)
from latent_explorer.explain.timeline import edits, makers
from latent_explorer.explain.timeline.timeline import (
    FPS,
    Curve,
    Keyframe,
    Timeline,
    duration,
    ease,
    frame_at,
    frame_times,
    frames,
    recipe_at,
    span,
)

A, B, C = (PictureRecipe(SeedBase(seed)) for seed in (1, 2, 3))


def line(*times: float, recipes=(A, B, C), easing="linear", **fields) -> Timeline:
    kept = tuple(Keyframe(t, r, easing) for t, r in zip(times, recipes, strict=False))
    return Timeline("t", kept, **fields)


def amounts(timeline: Timeline) -> list[float]:
    """Return how far each frame is on its way from A to B."""
    values = {A: 0.0, B: 1.0}
    return [values[r] if r in values else r.base.amount for r in frames(timeline)]  # noqa: SIM401


@pytest.mark.parametrize("fps", FPS)
def test_frames_stand_exactly_where_a_gif_can_put_them(fps):
    assert (100 / fps).is_integer()  # GIF counts in hundredths of a second
    times = frame_times(line(0.0, 2.0, fps=fps))
    assert times == [k / fps for k in range(int(2 * fps) + 1)]


def test_the_last_keyframe_has_a_frame_even_between_two():
    timeline = line(0.0, 0.25, fps=10.0)
    assert frame_times(timeline) == [0.0, 0.1, 0.2, 0.25]
    assert frames(timeline)[-1] == B
    assert frame_times(line(0.0, 0.1 + 0.2, fps=10.0)) == [0.0, 0.1, 0.2, 0.1 + 0.2]  # not one more


def test_a_loop_leads_back_and_doubles_no_frame():
    timeline = line(0.0, 1.0, fps=10.0, loop=True, closing_seconds=0.5)
    assert span(timeline) == 1.5
    assert frame_times(timeline) == [k / 10 for k in range(15)]
    back = [r.base for r in frames(timeline)[11:]]
    assert {(b.a, b.b) for b in back} == {(SeedBase(2), SeedBase(1))}
    assert [b.amount for b in back] == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_a_loop_that_is_closed_already_shows_its_first_picture_once():
    timeline = line(0.0, 0.5, 1.0, recipes=(A, B, A), fps=10.0, loop=True)
    assert span(timeline) == 1.0
    assert frame_times(timeline) == [k / 10 for k in range(10)]
    shown = frames(timeline)
    assert shown[0] == A
    assert A not in shown[1:]


def test_a_loop_may_jump_back_at_once():
    timeline = line(0.0, 1.0, fps=10.0, loop=True, closing_seconds=0.0)
    assert frames(timeline)[-1] == B
    assert len(frames(timeline)) == 11


def test_ping_pong_turns_without_a_doubled_frame():
    forth = [0.0, 0.1, 0.2, 0.3]
    once = line(0.0, 0.3, fps=10.0, ping_pong=True)
    assert frame_times(once) == [*forth, 0.2, 0.1, 0.0]
    assert span(once) == 0.3
    looped = line(0.0, 0.3, fps=10.0, ping_pong=True, loop=True)
    assert frame_times(looped) == [*forth, 0.2, 0.1]
    twice = amounts(looped) * 2
    assert all(x != y for x, y in itertools.pairwise(twice))


def test_one_keyframe_is_one_frame_or_a_still():
    for fields in ({}, {"loop": True}, {"ping_pong": True}, {"loop": True, "ping_pong": True}):
        assert frames(line(0.0, **fields)) == [A]
    assert frames(line(0.3, fps=10.0)) == [A] * 4
    assert frames(line(0.3, fps=10.0, loop=True)) == [A] * 3


def test_an_empty_timeline_has_no_frames_and_says_so():
    empty = Timeline("nothing")
    assert (frames(empty), frame_times(empty), duration(empty), span(empty)) == ([], [], 0.0, 0.0)
    assert frame_at(empty, 3.0) == 0.0
    with pytest.raises(UserError, match="no keyframe yet"):
        recipe_at(empty, 0.0)


@given(st.floats(0.01, 30), st.sampled_from(FPS), st.booleans(), st.booleans(), st.floats(0, 3), st.floats(-1, 40))
def test_frame_times_hold_together(end, fps, loop, ping_pong, closing, at):
    timeline = line(0.0, end, fps=fps, loop=loop, ping_pong=ping_pong, closing_seconds=closing)
    times = frame_times(timeline)
    forward = times[: times.index(max(times)) + 1]
    assert forward == sorted(set(forward))
    assert times[0] == 0
    assert max(times) <= span(timeline) <= end + closing
    assert all(x == k / fps for k, x in enumerate(forward[:-1]))
    snapped = frame_at(timeline, at)
    closed = loop and not ping_pong and snapped == span(timeline) > end
    assert snapped in forward or closed  # the end of a closed circle is its beginning


def test_scrubbing_snaps_to_frames():
    timeline = line(0.0, 0.25, fps=10.0)
    snapped = [frame_at(timeline, x) for x in (-1, 0.04, 0.06, 0.19, 0.24, 0.26, 9)]
    assert snapped == [0.0, 0.0, 0.1, 0.2, 0.2, 0.25, 0.25]


def test_keyframes_are_passed_bit_for_bit():
    timeline = line(0.0, 0.7, 1.3)
    for keyframe in timeline.keyframes:
        assert recipe_at(timeline, keyframe.seconds) == keyframe.recipe
    assert recipe_at(timeline, -1) == A
    assert recipe_at(timeline, 99) == C


def test_before_the_first_keyframe_it_is_held():
    timeline = line(0.5, 1.0, fps=10.0)
    assert amounts(timeline)[:6] == [0.0] * 6


def test_a_hold_stays_until_the_next_keyframe():
    held = line(0.0, 1.0, fps=10.0, easing="hold")
    assert frames(held) == [A] * 10 + [B]


def test_two_keyframes_at_one_time_are_a_cut():
    cut = line(0.0, 0.5, 0.5, 1.0, recipes=(A, A, B, B), fps=10.0)
    assert frames(cut) == [A] * 5 + [B] * 6


def test_keyframes_come_in_order_however_they_are_given():
    assert line(1.0, 0.0) == line(0.0, 1.0, recipes=(B, A))


@pytest.mark.parametrize("easing", ["linear", "smooth", Curve(0.42, 0, 0.58, 1), Curve(1, 0, 0, 1)])
def test_easings_rise_from_0_to_1_and_turn_symmetrically(easing):
    values = [ease(easing, k / 50) for k in range(51)]
    assert (values[0], values[-1]) == (0, 1)
    assert values == sorted(values)
    # The last curve stands upright in the middle, where floats leave little of its height.
    assert values[25] == pytest.approx(0.5, abs=1e-5)
    assert [1 - v for v in reversed(values)] == pytest.approx(values, abs=1e-5)
    assert (ease(easing, -1), ease(easing, 2)) == (0, 1)


def test_a_straight_curve_is_linear_and_css_ease_is_css_ease():
    for share in (0.1, 0.5, 0.8):
        assert ease(Curve(0.3, 0.3, 0.6, 0.6), share) == pytest.approx(share)
    # Values of cubic-bezier(0.25, 0.1, 0.25, 1), the CSS keyword "ease".
    assert ease(Curve(0.25, 0.1, 0.25, 1), 0.5) == pytest.approx(0.8024, abs=1e-4)


def test_one_noise_for_all_frames_or_the_keyframes_own():
    ends = (PictureRecipe(SeedBase(1), noise=Noise("seed", 1)), PictureRecipe(SeedBase(2)))
    timeline = line(0.0, 1.0, recipes=ends)
    middle = recipe_at(timeline, 0.5).noise
    assert (middle.kind, middle.a, middle.b) == ("blend", Noise("seed", 1), Noise())
    fixed = edits.replace(timeline, noise=Noise("none"))
    assert {r.noise for r in frames(fixed)} == {Noise("none")}


def test_keyframes_move_past_one_another_and_say_where_they_went():
    timeline = line(0.0, 1.0, 2.0)
    moved = edits.moved(timeline, {0: 1.5, 2: -1.0})
    assert [k.seconds for k in moved.keyframes] == [0.0, 1.0, 1.5]
    assert [k.recipe for k in moved.keyframes] == [C, B, A]
    assert edits.places(timeline, {0: 1.5, 2: -1.0}) == [2, 1, 0]


def test_distribute_stretch_copy_and_delete():
    timeline = line(0.0, 0.1, 3.0)
    assert [k.seconds for k in edits.distributed(timeline).keyframes] == [0.0, 1.5, 3.0]
    assert [k.seconds for k in edits.stretched(timeline, 6.0).keyframes] == pytest.approx([0.0, 0.2, 6.0])
    assert [k.seconds for k in edits.without(timeline, [0, 2]).keyframes] == [0.1]
    copied = edits.copied(timeline, [2, 1], 4.0)
    assert [k.recipe for k in copied.keyframes[3:]] == [B, C]
    assert [k.seconds for k in copied.keyframes[3:]] == pytest.approx([4.0, 6.9])
    assert edits.distributed(line(0.0, 1.0)) == line(0.0, 1.0)
    assert edits.copied(timeline, [], 1.0) == timeline
    assert edits.stretched(Timeline("t"), 1.0) == Timeline("t")


@pytest.mark.parametrize("easing", ["linear", "smooth", Curve(0.1, 0.6, 0.2, 0.9)])
def test_reversed_is_the_same_way_backwards(easing):
    timeline = line(0.0, 0.4, 1.0, easing=easing, fps=10.0)
    back = edits.reversed_in_time(timeline)
    for forwards, backwards in zip(frames(timeline), reversed(frames(back)), strict=True):
        if isinstance(forwards.base, BlendBase):
            assert (backwards.base.a, backwards.base.b) == (forwards.base.b, forwards.base.a)
            assert backwards.base.amount == pytest.approx(1 - forwards.base.amount, abs=1e-9)
        else:
            assert backwards == forwards
    assert [k.recipe for k in back.keyframes] == [C, B, A]


def test_a_random_walk_passes_its_seeds_and_closes():
    walk = makers.random_walk([5, 6, 7], 0.5, PictureRecipe(SampleBase(0), 0.7, cond=(1.0, 0.0)))
    assert [k.recipe.base for k in walk.keyframes] == [SeedBase(5), SeedBase(6), SeedBase(7)]
    assert (span(walk), walk.space) == (1.5, "z-slerp")
    assert walk.keyframes[0].recipe == PictureRecipe(SeedBase(5), 0.7)
    assert recipe_at(walk, 1.25).base.b == SeedBase(5)


def test_a_morph_blends_the_noise_of_two_projections():
    ends = [PictureRecipe(ProjectedBase(x), noise=Noise("maps", maps_id=x)) for x in ("one", "two")]
    middle = recipe_at(makers.morph(*ends, 2.0), 1.0)
    assert middle.base == BlendBase(ProjectedBase("one"), ProjectedBase("two"), 0.5, "w+")
    assert middle.noise == Noise("blend", a=ends[0].noise, b=ends[1].noise, amount=0.5)


def test_a_sweep_moves_one_thing_and_leaves_the_others():
    recipe = PictureRecipe(SeedBase(1), edits=(StyleShift(3, "max", 0.7), StyleShift(4, "max", 0.2)))
    sweep = makers.alpha_sweep(recipe, StyleShift(3, "min", 1.0), -1.0, 1.0, 2.0)
    assert recipe_at(sweep, 0.0).edits == (StyleShift(3, "max", 1.0), StyleShift(4, "max", 0.2))
    assert recipe_at(sweep, 1.0).edits == (StyleShift(4, "max", 0.2),)
    assert recipe_at(sweep, 2.0).edits == (StyleShift(3, "max", -1.0), StyleShift(4, "max", 0.2))


def test_style_mixing_goes_through_the_mixes():
    mix = makers.style_mix(A, [SeedBase(8), SeedBase(9)], 1, 2, 1.0)
    assert [k.recipe.base for k in mix.keyframes] == [
        SeedBase(1),
        MixBase(SeedBase(1), SeedBase(8), 1, 2),
        MixBase(SeedBase(1), SeedBase(9), 1, 2),
    ]
