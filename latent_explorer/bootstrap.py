# SPDX-License-Identifier: MIT
"""Preparation of the process before anything else is imported; then the command line takes over.

Environment variables, import order, frozen children and missing streams.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def prepare() -> None:
    """Make the process fit for torch and Qt. Safe to call twice."""
    # Spinning OpenMP threads cost a factor of ten as soon as anything else runs on the machine. torch reads
    # this once, when it is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _replace_missing_streams()
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


def main() -> NoReturn:
    """Entry point of the console script, of `python -m latent_explorer`, of `main.py` and of the frozen program."""
    if getattr(sys, "frozen", False):
        import multiprocessing

        multiprocessing.freeze_support()
    prepare()
    from latent_explorer.cli.root import main as command_line

    sys.exit(command_line())
