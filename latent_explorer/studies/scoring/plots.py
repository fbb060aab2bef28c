# SPDX-License-Identifier: MIT
"""Plots of a study's result as SVG text: accuracies with intervals, and a histogram of respondents.

The colours are those of Okabe and Ito; every mark also has a number beside it. Text and lines use the colour of the
page (currentColor).
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from latent_explorer.media.drawing import class_color

if TYPE_CHECKING:
    from collections.abc import Sequence

# px: the plot, names on the left, figures on the right, a line
WIDTH, LABEL, VALUE, ROW = 760, 250, 130, 26
TOP, BOTTOM = 12, 44
COLORS = tuple(map(class_color, (5, 0, 1, 4, 3)))


@dataclass(frozen=True)
class Mark:
    """One line: a share in 0..1 with its interval. `group` selects colour and shape; `flag` adds a warning sign."""

    label: str
    value: float
    low: float
    high: float
    note: str = ""
    group: int = 0
    flag: bool = False


def intervals(marks: Sequence[Mark], chance: float | None, axis: str, groups: Sequence[str] = ()) -> str:
    """Return a plot with a dot and its interval on each line, and a dashed line at chance."""
    legend = 24 if len(groups) > 1 else 0
    height = TOP + legend + ROW * len(marks) + BOTTOM
    left, right = LABEL, WIDTH - VALUE
    parts = [_open(height, axis)]
    if legend:
        parts.append(_legend(groups))
    bottom = TOP + legend + ROW * len(marks)
    parts += _axis(left, right, TOP + legend, bottom, axis)
    if chance is not None:
        x = left + chance * (right - left)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP + legend}" y2="{bottom}" stroke="currentColor" '
            f'stroke-dasharray="4 3"/>'
        )
    for i, mark in enumerate(marks):
        parts += _line(mark, TOP + legend + ROW * i + ROW / 2, left, right)
    return "".join([*parts, "</svg>"])


def histogram(values: Sequence[float], axis: str, bins: int = 20) -> str:
    """Return a histogram of values in 0..1 in `bins` equal parts; 1 belongs to the last."""
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int(value * bins + 1e-9))] += 1
    highest, tall = max(counts, default=0) or 1, 140
    left, right, bottom = 24, WIDTH - 24, TOP + 14 + tall
    parts = [_open(bottom + BOTTOM, axis), *_axis(left, right, TOP + 14, bottom, axis)]
    step = (right - left) / bins
    for i, count in enumerate(counts):
        if count:
            high = tall * count / highest
            x = left + i * step
            parts.append(
                f'<rect x="{x + 1:.1f}" y="{bottom - high:.1f}" width="{step - 2:.1f}" height="{high:.1f}" '
                f'fill="{COLORS[0]}"/>'
                f'<text x="{x + step / 2:.1f}" y="{bottom - high - 4:.1f}" text-anchor="middle">{count}</text>'
            )
    return "".join([*parts, "</svg>"])


def _open(height: float, name: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" role="img" aria-label="{html.escape(name)}" font-family="system-ui, sans-serif" '
        f'font-size="13" fill="currentColor">'
    )


def _axis(left: float, right: float, top: float, bottom: float, name: str) -> list[str]:
    parts = [f'<line x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}" stroke="currentColor"/>']
    for tenth in range(0, 11, 2):
        x = left + tenth / 10 * (right - left)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom + 4}" '
            'stroke="currentColor" stroke-opacity="0.15"/>'
            f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{tenth / 10:.1f}</text>'
        )
    middle = (left + right) / 2
    parts.append(f'<text x="{middle:.1f}" y="{bottom + 36}" text-anchor="middle">{html.escape(name)}</text>')
    return parts


def _legend(groups: Sequence[str]) -> str:
    parts, x = [], float(LABEL)
    for i, name in enumerate(groups):
        parts.append(_shape(i, x + 6, TOP + 6))
        shown = _short(name, 28)
        parts.append(f'<text x="{x + 18:.0f}" y="{TOP + 10}">{html.escape(shown)}</text>')
        x += 34 + 7.2 * len(shown)
    return "".join(parts)


def _line(mark: Mark, y: float, left: float, right: float) -> list[str]:
    def x(value: float) -> float:
        return left + min(1.0, max(0.0, value)) * (right - left)

    label = html.escape(_short(mark.label, 34))
    parts = [f'<text x="{left - 12}" y="{y + 4:.1f}" text-anchor="end">{label}</text>']
    if not math.isnan(mark.value):
        color = COLORS[mark.group % len(COLORS)]
        parts.append(
            f'<line x1="{x(mark.low):.1f}" x2="{x(mark.high):.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{color}" '
            f'stroke-width="2.5"/>{_shape(mark.group, x(mark.value), y)}'
        )
    flag = " \N{WARNING SIGN}" if mark.flag else ""
    parts.append(f'<text x="{right + 12}" y="{y + 4:.1f}">{html.escape(mark.note)}{flag}</text>')
    return parts


def _shape(group: int, x: float, y: float) -> str:
    """Draw the mark of a group; groups differ in shape, not in colour alone."""
    color = COLORS[group % len(COLORS)]
    if group % 3 == 1:
        return f'<rect x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9" fill="{color}"/>'
    if group % 3 == 2:
        return f'<path d="M{x:.1f} {y - 6:.1f}l6 11h-12z" fill="{color}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{color}"/>'


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
