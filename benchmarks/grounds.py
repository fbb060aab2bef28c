# SPDX-License-Identifier: MIT
"""Photographs of leaves with their grounds exchanged, for leaf_shortcut.py.

A photograph and its cut-out (black around the leaf) give the mask; the donor's own leaf is filled from the ground
around it. The seam is soft, and a mask one pixel too wide carries some ground along, so the same exchange between
leaves of one class measures how much of a drop in accuracy is due to the cutting.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

BLACK = 24  # of 255; JPEG leaves grey specks on the cut-outs' ground
FILL_RADII = (2, 4, 8, 16, 32)  # px, growing until the whole hole is filled
EDGE = 0.7  # px, softness of the seam


def _as_image(mask: np.ndarray) -> Image.Image:
    return Image.fromarray(mask.astype(np.uint8) * 255)


def leaf_mask(cut_out: np.ndarray) -> np.ndarray:
    """Return the mask (H, W) bool of the leaf in a cut-out (H, W, 3) uint8; holes closed, and one pixel wider."""
    wide = _as_image(cut_out.max(axis=2) > BLACK).filter(ImageFilter.MaxFilter(5))
    return np.asarray(wide.filter(ImageFilter.MinFilter(3))) > 127


def _blurred(values: np.ndarray, radius: float) -> np.ndarray:
    """Blur values (H, W) in 0..1."""
    image = Image.fromarray((255 * values).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(image, dtype=np.float32) / 255


def ground_of(photo: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the photograph (H, W, 3) uint8 without its leaf, filled by blurs of the ground, nearest first."""
    wide = np.asarray(_as_image(mask).filter(ImageFilter.MaxFilter(5))) > 127
    known = (~wide).astype(np.float32)
    ground = photo.astype(np.float32) / 255 * known[..., None]
    filled, out = known > 0, ground.copy()
    for radius in FILL_RADII:
        weight = _blurred(known, radius)
        new = ~filled & (weight > 0.05)
        for channel in range(3):
            out[new, channel] = _blurred(ground[..., channel], radius)[new] / weight[new]
        filled |= new
    out[~filled] = ground.sum(axis=(0, 1)) / max(float(known.sum()), 1.0)
    return (255 * out.clip(0, 1)).astype(np.uint8)


def on_ground(photo: np.ndarray, mask: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Put the leaf of a photograph on another ground."""
    alpha = np.asarray(_as_image(mask).filter(ImageFilter.GaussianBlur(EDGE)), np.float32)[..., None] / 255
    return (photo * alpha + ground * (1 - alpha)).astype(np.uint8)


def exchanged(
    photos: np.ndarray, masks: np.ndarray, labels: np.ndarray, *, other_class: bool, seed: int = 0
) -> np.ndarray:
    """Put every leaf on the ground of another photograph, of its own class or of another, drawn by `seed`."""
    rng = np.random.default_rng(seed)
    out = []
    for i, (photo, mask) in enumerate(zip(photos, masks, strict=True)):
        fits = (labels != labels[i]) if other_class else (labels == labels[i])
        donor = rng.choice(np.flatnonzero(fits & (np.arange(len(labels)) != i)))
        out.append(on_ground(photo, mask, ground_of(photos[donor], masks[donor])))
    return np.stack(out)
