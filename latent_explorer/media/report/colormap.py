# SPDX-License-Identifier: MIT
"""A perceptually uniform colour map, from dark violet over red to pale yellow, and pictures as data URIs.

The map has linearly rising lightness and a turning hue in Oklab (B. Ottosson, "A perceptual color space for image
processing", 2020), so equal steps look equal, also in grey and to colour-blind readers.
"""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from latent_explorer.media.drawing import fit

LIGHTNESS = (0.16, 0.97)
HUE = (300.0, 465.0)  # degrees; 105 is yellow
CHROMA = 0.17  # in the middle; less at both ends, where the sRGB gamut is smaller
METHOD = 2  # of WebP, up to 6; 4 takes six times as long and saves 8 % of the bytes
MAX_SIDE = 160  # px: pictures on the page; larger ones are embedded at this size

# From Oklab to linear sRGB.
_TO_LMS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def colormap(values: np.ndarray) -> np.ndarray:
    """Map values (...) in 0..1 to colours (..., 3) uint8."""
    t = np.clip(np.nan_to_num(np.asarray(values, np.float64)), 0, 1)
    hue = np.radians(HUE[0] + t * (HUE[1] - HUE[0]))
    chroma = CHROMA * (0.35 + 0.65 * np.sin(np.pi * t))
    lightness = LIGHTNESS[0] + t * (LIGHTNESS[1] - LIGHTNESS[0])
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=-1)
    linear = np.clip((lab @ _TO_LMS.T) ** 3 @ _TO_RGB.T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    colors: np.ndarray = np.rint(255 * encoded).astype(np.uint8)
    return colors


def gradient(stops: int = 13) -> str:
    """Return the map from left to right as a CSS gradient."""
    colors = (f"rgb({r} {g} {b})" for r, g, b in colormap(np.linspace(0, 1, stops)).tolist())
    return f"linear-gradient(90deg, {', '.join(colors)})"


def data_uri(image: np.ndarray) -> str:
    """Return the picture (H, W, 3) uint8 as a data URI, lossless except that large pictures are scaled down."""
    side = max(image.shape[:2])
    if side > MAX_SIDE:
        height, width = (max(1, round(n * MAX_SIDE / side)) for n in image.shape[:2])
        image = fit(image, width, height)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", lossless=True, quality=75, method=METHOD)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
