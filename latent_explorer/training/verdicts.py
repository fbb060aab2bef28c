# SPDX-License-Identifier: MIT
"""Verdicts of the classifier on the pictures of a training, which the generator is told: asked once, kept in the run.

A large classifier takes minutes for them, which a training that is resumed does not spend again.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from latent_explorer.common import guarded_arrays
from latent_explorer.common.errors import DamagedData
from latent_explorer.common.events import Notice
from latent_explorer.common.paths import atomic_path
from latent_explorer.models.explainer import hash_classifier
from latent_explorer.training.batches import to_img

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from torch import Tensor

    from latent_explorer.common.events import Event
    from latent_explorer.models.classifiers import Classifier

FILE = "verdicts-{}.npy"
PIXELS = 256 * 64 * 64  # in a batch of what the classifier's network is given; never by the clock: it changes the sums
SAY_EVERY = 20.0  # seconds


@torch.no_grad()
def class_probs(
    folder: Path, classifier: Classifier, pixels: np.ndarray, rows: np.ndarray, flip: bool, *, keep: bool = True
) -> Generator[Event, None, Tensor]:
    """Return class probabilities (V, len(rows), K) of `pixels[rows]`; V is 2 with `flip`: mirrored, too. A job.

    pixels  (N, H, W, 3) uint8
    folder  where an earlier call for the same pictures and classifier kept them
    keep    write them there

    Yields a Notice now and then if it takes long.
    """
    path = folder / FILE.format(_key(classifier, pixels, rows, flip))
    shape = (1 + flip, len(rows), classifier.num_classes)
    if (kept := _read(path, shape)) is not None:
        return torch.tensor(kept)
    device = classifier.mean.device
    batch = max(1, min(256, PIXELS // classifier.config.preprocessing.input_size**2))
    parts, said = [], time.monotonic()
    for mirrored in (False, True)[: 1 + flip]:
        for start in range(0, len(rows), batch):
            img = to_img(pixels[rows[start : start + batch]]).to(device)
            parts.append(classifier.probs(img.flip(3) if mirrored else img).cpu())
            if time.monotonic() - said >= SAY_EVERY:
                said = time.monotonic()
                done = (start + len(img) + mirrored * len(rows)) / ((1 + flip) * len(rows))
                yield Notice(f"Asking the classifier about the pictures: {done:.0%}.")
    probs = torch.cat(parts).reshape(shape)
    if keep:
        for old in folder.glob(FILE.format("*")):
            old.unlink(missing_ok=True)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.save(file, probs.numpy())
    return probs


def _key(classifier: Classifier, pixels: np.ndarray, rows: np.ndarray, flip: bool) -> str:
    """Return 16 hexadecimal digits for what was asked."""
    digest = hashlib.sha256(f"{hash_classifier(classifier)} {flip}".encode())
    for row in rows:
        digest.update(pixels[row].tobytes())
    return digest.hexdigest()[:16]


def _read(path: Path, shape: tuple[int, int, int]) -> np.ndarray | None:
    """Return what was kept, or None if there is nothing or it is damaged."""
    try:
        kept = guarded_arrays.read_arrays(path, ("probs",), 4 * int(np.prod(shape)) + 1, kinds="f")["probs"]
    except (OSError, DamagedData):
        return None
    return kept if kept.shape == shape and np.isfinite(kept).all() else None
