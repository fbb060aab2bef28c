# SPDX-License-Identifier: MIT
"""The exception for errors that the user can understand and fix."""

from __future__ import annotations

import re

from latent_explorer.common.format import readable, without_middle

MAX_WORD, MAX_MESSAGE = 400, 2000  # characters; a file may put megabytes where a name belongs


class UserError(Exception):
    """Error that the user can fix: what happened, why, and what to do, in one or two sentences.

    The command line prints it and exits with 1; the window shows it in the error dialog. Any other exception that
    escapes is a bug and keeps its traceback. What the message quotes from files is cut in its middle, so that the
    advice at the end remains.
    """

    def __init__(self, message: str) -> None:
        short = re.sub(rf"\S{{{MAX_WORD},}}", lambda word: without_middle(word.group(), MAX_WORD), message)
        super().__init__(readable(without_middle(short, MAX_MESSAGE)))
