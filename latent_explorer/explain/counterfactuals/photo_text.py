# SPDX-License-Identifier: MIT
"""Explanations of photographs in words and as fields: both verdicts side by side, and the controls. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.explain.attfind.sufficiency import Rate
    from latent_explorer.explain.counterfactuals.photo import Change, PhotoExplanation
    from latent_explorer.explain.recipe import Picture

Severity = Literal["good", "note", "warning"]
CONTROLS = {  # field of a change: in words
    "unedited": "the copy without the edit",
    "noise": "noise of the same strength",
    "random": "random edits of the same size",
    "weights": "as many styles that the class given to the generator moves most",
}
SHORT = {"unedited": "unedited", "noise": "noise", "random": "random edits", "weights": "class weights"}
_MANY = 0.5  # share of a control's photographs that reach the class, above which it is named: noise, random edits


def sentence(explanation: PhotoExplanation, class_names: Sequence[str], change: Change | None = None) -> str:
    """Return what turns the verdict on a photograph, to be copied: both verdicts, the share, the controls.

    change   one of the explanation's; the first without it
    """
    names, aim = class_names, class_names[explanation.target]
    seen = f"The classifier sees {_verdict(explanation.photo, names)} in {explanation.name}"
    if explanation.photo.verdict == explanation.target:
        return f"{seen} already."
    if not explanation.changes:
        return f"{seen}. No attribute that was found leads to {aim}."
    change = change or explanation.changes[0]
    title, both = attributes_text(change), verdicts_text(explanation, change, names)
    turns = "turns" if len(change.attributes) == 1 else "turn"
    if change.explains:
        parts = [f"{seen}. {title} {turns} it to {aim}: {both}.", controls_text(change)]
        if change.noise.share > _MANY:
            parts.append(f"Noise alone turns it, so any strange texture may do for {aim}.")
        if change.random.n and change.random.share > _MANY:
            parts.append("Random edits of the same size turn it as well, so it may not take these attributes.")
        return " ".join(parts)
    if not (change.turns_copy or change.turns_photo):
        return f"{seen}. Nothing that was tried turns it to {aim}; with {title} it is {both}."
    if not change.turns_photo:
        return (
            f"{seen}. {title} {turns} the model's copy to {aim}, but not the photograph: {both}. "
            "So this does not explain the photograph."
        )
    if not change.turns_copy:
        return (
            f"{seen}. {title} {turns} the photograph to {aim}, but not the model's copy: {both}. "
            "So this does not explain the photograph."
        )
    return (
        f"{seen}. With {title} it becomes {aim}, but without the edit, too, where the copy takes the place of "
        f"{change.share:.0%} of it. So this does not explain the photograph."
    )


def conclusions(
    explanation: PhotoExplanation, change: Change | None, class_names: Sequence[str]
) -> list[tuple[Severity, str]]:
    """Return what follows for the photograph, a sentence each: whether a change explains it, and what noise says."""
    aim = class_names[explanation.target]
    if explanation.photo.verdict == explanation.target:
        return [("note", f"The classifier says {aim} of this photograph already. Choose another class to turn it to.")]
    if change is None:
        return [("note", f"No attribute that was found leads to {aim}. Find attributes searches for more.")]
    lines = [_conclusion(change, aim)]
    if change.noise.share > _MANY:
        lines.append(
            (
                "warning",
                f"Plain noise of the same strength in that place turns it to {aim}, too: any strange texture may do.",
            )
        )
    if change.random.n and change.random.share > _MANY:
        lines.append(
            ("warning", f"Random edits of the same size turn it to {aim}, too: it may not take these attributes.")
        )
    if change.weights.count:
        lines.append(("warning", "Class weights alone turn it, too: the search has shown nothing beyond them."))
    return lines


def _conclusion(change: Change, aim: str) -> tuple[Severity, str]:
    if change.explains:
        return "good", f"Both verdicts turn to {aim}: the explanation holds for the photograph."
    if change.turns_copy and change.turns_photo:
        return "warning", (
            f"The photograph turns to {aim} without the edit, too, once the copy takes the place of {change.share:.0%} "
            "of it. So this is no explanation of the photograph."
        )
    if change.turns_copy != change.turns_photo:
        turns, stays = ("copy", "photograph") if change.turns_copy else ("photograph", "copy")
        return "warning", (
            f"The two verdicts disagree: the {turns} turns to {aim}, the {stays} does not. So this is no explanation "
            "of the photograph."
        )
    return "note", f"Neither verdict turns to {aim}. So this is no explanation of the photograph."


def verdicts_text(explanation: PhotoExplanation, change: Change, class_names: Sequence[str]) -> str:
    """Return both verdicts, on the model's copy and on the photograph, before and after the change."""
    aim = explanation.target
    copy = f"{explanation.copy.probs[aim]:.2f} to {change.copy.probs[aim]:.2f}"
    photo = f"{explanation.photo.probs[aim]:.2f} to {change.photo.probs[aim]:.2f}"
    place = f"with the change in {change.share:.0%} of it"
    return f"{class_names[aim]} {copy} in the model's copy, {photo} in the photograph {place}"


def attributes_text(change: Change) -> str:
    """Return the names of a set of attributes: "Brown centre and Dark spot"."""
    names = [attribute.name for attribute in change.attributes]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def controls_text(change: Change) -> str:
    """Return how often the controls reach the class, in the same place, and whether other networks turn, too."""
    found = [f"{text} {_count(rate)}" for key, text in CONTROLS.items() if (rate := getattr(change, key)).n]
    asked = [f"{name} {'turns' if rate.count else 'does not'}" for name, rate in change.others.items() if rate.n]
    others = f" Another network: {', '.join(asked)}." if asked else ""
    return f"How often the same place turns with a control: {', '.join(found)}.{others}"


def control_notes(change: Change) -> tuple[str, ...]:
    """Return the same as short lines: "noise 0 of 8"."""
    found = [f"{text} {_count(rate)}" for key, text in SHORT.items() if (rate := getattr(change, key)).n]
    return (
        *found,
        *(f"{name} {'turns, too' if rate.count else 'does not'}" for name, rate in change.others.items() if rate.n),
    )


def fields(explanation: PhotoExplanation, class_names: Sequence[str]) -> dict[str, Any]:
    """Return an explanation as `explain-photo --json` prints it."""
    return {
        "name": explanation.name,
        "explained": explanation.explained,
        "target": class_names[explanation.target],
        "sentence": sentence(explanation, class_names),
        "photo": _probs(explanation.photo),
        "copy": _probs(explanation.copy),
        "lpips": explanation.refined.report.lpips,
        "changes": [
            {
                "attributes": [attribute.name for attribute in change.attributes],
                "explains": change.explains,
                "copy": _probs(change.copy),
                "photo": _probs(change.photo),
                "turns_copy": change.turns_copy,
                "turns_photo": change.turns_photo,
                "share": change.share,
                "controls": {key: [getattr(change, key).count, getattr(change, key).n] for key in CONTROLS},
                "others": {name: [rate.count, rate.n] for name, rate in change.others.items()},
            }
            for change in explanation.changes
        ],
    }


def _verdict(picture: Picture, names: Sequence[str]) -> str:
    return f"{names[picture.verdict]} ({picture.probs[picture.verdict]:.2f})"


def _count(rate: Rate) -> str:
    return f"{rate.count} of {rate.n}"


def _probs(picture: Picture) -> list[float]:
    return [float(p) for p in picture.probs]
