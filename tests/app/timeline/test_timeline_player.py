# SPDX-License-Identifier: MIT
"""Frames of a timeline on the canvas, on a fake model: requests, scrubbing, prefetching and playback."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest
from fakes import SPOTS, make_result
from headless import of_type
from timeline_harness import TimelineHarness, two_keyframes

from latent_explorer.app.engine.events import PictureReady
from latent_explorer.app.engine.frame_cache import CachedFrame, FrameRequest
from latent_explorer.app.exploration import picture_requests, updates
from latent_explorer.app.exploration.intents import SetAttribute, SetTruncation
from latent_explorer.app.timeline import frames as timeline_frames
from latent_explorer.app.timeline.frames import TimelineFrames
from latent_explorer.app.timeline.player import TimelineTrace
from latent_explorer.common.errors import UserError
from latent_explorer.explain.recipe import PictureRecipe, SampleBase, StyleShift
from latent_explorer.explain.timeline import edits
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline, frame_times, frames, recipe_at


@pytest.fixture
def harness(tmp_path):
    harness = TimelineHarness(tmp_path)
    yield harness
    harness.explorer.close()


# Scrubbing ---------------------------------------------------------------------------------------


def test_scrubbing_shows_the_frame_that_will_be_exported(harness):
    timeline = two_keyframes(harness)
    harness.settle()
    harness.controller.player.seek(0.33)
    (shown,) = of_type(harness.settle(), updates.TimelineFrame)
    assert shown.seconds == pytest.approx(0.3)
    assert shown.request.recipe == frames(timeline)[3]
    assert not shown.cached
    harness.controller.player.seek(0.31)
    assert len(of_type(harness.settle(), updates.TimelineFrame)) == 1  # at hand: at once


def test_only_the_newest_frame_scrubbed_to_is_shown(harness):
    two_keyframes(harness)
    harness.settle()
    for seconds in (0.1, 0.2, 0.7):
        harness.controller.player.seek(seconds)
    assert [f.seconds for f in of_type(harness.settle(), updates.TimelineFrame)] == [0.7]


def test_a_slider_takes_the_canvas_back(harness):
    two_keyframes(harness)
    harness.controller.player.seek(0.5)
    harness.settle()
    harness.explorer.apply(SetAttribute(SPOTS, 0.2))
    assert len(of_type(harness.settle(), updates.MainPicture)) == 1
    harness.controller.player.seek(0.5)
    harness.settle()
    harness.controller.player.set_active(True)
    harness.controller.player.set_active(False)  # the timeline goes out of view: the sliders' picture is shown again
    (again,) = of_type(harness.settle(), updates.MainPicture)
    assert again == harness.explorer.shown


def test_a_change_of_the_timeline_shows_the_frame_under_the_playhead_again(harness):
    timeline = two_keyframes(harness)
    harness.controller.player.seek(0.5)
    harness.settle()
    harness.controller.change(edits.with_easing(timeline, [0], "hold"), "easing")
    (shown,) = of_type(harness.settle(), updates.TimelineFrame)
    assert shown.request.recipe == timeline.keyframes[0].recipe


def test_a_frame_that_cannot_be_made_is_said(harness):
    two_keyframes(harness)
    harness.settle()
    harness.host.renderers[-1].error = ValueError("boom")
    harness.controller.player.seek(0.5)
    (trouble,) = of_type(harness.settle(), updates.ErrorReport)
    assert trouble.slot == "timeline"
    harness.controller.player.seek(0.5)
    assert len(of_type(harness.settle(), updates.TimelineFrame)) == 1


def test_empty_timelines_and_single_keyframes_are_no_trouble(harness):
    controller = harness.controller
    controller.player.seek(1.0)
    controller.player.play()
    controller.player.step(1)
    controller.new()
    controller.player.seek(1.0)
    controller.player.play()
    assert not controller.player.playing
    assert (len(controller.player.trace.seconds), controller.player.trace.flips, controller.player.progress) == (
        0,
        (),
        0.0,
    )
    assert controller.player.picture_at(0.0) is None
    controller.add_keyframe()
    controller.player.seek(5.0)
    assert [f.seconds for f in of_type(harness.settle(), updates.TimelineFrame)] == [0.0]
    controller.player.play()
    assert not controller.player.playing


# Ahead of time -----------------------------------------------------------------------------------


def test_frames_without_a_classifier_are_known_when_they_are_there(harness, monkeypatch):
    nothing = np.empty(0, np.float32)
    whole = make_result()
    result = dataclasses.replace(whole, after=dataclasses.replace(whole.after, logits=nothing, probs=nothing))
    monkeypatch.setattr(harness.host.renderers[-1], "render", lambda _request, give_up=None: result)
    timeline = two_keyframes(harness)
    harness.controller.player.set_active(True)
    told = of_type(harness.settle(), TimelineTrace)
    assert (harness.controller.player.progress, told[-1].progress) == (1.0, 1.0)
    assert told[-1].ready == [(0.0, pytest.approx(frame_times(timeline)[-1]))]
    assert told[-1].probs.shape == (len(frame_times(timeline)), 0)


def test_frames_are_made_ahead_only_while_the_timeline_is_in_view(harness):
    two_keyframes(harness)
    harness.settle()
    assert harness.controller.player.progress == 0
    harness.controller.player.set_active(True)
    told = of_type(harness.settle(), TimelineTrace)
    assert (harness.controller.player.progress, told[-1].progress) == (1.0, 1.0)
    assert harness.controller.player.trace.seconds.tolist() == pytest.approx(frame_times(harness.controller.current))
    assert harness.controller.player.picture_at(1.0) is not None
    done = len(harness.rendered)
    harness.controller.change(edits.moved(harness.controller.current, {1: 1.2}), "longer")
    harness.settle()
    assert harness.controller.player.progress == 1.0
    assert len(harness.rendered) > done


def test_the_flip_is_where_the_predicted_class_changes(harness):
    ends = [
        Keyframe(t, PictureRecipe(SampleBase(0), edits=(StyleShift(3, "max", a),)), "linear")
        for t, a in ((0.0, -1.0), (1.0, 1.0))
    ]
    harness.controller.make(Timeline("t", tuple(ends), fps=10.0))
    harness.controller.player.set_active(True)
    told = of_type(harness.settle(), TimelineTrace)
    assert harness.controller.player.trace.flips == told[-1].flips
    (flip,) = told[-1].flips
    assert flip == (pytest.approx(0.6), 1)  # at 0.5 both classes are equal, and the first wins


def test_keyframes_are_made_first(harness):
    two_keyframes(harness)
    harness.controller.player.set_active(True)
    harness.settle()
    recipes = [r.recipe for r in harness.rendered if r.recipe.base == SampleBase(0)]
    keyframes = [k.recipe for k in harness.controller.current.keyframes]
    assert recipes.index(keyframes[1]) < recipes.index(recipe_at(harness.controller.current, 0.5))


def test_a_keyframe_of_the_picture_on_the_canvas_has_its_thumbnail_at_once(harness):
    harness.controller.player.set_active(True)
    harness.settle()
    before = len(harness.rendered)
    harness.controller.add_keyframe()
    assert harness.controller.player.picture_at(0.0) is harness.explorer.shown.result.after
    harness.settle()
    assert len(harness.rendered) == before


def test_a_long_timeline_is_looked_at_in_portions_and_ends_complete(harness, monkeypatch):
    looked = []
    monkeypatch.setattr(timeline_frames, "recipe_at", lambda *a: looked.append(a) or recipe_at(*a))
    monkeypatch.setattr(timeline_frames, "PREFETCH_BATCH", 5)
    harness.controller.player.set_active(True)
    two_keyframes(harness, ping_pong=True, loop=True)
    assert len(looked) < 11
    harness.settle()
    assert harness.controller.player.progress == 1.0
    harness.controller.change(edits.replace(harness.controller.current, loop=False), "no loop")  # the same frames
    harness.settle()
    assert harness.controller.player.progress == 1.0


def test_another_window_finds_the_frames_on_disk(harness, tmp_path):
    timeline = two_keyframes(harness)
    harness.controller.player.set_active(True)
    harness.settle()
    harness.explorer.close()
    again = TimelineHarness(tmp_path)
    again.controller.make(timeline)
    again.controller.player.seek(0.5)
    (shown,) = of_type(again.settle(), updates.TimelineFrame)
    assert shown.cached
    again.explorer.close()


def test_another_model_begins_without_frames_and_asks_for_none_of_the_old(harness):
    two_keyframes(harness)
    harness.controller.player.set_active(True)
    harness.controller.player.seek(0.5)
    harness.open("other.explainer")
    assert harness.controller.current is None
    assert not any("SampleBase(index=0)" in str(r) and r.recipe.edits for r in harness.rendered)
    harness.controller.add_keyframe()
    harness.controller.player.seek(0.0)
    assert len(of_type(harness.settle(), updates.TimelineFrame)) == 1


def test_another_device_makes_its_own_frames(harness):
    two_keyframes(harness)
    harness.controller.player.set_active(True)
    harness.settle()
    harness.explorer.set_device("cpu")
    told = harness.settle()
    assert not of_type(told, updates.ErrorReport)
    assert harness.controller.player.progress == 1.0
    harness.controller.player.seek(0.5)
    harness.settle()
    harness.explorer.set_device("cuda:0")
    harness.settle()
    harness.controller.player.seek(0.3)
    (shown,) = of_type(harness.settle(), updates.TimelineFrame)
    assert shown.cached  # made there before


# Playing -----------------------------------------------------------------------------------------


def test_it_plays_every_frame_in_time_and_stops_at_the_end(harness):
    timeline = two_keyframes(harness)
    harness.controller.player.play()
    shown = harness.play(1.5)
    assert [f.seconds for f in shown] == pytest.approx(frame_times(timeline))
    assert not harness.controller.player.playing
    assert harness.controller.player.playhead == 1.0
    harness.controller.player.play()  # from the start again
    assert harness.play(0.05)[0].seconds == 0.0


def test_it_says_that_most_frames_were_left_out(harness):
    two_keyframes(harness)
    harness.settle()
    player = harness.controller.player
    player.play()
    player.tick(harness.clock.now)
    player.tick(harness.clock.now + 2)  # nothing was rendered meanwhile
    (said,) = of_type(harness.updates, updates.Message)
    assert said.text.startswith("11 of 11 frames were left out: they are not rendered yet.")
    harness.settle()
    player.set_active(True)
    harness.settle()
    player.play()
    harness.play(1.5)
    assert not of_type(harness.updates, updates.Message)


def test_a_loop_goes_on_without_a_doubled_frame(harness):
    two_keyframes(harness, loop=True, ping_pong=True)
    harness.controller.player.play()
    shown = [f.seconds for f in harness.play(4.2)]
    one_way = [k / 10 for k in range(11)]
    circle = [*one_way, *one_way[-2:0:-1]]
    assert shown == pytest.approx((circle * 3)[: len(shown)])
    assert len(shown) >= 42
    harness.controller.player.pause()
    assert not harness.controller.player.playing


def test_slow_rendering_drops_frames_but_keeps_time(harness):
    timeline = two_keyframes(harness)
    harness.controller.player.play()
    harness.clock.now += 0.01
    harness.controller.player.tick(harness.clock.now)
    harness.settle()
    harness.clock.now += 0.5  # the window was busy
    harness.controller.player.tick(harness.clock.now)
    (shown,) = of_type(harness.settle(), updates.TimelineFrame)
    assert shown.seconds == pytest.approx(0.5, abs=0.11)
    assert shown.request.recipe in frames(timeline)


def test_slow_rendering_is_asked_only_for_what_can_be_ready_in_time():
    asked = {}
    made = TimelineFrames(asked.__setitem__)
    made.set_timeline(Timeline("t", tuple(Keyframe(t, PictureRecipe(SampleBase(t))) for t in (0, 1))))
    slow = CachedFrame(dataclasses.replace(make_result(), seconds=0.18), False)
    made.take(PictureReady("timeline", 1, 0, FrameRequest(made.request(0), ""), slow))
    made.prefetch(1, 20.0, loop=False)  # a frame takes as long as four are shown
    assert asked["timeline"] == [FrameRequest(made.request(i), "") for i in (4, 8, 12)]


def test_a_slider_pauses(harness):
    two_keyframes(harness)
    harness.controller.player.play()
    harness.play(0.2)
    harness.explorer.apply(SetAttribute(SPOTS, 0.2))
    assert [p.playing for p in of_type(harness.settle(), updates.TimelinePlaying)] == [False]


def test_a_jump_while_it_plays_goes_on_from_there(harness):
    two_keyframes(harness)
    harness.controller.player.play()
    harness.play(0.2)
    harness.controller.player.seek(0.7)
    shown = [f.seconds for f in [*of_type(harness.settle(), updates.TimelineFrame), *harness.play(0.25)]]
    assert shown[-1] == pytest.approx(0.9)
    assert min(shown) == pytest.approx(0.7)


def test_the_main_picture_waits_for_no_more_than_the_frame_in_hand(harness):
    two_keyframes(harness)
    harness.settle()
    renderer, inside, go_on = harness.host.renderers[-1], threading.Event(), threading.Event()
    plain, rendered = renderer.render, []

    def slow(request, give_up=None):
        rendered.append(request)
        inside.set()
        assert go_on.wait(60)
        return plain(request)

    renderer.render = slow
    harness.controller.player.set_active(True)
    harness.controller.player.play()
    harness.controller.player.tick(harness.clock.now)
    assert inside.wait(60)
    harness.explorer.apply(SetTruncation(0.3))  # psi is of no matter to a sample: nothing is asked for
    harness.explorer.apply(SetAttribute(SPOTS, 0.2))
    go_on.set()
    harness.settle()
    main = picture_requests.resolve(harness.explorer.state, harness.explorer.summary)
    assert rendered.index(main) == 1
    assert len(rendered) > 10


def test_what_every_frame_lacks_is_said_once(harness):
    two_keyframes(harness)
    harness.settle()

    def lacks(_request, give_up=None):
        raise UserError("The noise maps are not here.")

    harness.host.renderers[-1].render = lacks
    harness.controller.player.play()
    harness.clock.now += 0.01
    harness.controller.player.tick(harness.clock.now)
    assert len(of_type(harness.settle(), updates.ErrorReport)) == 1
    for seconds in (0.2, 0.4):
        harness.controller.player.seek(seconds)
        assert not of_type(harness.settle(), updates.ErrorReport)
    assert harness.controller.player.playing  # the clock goes on, as for frames that are late
    harness.controller.change(edits.replace(harness.controller.current, fps=20.0), "rate")
    harness.controller.player.seek(0.3)
    assert len(of_type(harness.settle(), updates.ErrorReport)) == 1
