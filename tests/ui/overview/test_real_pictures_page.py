# SPDX-License-Identifier: MIT
"""Page "Real pictures": what it asks for, the table, the strips, and the marks on the cards."""

from __future__ import annotations

import csv

import msgspec
import numpy as np
import pytest
from panel_harness import explorer_on, open_model, shown_panel
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from latent_explorer.app.exploration.intents import SetTarget
from latent_explorer.app.exploration.updates import ModelOpened
from latent_explorer.app.overview.real_pictures import Answer, Question, RealPictures
from latent_explorer.media.report.evidence import AttributeEvidence, Correlation, EndOfOrder, EndPhoto, Evidence
from latent_explorer.media.report.result import StyleMove
from latent_explorer.models.attributes import Attribute, AttributeEntry
from latent_explorer.ui.overview.real_pictures_page import NO_ENCODER, NO_FOLDER, READY, RealPicturesPage
from latent_explorer.ui.overview.window import PAGES, OverviewWindow
from latent_explorer.ui.style import theme

PLACE = [page for _title, page in PAGES].index(RealPicturesPage)


def correlation(value, random=0.2):
    return Correlation(value, (value - 0.1, value + 0.1), random, 0.05, 0.9)


def evidence_for(attribute: Attribute, place: int) -> AttributeEvidence:
    """Borne out, with the label alone, then only in the generator."""
    partial, overall = (0.6, 0.7) if place == 0 else (0.1, 0.6) if place == 1 else (0.0, 0.1)
    image = np.full((64, 64, 3), 40 * (place % 6), np.uint8)
    photos = tuple(EndPhoto(f"leaf_{i}.png", image, 2.0 - i / 10, 0.8, attribute.target, 0) for i in range(20))
    move = StyleMove(attribute.entries[0].style_index, "max", "b4.conv1", 3, 4)
    ends = EndOfOrder(photos), EndOfOrder(photos[::-1])
    return AttributeEvidence(
        attribute.name, attribute.target, (move,), correlation(overall), correlation(partial), *ends
    )


def evidence_of(explorer, attributes) -> Evidence:
    classifier = explorer.summary.classifiers[0]
    found = tuple(evidence_for(each, i) for i, each in enumerate(attributes))
    return Evidence(
        "fake", "hash", classifier.name, classifier.classifier_id, classifier.class_names, 500, 400, "label", True,
        1000, 100, found, "1",
    )  # fmt: skip


@pytest.fixture
def page(qtbot, explorer, tmp_path) -> RealPicturesPage:
    theme.apply("light")
    window = OverviewWindow(explorer)
    qtbot.addWidget(window)
    open_model(qtbot, explorer, tmp_path)
    window.present()
    window.show_page(PLACE)
    qtbot.waitExposed(window)
    return window.page


def answer(page, explorer) -> None:
    attributes = page.controller.attributes()
    classifier_id = explorer.state.classifier_id
    asked = Question(page.controller.folder, "train", 500, classifier_id, attributes, None)
    page.controller._take(asked, Answer(evidence_of(explorer, attributes), "Labels: those of the folder."))


@pytest.fixture
def answered(page, explorer, tmp_path) -> RealPicturesPage:
    page.controller.choose_folder(tmp_path)
    answer(page, explorer)
    return page


def test_without_an_encoder_the_page_says_what_makes_one(qtbot, explorer, tmp_path, monkeypatch):
    window = OverviewWindow(explorer)
    qtbot.addWidget(window)
    open_model(qtbot, explorer, tmp_path)
    monkeypatch.setattr(RealPictures, "has_encoder", False)
    window.present()
    window.show_page(PLACE)
    assert window.page.empty.sentence.text() == NO_ENCODER


def test_a_folder_is_asked_for_and_remembered(page, explorer, tmp_path):
    assert page.nothing.sentence.text() == NO_FOLDER
    assert page.nothing.button.text() == "Choose pictures..."
    page.controller.choose_folder(tmp_path)
    assert page.nothing.sentence.text() == READY
    assert page.nothing.button.text() == "Look"
    assert page.folder.text() == tmp_path.name
    assert explorer.settings.pictures_folder == str(tmp_path)


