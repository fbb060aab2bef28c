# SPDX-License-Identifier: MIT
"""A person without a plan: random mouse, keys, menus, files and cancelling, drawn from a seed.

Whatever it does, nothing may raise, no update may report a defect, and when it rests the canvas shows the state.
"""

from __future__ import annotations

import random
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QDesktopServices, QDrag, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFileDialog,
    QInputDialog,
    QLineEdit,
    QMenu,
    QMessageBox,
    QWidget,
)

from latent_explorer.app.exploration import picture_requests
from latent_explorer.app.exploration.intents import SetTruncateEncoded, SetTruncation
from latent_explorer.app.exploration.updates import ErrorReport
from latent_explorer.app.training.controller import TrainingController
from latent_explorer.ui.application import ApplicationContext

KEYS = [
    *(getattr(Qt.Key, f"Key_{name}") for name in "ABFGKLNOPRT1234"),
    *(getattr(Qt.Key, f"Key_{name}") for name in ("Left", "Right", "Up", "Down", "Home", "End", "PageUp", "PageDown")),
    *(getattr(Qt.Key, f"Key_{name}") for name in ("Tab", "Backtab", "Return", "Escape", "Delete", "Space", "F2")),
    *(getattr(Qt.Key, f"Key_{name}") for name in ("Comma", "Period", "Plus", "Minus")),
]
MODIFIERS = [
    *[Qt.KeyboardModifier.NoModifier] * 6,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
]
TEXTS = ["0.5", "0,5", "-1", "", "nan", "1e9", "brown", "b4", "3", "\N{SNOWMAN}", "=1+1", "<b>x</b>"]
NOT_PRESSED = ("quit", "full_screen", "screenshot", "log")  # actions that leave the window, or write what nobody reads
WAIT = 60.0  # seconds until everything that was asked for is done
WATCH_MS, PATIENCE = 50, 0.3  # ms between two looks at what a step waits for; seconds that it may wait
REMEMBERED = 40  # last steps that a failure prints


