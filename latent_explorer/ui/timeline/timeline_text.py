# SPDX-License-Identifier: MIT
"""Texts about timelines: easings, spaces, tooltips and descriptions for screen readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.explain.recipe import Space
    from latent_explorer.explain.timeline.timeline import Easing, Timeline

EasingPreset = Literal["linear", "smooth", "hold"]
EMPTY = "Move a slider, press K, move it again, press K."
ONE = "Move a slider and press K again."
NO_MODEL = "Open an explainer first; keyframes show its pictures."
EASINGS: dict[EasingPreset, str] = {"linear": "Linear", "smooth": "Smooth", "hold": "Hold"}
SPACES: dict[Space, str] = {
    "z": "Z, straight",
    "z-slerp": "Z, on the sphere",
    "w": "W",
    "w+": "W+",
    "style": "Style space",
}
SPACE_HELP: dict[Space, str] = {
    "z": "Straight between the seeds' random vectors; only between seeds, else W+",
    "z-slerp": "Along the sphere on which random vectors lie; only between seeds, else W+",
    "w": "Between latents in W: even steps for the eye",
    "w+": "Between latents row by row: fits projected pictures",
    "style": "Between the values that the style coordinates take",
}
SPACE_WORDS: dict[Space, str] = {"z": "z", "z-slerp": "z", "w": "w", "w+": "w+", "style": "style space"}  # glossary


def keyframes(count: int) -> str:
    """Return "1 keyframe", "3 keyframes"."""
    return f"{count} keyframe{'s' if count != 1 else ''}"


def short_space(space: Space) -> str:
    """Return a short name of a space."""
    return {"z": "Z", "z-slerp": "Z slerp", "style": "Style"}.get(space, SPACES[space])


def easing_text(easing: Easing) -> str:
    """Return the name of an easing: "Smooth", "Custom curve"."""
    return EASINGS.get(easing, "Custom curve") if isinstance(easing, str) else "Custom curve"


def time_text(seconds: float) -> str:
    """Return seconds with two decimals: "1.25"."""
    return f"{seconds:.2f}"


def tooltip(timeline: Timeline | None, kind: str, index: int) -> str:
    """Return the tooltip of a keyframe or a segment."""
    if timeline is None or not 0 <= index < len(timeline.keyframes):
        return ""
    keyframe = timeline.keyframes[index]
    if kind == "keyframe":
        return (
            f"Keyframe {index + 1} at {time_text(keyframe.seconds)} s\n"
            "Drag to move, with Ctrl to copy; double click to bring it to the sliders"
        )
    if kind == "segment":
        return f"{easing_text(keyframe.easing)}\nClick to change how the picture moves here"
    return ""


def description(timeline: Timeline | None, playhead: float, selected: Sequence[int]) -> str:
    """Return a description of the whole timeline for screen readers."""
    if timeline is None or not timeline.keyframes:
        return EMPTY
    parts = [
        keyframes(len(timeline.keyframes)),
        f"{time_text(timeline.keyframes[-1].seconds)} seconds",
        f"playhead at {time_text(playhead)}",
    ]
    if len(selected) == 1:
        keyframe = timeline.keyframes[selected[0]]
        parts.append(f"keyframe {selected[0] + 1} selected, {easing_text(keyframe.easing).lower()} after it")
    elif selected:
        parts.append(f"{len(selected)} keyframes selected")
    return ", ".join(parts)
