# SPDX-License-Identifier: MIT
"""Frames of a timeline on the canvas, on a model of plain numbers: what is asked for, shown, made ahead, played."""

from __future__ import annotations

import dataclasses
import threading

import pytest
from fakes import SPOTS, make_result
from headless import of
from timeline_harness import Room, two_keyframes

from latent_explorer.app.engine.events import PictureReady
from latent_explorer.app.engine.frame_cache import CachedFrame, FrameRequest
from latent_explorer.app.exploration import picture_requests as live
from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.intents import SetAttribute, SetTruncation
from latent_explorer.app.timeline import frames as timeline_frames
from latent_explorer.app.timeline.frames import TimelineFrames
from latent_explorer.common.errors import UserError
from latent_explorer.explain.recipe import (
    PictureRecipe,
    SampleBase,
    StyleShift,
)
from latent_explorer.explain.timeline import edits as edits
from latent_explorer.explain.timeline.timeline import (
    Keyframe,
    Timeline,
    frame_times,
    frames,
    recipe_at,
)


@pytest.fixture
def room(tmp_path):
    room = Room(tmp_path)
    yield room
    room.explorer.close()


# Scrubbing ---------------------------------------------------------------------------------------


def test_scrubbing_shows_the_frame_that_will_be_exported(room):
    timeline = two_keyframes(room)
    room.settle()
    room.desk.seek(0.33)
    (shown,) = of(room.settle(), updates.TimelineFrame)
    assert shown.seconds == pytest.approx(0.3)
    assert shown.request.recipe == frames(timeline)[3]
    assert not shown.cached
    room.desk.seek(0.31)
    assert len(of(room.settle(), updates.TimelineFrame)) == 1  # at hand: at once


def test_only_the_newest_frame_scrubbed_to_is_shown(room):
    two_keyframes(room)
    room.settle()
    for seconds in (0.1, 0.2, 0.7):
        room.desk.seek(seconds)
    assert [f.seconds for f in of(room.settle(), updates.TimelineFrame)] == [0.7]


def test_a_slider_takes_the_canvas_back(room):
    two_keyframes(room)
    room.desk.seek(0.5)
    room.settle()
    room.explorer.apply(SetAttribute(SPOTS, 0.2))
    assert len(of(room.settle(), updates.MainPicture)) == 1
    room.desk.seek(0.5)
    room.settle()
    room.desk.set_active(True)
    room.desk.set_active(
        False
    )  # the timeline goes out of view: the sliders' picture is shown again
    (again,) = of(room.settle(), updates.MainPicture)
    assert again == room.explorer.shown


def test_a_change_of_the_timeline_shows_the_frame_under_the_playhead_again(room):
    timeline = two_keyframes(room)
    room.desk.seek(0.5)
    room.settle()
    room.desk.change(edits.with_easing(timeline, [0], "hold"), "easing")
    (shown,) = of(room.settle(), updates.TimelineFrame)
    assert shown.request.recipe == timeline.keyframes[0].recipe


def test_a_frame_that_cannot_be_made_is_said(room):
    two_keyframes(room)
    room.settle()
    room.bench.renderers[-1].error = ValueError("boom")
    room.desk.seek(0.5)
    (trouble,) = of(room.settle(), updates.Trouble)
    assert trouble.slot == "timeline"
    room.desk.seek(0.5)
    assert len(of(room.settle(), updates.TimelineFrame)) == 1


def test_empty_timelines_and_single_keyframes_are_no_trouble(room):
    desk = room.desk
    desk.seek(1.0)
    desk.play()
    desk.step(1)
    desk.new()
    desk.seek(1.0)
    desk.play()
    assert not desk.playing
    assert (len(desk.trace.seconds), desk.trace.flips, desk.progress) == (0, (), 0.0)
    assert desk.picture_at(0.0) is None
    desk.add_keyframe()
    desk.seek(5.0)
    assert [f.seconds for f in of(room.settle(), updates.TimelineFrame)] == [0.0]
    desk.play()
    assert not desk.playing


# Ahead of time -----------------------------------------------------------------------------------


