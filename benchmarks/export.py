# SPDX-License-Identifier: MIT
"""Difference between the frames of exported files and the preview's, by format, with size and time.

Method. One timeline of the bundled explainer, a walk through four seeds of 1 s each at 20 frames per second, is
exported in every format as the window does it. Each file is read back by another reader than the one that wrote it
(Pillow for GIF, WebP and PNG, PyAV for videos) and compared, frame by frame, with what the preview shows: the same
recipes rendered again by a renderer of its own, enlarged 8 times. "Still pixels that move" are those whose colour is
the same in two frames of the preview but not in the file. The yardstick for GIF is Pillow's own animation with a
MAXCOVERAGE palette a frame.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from latent_explorer.app import library
from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration import picture_requests
from latent_explorer.app.export.job import animation
from latent_explorer.app.export.scene import Scene
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.timeline.makers import random_walk
from latent_explorer.media.animation import video
from latent_explorer.media.animation.frames import Frame, compose
from latent_explorer.media.animation.settings import VIDEO, AnimationSettings

SEEDS = (3, 5, 7, 11)
FILES = (
    ("GIF", ".gif", 90),
    ("GIF, 64 colours", ".gif", 50),
    ("WebP, quality 90", ".webp", 90),
    ("WebP, lossless", ".webp", 100),
    ("APNG", ".png", 90),
    ("PNG pictures", "", 90),
    ("MP4, quality 90", ".mp4", 90),
    ("WebM, quality 90", ".webm", 90),
)


def read(path: Path) -> list[np.ndarray]:
    """Return the frames of a file as a viewer shows them."""
    if path.is_dir():
        return [np.asarray(Image.open(file).convert("RGB")) for file in sorted(path.iterdir())]
    if path.suffix in VIDEO:
        return list(video.all_frames(path))
    shown = []
    with Image.open(path) as picture:
        for number in range(picture.n_frames):
            picture.seek(number)
            shown.append(np.asarray(picture.convert("RGB")))
    return shown


def compare(shown: list[np.ndarray], meant: list[np.ndarray]) -> str:
    """Return maximum and mean error in levels, worst and median PSNR, and still pixels that move, as text."""
    pairs = list(zip(shown, meant, strict=True))
    errors = [np.abs(a.astype(int) - b) for a, b in pairs]
    squares = [float((e**2).mean()) for e in errors]
    psnr = [10 * np.log10(255**2 / s) if s else np.inf for s in squares]
    moved = []
    for i in range(1, len(meant)):
        still = (meant[i] == meant[i - 1]).all(axis=2)
        moved.append((shown[i] != shown[i - 1]).any(axis=2)[still].mean() if still.any() else 0.0)
    return (
        f"{max(e.max() for e in errors):4d} {np.mean([e.mean() for e in errors]):7.3f} "
        f"{min(psnr):8.2f} {np.median(psnr):8.2f} {100 * float(np.mean(moved)):8.2f} %"
    )


def pillow_gif(path: Path, frames: list[np.ndarray]) -> None:
    """Write Pillow's own animation, with a MAXCOVERAGE palette for each frame and no dither."""
    made = [Image.fromarray(f).quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE) for f in frames]
    made[0].save(path, save_all=True, append_images=made[1:], duration=50, loop=0, disposal=1)


def report(name: str, path: Path, began: float, meant: list[np.ndarray]) -> None:
    took = (time.perf_counter() - began) / len(meant)
    files = path.iterdir() if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files) / 1000
    print(f"{name:20} {size:9.0f} {1000 * took:9.0f} {compare(read(path), meant)}", flush=True)


def main() -> None:
    host, preview = ModelHost(), ModelHost()
    path = library.bundled_explainer()
    summary = host.open(path, "cpu").summary
    preview.open(path, "cpu")
    scene = Scene(random_walk(SEEDS, 1.0), picture_requests.opening_state(summary), summary)
    plain = AnimationSettings()
    results = [preview.render(request).after for request in scene.requests(plain)]
    meant = [compose(Frame(r.image, r.probs, 0.0), plain, scene.words) for r in results]
    print(f"{len(meant)} frames, {meant[0].shape[1]} px; errors in levels of 255, PSNR in dB")
    print(
        f"{'':20} {'KB':>9} {'ms/frame':>9} {'max':>4} {'mean':>7} {'worst':>8} {'median':>8}  still pixels that move"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, suffix, quality in FILES:
            out, began = Path(folder) / f"file{suffix}", time.perf_counter()
            settings = AnimationSettings(quality=quality)
            try:
                run_job(animation(out, scene, settings, host.render))
            except UserError as error:
                print(f"{name:20} {error}", file=sys.stderr)
                continue
            report(name, out, began, meant)
        out, began = Path(folder) / "pillow.gif", time.perf_counter()
        pillow_gif(out, meant)
        report("Pillow's own GIF", out, began, meant)


if __name__ == "__main__":
    main()
