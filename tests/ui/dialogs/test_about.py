# SPDX-License-Identifier: MIT
"""About the program: its version, what it is made of, and a card that this build cannot use."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel
from window_tools import desktop_on

from latent_explorer import __version__
from latent_explorer.app.licences import Part
from latent_explorer.ui.application import make_application
from latent_explorer.ui.dialogs.about import AboutDialog, LicencesDialog
from latent_explorer.ui.style import icons


def words(dialog) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(QLabel))


def test_it_says_version_licence_and_purpose(qtbot):
    make_application()
    dialog = AboutDialog(None, "A card lies idle.")
    qtbot.addWidget(dialog)
    said = words(dialog)
    for each in (__version__, "MIT", "classifier", "Lesser General Public License", "A card lies idle."):
        assert each in said


def test_licences_are_listed_searched_and_read(qtbot):
    make_application()
    parts = [Part("Alpha", "1", "MIT", lambda: "terms of alpha"), Part("Beta", "2", "BSD", lambda: "<b>beta</b>")]
    dialog = LicencesDialog(parts)
    qtbot.addWidget(dialog)
    assert dialog.text.toPlainText() == "terms of alpha"
    dialog.search.setText("bsd")
    assert [dialog.list.item(i).isHidden() for i in range(2)] == [True, False]
    assert dialog.text.toPlainText() == "<b>beta</b>", "the text is that of what is listed"
    dialog.search.setText("nothing has this name")
    assert dialog.text.toPlainText() == ""


def test_every_window_has_the_icon_of_the_program(qtbot, tmp_path):
    with desktop_on(tmp_path) as desktop:
        assert QApplication.windowIcon().cacheKey() == icons.program_icon().cacheKey()
        assert not desktop.window.windowIcon().isNull()
        small = icons.program_icon().pixmap(16, 16).toImage()
        colours = {small.pixelColor(x, y).name() for x in range(16) for y in range(16)}
        assert len(colours) > 10
        assert small.pixelColor(0, 0).alpha() == 0, "its corners are round"


def test_the_status_bar_says_how_to_use_an_idle_card(qtbot, tmp_path):
    with desktop_on(tmp_path) as desktop:
        status = desktop.window.status
        status.show_devices("CPU", [("cpu", "CPU")], "cpu", "This computer has a card. " * 8)
        assert "This computer has a card" in status.device.toolTip()
        assert max(map(len, status.device.toolTip().splitlines())) <= 90
        desktop.window.actions_by_key["about"].trigger()
        (dialog,) = desktop.window.findChildren(AboutDialog)
        assert "This computer has a card" in words(dialog)
        assert dialog.windowFlags() & Qt.WindowType.Dialog
        dialog.close()
