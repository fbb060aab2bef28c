# SPDX-License-Identifier: MIT
"""The import dialog: what a file is, verdicts on pictures, fields that ask again, and the way to a training."""

from __future__ import annotations

import msgspec
import pytest
import torch
from foreign_models import write_brightness_checkpoint, write_generator, write_shades, write_small_classifier
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel
from torchvision import models
from window_tools import LEFT

from latent_explorer.app.importing.controller import ImportController
from latent_explorer.app.importing.updates import CheckShown, PicturesOpened, WorkEnded
from latent_explorer.common.events import Progress
from latent_explorer.models.classifier_file import read_classifier
from latent_explorer.models.explainer_file import read_explainer
from latent_explorer.models.preprocessing import USUAL, Preprocessing, changed_to
from latent_explorer.ui.importing import classifier_page
from latent_explorer.ui.importing.classifier_page import joined_names, parse_names
from latent_explorer.ui.importing.dialog import ImportDialog
from latent_explorer.ui.importing.preprocessing_form import PreprocessingForm

LONG = 20_000  # ms; nothing waits that long on a machine that does anything at all


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint that names its classes in the wrong order."""
    return write_brightness_checkpoint(tmp_path / "<b>net.pth", class_to_idx={"bright": 0, "dark": 1})


@pytest.fixture
def open_on(qtbot, explorer, monkeypatch):
    monkeypatch.setattr(classifier_page, "PAUSE", 1)
    made = []

    def open_dialog(path, **options) -> ImportDialog:
        dialog = ImportDialog(ImportController(explorer, path), **options)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitUntil(lambda: "Looking" not in "".join(dialog.message.texts), timeout=LONG)
        made.append(dialog)
        return dialog

    yield open_dialog
    for dialog in made:
        dialog.reject()


def complete(dialog: ImportDialog) -> list:
    """Return the complete checks that the dialog shows from now on."""
    seen: list[CheckShown] = []
    dialog.controller.updates.on(CheckShown, lambda update: seen.append(update) if update.complete else None)
    return seen


def tabbed(dialog: ImportDialog, count: int) -> list:
    """Press Tab `count` times; return where each goes."""
    seen = []
    for _ in range(count):
        QTest.keyClick(dialog.focusWidget() or dialog, Qt.Key.Key_Tab)
        seen.append(dialog.focusWidget())
    return seen


def small(dialog: ImportDialog) -> None:
    """Make the pictures small, so that a test is short."""
    value = msgspec.structs.replace(dialog.page.preprocessing.value, input_size=32, crop=1)
    dialog.page.preprocessing.show_value(value, fixed_size=False)


def test_from_a_checkpoint_to_a_classifier_that_is_right(qtbot, open_on, checkpoint, tmp_path):
    dialog = open_on(checkpoint)
    page = dialog.page
    assert page.what.text() == "Recognised as torchvision:squeezenet1_1, 2 outputs"
    assert page.names.text() == "bright, dark"
    assert page.names_from.text() == "From the file."
    assert dialog.go.isEnabled()
    small(dialog)
    seen = complete(dialog)
    page.open_pictures(write_shades(tmp_path / "shades"))
    qtbot.waitUntil(lambda: len(seen) == 1, timeout=LONG)
    assert len(page.view.cells) == 12
    assert page.view.cells[0].verdict.text().startswith("dark ")
    assert page.view.cells[0].label.text() == "wrong: is bright"
    assert page.view.accuracy.text().startswith("Right on 0 of 16 pictures: 0.000 (95 % interval 0.000 to 0.1")
    (line,) = page.view.advice
    QTest.mouseClick(line.button, LEFT)
    assert page.names.text() == "dark, bright"
    qtbot.waitUntil(lambda: len(seen) == 2, timeout=LONG)
    assert page.view.accuracy.text().startswith("Right on 16 of 16")
    assert page.view.advice == []
    assert {cell.label.text() for cell in page.view.cells} == {"label dark", "label bright"}
    asked = []
    dialog.explain_requested.connect(lambda *given: asked.append(given))
    dialog.go.click()
    qtbot.waitUntil(lambda: len(asked) == 1, timeout=LONG)
    ((path, pictures),) = asked
    assert pictures == tmp_path / "shades"
    classifier, about = read_classifier(path)
    assert classifier.config.class_names == ("dark", "bright")
    assert classifier.config.preprocessing.input_size == 32
    assert about["check"]["accuracy"] == 1
    assert dialog.isHidden()


def test_a_change_of_a_field_asks_once_more(qtbot, open_on, checkpoint, tmp_path):
    dialog = open_on(checkpoint, pictures=write_shades(tmp_path / "shades"))
    small(dialog)
    seen = complete(dialog)
    qtbot.waitUntil(lambda: len(seen) == 1, timeout=LONG)
    values = dialog.page.preprocessing.values
    values.setCurrentIndex(values.findText("0 to 1"))
    values.activated.emit(values.currentIndex())
    qtbot.waitUntil(lambda: len(seen) == 2, timeout=LONG)
    assert seen[-1].check.trials[0].preprocessing.std == (1, 1, 1)
    dialog.page.names.setText("hell, dunkel")
    dialog.page.names.textEdited.emit("hell, dunkel")
    qtbot.waitUntil(lambda: len(seen) == 3, timeout=LONG)
    assert dialog.page.view.cells[0].verdict.text().startswith("dunkel ")


def test_names_that_do_not_fit_cannot_be_used(open_on, checkpoint):
    dialog = open_on(checkpoint)
    for text, words in (("a", "1 name; it has 2 classes"), ("a, a", "same name"), ("a, b, c", "3 names")):
        dialog.page.names.setText(text)
        dialog.page.names.textEdited.emit(text)
        assert words in dialog.page.names_problem.text()
        assert not dialog.go.isEnabled()
        assert not dialog.save.isEnabled()
    dialog.page.names.setText("a, b")
    dialog.page.names.textEdited.emit("a, b")
    assert dialog.go.isEnabled()


def test_return_in_the_names_begins_no_training(qtbot, open_on, checkpoint):
    dialog = open_on(checkpoint)
    dialog.activateWindow()
    dialog.page.names.setFocus()
    QTest.keyClicks(dialog.page.names, "x")
    QTest.keyClick(dialog.page.names, Qt.Key.Key_Return)
    assert not dialog.controller.working
    assert dialog.isVisible()


def test_a_dialog_behind_a_long_job_says_what_it_waits_for(qtbot, explorer, open_on, checkpoint):
    ended = []

    def long_job(_budget):
        while not ended:
            yield Progress(0, 1)

    explorer.start_job("A long search", long_job, lambda _none: None)
    dialog = ImportDialog(ImportController(explorer, checkpoint))
    qtbot.addWidget(dialog)
    assert dialog.message.texts == ["Waiting until this has ended: A long search. To stop it, close this dialog first."]
    ended.append(True)
    qtbot.waitUntil(lambda: dialog.page is not None, timeout=LONG)
    assert dialog.controller.waiting == ""
    dialog.reject()


def test_pictures_can_be_dropped_and_their_problem_is_said(qtbot, open_on, checkpoint, tmp_path):
    dialog = open_on(checkpoint)
    (tmp_path / "empty").mkdir()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "empty"))])
    dialog.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier))
    qtbot.waitUntil(lambda: bool(dialog.page.problems.texts), timeout=LONG)
    assert "empty" in dialog.page.problems.texts[0]
    assert dialog.page.bar.isHidden()


def test_pictures_with_other_labels_say_why_there_is_no_accuracy(qtbot, open_on, tmp_path):
    dialog = open_on(write_brightness_checkpoint(tmp_path / "net.pth", classes=3))
    small(dialog)
    seen = complete(dialog)
    assert "names none" in dialog.page.names_from.text()
    dialog.page.open_pictures(write_shades(tmp_path / "shades", ("cat", "dog")))
    qtbot.waitUntil(lambda: len(seen) == 1, timeout=LONG)
    assert "other labels" in dialog.page.view.note.text()
    assert not dialog.page.view.note.isHidden()
    assert dialog.page.view.accuracy.isHidden()


def test_classes_that_nobody_named_are_called_as_the_labels(qtbot, open_on, tmp_path):
    dialog = open_on(write_brightness_checkpoint(tmp_path / "net.pth"), pictures=write_shades(tmp_path / "shades"))
    small(dialog)
    page = dialog.page
    seen = complete(dialog)
    assert page.names.text() == "class 0, class 1"
    qtbot.waitUntil(lambda: len(seen) == 1, timeout=LONG)
    assert page.names.text() == "bright, dark"  # alphabetical; the network has them the other way round, which is said
    assert "alphabetical" in page.names_from.text()
    QTest.mouseClick(page.view.advice[0].button, LEFT)
    assert page.names.text() == "dark, bright"
    qtbot.waitUntil(lambda: len(seen) == 2, timeout=LONG)
    page.open_pictures(write_shades(tmp_path / "animals", ("cat", "dog")))
    qtbot.waitUntil(lambda: len(seen) == 3, timeout=LONG)
    assert page.names.text() == "dark, bright"  # chosen by a person


def test_the_label_with_as_many_values_as_classes_is_chosen(qtbot, open_on, tmp_path):
    folder = write_shades(tmp_path / "shades")
    rows = [(str(p.relative_to(folder)), "abcd"[i % 4], p.parent.name) for i, p in enumerate(folder.rglob("*.png"))]
    lines = ["file,breed,shade", *(",".join(row) for row in rows)]
    (folder / "labels.csv").write_text("\n".join(lines))
    dialog = open_on(write_brightness_checkpoint(tmp_path / "net.pth"), pictures=folder)
    small(dialog)
    qtbot.waitUntil(lambda: dialog.page.label.count() == 3, timeout=LONG)
    assert dialog.page.label.currentData() == "shade"


def test_a_classifier_is_saved_where_it_is_wanted(qtbot, open_on, checkpoint, tmp_path, monkeypatch):
    dialog = open_on(checkpoint)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(tmp_path / "mine"), ""))
    dialog.save.click()
    qtbot.waitUntil(lambda: not dialog.controller.working, timeout=LONG)
    assert read_classifier(tmp_path / "mine.classifier")[0].config.class_names == ("bright", "dark")
    assert dialog.isVisible()
    assert dialog.save.isEnabled()


def test_writing_ends_a_check_and_it_goes_on_afterwards(qtbot, open_on, checkpoint, tmp_path, monkeypatch):
    dialog = open_on(checkpoint)
    small(dialog)
    seen = complete(dialog)
    ended = []
    dialog.controller.updates.on(WorkEnded, lambda _update: ended.append(len(seen)))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(tmp_path / "mine"), ""))
    dialog.controller.updates.on(PicturesOpened, lambda _update: dialog.save.click())  # as the check begins
    dialog.page.open_pictures(write_shades(tmp_path / "shades"))
    qtbot.waitUntil(lambda: len(seen) == 1, timeout=LONG)
    assert ended == [0]  # the file did not wait for the check
    assert (tmp_path / "mine.classifier").exists()


def test_what_is_refused_says_the_way_out_and_can_only_be_closed(open_on, tmp_path):
    (tmp_path / "net.h5").write_bytes(b"\x89HDF\r\n\x1a\n....")
    dialog = open_on(tmp_path / "net.h5")
    assert "Export it to ONNX" in dialog.message.texts[0]
    assert dialog.go.isHidden()
    assert dialog.save.isHidden()


def test_one_output_is_chosen_and_its_names_come_back(qtbot, open_on, tmp_path):
    names = ["dark", "mid", "bright"]
    path = write_brightness_checkpoint(tmp_path / "net.pth", 3, class_names=names)
    dialog = open_on(path, pictures=write_shades(tmp_path / "shades"))
    page = dialog.page
    small(dialog)
    seen = complete(dialog)
    qtbot.waitUntil(lambda: len(seen) == 1, timeout=LONG)

    def choose(text: str) -> None:
        page.outputs.setCurrentIndex(page.outputs.findText(text))
        page.outputs.activated.emit(page.outputs.currentIndex())

    choose("yes or no: bright")
    assert page.names.text() == "not bright, bright"
    assert page.choices.output == 2
    qtbot.waitUntil(lambda: len(seen) == 2, timeout=LONG)
    assert {cell.verdict.text().rpartition(" ")[0] for cell in page.view.cells} <= {"not bright", "bright"}
    page.names.setText("dim, shiny")
    page.names.textEdited.emit("dim, shiny")
    choose("one of 3 classes")
    assert page.choices.class_names == ("dark", "mid", "bright")
    assert page.choices.output is None
    choose("yes or no: bright")
    assert page.choices.class_names == ("dim", "shiny")


def test_another_network_of_the_same_tensors_is_chosen(qtbot, open_on, tmp_path):
    torch.save(models.resnet18(num_classes=2).state_dict(), tmp_path / "net.pth")
    dialog = open_on(tmp_path / "net.pth", pictures=write_shades(tmp_path / "shades"))
    qtbot.waitUntil(lambda: dialog.controller.pictures is not None, timeout=LONG)
    first = dialog.page
    choice = first.network
    assert [choice.name.itemText(i) for i in range(choice.name.count())][1:] == ["timm:resnet18", "timm:resnetblur18"]
    assert not choice.try_it.isEnabled()
    choice.name.setEditText("timm:resnet34")
    choice.try_it.click()
    qtbot.waitUntil(lambda: bool(choice.problems.texts), timeout=LONG)
    assert "does not fit timm:resnet34" in choice.problems.texts[0]
    assert choice.name.currentText() == "torchvision:resnet18"
    assert dialog.go.isEnabled()
    seen = complete(dialog)
    choice.name.setEditText("timm:resnetblur18")
    QTest.keyClick(choice.name.lineEdit(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dialog.page is not first, timeout=LONG)
    assert dialog.page.what.text() == "Recognised as timm:resnetblur18, 2 outputs"
    small(dialog)
    qtbot.waitUntil(lambda: len(seen) == 1, timeout=LONG)  # the pictures are shown again
    assert len(dialog.page.view.cells) == 12


def test_tensors_that_fit_nothing_come_with_the_nearest_and_a_field(qtbot, open_on, tmp_path):
    state = models.squeezenet1_1(num_classes=2).state_dict()
    torch.save({**state, "extra.weight": torch.zeros(3)}, tmp_path / "net.pth")
    dialog = open_on(tmp_path / "net.pth")
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    assert "torchvision:squeezenet1_1" in texts
    assert "The file has 1 tensors that it lacks (extra.weight)." in texts
    assert dialog.go.isHidden()
    assert dialog.save.isHidden()
    choice = dialog.page.network
    choice.name.setEditText("timm:no_such")
    choice.try_it.click()
    qtbot.waitUntil(lambda: bool(choice.problems.texts), timeout=LONG)
    assert "no network 'timm:no_such'" in choice.problems.texts[0]


def test_a_generator_becomes_an_explainer_of_the_chosen_class(qtbot, open_on, checkpoint, tmp_path, monkeypatch):
    dialog = open_on(write_generator(tmp_path / "network.pt", classes=3), opened=tmp_path / "leaf.explainer")
    page = dialog.page
    assert "16 px" in page.what.text()
    assert page.open_hint.text() == "leaf"
    page.class_index.set_index(2)
    page.set_file(write_small_classifier(tmp_path / "c.classifier", checkpoint))
    opened = []
    monkeypatch.setattr(dialog.controller._explorer, "open_path", opened.append)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(tmp_path / "out"), ""))
    dialog.go.click()
    assert dialog.isHidden()  # the window's status bar shows how it goes on
    qtbot.waitUntil(lambda: (tmp_path / "out.explainer").exists(), timeout=LONG)
    explainer = read_explainer(tmp_path / "out.explainer")
    assert "Draws class 2 of 3." in explainer.provenance["imported"]["notes"]
    assert len(explainer.classifiers) == 1


def test_return_imports_a_generator_and_the_name_tells_its_class(qtbot, open_on, tmp_path, monkeypatch):
    dialog = open_on(write_generator(tmp_path / "network.pt", classes=3))
    dialog.page.class_index.set_index(2)
    asked = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (asked.append(args[2]), ("", ""))[1])
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert asked == [str(tmp_path / "network class 2.explainer")]
    assert dialog.isVisible()  # no name was chosen


def test_tab_goes_through_the_page_and_then_to_the_buttons(qtbot, open_on, tmp_path):
    dialog = open_on(write_generator(tmp_path / "network.pt", classes=3))
    page = dialog.page
    qtbot.waitUntil(page.isVisible, timeout=LONG)
    assert dialog.focusWidget() is page.class_index
    assert page.class_index.lineEdit().selectedText() == "0"
    assert tabbed(dialog, 4) == [page.none, page.choose, dialog.close_button, dialog.go]


def test_tab_begins_in_the_page_of_a_generator_without_classes(qtbot, open_on, tmp_path):
    dialog = open_on(write_generator(tmp_path / "network.pt"))
    page = dialog.page
    qtbot.waitUntil(page.isVisible, timeout=LONG)
    assert tabbed(dialog, 4) == [page.none, page.choose, dialog.close_button, dialog.go]


def test_names_from_files_are_plain_text(open_on, checkpoint):
    dialog = open_on(checkpoint)
    assert dialog.file.text() == "<b>net.pth"
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in dialog.findChildren(QLabel) if label.text())


@pytest.mark.parametrize("names", [("a", "b"), ("tench, Tinca tinca", "goldfish"), ("x",)])
def test_names_with_commas_come_back_as_they_were(names):
    assert parse_names(joined_names(names)) == names


@pytest.mark.parametrize("usual", USUAL)
def test_the_form_gives_back_what_it_shows(qtbot, usual):
    form = PreprocessingForm()
    qtbot.addWidget(form)
    own = Preprocessing(299, (0.4, 0.41, 0.42), (0.2, 0.21, 0.22), crop=0.875, interpolation="bicubic")
    for value in (own, changed_to(own, usual), Preprocessing(28, channels="grey")):
        form.show_value(value, fixed_size=False)
        assert form.value == value
    assert not form.channels.isEnabled()
    form.show_value(own, fixed_size=True)
    assert not form.size_.isEnabled()
    form.values.setCurrentIndex(form.values.findText(usual))
    form.values.activated.emit(form.values.currentIndex())
    assert form.value == changed_to(own, usual)
