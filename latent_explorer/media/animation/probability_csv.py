# SPDX-License-Identifier: MIT
"""The probabilities of an animation's frames as CSV: lines of facts with # before them, a head, a line a frame."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from latent_explorer.media.animation.frames import CaptionContext


def probability_table(rows: Iterable[tuple[float, np.ndarray]], words: CaptionContext) -> str:
    """Frame, seconds and the probability of every class; `rows` are (seconds, probs (K,)).

    Six significant digits: a float32 has no more than seven.
    """
    text = io.StringIO()
    for key, fact in words.facts.items():
        text.write(f"# {key}: {' '.join(fact.split())}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["frame", "seconds", *(f"P({name})" for name in words.class_names)])
    for number, (seconds, probs) in enumerate(rows):
        writer.writerow([number, f"{seconds:.3f}", *(f"{float(p):.6g}" for p in probs)])
    return text.getvalue()
