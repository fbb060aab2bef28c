# SPDX-License-Identifier: MIT
"""Preparation of the process before anything else is imported; then the command line takes over.

Environment variables, import order, frozen children and missing streams.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from typing import NoReturn


def prepare() -> None:
    """Make the process fit for torch and Qt. Safe to call twice."""
    # Spinning OpenMP threads cost a factor of ten as soon as anything else runs on the machine. torch reads
    # this once, when it is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _replace_missing_streams()
    _print_on_every_encoding()
    if sys.platform == "win32":
        import torch  # noqa: F401  # loading Qt first breaks the search for torch's c10.dll (pytorch 166628)


def _replace_missing_streams() -> None:
    """Write to the log file where stdout and stderr are missing, as in windowed builds on Windows."""
    if sys.stdout is not None and sys.stderr is not None:
        return
    from latent_explorer.common.paths import log_dir

    try:
        stream = (log_dir() / "output.txt").open("w", encoding="utf-8", buffering=1)
    except OSError:
        stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # lives as long as the process
    sys.stdout = sys.stdout or stream
    sys.stderr = sys.stderr or stream


def _print_on_every_encoding() -> None:
    """Let text be printed where the encoding lacks a character, as in a pipe on Windows: "-" for our true minus sign.

    Otherwise a result would be lost because of one sign. JSON lines are UTF-8 anyway.
    """
    from latent_explorer.common.format import plain_stand_in

    codecs.register_error("latent_explorer", plain_stand_in)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="latent_explorer")


def main() -> NoReturn:
    """Entry point of the console script, of `python -m latent_explorer`, of `main.py` and of the frozen program."""
    try:
        sys.exit(_run())
    except KeyboardInterrupt:  # in the first seconds, before the command line handles it
        with contextlib.suppress(OSError):
            os.write(2, b"Interrupted.\n")
        sys.exit(130)


def _run() -> int:
    if getattr(sys, "frozen", False):
        import multiprocessing

        multiprocessing.freeze_support()
    if sys.argv[1:2] == ["--serve-program"]:  # before anything that a foreign program could use
        from latent_explorer.models.programs.child import serve

        return serve(int(sys.argv[2]))
    prepare()
    from latent_explorer.cli.root import main as command_line

    return command_line()
