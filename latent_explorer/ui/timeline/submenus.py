# SPDX-License-Identifier: MIT
"""The timeline's menus with changing contents: frame rates, interpolation, and timelines.

They are in the menu bar and behind the transport's buttons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QInputDialog, QMenu, QMessageBox, QWidget

from latent_explorer.common.format import shortened
from latent_explorer.common.glossary import meaning
from latent_explorer.explain.timeline.timeline import FPS
from latent_explorer.ui.timeline import timeline_text
from latent_explorer.ui.widgets.basics import action_text, tip

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.timeline.controller import TimelineController
    from latent_explorer.ui.timeline.keyframe_editor import KeyframeEditor

NAME_LENGTH = 60


class TimelineMenus:
    """Menus that are filled before they are shown."""

    def __init__(self, owner: QWidget, controller: TimelineController, editor: KeyframeEditor) -> None:
        self._owner, self._controller, self._editor = owner, controller, editor
        self.fps = self._menu("&Frame rate", self._fill_fps)
        self.space = self._menu("&Interpolation", self._fill_space)
        self.timelines = self._menu("Ti&melines", self._fill_timelines)

    def _menu(self, title: str, fill: Callable[[QMenu], None]) -> QMenu:
        menu = QMenu(title, self._owner)
        menu.setToolTipsVisible(True)

        def fill_anew() -> None:
            menu.clear()
            fill(menu)

        menu.aboutToShow.connect(fill_anew)
        return menu

    def _fill_fps(self, menu: QMenu) -> None:
        current = self._controller.current
        for fps in FPS:
            action = _choice(menu, f"{fps:g} frames per second", current is not None and current.fps == fps)
            action.triggered.connect(lambda _checked=False, fps=fps: self._editor.set_fps(fps))

    def _fill_space(self, menu: QMenu) -> None:
        current = self._controller.current
        for space, name in timeline_text.SPACES.items():
            action = _choice(menu, name, current is not None and current.space == space)
            action.setToolTip(tip(timeline_text.SPACE_HELP[space], meaning(timeline_text.SPACE_WORDS[space])))
            action.triggered.connect(lambda _checked=False, space=space: self._editor.set_space(space))

    def _fill_timelines(self, menu: QMenu) -> None:
        current = self._controller.current
        for timeline in self._controller.timelines:
            chosen = current is not None and timeline.name == current.name
            _choice(menu, action_text(timeline.name), chosen).triggered.connect(
                lambda _checked=False, name=timeline.name: self._controller.choose(name)
            )
        menu.addSeparator()
        menu.addAction("&New timeline", lambda: self._controller.new())
        for text, act in (
            ("&Rename...", self._rename),
            ("&Duplicate", self._controller.duplicate),
            ("De&lete...", self._delete),
        ):
            menu.addAction(text, act).setEnabled(current is not None)

    def _rename(self) -> None:
        current = self._controller.current
        if current is None:
            return
        name, kept = QInputDialog.getText(self._owner, "Rename the timeline", "Name", text=current.name)
        name = " ".join(name.split())[:NAME_LENGTH]
        if kept and name:
            self._controller.rename(name)

    def _delete(self) -> None:
        """Delete the current timeline. Asks only if it has keyframes, since undo restores it."""
        current = self._controller.current
        if current is None:
            return
        buttons = QMessageBox.StandardButton
        answer = buttons.Yes
        if current.keyframes:
            answer = QMessageBox.question(
                self._owner,
                "Latent Explorer",
                f"Delete {shortened(current.name)} with its {timeline_text.keyframes(len(current.keyframes))}? "
                "Undo brings it back.",
                buttons.Yes | buttons.No,
                buttons.No,
            )
        if answer == buttons.Yes:
            self._controller.delete()


def _choice(menu: QMenu, text: str, checked: bool) -> QAction:
    action = menu.addAction(text)
    action.setCheckable(True)
    action.setChecked(checked)
    group = menu.findChild(QActionGroup) or QActionGroup(menu)
    group.addAction(action)
    return action
