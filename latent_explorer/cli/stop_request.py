# SPDX-License-Identifier: MIT
"""How a training on the command line is asked to end: Ctrl-C, a machine that shuts down, a line on standard input."""

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
    """What was asked for. The training looks between two steps, where nothing is lost by its end."""

    def __init__(self) -> None:
        self.requested: Request | None = None
        self.by_signal = False

    def __call__(self) -> Request | None:
        return self.requested

    @property
    def exit_code(self) -> int:
        """What the command returns: 130 is what shells know of one that Ctrl-C ended."""
        return 130 if self.by_signal else 0

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Ctrl-C and the end of the session ask for a pause; the second time they end the program at once."""
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
            threading.Thread(target=self._listen, name="standard input", daemon=True).start()

    def _listen(self) -> None:
        """The end of the input means nothing: a closed window ends no training."""
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
