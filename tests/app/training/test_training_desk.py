# SPDX-License-Identifier: MIT
"""The training desk on a training that learns nothing: start, watch, steer, outlive the window, fail in words."""

from __future__ import annotations

import sys

import fake_training
import pytest
from fakes import SPOTS
from training_harness import behave

from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.training import child
from latent_explorer.app.training import updates as training_updates
from latent_explorer.app.training.plan import TrainingPlan


def test_a_training_is_watched_from_start_to_result(office, plan):
    desk = office.desk
    assert desk.start(plan)
    assert desk.attached is desk.running
    assert (desk.attached.state, desk.attached.name) == ("starting", "mine")
    office.wait(lambda: office.of(training_updates.RunEnded))
    view = desk.attached
    assert view.state == "finished"
    assert len(view.series["l1"]) == fake_training.TOTAL // fake_training.STEP
    assert len(view.log) == 5
    assert desk.running is None
    assert office.said() == ["mine is trained. Open its explainer from the Training panel."]
    desk.open_result()
    office.stage.settle()
    assert office.stage.explorer.summary.model_hash == "f" * 64
    assert desk.plan == plan


def test_a_training_outlives_the_window_and_is_found_again(office, plan):
    office.desk.start(behave(plan, "slow"))
    office.wait(lambda: office.desk.attached.state == "running")
    office.desk.close()
    office.told.clear()
    office.open()
    desk = office.desk
    assert [type(u) for u in office.told][:1] == [training_updates.RunAttached]
    assert desk.attached.name == desk.running.name == "mine"
    desk.pause()
    assert desk.attached.requested == "pause"
    office.wait(lambda: office.of(training_updates.RunEnded))
    assert (desk.attached.state, desk.attached.requested) == ("paused", "")
    seen = desk.attached.series["l1"][-1][0]
    behave(plan, "")
    assert desk.resume()
    office.wait(lambda: desk.attached.state == "finished")
    places = [images for images, _ in desk.attached.series["l1"]]
    assert places == list(range(fake_training.STEP, fake_training.TOTAL + 1, fake_training.STEP))
    assert seen in places


def test_a_second_run_is_refused_with_a_sentence_that_names_the_first(office, plan):
    desk = office.desk
    desk.start(behave(plan, "slow"))
    assert not desk.start(plan)
    (said,) = office.said()
    assert said.startswith("mine is being trained already.")
    assert not desk.delete(desk.attached)
    assert "Stop it first" in office.said()[0]
    office.wait(lambda: desk.attached.state == "running")
    desk.stop()
    office.wait(lambda: desk.running is None)
    assert desk.attached.state == "stopped"
    assert desk.delete(desk.attached)
    assert desk.attached is None
    assert desk.runs() == []


def test_a_stop_right_after_the_start_is_not_forgotten(office, plan):
    office.desk.start(behave(plan, "slow"))
    office.desk.stop()  # long before the training looks, and it drops what was left over from an earlier process
    office.wait(lambda: office.desk.running is None)
    assert office.desk.attached.state == "stopped"
    assert office.desk.attached.status.images < fake_training.TOTAL / 2


def test_a_start_that_fails_before_there_is_a_run_says_why_and_leaves_nothing(office, plan):
    desk = office.desk
    assert desk.start(behave(plan, "refuse"))
    office.wait(lambda: office.of(training_updates.StartFailed))
    (failed,) = office.of(training_updates.StartFailed)
    assert (failed.plan, failed.problem) == (plan, "There are no pictures.")
    assert desk.attached is desk.running is None
    assert desk.runs() == []
    assert list((office.folder / "runs").iterdir()) == []


def test_a_failure_on_the_way_is_told_and_can_be_resumed(office, plan):
    desk = office.desk
    desk.start(behave(plan, "fail"))
    office.wait(lambda: office.of(training_updates.RunEnded))
    assert (desk.attached.state, desk.attached.message) == ("failed", "The pictures vanished.")
    assert office.said() == ["The training of mine failed: The pictures vanished."]
    behave(plan, "")
    assert desk.resume()
    assert desk.attached.state == "starting"  # not the old failure
    office.wait(lambda: desk.attached.state == "finished")


