# SPDX-License-Identifier: MIT
"""Requests to end a training on the command line: Ctrl-C, a shutdown of the machine, a line on standard input."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from latent_explorer.training.run_folder import Request


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
        """Treat SIGINT and SIGTERM as a request to pause; a second one ends the program at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        previous = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

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
