# SPDX-License-Identifier: MIT
"""Reading a choice from whatever a survey writes: "1", "B", "Choice 2", "top right"; and whether it is
the right one."""

from __future__ import annotations

import re

_WORDS = (
    (re.compile(r"\b(top|upper|first|oben|erste\w*)\b"), "1"),
    (re.compile(r"\b(bottom|lower|second|unten|zweite\w*)\b"), "2"),
    (re.compile(r"^\W*(left|links)\W*$"), "1"),
    (re.compile(r"^\W*(right|rechts)\W*$"), "2"),
)
_NUMBER = re.compile(r"^\D{0,24}?0*([1-9]|0)(?:\.0+)?\D*$")  # LimeSurvey's codes are "A1" or "AO01"
_LETTER = re.compile(r"^(?:(?:option|choice|image|picture|answer|antwort|bild)\s+)?([a-h])(?:[).:].*)?$")


def parse_choice(text: str) -> str | None:
    """The number of the choice that a text names, from "1"; None when it names none."""
    text = text.strip().lower()
    if len(text) > 60:
        return None
    for pattern, number in _WORDS:
        if pattern.search(text):
            return number
    if found := _NUMBER.match(text):
        return found.group(1)
    if found := _LETTER.match(text):
        return str("abcdefgh".index(found.group(1)) + 1)
    return None


def is_right(answer: str, right: str, choices: int = 2) -> bool | None:
    """Whether an answer is the right one of so many. None: it names none of them, so it counts as missing."""
    if answer.strip().lower() == right.strip().lower():
        return True
    wanted, chosen = parse_choice(right), parse_choice(answer)
    if wanted is None or int(wanted) > choices:
        return False  # the key holds a choice's own text or code; anything else is another choice
    return None if chosen is None or int(chosen) > choices else chosen == wanted
