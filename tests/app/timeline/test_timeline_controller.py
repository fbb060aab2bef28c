# SPDX-License-Identifier: MIT
"""The timeline controller on a fake model: choosing, changing, undoing, generating, recording and saving."""

from __future__ import annotations

import msgspec
import pytest
from fakes import BOTH, SPOTS
from headless import of_type
from timeline_harness import TimelineHarness, two_keyframes

from latent_explorer.app.exploration import picture_requests, updates
from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.file import Exploration, write
from latent_explorer.app.exploration.intents import SetAttribute, SetBase, SetTruncation
from latent_explorer.explain.recipe import (
    BlendBase,
    Noise,
    PictureRecipe,
    ProjectedBase,
    SampleBase,
    SeedBase,
    StyleShift,
)
from latent_explorer.explain.timeline import edits
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline, frames, recipe_at


@pytest.fixture
def harness(tmp_path):
    harness = TimelineHarness(tmp_path)
    yield harness
    harness.explorer.close()


# Choosing and changing ---------------------------------------------------------------------------


def test_keyframes_are_added_where_a_person_expects_them_and_undone(harness):
    controller, explorer = harness.controller, harness.explorer
    controller.add_keyframe()
    explorer.apply(SetBase(SeedBase(4)))
    controller.add_keyframe()
    explorer.apply(SetAttribute(SPOTS, 0.5))
    controller.add_keyframe()
    assert [k.seconds for k in controller.current.keyframes] == [0.0, 1.0, 2.0]
    assert controller.current.keyframes[1].recipe.base == SeedBase(4)
    assert controller.player.playhead == 2.0
    assert explorer.undo_text == "Undo keyframe"
    explorer.undo()
    assert len(controller.current.keyframes) == 2
    controller.player.seek(0.5)
    explorer.apply(SetAttribute(SPOTS, -0.5))
    controller.add_keyframe()  # inside: at the playhead, of what the sliders show
    assert [k.seconds for k in controller.current.keyframes] == [0.0, 0.5, 1.0]
    assert controller.current.keyframes[1].recipe == picture_requests.resolve(explorer.state, explorer.summary).recipe


def test_what_is_scrubbed_to_can_be_kept_as_a_keyframe(harness):
    timeline = two_keyframes(harness)
    harness.controller.player.seek(0.52)
    harness.controller.add_keyframe()
    between = harness.controller.current.keyframes[1]
    assert (between.seconds, between.recipe) == (0.5, recipe_at(timeline, 0.5))


def test_a_keyframe_in_the_same_frame_is_replaced_and_keeps_its_easing(harness):
    two_keyframes(harness)
    harness.explorer.apply(SetBase(SeedBase(9)))
    harness.controller.add_keyframe(0.04)
    assert harness.controller.current.keyframes[0].recipe.base == SeedBase(9)
    assert harness.controller.current.keyframes[0].easing == "linear"
    harness.controller.replace_keyframe(1)
    assert harness.controller.current.keyframes[1].recipe.base == SeedBase(9)


def test_several_timelines_stand_side_by_side(harness):
    controller = harness.controller
    controller.new("walk")
    controller.new("walk")
    controller.new()
    assert [t.name for t in controller.timelines] == ["walk", "walk 2", "Timeline"]
    assert controller.current.name == "Timeline"
    controller.choose("walk")
    controller.rename("Timeline")
    assert controller.current.name == "Timeline 2"
    harness.explorer.undo()
    assert controller.current.name == "walk"
    controller.duplicate()
    assert controller.current.name == "walk 3"
    controller.delete()
    assert controller.current is not None
    harness.explorer.undo()
    assert "walk 3" in [t.name for t in controller.timelines]


def test_a_drag_is_one_step_of_undo(harness):
    before = two_keyframes(harness)
    harness.explorer.begin_gesture()
    for seconds in (1.1, 1.5, 2.0):
        harness.controller.change(edits.moved(before, {1: seconds}), "move of a keyframe", "move")
    harness.explorer.end_gesture()
    assert [k.seconds for k in harness.controller.current.keyframes] == [0.0, 2.0]
    harness.explorer.undo()
    assert harness.controller.current == before


def test_values_that_make_no_sense_are_refused_with_a_sentence(harness):
    before = two_keyframes(harness)
    harness.settle()
    harness.controller.change(edits.replace(before, fps=33.0), "rate")
    harness.controller.change(edits.moved(before, {1: float("inf")}), "move")
    troubles = of_type(harness.settle(), updates.ErrorReport)
    assert len(troubles) == 2
    assert "stays as it was" in troubles[0].failure.message
    assert harness.controller.current == before


def test_a_keyframe_goes_back_to_the_sliders(harness):
    harness.explorer.apply(SetBase(SeedBase(3)))
    harness.explorer.apply(SetTruncation(0.4))
    harness.explorer.apply(SetAttribute(BOTH, 0.5))
    harness.controller.add_keyframe()
    kept = harness.explorer.state
    harness.explorer.apply(SetBase(SampleBase(1)))
    harness.explorer.apply(SetTruncation(1.0))
    harness.explorer.apply(SetAttribute(BOTH, 0.0))
    harness.controller.add_keyframe()
    harness.controller.open_keyframe(0)
    state = harness.explorer.state
    assert picture_requests.resolve(state, harness.explorer.summary) == picture_requests.resolve(
        kept, harness.explorer.summary
    )
    harness.controller.open_keyframe(1)
    assert picture_requests.resolve(harness.explorer.state, harness.explorer.summary).recipe.base == SampleBase(1)


