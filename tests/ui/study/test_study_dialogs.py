# SPDX-License-Identifier: MIT
"""The study wizard and the scoring dialog, used as a person would, on the fake explainer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit, QWidget
from survey_exports import make_key, make_people, qualtrics
from window_tools import desktop_on, open_fake

from latent_explorer.app.exploration.intents import SetClassifier
from latent_explorer.app.study.updates import KeyDrafted, StudyBuilt
from latent_explorer.studies.build.answer_key import read_key, write_key
from latent_explorer.ui.study.scoring_dialog import NO_COLUMN, ScoringDialog
from latent_explorer.ui.study.wizard import StudyDialog
from latent_explorer.ui.style import theme

WAIT = 60_000


@pytest.fixture
def desktop(qtbot, tmp_path):
    with desktop_on(tmp_path / "user") as made:
        open_fake(qtbot, made, tmp_path)
        yield made


def opened(desktop, key: str, kind: type[QWidget]):
    desktop.window.actions_by_key[key].trigger()
    return desktop.window.findChild(kind)


def wizard(qtbot, desktop) -> StudyDialog:
    dialog = opened(desktop, "make_study", StudyDialog)
    dialog.questions.tile.setValue(64)
    dialog.questions.items.setValue(1)
    # A slow machine can draw the first question before it hears of the smaller tile: wait for the small one.
    qtbot.waitUntil(lambda: dialog.picture.animating and "kB for" in dialog.details.text(), timeout=WAIT)
    return dialog


def test_the_wizard_makes_a_study_as_it_is(qtbot, desktop, tmp_path) -> None:
    dialog = wizard(qtbot, desktop)
    assert dialog.estimate.text() == "14 questions, about 7 minutes per participant"
    assert "kB for participants" in dialog.details.text()
    assert dialog.go.isEnabled()
    dialog.make(tmp_path / "study")
    assert not dialog.go.isEnabled()
    qtbot.waitUntil(lambda: dialog.folder is not None, timeout=WAIT)
    assert dialog.folder == tmp_path / "study"
    assert dialog.show_page.isVisible()
    key = read_key(tmp_path / "study" / "key.json")
    assert [i.kind for i in key.items].count("verbal") == 7  # six and a practice
    assert {i.attribute for i in key.items if i.arm} == set(NAMES)
    dialog.reject()
    dialog.controller.updates.emit(StudyBuilt(tmp_path / "another", key))
    assert dialog.folder == tmp_path / "study", "a closed dialog is told"


NAMES = ("brown spots", "edge browning", "yellowing", "mildew", "holes", "pale veins")


def test_what_cannot_be_made_is_said_in_place(qtbot, desktop) -> None:
    dialog = wizard(qtbot, desktop)
    for line in dialog.attributes.rows[1:6]:
        line.box.setChecked(False)
    assert "at least two" in dialog.problem.text()
    assert not dialog.go.isEnabled()
    dialog.questions.classification.setChecked(False)
    assert dialog.problem.text() == ""
    assert dialog.go.isEnabled()
    assert not dialog.questions.items.isEnabled()
    dialog.questions.verbal.setChecked(False)
    assert "at least one kind" in dialog.problem.text()
    dialog.reject()


def test_ticked_attributes_and_words_go_into_the_wish(qtbot, desktop) -> None:
    dialog = wizard(qtbot, desktop)
    rows = dialog.attributes.rows
    assert dialog.spec.arms[0].keys == ()  # the best six, as the command line asks for them
    rows[0].box.setChecked(False)
    rows[8].box.setChecked(True)
    assert dialog.spec.arms[0].keys == tuple(r.key for r in (*rows[1:6], rows[8]))
    assert dialog.attributes.chosen.text() == "6 of 10 attributes are shown"
    dialog.texts.fields["contact"].setText(" Write to lab@example.org ")
    dialog.texts.fields["consent"].setPlainText("Yes?")
    texts = dialog.spec.settings.texts
    assert (texts.contact, texts.consent) == ("Write to lab@example.org", "Yes?")
    dialog.reject()


def test_a_second_arm_is_another_file(qtbot, desktop, tmp_path) -> None:
    dialog = wizard(qtbot, desktop)
    before = dialog.controller.outline(dialog.spec).questions
    dialog.attributes.set_other(str(tmp_path / "other.explainer"))
    assert not dialog.attributes.arms.isHidden()
    first, second = dialog.spec.arms
    assert (first.path, second.path) == ("", str(tmp_path / "other.explainer"))
    assert dialog.controller.outline(dialog.spec).questions == 2 * before - 2
    for name in dialog.attributes.names:
        name.setText("same")
    assert "different names" in dialog.problem.text()
    dialog.reject()


def test_the_picture_moves_only_while_it_is_seen(qtbot, desktop) -> None:
    dialog = wizard(qtbot, desktop)
    assert dialog.picture.animating
    assert not dialog.attributes.rows[0].preview.animating  # on another page
    dialog.hide()
    assert not dialog.picture.animating
    dialog.reject()


@pytest.fixture
def export(tmp_path) -> Path:
    key = make_key()
    write_key(tmp_path / "key.json", key)
    (tmp_path / "export.csv").write_bytes(qualtrics(key, make_people(key)))
    (tmp_path / "plain.csv").write_bytes(qualtrics(key, make_people(key), codes=False))
    return tmp_path


def test_answers_are_scored_and_shown(qtbot, desktop, export) -> None:
    dialog = opened(desktop, "score_study", ScoringDialog)
    assert not dialog.go.isEnabled()
    dialog.add([export / "export.csv", export / "key.json"])
    assert dialog.key == export / "key.json"
    assert dialog.go.isEnabled()
    qtbot.waitUntil(lambda: "were found" in dialog.status.text(), timeout=WAIT)
    dialog.score(export / "result")
    qtbot.waitUntil(lambda: dialog.report is not None, timeout=WAIT)
    first, figures = dialog.view.sentence.text().splitlines()
    assert first.startswith("People chose the right picture in ")
    assert re.match(r"\d+ of 60 respondents count. Accuracy 0\.", figures)
    assert "below chance" in dialog.view.cautions.text()
    assert dialog.view.segments.labels[:4] == ["Accuracy", "Attributes", "Arms", "Questions"]
    for index in range(len(dialog.view.segments.labels)):
        dialog.view.segments.chosen.emit(index)
        assert dialog.view.table.model().rowCount() > 0
    assert dialog.open_report.isVisible()
    dialog.reject()
    dialog.controller.updates.emit(KeyDrafted(export / "another.csv"))
    assert "another" not in dialog.status.text(), "a closed dialog is told"


def test_columns_that_are_not_sure_are_shown_and_can_be_changed(qtbot, desktop, export) -> None:
    dialog = opened(desktop, "score_study", ScoringDialog)
    dialog.add([export / "plain.csv"])
    dialog.set_key(export / "key.json")
    qtbot.waitUntil(lambda: dialog.pages.currentWidget() is dialog.columns, timeout=WAIT)
    assert dialog.columns.columns[make_key().items[4].item] == "Q5"
    dialog.columns.choices[make_key().items[4].item].setCurrentText(NO_COLUMN)
    assert make_key().items[4].item not in dialog.columns.columns
    dialog.score(export / "result")
    qtbot.waitUntil(lambda: dialog.report is not None, timeout=WAIT)
    assert "1 questions of the key have no column" in dialog.view.cautions.text()
    dialog.reject()


def test_a_key_is_drafted_for_an_export_of_another_origin(qtbot, desktop, export) -> None:
    dialog = opened(desktop, "score_study", ScoringDialog)
    assert dialog.draft_key.isHidden()
    dialog.add([export / "plain.csv"])
    assert dialog.draft_key.isVisible()
    dialog.controller.draft_key(export / "plain.csv", export / "draft.csv")
    qtbot.waitUntil(lambda: "draft.csv lists 34 columns" in dialog.status.text(), timeout=WAIT)
    assert "Q1 Look at the picture." in (export / "draft.csv").read_text(encoding="utf-8-sig")
    dialog.controller.draft_key(export / "nowhere.csv", export / "draft.csv")
    qtbot.waitUntil(lambda: "nowhere.csv" in dialog.status.text(), timeout=WAIT)
    dialog.set_key(export / "key.json")
    assert dialog.draft_key.isHidden()
    dialog.reject()


def test_why_columns_cannot_be_read_is_said(qtbot, desktop, export) -> None:
    (export / "book.csv").write_bytes(b"PK\x03\x04 a workbook with another name")
    dialog = opened(desktop, "score_study", ScoringDialog)
    dialog.add([export / "book.csv", export / "key.json"])
    qtbot.waitUntil(lambda: "workbook" in dialog.status.text(), timeout=WAIT)
    dialog.reject()


def test_rules_are_those_that_are_ticked(qtbot, desktop) -> None:
    dialog = opened(desktop, "score_study", ScoringDialog)
    assert dialog.rules.exclude == ("preview", "duplicate", "unfinished", "failed-catch")
    dialog.boxes["unfinished"].setChecked(False)
    dialog.most_failed.setValue(1)
    assert dialog.rules.exclude == ("preview", "duplicate", "failed-catch")
    assert dialog.rules.most_failed == 1
    dialog.reject()


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("key", "kind"), [("make_study", StudyDialog), ("score_study", ScoringDialog)])
def test_every_control_has_a_name_and_fits_a_small_screen(qtbot, desktop, mode, key, kind) -> None:
    theme.apply(mode)
    dialog = opened(desktop, key, kind)
    assert dialog.width() <= 1366
    assert dialog.height() <= 740
    kinds = (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit)
    for widget in (w for k in kinds for w in dialog.findChildren(k)):
        inner = isinstance(widget.parentWidget(), QAbstractSpinBox)
        named = widget.accessibleName() or getattr(widget, "text", str)()
        assert named or inner or widget.objectName().startswith("qt_"), widget
    dialog.reject()
    theme.apply("light")


def test_lent_attributes_are_studied_with_the_classifier_that_they_were_found_for(qtbot, tmp_path) -> None:
    with desktop_on(tmp_path, classifiers=3) as desktop:
        open_fake(qtbot, desktop, tmp_path)
        first, _, third = desktop.explorer.summary.classifiers
        assert wizard(qtbot, desktop).attributes.classifier_note.isHidden()
        desktop.window.findChild(StudyDialog).reject()
        desktop.window.findChild(StudyDialog).setParent(None)
        desktop.explorer.apply(SetClassifier(third.classifier_id))
        dialog = wizard(qtbot, desktop)
        assert f"found for {first.name}" in dialog.attributes.classifier_note.text()
        assert f"not about {third.name}" in dialog.attributes.classifier_note.text()
        assert dialog.go.isEnabled()
        dialog.make(tmp_path / "study")
        qtbot.waitUntil(lambda: dialog.folder is not None, timeout=WAIT)
        text = (tmp_path / "study" / "key.json").read_text(encoding="utf-8")
        assert first.classifier_id in text
        assert third.classifier_id not in text
        dialog.reject()
