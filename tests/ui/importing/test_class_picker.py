# SPDX-License-Identifier: MIT
"""The field of a conditional generator's class."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latent_explorer.models.importers.generators.file import likely_class_names
from latent_explorer.ui.importing.class_picker import ClassPicker

NAMES = likely_class_names(1000)


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("0", 0),
        ("207", 207),
        ("207  golden retriever", 207),
        (" Golden Retriever ", 207),
        ("goldfish", 1),
        ("golden retr", 207),
        ("retriever", None),  # several
        ("crane", 517),  # and not the crane bird
        ("134  crane bird", 134),
        ("1000", None),
        ("-1", None),
        ("", None),
        ("no such thing", None),
    ],
)
def test_numbers_and_names(qtbot, text, index):
    picker = ClassPicker(1000, NAMES)
    qtbot.addWidget(picker)
    picker.setEditText(text)
    assert picker.index == index


def test_by_keyboard(qtbot):
    picker = ClassPicker(1000, NAMES)
    qtbot.addWidget(picker)
    picker.show()
    edit = picker.lineEdit()
    edit.selectAll()
    QTest.keyClicks(edit, "tabby")
    popup = picker.completer().popup()
    qtbot.waitUntil(popup.isVisible, timeout=60_000)
    QTest.keyClick(popup, Qt.Key.Key_Down)
    QTest.keyClick(popup, Qt.Key.Key_Return)
    assert picker.currentText() == "281  tabby"
    assert picker.index == 281


def test_without_names_there_are_numbers(qtbot):
    picker = ClassPicker(10)
    qtbot.addWidget(picker)
    picker.set_index(7)
    assert (picker.index, picker.currentText()) == (7, "7")
    picker.setEditText("tabby")
    assert picker.index is None
    assert likely_class_names(10) == ()
