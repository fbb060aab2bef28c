# SPDX-License-Identifier: MIT
"""Training controller with a fake training: start, watch, pause, outlive the window, fail."""

from __future__ import annotations

import json
import sys

import fake_training
import pytest
from fakes import SPOTS
from training_harness import behave

from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.training import child
from latent_explorer.app.training import updates as training_updates
from latent_explorer.app.training.plan import TrainingPlan


def test_a_training_is_watched_from_start_to_result(training_harness, plan):
    controller = training_harness.controller
    assert controller.start(plan)
    assert controller.attached is controller.running
    assert (controller.attached.state, controller.attached.name) == ("starting", "mine")
    training_harness.wait(lambda: training_harness.of_type(training_updates.RunEnded))
    view = controller.attached
    assert view.state == "finished"
    assert len(view.series["l1"]) == fake_training.TOTAL // fake_training.STEP
    assert len(view.log) == 5
    assert controller.running is None
    assert training_harness.messages() == ["mine is trained. Open its explainer from the Training panel."]
    controller.open_result()
    training_harness.headless.settle()
    assert training_harness.headless.explorer.summary.model_hash == "f" * 64
    assert controller.plan == plan


def test_a_training_outlives_the_window_and_is_found_again(training_harness, plan):
    training_harness.controller.start(behave(plan, "slow"))
    training_harness.wait(lambda: training_harness.controller.attached.state == "running")
    training_harness.controller.close()
    training_harness.told.clear()
    training_harness.open()
    controller = training_harness.controller
    assert [type(u) for u in training_harness.told][:1] == [training_updates.RunAttached]
    assert controller.attached.name == controller.running.name == "mine"
    controller.pause()
    assert controller.attached.requested == "pause"
    training_harness.wait(lambda: training_harness.of_type(training_updates.RunEnded))
    assert (controller.attached.state, controller.attached.requested) == ("paused", "")
    seen = controller.attached.series["l1"][-1][0]
    behave(plan, "")
    assert controller.resume()
    training_harness.wait(lambda: controller.attached.state == "finished")
    places = [images for images, _ in controller.attached.series["l1"]]
    assert places == list(range(fake_training.STEP, fake_training.TOTAL + 1, fake_training.STEP))
    assert seen in places


def test_a_second_run_is_refused_with_a_sentence_that_names_the_first(training_harness, plan):
    controller = training_harness.controller
    controller.start(behave(plan, "slow"))
    assert not controller.start(plan)
    (messages,) = training_harness.messages()
    assert messages.startswith("mine is being trained already.")
    assert not controller.delete(controller.attached)
    assert "Stop it first" in training_harness.messages()[0]
    training_harness.wait(lambda: controller.attached.state == "running")
    controller.stop()
    training_harness.wait(lambda: controller.running is None)
    assert controller.attached.state == "stopped"
    assert controller.delete(controller.attached)
    assert controller.attached is None
    assert controller.runs() == []


def test_a_stop_right_after_the_start_is_not_forgotten(training_harness, plan):
    training_harness.controller.start(behave(plan, "slow"))
    # long before the training looks, and it drops what was left over from an earlier process
    training_harness.controller.stop()
    training_harness.wait(lambda: training_harness.controller.running is None)
    assert training_harness.controller.attached.state == "stopped"
    assert training_harness.controller.attached.status.images < fake_training.TOTAL / 2


def test_a_start_that_fails_before_there_is_a_run_says_why_and_leaves_nothing(training_harness, plan):
    controller = training_harness.controller
    assert controller.start(behave(plan, "refuse"))
    training_harness.wait(lambda: training_harness.of_type(training_updates.StartFailed))
    (failed,) = training_harness.of_type(training_updates.StartFailed)
    assert (failed.plan, failed.problem) == (plan, "There are no pictures.")
    assert controller.attached is controller.running is None
    assert controller.runs() == []
    assert list((training_harness.folder / "runs").iterdir()) == []


def test_a_failure_on_the_way_is_told_and_can_be_resumed(training_harness, plan):
    controller = training_harness.controller
    controller.start(behave(plan, "fail"))
    training_harness.wait(lambda: training_harness.of_type(training_updates.RunEnded))
    assert (controller.attached.state, controller.attached.message) == ("failed", "The pictures vanished.")
    assert training_harness.messages() == ["The training of mine failed: The pictures vanished."]
    behave(plan, "")
    assert controller.resume()
    assert controller.attached.state == "starting"  # not the old failure
    training_harness.wait(lambda: controller.attached.state == "finished")


def test_a_training_that_the_system_kills_is_explained(training_harness, plan):
    controller = training_harness.controller
    controller.start(behave(plan, "die"))
    training_harness.wait(lambda: training_harness.of_type(training_updates.RunEnded))
    assert controller.attached.state == "failed"
    assert "memory ran out" in controller.attached.message
    training_harness.controller.close()
    training_harness.open()  # a new window knows only what the folder says
    (view,) = training_harness.controller.runs()
    assert view.state == "interrupted"


def test_what_is_missing_is_said_instead_of_started(training_harness):
    assert not training_harness.controller.start(TrainingPlan())
    assert "Choose the pictures" in training_harness.messages()[0]
    training_harness.controller.pause()
    training_harness.controller.open_result()
    training_harness.controller.open_current()
    assert not training_harness.controller.resume()
    assert len(training_harness.messages()) == 4