# One click ---------------------------------------------------------------------------------------


def test_one_click_makes_a_timeline_that_one_undo_takes_away(harness):
    controller, explorer = harness.controller, harness.explorer
    explorer.apply(SetTruncation(0.7))
    controller.random_walk(5, 0.5)
    walk = controller.current
    assert (len(walk.keyframes), walk.space, walk.loop) == (5, "z-slerp", True)
    assert {k.recipe.truncation_psi for k in walk.keyframes} == {0.7}
    controller.morph(SampleBase(0), SeedBase(1), 1.5)
    assert [k.recipe.base for k in controller.current.keyframes] == [SampleBase(0), SeedBase(1)]
    controller.sweep(BOTH, -0.5, 1.0)
    first, last = controller.current.keyframes
    assert first.recipe.edits == (StyleShift(3, "max", -0.25), StyleShift(7, "max", 0.5))
    assert last.recipe.edits == (StyleShift(3, "max", 0.5), StyleShift(7, "max", -1.0))
    controller.stepped_sweep(BOTH, 2.0)
    alphas = [recipe.edits[0].amount if recipe.edits else 0.0 for recipe in frames(controller.current)]
    assert alphas == pytest.approx([0.05 * step for step in range(20)])
    controller.style_mix(SeedBase(2), 0, 1)
    assert len(controller.timelines) == 5
    assert explorer.undo_text == "Undo style mixing"
    for _ in range(5):
        explorer.undo()
    assert controller.timelines == ()
    assert controller.current is None


def test_what_was_made_in_one_click_shows_its_first_frame(harness):
    harness.controller.player.set_active(True)
    harness.settle()
    harness.controller.sweep(BOTH, -1.0, 1.0)
    (shown,) = of_type(harness.settle(), updates.TimelineFrame)
    assert shown.request.recipe == harness.controller.current.keyframes[0].recipe


# Kept --------------------------------------------------------------------------------------------


def test_an_exploration_keeps_its_timelines(harness, tmp_path):
    harness.controller.random_walk(3)
    timeline = two_keyframes(harness)
    assert harness.explorer.unsaved
    assert harness.explorer.save(tmp_path / "mine.exploration")
    harness.explorer.close()
    again = TimelineHarness(tmp_path)
    again.open("mine.exploration")
    assert [t.name for t in again.controller.timelines] == ["Random walk", "t"]
    again.controller.choose("t")
    assert again.controller.current == timeline
    again.controller.player.seek(0.5)
    assert len(of_type(again.settle(), updates.TimelineFrame)) == 1
    again.explorer.close()


def test_keyframes_whose_projections_are_missing_are_left_out_and_it_is_said(harness, tmp_path):
    lost = PictureRecipe(BlendBase(ProjectedBase("gone"), SeedBase(1), 0.5))
    kept = Keyframe(1.0, PictureRecipe(SampleBase(0)))
    timeline = Timeline("t", (Keyframe(0.0, lost), kept), noise=Noise("maps", maps_id="gone"))
    state = msgspec.structs.replace(harness.explorer.state, timelines=(timeline,))
    write(tmp_path / "mine.exploration", Exploration(state, Document()))
    told = harness.open("mine.exploration")
    assert "left out" in of_type(told, updates.Message)[0].text
    assert harness.controller.current == Timeline("t", (kept,))


# Recording ---------------------------------------------------------------------------------------


def test_a_live_session_becomes_a_timeline(harness):
    controller, explorer = harness.controller, harness.explorer
    controller.record()
    harness.clock.now += 3.0
    for step in range(1, 51):  # one second up, in a straight line
        harness.clock.now += 0.02
        explorer.apply(SetAttribute(SPOTS, step / 50))
    assert controller.recording
    assert controller.record_seconds == pytest.approx(4.0)
    controller.stop_recording()
    assert not controller.recording
    kept = controller.current.keyframes
    assert len(kept) <= 4
    middle = recipe_at(controller.current, kept[-1].seconds - 0.5 - 0.5)
    assert middle.edits[0].amount == pytest.approx(0.5, abs=0.03)
    explorer.undo()
    assert controller.current is None


def test_a_recording_without_a_change_keeps_nothing(harness):
    harness.controller.record()
    harness.clock.now += 2
    harness.settle()
    harness.controller.stop_recording()
    (told,) = of_type(harness.settle(), updates.Message)
    assert "Nothing moved" in told.text
    assert harness.controller.timelines == ()
    harness.controller.stop_recording()


def test_a_dropped_picture_leaves_the_timelines_alone(harness, tmp_path):
    timeline = two_keyframes(harness)
    harness.explorer.apply(SetBase(SeedBase(5)))
    harness.settle()
    harness.explorer.export_png(tmp_path / "seed.png")
    harness.explorer.apply(SetBase(SeedBase(6)))
    harness.controller.new("later")
    harness.open("seed.png")
    assert harness.explorer.state.base == SeedBase(5)
    assert harness.controller.timelines == (timeline, Timeline("later"))
