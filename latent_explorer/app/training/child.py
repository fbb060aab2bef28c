# SPDX-License-Identifier: MIT
"""Child processes of our own command line that outlive the window: starting them, and why they ended.

A child has no terminal and no open input, runs at lower priority, and leaves one core to the window. Its standard
output and error go to a file, whose last `{"event": "error"}` line gives the reason of a failure in one sentence.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.common.paths import self_command, self_surroundings
from latent_explorer.data.threads import reserve_one_core

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

OUTPUT = "output.txt"  # of a training, in its run folder
NICENESS = 10
INTERRUPTED = 130  # exit code after SIGINT or SIGTERM, handled in order
_TAIL = 20_000  # bytes at the end of the output that are searched for the reason of a failure

# Children of this process that were not waited for: one that ends stays a zombie until its parent waits, and a later
# controller may ask for it.
_children: dict[int, subprocess.Popen[bytes]] = {}
_codes: dict[int, int] = {}  # exit codes of those that were waited for


def start_child(arguments: Sequence[str], folder: Path, output: str = OUTPUT) -> int:
    """Start `latent-explorer ARGUMENTS` with its output in `folder`/`output`, and return its process id.

    A missing folder is made. Raises UserError if the folder or the process cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        own_folder, environment = self_surroundings()
        with (folder / output).open("wb") as file:
            process = subprocess.Popen(
                self_command(*arguments),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=own_folder,
                env=child_environment(environment),
                **_detached(),
            )
    except OSError as error:
        raise UserError(
            f"The training cannot be started in {folder} ({error.strerror or error}). "
            "Check the space and the permissions there."
        ) from error
    _children[process.pid] = process
    _lower_priority(process.pid)
    return process.pid


def is_running(pid: int) -> bool:
    """Return True if this is a child of this process that still runs. One that has ended is waited for."""
    process = _children.get(pid)
    if process is None:
        return False
    if process.poll() is None:
        return True
    log.info("The child %d ended with %s.", pid, process.returncode)
    _codes[pid] = process.returncode
    del _children[pid]
    return False


def end_child(pid: int) -> None:
    """Kill a child of this process whose work is not needed any more."""
    if is_running(pid):
        process = _children.pop(pid)
        process.kill()
        process.wait()


def failure_of_child(pid: int, output: Path) -> str:
    """Return why a child failed, in one sentence, from its output or else its exit code; empty if it did not fail."""
    code = _codes.get(pid, 0)
    message = last_error(output)
    if message or code in (0, INTERRUPTED):
        return message
    if code in (-signal.SIGTERM, -9):
        return (
            "The system ended the training, most often because memory ran out. "
            "Close other programs, or choose a smaller size, and resume it."
        )
    return f"The training ended unexpectedly (exit {code}). {output} holds what it said."


def last_error(output: Path) -> str:
    """Return the error message in a child's output; empty if there is none, or it was interrupted."""
    message = ""
    try:
        with output.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            tail = file.read()
    except OSError:
        return ""
    for line in tail.splitlines():
        with contextlib.suppress(DamagedData):
            event = guarded_json.decode(line, dict[str, Any])
            if event.get("event") == "error" and event.get("kind") != "interrupt":
                message = str(event.get("message", ""))
    return message


def child_environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return `base` for a child that leaves one core to the window and does not spin while it waits."""
    environment = dict(base)
    reserve_one_core(environment)
    environment["OMP_WAIT_POLICY"] = "PASSIVE"
    environment["PYTHONUNBUFFERED"] = "1"  # its output is read while it runs
    environment["PYTHONIOENCODING"] = "utf-8"
    environment.pop("LATENT_EXPLORER_TIMING", None)
    return environment


def _detached() -> dict[str, Any]:
    """Return options of Popen that keep a child alive after the window or its terminal is closed."""
    if sys.platform == "win32":
        return {
            "creationflags": subprocess.CREATE_NO_WINDOW
            | subprocess.CREATE_NEW_PROCESS_GROUP
            | subprocess.BELOW_NORMAL_PRIORITY_CLASS
        }
    return {"start_new_session": True}


def _lower_priority(pid: int) -> None:
    """Lower the priority of a child that was just started. On Windows `_detached` does so."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # it has ended, or that is not allowed
            priority = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, pid, min(19, priority + NICENESS))
