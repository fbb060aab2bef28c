# SPDX-License-Identifier: MIT
"""Guided start: three steps make a plan. For the check see `test_training_check.py`."""

from __future__ import annotations

from fake_training_controller import OFFER, FakeTrainingController
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit
from start_form import LEFT, calls, make_page, press, take

from latent_explorer.app.training.plan import TrainingPlan
from latent_explorer.app.training.updates import ClassifierDescribed, DataInspected, WindowChanged
from latent_explorer.data.labels import Question, Reading
from latent_explorer.data.summary import DataSummary
from latent_explorer.ui.training.classifier_step import ClassesDialog
from latent_explorer.ui.widgets.form import SeverityLabel


def test_an_empty_form_says_what_is_missing_only_when_asked(page, controller):
    assert page.images.problems.texts == []
    assert page.next.next.text() == "Check the images"
    press(page)
    assert "Choose the pictures" in page.images.problems.texts[0]
    assert not calls(controller, "check")


def test_pictures_are_recognised_and_suggest_label_classes_and_group(page, pictures):
    page.images.choose(pictures)
    assert page.images.messages.texts == ["PlantVillage: 14,529 files."]
    assert page.plan.data == pictures
    assert (page.plan.label, page.plan.group) == ("healthy", "group")
    assert page.classifier.classes.text() == "diseased (9,800), healthy (4,729)"
    assert page.size_.name.placeholderText() == "PlantVillage, quick look"
    assert str(pictures) in page.next.command.text()
    assert "--label healthy" in page.next.command.text()


def test_values_of_one_name_are_counted_as_one_class(page, pictures):
    page.images.choose(pictures)
    page.classifier.label.setCurrentIndex(1)
    page.classifier._classes = "apple=sweet,strawberry=sweet,tomato=sour"
    page.classifier._show_classes()
    assert page.classifier.classes.text() == "sweet (4,736), sour (7,318)"


def test_a_folder_is_dropped(page, controller, pictures):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(pictures))])
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    page.images.dropEvent(event)
    assert page.plan.data == pictures
    assert calls(controller, "inspect_data") == [(pictures,)]


def test_a_checkpoint_is_described_below_its_name(page, controller, tmp_path):
    path = tmp_path / "net.pth"
    path.touch()
    page.classifier.set_classifier_file(path)
    assert calls(controller, "describe_classifier") == [(path,)]
    assert not page.classifier.problems.texts
    controller.updates.emit(ClassifierDescribed(tmp_path / "earlier.pth", "other", ("x", "y")))
    controller.updates.emit(ClassifierDescribed(path, "timm:resnet10t", ("a", "b", "c", "d"), named=False))
    good, unnamed = page.classifier.recognised.texts
    assert good == "timm:resnet10t: a, b, c and 1 more."
    assert "names no classes" in unnamed
    controller.updates.emit(ClassifierDescribed(path, problem="It cannot be read."))
    assert page.classifier.recognised.texts == ["It cannot be read."]


def test_explaining_a_classifier_checks_its_pictures_at_once(page, controller, pictures, tmp_path):
    path = tmp_path / "net.classifier"
    path.touch()
    page.explain(path, pictures)
    ((plan,),) = calls(controller, "check")
    assert (plan.data, plan.classifier, plan.classifier_from) == (pictures, path, "file")
    controller.finish_check()
    assert page.next.next.text() == "Start training"


def test_what_holds_no_pictures_says_so_in_its_place(page, controller, pictures):
    controller.offer = None
    page.images.choose(pictures)
    assert page.images.messages.texts == ["PlantVillage holds no pictures."]


def test_pictures_without_labels_need_a_classifier_from_elsewhere(page, controller, pictures, tmp_path):
    controller.offer = DataSummary("pictures", 900)
    page.images.choose(pictures)
    press(page)
    assert "no labels" in page.classifier.problems.texts[0]
    assert not calls(controller, "check")
    file = tmp_path / "leaf.classifier"
    file.touch()
    page.classifier.set_classifier_file(file)
    assert page.classifier.problems.texts == []
    press(page)
    plan = calls(controller, "check")[0][0]
    assert (plan.classifier_from, plan.classifier) == ("file", file)


