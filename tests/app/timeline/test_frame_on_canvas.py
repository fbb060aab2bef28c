# SPDX-License-Identifier: MIT
"""The state beside a timeline's frame: what is on the canvas determines all that is shown and done."""

from __future__ import annotations

import pytest
from fakes import SPOTS
from headless import of_type
from timeline_harness import TimelineHarness, two_keyframes

from latent_explorer.app.exploration import picture_requests, updates
from latent_explorer.app.exploration.intents import (
    ResetAttributes,
    SetAttribute,
    SetBase,
    SetTarget,
    SetTruncation,
)
from latent_explorer.app.exploration.recipe_png import read_recipe
from latent_explorer.app.exploration.state import attribute_amount
from latent_explorer.explain.recipe import BlendBase, PictureRecipe, SampleBase, SeedBase, StyleShift
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline, recipe_at


@pytest.fixture
def harness(tmp_path):
    harness = TimelineHarness(tmp_path)
    harness.explorer.apply(SetBase(SeedBase(9)))
    harness.settle()
    yield harness
    harness.explorer.close()


def seek(harness, seconds: float) -> list:
    harness.controller.player.seek(seconds)
    return harness.settle()


def test_the_state_follows_the_playhead_and_the_session_keeps_its_own(harness):
    timeline, explorer = two_keyframes(harness), harness.explorer
    told = seek(harness, 0.5)
    (frame,) = of_type(told, updates.TimelineFrame)
    assert explorer.shown == frame
    assert explorer.state.base == SampleBase(0)
    assert attribute_amount(explorer.state, SPOTS) == 0.5
    assert picture_requests.resolve(explorer.state, explorer.summary) == frame.request
    assert explorer.editable
    changed = of_type(told, updates.StateChanged)[-1]
    assert changed.new == explorer.state
    assert explorer.session.state.base == SeedBase(9)
    assert explorer.session.state.timelines == explorer.state.timelines == (timeline,)


@pytest.mark.parametrize(
    ("ends", "inside"),
    [
        ((PictureRecipe(SampleBase(0)), PictureRecipe(SampleBase(1))), False),
        ((PictureRecipe(SeedBase(0), 0.5), PictureRecipe(SeedBase(1), 0.5)), False),
        ((PictureRecipe(SeedBase(0), 0.5), PictureRecipe(SeedBase(0), 1.2)), True),
        ((PictureRecipe(SampleBase(0)), PictureRecipe(SampleBase(0), edits=(StyleShift(3, "max", 1.0),))), True),
    ],
)
def test_between_two_latents_no_slider_stands_for_the_frame(harness, ends, inside):
    frames = tuple(Keyframe(float(t), recipe, "linear") for t, recipe in enumerate(ends))
    harness.controller.make(Timeline("t", frames, fps=10.0))
    for seconds, editable in ((0.0, True), (0.5, inside), (1.0, True), (0.5, inside)):
        seek(harness, seconds)
        assert harness.explorer.editable == editable, seconds
        recipe = picture_requests.resolve(harness.explorer.state, harness.explorer.summary).recipe
        assert recipe == recipe_at(harness.controller.current, seconds)
    harness.controller.player.leave()
    assert harness.explorer.editable
    assert harness.explorer.state.base == SeedBase(9)


def test_while_a_walk_plays_the_sliders_do_not_flash_at_its_keyframes(harness):
    ends = (Keyframe(0.0, PictureRecipe(SampleBase(0)), "linear"), Keyframe(1.0, PictureRecipe(SampleBase(1))))
    harness.controller.make(Timeline("t", ends, fps=10.0, loop=True, closing_seconds=1.0))
    harness.controller.player.play()
    for frame in harness.play(2.2):
        assert not frame.one_state
    seek(harness, 1.0)
    assert not harness.explorer.editable  # it still plays
    harness.controller.player.pause()
    assert harness.explorer.editable


@pytest.mark.parametrize("seconds", [0.0, 0.5])
def test_a_slider_moves_what_is_on_the_canvas(harness, seconds):
    explorer = harness.explorer
    two_keyframes(harness)
    seek(harness, seconds)
    explorer.begin_gesture()
    for amount in (0.6, 0.7, 0.8):
        explorer.apply(SetAttribute(SPOTS, amount))
    explorer.end_gesture()
    told = harness.settle()
    assert explorer.state.base == SampleBase(0)
    assert attribute_amount(explorer.state, SPOTS) == 0.8
    assert of_type(told, updates.MainPicture)[-1] == explorer.shown
    explorer.undo()
    assert (explorer.state.base, attribute_amount(explorer.state, SPOTS)) == (SampleBase(0), seconds)
    assert explorer.undo_text == "Undo picture of the timeline"
    explorer.undo()
    assert explorer.state.base == SeedBase(9)


