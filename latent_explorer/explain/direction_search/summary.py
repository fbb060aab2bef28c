# SPDX-License-Identifier: MIT
"""What a search found, in words: for the window, the command line and its report. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from latent_explorer.explain.direction_search.settings import DirectionCheck, FoundDirection


def class_index(text: str, class_names: Sequence[str]) -> int:
    """Return the class that a name, or a number from 0, means. UserError if there is none."""
    if text in class_names:
        return class_names.index(text)
    if text.isascii() and text.isdigit() and int(text) < len(class_names):
        return int(text)
    known = ", ".join(shortened(name) for name in class_names[:10]) or "none"
    raise UserError(f"There is no class {shortened(text)}. The classifier has: {known}.")


def found_fields(found: FoundDirection) -> dict[str, Any]:
    """Return a direction as `--json` prints it."""
    return {
        "name": found.direction.name,
        "target": found.target,
        "figures": found.figures,
        "identity": found.identity,
        "check": None if found.check is None else msgspec.to_builtins(found.check),
    }


def found_lines(found: FoundDirection, class_names: Sequence[str]) -> list[str]:
    """Return lines on a direction: its name with the figures of its method, and what it does."""
    figures = "  ".join(f"{key} {value:.3g}" for key, value in found.figures.items())
    if found.identity:
        figures += f"  identity loss: {found.identity}"
    lines = (figures, check_text(found.check, class_names), amount_text(found.figures))
    return [found.direction.name, *(f"  {line}" for line in lines if line)]


def effect_text(found: FoundDirection, class_names: Sequence[str]) -> str:
    """Return what is known of what a direction does to pictures that it was not found with; empty if nothing is."""
    figures = found.figures
    texts = (fit_text(figures), check_text(found.check, class_names), amount_text(figures))
    return " ".join(filter(None, texts))


def fit_text(figures: Mapping[str, float]) -> str:
    """Return how well a direction of a person's labels tells them, as a sentence; empty for other directions."""
    if "shuffled" not in figures:
        return ""
    span = f"[{figures['low']:.2f}, {figures['high']:.2f}] on {figures['examples']:.0f} pictures"
    if "accuracy" in figures:
        controls = f"the larger label {figures['majority']:.2f}, labels shuffled {figures['shuffled']:.2f}"
        return f"Right on {figures['accuracy']:.2f} {span} in cross-validation ({controls})."
    return (
        f"Correlation with the ratings {figures['correlation']:.2f} {span} in cross-validation (ratings shuffled "
        f"{figures['shuffled']:.2f})."
    )


def check_text(check: DirectionCheck | None, class_names: Sequence[str]) -> str:
    """Return what a direction does to held-out pictures, as a sentence; empty if it was not tried."""
    if check is None:
        return ""
    what = "change their verdict" if check.target is None else f"become {shortened(class_names[check.target])}"
    text = f"{_shares(check.flipped)} of {check.pictures} other pictures {what} at {_amounts(check)} sd"
    if check.random_flipped:
        text += f"; random directions of that length: {_shares(check.random_flipped)}"
    return f"{text}."


def amount_text(figures: Mapping[str, float]) -> str:
    """Return how to ask for a change along a direction found with the loss "amount", as sentences; empty for others."""
    if "amount_error" not in figures:
        return ""
    text = (
        f"Per 0.1 of probability that you ask for, move it by {0.1 * figures['length_sd']:.2f} sd. Changes of up to "
        f"0.5 are missed by {figures['amount_error']:.2f} on average"
    )
    if "amount_error_random" in figures:
        text += f" (along random directions by {figures['amount_error_random']:.2f})"
    return f"{text}; a picture that stays as it is misses them by {figures['amount_error_still']:.2f}."


def _shares(shares: Sequence[float]) -> str:
    return ", ".join(f"{share:.0%}" for share in shares)


def _amounts(check: DirectionCheck) -> str:
    return ", ".join(f"{amount:g}" for amount in check.amounts)