def test_the_open_explainers_classifier_can_be_taken(qtbot, controller, pictures, tmp_path):
    controller.device.model = tmp_path / "leaf-health.explainer"
    controller.device.model.touch()
    page = make_page(qtbot, controller)
    page.images.choose(pictures)
    assert page.classifier.from_open.isEnabled()
    QTest.mouseClick(page.classifier.from_open, LEFT, pos=page.classifier.from_open.rect().center())
    page.classifier.from_open.click()
    assert page.plan.classifier == controller.device.model


def test_an_explainer_that_opens_later_is_offered_at_once(page, controller, tmp_path):
    assert not page.classifier.from_open.isEnabled()
    controller.device.model = tmp_path / "leaves.explainer"
    controller.updates.emit(WindowChanged())
    assert page.classifier.from_open.isEnabled()
    assert page.classifier.open_hint.text() == "leaves"


def test_a_classifier_is_trained_on_other_pictures(page, controller, pictures, tmp_path):
    page.images.choose(pictures)
    controller.offer = DataSummary("class folders", 50, {"class": {"a": 20, "b": 30}}, label="class")
    other = tmp_path / "other"
    other.mkdir()
    page.classifier.set_own_data(other)
    assert (page.plan.classifier_data, page.plan.label) == (other, "class")
    assert page.plan.group == ""
    assert page.classifier.messages.texts == ["class folders: 50 files."]
    controller.offer = OFFER
    page.classifier.same.click()
    assert (page.plan.classifier_data, page.plan.label) == (None, "healthy")
    assert page.plan.group == "group"
    assert page.classifier.classes.text() == "diseased (9,800), healthy (4,729)"


def test_columns_are_those_of_the_pictures_with_labels(page, controller, pictures, tmp_path):
    """Other pictures for the explainer do not change the selection among the classifier's."""
    page.classifier.set_own_data(pictures)
    controller.offer = DataSummary("pictures", 900, group="person")
    page.images.choose(tmp_path)
    assert page.images.messages.texts == ["Pictures: 900 files."]
    assert (page.plan.label, page.plan.group) == ("healthy", "group")


def test_a_problem_stands_at_the_step_it_belongs_to(page, pictures):
    page.images.choose(pictures)
    page.images.where.setText("crop apple")
    page.images.where.editingFinished.emit()
    page.size_.images.setText("many")
    page.size_.images.editingFinished.emit()
    page.classifier.from_file.setChecked(True)
    page.classifier.changed.emit()
    assert "not a condition" in page.images.problems.texts[0]
    assert "images=many" in page.size_.problems.texts[0]
    assert "Choose the classifier" in page.classifier.problems.texts[0]


def test_going_on_from_an_explainer_says_what_the_size_means(qtbot, controller, tmp_path):
    controller.device.model = tmp_path / "leaves.explainer"
    page = make_page(qtbot, controller)
    assert "adds layers to it" not in page.size_.about.text()
    take(page, "init", controller.device.model)
    assert "adds layers to it" in page.size_.about.text()


def test_a_device_that_is_known_only_later_stays_chosen(qtbot, pictures):
    controller = FakeTrainingController(plan=TrainingPlan(data=pictures, settings={"device": "cuda:0"}))
    page = make_page(qtbot, controller)
    assert page.size_.device.currentData() == "auto"
    controller.device.choices = (*controller.device.choices, ("cuda:0", "A card"))
    controller.updates.emit(WindowChanged())
    assert page.size_.device.currentData() == "cuda:0"
    assert page.plan.device == "cuda:0"


def test_the_plan_of_last_time_is_on_the_page_but_suggests_nothing_over_it(qtbot, pictures):
    plan = TrainingPlan(data=pictures, label="crop", where=("crop=apple",), preset="64", settings={"images": 5000})
    controller = FakeTrainingController(plan=plan)
    page = make_page(qtbot, controller)
    controller.updates.emit(DataInspected(pictures, OFFER))
    assert page.plan == plan
    assert page.size_.images.text() == "5,000"
    assert page.images.where.text() == "crop=apple"


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


