# SPDX-License-Identifier: MIT
"""Frames for tests of animations, and reading every format back with another reader than the one that wrote it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from latent_explorer.media.animation import video
from latent_explorer.media.animation.frames import CaptionContext, Frame
from latent_explorer.media.animation.settings import VIDEO

WORDS = CaptionContext(("diseased", "healthy"), 0, {"classifier": "net 1234", "model": "abcd"})


def leaf(time: float, size: int = 64) -> np.ndarray:
    """Draw a smooth blob with a spot that grows, on a still background: (size, size, 3) uint8."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    inside = np.clip((0.7 - np.hypot(x * 1.4, y)) * 12, 0, 1)
    spot = np.exp(-((np.hypot(x - 0.1, y + 0.2) / (0.05 + 0.3 * time)) ** 4))
    green = np.stack([90 + 40 * x, 140 + 50 * y, 60 + 20 * x * y], axis=-1)
    brown = np.array([120.0, 70, 30])
    image = inside[..., None] * (green * (1 - spot[..., None]) + brown * spot[..., None])
    back = np.stack([20 + 10 * y, 20 + 10 * x, 30 + 10 * y], axis=-1)
    return np.clip(image + (1 - inside[..., None]) * back, 0, 255).astype(np.uint8)


def animation_frames(count: int = 12, size: int = 64, fps: float = 20.0) -> list[Frame]:
    """Return frames of the spot that grows, P(diseased) with it."""
    frames = []
    for i in range(count):
        p = (i + 1) / (count + 1)
        probs = np.array([p, 1 - p], np.float32)
        before = np.array([0.1, 0.9], np.float32)
        frames.append(Frame(leaf(p, size), probs, i / fps, leaf(0.0, size), before, {"note": f"frame {i}"}))
    return frames


def read_frames(path: Path) -> list[np.ndarray]:
    """Return the pictures of an animation as a viewer shows them, (H, W, 3) uint8."""
    if path.is_dir():
        return [_pixels(file) for file in sorted(path.glob("*.png"))]
    if path.suffix in VIDEO:
        return list(video.all_frames(path))
    frames = []
    with Image.open(path) as animation:
        for i in range(animation.n_frames):
            animation.seek(i)
            frames.append(np.asarray(animation.convert("RGB")))
    return frames


def times(path: Path) -> list[int]:
    """Return how long each frame is shown, in ms."""
    found = []
    with Image.open(path) as animation:
        for i in range(animation.n_frames):
            animation.seek(i)
            animation.load()
            found.append(round(animation.info["duration"]))
    return found


def psnr(shown: np.ndarray, meant: np.ndarray) -> float:
    """Peak signal to noise ratio in dB; infinite for equal pictures."""
    error = float(np.mean((shown.astype(float) - meant) ** 2))
    return 10 * float(np.log10(255**2 / error)) if error else float("inf")


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))
