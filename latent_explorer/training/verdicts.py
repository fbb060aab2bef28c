# SPDX-License-Identifier: MIT
"""Verdicts of the classifier on real pictures, which the generator is told and figures are compared with.

Each picture is asked about once in a run: what is kept in its folder serves a training that is resumed, its validation
and its exports. A large classifier takes minutes for them.
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
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from torch import Tensor

    from latent_explorer.common.events import Event
    from latent_explorer.models.classifiers import Classifier

FILE = "verdicts-{}.npz"
PIXELS = 256 * 64 * 64  # in a batch of what the classifier's network is given; never by the clock: it changes the sums
SAY_EVERY = 20.0  # seconds
DIGEST = 16  # bytes that stand for a picture
MAX_BYTES = 1 << 30  # of a file of verdicts


@torch.no_grad()
def class_probs(
    folder: Path, classifier: Classifier, pixels: np.ndarray, rows: np.ndarray, flip: bool, *, keep: bool = True
) -> Generator[Event, None, Tensor]:
    """Return class probabilities (V, len(rows), K) of `pixels[rows]`; V is 2 with `flip`: mirrored, too. A job.

    pixels  (N, H, W, 3) uint8
    folder  where earlier calls kept what this classifier said
    keep    add to it

    Classifiers with equal stored weights (fp16) count as one. Yields a Notice now and then if it takes long.
    """
    path = folder / FILE.format(hash_classifier(classifier)[:16])
    kept = _read(path, classifier.num_classes)
    views = [(row, mirrored) for mirrored in (False, True)[: 1 + flip] for row in rows]
    digests = [_digest(pixels[row], mirrored) for row, mirrored in views]
    missing = [i for i, digest in enumerate(digests) if digest not in kept]
    said = time.monotonic()
    for done, batch in _batches(missing, len(rows), classifier):
        mirrored = views[batch[0]][1]
        img = to_img(pixels[[views[i][0] for i in batch]]).to(classifier.mean.device)
        probs = classifier.probs(img.flip(3) if mirrored else img).cpu().numpy()
        kept |= zip((digests[i] for i in batch), probs, strict=True)
        if time.monotonic() - said >= SAY_EVERY:
            said = time.monotonic()
            yield Notice(f"Asking the classifier about the pictures: {done / len(missing):.0%}.")
    if keep and missing:
        _write(path, kept)
    return torch.tensor(np.stack([kept[digest] for digest in digests])).reshape(1 + flip, len(rows), -1)


def _batches(missing: list[int], count: int, classifier: Classifier) -> Iterator[tuple[int, list[int]]]:
    """Yield what will be done, and views to ask about at once: of `count` as they are, then of mirrored ones."""
    size = max(1, min(256, PIXELS // classifier.config.preprocessing.input_size**2))
    done = 0
    for view in ([i for i in missing if i < count], [i for i in missing if i >= count]):
        for start in range(0, len(view), size):
            batch = view[start : start + size]
            done += len(batch)
            yield done, batch


def _digest(picture: np.ndarray, mirrored: bool) -> bytes:
    seen = np.ascontiguousarray(picture[:, ::-1] if mirrored else picture)
    return hashlib.sha256(f"{seen.shape}".encode() + seen.tobytes()).digest()[:DIGEST]


def _read(path: Path, classes: int) -> dict[bytes, np.ndarray]:
    """Return what was kept by digest, or nothing if there is nothing or it is damaged."""
    try:
        arrays = guarded_arrays.read_arrays(path, ("pictures", "probs"), MAX_BYTES, kinds="fu")
        pictures, probs = arrays["pictures"], arrays["probs"]
    except (OSError, DamagedData, KeyError):
        return {}
    if pictures.dtype != np.uint8 or probs.dtype != np.float32 or pictures.ndim != 2 or probs.ndim != 2:
        return {}
    if pictures.shape != (len(probs), DIGEST) or probs.shape[1] != classes or not np.isfinite(probs).all():
        return {}
    return dict(zip(map(bytes, pictures), probs, strict=True))


def _write(path: Path, kept: dict[bytes, np.ndarray]) -> None:
    """Keep them, and remove those of other classifiers."""
    for old in path.parent.glob("verdicts-*.np[yz]"):
        if old != path:
            old.unlink(missing_ok=True)
    pictures = np.frombuffer(b"".join(kept), np.uint8).reshape(-1, DIGEST)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, pictures=pictures, probs=np.stack(list(kept.values())))