def test_frames_are_made_ahead_only_while_the_timeline_is_in_view(room):
    two_keyframes(room)
    room.settle()
    assert room.desk.progress == 0
    room.desk.set_active(True)
    told = of(room.settle(), updates.TimelineTrace)
    assert (room.desk.progress, told[-1].progress) == (1.0, 1.0)
    assert room.desk.trace.seconds.tolist() == pytest.approx(frame_times(room.desk.current))
    assert room.desk.picture_at(1.0) is not None
    done = len(room.rendered)
    room.desk.change(edits.moved(room.desk.current, {1: 1.2}), "longer")
    room.settle()
    assert room.desk.progress == 1.0
    assert len(room.rendered) > done


def test_the_flip_is_where_the_predicted_class_changes(room):
    ends = [
        Keyframe(t, PictureRecipe(SampleBase(0), edits=(StyleShift(3, "max", a),)), "linear")
        for t, a in ((0.0, -1.0), (1.0, 1.0))
    ]
    room.desk.make(Timeline("t", tuple(ends), fps=10.0))
    room.desk.set_active(True)
    told = of(room.settle(), updates.TimelineTrace)
    assert room.desk.trace.flips == told[-1].flips
    (flip,) = told[-1].flips
    assert flip == pytest.approx(0.6)  # at 0.5 both classes are equal, and the first wins


def test_keyframes_are_made_first(room):
    two_keyframes(room)
    room.desk.set_active(True)
    room.settle()
    recipes = [r.recipe for r in room.rendered if r.recipe.base == SampleBase(0)]
    keyframes = [k.recipe for k in room.desk.current.keyframes]
    assert recipes.index(keyframes[1]) < recipes.index(recipe_at(room.desk.current, 0.5))


def test_a_keyframe_of_the_picture_on_the_canvas_has_its_thumbnail_at_once(room):
    room.desk.set_active(True)
    room.settle()
    before = len(room.rendered)
    room.desk.add_keyframe()
    assert room.desk.picture_at(0.0) is room.explorer.shown.result.after
    room.settle()
    assert len(room.rendered) == before


def test_a_long_timeline_is_looked_at_in_portions_and_ends_complete(room, monkeypatch):
    looked = []
    monkeypatch.setattr(timeline_frames, "recipe_at", lambda *a: looked.append(a) or recipe_at(*a))
    monkeypatch.setattr(timeline_frames, "PORTION", 5)
    room.desk.set_active(True)
    two_keyframes(room, ping_pong=True, loop=True)
    assert len(looked) < 11
    room.settle()
    assert room.desk.progress == 1.0
    room.desk.change(edits.replace(room.desk.current, loop=False), "no loop")  # the same frames
    room.settle()
    assert room.desk.progress == 1.0


def test_another_window_finds_the_frames_on_disk(room, tmp_path):
    timeline = two_keyframes(room)
    room.desk.set_active(True)
    room.settle()
    room.explorer.close()
    again = Room(tmp_path)
    again.desk.make(timeline)
    again.desk.seek(0.5)
    (shown,) = of(again.settle(), updates.TimelineFrame)
    assert shown.cached
    again.explorer.close()


def test_another_model_begins_without_frames_and_asks_for_none_of_the_old(room):
    two_keyframes(room)
    room.desk.set_active(True)
    room.desk.seek(0.5)
    room.open("other.explainer")
    assert room.desk.current is None
    assert not any("SampleBase(index=0)" in str(r) and r.recipe.edits for r in room.rendered)
    room.desk.add_keyframe()
    room.desk.seek(0.0)
    assert len(of(room.settle(), updates.TimelineFrame)) == 1


def test_another_device_makes_its_own_frames(room):
    two_keyframes(room)
    room.desk.set_active(True)
    room.settle()
    room.explorer.set_device("cpu")
    told = room.settle()
    assert not of(told, updates.Trouble)
    assert room.desk.progress == 1.0
    room.desk.seek(0.5)
    room.settle()
    room.explorer.set_device("cuda:0")
    room.settle()
    room.desk.seek(0.3)
    (shown,) = of(room.settle(), updates.TimelineFrame)
    assert shown.cached  # made there before


# Playing -----------------------------------------------------------------------------------------


