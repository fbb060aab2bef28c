# SPDX-License-Identifier: MIT
"""Picture of the window for a tour: the real window, driven without a screen."""

from __future__ import annotations

import logging
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QtMsgType, qInstallMessageHandler

from latent_explorer.app.exploration import picture_requests
from latent_explorer.app.exploration.intents import Restore, SetAttribute
from latent_explorer.app.exploration.updates import ErrorReport
from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import atomic_output
from latent_explorer.ui.application import ApplicationContext, make_application

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.tour import TourResult

SIZE = (1440, 900)
STEPS_PER_SLIDER = 12  # pictures per slider, so that the plot has lines
TIMEOUT = 120.0  # seconds


def grab_window(explainer: Path, result: TourResult, target: Path) -> None:
    """Open `explainer` in the window, move the tour's sliders, and write a PNG of the window to `target`."""
    make_application()
    with _qt_messages_in_the_log(), tempfile.TemporaryDirectory() as folder:
        # Without the user's settings and autosaves: the tour always looks the same.
        desktop = ApplicationContext(data_dir=Path(folder), config_dir=Path(folder), mode="light")
        try:
            _drive(desktop, explainer, result)
            with atomic_output(target) as temporary:
                if not desktop.window.grab().save(str(temporary), "PNG"):
                    raise UserError(f"{target} cannot be written. Choose another folder.")
        finally:
            desktop.close()
            desktop.window.hide()
            desktop.window.deleteLater()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@contextmanager
def _qt_messages_in_the_log() -> Iterator[None]:
    """Redirect Qt's messages to the log: the offscreen platform lists what it does not support at every window."""

    def write(kind: QtMsgType, _context: object, message: str) -> None:
        logging.getLogger(__name__).info("Qt %s: %s", kind.name, message)

    previous = qInstallMessageHandler(write)
    try:
        yield
    finally:
        qInstallMessageHandler(previous)


def _drive(desktop: ApplicationContext, explainer: Path, result: TourResult) -> None:
    explorer = desktop.explorer
    errors: list[ErrorReport] = []  # no dialogs without a screen
    explorer.updates.on(ErrorReport, errors.append)
    desktop.window.resize(*SIZE)
    desktop.window.show()
    desktop.begin(explainer)
    _wait(errors, lambda: explorer.shown is not None, "the first picture")
    explorer.apply(Restore(result.state))
    _wait(errors, lambda: _is_current(explorer), "the tour's picture")
    for attribute in result.attributes:
        explorer.begin_gesture()
        for step in range(1, STEPS_PER_SLIDER + 1):
            explorer.apply(SetAttribute(attribute, step / STEPS_PER_SLIDER))
            _wait(errors, lambda: _is_current(explorer), "a picture of the tour")
        explorer.end_gesture()
    _wait(errors, lambda: explorer.wait_idle(0.0), "the thumbnails")
    QCoreApplication.processEvents()


def _is_current(explorer: Explorer) -> bool:
    """Return True if the canvas shows the newest state."""
    if explorer.shown is None or explorer.state is None or explorer.summary is None:
        return False
    return explorer.shown.request == picture_requests.resolve(explorer.state, explorer.summary)


def _wait(errors: list[ErrorReport], done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not done():
        QCoreApplication.processEvents()
        time.sleep(0.002)
        if errors:
            raise UserError(f"{errors[0].operation} failed: {errors[0].failure.message}")
        if time.monotonic() > deadline:
            raise UserError(f"The window did not show {what} within {TIMEOUT:.0f} s. Try again on a free machine.")