def test_the_current_state_is_exported_by_a_child_and_opened(training_harness, plan):
    controller = training_harness.controller
    controller.start(behave(plan, "slow"))
    controller.open_current()
    assert "no checkpoint yet" in training_harness.messages()[0]
    training_harness.wait(lambda: controller.attached.status is not None)
    (controller.attached.path / "checkpoints" / "00000008.pt").touch()
    (controller.attached.path / "current.explainer").write_text("d" * 64)  # as the export would
    monkey = [sys.executable, "-c", ""]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(child, "self_command", lambda *_arguments: monkey)
        controller.open_current()
    assert controller.snapshot_busy
    assert "opens in this window in a minute or two; the training goes on" in training_harness.messages()[-1]
    training_harness.wait(lambda: not controller.snapshot_busy)
    training_harness.headless.settle()
    assert training_harness.headless.explorer.summary.model_hash == "d" * 64
    assert [u.busy for u in training_harness.of_type(training_updates.SnapshotChanged)] == [True, False]
    assert controller.running is not None


def test_while_a_person_moves_something_the_training_is_held_back(training_harness, plan):
    controller, headless = training_harness.controller, training_harness.headless
    headless.open()
    controller.start(behave(plan, "slow"))
    training_harness.wait(lambda: controller.attached.state == "running")
    busy = controller.attached.path / "busy"
    assert not busy.exists()
    for amount in (0.1, 0.2, 0.3):
        headless.explorer.apply(SetAttribute(SPOTS, amount))
    assert not busy.exists()  # it trains on the CPU, the window draws on a card
    headless.explorer.set_device("cpu")
    headless.settle()
    headless.explorer.apply(SetAttribute(SPOTS, 0.4))
    first = busy.stat().st_mtime_ns
    headless.explorer.apply(SetAttribute(SPOTS, 0.5))
    assert busy.stat().st_mtime_ns == first  # at most every half second


def test_sharing_a_device_is_said_before(training_harness):
    controller = training_harness.controller
    assert controller.device.warning("auto") == ""
    assert controller.device.choices[0][0] == "auto"
    training_harness.headless.open()
    assert controller.device.warning("auto").startswith("A card draws")
    assert controller.device.warning("cuda:0").startswith("A card draws")
    assert controller.device.warning("cpu") == ""
    training_harness.headless.explorer.set_device("cpu")
    training_harness.headless.settle()
    assert "processor" in controller.device.warning("cpu")
    assert controller.device.warning("cuda:0") == ""
    assert controller.device.model.name == "leaf.explainer"


def test_a_run_folder_from_elsewhere_stays_in_the_history(training_harness, plan, tmp_path):
    training_harness.controller.start(plan)
    training_harness.wait(lambda: training_harness.controller.running is None)
    training_harness.messages()
    moved = training_harness.controller.attached.path.rename(tmp_path / "moved")
    training_harness.controller.open_folder(tmp_path / "leaves")
    assert "not a run folder" in training_harness.messages()[-1]
    training_harness.controller.open_folder(moved)
    assert training_harness.controller.attached.path == moved
    training_harness.controller.close()
    training_harness.open()
    assert [view.path for view in training_harness.controller.runs()] == [moved]


def test_the_plan_of_last_time_fills_the_form(training_harness, plan, tmp_path):
    assert training_harness.controller.plan == TrainingPlan()
    kept = TrainingPlan(
        data=plan.data,
        where=("crop=apple",),
        init=tmp_path / "x.explainer",
        settings={"images": 7, "kl": 1.0, "channels": (8, 8), "mode": "stylegan2"},
    )
    training_harness.controller.remember_plan(kept)
    training_harness.controller.close()
    training_harness.open()
    assert training_harness.controller.plan == kept
    (tmp_path / "data" / "training.json").write_text("{")
    training_harness.controller.close()
    training_harness.open()
    assert training_harness.controller.plan == TrainingPlan()


def test_the_plan_of_an_older_program_fills_the_form(training_harness, plan, tmp_path):
    """Older files have settings as texts, and images and device beside them; unknown settings are left out."""
    old = {
        "data": str(plan.data),
        "where": ["crop=apple"],
        "preset": "64",
        "images": 7,
        "device": "cpu",
        "settings": ["kl=1", "channels=8,8", "gone=1"],
    }
    training_harness.controller.close()
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "training.json").write_text(json.dumps({"plan": old, "folders": []}))
    training_harness.open()
    assert training_harness.controller.plan == TrainingPlan(
        data=plan.data,
        where=("crop=apple",),
        preset="64",
        settings={"kl": 1.0, "channels": (8, 8), "images": 7, "device": "cpu"},
    )


def test_a_run_whose_pictures_were_moved_asks_where_they_are(training_harness, plan, monkeypatch):
    controller = training_harness.controller
    behave(plan, "slow")
    assert controller.start(plan)
    training_harness.wait(lambda: controller.attached.state == "running")
    controller.pause()
    training_harness.wait(lambda: training_harness.of_type(training_updates.RunEnded))
    behave(plan, "")
    moved = plan.data.rename(plan.data.with_name("moved"))
    assert not controller.resume(160)
    (asked,) = training_harness.of_type(training_updates.PicturesMoved)
    assert (asked.view, asked.path, asked.images) == (controller.attached, plan.data, 160)
    started = []
    start_child = child.start_child
    monkeypatch.setattr(
        child, "start_child", lambda arguments, path: started.append(arguments) or start_child(arguments, path)
    )
    assert controller.resume(asked.images, moved)
    assert started[0][:3] == ["train", str(moved), "--resume"]
    training_harness.wait(lambda: controller.attached.state == "finished")
