# SPDX-License-Identifier: MIT
"""What a classifier says of a photo at its own size: it may differ from what it says at the generator's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from latent_explorer.data.images import to_float

if TYPE_CHECKING:
    from latent_explorer.models.explainer import Explainer

MAX_PHOTO_SIZE = (
    1024  # px; no classifier here looks closer, and floats of a camera's picture take a gigabyte
)


@torch.inference_mode()
def photo_probs(explainer: Explainer, photo: np.ndarray, classifier_id: str) -> tuple[float, ...]:
    """Probabilities (K,) of a square photo (S, S, 3) uint8; empty where it is no larger than what the generator makes."""
    size = photo.shape[0]
    if size <= explainer.generator.config.resolution:
        return ()
    if size > MAX_PHOTO_SIZE:
        small = Image.fromarray(photo).resize(
            (MAX_PHOTO_SIZE, MAX_PHOTO_SIZE), Image.Resampling.LANCZOS
        )
        photo = np.array(small)
    classifier = explainer.classifiers[classifier_id]
    img = torch.from_numpy(to_float(photo[None])).to(next(classifier.parameters()).device)
    probs = classifier.probs(img)[0]
    return tuple(float(p) for p in probs.float().cpu())
