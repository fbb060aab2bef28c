# SPDX-License-Identifier: MIT
"""Dialog that adds a slider for any style coordinate, and its search."""

from __future__ import annotations

import pytest
from fake_explainer import FakeExplainer
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latent_explorer.models.architecture import stylegan2_layout
from latent_explorer.ui.application import make_application
from latent_explorer.ui.attributes.add_slider import COLUMNS, AddSliderDialog, find_styles

LEFT = Qt.MouseButton.LeftButton
LAYOUT = stylegan2_layout((32, 32, 24, 16, 16))  # 64 px, nine convolutions


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
    assert cells(dialog, 0) == ["133", "", "b16.conv1", "16 px", "5", "0.00", "1.00", ""]


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


def test_names_are_found_in_whatever_case_and_order(qtbot):
    make_application()
    names = {40: "Brown spots", 7: "Edge browning, Brown edge", 133: "Holes"}
    made = AddSliderDialog(FakeExplainer().summary(), listed=(), names=names)
    qtbot.addWidget(made)

    def found(text: str) -> list[str]:
        made.search.setText(text)
        return [cells(made, line)[0] for line in range(made.model.rowCount())]

    assert found("brown") == ["7", "40"]
    assert found("SPOTS br") == ["40"]
    assert found("green") == []
    assert found("") != []
    made.layer.setCurrentText("b16.conv1, 16 px")
    assert found("hole") == ["133"]
    assert found("brown") == []


def test_the_window_passes_names_also_those_given_here(desktop):
    explorer, panel = desktop.explorer, desktop.window.attributes
    attribute = explorer.attributes()[1]
    explorer.change_document(explorer.document.renamed(attribute, "My own word"))
    dialog = panel.open_add_slider()
    dialog.search.setText("own word")
    assert [cells(dialog, line)[0] for line in range(dialog.model.rowCount())] == [
        str(attribute.entries[0].style_index)
    ]
    dialog.close()


def test_pinned(dialog, qtbot):
    dialog.pin.setChecked(True)
    dialog.search.setText("12")
    with qtbot.waitSignal(dialog.chosen) as caught:
        QTest.mouseClick(dialog.add, LEFT)
    assert caught.args == [12, True]


def test_a_layer_narrows_the_list(dialog):
    dialog.layer.setCurrentIndex(2)
    assert {cells(dialog, line)[2] for line in range(dialog.model.rowCount())} == {"b8.conv0"} | ({cells(dialog, 0)[2]})
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
    assert cells(made, 0)[5:7] == ["–", "–"]


def test_named_for_screen_readers(dialog):
    for widget in (dialog.search, dialog.layer, dialog.table, dialog.add):
        assert widget.accessibleName()


def at(layer: str, channel: int) -> int:
    return LAYOUT.index(layer, channel)


@pytest.mark.parametrize("text", ["214", " 214 ", "style 214", "Style 214", "no 214"])
def test_a_number_alone_is_a_style(text):
    assert find_styles(LAYOUT, text) == [214]


@pytest.mark.parametrize("text", ["b16.conv1 20", "B16.CONV1, 20", "20 b16.conv1"])
def test_a_layer_and_a_number_is_a_channel(text):
    assert find_styles(LAYOUT, text) == [at("b16.conv1", 20)]


@pytest.mark.parametrize("text", ["64 px", "64px", "b64"])
def test_a_resolution_is_all_of_its_layers(text):
    found = find_styles(LAYOUT, text)
    assert {LAYOUT.at(i)[0].name for i in found} == {"b64.conv0", "b64.conv1"}
    assert len(found) == 32


def test_a_resolution_and_a_number_is_that_channel_in_each_layer():
    assert find_styles(LAYOUT, "16 px 3") == [at("b16.conv0", 3), at("b16.conv1", 3)]


def test_a_name_that_is_still_being_typed():
    assert find_styles(LAYOUT, "b16.co") == find_styles(LAYOUT, "b16")


def test_a_kind_of_layer():
    assert all(LAYOUT.at(i)[0].name.endswith("conv0") for i in find_styles(LAYOUT, "conv0"))


def test_channel_is_a_word():
    assert find_styles(LAYOUT, "channel 31")[0] == 31
    assert len(find_styles(LAYOUT, "channel 31")) == 4  # the layers that have 32 channels


def test_a_chosen_layer_narrows():
    assert find_styles(LAYOUT, "", "b8.conv0") == [at("b8.conv0", c) for c in range(32)]
    assert find_styles(LAYOUT, "5", "b8.conv0") == [at("b8.conv0", 5)]


def test_nothing_typed_is_everything():
    assert find_styles(LAYOUT, "") == list(range(LAYOUT.num_styles))


@pytest.mark.parametrize("text", ["leaf", "9999", "b16.conv1 999", "128 px", "b1", "3 4"])
def test_what_fits_nothing(text):
    assert find_styles(LAYOUT, text) == []
