# SPDX-License-Identifier: MIT
"""Layout of the window: sizes at 1366 x 768, and parts that must not move."""

from __future__ import annotations


def test_picture_is_the_hero_at_1366_x_768(qtbot, desktop):
    window = desktop.window
    assert window.canvas.width() >= window.width() / 2
    assert all(frame.width() >= 384 for frame in window.canvas.view.frames())
    assert window.strip.height() <= 150


def test_ten_attributes_are_in_view_at_1366_x_768_with_the_plot_open(desktop):
    panel = desktop.window.attributes
    assert not desktop.window.strip.folded
    room = panel.list.viewport().height()
    assert 10 * panel.list.cards[0].height() <= room


def test_a_notice_moves_nothing_and_follows_the_canvas(desktop, qapp):
    window = desktop.window
    frames, cards = window.canvas.view.frames(), window.attributes.list.geometry()
    window.notices.show_message("Saved leaf.png.")
    qapp.processEvents()
    assert window.canvas.view.frames() == frames
    assert window.attributes.list.geometry() == cards
    pages = window.canvas.pages.geometry()
    assert pages.contains(window.notices.geometry())
    window.strip.set_folded(True)
    qapp.processEvents()
    assert window.canvas.pages.geometry().bottom() > pages.bottom()
    assert window.notices.geometry().bottom() == window.canvas.pages.geometry().bottom()


def test_the_window_fits_on_a_small_screen(desktop):
    assert desktop.window.minimumSizeHint().width() <= 1024
