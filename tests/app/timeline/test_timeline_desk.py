# SPDX-License-Identifier: MIT
"""Timelines as the window sees them, on a model of plain numbers: chosen, changed, undone, made, recorded, kept."""

from __future__ import annotations

import msgspec
import pytest
from fakes import BOTH, SPOTS
from headless import of
from timeline_harness import Room, two_keyframes

from latent_explorer.app.exploration import picture_requests as live
from latent_explorer.app.exploration import updates
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
from latent_explorer.explain.timeline import edits as edits
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline, recipe_at


@pytest.fixture
def room(tmp_path):
    room = Room(tmp_path)
    yield room
    room.explorer.close()


# Choosing and changing ---------------------------------------------------------------------------


def test_keyframes_are_added_where_a_person_expects_them_and_undone(room):
    desk, explorer = room.desk, room.explorer
    desk.add_keyframe()
    explorer.apply(SetBase(SeedBase(4)))
    desk.add_keyframe()
    explorer.apply(SetAttribute(SPOTS, 0.5))
    desk.add_keyframe()
    assert [k.seconds for k in desk.current.keyframes] == [0.0, 1.0, 2.0]
    assert desk.current.keyframes[1].recipe.base == SeedBase(4)
    assert desk.playhead == 2.0
    assert explorer.undo_text == "Undo keyframe"
    explorer.undo()
    assert len(desk.current.keyframes) == 2
    desk.seek(0.5)
    explorer.apply(SetAttribute(SPOTS, -0.5))
    desk.add_keyframe()  # inside: at the playhead, of what the sliders show
    assert [k.seconds for k in desk.current.keyframes] == [0.0, 0.5, 1.0]
    assert desk.current.keyframes[1].recipe == live.resolve(explorer.state, explorer.summary).recipe


def test_what_is_scrubbed_to_can_be_kept_as_a_keyframe(room):
    timeline = two_keyframes(room)
    room.desk.seek(0.52)
    room.desk.add_keyframe()
    between = room.desk.current.keyframes[1]
    assert (between.seconds, between.recipe) == (0.5, recipe_at(timeline, 0.5))


def test_a_keyframe_in_the_same_frame_is_replaced_and_keeps_its_easing(room):
    two_keyframes(room)
    room.explorer.apply(SetBase(SeedBase(9)))
    room.desk.add_keyframe(0.04)
    assert room.desk.current.keyframes[0].recipe.base == SeedBase(9)
    assert room.desk.current.keyframes[0].easing == "linear"
    room.desk.replace_keyframe(1)
    assert room.desk.current.keyframes[1].recipe.base == SeedBase(9)


def test_several_timelines_stand_side_by_side(room):
    desk = room.desk
    desk.new("walk")
    desk.new("walk")
    desk.new()
    assert [t.name for t in desk.timelines] == ["walk", "walk 2", "Timeline"]
    assert desk.current.name == "Timeline"
    desk.choose("walk")
    desk.rename("Timeline")
    assert desk.current.name == "Timeline 2"
    room.explorer.undo()
    assert desk.current.name == "walk"
    desk.duplicate()
    assert desk.current.name == "walk 3"
    desk.delete()
    assert desk.current is not None
    room.explorer.undo()
    assert "walk 3" in [t.name for t in desk.timelines]


def test_a_drag_is_one_step_of_undo(room):
    before = two_keyframes(room)
    room.explorer.begin_gesture()
    for seconds in (1.1, 1.5, 2.0):
        room.desk.change(edits.moved(before, {1: seconds}), "move of a keyframe", "move")
    room.explorer.end_gesture()
    assert [k.seconds for k in room.desk.current.keyframes] == [0.0, 2.0]
    room.explorer.undo()
    assert room.desk.current == before


def test_values_that_make_no_sense_are_refused_with_a_sentence(room):
    before = two_keyframes(room)
    room.settle()
    room.desk.change(edits.replace(before, fps=33.0), "rate")
    room.desk.change(edits.moved(before, {1: float("inf")}), "move")
    troubles = of(room.settle(), updates.Trouble)
    assert len(troubles) == 2
    assert "stays as it was" in troubles[0].failure.message
    assert room.desk.current == before


def test_a_keyframe_goes_back_to_the_sliders(room):
    room.explorer.apply(SetBase(SeedBase(3)))
    room.explorer.apply(SetTruncation(0.4))
    room.explorer.apply(SetAttribute(BOTH, 0.5))
    room.desk.add_keyframe()
    kept = room.explorer.state
    room.explorer.apply(SetBase(SampleBase(1)))
    room.explorer.apply(SetTruncation(1.0))
    room.explorer.apply(SetAttribute(BOTH, 0.0))
    room.desk.add_keyframe()
    room.desk.open_keyframe(0)
    state = room.explorer.state
    assert live.resolve(state, room.explorer.summary) == live.resolve(kept, room.explorer.summary)
    room.desk.open_keyframe(1)
    assert live.resolve(room.explorer.state, room.explorer.summary).recipe.base == SampleBase(1)


