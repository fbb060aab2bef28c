# SPDX-License-Identifier: MIT
"""Guided start with a plan: the check, and the button for the next action."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fake_training_controller import REPORT
from PySide6.QtTest import QTest
from start_form import LEFT, calls, make_page, press, take

from latent_explorer.app.training.updates import CheckProgress, RunAttached, StartFailed
from latent_explorer.common.events import Progress
from latent_explorer.data.check import DataReport, Finding


def test_check_then_start(qtbot, page, controller, pictures):
    controller.estimate = SimpleNamespace(
        seconds=1100.0, images_per_second_full=63.4, disk_bytes=210_000_000, free_bytes=41_000_000_000,
        classifier_share=0.2,
    )  # fmt: skip
    page.images.choose(pictures)
    press(page)
    assert page.next.cancel.isVisible()
    assert not page.next.next.isVisible()
    controller.updates.emit(CheckProgress(Progress(5_000, 10_000, "Looking at the pictures", 12.0)))
    assert page.next.message.text() == "Looking at the pictures 50 %, 12 s left"
    controller.finish_check()
    said = page.check.findings.texts
    assert said[0].startswith("About 18 min on this machine")
    assert said[1] == "210 MB on disk, of 41.0 GB free."
    assert "2.1 times" in said[2], "the worst finding first"
    assert any(text.endswith("(a.jpg, b.jpg)") for text in said)
    assert page.next.next.text() == "Start training"
    with qtbot.waitSignal(page.started):
        press(page)
    assert calls(controller, "start")[0][0] == page.plan
    assert controller.plan == page.plan, "remembered for the next time"


def test_other_pictures_must_be_checked_again_another_name_not(page, controller, pictures, tmp_path):
    page.images.choose(pictures)
    press(page)
    controller.finish_check()
    page.size_.name.setText("my leaves")
    page.size_.name.editingFinished.emit()
    assert page.next.next.text() == "Start training"
    assert page.next.again.isHidden()
    page.classifier.label.setCurrentIndex(1)
    page.classifier.label.activated.emit(1)
    assert page.next.next.text() == "Check again"
    assert "other pictures or labels" in page.next.message.text()


@pytest.mark.parametrize("field", ["preset", "images", "init", "device"])
def test_a_time_measured_for_other_settings_says_so_and_can_be_measured_again(
    qtbot, controller, pictures, tmp_path, field
):
    controller.device.model = tmp_path / "leaves.explainer"
    controller.device.model.touch()
    page = make_page(qtbot, controller)
    page.images.choose(pictures)
    press(page)
    controller.finish_check()
    assert page.next.message.text() == ""
    take(page, field, controller.device.model)
    assert page.next.next.text() == "Start training"
    assert page.next.message.text() == "The time was measured for other settings."
    QTest.mouseClick(page.next.again, LEFT)
    assert calls(controller, "check")[-1][0] == page.plan
    controller.finish_check()
    assert page.next.message.text() == ""
    assert page.next.again.isHidden()


def test_what_stops_the_measurement_forbids_the_start(page, controller, pictures):
    controller.problem = "A classifier cannot be trained: the pictures have no two classes."
    page.images.choose(pictures)
    press(page)
    controller.finish_check()
    assert page.check.findings.texts[0] == controller.problem
    assert page.next.next.text() == "Check again"
    press(page)
    assert not calls(controller, "start")


def test_a_check_at_work_keeps_its_progress_and_ends_with_its_pictures(page, controller, pictures, tmp_path):
    page.images.choose(pictures)
    press(page)
    controller.updates.emit(CheckProgress(Progress(5_000, 10_000, "Looking at the pictures", 12.0)))
    page.size_.name.setText("my leaves")
    page.size_.name.editingFinished.emit()
    controller.updates.emit(RunAttached(None))
    assert page.next.bar.value() == 5_000
    page.images.choose(tmp_path)
    assert calls(controller, "cancel_check")
    assert page.next.next.text() == "Check the images"


def test_an_error_in_the_check_forbids_the_start(page, controller, pictures):
    bad = (*REPORT.findings, Finding("error", "The split leaves 0 pictures for train."))
    controller.report = DataReport(bad, 10, (), (), "pictures", 32)
    page.images.choose(pictures)
    press(page)
    controller.finish_check()
    assert page.check.findings.texts[0].startswith("The split leaves")
    assert page.next.next.text() == "Check again"


def test_a_check_can_be_cancelled(page, controller, pictures):
    page.images.choose(pictures)
    press(page)
    QTest.mouseClick(page.next.cancel, LEFT)
    assert page.next.next.text() == "Check the images"
    assert page.check.invite.isVisible()


def test_too_little_disk_is_an_error(page, controller, pictures):
    controller.estimate = SimpleNamespace(
        seconds=9.0e5, images_per_second_full=1.0, disk_bytes=5e9, free_bytes=1e9, classifier_share=0.912
    )
    page.images.choose(pictures)
    press(page)
    controller.finish_check()
    said = page.check.findings.texts
    assert said[0].startswith("About 10.4 days")
    assert "91% of a step is the classifier" in said[0]
    assert "not enough" in said[1]
    assert page.next.next.text() == "Check again"


def test_a_start_that_failed_says_why(page, controller, pictures):
    page.images.choose(pictures)
    controller.updates.emit(StartFailed(page.plan, "The classifier could not be read."))
    assert page.check.findings.texts == ["The classifier could not be read."]


def test_the_warning_of_a_shared_card_is_shown(page, controller, pictures):
    warning = "The training shares this card with the window."
    controller.device.warning = lambda device: warning
    page.images.choose(pictures)
    assert page.check.findings.texts == [warning]
    assert page.check.invite.isVisible()
