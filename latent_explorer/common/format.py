# SPDX-License-Identifier: MIT
"""Numbers, durations, sizes and new names as text, the same in the window, on the command line and in files."""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MINUS = "\N{MINUS SIGN}"
KEPT = "\n\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # letters of Persian and Hindi need the joiners
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_PLAIN = {
    MINUS: "-", ELLIPSIS: "...", "\N{HYPHEN}": "-", "\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{MIDDLE DOT}": "-",
    "\N{BULLET}": "*",    "\N{MULTIPLICATION SIGN}": "x", "\N{RIGHTWARDS ARROW}": "->", "\N{PLUS-MINUS SIGN}": "+-",
    "\N{GREATER-THAN OR EQUAL TO}": ">=", "\N{LESS-THAN OR EQUAL TO}": "<=", "\N{ALMOST EQUAL TO}": "~",
    "\N{GREEK SMALL LETTER KAPPA}": "kappa", "\N{GREEK SMALL LETTER PSI}": "psi", "\N{GREEK SMALL LETTER MU}": "u",
    "\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"', "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
}  # fmt: skip
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400  # seconds


def number_text(value: float, digits: int = 2) -> str:
    """Format a number with a true minus sign; a value that rounds to zero has none."""
    rounded = round(value, digits) + 0.0
    return f"{rounded:.{digits}f}".replace("-", MINUS)


def signed_text(value: float, digits: int = 2) -> str:
    """Format a change with its sign; a value that rounds to zero has none."""
    return ("+" if round(value, digits) > 0 else "") + number_text(value, digits)


def valid_text(text: str) -> str:
    """Return the text with a mark for what is no character, as in file names that are not UTF-8."""
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)


def plain_stand_in(error: UnicodeError) -> tuple[str, int]:
    """Return an ASCII text for what an encoding lacks, and where to go on: an error handler for `codecs`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(character: str) -> str:
    without_accent = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return _PLAIN.get(character) or (without_accent if character.isalpha() else "") or "?"


def duration_text(seconds: float) -> str:
    """Format a duration: "40 s", "18 min", "3.5 h", "2 days"."""
    if seconds < 1.5 * _MINUTE:
        return f"{max(1, round(seconds))} s"
    if seconds < 1.5 * _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    unit, name = (_HOUR, "h") if seconds < 1.5 * _DAY else (_DAY, "days")
    return f"{round(seconds / unit, 1):g} {name}"


def size_text(count: float) -> str:
    """Format a number of bytes: "640 kB", "2.1 MB", "210 MB", "1.4 GB"; a megabyte is a million bytes."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= 0.9995 * unit:
            return f"{count / unit:.{int(count < 99.95 * unit)}f} {name}"
    return f"{max(1, round(count / 1e3))} kB"


def readable(text: str) -> str:
    """Return a foreign text without characters that reorder or hide others; what cannot be shown becomes U+FFFD."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in KEPT else _stand_in(c) for c in text)


def _stand_in(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) == "Cf" else "\N{REPLACEMENT CHARACTER}"


def shortened(text: str, limit: int = 60) -> str:
    """Return a name from a file as one line of at most `limit` characters."""
    line = " ".join(readable(text[: 4 * limit]).split())  # it may be megabytes long
    return line if len(line) <= limit else line[: limit - 1] + ELLIPSIS


def without_middle(text: str, limit: int) -> str:
    """Return at most `limit` characters of a text: its beginning and its end."""
    end = limit // 3
    return text if len(text) <= limit else f"{text[: limit - end - 1]}{ELLIPSIS}{text[-end:]}"


def free_name(name: str, is_taken: Callable[[str], bool], joint: str = " ") -> str:
    """Return the name, or else the first of "name 2", "name 3", ... that is free."""
    names = itertools.chain([name], (f"{name}{joint}{n}" for n in itertools.count(2)))
    return next(each for each in names if not is_taken(each))
