# SPDX-License-Identifier: MIT
"""The exception for errors that the user can understand and fix, and the one by which readers say what is wrong."""

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


def unreadable(name: object, kind: str, why: object, *, suffix: str = "", empty: bool = False) -> UserError:
    """Return the error about a file that cannot be read as the `kind` ("explainer") that it was opened as.

    name    file or its name
    why     words on what is wrong with it, unless it is `empty`
    suffix  ending of such files, ".explainer": the advice to choose one is given only if the file has another ending
    """
    if empty:
        return UserError(f"{name} is empty. Copy or download it again.")
    what = f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"
    if not str(name).lower().endswith(suffix):
        return UserError(f"{name} is not {what} ({why}). Choose a file that ends in {suffix}.")
    return UserError(f"{name} is damaged or not {what} ({why}). Copy or download it again.")


class DamagedData(ValueError):
    """Why data from a file cannot be used, as words after "because". A reader makes a UserError of it."""
