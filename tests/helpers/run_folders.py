# SPDX-License-Identifier: MIT
"""Run folders as a training leaves them, made of invented figures and procedural leaves, in no time."""

from __future__ import annotations

import functools
import math
import time
from pathlib import Path

import numpy as np
from fake_explainer import base_styles, paint
from PIL import Image

from latent_explorer.explain.recipe import SeedBase
from latent_explorer.training.config import ClassifierTraining, DataConfig, TrainConfig
from latent_explorer.training.run_folder import RunFolder, RunStatus

SIDE = 32  # px
COLUMNS = 8


def make_run(path: Path, state: str = "paused", *, images: int = 24_000, total: int = 48_000, **fields) -> RunFolder:
    """Make a run after `images`: figures every 400, validation and a sheet every 4,000; `fields` of its status."""
    folder = RunFolder(path)
    data = DataConfig(str(path / "pictures"), label="healthy")
    folder.create(TrainConfig(data, "", ClassifierTraining(data), resolution=SIDE, images=total, name=path.name))
    random = np.random.default_rng(len(path.name))
    for seen in range(400, images + 1, 400):
        folder.append_metrics(seen, losses(seen, random))
        if seen % 4_000 == 0:
            folder.append_metrics(seen, validation(seen, random))
            folder.write_sheet(seen, sheet(seen))
    folder.log_line("The images: 6,204 pictures in 2 classes.")
    folder.log_line("The classifier is right on 0.97 of the test pictures.")
    folder.log_line(f"Validation at {images // 4000 * 4000:,} images: agreement 0.93.")
    now = time.time()
    status = {
        "phase": "explainer",
        "message": "Reconstruction, discriminator and classifier, all together.",
        "phase_done": images,
        "phase_total": total,
        "device": "cpu",
        "images_per_second": 63.4,
        "seconds_left": (total - images) / 63.4,
        "started": now - 600,
        "updated": now,
    }
    folder.write_status(RunStatus(state, images=images, total=total, **(status | fields)))
    return folder


def losses(seen: int, random: np.random.Generator) -> dict[str, float]:
    """Return losses as loop.py logs them: falling, noisy, the discriminator joining later."""
    noise = float(random.lognormal(0, 0.12))
    made = {
        "l1": (0.14 + 0.25 * math.exp(-seen / 5000)) * noise,
        "lpips": (0.10 + 0.32 * math.exp(-seen / 6000)) * noise,
        "kl": (0.02 + 0.9 * math.exp(-seen / 3500)) * noise**3,
        "align": (0.05 + 0.6 * math.exp(-seen / 4000)) * noise,
        "latent": (0.05 + 0.05 * math.exp(-seen / 9000)) * noise,
        "images_per_second": 63.0 + float(random.normal(0, 2)),
    }
    if seen > 9_000:
        made |= {"adversarial": 1.1 * noise, "discriminator": 1.0 / noise}
    return made


def validation(seen: int, random: np.random.Generator) -> dict[str, float]:
    """Return figures as validate.py measures them."""
    return {
        "val_agreement": min(1.0, 1 - 0.5 * math.exp(-seen / 7000) + float(random.normal(0, 0.01))),
        "val_lpips_ratio": 0.35 + 0.6 * math.exp(-seen / 8000),
        "val_l1": 0.15 + 0.2 * math.exp(-seen / 8000),
        "val_frechet_reconstruction": 0.5 + 4 * math.exp(-seen / 6000),
    }


@functools.cache
def sheet(seen: int) -> np.ndarray:
    """Draw two bands of four rows of leaves, the made ones clearer with time: (8 * SIDE, 8 * SIDE, 3) uint8."""
    clear = min(1.0, seen / 20_000)
    bands = []
    for band in range(2):
        for kind in range(4):
            cells = [_leaf(band * COLUMNS + i, kind, clear) for i in range(COLUMNS)]
            bands.append(np.concatenate(cells, axis=1))
    return np.concatenate(bands, axis=0)


def _leaf(seed: int, kind: int, clear: float) -> np.ndarray:
    pixels = _painted(seed + 40 * (kind == 3))
    if kind == 0:
        return pixels.astype(np.uint8)
    grey = np.random.default_rng(seed).uniform(20, 90, pixels.shape)
    return (clear * pixels + (1 - clear) * grey).astype(np.uint8)


@functools.cache
def _painted(seed: int) -> np.ndarray:
    leaf = Image.fromarray(paint(base_styles(SeedBase(seed)), seed))
    return np.asarray(leaf.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32)
