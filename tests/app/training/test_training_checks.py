# SPDX-License-Identifier: MIT
"""Training controller before a training: inspect pictures, check them, estimate."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from foreign_models import write_brightness_checkpoint
from PIL import Image

from latent_explorer.app.training import updates as training_updates
from latent_explorer.app.training.jobs import LISTING
from latent_explorer.app.training.plan import TrainingPlan
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Progress


def test_looking_at_pictures_tells_what_they_offer(training_harness, tmp_path):
    for name in ("green", "red"):
        (tmp_path / "discs" / name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (8, 8), name).save(tmp_path / "discs" / name / f"{i}.png")
    training_harness.controller.inspect_data(tmp_path / "discs")
    training_harness.controller.inspect_data(tmp_path / "gone")
    training_harness.headless.settle()
    found, missing = training_harness.of_type(training_updates.DataInspected)
    assert found.offer.columns["class"] == {"green": 3, "red": 3}
    assert missing.offer is None
    assert "gone" in missing.problem


class FakeSciences:
    """Replacement of the data check and the estimate."""

    def __init__(self, monkeypatch) -> None:
        self.report = SimpleNamespace(can_train=True, classes=(("a", 3), ("b", 3)), findings=(), pictures=6)
        self.error: Exception | None = None
        self.asked: list = []
        data = SimpleNamespace(close=lambda: None)
        monkeypatch.setattr("latent_explorer.app.training.jobs._opened", lambda config: data)
        monkeypatch.setattr("latent_explorer.data.check.check", self.check)
        module = SimpleNamespace(estimate=self.estimate)
        monkeypatch.setitem(sys.modules, "latent_explorer.training.estimate", module)

    def check(self, data, resolution):
        yield Progress(1, 2, "Looking at the pictures")
        return self.report

    def estimate(self, config, num_classes, folder, pictures):
        self.asked.append((config.images, num_classes, folder, pictures))
        yield Progress(2, 2, "Timing")
        if self.error is not None:
            raise self.error
        return "an hour"


@pytest.fixture
def sciences(monkeypatch) -> FakeSciences:
    return FakeSciences(monkeypatch)


def test_a_check_reports_progress_then_the_report_and_the_estimate(training_harness, plan, sciences):
    training_harness.controller.check(plan)
    assert training_harness.controller.checking
    training_harness.headless.settle()
    messages = [u.progress.message for u in training_harness.of_type(training_updates.CheckProgress)]
    assert list(dict.fromkeys(messages)) == [LISTING, "Looking at the pictures", "Timing"]
    (done,) = training_harness.of_type(training_updates.CheckDone)
    assert (done.plan, done.report, done.estimate) == (plan, sciences.report, "an hour")
    assert sciences.asked == [(48_000, 2, training_harness.folder / "runs", 6)]
    assert not training_harness.controller.checking


@pytest.mark.parametrize("error", [UserError("No such card."), MemoryError()])
def test_an_estimate_that_cannot_be_made_leaves_the_report(training_harness, plan, sciences, error):
    sciences.error = error
    training_harness.controller.check(plan)
    training_harness.headless.settle()
    (done,) = training_harness.of_type(training_updates.CheckDone)
    assert done.report is sciences.report
    assert done.estimate is None
    assert done.problem


def test_a_foreign_classifier_is_described(training_harness, tmp_path):
    path = write_brightness_checkpoint(tmp_path / "net.pth", class_to_idx={"dark": 0, "bright": 1})
    training_harness.controller.describe_classifier(path)
    (tmp_path / "x.h5").write_bytes(b"\x89HDF\r\n\x1a\n....")
    training_harness.controller.describe_classifier(tmp_path / "x.h5")
    training_harness.headless.settle()
    good, refused = training_harness.of_type(training_updates.ClassifierDescribed)
    assert (good.network, good.class_names, good.named) == ("torchvision:squeezenet1_1", ("dark", "bright"), True)
    assert "Keras" in refused.problem
    assert TrainingPlan(data=tmp_path, classifier_from="file", classifier=path).problems() == []


def test_pictures_that_cannot_be_trained_on_are_not_timed(training_harness, plan, sciences):
    sciences.report.can_train = False
    training_harness.controller.check(plan)
    training_harness.headless.settle()
    sciences.report = SimpleNamespace(can_train=True, classes=(), findings=())
    training_harness.controller.check(plan)
    training_harness.headless.settle()
    training_harness.controller.check(TrainingPlan())
    errors, unlabelled, empty = training_harness.of_type(training_updates.CheckDone)
    assert sciences.asked == []
    assert errors.problem == ""
    assert "do not have two classes" in unlabelled.problem
    assert "Choose the pictures" in empty.problem


def test_a_cancelled_check_ends_without_a_report(training_harness, plan, sciences, monkeypatch):
    def endless(data, resolution):
        while True:
            yield Progress(0, 1)

    monkeypatch.setattr("latent_explorer.data.check.check", endless)
    training_harness.controller.check(plan)
    training_harness.controller.cancel_check()
    training_harness.headless.settle()
    (done,) = training_harness.of_type(training_updates.CheckDone)
    assert (done.report, done.problem) == (None, "")
    assert not training_harness.controller.checking
