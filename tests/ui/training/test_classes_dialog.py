# SPDX-License-Identifier: MIT
"""Dialog that selects among the values of a label and names the classes."""

from __future__ import annotations

from PySide6.QtCore import Qt

from latent_explorer.ui.application import make_application
from latent_explorer.ui.training.classifier_step import ClassesDialog


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


def test_values_of_one_name_are_one_class(qtbot):
    dialog = make_dialog(qtbot, "0=ill,1=ill")
    assert not dialog.ok.isEnabled()
    dialog.table.item(1, 0).setText("well")
    dialog.table.item(2, 0).setCheckState(Qt.CheckState.Checked)
    dialog.table.item(2, 0).setText("ill")
    assert dialog.classes() == "0=ill,1=well,2=ill"


def test_one_class_is_too_few(qtbot):
    dialog = make_dialog(qtbot, "0=ill")
    assert not dialog.ok.isEnabled()
    assert "two classes" in dialog.problem.text()
