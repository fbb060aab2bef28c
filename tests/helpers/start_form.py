# SPDX-License-Identifier: MIT
"""The guided start on its own, for tests: made with a fake controller, pressed, and asked what the controller heard."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latent_explorer.ui.application import make_application
from latent_explorer.ui.style import theme

LEFT = Qt.MouseButton.LeftButton


def make_page(qtbot, controller):
    make_application()
    theme.apply("light")
    from latent_explorer.ui.training.start_page import StartPage

    made = StartPage(controller)
    qtbot.addWidget(made)
    made.resize(1366, 260)
    made.show()
    return made


def press(page) -> None:
    QTest.mouseClick(page.next.next, LEFT)


def calls(controller, name: str) -> list:
    return [call[1:] for call in controller.asked if call[0] == name]


def take(page, field: str, path) -> None:
    """Choose something else in step 3."""
    if field == "images":
        page.size_.images.setText("1.5k")
        page.size_.images.editingFinished.emit()
        return
    choice = getattr(page.size_, field)
    choice.setCurrentIndex(choice.findData(str(path)) if field == "init" else 1)
    choice.activated.emit(choice.currentIndex())
