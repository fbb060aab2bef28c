# SPDX-License-Identifier: MIT
"""The training desk on a training that learns nothing: start, watch, steer, outlive the window, fail in words."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import fake_training
import pytest
from fakes import SPOTS
from stage import Stage, of

from latent_explorer.app import child, training_updates, updates
from latent_explorer.app.intents import SetAttribute
from latent_explorer.app.training_desk import TrainingDesk
from latent_explorer.app.training_plan import TrainingPlan
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Progress

WAIT = 30.0


class Desk:
    """A stage with a desk, its updates written down; `wait` plays the window's second."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self.folder = stage, folder
        self.told: list = []
        self.open()

    def open(self) -> None:
        """A window opens: a new desk."""
        self.desk = TrainingDesk(self.stage.explorer, data_dir=self.folder / "data")
        self.desk.listeners.append(self.told.append)
        self.desk.begin()

    def wait(self, until: Callable[[], object]) -> None:
        deadline = time.monotonic() + WAIT
        while not until():
            assert time.monotonic() < deadline, [type(u).__name__ for u in self.told[-5:]]
            time.sleep(0.02)
            self.desk.poll()

    def of(self, kind: type) -> list:
        return [u for u in self.told if isinstance(u, kind)]

    def said(self) -> list[str]:
        """What the window said to the person since the last time."""
        told = self.stage.settle()
        troubles = [u.failure.message for u in of(told, updates.Trouble)]
        return [*troubles, *(u.text for u in of(told, updates.Told))]


@pytest.fixture
def office(stage, tmp_path, monkeypatch) -> Iterator[Desk]:
    monkeypatch.setenv("LATENT_EXPLORER_RUNS", str(tmp_path / "runs"))
    program = [sys.executable, str(Path(fake_training.__file__))]
    monkeypatch.setattr(child, "self_command", lambda *arguments: [*program, *arguments])
    office = Desk(stage, tmp_path)
    yield office
    office.desk.close()
    for pid in list(child._children):
        child.end_child(pid)


@pytest.fixture
def plan(tmp_path) -> TrainingPlan:
    (tmp_path / "leaves").mkdir()
    return TrainingPlan(data=tmp_path / "leaves", name="mine")


def behave(plan: TrainingPlan, how: str) -> TrainingPlan:
    (plan.data / "behave").write_text(how)
    return plan


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


def test_looking_at_pictures_tells_what_they_offer(office, tmp_path):
    from PIL import Image

    for name in ("green", "red"):
        (tmp_path / "discs" / name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (8, 8), name).save(tmp_path / "discs" / name / f"{i}.png")
    office.desk.look_at(tmp_path / "discs")
    office.desk.look_at(tmp_path / "gone")
    office.stage.settle()
    found, missing = office.of(training_updates.DataSeen)
    assert found.offer.columns["class"] == {"green": 3, "red": 3}
    assert missing.offer is None
    assert "gone" in missing.problem


class FakeSciences:
    """The data check and the estimate, replaced."""

    def __init__(self, monkeypatch) -> None:
        self.report = SimpleNamespace(can_train=True, classes=(("a", 3), ("b", 3)), findings=())
        self.error: Exception | None = None
        self.asked: list = []
        data = SimpleNamespace(close=lambda: None)
        monkeypatch.setattr("latent_explorer.app.training_jobs._opened", lambda config: data)
        monkeypatch.setattr("latent_explorer.data.check.check", self.check)
        module = SimpleNamespace(estimate=self.estimate)
        monkeypatch.setitem(sys.modules, "latent_explorer.training.estimate", module)

    def check(self, data, resolution):
        yield Progress(1, 2, "Looking at the pictures")
        return self.report

    def estimate(self, config, num_classes, folder):
        self.asked.append((config.images, num_classes, folder))
        yield Progress(2, 2, "Timing")
        if self.error is not None:
            raise self.error
        return "an hour"


@pytest.fixture
def sciences(monkeypatch) -> FakeSciences:
    return FakeSciences(monkeypatch)


def test_a_check_reports_progress_then_the_report_and_the_estimate(office, plan, sciences):
    office.desk.check(plan)
    assert office.desk.checking
    office.stage.settle()
    assert [u.progress.message for u in office.of(training_updates.CheckProgress)] == [
        "Looking at the pictures",
        "Timing",
    ]
    (done,) = office.of(training_updates.CheckDone)
    assert (done.plan, done.report, done.estimate) == (plan, sciences.report, "an hour")
    assert sciences.asked == [(48_000, 2, office.folder / "runs")]
    assert not office.desk.checking


@pytest.mark.parametrize("error", [UserError("No such card."), MemoryError()])
def test_an_estimate_that_cannot_be_made_leaves_the_report(office, plan, sciences, error):
    sciences.error = error
    office.desk.check(plan)
    office.stage.settle()
    (done,) = office.of(training_updates.CheckDone)
    assert done.report is sciences.report
    assert done.estimate is None
    assert done.problem


def test_pictures_that_cannot_be_trained_on_are_not_timed(office, plan, sciences):
    sciences.report.can_train = False
    office.desk.check(plan)
    office.stage.settle()
    sciences.report = SimpleNamespace(can_train=True, classes=(), findings=())
    office.desk.check(plan)
    office.stage.settle()
    office.desk.check(TrainingPlan())
    errors, unlabelled, empty = office.of(training_updates.CheckDone)
    assert sciences.asked == []
    assert errors.problem == ""
    assert "no two classes" in unlabelled.problem
    assert "Choose the pictures" in empty.problem


def test_a_cancelled_check_ends_without_a_report(office, plan, sciences, monkeypatch):
    def endless(data, resolution):
        while True:
            yield Progress(0, 1)

    monkeypatch.setattr("latent_explorer.data.check.check", endless)
    office.desk.check(plan)
    office.desk.cancel_check()
    office.stage.settle()
    (done,) = office.of(training_updates.CheckDone)
    assert (done.report, done.problem) == (None, "")
    assert not office.desk.checking
