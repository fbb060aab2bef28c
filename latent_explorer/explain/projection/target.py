# SPDX-License-Identifier: MIT
"""Targets of a projection: photos cut to the generator's resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from latent_explorer.common.format import valid_text
from latent_explorer.data.crop import center_square, crop_image
from latent_explorer.data.images import to_float

if TYPE_CHECKING:
    from latent_explorer.data.crop import Crop
    from latent_explorer.models.explainer import Explainer

# px; no classifier here looks closer, and floats of a camera's picture take a gigabyte
MAX_PHOTO_SIZE = 1024


@dataclass(frozen=True, eq=False)
class Target:
    """Picture to project."""

    name: str
    image: np.ndarray  # (R, R, 3) uint8, at the generator's resolution
    probs_photo: tuple[float, ...] = ()  # (K,) of the photo at its own size, where that is larger


def cut_target(
    explainer: Explainer,
    photo: np.ndarray,
    name: str,
    classifier_id: str,
    crop: Crop | None = None,
) -> Target:
    """Cut a square out of a photo (H, W, 3) uint8; the largest central one by default."""
    crop = crop or center_square(*photo.shape[:2])
    image = crop_image(photo, crop, explainer.generator.config.resolution)
    return Target(valid_text(name), image, photo_probs(explainer, crop_image(photo, crop), classifier_id))


@torch.inference_mode()
def photo_probs(explainer: Explainer, photo: np.ndarray, classifier_id: str) -> tuple[float, ...]:
    """Return probabilities (K,) of a square photo (S, S, 3) uint8; empty unless larger than the generator's."""
    size = photo.shape[0]
    if size <= explainer.generator.config.resolution:
        return ()
    if size > MAX_PHOTO_SIZE:
        small = Image.fromarray(photo).resize((MAX_PHOTO_SIZE, MAX_PHOTO_SIZE), Image.Resampling.LANCZOS)
        photo = np.array(small)
    classifier = explainer.classifiers[classifier_id]
    img = torch.from_numpy(to_float(photo[None])).to(next(classifier.parameters()).device)
    return tuple(classifier.probs(img)[0].float().tolist())
