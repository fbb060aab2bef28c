# SPDX-License-Identifier: MIT
"""The one exception that a person is meant to read."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can understand and mend: what happened, why, and what to do, in one or two sentences.

    The command line prints it and ends with 1; the window shows it in the error dialog. Anything else that
    escapes is a defect of ours and keeps its traceback.
    """
