# SPDX-License-Identifier: MIT
"""From a checkpoint that is dropped on the window to the guided start, filled in and checked."""

from __future__ import annotations

from foreign_models import write_brightness_checkpoint, write_shades

from latent_explorer.ui.training.dock import START

LONG = 20_000


def test_explain_it_fills_in_the_guided_start(qtbot, desktop, tmp_path, monkeypatch):
    window, checked = desktop.window, []
    monkeypatch.setattr(desktop.controller, "check", checked.append)
    checkpoint = write_brightness_checkpoint(tmp_path / "net.pth", class_to_idx={"dark": 0, "bright": 1})
    pictures = write_shades(tmp_path / "shades")
    desktop.explorer.open_path(checkpoint, pictures)
    qtbot.waitUntil(lambda: window.importing.dialog is not None, timeout=LONG)
    dialog = window.importing.dialog
    qtbot.waitUntil(lambda: dialog.page is not None and dialog.controller.pictures is not None, timeout=LONG)
    dialog.go.click()
    qtbot.waitUntil(lambda: len(checked) == 1, timeout=LONG)
    dock = window.dock_host.dock
    assert dock.isVisible()
    assert dock.page == START
    (plan,) = checked
    assert plan.data == pictures
    assert plan.classifier_from == "file"
    assert plan.classifier.name.startswith("net")
    assert plan.problems() == []
    recognised = dock.start.classifier.recognised
    qtbot.waitUntil(lambda: "torchvision:squeezenet1_1: dark, bright." in recognised.texts, timeout=LONG)