def test_folders_in_doubt_are_asked_about_and_the_answer_is_the_label(page, controller, pictures):
    readings = (Reading("folder", "site A, site B"), Reading("folder2", "cats & co, dogs"))
    columns = {"folder": {"site A": 9, "site B": 9}, "folder2": {"cats & co": 9, "dogs": 9}}
    controller.offer = DataSummary("pictures", 18, columns, question=Question("Which?", readings))
    page.images.choose(pictures)
    assert [b.text() for b in page.images.question.buttons.values()] == ["site A, site B", "cats && co, dogs"]
    assert page.plan.label == ""
    press(page)
    assert "in doubt which folders" in page.classifier.problems.texts[0]
    assert not calls(controller, "check")
    QTest.mouseClick(page.images.question.buttons["folder2"], LEFT)
    assert page.plan.label == "folder2"
    assert page.classifier.classes.text() == "cats & co (9), dogs (9)"
    press(page)
    assert calls(controller, "check")
    page.classifier.choose_label("folder")
    assert page.images.question.buttons["folder"].isChecked()


def test_the_folders_split_is_chosen_and_chance_replaces_it(page, controller, pictures):
    columns = {"split": {"test": 9, "train": 9}, "class": {"a": 9, "b": 9}}
    controller.offer = DataSummary(
        "class folders", 18, columns, label="class", split="split", split_by_folder=True, notes=("A note.",)
    )
    page.images.choose(pictures)
    assert page.images.messages.texts == ["Class folders: 18 files.", "A note."]
    assert page.plan.split == "split"
    page.images.split.setCurrentIndex(0)
    page.images.split.activated.emit(0)
    assert page.plan.split == "hash"


def test_labels_that_may_be_none_are_left_out_and_said(page, controller, pictures):
    columns = {"state": {"x": 9, "NA": 4, "y": 8, "(empty)": 2}}
    controller.offer = DataSummary("pictures", 23, columns, label="state", doubtful={"state": ("NA", "(empty)")})
    page.images.choose(pictures)
    assert page.plan.classes == "x=x,y=y"
    assert page.classifier.classes.text() == "x (9), y (8)"
    assert page.classifier.doubt.text().startswith("NA, (empty): 6 pictures, left out")
    counts = columns["state"]
    dialog = ClassesDialog(counts, {}, page.plan.classes, ("NA", "(empty)"))
    assert dialog.classes() == "x=x,y=y"
    dialog.table.item(1, 0).setCheckState(Qt.CheckState.Checked)
    assert dialog.classes() == "x=x,NA=NA,y=y"
    page.classifier._classes = "x=x,NA=NA,y=y,(empty)=none"
    page.classifier._show_classes()
    assert page.classifier.doubt.isHidden()


def test_empty_labels_alone_need_no_choice(page, controller, pictures):
    columns = {"state": {"x": 9, "y": 8, "(empty)": 2}}
    controller.offer = DataSummary("pictures", 19, columns, label="state", doubtful={"state": ("(empty)",)})
    page.images.choose(pictures)
    assert page.plan.classes == ""
    assert page.classifier.classes.text() == "x (9), y (8)"
    assert page.classifier.doubt.text().startswith("(empty): 2 pictures, left out")


def test_long_notes_are_shown_whole(qtbot, page, controller, pictures):
    note = "A workbook of a long name is not read: if it holds labels, save its sheet as CSV (UTF-8) called labels.csv."
    controller.offer = DataSummary("class folders", 18, {"class": {"a": 9, "b": 9}}, notes=(note, note + " Twice."))
    page.images.choose(pictures)

    def whole() -> bool:
        labels = [line.label for line in page.images.messages.findChildren(SeverityLabel) if line.isVisible()]
        return len(labels) == 3 and all(label.height() >= label.heightForWidth(label.width()) for label in labels)

    qtbot.waitUntil(whole)
