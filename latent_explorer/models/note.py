# SPDX-License-Identifier: MIT
"""The note for people that an explainer may carry: a few sentences of plain text in `provenance["note"]`.

Whoever made the file writes it, so what is read is cut to its length and cleaned; whoever shows it shows it as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "note"
MAX_NOTE = 600  # characters


def note_of(provenance: Mapping[str, Any]) -> str:
    """The note, at most MAX_NOTE characters; "" where there is none, or where what stands there is no text."""
    note = provenance.get(KEY)
    return _clean(note[:MAX_NOTE]) if isinstance(note, str) else ""


def with_note(provenance: Mapping[str, Any], note: str) -> dict[str, Any]:
    """The provenance with this note, or without one if it is empty. Raises UserError when it is too long."""
    note = _clean(note)
    if len(note) > MAX_NOTE:
        raise UserError(
            f"A note has at most {MAX_NOTE} characters, this one has {len(note)}. Say it shorter."
        )
    others = {key: value for key, value in provenance.items() if key != KEY}
    return {**others, KEY: note} if note else others


def _clean(text: str) -> str:
    """One paragraph: control characters could reorder or hide the words around them, empty lines fill a window."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
