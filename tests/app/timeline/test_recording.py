# SPDX-License-Identifier: MIT
"""Recordings: few keyframes reproduce the samples to within the tolerance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latent_explorer.app.timeline.recording import LEAD, TAIL, TOLERANCE, Recorder, simplify_keyframes
from latent_explorer.explain.recipe import Noise, PictureRecipe, SeedBase, StyleShift
from latent_explorer.explain.timeline.file import MAX_KEYFRAMES, timeline_problem
from latent_explorer.explain.timeline.timeline import MAX_SECONDS, Timeline, recipe_at


def shifted(amount: float, psi: float = 1.0, seed: int = 1) -> PictureRecipe:
    edits = (StyleShift(3, "max", amount),) if amount else ()
    return PictureRecipe(SeedBase(seed), psi, edits=edits)


def amount_of(recipe: PictureRecipe) -> float:
    return recipe.edits[0].amount if recipe.edits else 0.0


def recorded(samples: list[tuple[float, PictureRecipe]]) -> Timeline:
    recorder = Recorder(*reversed(samples[0]))
    for now, recipe in samples[1:]:
        recorder.note(recipe, now)
    timeline = Timeline("r", recorder.keyframes())
    assert not timeline_problem(timeline)
    return timeline


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=60), st.floats(0.001, 0.2))
def test_thinned_samples_say_the_rest(values, step):
    samples = [(i * step, shifted(v, 1 + v / 2)) for i, v in enumerate(values)]
    kept = simplify_keyframes(samples)
    assert kept[0] == samples[0]
    assert kept[-1] == samples[-1]
    times = [t for t, _ in kept]
    for read in (amount_of, lambda r: r.truncation_psi):
        said = np.interp([t for t, _ in samples], times, [read(r) for _, r in kept])
        assert np.abs(said - [read(r) for _, r in samples]).max() <= TOLERANCE + 1e-9


def test_a_straight_drag_needs_two_keyframes_and_a_turn_three():
    up = [(i / 60, shifted(i / 60)) for i in range(61)]
    down = [(1 + i / 60, shifted(1 - i / 60)) for i in range(1, 61)]
    assert len(simplify_keyframes(up)) == 2
    assert len(simplify_keyframes(up + down)) == 3


def test_the_hand_at_rest_is_at_rest_in_the_recording():
    timeline = recorded([(0.0, shifted(0.0)), (1.0, shifted(0.1)), (6.0, shifted(0.9))])
    amounts = [amount_of(recipe_at(timeline, t)) for t in (0.0, LEAD + 0.1, LEAD + 4.9, LEAD + 5.0)]
    assert amounts == pytest.approx([0.0, 0.1, 0.1, 0.9])
    assert timeline.keyframes[-1].seconds == pytest.approx(LEAD + 5.0 + TAIL)


def test_another_picture_is_a_cut_not_a_blend():
    samples = [(0.0, shifted(0.0)), (0.5, shifted(0.5)), (1.0, shifted(0.5, seed=2)), (1.5, shifted(0.0, seed=2))]
    timeline = recorded(samples)
    start = 0.5 - LEAD
    just_before = recipe_at(timeline, 1.0 - start - 1e-3)
    assert just_before == shifted(0.5)
    assert recipe_at(timeline, 1.0 - start) == shifted(0.5, seed=2)
    bases = {recipe_at(timeline, t / 100).base for t in range(150)}
    assert bases == {SeedBase(1), SeedBase(2)}


def test_noise_and_truncation_of_rows_cut_too():
    other = PictureRecipe(SeedBase(1), noise=Noise("none"))
    rows = PictureRecipe(SeedBase(1), 0.5, 2)
    timeline = recorded([(0.0, shifted(0.0)), (0.05, other), (0.1, rows), (0.15, PictureRecipe(SeedBase(1), 0.6, 3))])
    shown = {recipe_at(timeline, t / 1000).noise.kind for t in range(800)}
    assert shown == {"const", "none"}


def test_nothing_noted_is_nothing_kept():
    recorder = Recorder(shifted(0.0), 5.0)
    recorder.note(shifted(0.0), 6.0)
    assert recorder.keyframes() == ()
    assert recorder.seconds(7.5) == 2.5


def test_a_forgotten_recording_ends_where_a_timeline_must():
    recorder = Recorder(shifted(0.0), 0.0)
    for second in range(0, 4000, 10):
        recorder.note(shifted(second / 4000), float(second))
    assert recorder.seconds(4000.0) == MAX_SECONDS
    assert not timeline_problem(Timeline("r", recorder.keyframes()))


def test_a_wild_recording_becomes_coarser_rather_than_refused():
    random = np.random.default_rng(0)
    samples = [(i / 50, shifted(float(a))) for i, a in enumerate(random.uniform(-1, 1, 3000))]
    assert len(recorded(samples).keyframes) <= MAX_KEYFRAMES
