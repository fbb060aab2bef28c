# SPDX-License-Identifier: MIT
"""The guided start: three steps make a plan, it is checked, and one button says what comes next."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fake_desk import OFFER, REPORT, FakeDesk
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit

from latent_explorer.app.training_plan import TrainingPlan
from latent_explorer.app.training_updates import CheckProgress, DataSeen, StartFailed, WindowChanged
from latent_explorer.common.events import Progress
from latent_explorer.data.check import DataReport, Finding
from latent_explorer.data.offer import DataOffer
from latent_explorer.ui import theme
from latent_explorer.ui.application import make_application
from latent_explorer.ui.dialogs.classes import ClassesDialog
from latent_explorer.ui.panels.training.size_step import images_of

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "PlantVillage"
    folder.mkdir()
    return folder


@pytest.fixture
def desk():
    return FakeDesk()


@pytest.fixture
def page(qtbot, desk):
    return make_page(qtbot, desk)


def make_page(qtbot, desk):
    make_application()
    theme.apply("light")
    from latent_explorer.ui.panels.training.start_page import StartPage

    made = StartPage(desk)
    desk.listeners.append(made.on_update)
    qtbot.addWidget(made)
    made.resize(1366, 260)
    made.show()
    return made


def press(page) -> None:
    QTest.mouseClick(page.next.next, LEFT)


def calls(desk, name: str) -> list:
    return [call[1:] for call in desk.asked if call[0] == name]


def test_an_empty_form_says_what_is_missing_only_when_asked(page, desk):
    assert page.images.problems.texts == []
    assert page.next.next.text() == "Check the images"
    press(page)
    assert "Choose the pictures" in page.images.problems.texts[0]
    assert not calls(desk, "check")


def test_pictures_are_recognised_and_suggest_label_classes_and_group(page, pictures):
    page.images.choose(pictures)
    assert page.images.seen.texts == ["PlantVillage: 14,529 files."]
    assert page.plan.data == pictures
    assert (page.plan.label, page.plan.group) == ("healthy", "group")
    assert page.classifier.classes.text() == "diseased (9,800), healthy (4,729)"
    assert page.size_.name.placeholderText() == "PlantVillage, quick look"
    assert str(pictures) in page.next.command.text()
    assert "--label healthy" in page.next.command.text()


def test_a_folder_is_dropped(page, desk, pictures):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(pictures))])
    event = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier
    )
    page.images.dropEvent(event)
    assert page.plan.data == pictures
    assert calls(desk, "look_at") == [(pictures,)]


def test_what_holds_no_pictures_says_so_in_its_place(page, desk, pictures):
    desk.offer = None
    page.images.choose(pictures)
    assert page.images.seen.texts == ["PlantVillage holds no pictures."]


def test_pictures_without_labels_need_a_classifier_from_elsewhere(page, desk, pictures, tmp_path):
    desk.offer = DataOffer("pictures", 900)
    page.images.choose(pictures)
    press(page)
    assert "no labels" in page.classifier.problems.texts[0]
    assert not calls(desk, "check")
    file = tmp_path / "leaf.classifier"
    file.touch()
    page.classifier.take_file(file)
    assert page.classifier.problems.texts == []
    press(page)
    plan = calls(desk, "check")[0][0]
    assert (plan.classifier_from, plan.classifier) == ("file", file)


def test_the_open_explainers_classifier_can_be_taken(qtbot, desk, pictures, tmp_path):
    desk.open_file = tmp_path / "leaf-health.explainer"
    desk.open_file.touch()
    page = make_page(qtbot, desk)
    page.images.choose(pictures)
    assert page.classifier.from_open.isEnabled()
    QTest.mouseClick(page.classifier.from_open, LEFT, pos=page.classifier.from_open.rect().center())
    page.classifier.from_open.click()
    assert page.plan.classifier == desk.open_file


def test_an_explainer_that_opens_later_is_offered_at_once(page, desk, tmp_path):
    assert not page.classifier.from_open.isEnabled()
    desk.open_file = tmp_path / "leaves.explainer"
    desk.tell(WindowChanged())
    assert page.classifier.from_open.isEnabled()
    assert page.classifier.open_hint.text() == "leaves"


def test_a_classifier_is_trained_on_other_pictures(page, desk, pictures, tmp_path):
    page.images.choose(pictures)
    desk.offer = DataOffer("class folders", 50, {"class": {"a": 20, "b": 30}}, label="class")
    other = tmp_path / "other"
    other.mkdir()
    page.classifier.take_data(other)
    assert (page.plan.classifier_data, page.plan.label) == (other, "class")
    assert page.plan.group == ""
    assert page.classifier.seen.texts == ["class folders: 50 files."]


def test_a_problem_stands_at_the_step_it_belongs_to(page, pictures):
    page.images.choose(pictures)
    page.images.where.setText("crop apple")
    page.images.where.editingFinished.emit()
    page.size_.images.setText("many")
    page.size_.images.editingFinished.emit()
    page.classifier.from_file.setChecked(True)
    page.classifier.changed.emit()
    assert "no condition" in page.images.problems.texts[0]
    assert "number of images" in page.size_.problems.texts[0]
    assert "Choose the classifier" in page.classifier.problems.texts[0]


def test_check_then_start(qtbot, page, desk, pictures):
    desk.estimate = SimpleNamespace(
        seconds=1100.0, images_per_second_full=63.4, disk_bytes=210_000_000, free_bytes=41_000_000_000
    )  # fmt: skip
    page.images.choose(pictures)
    press(page)
    assert page.next.cancel.isVisible()
    assert not page.next.next.isVisible()
    desk.tell(CheckProgress(Progress(5_000, 10_000, "Looking at the pictures", 12.0)))
    assert page.next.said.text() == "Looking at the pictures 50 %, 12 s left"
    desk.finish_check()
    said = page.check.findings.texts
    assert said[0].startswith("About 18 minutes on this machine")
    assert said[1] == "210 MB on disk, of 41.0 GB free."
    assert "2.1 times" in said[2], "the worst finding first"
    assert any(text.endswith("(a.jpg, b.jpg)") for text in said)
    assert page.next.next.text() == "Start training"
    with qtbot.waitSignal(page.started):
        press(page)
    assert calls(desk, "start")[0][0] == page.plan
    assert desk.plan == page.plan, "remembered for the next time"


def test_other_pictures_must_be_checked_again_another_name_not(page, desk, pictures, tmp_path):
    page.images.choose(pictures)
    press(page)
    desk.finish_check()
    page.size_.name.setText("my leaves")
    page.size_.name.editingFinished.emit()
    assert page.next.next.text() == "Start training"
    page.size_.preset.setCurrentIndex(1)
    page.size_.preset.activated.emit(1)
    assert page.next.next.text() == "Start training"
    assert "another size" in page.next.said.text()
    page.classifier.label.setCurrentIndex(1)
    page.classifier.label.activated.emit(1)
    assert page.next.next.text() == "Check again"


def test_an_error_in_the_check_forbids_the_start(page, desk, pictures):
    bad = (*REPORT.findings, Finding("error", "The split leaves 0 pictures for train."))
    desk.report = DataReport(bad, 10, (), (), "pictures", 32)
    page.images.choose(pictures)
    press(page)
    desk.finish_check()
    assert page.check.findings.texts[0].startswith("The split leaves")
    assert page.next.next.text() == "Check again"


def test_a_check_can_be_cancelled(page, desk, pictures):
    page.images.choose(pictures)
    press(page)
    QTest.mouseClick(page.next.cancel, LEFT)
    assert page.next.next.text() == "Check the images"
    assert page.check.invite.isVisible()


def test_too_little_disk_is_an_error(page, desk, pictures):
    desk.estimate = SimpleNamespace(
        seconds=9.0e5, images_per_second_full=1.0, disk_bytes=5e9, free_bytes=1e9
    )
    page.images.choose(pictures)
    press(page)
    desk.finish_check()
    said = page.check.findings.texts
    assert said[0].startswith("About 10.4 days")
    assert "not enough" in said[1]


def test_a_start_that_failed_says_why(page, desk, pictures):
    page.images.choose(pictures)
    desk.tell(StartFailed(page.plan, "The classifier could not be read."))
    assert page.check.findings.texts == ["The classifier could not be read."]


def test_the_plan_of_last_time_is_on_the_page_but_suggests_nothing_over_it(qtbot, pictures):
    plan = TrainingPlan(
        data=pictures, label="crop", where=("crop=apple",), preset="64", images=5000
    )
    desk = FakeDesk(plan=plan)
    page = make_page(qtbot, desk)
    desk.tell(DataSeen(pictures, OFFER))
    assert page.plan == plan
    assert page.size_.images.text() == "5,000"
    assert page.images.where.text() == "crop=apple"


def test_the_warning_of_a_shared_card_is_shown(page, desk, pictures):
    desk.warning = "The training shares this card with the window."
    page.images.choose(pictures)
    assert page.check.findings.texts == [desk.warning]
    assert page.check.invite.isVisible()


def test_the_command_line_is_copied_whole(page, pictures):
    page.images.choose(pictures)
    page.next.copy.click()
    assert QGuiApplication.clipboard().text() == page.plan.command_line()


def test_more_is_folded_away_and_opens_by_keyboard(page):
    assert not page.images.fields.isVisible()
    page.images.more.setFocus()
    QTest.keyClick(page.images.more, Qt.Key.Key_Space)
    assert page.images.fields.isVisible()


def test_every_control_has_a_name(page):
    kinds = (QAbstractButton, QLineEdit, QComboBox)
    nameless = [
        each
        for kind in kinds
        for each in page.findChildren(kind)
        if not (each.accessibleName() or getattr(each, "text", str)())
    ]
    assert nameless == []


@pytest.mark.parametrize(
    ("text", "number"),
    [("", None), ("20,000", 20_000), ("20 000", 20_000), ("20k", 20_000), ("2m", 2_000_000), ("many", 0), ("-5", 0)],
)  # fmt: skip
def test_lengths_as_people_write_them(text, number):
    assert images_of(text) == number


# the dialog of classes ------------------------------------------------------------------------


def make_dialog(qtbot, chosen=""):
    make_application()
    dialog = ClassesDialog({"0": 10, "1": 20, "2": 5}, {"0": "ill", "1": "well"}, chosen)
    qtbot.addWidget(dialog)
    return dialog


def test_classes_as_they_are_need_no_option(qtbot):
    assert make_dialog(qtbot).classes() == ""


def test_classes_are_named_and_left_out(qtbot):
    dialog = make_dialog(qtbot)
    dialog.table.item(0, 0).setText("diseased, badly")
    dialog.table.item(2, 0).setCheckState(Qt.CheckState.Unchecked)
    assert dialog.classes() == "0=diseased badly,1=well"
    again = make_dialog(qtbot, dialog.classes())
    assert again.classes() == dialog.classes()


def test_one_class_is_too_few(qtbot):
    dialog = make_dialog(qtbot, "0=ill")
    assert not dialog.ok.isEnabled()
    assert "two classes" in dialog.problem.text()