def test_what_changes_nothing_on_the_canvas_leaves_it_as_it_is(harness):
    explorer = harness.explorer
    explorer.apply(SetAttribute(SPOTS, 0.3))
    two_keyframes(harness)
    seek(harness, 0.0)  # no edits there
    explorer.apply(ResetAttributes())
    harness.settle()
    assert explorer.shown.request.recipe == PictureRecipe(SampleBase(0))
    seek(harness, 0.0)
    explorer.apply(SetBase(SampleBase(0)))
    harness.settle()
    assert explorer.shown.request.recipe == PictureRecipe(SampleBase(0))


def test_another_class_keeps_the_frame_on_the_canvas(harness):
    two_keyframes(harness)
    seek(harness, 0.5)
    harness.explorer.apply(SetTarget(1))
    told = harness.settle()
    assert not of_type(told, updates.MainPicture)
    assert isinstance(harness.explorer.shown, updates.TimelineFrame)
    assert harness.explorer.state.target_class == 1


def test_the_own_picture_is_not_shown_over_a_frame(harness):
    two_keyframes(harness)
    seek(harness, 0.5)
    harness.explorer.set_device("cuda:0")  # makes every picture again
    told = harness.settle()
    assert not of_type(told, updates.MainPicture)
    assert isinstance(harness.explorer.shown, updates.TimelineFrame)
    harness.controller.player.leave()
    (own,) = of_type(harness.settle(), updates.MainPicture)
    assert own.request.recipe.base == SeedBase(9)


def test_undo_to_a_picture_made_before_shows_it(harness):
    explorer = harness.explorer
    two_keyframes(harness)
    explorer.apply(SetBase(SeedBase(4)))
    harness.settle()
    seek(harness, 0.5)
    explorer.apply(SetBase(SeedBase(4)))
    (own,) = of_type(harness.settle(), updates.MainPicture)[-1:]
    assert own.request.recipe.base == SeedBase(4)
    assert own.request.recipe.edits  # those of the frame


def test_previews_of_a_slider_are_of_the_frame(harness):
    two_keyframes(harness)
    seek(harness, 0.5)
    harness.explorer.hover(SPOTS)
    ends = of_type(harness.settle(), updates.HoverPicture)
    assert len(ends) == 2
    bases = {r.recipe.base for r in harness.rendered[-2:]}
    assert bases == {SampleBase(0)}


def test_the_picture_that_is_copied_is_the_frame_with_its_recipe(harness, tmp_path):
    ends = (Keyframe(0.0, PictureRecipe(SampleBase(0)), "linear"), Keyframe(1.0, PictureRecipe(SampleBase(1))))
    harness.controller.make(Timeline("t", ends, fps=10.0))
    seek(harness, 0.5)
    frame = harness.explorer.shown
    harness.explorer.export_png(tmp_path / "frame.png")
    recipe = read_recipe(tmp_path / "frame.png")
    assert isinstance(recipe.state.base, BlendBase)
    assert (recipe.image == frame.result.after.image).all()
    harness.controller.player.leave()
    harness.open("frame.png")
    assert harness.explorer.shown.request == frame.request


def test_timelines_are_made_of_what_the_canvas_shows(harness):
    two_keyframes(harness)
    seek(harness, 0.5)
    harness.controller.style_mix(SeedBase(2), 0, 1)
    assert harness.controller.current.keyframes[0].recipe.base == SampleBase(0)


def test_a_recording_begins_with_what_the_canvas_shows(harness):
    two_keyframes(harness)
    seek(harness, 0.5)
    harness.controller.record()
    harness.settle()
    assert isinstance(harness.explorer.shown, updates.TimelineFrame)
    harness.clock.now += 1
    harness.explorer.apply(SetAttribute(SPOTS, 0.9))
    harness.controller.stop_recording()
    assert {k.recipe.base for k in harness.controller.current.keyframes} == {SampleBase(0)}


def test_work_is_kept_of_the_session_not_of_the_playhead(harness, tmp_path):
    two_keyframes(harness)
    seek(harness, 0.5)
    harness.explorer.save(tmp_path / "mine.exploration")
    assert not harness.explorer.unsaved
    seek(harness, 0.7)
    assert not harness.explorer.unsaved
    harness.open("mine.exploration")
    assert harness.explorer.state.base == SeedBase(9)


def test_a_timeline_with_a_classifier_of_its_own_is_shown_with_it(harness):
    harness.controller.make(
        Timeline("t", (Keyframe(0.0, PictureRecipe(SampleBase(0))),), classifier_id="d" * 64), "another classifier"
    )
    harness.settle()
    harness.explorer.apply(SetTruncation(0.4))
    assert harness.explorer.state.classifier_id != "d" * 64
    seek(harness, 0.0)
    assert harness.explorer.state.classifier_id == "d" * 64
    assert harness.explorer.session.state.classifier_id != "d" * 64
