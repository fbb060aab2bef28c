# SPDX-License-Identifier: MIT
"""What an explainer may say to people: a note of a few sentences, and its licence, as plain text in its provenance.

Whoever made the file writes it, so what is read is cut to its length and cleaned; whoever shows it shows it as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTE, LICENCE = "note", "licence"  # keys of the provenance
MAX_NOTE = 600  # characters, of either


def note_of(provenance: Mapping[str, Any]) -> str:
    """The note, at most MAX_NOTE characters; "" where there is none, or where what stands there is no text."""
    note = provenance.get(NOTE)
    return _clean(note[:MAX_NOTE]) if isinstance(note, str) else ""


def with_note(provenance: Mapping[str, Any], note: str, key: str = NOTE) -> dict[str, Any]:
    """The provenance with this note (or licence, by its key), or without one if it is empty.

    Raises UserError when it is too long.
    """
    note = _clean(note)
    if len(note) > MAX_NOTE:
        raise UserError(f"A {key} has at most {MAX_NOTE} characters, this one has {len(note)}. Say it shorter.")
    others = {name: value for name, value in provenance.items() if name != key}
    return {**others, key: note} if note else others


def _clean(text: str) -> str:
    """One paragraph: control characters could reorder or hide the words around them, empty lines fill a window."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
