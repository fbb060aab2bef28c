# SPDX-License-Identifier: MIT
"""Numbers are typed and read alike in every country."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QValidator
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QProgressBar

from latent_explorer.training.settings import train_settings
from latent_explorer.ui.application import make_application
from latent_explorer.ui.export.sheet_dialog import _numbers
from latent_explorer.ui.study.questions_page import AMOUNTS, COUNTS, QuestionsPage
from latent_explorer.ui.widgets.number_box import NumberBox, NumberLine, NumberValidator, parse_number, parse_whole

UI = Path(__file__).resolve().parents[3] / "latent_explorer" / "ui"
COUNTRIES = ["de_DE", "en_US", "fr_FR", "de_CH", "ar_EG", "fa_IR", "hi_IN", "C"]


@pytest.fixture(params=COUNTRIES)
def country(request, qapp):
    """The whole window in a country, also if it were not for `make_application`."""
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(before)


def typed(field, text: str) -> None:
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


@pytest.mark.parametrize(("text", "value"), [("0.5", 0.5), ("0,5", 0.5), (".75", 0.75), (",75", 0.75), ("2", 2)])
def test_every_field_of_a_study_takes_point_and_comma(country, qtbot, text, value):
    page = QuestionsPage()
    qtbot.addWidget(page)
    page.classification.setChecked(True)
    page.verbal.setChecked(True)
    page.show()
    page.more.show()
    for name in AMOUNTS:
        field = getattr(page, name)
        typed(field, text)
        assert field.number == value, name
        assert field.text().split()[0] == f"{value:.2f}"
    for name in COUNTS:
        field = getattr(page, name)
        whole = f"{round(field.maximum()):,}"
        for sign in ",. ":
            field.setValue(field.minimum())
            typed(field, whole.replace(",", sign))
            assert field.count == field.maximum(), (name, whole, sign)
        assert field.text().split()[0].isascii()


def test_a_line_takes_point_comma_and_thousands(country, qtbot):
    line, whole = NumberLine("Rate", 1e-4, 10, 4), NumberLine("Steps", 0, 100_000)
    for field in (line, whole):
        qtbot.addWidget(field)
        field.show()
    for text, value in (("0,05", 0.05), ("0.05", 0.05), ("2e-4", 2e-4), ("1,5", 1.5)):
        typed(line, text)
        assert line.value == value
    for text in ("20000", "20,000", "20.000", "20 000"):
        typed(whole, text)
        assert whole.value == 20_000
    whole.show_value(99_999)
    assert whole.text() == "99999"
    line.show_value(0.0002)
    assert (line.text(), line.value) == ("0.0002", 0.0002)
    line.setText("50")
    assert line.value is None  # out of its range


@pytest.mark.parametrize("text", ["0,5", "0.5", "2,5", "2.5", "1,2,5"])
def test_a_field_for_whole_numbers_takes_no_fraction_for_ten_times_as_much(country, qtbot, text):
    """Qt takes separators out of what does not fit; "2,5" then was 25."""
    field = NumberBox("Questions", 0, 1000)
    qtbot.addWidget(field)
    field.setValue(4)
    typed(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.count <= 4


def test_what_is_no_number_changes_nothing(country, qtbot):
    box = NumberBox("Change", 0.05, 5, decimals=2, step=0.25, unit="s")
    qtbot.addWidget(box)
    box.show()
    box.setValue(1)
    for text in ("x", "", "-", "500", "0.001", "5,00,0", "nan", "inf", "1e99"):
        typed(box, text)
        assert box.number in (1.0, 5.0), text  # "500" ends where the range does not let more be typed
        box.setValue(1)
    typed(box, "0,5 s")
    assert box.number == 0.5


def test_progress_has_western_digits(qtbot):
    """Qt's own numbers follow the locale of the application."""
    make_application()
    bar = QProgressBar()
    qtbot.addWidget(bar)
    bar.setValue(42)
    assert bar.text() == "42%"
    assert QLocale().name() == "C"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.000,5", 1000.5),
        ("1,000.5", 1000.5),
        ("1 234,5", 1234.5),
        ("1'234.5", 1234.5),
        ("1.234.567,8", 1234567.8),
        ("\N{MINUS SIGN}0,25", -0.25),
        ("٠٫٥", 0.5),
        ("1,000", 1.0),
        ("2e-4", 2e-4),
        ("1,2,3", None),
        ("1.2.3", None),
        ("", None),
        ("9" * 400, None),
        ("1e400", None),
        ("nan", None),
    ],
)
def test_numbers_as_people_write_them(text, value):
    assert parse_number(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,000", 1000), ("1.000.000", 10**6), ("7", 7), ("0.5", None), ("1,5", None), ("1.00", None), ("9" * 99, None)],
)
def test_whole_numbers_as_people_write_them(text, value):
    assert parse_whole(text) == value


@pytest.mark.parametrize("text", ["", "0", "0.", "0,", "-", "2e", "2e-"])
def test_typing_may_go_on(text):
    assert NumberValidator(-5, 5, 4).validate(text, 0)[0] != QValidator.State.Invalid


@pytest.mark.parametrize(
    ("text", "psis"),
    [
        ("0, 0.5, 1", (0, 0.5, 1)),
        ("0,0.5,1", (0, 0.5, 1)),
        ("0; 0,5; 1", (0, 0.5, 1)),
        ("0, 0,5, 1", (0, 0.5, 1)),
        ("0 0,5 1", (0, 0.5, 1)),
        ("0,5", (0.5,)),
        ("0,1,1", (0, 1, 1)),
        ("0, x", ()),
        ("nan", ()),
    ],
)
def test_lists_of_numbers(text, psis):
    assert _numbers(text) == psis


def test_a_setting_of_a_training_takes_a_comma():
    name = next(name for name, setting in train_settings().items() if setting.allowed.startswith("a number"))
    assert train_settings()[name].parse("0,5") == train_settings()[name].parse("0.5") == 0.5


def test_there_is_one_kind_of_number_field():
    qt_own = re.compile(r"\b(QSpinBox|QDoubleSpinBox|QIntValidator|QDoubleValidator)\b")
    users = {path.name for path in UI.rglob("*.py") if qt_own.search(path.read_text(encoding="utf-8"))}
    assert users == {"number_box.py"}


def test_the_wheel_scrolls_the_panel(qtbot):
    box = NumberBox("Steps", 0, 10)
    qtbot.addWidget(box)
    assert isinstance(box, QAbstractSpinBox)
    assert box.focusPolicy() == Qt.FocusPolicy.StrongFocus
