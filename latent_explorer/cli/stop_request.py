# SPDX-License-Identifier: MIT
"""Requests to end a command: Ctrl-C, a shutdown of the machine, a closed terminal, a line on standard input."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from latent_explorer.training.run_folder import Request


# Beside SIGINT: sent at a shutdown, and when the terminal or the connection is closed. Windows has no SIGHUP.
_END_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP as Ctrl-C, so that half-written files are removed; a second one ends at once."""

    def on_signal(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt

    with _handled(_END_SIGNALS, on_signal):
        yield


@contextmanager
def _handled(numbers: Iterable[int], handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Handle signals during the block, except those that are ignored, as with `nohup`."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: old for number in numbers if (old := signal.getsignal(number)) != signal.SIG_IGN}
    for number in previous:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in previous.items():
            signal.signal(number, old)


class StopRequest:
    """Request to stop or pause. The training checks it between two steps, where ending loses nothing."""

    def __init__(self) -> None:
        self.requested: Request | None = None
        self.by_signal = False

    def __call__(self) -> Request | None:
        return self.requested

    @property
    def exit_code(self) -> int:
        """Exit code of the command: 130, as in shells, if a signal ended it."""
        return 130 if self.by_signal else 0

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Treat SIGINT, SIGTERM and SIGHUP as a request to pause; a second one ends the program at once."""
        with _handled((signal.SIGINT, *_END_SIGNALS), self._on_signal):
            yield

    def _on_signal(self, number: int, frame: object) -> None:  # noqa: ARG002  # the protocol's arguments
        if self.by_signal:
            raise KeyboardInterrupt
        self.requested, self.by_signal = self.requested or "pause", True
        with suppress(OSError):
            os.write(2, b"\nPausing after this step. Once more ends it at once.\n")

    def on_stdin_lines(self) -> None:
        """Listen for the lines `pause` and `stop`, unless standard input is a terminal."""
        if sys.stdin is not None and not sys.stdin.isatty():
            threading.Thread(target=self.read_lines, name="standard input", daemon=True).start()

    def read_lines(self) -> None:
        """Read lines until one is a request. The end of the input is ignored: closing the window ends no training."""
        pending = b""
        with suppress(OSError):
            # Not sys.stdin: a thread that waits inside its lock would break the interpreter's exit.
            while chunk := os.read(0, 1024):
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    word = line.strip()
                    if word in (b"stop", b"pause"):
                        self.requested = "stop" if word == b"stop" else "pause"
                        return
