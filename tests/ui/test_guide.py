# SPDX-License-Identifier: MIT
"""The user guide in the Help menu: its sections, links and pictures, without a network."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QTextDocument

from latent_explorer.common.paths import docs_dir
from latent_explorer.ui.application import make_application
from latent_explorer.ui.dialogs.guide import GUIDE, GuideDialog


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
