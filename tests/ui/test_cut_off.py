# SPDX-License-Identifier: MIT
"""No words are cut off, on the window and its dialogs, on the screens that people have."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from cut_off import cut_off
from PIL import Image
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QDialog, QScrollArea, QToolButton

from latent_explorer.app.engine.events import JobStarted
from latent_explorer.app.exploration.updates import PicturesDropped
from latent_explorer.ui.timeline.transport import Transport
from latent_explorer.ui.widgets.basics import NoWheelComboBox
from latent_explorer.ui.widgets.image_view import CaptionedImage, ImageView

# 800 x 600, 1366 x 768 at 150 %, 1366 x 768: what a panel, a title bar and borders leave, in px.
SIZES = ((796, 540), (910, 470), (1366, 744))
DIALOGS = (
    *("export_animation", "export_sheet", "export_all", "make_study", "score_study", "guide", "keys", "notices"),
    *("about", "add_slider", "random_walk_with", "morph", "style_mix", "sweep"),
)


@pytest.mark.parametrize("size", SIZES)
def test_no_words_of_the_window_are_cut_off(qtbot, desktop, tmp_path, size):
    window, actions = desktop.window, desktop.window.actions_by_key
    window.resize(*size)
    qtbot.waitUntil(lambda: (window.width(), window.height()) == size)
    nothing_cut(qtbot, window)
    more = window.menuBar().findChild(QToolButton, "qt_menubar_ext_button")  # of menus without room
    assert more.isHidden() or more.width() >= 20
    desktop.explorer.updates.emit(JobStarted(999, "Rendering the frames of a timeline with a long name", True))
    nothing_cut(qtbot, window)
    actions["timeline"].trigger()
    nothing_cut(qtbot, window)
    actions["project"].trigger()
    nothing_cut(qtbot, window)
    photo = tmp_path / "a leaf.png"
    Image.fromarray(np.full((70, 50, 3), 120, np.uint8)).save(photo)
    desktop.explorer.updates.emit(PicturesDropped((photo,)))
    qtbot.waitUntil(lambda: window.projection.panel.clear.isVisible())
    nothing_cut(qtbot, window)
    actions["training"].trigger()
    nothing_cut(qtbot, window)
    assert window.dock_host.dock.start is not None
    form = window.dock_host.dock.start.left.currentWidget()
    assert isinstance(form, QScrollArea)
    qtbot.waitUntil(lambda: form.horizontalScrollBar().maximum() == 0)


def test_no_words_of_dialogs_are_cut_off_and_they_fit(qtbot, desktop):
    desktop.window.resize(796, 540)
    for key in DIALOGS:
        desktop.window.actions_by_key[key].trigger()
        qtbot.waitUntil(lambda: len(dialogs()) == 1)
        dialog = dialogs()[0]
        qtbot.waitUntil(partial(fits, dialog))
        nothing_cut(qtbot, dialog)
        dialog.close()
        qtbot.waitUntil(lambda: not dialogs())


def test_a_list_with_little_room_elides_its_choice(qtbot):
    box = NoWheelComboBox("Class")
    box.addItems(["diseased, with brown spots", "d"])
    qtbot.addWidget(box)
    box.resize(80, 28)
    box.show()
    assert ink_at_the_end(box) == 0
    cut = QImage(box.grab().toImage())
    box.setMinimumContentsLength(40)
    box.resize(400, 28)
    assert box.grab().toImage().copy(0, 0, 56, 28) != cut.copy(0, 0, 56, 28)  # its last letters were dots


def test_the_row_above_a_timeline_hides_what_has_no_room(qtbot):
    transport = Transport()
    qtbot.addWidget(transport)
    transport.show()
    for width in (500, 200, 120, 80, 40):
        transport.resize(width, 28)
        assert transport.play.isVisible()
        qtbot.waitUntil(lambda: not cut_off(transport) and inside(transport))


def test_the_title_of_a_small_picture_is_a_short_word_or_none(qtbot, monkeypatch):
    drawn: list[str] = []
    view = ImageView()
    qtbot.addWidget(view)
    picture = np.zeros((8, 8, 3), np.uint8)
    view.set_images(
        CaptionedImage(picture, "Reconstruction (before)", "a class 0.5"), CaptionedImage(picture, "After", "b")
    )
    from latent_explorer.ui.widgets import image_view

    class Recorder(image_view.QPainter):
        def drawText(self, *args: object) -> None:
            drawn.append(str(args[-1]))

    monkeypatch.setattr(image_view, "QPainter", Recorder)
    for width in (800, 400, 150):
        view.resize(width, width // 2 + 40)
        view.grab()
    assert {"Reconstruction (before)", "Before", ""} <= set(drawn)
    assert "…" not in drawn


def inside(transport: Transport) -> bool:
    """Return True if every control is within the row."""
    controls = (transport.play, transport.duration, transport.add, transport.make, transport.export)
    return all(c.isHidden() or c.geometry().right() < transport.width() for c in controls)


def fits(dialog: QDialog) -> bool:
    room = dialog.screen().availableSize()
    return dialog.width() <= room.width() and dialog.height() <= room.height()


def dialogs() -> list[QDialog]:
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]


def nothing_cut(qtbot, window) -> None:
    """Wait until nothing is cut off; layouts settle late."""
    try:
        qtbot.waitUntil(lambda: not cut_off(window), timeout=3000)
    except Exception:
        raise AssertionError(cut_off(window)) from None


def ink_at_the_end(box: NoWheelComboBox) -> int:
    """Return how many pixels of text stand between the choice and the arrow."""
    image = box.grab().toImage()
    paper = QColor(image.pixel(box.width() - 26, 4)).lightness()
    column = box.width() - 26
    return sum(abs(QColor(image.pixel(column, y)).lightness() - paper) > 40 for y in range(6, box.height() - 6))
