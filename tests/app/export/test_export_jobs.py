# SPDX-License-Identifier: MIT
"""Animations as jobs: every frame by the render it is given, encoded beside it, and nothing left behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from animation_frames import read_frames
from fakes import SPOTS, make_result, make_summary
from PIL import Image

from latent_explorer.app.exploration import picture_requests
from latent_explorer.app.exploration.recipe_png import read_recipe
from latent_explorer.app.export import job as export_jobs
from latent_explorer.app.export.job import BackgroundJob, animation
from latent_explorer.app.export.scene import (
    ExportContext,
    Scene,
    caption_context_of,
    flip_timeline,
    state_from_recipe,
    sweep_timeline,
)
from latent_explorer.app.export.sheets import SheetPlan, sheet
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice, Preview, Progress
from latent_explorer.common.jobs import run_job
from latent_explorer.common.paths import atomic_output
from latent_explorer.explain.recipe import PictureRecipe, SeedBase, StyleShift
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline, frames
from latent_explorer.media import drawing
from latent_explorer.media.animation.settings import AnimationSettings

SUMMARY = make_summary()
STATE = picture_requests.opening_state(SUMMARY)
SWEEP = Scene(sweep_timeline(STATE, SUMMARY, SPOTS), STATE, SUMMARY)
SMALL = AnimationSettings(size=16, fps=10, ping_pong=True)


def render(request):
    return make_result(sum(e.amount for e in request.recipe.edits if isinstance(e, StyleShift)))


def finish(job):
    events = []
    value = run_job(job, events.append)
    return events, value


def grey(frame) -> int:
    return int(frame[0, 0, 0])


def test_a_sweep_goes_there_and_back_and_loops_without_a_rest(tmp_path):
    events, written = finish(animation(tmp_path / "a.png", SWEEP, SMALL, render))
    shown = [grey(frame) for frame in read_frames(tmp_path / "a.png")]
    there = [grey(render(request).after.image) for request in SWEEP.requests(SMALL)]
    assert len(there) == 21
    assert shown == there + there[-2:0:-1]
    assert there == sorted(there)
    assert written.frames == 40
    assert len([e for e in events if isinstance(e, Preview)]) == 21
    assert [e.done for e in events if isinstance(e, Progress) if e.message == export_jobs.RENDERING][-1] == 21


def test_frames_are_those_of_the_timeline_whether_or_not_the_file_repeats():
    ends = tuple(Keyframe(i, PictureRecipe(SeedBase(seed)), "linear") for i, seed in enumerate((1, 2)))
    for loop, ping_pong in ((False, False), (True, False), (True, True)):
        timeline = Timeline("t", ends, loop=loop, ping_pong=ping_pong, fps=10.0)
        scene = Scene(timeline, STATE, SUMMARY)
        settings = AnimationSettings(fps=10.0, ping_pong=ping_pong)
        recipes = [request.recipe for request in scene.requests(settings)]
        meant = frames(timeline)
        assert recipes == (meant[:11] if ping_pong else meant)
        once = msgspec.structs.replace(settings, loop=False)
        assert scene.requests(once) == scene.requests(settings)


def test_the_way_back_and_pictures_that_stand_still_are_not_rendered_again(tmp_path):
    asked = []
    scene = Scene(flip_timeline(picture_requests.resolve(STATE, SUMMARY).recipe, SPOTS, 1.0), STATE, SUMMARY)
    finish(animation(tmp_path / "a.gif", scene, SMALL, lambda r: asked.append(r) or render(r)))
    assert len(asked) == len(set(asked)) < len(scene.requests(SMALL))


def test_frames_carry_recipes_that_bring_them_back(tmp_path):
    finish(animation(tmp_path / "frames", SWEEP, SMALL, render))
    enlarged = tmp_path / "large" / "frame_00020.png"
    finish(animation(enlarged.parent, SWEEP, msgspec.structs.replace(SMALL, size=64), render))
    own = render(SWEEP.requests(SMALL)[20]).after.image
    assert np.array_equal(read_recipe(enlarged).image, own)
    finish(animation(tmp_path / "a.png", SWEEP, SMALL, render))
    assert picture_requests.resolve(read_recipe(tmp_path / "a.png").state, SUMMARY) == SWEEP.requests(SMALL)[0]
    state = read_recipe(tmp_path / "frames" / "frame_00020.png").state
    assert picture_requests.resolve(state, SUMMARY) == SWEEP.requests(SMALL)[20]
    for request in SWEEP.requests(SMALL):
        told = state_from_recipe(request.recipe, STATE, request.classifier_id)
        assert picture_requests.resolve(told, SUMMARY) == request


def test_captions_name_the_classifier():
    captions = caption_context_of(STATE, SUMMARY)
    assert captions.class_names == ("healthy", "diseased")
    assert captions.facts["target"] == "diseased"
    assert captions.facts["model_hash"] == SUMMARY.model_hash


def test_an_empty_timeline_is_a_sentence(tmp_path):
    scene = msgspec.structs.replace(Timeline("nothing"))
    with pytest.raises(UserError, match="no keyframe"):
        finish(animation(tmp_path / "a.gif", Scene(scene, STATE, SUMMARY), SMALL, render))


def test_a_budget_says_what_it_chose(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)

    def noisy(request):
        result = render(request)
        image = np.roll(noise, len(str(request.recipe.edits)), axis=0)
        return result.__class__(
            **{**vars(result), "after": result.after.__class__(image, *list(vars(result.after).values())[1:])}
        )  # fmt: skip

    settings = msgspec.structs.replace(SMALL, size=256, budget_bytes=200_000)
    events, written = finish(animation(tmp_path / "a.gif", SWEEP, settings, noisy))
    assert written.bytes == (tmp_path / "a.gif").stat().st_size <= 200_000
    (said,) = [event.text for event in events if isinstance(event, Notice)]
    assert said.startswith("To stay below 200 kB: ")


def test_letters_without_a_font_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "fallback", lambda _text: None)
    named = msgspec.structs.replace(SPOTS, name="健康")
    classifier = replace(SUMMARY.classifiers[0], class_names=("健康", "diseased"))
    summary = replace(SUMMARY, classifiers=(classifier,))
    plan, captioned = SheetPlan(bases=(SeedBase(1),)), msgspec.structs.replace(SMALL, caption=True)
    for job in (
        sheet(tmp_path / "a.png", plan, ExportContext(STATE, SUMMARY, (named,)), render),
        animation(tmp_path / "b.gif", replace(SWEEP, summary=summary), captioned, render),
    ):
        drawing.runs.cache_clear()
        told = [event.text for event in finish(job)[0] if isinstance(event, Notice)]
        assert len(told) == 1
        assert told[0].startswith("No font on this computer has the letters 健康")
    drawing.runs.cache_clear()
    events, _ = finish(sheet(tmp_path / "c.png", plan, ExportContext(STATE, SUMMARY, (SPOTS,)), render))
    assert not [event for event in events if isinstance(event, Notice)]


def test_cancel_leaves_neither_a_file_nor_a_thread(tmp_path):
    before = set(threading.enumerate())
    job = animation(tmp_path / "x.gif", SWEEP, SMALL, render)
    for _ in range(5):
        next(job)
    job.close()
    assert list(tmp_path.iterdir()) == []
    assert set(threading.enumerate()) == before


def test_cancel_while_the_file_is_being_written_leaves_nothing_either(tmp_path):
    job = animation(tmp_path / "x.gif", SWEEP, msgspec.structs.replace(SMALL, size=512), render)
    for event in job:
        if isinstance(event, Progress) and event.message != export_jobs.RENDERING:
            break
    job.close()
    assert list(tmp_path.iterdir()) == []


def test_a_failing_render_leaves_neither_a_file_nor_a_thread(tmp_path):
    before = set(threading.enumerate())

    def failing(request):
        if not request.recipe.edits:
            raise UserError("no such picture")
        return render(request)

    with pytest.raises(UserError, match="no such picture"):
        finish(animation(tmp_path / "x.gif", SWEEP, SMALL, failing))
    assert list(tmp_path.iterdir()) == []
    assert set(threading.enumerate()) == before


def test_a_failing_encoder_ends_the_job(tmp_path):
    before = set(threading.enumerate())
    with pytest.raises(UserError, match=r"x\.gif cannot be written"):
        finish(animation(Path(os.devnull) / "x.gif", SWEEP, SMALL, render))
    sizes = iter([16] * 5 + [8] * 99)

    def odd(request):
        result = render(request)
        side = next(sizes)
        after = result.after.__class__(result.after.image[:side, :side], *list(vars(result.after).values())[1:])
        return result.__class__(**{**vars(result), "after": after})

    with pytest.raises(ValueError, match="one size"):
        finish(animation(tmp_path / "x.gif", SWEEP, msgspec.structs.replace(SMALL, size=0), odd))
    assert list(tmp_path.iterdir()) == []
    assert set(threading.enumerate()) == before


def test_a_slow_encoder_keeps_few_frames_waiting():
    """Frames of large pictures must not pile up in memory while the encoder is busy."""
    gate = threading.Event()

    def slow(items):
        for _ in items:
            gate.wait(60)
            yield Progress(0, 0)
        return "done"

    with BackgroundJob(slow) as beside:
        accepted = sum(beside.put(i) for i in range(30))
        assert accepted < 15
        gate.set()
        _, value = finish(beside.drain())
    assert value == "done"


def test_the_real_encoder_writes_a_looping_gif(tmp_path):
    finish(animation(tmp_path / "a.gif", SWEEP, msgspec.structs.replace(SMALL, fps=20), render))
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 80
        assert gif.info["duration"] == 50
        assert gif.info["loop"] == 0


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_signal_while_the_last_frames_are_written_leaves_no_file(tmp_path):
    """CPython takes a thread for ended whose join a signal interrupts; the file of its half-done work stayed."""
    draining = threading.Event()

    def write(frames):
        list(frames)
        with atomic_output(tmp_path / "x.gif") as temporary:
            temporary.write_text("half")
            yield Progress(0, 1, "Writing")
            assert draining.wait(60)
            time.sleep(0.05)  # the main thread waits again by now
            os.kill(os.getpid(), signal.SIGINT)
            while True:
                time.sleep(0.01)
                yield Progress(0, 1, "Writing")

    def interrupted():
        with BackgroundJob(write) as job:
            for _ in job.drain():
                draining.set()

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