def test_a_button_that_is_hidden_does_not_give_its_focus_to_the_tabs(page, tmp_path, monkeypatch):
    page.controller.choose_folder(tmp_path)
    page.nothing.button.setFocus()
    monkeypatch.setattr(RealPictures, "measuring", True)
    page._show()
    assert page.window().focusWidget() is page


def test_the_table_says_what_each_attribute_is(answered, explorer):
    model = answered.table.evidence
    assert [each.support for each in model.rows[:3]] == ["borne out", "label alone", "generator only"]
    assert model.index(2, 1).data() == "seen only in the generator"
    assert [each.name for each in model.rows] == [a.name for a in explorer.attributes()]
    assert answered.summary.text().startswith(f"Of {len(model.rows)} attributes: 1 borne out, 1 with the label alone")
    assert answered.line.text() == "Labels: those of the folder."
    assert answered.grab().width() > 0


def test_the_arrow_keys_go_from_attribute_to_attribute(answered, qtbot):
    first = answered.figures.text()
    answered.table.setFocus()
    QTest.keyClick(answered.table, Qt.Key.Key_Down)
    assert answered.figures.text() != first
    assert "Highest: mean P(diseased) 0.80" in answered.highest.words.text()
    assert answered.highest.label.text().startswith("20 of 20 labelled diseased")
    assert "leaf_0.png: P(diseased) 0.80" in answered.highest.pictures.text_of(
        answered.table.evidence.rows[0].highest.photos[0]
    )


def test_an_attribute_that_was_asked_for_is_chosen(answered, explorer):
    answered.show_attribute(explorer.attributes()[3])
    assert answered.table.currentIndex().row() == 3


def test_another_class_lists_its_own_attributes(answered, explorer):
    explorer.apply(SetTarget(1))
    assert answered.table.evidence.rows == []
    assert answered.highest.isHidden()
    explorer.apply(SetTarget(0))
    assert answered.table.evidence.rows != []
    assert not answered.highest.isHidden()


def test_what_is_copied_and_written(answered, explorer, tmp_path):
    answered.table.selectRow(2)
    answered._copy()
    assert "seen only in the generator" in QApplication.clipboard().text()
    answered.controller.export(tmp_path / "evidence.csv")
    answered.controller.export(tmp_path / "evidence.html")
    rows = list(csv.reader((tmp_path / "evidence.csv").read_text("utf-8-sig").splitlines()))
    assert len(rows) == 1 + len(answered.table.evidence.rows)
    assert "seen only in the generator" in (tmp_path / "evidence.html").read_text()


def test_cards_carry_the_mark_until_another_model_is_opened(qtbot, page, explorer, tmp_path):
    panel = shown_panel(qtbot, explorer)
    panel.refresh()
    page.controller.choose_folder(tmp_path)
    assert panel.list.cards[2].support.isHidden()
    answer(page, explorer)
    cards = panel.list.cards
    assert [card.card_data.support for card in cards[:3]] == ["borne out", "label alone", "generator only"]
    assert cards[2].support.accessibleName().endswith("seen only in the generator")
    wanted = []
    panel.list.real_pictures_wanted.connect(wanted.append)
    cards[2].support.click()
    assert wanted == [explorer.attributes()[2]]
    opened = ModelOpened(explorer.summary, explorer.state, explorer.document, tmp_path, "CPU")
    explorer.updates.emit(opened)
    assert panel.list.cards[2].card_data.support is None
    assert page.controller.answer is None


def test_an_attribute_added_later_has_no_mark(qtbot, page, explorer, tmp_path):
    panel = shown_panel(qtbot, explorer)
    page.controller.choose_folder(tmp_path)
    answer(page, explorer)
    own = Attribute("own", 0, (AttributeEntry(3, "max"),))
    explorer.change_document(msgspec.structs.replace(explorer.document, sliders=(own,)))
    assert panel.list.card(own).card_data.support is None


def test_a_model_without_pages_is_not_asked(qtbot, tmp_path):
    with explorer_on(tmp_path) as explorer:
        window = OverviewWindow(explorer)
        qtbot.addWidget(window)
        window.present()
        window.show_page(PLACE)
        assert "No model is open" in window.page.empty.sentence.text()
