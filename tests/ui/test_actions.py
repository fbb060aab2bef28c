# SPDX-License-Identifier: MIT
"""Table of actions: menus, tooltips and the sheet of keys are made from it."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLabel
from window_tools import desktop_on

from latent_explorer.ui.actions import ACTIONS, MENUS, OTHER_KEYS, plain_text, shortcut_text
from latent_explorer.ui.application import make_application
from latent_explorer.ui.dialogs.help import ShortcutsDialog
from latent_explorer.ui.window_actions import handlers


@pytest.fixture
def window(qtbot, tmp_path):
    with desktop_on(tmp_path) as desktop:
        yield desktop.window


def test_every_action_has_text_tooltip_and_a_shortcut_of_its_own():
    keys = [spec.key for spec in ACTIONS]
    shortcuts = [QKeySequence(spec.shortcut).toString() for spec in ACTIONS if spec.shortcut]
    assert len(set(keys)) == len(keys)
    assert all(spec.text and spec.tooltip for spec in ACTIONS)
    assert all(shortcuts), "a shortcut that Qt cannot read"
    assert len(set(shortcuts)) == len(shortcuts)
    assert {spec.menu for spec in ACTIONS} == set(MENUS)


def test_letters_of_a_menu_are_unique():
    for menu in MENUS:
        letters = [
            spec.text[spec.text.index("&") + 1].lower() for spec in ACTIONS if spec.menu == menu and not spec.submenu
        ]
        assert len(set(letters)) == len(letters), f"{menu}: {letters}"


def test_every_action_has_its_handler_and_stands_in_a_menu(window):
    assert set(handlers(window)) == {spec.key for spec in ACTIONS}
    in_menus = {action.objectName() for menu in window.menus.values() for action in menu.actions()}
    assert {spec.key for spec in ACTIONS} <= in_menus
    for spec in ACTIONS:
        action = window.actions_by_key[spec.key]
        assert spec.tooltip in action.toolTip()
        if spec.shortcut:
            assert shortcut_text(spec) in action.toolTip()


def test_sheet_of_keys_lists_every_shortcut(qtbot):
    make_application()
    dialog = ShortcutsDialog()
    qtbot.addWidget(dialog)
    texts = {label.text() for label in dialog.findChildren(QLabel)}
    for spec in ACTIONS:
        if spec.shortcut:
            assert shortcut_text(spec) in texts
            assert plain_text(spec) in texts
    assert {key for key, _words in OTHER_KEYS} <= texts
