# SPDX-License-Identifier: MIT
"""Requests to end a training on the command line: Ctrl-C, a machine that shuts down, a line on standard input."""

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
    """Request to stop or pause. The training looks at it between two steps, where its end loses nothing."""

    def __init__(self) -> None:
        self.requested: Request | None = None
        self.by_signal = False

    def __call__(self) -> Request | None:
        return self.requested

    @property
    def exit_code(self) -> int:
        """Exit code of the command: 130, as in shells, if Ctrl-C ended it."""
        return 130 if self.by_signal else 0

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take Ctrl-C and the end of the session for a request to pause; a second one ends the program at once."""
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
        """Listen for the lines `pause` and `stop`, unless a person types there."""
        if sys.stdin is not None and not sys.stdin.isatty():
            threading.Thread(target=self.listen, name="standard input", daemon=True).start()

    def listen(self) -> None:
        """Read lines until one is a request. The end of the input means nothing: a closed window ends no training."""
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
