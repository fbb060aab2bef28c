# SPDX-License-Identifier: MIT
"""Whether Qt can start here, tried where it may fail: it does not raise an error, it ends the process."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time

from PySide6.QtCore import qVersion
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QImage, QPainter

from latent_explorer.common.paths import resource

_SECONDS = 30  # for an answer of the display, which may be on another computer


def platform_failure() -> str:
    """Return what Qt says if it cannot start on this screen; empty if it can, and where that is no question.

    Tried in a forked child, in about 0.1 s: a new process would have to import Qt again. Call it before there are
    threads and before Qt is started.
    """
    if sys.platform != "linux" or QGuiApplication.instance() is not None:
        return ""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _start_qt_and_leave(writer)
    os.close(writer)
    try:
        said = _read(reader, time.monotonic() + _SECONDS)
    finally:
        os.close(reader)
    if said is None:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return "" if status == 0 else said or f"Qt did not start within {_SECONDS} s ({status})"


def _start_qt_and_leave(output: int) -> None:
    """Start Qt in the forked child, whose words go to `output`, and end it without a trace of Python's."""
    import faulthandler
    import resource as limits

    status = 1
    try:
        faulthandler.disable()
        limits.setrlimit(limits.RLIMIT_CORE, (0, 0))
        os.environ["QT_FORCE_STDERR_LOGGING"] = "1"
        os.dup2(output, 1)
        os.dup2(output, 2)
        QGuiApplication([])
        status = 0
    finally:
        os._exit(status)


def _read(reader: int, deadline: float) -> str | None:
    """Return what is written until the other end is closed; None if that takes too long."""
    said = b""
    while select.select([reader], [], [], max(0.0, deadline - time.monotonic()))[0]:
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            return said.decode(errors="replace").strip()
        said += chunk
    return None


def probe() -> str:
    """Return a line of JSON: Qt's version and platform, the bundled font, and whether it renders letters."""
    app = QGuiApplication.instance() or QGuiApplication([])
    number = QFontDatabase.addApplicationFont(str(resource("fonts/Inter-Regular.otf")))
    families = QFontDatabase.applicationFontFamilies(number) if number >= 0 else []
    # Without a usable font every letter is the same empty box.
    font_ok = bool(families) and _drawn("W", families[0]) != _drawn("i", families[0])
    answer = {
        "qt": qVersion(),
        "platform": QGuiApplication.platformName(),
        "font": families[0] if families else "the bundled font cannot be read",
        "font_ok": font_ok,
    }
    del app
    return json.dumps(answer)


def _drawn(letter: str, family: str) -> bytes:
    image = QImage(32, 32, QImage.Format.Format_Grayscale8)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.setFont(QFont(family, 16))
    painter.drawText(4, 24, letter)
    painter.end()
    return bytes(image.constBits())
