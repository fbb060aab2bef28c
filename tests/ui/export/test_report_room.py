# SPDX-License-Identifier: MIT
"""The action that writes a report, and the reason it gives while it is disabled."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog
from window_tools import desktop_on, open_fake, wait_picture

from latent_explorer.app import report as report_desk
from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.models.explainer_file import write_explainer


@pytest.fixture
def real(qtbot, tmp_path, tiny_explainer):
    """A window on a real model."""
    write_explainer(tiny_explainer, tmp_path / "tiny.explainer")
    with desktop_on(tmp_path, ModelHost()) as made:
        made.begin(tmp_path / "tiny.explainer")
        wait_picture(qtbot, made)
        yield made


def test_the_page_is_written_where_it_was_asked_for_and_opens(qtbot, real, tmp_path, monkeypatch):
    asked, opened = [], []

    def name(_window, _words, suggestion, kind):
        asked.append((Path(suggestion).name, kind))
        return str(tmp_path / "mine"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", name)
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(Path(url.toLocalFile())) or True)
    action, notices = real.window.actions_by_key["write_report"], real.window.notices
    assert action.isEnabled()
    action.trigger()
    qtbot.waitUntil(lambda: "Saved mine.html." in notices.text.text(), timeout=30000)
    assert asked == [(f"{real.explorer.summary.name}-report.html", "Web page (*.html)")]
    assert "attributes" in notices.text.text()
    assert notices.button.isVisible()
    assert notices.button.text() == "Open"
    notices.button.click()
    assert opened == [tmp_path / "mine.html"]
    assert (tmp_path / "mine.html").read_text(encoding="utf-8").endswith("</html>\n")
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _url: False)
    notices.button.click()
    assert str(tmp_path / "mine.html") in notices.text.text()


def test_without_a_name_nothing_is_begun(real, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: ("", ""))
    real.window.actions_by_key["write_report"].trigger()
    assert not real.explorer.jobs


def test_grey_with_the_reason_until_there_is_something_to_report(qtbot, tmp_path):
    with desktop_on(tmp_path, samples=0) as desktop:
        action = desktop.window.actions_by_key["write_report"]
        assert not action.isEnabled()
        assert action.toolTip().startswith("Save a page")
        open_fake(qtbot, desktop, tmp_path)
        assert not action.isEnabled()
        assert "pictures of the file" in action.toolTip()


def test_found_attributes_make_it_possible(qtbot, tmp_path, monkeypatch):
    with desktop_on(tmp_path) as desktop:
        whole = report_desk.reported_set
        monkeypatch.setattr(report_desk, "reported_set", lambda *_args: None)
        open_fake(qtbot, desktop, tmp_path)
        action = desktop.window.actions_by_key["write_report"]
        assert not action.isEnabled()
        assert "Find attributes first" in action.toolTip()
        monkeypatch.setattr(report_desk, "reported_set", whole)
        document = msgspec.structs.replace(desktop.explorer.document, notes="found")
        desktop.explorer.change_document(document)
        assert action.isEnabled()
        assert action.toolTip().startswith("Save a page")
