# SPDX-License-Identifier: MIT
"""Dialog that adds a slider for any style coordinate."""

from __future__ import annotations

import pytest
from fake_explainer import FakeExplainer
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latent_explorer.ui.application import make_application
from latent_explorer.ui.attributes.add_slider import COLUMNS, AddSliderDialog

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def dialog(qtbot):
    make_application()
    made = AddSliderDialog(FakeExplainer().summary(), listed={40})
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def cells(dialog, line: int) -> list[str]:
    model = dialog.model
    return [model.data(model.index(line, column)) for column in range(len(COLUMNS))]


def test_everything_is_listed_at_first(dialog):
    assert dialog.model.rowCount() == 224
    assert dialog.count.text() == "224 of 224"


def test_a_row_says_where_and_what_was_seen(dialog):
    dialog.search.setText("b16.conv1 5")
    assert cells(dialog, 0) == ["133", "b16.conv1", "16 px", "5", "0.00", "1.00", ""]


def test_what_has_a_slider_is_marked(dialog):
    dialog.search.setText("40")
    assert cells(dialog, 0)[-1] == "in the list"


def test_typing_and_return_add_the_first_hit(dialog, qtbot):
    QTest.keyClicks(dialog.search, "214")
    with qtbot.waitSignal(dialog.chosen) as caught:
        QTest.keyClick(dialog.search, Qt.Key.Key_Return)
    assert caught.args == [214, False]
    assert dialog.isVisible()
    assert cells(dialog, 0)[-1] == "in the list"


def test_pinned(dialog, qtbot):
    dialog.pin.setChecked(True)
    dialog.search.setText("12")
    with qtbot.waitSignal(dialog.chosen) as caught:
        QTest.mouseClick(dialog.add, LEFT)
    assert caught.args == [12, True]


def test_a_layer_narrows_the_list(dialog):
    dialog.layer.setCurrentIndex(2)
    assert {cells(dialog, line)[1] for line in range(dialog.model.rowCount())} == {"b8.conv0"} | ({cells(dialog, 0)[1]})
    assert dialog.model.rowCount() == 32


def test_nothing_found_can_add_nothing(dialog):
    dialog.search.setText("b99 3")
    assert dialog.model.rowCount() == 0
    assert dialog.selected is None
    assert not dialog.add.isEnabled()
    assert "Nothing" in dialog.count.text()


def test_a_model_without_statistics_still_lists(qtbot):
    import dataclasses

    make_application()
    summary = dataclasses.replace(FakeExplainer().summary(), style_stats=None)
    made = AddSliderDialog(summary, listed=())
    qtbot.addWidget(made)
    assert cells(made, 0)[4:6] == ["–", "–"]


def test_named_for_screen_readers(dialog):
    for widget in (dialog.search, dialog.layer, dialog.table, dialog.add):
        assert widget.accessibleName()
