# SPDX-License-Identifier: MIT
"""Output of commands, text with a progress bar or JSON lines, and the loop that runs a job.

`Output.run` is the command line's whole engine: the same generators that the window steps run here in a plain loop.
"""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click
import msgspec
import numpy as np

from latent_explorer.common.events import Event, Kept, Metric, Notice, Preview, Progress
from latent_explorer.common.format import duration_text, valid_text
from latent_explorer.common.jobs import run_job
from latent_explorer.common.paths import atomic_output

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

T = TypeVar("T")

_BAR_WIDTH = 24  # characters
_REDRAW_SECONDS = 0.1
_PROGRESS_SECONDS = 1.0  # between two lines of progress in a stream


# An option of every command.
json_option = click.option("--json", "as_json", is_flag=True, help="Print events and the result as JSON lines.")


def wants_json(args: Sequence[str]) -> bool:
    """Return True if a command line asks for JSON: errors of parsing, too, must then be JSON."""
    return "--json" in args[: args.index("--") if "--" in args else None]


class Output:
    """Output of a command: results and JSON to stdout, progress and errors to stderr.

    silent  only errors: of several processes one speaks
    """

    def __init__(self, *, as_json: bool, silent: bool = False) -> None:
        self.as_json, self._silent = as_json, silent
        self._bar = _ProgressBar(sys.stderr) if not as_json and _is_terminal(sys.stderr) else None
        self._last_progress = "", 0.0  # message and time of the last progress in the stream

    def run(self, job: Generator[Event, None, T]) -> T:
        """Run a job to its end, printing its events, and return its value.

        On Ctrl-C (or any other exception here) the job is closed, so that its `finally` blocks keep finished work.
        """
        try:
            return run_job(job, self.event)
        finally:
            self._clear()

    def event(self, event: Event) -> None:
        """Print one event of a job."""
        if self._silent:
            return
        if self.as_json:
            if not self._is_too_soon(event):
                self._json(event_fields(event))
        elif isinstance(event, Progress):
            if self._bar:
                self._bar.draw(event)
        elif isinstance(event, Metric):
            figures = "  ".join(f"{name} {value:.4g}" for name, value in event.values.items())
            self._note(f"{event.step}: {figures}")
        elif isinstance(event, Notice):
            self._note(event.text)

    def result(self, fields: Mapping[str, Any], text: str | None = None) -> None:
        """Print the result of a command: its fields as JSON, or `text` for people."""
        if self._silent:
            return
        if self.as_json:
            self._json({"event": "result", **fields})
        elif text:
            self._clear()
            print(_printable(text), flush=True)  # click.echo takes an ASCII stream for UTF-8

    def failed(self, reason: str, kind: str) -> int:
        """Print in one line why the command ends here; returns the exit code of a user's error."""
        reason = _printable(" ".join(reason.split()))
        with contextlib.suppress(OSError):  # a full disk may be the reason
            self.event_of_failure(reason, kind)
        with contextlib.suppress(OSError):
            print(f"latent-explorer: {reason}", file=sys.stderr, flush=True)
        return 1

    def event_of_failure(self, reason: str, kind: str) -> None:
        """Print the last line of a stream whose command failed; `kind` is user, memory, interrupt or defect."""
        self._clear()
        if self.as_json:
            self._json({"event": "error", "kind": kind, "message": reason})

    def _is_too_soon(self, event: Event) -> bool:
        """Return True for progress soon after other progress: for weeks of training that would fill a disk."""
        if not isinstance(event, Progress) or event.done >= event.total:
            return False
        now = time.monotonic()
        message, before = self._last_progress
        if event.message == message and now - before < _PROGRESS_SECONDS:
            return True
        self._last_progress = event.message, now
        return False

    def _note(self, text: str) -> None:
        self._clear()
        with contextlib.suppress(OSError):  # a full disk or a closed terminal does not end the work
            print(_printable(text), file=sys.stderr, flush=True)

    def _clear(self) -> None:
        if self._bar:
            self._bar.clear()

    def _json(self, fields: Mapping[str, Any]) -> None:
        line = _encoded(fields)
        sys.stdout.flush()
        sys.stdout.buffer.write(line + b"\n")  # UTF-8, whatever encoding text has here
        sys.stdout.buffer.flush()


def write_json(path: Path, fields: Mapping[str, Any]) -> None:
    """Write the fields of a result as indented JSON. UserError where the file cannot be written."""
    with atomic_output(path) as temporary:
        temporary.write_bytes(msgspec.json.format(_encoded(fields), indent=2) + b"\n")


def _encoded(fields: Mapping[str, Any]) -> bytes:
    """Return fields as JSON in one line; NaN and infinities are null, as json.dumps would not write them."""
    try:
        return msgspec.json.encode(fields, enc_hook=_plain)
    except UnicodeEncodeError:
        return msgspec.json.encode(_with_valid_texts(msgspec.to_builtins(fields, enc_hook=_plain)))


def _with_valid_texts(value: Any) -> Any:
    """Return builtins with every text as `valid_text`: names of old archives are not always UTF-8."""
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, dict):
        return {_with_valid_texts(key): _with_valid_texts(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_with_valid_texts(part) for part in value]
    return value


def _printable(text: str) -> str:
    """Return the text without characters by which a name in a file could control a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in valid_text(text))


def event_fields(event: Event) -> dict[str, Any]:
    """Return an event as the JSON stream carries it. `event` is its kind; of pictures only the size is printed."""
    kind = type(event).__name__.lower()
    if isinstance(event, Preview):
        return {"event": kind, "label": event.label, "size": list(event.image.shape[:2])}
    if isinstance(event, Kept):
        return {"event": kind}  # the command prints the kept value as its result
    fields: dict[str, Any] = msgspec.to_builtins(event)
    return {"event": kind, **fields}


class _ProgressBar:
    """Line on a terminal: the work, how much is done, how long it will still take."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._width = 0
        self._last = -1.0

    def draw(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last < _REDRAW_SECONDS and progress.done < progress.total:
            return
        self._last = now
        part = min(1.0, progress.done / progress.total) if progress.total else 0.0
        bar = ("#" * round(part * _BAR_WIDTH)).ljust(_BAR_WIDTH, "-")
        left = f"  {duration_text(progress.seconds_left)} left" if progress.seconds_left else ""
        line = _printable(f"{progress.message or 'Working'}  {bar}  {part:4.0%}{left}")
        self._write(f"\r{line.ljust(self._width)}")
        self._width = len(line)

    def clear(self) -> None:
        if self._width:
            self._write("\r" + " " * self._width + "\r")
            self._width = 0
            self._last = -1.0

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._stream.write(text)
            self._stream.flush()


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _plain(value: Any) -> Any:
    """Convert what msgspec does not know: numpy's scalars and arrays, and paths."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a JSON line")
