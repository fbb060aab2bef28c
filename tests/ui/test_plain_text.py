# SPDX-License-Identifier: MIT
"""Names from files are shown as they are: no HTML, no mnemonics, no width without end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hostile_names import bad_mnemonics, hostile_host, rich_labels, wide_widgets
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QMessageBox
from window_tools import desktop_on, open_fake

from latent_explorer import ui
from latent_explorer.app.engine.failure import failure_of
from latent_explorer.common.errors import UserError
from latent_explorer.ui.dialogs.error import ErrorDialog
from latent_explorer.ui.style import theme

RICH = 'R&D <img src="/dev/null"> <b>x</b> a\tb [*]'
LONG = RICH + 900 * "W"


@pytest.fixture
def hostile(qtbot, tmp_path):
    with desktop_on(tmp_path, hostile_host(LONG)) as made:
        open_fake(qtbot, made, tmp_path)
        yield made


PAGES = ("timeline", "training", "project", "plot")
DIALOGS = (
    *("export_animation", "export_sheet", "export_all", "add_slider", "random_walk_with", "morph", "style_mix"),
    *("sweep", "make_study", "score_study", "keys", "notices", "about"),
)


def _check(window) -> None:
    assert rich_labels(window) == []
    assert bad_mnemonics(window) == []
    assert wide_widgets(window, 1000) == []


def test_every_label_of_the_window_is_plain_and_narrow(hostile):
    for key in PAGES:
        hostile.window.actions_by_key[key].trigger()
    hostile.window.notices.show_message(f"Opened {LONG}.")
    _check(hostile.window)
    assert hostile.window.minimumSizeHint().width() <= 1366


def test_the_window_s_title_is_short_and_keeps_its_mark(hostile):
    title = hostile.window.windowTitle()
    assert len(title) < 200
    assert title.count("[*]") % 2 == 1  # Qt replaces one that stands alone
    assert "[*][*]" in title


def test_every_label_of_every_dialog_is_plain_and_narrow(hostile):
    hostile.window.notices.show_message(LONG)
    for key in DIALOGS:
        hostile.window.actions_by_key[key].trigger()
        QApplication.processEvents()
        (dialog,) = (each for each in hostile.window.findChildren(QDialog) if each.isVisible())
        _check(dialog)
        assert dialog.width() <= 1100, key
        dialog.close()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_menus_show_foreign_names_short_and_with_their_ampersands(hostile, tmp_path):
    path = tmp_path / f"{RICH.replace('/', '-')} {120 * 'W'}.exploration"
    path.touch()
    hostile.explorer.change_settings(recent=[str(path)])
    hostile.timelines.new()
    hostile.timelines.rename(LONG[:180])
    menus = [hostile.window.recent, hostile.window.strip.timeline.menus.timelines]
    for menu in menus:
        menu.aboutToShow.emit()
        shown = [action.text() for action in menu.actions() if "<b>" in action.text()]
        assert len(shown) == 1, [action.text() for action in menu.actions()]
        assert "R&&D" in shown[0]
        assert "\t" not in shown[0]  # what follows it would stand where shortcuts stand
        assert menu.sizeHint().width() <= 800
    _check(hostile.window)


def test_an_error_about_a_long_name_is_plain_and_narrow(hostile):
    dialog = ErrorDialog(failure_of(UserError(f"{LONG} cannot be opened.")), f"Opening {LONG}", hostile.window)
    dialog.show()
    _check(dialog)
    assert dialog.width() <= 700


def test_a_question_shows_a_foreign_name_as_it_is(hostile):
    box = QMessageBox(QMessageBox.Icon.Question, "Latent Explorer", f"Delete {RICH}?", parent=hostile.window)
    box.show()
    assert rich_labels(box) == []


def test_a_label_paints_html_as_letters(qapp, qtbot):
    theme.apply("light")
    rich, plain = QLabel("<b>W</b>"), QLabel("<b>W</b>")
    plain.setTextFormat(Qt.TextFormat.PlainText)
    for label in (rich, plain):
        qtbot.addWidget(label)
        label.show()
    assert rich.sizeHint() == plain.sizeHint()


def test_no_widget_asks_for_html():
    """`PlainTextStyle` guards what guesses; nothing may ask for HTML, or show it without a label."""
    asking = re.compile(
        r"RichText|MarkdownText|[sS]etHtml|QTextBrowser|QTextEdit|QTextDocument|QErrorMessage|WhatsThis"
    )
    folder = Path(ui.__file__).parent
    found = {path.name for path in folder.rglob("*.py") if asking.search(path.read_text(encoding="utf-8"))}
    assert found <= {"guide.py"}  # the program's own pages
