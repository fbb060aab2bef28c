# SPDX-License-Identifier: MIT
"""Arithmetic of curves: smoothing, values at a position, and axis labels. No widgets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from latent_explorer.common.format import MINUS

MIN_WEIGHT = 1e-3  # weight below which earlier values are ignored
STEPS = (1.0, 2.0, 5.0)  # of a readable axis, times a power of ten


@dataclass(frozen=True)
class Curve:
    """Curve of `y` (n,) over `x` (n,), images seen, ascending. `key` identifies it in the settings."""

    key: str
    name: str
    x: np.ndarray
    y: np.ndarray
    help: str = ""
    shown: bool = True  # unless the user hides it

    @property
    def empty(self) -> bool:
        """True if there is nothing to draw yet."""
        return not np.isfinite(self.y).any()


def smoothed(y: np.ndarray, weight: float) -> np.ndarray:
    """Return the exponential moving average of (n,), with `weight` in 0..1 on the past.

    Each value is the weighted mean of those up to it, so the start is not biased towards zero. NaNs are
    skipped and stay NaN.
    """
    if weight <= 0 or not len(y):
        return y
    reach = min(len(y), max(1, math.ceil(math.log(MIN_WEIGHT) / math.log(weight))))
    kernel = weight ** np.arange(reach)
    finite = np.isfinite(y)
    sums = np.convolve(np.where(finite, y, 0.0), kernel)[: len(y)]
    weights = np.convolve(finite.astype(float), kernel)[: len(y)]
    return np.where(finite, sums / np.maximum(weights, MIN_WEIGHT), np.nan)


def value_at(curve: Curve, x: float) -> float:
    """Return the value at the point nearest to `x`; NaN if the curve is empty."""
    if not len(curve.x):
        return math.nan
    right = int(np.clip(np.searchsorted(curve.x, x), 1, max(1, len(curve.x) - 1)))
    if len(curve.x) == 1:
        return float(curve.y[0])
    nearest = right if curve.x[right] - x < x - curve.x[right - 1] else right - 1
    return float(curve.y[nearest])


def images_text(images: float) -> str:
    """Format a number of images for an axis: "0", "400", "12k", "1.5M"."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if abs(images) >= size:
            return f"{images / size:.3g}{unit}"
    return f"{images:.0f}"


def value_text(value: float) -> str:
    """Format a value in three significant digits, avoiding exponents: "0.985", "12.5", "1,340", "2e-05"."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    size = abs(value)
    if size == 0:
        text = "0"
    elif size < 1e-3:
        text = f"{size:.1e}".replace(".0e", "e")
    elif size >= 1000:
        text = f"{size:,.0f}"
    else:
        text = f"{size:.{max(0, 2 - math.floor(math.log10(size)))}f}"
    return MINUS + text if value < 0 else text


def steps_between(low: float, high: float, maximum: int) -> list[float]:
    """Return at most `maximum` round numbers in low..high: multiples of 1, 2 or 5 times a power of ten."""
    if not (high > low and maximum >= 1):
        return []
    rough = (high - low) / maximum
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((s * power for s in STEPS if s * power >= rough * (1 - 1e-9)), 10 * power)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def decades_between(low: float, high: float, maximum: int) -> list[float]:
    """Return at most `maximum` readable numbers between the positive `low` and `high`, for a logarithmic axis."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for marks in (STEPS, (1.0, 3.0), (1.0,)):
        values = [m * 10.0**e for e in range(first, last + 1) for m in marks]
        inside = [v for v in values if low * (1 - 1e-9) <= v <= high * (1 + 1e-9)]
        if len(inside) <= maximum:
            return inside
    every = math.ceil(len(inside) / maximum)
    return inside[::every]
