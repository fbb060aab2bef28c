# SPDX-License-Identifier: MIT
"""The export dialogs: the choices they offer, how fields depend on each other, and the files they write."""

from __future__ import annotations

import json

import pytest
from animation_frames import read_frames
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QFileDialog
from window_tools import desktop_on, open_fake

from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.ui.export.animation_dialogs import ExportAllDialog, ExportAnimationDialog
from latent_explorer.ui.export.dialog_base import WORKING
from latent_explorer.ui.export.sheet_dialog import ExportSheetDialog

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def desktop(qtbot, tmp_path):
    with desktop_on(tmp_path) as made:
        open_fake(qtbot, made, tmp_path)
        yield made


def answer(monkeypatch, path) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args: str(path))


def open_dialog(qtbot, desktop, action, kind):
    desktop.window.actions_by_key[action].trigger()
    dialog = desktop.window.findChild(kind)
    settle(qtbot, dialog)
    return dialog


def settle(qtbot, dialog) -> None:
    """Wait until the preview belongs to the current choices."""
    qtbot.waitUntil(lambda: dialog.more.text() != WORKING, timeout=20000)


def choose(field, data) -> None:
    field.setCurrentIndex(field.findData(data))


def saved(qtbot, desktop, words) -> None:
    notices = desktop.window.notices
    qtbot.waitUntil(lambda: words in notices.text.text(), timeout=30000)
    notices.hide()


def test_the_sweep_that_was_moved_most_is_offered_and_exported(qtbot, desktop, tmp_path, monkeypatch):
    attributes = desktop.explorer.attributes()
    desktop.explorer.apply(SetAttribute(attributes[2], 0.5))
    answer(monkeypatch, tmp_path / "sweep")
    QTest.keyClick(desktop.window, Qt.Key.Key_E, CTRL | SHIFT)
    dialog = desktop.window.findChild(ExportAnimationDialog)
    assert dialog.source.name == f"Sweep: {attributes[2].name}"
    choose(dialog.side, 128)
    choose(dialog.fps, 10.0)
    settle(qtbot, dialog)
    assert dialog.facts.text() == "40 frames, 4.0 s, 128 × 128 px"
    assert dialog.more.text().startswith("About ")
    dialog.accept()
    saved(qtbot, desktop, "Saved sweep.gif (")
    frames = read_frames(tmp_path / "sweep.gif")
    assert len(frames) == 40
    assert frames[0].shape == (128, 128, 3)


def test_what_a_format_cannot_do_is_not_offered(qtbot, desktop):
    dialog = open_dialog(qtbot, desktop, "export_animation", ExportAnimationDialog)
    choose(dialog.format, ".csv")
    assert not (dialog.side.isEnabled())
    assert not (dialog.caption.isEnabled())
    assert not (dialog.keep.isEnabled())
    choose(dialog.format, ".webp")
    assert "Lossless" in [dialog.quality.itemText(i) for i in range(dialog.quality.count())]
    choose(dialog.format, "")
    assert not (dialog.quality.isEnabled())
    assert not (dialog.loop.isEnabled())
    assert not (dialog.keep.isEnabled())
    dialog.reject()


def test_a_budget_is_said_before_it_is_kept(qtbot, desktop):
    dialog = open_dialog(qtbot, desktop, "export_animation", ExportAnimationDialog)
    dialog.keep.setChecked(True)
    dialog.budget.setValue(0.1)
    settle(qtbot, dialog)
    assert "To stay below 100 kB" in dialog.more.text()
    assert dialog.settings.budget_bytes == 100_000
    dialog.reject()


def test_choices_come_back(qtbot, desktop, tmp_path, monkeypatch):
    answer(monkeypatch, "")  # the name is not given: nothing is written, yet the choices are kept
    dialog = open_dialog(qtbot, desktop, "export_animation", ExportAnimationDialog)
    choose(dialog.format, ".webp")
    choose(dialog.side, 256)
    dialog.bar.setChecked(True)
    dialog.accept()
    qtbot.waitUntil(lambda: not desktop.window.findChildren(ExportAnimationDialog))
    again = open_dialog(qtbot, desktop, "export_animation", ExportAnimationDialog)
    assert (again.suffix, again.settings.size, again.settings.bar) == (".webp", 256, True)
    again.reject()


def test_a_sheet_is_shown_and_written(qtbot, desktop, tmp_path, monkeypatch):
    answer(monkeypatch, tmp_path / "sheet.png")
    dialog = open_dialog(qtbot, desktop, "export_sheet", ExportSheetDialog)
    dialog.pictures.count.setValue(2)
    choose(dialog.kind, "truncation")
    assert dialog.psis.isVisible()
    assert not dialog.attributes.isVisible()
    dialog.psis.setText("0, x")
    settle(qtbot, dialog)
    assert dialog.problem.text()
    assert not dialog.go.isEnabled()
    dialog.psis.setText("0, 1")
    settle(qtbot, dialog)
    qtbot.waitUntil(lambda: dialog.facts.text() != "")
    assert dialog.go.isEnabled()
    dialog.accept()
    saved(qtbot, desktop, "Saved sheet.png.")
    with Image.open(tmp_path / "sheet.png") as picture:
        # Two columns of 192 px with gaps, margins and row titles, at two pixels each.
        assert picture.width == 2 * (2 * 24 + 200 + 2 * 204 - 12)


def test_all_attributes_go_into_a_folder(qtbot, desktop, tmp_path, monkeypatch):
    answer(monkeypatch, tmp_path / "all")
    dialog = open_dialog(qtbot, desktop, "export_all", ExportAllDialog)
    dialog.top.setValue(2)
    dialog.pictures.count.setValue(1)
    choose(dialog.side, 64)
    choose(dialog.fps, 10.0)
    settle(qtbot, dialog)
    assert dialog.facts.text().startswith("2 animations of 4.0 s")
    dialog.accept()
    saved(qtbot, desktop, "Saved 2 animations")
    manifest = json.loads((tmp_path / "all" / "manifest.json").read_text())
    names = [a.name for a in desktop.explorer.attributes()[:2]]
    assert [item["attribute"] for item in manifest["animations"]] == names


@pytest.mark.parametrize(
    ("action", "kind"),
    [("export_animation", ExportAnimationDialog), ("export_sheet", ExportSheetDialog), ("export_all", ExportAllDialog)],
)
def test_every_field_has_a_name_and_the_dialog_fits_a_small_screen(qtbot, desktop, action, kind):
    dialog = open_dialog(qtbot, desktop, action, kind)
    fields = [*dialog.findChildren(QComboBox), *dialog.findChildren(QAbstractSpinBox)]
    assert fields
    assert all(field.accessibleName() for field in fields)
    assert dialog.height() <= 700
    dialog.reject()
