# SPDX-License-Identifier: MIT
"""Layout of the window: sizes at 1366 x 768, and parts that must not move."""

from __future__ import annotations

from PySide6.QtCore import QPoint

from latent_explorer.ui.bottom_strip import LOW
from latent_explorer.ui.main_window import LEFT, RIGHT


def test_picture_is_the_hero_at_1366_x_768(qtbot, desktop):
    window = desktop.window
    assert window.canvas.width() >= window.width() / 2
    assert all(frame.width() >= 384 for frame in window.canvas.view.frames())
    assert window.strip.height() <= 150


def test_five_attributes_with_their_ends_are_in_view_at_1366_x_768_with_the_plot_open(desktop):
    panel = desktop.window.attributes
    assert not desktop.window.strip.folded
    room = panel.list.viewport().height()
    assert 5 * panel.list.cards[0].height() <= room


def test_a_notice_neither_moves_nor_covers_a_picture(qtbot, desktop, qapp):
    window = desktop.window
    frames, cards = window.canvas.view.frames(), window.attributes.list.geometry()
    pages = window.canvas.pages.geometry()
    window.notices.show_message("Saved leaf.png.")
    qapp.processEvents()
    assert window.canvas.view.frames() == frames
    assert window.attributes.list.geometry() == cards
    assert window.canvas.pages.geometry() == pages
    notice = window.notices.rect().translated(window.notices.mapTo(window, QPoint()))
    for part in (window.canvas, window.strip, window.status, window.attributes):
        assert not notice.intersects(part.rect().translated(part.mapTo(window, QPoint())))
    window.notices.show_message("word " * 100)
    text = window.notices.text
    qtbot.waitUntil(lambda: window.notices.height() >= text.heightForWidth(text.width()))
    qtbot.waitUntil(lambda: window.canvas.pages.geometry() == pages)
    window.notices.hide()
    qtbot.waitUntil(lambda: window.strip.height() == LOW)


def test_the_window_fits_on_a_small_screen(desktop):
    assert desktop.window.dock_host.minimumSizeHint().width() <= 850


def test_the_attributes_get_their_share_of_a_wide_window_until_a_width_was_chosen(qtbot, desktop):
    window = desktop.window
    narrow = window.attributes.width()
    window.resize(1920, 1000)
    qtbot.waitUntil(lambda: window.attributes.width() >= 0.22 * 1920, timeout=5000)
    track = window.attributes.list.cards[0].slider.track
    assert track.x_of(1.0) - track.x_of(-1.0) >= 180
    window.resize(1366, 744)
    qtbot.waitUntil(lambda: window.attributes.width() == narrow, timeout=5000)
    window.splitter.moveSplitter(window.width() - 500, 2)
    window.resize(1500, 900)
    assert window.attributes.width() >= 480


def test_the_columns_have_their_widths_from_the_start(qtbot, desktop):
    """Three thumbnails stand beside each other."""
    qtbot.waitUntil(lambda: desktop.window.splitter.sizes()[::2] == [LEFT, RIGHT])
