# SPDX-License-Identifier: MIT
"""Calls from the engine's thread to the window's, by a Qt signal that carries a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot

if TYPE_CHECKING:
    from collections.abc import Callable


class MainThreadInvoker(QObject):
    """Invoker of functions on the window's thread, on which it lives; `post` can be called from any thread."""

    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open = True
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def post(self, fn: Callable[[], None]) -> None:
        """Run `fn` on the window's thread, in the order of the calls."""
        if self._open:
            self._posted.emit(fn)

    def close(self) -> None:
        """Drop pending functions, since the widgets that they would reach are being deleted."""
        self._open = False

    @Slot(object)
    def _run(self, fn: Callable[[], None]) -> None:
        if self._open:
            fn()
