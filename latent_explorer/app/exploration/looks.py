# SPDX-License-Identifier: MIT
"""What is painted over pictures: where an attribute changes them, and Grad-CAM; and which attributes look alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.explain.likeness import ALIKE, unit_change
from latent_explorer.media.report.colormap import colormap

if TYPE_CHECKING:
    from collections.abc import Mapping

FULL_CHANGE = 64  # grey levels of 255 from which a pixel counts as wholly changed


def where_changed(minus: np.ndarray, now: np.ndarray, plus: np.ndarray) -> np.ndarray:
    """Return how much each pixel changes at either end, (H, W) in 0..1, of pictures (H, W, 3) uint8."""
    middle = now.astype(np.float32)
    largest = np.maximum(np.abs(minus - middle), np.abs(plus - middle))
    where: np.ndarray = np.clip(largest.mean(axis=2) / FULL_CHANGE, 0, 1)
    return where


def overlay(now: np.ndarray, where: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Return the picture in dim grey with `color` where it changes, (H, W, 3) uint8."""
    grey = np.repeat(now.mean(axis=2, keepdims=True), 3, axis=2) * 0.6
    share = where[..., None]
    mixed: np.ndarray = np.rint(grey * (1 - share) + np.array(color) * share).astype(np.uint8)
    return mixed


def heat_overlay(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Return the picture in dim grey under the colours of a heat map (H, W) in 0..1, (H, W, 3) uint8."""
    grey = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2) * 0.6
    share = 0.9 * heat[..., None]
    mixed: np.ndarray = np.rint(grey * (1 - share) + colormap(0.35 + 0.65 * heat) * share).astype(np.uint8)
    return mixed


def look_alikes(now: np.ndarray, plus: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Return, for every attribute whose picture at the plus end changes much like an earlier one's, that one's key."""
    alike: dict[str, str] = {}
    changes: dict[str, np.ndarray] = {}
    for key, picture in plus.items():
        change = unit_change(now, picture)
        if change is None:
            continue
        nearest = max(changes, key=lambda other: float(changes[other] @ change), default=None)
        if nearest is not None and float(changes[nearest] @ change) >= ALIKE:
            alike[key] = nearest
        changes[key] = change
    return alike