class RandomDriver:
    """Does steps on a window; `files` are what it opens, `folder` is where it saves."""

    def __init__(self, desktop: ApplicationContext, files: list[Path], folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.seed = seed
        self.done: deque[str] = deque(maxlen=REMEMBERED)
        self._desktop, self._files, self._folder = desktop, files, folder
        self._raised: list[str] = []
        self._written = 0
        self._log = folder / "steps.txt"
        self._began = 0.0  # of the step in progress; 0 between steps
        self._watch = QTimer(desktop.window, interval=WATCH_MS)
        self._watch.timeout.connect(self._answer_what_waits)
        desktop.explorer.updates.on(ErrorReport, self._note_defect)

    def run(self, steps: int) -> None:
        """Do this many steps, and look whether all is well after each, and whether all agrees after some."""
        self._watch.start()
        with self._without_questions(), self._noting_exceptions():
            for number in range(steps):
                step = self.random.choices(*zip(*self._steps(), strict=True))[0]
                self.done.append(step.__name__)
                self._began = time.monotonic()
                step()
                QApplication.processEvents()
                self._began = 0.0
                self._check()
                if number % 50 == 49:
                    self._rest()
            self._rest()
        self._watch.stop()

    def _steps(self) -> list[tuple[Callable[[], None], int]]:
        return [
            (self._click, 30),
            (self._drag, 15),
            (self._wheel, 5),
            (self._key, 25),
            (self._type, 8),
            (self._action, 15),
            (self._open, 4),
            (self._cancel, 4),
            (self._undo, 6),
            (self._state, 3),
            (self._wait, 8),
        ]

    # Steps ---------------------------------------------------------------------------------------

    def _click(self) -> None:
        target, at = self._place()
        button = self.random.choice([Qt.MouseButton.LeftButton] * 5 + [Qt.MouseButton.RightButton])
        self._say(target)
        if self.random.random() < 0.15:
            QTest.mouseDClick(target, button, Qt.KeyboardModifier.NoModifier, at)
        else:
            QTest.mouseClick(target, button, self.random.choice(MODIFIERS), at)

    def _drag(self) -> None:
        target, start = self._place()
        self._say(target)
        QTest.mousePress(target, Qt.MouseButton.LeftButton, self.random.choice(MODIFIERS), start)
        for _ in range(self.random.randint(1, 5)):
            if self._alive(target):
                QTest.mouseMove(target, self._point_in(target))
                QApplication.processEvents()
        if self._alive(target):
            QTest.mouseRelease(
                target, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, self._point_in(target)
            )

    def _wheel(self) -> None:
        target, at = self._place()
        self._say(target)
        turn = QPoint(0, self.random.choice([-240, -120, 120, 240]))
        event = QWheelEvent(
            QPointF(at),
            QPointF(target.mapToGlobal(at)),
            QPoint(),
            turn,
            Qt.MouseButton.NoButton,
            self.random.choice(MODIFIERS),
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(target, event)

    def _key(self) -> None:
        target = QApplication.focusWidget() or self._desktop.window
        key, modifiers = self.random.choice(KEYS), self.random.choice(MODIFIERS)
        self._say(target, f"{key.name} {modifiers.name}")
        QTest.keyPress(target, key, modifiers)
        if self.random.random() < 0.3:
            QApplication.processEvents()
        if self._alive(target):
            QTest.keyRelease(target, key, modifiers)

    def _type(self) -> None:
        fields = [w for w in self._window().findChildren(QLineEdit) if w.isVisible() and w.isEnabled()]
        if fields:
            field, text = self.random.choice(fields), self.random.choice(TEXTS)
            self._say(field, text)
            field.selectAll()
            if text.isascii():
                QTest.keyClicks(field, text)
            else:
                field.insert(text)  # Qt's test keyboard has no other letters
            if self.random.random() < 0.6 and self._alive(field):
                QTest.keyClick(field, Qt.Key.Key_Return)

    def _action(self) -> None:
        known = self._desktop.window.actions_by_key
        key = self.random.choice([k for k, action in known.items() if k not in NOT_PRESSED and action.isEnabled()])
        self._say(None, key)
        known[key].trigger()

    def _open(self) -> None:
        chosen = self.random.sample(self._files, self.random.choice([1, 1, 1, 2]))
        self._say(None, ", ".join(path.name for path in chosen))
        self._desktop.explorer.open_path(*chosen)

    def _cancel(self) -> None:
        jobs = list(self._desktop.explorer.jobs)
        if jobs:
            self._desktop.explorer.cancel(self.random.choice(jobs))

    def _undo(self) -> None:
        for _ in range(self.random.randint(1, 4)):
            self.random.choice([self._desktop.explorer.undo, self._desktop.explorer.redo])()

    def _state(self) -> None:
        self._desktop.explorer.apply(
            self.random.choice([SetTruncation(self.random.uniform(-0.5, 1.5)), SetTruncateEncoded(on=True)])
        )

    def _wait(self) -> None:
        QTest.qWait(self.random.choice([1, 10, 50, 150]))

    def _answer_what_waits(self) -> None:
        """Choose from a menu, or close a dialog, that a step waits for in a loop of Qt's own."""
        if not self._began or time.monotonic() - self._began < PATIENCE:
            return
        with suppress(RuntimeError):  # PySide may still hold what Qt has deleted
            waiting = QApplication.activePopupWidget() or QApplication.activeModalWidget()
            if isinstance(waiting, QMenu):
                self._choose(waiting)
            if waiting is not None and self._alive(waiting):
                waiting.close()

    def _choose(self, menu: QMenu, *_: object) -> None:
        actions = [action for action in menu.actions() if action.isEnabled() and not action.menu()]
        if actions and self.random.random() < 0.7:
            chosen = self.random.choice(actions)
            # Later, in the loop that waits: what it does may wait, too. The menu may be filled anew until then.
            QTimer.singleShot(0, self._desktop.window, lambda: shiboken6.isValid(chosen) and chosen.trigger())

    # Where ---------------------------------------------------------------------------------------

    def _window(self) -> QWidget:
        """Return the window that takes input: a popup, the topmost dialog, or the main window."""
        active = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        return active or self._desktop.window

    def _place(self) -> tuple[QWidget, QPoint]:
        """Return a random visible widget, leaves more often, and a point in it."""
        window = self._window()
        visible = [w for w in window.findChildren(QWidget) if w.isVisible() and w.isEnabled() and not w.isWindow()]
        buttons = [w for w in visible if isinstance(w, QAbstractButton)]
        target = self.random.choice(self.random.choice([visible, buttons or visible]) or [window])
        return target, self._point_in(target)

    def _point_in(self, widget: QWidget) -> QPoint:
        return QPoint(self.random.randrange(max(widget.width(), 1)), self.random.randrange(max(widget.height(), 1)))

    @staticmethod
    def _alive(widget: QWidget) -> bool:
        return shiboken6.isValid(widget) and widget.isVisible()

    # Looking -------------------------------------------------------------------------------------

    def _rest(self) -> None:
        """Close what is open, end what runs, and compare the window with the state."""
        explorer, player = self._desktop.explorer, self._desktop.timelines.player
        for widget in QApplication.topLevelWidgets():
            if widget is not self._desktop.window and widget.isVisible():
                widget.close()
        player.pause()
        for job in list(explorer.jobs):
            explorer.cancel(job)
        for _ in range(20):
            assert explorer.wait_idle(WAIT), self._story("the engine never came to rest")
            QTest.qWait(1)
        self._check()
        shown, state, summary = explorer.shown, explorer.state, explorer.summary
        if shown is None or state is None or summary is None:
            return
        asked = picture_requests.resolve(state, summary)
        assert shown.request == asked, self._story(f"the canvas shows {shown.request}, the state is {asked}")
        verdict = self._desktop.window.canvas.bars.verdict
        assert verdict is not None, self._story("the canvas has no bars")
        assert verdict.after is shown.result.after.probs, self._story("the bars are of another picture")

    def _check(self) -> None:
        assert not self._raised, self._story(self._raised[0])

    def _note_defect(self, report: ErrorReport) -> None:
        if report.failure.kind != "user":
            self._raised.append(f"{report.operation}: {report.failure.details}")

    @contextmanager
    def _noting_exceptions(self) -> Iterator[None]:
        """Take over what Python raises in Qt's callbacks, to tell it with the steps that led there."""
        before = sys.excepthook
        sys.excepthook = lambda kind, error, trace: self._raised.append(
            "".join(traceback.format_exception(kind, error, trace))
        )
        try:
            yield
        finally:
            sys.excepthook = before

    @contextmanager
    def _without_questions(self) -> Iterator[None]:
        """Answer at random what would otherwise wait for a person, and start nothing outside."""
        buttons = QMessageBox.StandardButton

        def answer(*args: object, **_: object) -> object:
            offered = [b for b in buttons if len(args) > 3 and b & args[3]] or [buttons.Ok]
            return self.random.choice([b for b in offered if b is not buttons.NoButton])

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(QFileDialog, "getOpenFileNames", lambda *_a, **_k: ([str(self._old_file())], ""))
            patch.setattr(QFileDialog, "getOpenFileName", lambda *_a, **_k: (str(self._old_file()), ""))
            patch.setattr(QFileDialog, "getSaveFileName", lambda *a, **_k: (self._new_file(*a), ""))
            patch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: str(self._folder))
            patch.setattr(QInputDialog, "getText", lambda *_a, **_k: (self.random.choice(TEXTS), True))
            patch.setattr(QInputDialog, "getInt", lambda *_a, **_k: (self.random.randrange(100_000), True))
            patch.setattr(QMessageBox, "question", answer)
            patch.setattr(QMessageBox, "information", answer)
            patch.setattr(QMenu, "exec", lambda menu, *_: self._choose(menu))
            patch.setattr(QDrag, "exec", lambda *_: Qt.DropAction.IgnoreAction)
            patch.setattr(QDesktopServices, "openUrl", lambda *_: True)
            patch.setattr(TrainingController, "start", lambda *_: False)  # it would start processes
            yield

    def _old_file(self) -> Path:
        return self.random.choice(self._files)

    def _new_file(self, *arguments: object) -> str:
        """Return a name in the folder with the ending that was proposed, or "" for a change of mind."""
        self._written += 1
        proposed = Path(str(arguments[2])) if len(arguments) > 2 else Path("x")
        return "" if self.random.random() < 0.3 else str(self._folder / f"{self._written}{proposed.suffix}")

    def _say(self, target: QWidget | None, text: str = "") -> None:
        name = f" {type(target).__name__} {target.accessibleName()!r}" if target is not None else ""
        self.done[-1] += f"{name} {text}".rstrip()
        self._log.write_text("\n".join(self.done))  # for a crash, which leaves nothing else

    def _story(self, what: str) -> str:
        return f"seed {self.seed}, after {'; '.join(self.done)}:\n{what}"
