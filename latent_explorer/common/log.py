# SPDX-License-Identifier: MIT
"""The program's log: one rotating file in the user's log folder. No other module adds handlers.

Modules use `logging.getLogger(__name__)`; messages for the user are events or a `UserError`, not log lines.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import platform
import sys
import threading
from typing import TYPE_CHECKING

from latent_explorer.common.paths import log_dir

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_FORMAT = "%(asctime)s %(levelname)-7s %(threadName)s %(name)s: %(message)s"
_MAX_BYTES = 1_000_000


def log_path() -> Path:
    """Return the path of the log file, which a bug report should contain."""
    return log_dir() / "log.txt"


class _LogFile(logging.handlers.RotatingFileHandler):
    """Log file that is left out where it cannot be written: a log is not worth a traceback at every line."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Ignore the error; `doctor` names folders that cannot be written."""


def start_logging(command: str) -> None:
    """Open the log file and write uncaught exceptions to it. A folder that cannot be written is not an error."""
    logger = logging.getLogger("latent_explorer")
    if any(isinstance(h, _LogFile) for h in logger.handlers):
        return
    with contextlib.suppress(OSError):
        handler = _LogFile(
            log_path(), maxBytes=_MAX_BYTES, backupCount=2, encoding="utf-8", errors="backslashreplace", delay=True
        )
        handler.setFormatter(logging.Formatter(_FORMAT))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.info("%s on %s, Python %s", command, platform.platform(), platform.python_version())
    _log_uncaught(logger)


def _log_uncaught(logger: logging.Logger) -> None:
    previous, previous_in_thread = sys.excepthook, threading.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            logger.critical("uncaught", exc_info=(kind, error, trace))
        previous(kind, error, trace)

    def thread_hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            logger.critical("uncaught in a thread", exc_info=(args.exc_type, args.exc_value, args.exc_traceback))
        previous_in_thread(args)

    sys.excepthook = hook
    threading.excepthook = thread_hook
