# SPDX-License-Identifier: MIT
"""Words that people who see the program for the first time do not understand stay out of its texts."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import latent_explorer

ROOMS = ("ui", "app", "cli", "studies")
# Idioms that were in the window, each with what is said instead
WORDS = {
    r"\b(un)?told\b(?! to\b)": "given",
    r"\balike\?": "in the same way",
    r"\bis asked\b": "whose verdict is shown",
    r"κ": "share of the way to the observed end",
    r"\b(questions|seconds|s|images|colours|line|minutes) an? (question|attribute|frame|second|participant)\b": "per",
    r"\b(one|name) a line\b": "per line",
    r"\bframe stands\b": "seconds per frame",
    r"\bshift of\b": "the slider's name",
    r"\btak(e|en) (it |them )?(out|away)\b": "remove",
}


def texts(path: Path) -> list[str]:
    """Return the strings of a module that are not docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


def test_no_text_uses_them():
    root = Path(latent_explorer.__file__).parent
    found = [
        f"{path.relative_to(root)}: {text!r}; say {better!r}"
        for room in ROOMS
        for path in (root / room).rglob("*.py")
        for text in texts(path)
        for word, better in WORDS.items()
        if re.search(word, text)
    ]
    assert not found, "\n".join(found)