def test_a_training_that_the_system_kills_is_explained(office, plan):
    desk = office.desk
    desk.start(behave(plan, "die"))
    office.wait(lambda: office.of(training_updates.RunEnded))
    assert desk.attached.state == "failed"
    assert "memory ran out" in desk.attached.message
    office.desk.close()
    office.open()  # a new window knows only what the folder says
    (view,) = office.desk.runs()
    assert view.state == "interrupted"


def test_what_is_missing_is_said_instead_of_started(office):
    assert not office.desk.start(TrainingPlan())
    assert "Choose the pictures" in office.said()[0]
    office.desk.pause()
    office.desk.open_result()
    office.desk.open_current()
    assert not office.desk.resume()
    assert len(office.said()) == 4


def test_the_current_state_is_exported_by_a_child_and_opened(office, plan):
    desk = office.desk
    desk.start(behave(plan, "slow"))
    desk.open_current()
    assert "no checkpoint yet" in office.said()[0]
    office.wait(lambda: desk.attached.status is not None)
    (desk.attached.path / "checkpoints" / "00000008.pt").touch()
    (desk.attached.path / "current.explainer").write_text("d" * 64)  # as the export would
    monkey = [sys.executable, "-c", ""]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(child, "self_command", lambda *_arguments: monkey)
        desk.open_current()
    assert desk.snapshot_busy
    office.wait(lambda: not desk.snapshot_busy)
    office.stage.settle()
    assert office.stage.explorer.summary.model_hash == "d" * 64
    assert [u.busy for u in office.of(training_updates.SnapshotChanged)] == [True, False]
    assert desk.running is not None


def test_while_a_person_moves_something_the_training_is_held_back(office, plan):
    desk, stage = office.desk, office.stage
    stage.open()
    desk.start(behave(plan, "slow"))
    office.wait(lambda: desk.attached.state == "running")
    busy = desk.attached.path / "busy"
    assert not busy.exists()
    for amount in (0.1, 0.2, 0.3):
        stage.explorer.apply(SetAttribute(SPOTS, amount))
    assert not busy.exists()  # it trains on the CPU, the window draws on a card
    stage.explorer.set_device("cpu")
    stage.settle()
    stage.explorer.apply(SetAttribute(SPOTS, 0.4))
    first = busy.stat().st_mtime_ns
    stage.explorer.apply(SetAttribute(SPOTS, 0.5))
    assert busy.stat().st_mtime_ns == first  # at most every half second


def test_sharing_a_device_is_said_before(office):
    desk = office.desk
    assert desk.card_warning("auto") == ""
    assert desk.devices[0][0] == "auto"
    office.stage.open()
    assert desk.card_warning("auto").startswith("A card draws")
    assert desk.card_warning("cuda:0").startswith("A card draws")
    assert desk.card_warning("cpu") == ""
    office.stage.explorer.set_device("cpu")
    office.stage.settle()
    assert "processor" in desk.card_warning("cpu")
    assert desk.card_warning("cuda:0") == ""
    assert desk.open_explainer().name == "leaf.explainer"


def test_a_run_folder_from_elsewhere_stays_in_the_history(office, plan, tmp_path):
    office.desk.start(plan)
    office.wait(lambda: office.desk.running is None)
    office.said()
    moved = office.desk.attached.path.rename(tmp_path / "moved")
    office.desk.open_folder(tmp_path / "leaves")
    assert "no run folder" in office.said()[-1]
    office.desk.open_folder(moved)
    assert office.desk.attached.path == moved
    office.desk.close()
    office.open()
    assert [view.path for view in office.desk.runs()] == [moved]


def test_the_plan_of_last_time_fills_the_form(office, plan, tmp_path):
    assert office.desk.plan == TrainingPlan()
    kept = TrainingPlan(
        data=plan.data,
        where=("crop=apple",),
        init=tmp_path / "x.explainer",
        images=7,
        settings=("kl=1",),
    )
    office.desk.keep(kept)
    office.desk.close()
    office.open()
    assert office.desk.plan == kept
    (tmp_path / "data" / "training.json").write_text("{")
    office.desk.close()
    office.open()
    assert office.desk.plan == TrainingPlan()