# One click ---------------------------------------------------------------------------------------


def test_one_click_makes_a_timeline_that_one_undo_takes_away(room):
    desk, explorer = room.desk, room.explorer
    explorer.apply(SetTruncation(0.7))
    desk.random_walk(5, 0.5)
    walk = desk.current
    assert (len(walk.keyframes), walk.space, walk.loop) == (5, "z-slerp", True)
    assert {k.recipe.truncation_psi for k in walk.keyframes} == {0.7}
    desk.morph(SampleBase(0), SeedBase(1), 1.5)
    assert [k.recipe.base for k in desk.current.keyframes] == [SampleBase(0), SeedBase(1)]
    desk.sweep(BOTH, -0.5, 1.0)
    first, last = desk.current.keyframes
    assert first.recipe.edits == (StyleShift(3, "max", -0.25), StyleShift(7, "max", 0.5))
    assert last.recipe.edits == (StyleShift(3, "max", 0.5), StyleShift(7, "max", -1.0))
    desk.style_mix(SeedBase(2), 0, 1)
    assert len(desk.timelines) == 4
    assert explorer.undo_text == "Undo style mixing"
    for _ in range(4):
        explorer.undo()
    assert desk.timelines == ()
    assert desk.current is None


def test_what_was_made_in_one_click_shows_its_first_frame(room):
    room.desk.set_active(True)
    room.settle()
    room.desk.sweep(BOTH, -1.0, 1.0)
    (shown,) = of(room.settle(), updates.TimelineFrame)
    assert shown.request.recipe == room.desk.current.keyframes[0].recipe


# Kept --------------------------------------------------------------------------------------------


def test_an_exploration_keeps_its_timelines(room, tmp_path):
    room.desk.random_walk(3)
    timeline = two_keyframes(room)
    assert room.explorer.unsaved
    assert room.explorer.save(tmp_path / "mine.exploration")
    room.explorer.close()
    again = Room(tmp_path)
    again.open("mine.exploration")
    assert [t.name for t in again.desk.timelines] == ["Random walk", "t"]
    again.desk.choose("t")
    assert again.desk.current == timeline
    again.desk.seek(0.5)
    assert len(of(again.settle(), updates.TimelineFrame)) == 1
    again.explorer.close()


def test_keyframes_whose_projections_are_missing_are_left_out_and_it_is_said(room, tmp_path):
    lost = PictureRecipe(BlendBase(ProjectedBase("gone"), SeedBase(1), 0.5))
    kept = Keyframe(1.0, PictureRecipe(SampleBase(0)))
    timeline = Timeline("t", (Keyframe(0.0, lost), kept), noise=Noise("maps", maps_id="gone"))
    state = msgspec.structs.replace(room.explorer.state, timelines=(timeline,))
    write(tmp_path / "mine.exploration", Exploration(state, Document()))
    told = room.open("mine.exploration")
    assert "left out" in of(told, updates.Told)[0].text
    assert room.desk.current == Timeline("t", (kept,))


# Recording ---------------------------------------------------------------------------------------


def test_a_live_session_becomes_a_timeline(room):
    desk, explorer = room.desk, room.explorer
    desk.record()
    room.clock.now += 3.0
    for step in range(1, 51):  # one second up, in a straight line
        room.clock.now += 0.02
        explorer.apply(SetAttribute(SPOTS, step / 50))
    assert desk.recording
    assert desk.record_seconds == pytest.approx(4.0)
    desk.stop_recording()
    assert not desk.recording
    kept = desk.current.keyframes
    assert len(kept) <= 4
    middle = recipe_at(desk.current, kept[-1].seconds - 0.5 - 0.5)
    assert middle.edits[0].amount == pytest.approx(0.5, abs=0.03)
    explorer.undo()
    assert desk.current is None


def test_a_recording_without_a_change_keeps_nothing(room):
    room.desk.record()
    room.clock.now += 2
    room.settle()
    room.desk.stop_recording()
    (told,) = of(room.settle(), updates.Told)
    assert "Nothing moved" in told.text
    assert room.desk.timelines == ()
    room.desk.stop_recording()


def test_a_dropped_picture_leaves_the_timelines_alone(room, tmp_path):
    timeline = two_keyframes(room)
    room.explorer.apply(SetBase(SeedBase(5)))
    room.settle()
    room.explorer.export_png(tmp_path / "seed.png")
    room.explorer.apply(SetBase(SeedBase(6)))
    room.desk.new("later")
    room.open("seed.png")
    assert room.explorer.state.base == SeedBase(5)
    assert room.desk.timelines == (timeline, Timeline("later"))