def test_it_plays_every_frame_in_time_and_stops_at_the_end(room):
    timeline = two_keyframes(room)
    room.desk.play()
    shown = room.play(1.5)
    assert [f.seconds for f in shown] == pytest.approx(frame_times(timeline))
    assert not room.desk.playing
    assert room.desk.playhead == 1.0
    room.desk.play()  # from the start again
    assert room.play(0.05)[0].seconds == 0.0


def test_a_loop_goes_on_without_a_doubled_frame(room):
    two_keyframes(room, loop=True, ping_pong=True)
    room.desk.play()
    shown = [f.seconds for f in room.play(4.2)]
    one_way = [k / 10 for k in range(11)]
    circle = [*one_way, *one_way[-2:0:-1]]
    assert shown == pytest.approx((circle * 3)[: len(shown)])
    assert len(shown) >= 42
    room.desk.pause()
    assert not room.desk.playing


def test_slow_rendering_drops_frames_but_keeps_time(room):
    timeline = two_keyframes(room)
    room.desk.play()
    room.clock.now += 0.01
    room.desk.tick(room.clock.now)
    room.settle()
    room.clock.now += 0.5  # the window was busy
    room.desk.tick(room.clock.now)
    (shown,) = of(room.settle(), updates.TimelineFrame)
    assert shown.seconds == pytest.approx(0.5, abs=0.11)
    assert shown.request.recipe in frames(timeline)


def test_slow_rendering_is_asked_only_for_what_can_be_ready_in_time():
    asked = {}
    made = TimelineFrames(asked.__setitem__)
    made.use(Timeline("t", tuple(Keyframe(t, PictureRecipe(SampleBase(t))) for t in (0, 1))))
    slow = CachedFrame(dataclasses.replace(make_result(), seconds=0.18), False)
    made.take(PictureReady("timeline", 1, 0, FrameRequest(made.request(0), ""), slow))
    made.look_ahead(1, 20.0, loop=False)  # a frame takes as long as four are shown
    assert asked["timeline"] == [FrameRequest(made.request(i), "") for i in (4, 8, 12)]


def test_a_slider_pauses(room):
    two_keyframes(room)
    room.desk.play()
    room.play(0.2)
    room.explorer.apply(SetAttribute(SPOTS, 0.2))
    assert [p.playing for p in of(room.settle(), updates.TimelinePlaying)] == [False]


def test_a_jump_while_it_plays_goes_on_from_there(room):
    two_keyframes(room)
    room.desk.play()
    room.play(0.2)
    room.desk.seek(0.7)
    shown = [f.seconds for f in [*of(room.settle(), updates.TimelineFrame), *room.play(0.25)]]
    assert shown[-1] == pytest.approx(0.9)
    assert min(shown) == pytest.approx(0.7)


def test_the_main_picture_waits_for_no_more_than_the_frame_in_hand(room):
    two_keyframes(room)
    room.settle()
    renderer, inside, go_on = room.bench.renderers[-1], threading.Event(), threading.Event()
    plain, rendered = renderer.render, []

    def slow(request):
        rendered.append(request)
        inside.set()
        assert go_on.wait(10)
        return plain(request)

    renderer.render = slow
    room.desk.set_active(True)
    room.desk.play()
    room.desk.tick(room.clock.now)
    assert inside.wait(10)
    room.explorer.apply(SetTruncation(0.3))  # psi is of no matter to a sample: nothing is asked for
    room.explorer.apply(SetAttribute(SPOTS, 0.2))
    go_on.set()
    room.settle()
    main = live.resolve(room.explorer.state, room.explorer.summary)
    assert rendered.index(main) == 1
    assert len(rendered) > 10


def test_what_every_frame_lacks_is_said_once(room):
    two_keyframes(room)
    room.settle()

    def lacks(_request):
        raise UserError("The noise maps are not here.")

    room.bench.renderers[-1].render = lacks
    room.desk.play()
    room.clock.now += 0.01
    room.desk.tick(room.clock.now)
    assert len(of(room.settle(), updates.Trouble)) == 1
    for seconds in (0.2, 0.4):
        room.desk.seek(seconds)
        assert not of(room.settle(), updates.Trouble)
    assert room.desk.playing  # the clock goes on, as for frames that are late
    room.desk.change(edits.replace(room.desk.current, fps=20.0), "rate")
    room.desk.seek(0.3)
    assert len(of(room.settle(), updates.Trouble)) == 1
