# SPDX-License-Identifier: MIT
"""The user guide in the Help menu: its sections, links and pictures, without a network."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QTextDocument, QTextTable

from latent_explorer.common.paths import docs_dir
from latent_explorer.ui.application import make_application
from latent_explorer.ui.dialogs.guide import GLOSSARY, GUIDE, PAGES, GuideDialog, search


@pytest.fixture
def dialog(qtbot):
    make_application()
    made = GuideDialog()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def sections(dialog) -> list[str]:
    return [dialog.sections.item(i).text() for i in range(dialog.sections.count())]


def test_its_sections_are_those_of_the_file(dialog):
    text = (docs_dir() / GUIDE).read_text(encoding="utf-8")
    assert sections(dialog) == re.findall(r"(?m)^## (.+)$", text)
    assert "Drag the first attribute" in dialog.view.toPlainText()


def test_a_section_is_scrolled_to(dialog):
    last = dialog.sections.count() - 1
    dialog.sections.setCurrentRow(last)
    assert dialog.view.textCursor().block().text() == sections(dialog)[last]
    assert dialog.view.verticalScrollBar().value() > 0


def test_links_open_pages_here_and_addresses_in_the_browser(dialog, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    first = sections(dialog)
    dialog.view.follow(QUrl("training.md"))
    assert sections(dialog) != first
    assert dialog.back.isEnabled()
    dialog.back.click()
    assert sections(dialog) == first
    dialog.view.follow(QUrl("https://arxiv.org/"))
    assert opened == [QUrl("https://arxiv.org/")]
    dialog.view.follow(QUrl("../no-such-page.md"))
    dialog.view.follow(QUrl("../pyproject.toml"))
    assert sections(dialog) == first


def test_pictures_are_found_and_fit(dialog):
    names = re.findall(r"!\[.*?\]\((.+?)\)", (docs_dir() / GUIDE).read_text(encoding="utf-8"))
    assert names
    for name in names:
        image = dialog.view.loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl(name))
        assert 0 < image.width() <= dialog.view.viewport().width(), name


def test_the_window_stays_usable_beside_it(desktop):
    desktop.window.actions_by_key["guide"].trigger()
    dialog = desktop.window.findChild(GuideDialog)
    assert dialog.isVisible()
    assert not dialog.isModal()
    dialog.close()


def test_all_pages_are_listed_and_can_be_chosen(dialog):
    assert set(PAGES) == {path.name for path in docs_dir().glob("*.md")}
    for place, file in enumerate(PAGES):
        dialog.page.setCurrentIndex(place)
        dialog.page.activated.emit(place)
        assert dialog.view.source().fileName() == dialog.page.currentData() == file
        assert dialog.view.toPlainText()
    dialog.show_page(GLOSSARY)
    assert dialog.page.currentData() == GLOSSARY
    assert {"Kappa", "LPIPS", "W+"} <= set(sections(dialog))


def test_links_between_pages_and_files_lead_somewhere():
    for page in PAGES:
        text = (docs_dir() / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
            assert (docs_dir() / target).exists(), f"{page}: {target}"


def test_the_search_finds_words_of_every_page_and_marks_them(dialog, qtbot):
    dialog.search.setText("Truncation psi")
    qtbot.waitUntil(lambda: dialog.hits.isVisibleTo(dialog), timeout=60_000)
    assert {PAGES[GLOSSARY]} <= {dialog.hits.item(i).text().splitlines()[-1] for i in range(dialog.hits.count())}
    for place in range(dialog.hits.count()):
        dialog.hits.setCurrentRow(place)
        marks = dialog.view.extraSelections()
        assert marks, dialog.hits.item(place).text()
        assert all("truncation psi" in mark.cursor.selectedText().lower() for mark in marks)
    dialog.search.setText("no page has these words, surely")
    qtbot.waitUntil(lambda: dialog.none.isVisibleTo(dialog), timeout=60_000)
    assert not dialog.view.extraSelections()
    dialog.search.clear()
    qtbot.waitUntil(lambda: dialog.sections.isVisibleTo(dialog), timeout=60_000)


def test_a_section_that_is_named_after_the_words_comes_first():
    assert search("user studies")[0].section == "User studies"
    assert not search("u")


def test_tables_are_drawn_as_tables(dialog):
    dialog.show_page("results.md")
    frames = dialog.view.document().rootFrame().childFrames()
    assert sum(isinstance(frame, QTextTable) for frame in frames) > 5
    assert "| ---" not in dialog.view.toPlainText()


def test_the_glossary_opens_in_the_window_that_is_there(desktop):
    desktop.window.actions_by_key["guide"].trigger()
    desktop.window.actions_by_key["glossary"].trigger()
    (dialog,) = desktop.window.findChildren(GuideDialog)
    assert dialog.view.source().fileName() == GLOSSARY
    assert "Style coordinate" in dialog.view.toPlainText()
    dialog.close()
