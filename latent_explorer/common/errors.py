# SPDX-License-Identifier: MIT
"""The exception for errors that the user can understand and fix."""

from __future__ import annotations


class UserError(Exception):
    """Error that the user can fix: what happened, why, and what to do, in one or two sentences.

    The command line prints it and exits with 1; the window shows it in the error dialog. Any other exception that
    escapes is a bug and keeps its traceback.
    """
