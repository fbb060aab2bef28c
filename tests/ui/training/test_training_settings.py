# SPDX-License-Identifier: MIT
"""Page of all settings: search, changes, reset, problems."""

from __future__ import annotations

import pytest
from fake_training_controller import FakeTrainingController
from start_form import calls, make_page, press

from latent_explorer.app.training.plan import TrainingPlan
from latent_explorer.app.training.updates import DataInspected
from latent_explorer.data.summary import DataSummary
from latent_explorer.training.settings import train_settings
from latent_explorer.ui.training.settings_page import ELSEWHERE


@pytest.fixture
def controller(tmp_path):
    (tmp_path / "leaves").mkdir()
    return FakeTrainingController(plan=TrainingPlan(data=tmp_path / "leaves", label="healthy"))


@pytest.fixture
def page(qtbot, controller):
    made = make_page(qtbot, controller)
    made.resize(1366, 700)
    made.size_.more.click()
    return made


def type_into(page, name: str, text: str) -> None:
    field = page.settings.rows[name].field
    field.setText(text)
    field.editingFinished.emit()


def shown(page) -> list[str]:
    return [name for name, each in page.settings.rows.items() if each.isVisible()]


def test_every_setting_is_there_with_its_reason_and_the_presets_value(page):
    rows = page.settings.rows
    assert rows.keys() == train_settings().keys() - set(ELSEWHERE)
    assert shown(page) == list(rows)
    assert rows["kl_start"].field.placeholderText() == "2,000"
    assert "the reconstruction is not a picture" in rows["kl_start"].field.toolTip()
    assert rows["flip"].field.currentText() == "true (default)"
    assert rows["classifier.resolution"].field.placeholderText() == "32"
    page.size_.preset.setCurrentIndex(page.size_.preset.findData("64"))
    page.size_.preset.activated.emit(1)
    assert rows["kl_start"].field.placeholderText() == "4,000"


def test_a_change_is_in_the_plan_is_marked_and_is_taken_back(page):
    row = page.settings.rows["channels"]
    type_into(page, "channels", "8,8,8,16")
    choice = page.settings.rows["flip"].field
    choice.setCurrentIndex(choice.findText("false"))
    choice.activated.emit(choice.currentIndex())
    assert page.plan.settings == {"channels": (8, 8, 8, 16), "flip": False}
    assert "--set channels=8,8,8,16 --set flip=false" in page.next.command.text()
    assert row.name.font().weight() > page.settings.rows["kl"].name.font().weight()
    assert row.reset.toolTip() == "Back to 96,96,48,24"
    assert page.size_.more.text() == "More (2 changed)"
    row.reset.click()
    assert page.plan.settings == {"flip": False}
    assert not row.reset.isVisible()
    page.settings.reset_all.click()
    assert page.plan.settings == {}
    assert page.size_.more.text() == "More"


def test_what_cannot_be_read_is_said_in_its_place_and_stops_the_training(page, controller):
    type_into(page, "kl", "strong")
    row = page.settings.rows["kl"]
    assert row.problem.text() == "It must be a number, at least 0."
    assert row.problem.isVisible()
    assert "kl=strong" in page.size_.problems.texts[0]
    page.settings.back.click()
    assert page.size_.isVisible()
    press(page)
    assert not calls(controller, "check")
    type_into(page, "kl", "2.5")
    assert row.problem.isHidden()
    assert page.size_.problems.texts == []
    press(page)
    assert calls(controller, "check")[0][0].settings == {"kl": 2.5}


def test_settings_that_do_not_fit_together_are_said_at_once(page):
    type_into(page, "resolution", "64")
    assert "4 widths make 32 px" in page.size_.problems.texts[0]
    assert page.settings.messages.texts == page.size_.problems.texts
    type_into(page, "channels", "8,8,8,8,8")
    assert page.settings.messages.texts == []


def test_the_list_and_the_form_show_the_same(page):
    page.size_.images.setText("20k")
    page.size_.images.editingFinished.emit()
    assert page.settings.rows["images"].field.text() == "20,000"
    type_into(page, "images", "30k")
    assert page.size_.images.text() == "30,000"
    assert page.plan.settings == {"images": 30_000}


def test_settings_are_found_by_words_of_their_name_reason_and_heading(page):
    page.settings.search.setText("weight discriminator")
    assert "adversarial" in shown(page)
    assert not page.settings.headings["Networks"].isVisible()
    page.settings.search.setText("no such words")
    assert shown(page) == []
    assert page.settings.none_found.isVisible()
    page.settings.search.clear()
    type_into(page, "seed", "7")
    page.settings.only_changed.setChecked(True)
    assert shown(page) == ["seed"]


def test_a_classifier_from_a_file_has_no_settings(page):
    """An invalid text there does not matter then."""
    type_into(page, "classifier.steps", "few")
    assert page.size_.problems.texts
    page.classifier.from_file.setChecked(True)
    page.classifier.changed.emit()
    assert page.size_.problems.texts == []
    assert not any(name.startswith("classifier.") for name in shown(page))


def test_a_plain_stylegan2_needs_no_labels(page, controller):
    pictures = page.plan.data
    controller.updates.emit(DataInspected(pictures, DataSummary("pictures", 900)))
    press(page)
    assert "no labels" in page.classifier.problems.texts[0]
    choice = page.settings.rows["mode"].field
    choice.setCurrentIndex(choice.findText("stylegan2"))
    choice.activated.emit(choice.currentIndex())
    assert page.classifier.problems.texts == []
    assert not any(name.startswith("classifier.") for name in shown(page))
