# SPDX-License-Identifier: MIT
"""What photographs alone tell of a planted cause: truth, properties, sorting by logit, Grad-CAM. For planted_tag.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from known_causes import correlation, properties
from planted_judge import heat_in_place, margins, rank_of_place, shares_at_the_ends
from planted_pictures import BOX

from latent_explorer.explain.grad_cam import grad_cam
from latent_explorer.training.batches import to_img

if TYPE_CHECKING:
    from planted_pictures import Planted
    from torch import Tensor

    from latent_explorer.models.classifiers import Classifier

FRAME = 4  # px along the edges that count as background
HEATED = 100  # photographs with the cause that Grad-CAM looks at


def truth(classifier: Classifier, test: Planted) -> tuple[dict[str, float], np.ndarray]:
    """Return what the classifier makes of the cause, and its margins of the pictures (N,).

    effect   mean change of the margin from a picture without the cause to the same with it
    turned   share of verdicts that change with the cause
    health   what health does: difference of mean margins of healthy and diseased leaves without the cause
    """
    own, other = (margins(classifier, to_img(x)) for x in (test.pixels, test.counterpart))
    without = np.where(test.cause, other, own)
    return {
        "accuracy": float(((own > 0) == test.labels).mean()),
        "effect": float(np.where(test.cause, own - other, other - own).mean()),
        "turned": float(((own > 0) != (other > 0)).mean()),
        "health": float(without[test.healthy].mean() - without[~test.healthy].mean()),
    }, own


def framed(img: Tensor) -> Tensor:
    """Return the outer FRAME pixels of pictures (N, 3, H, W) as pictures of one row."""
    top, bottom = img[:, :, :FRAME], img[:, :, -FRAME:]
    left, right = img[:, :, FRAME:-FRAME, :FRAME], img[:, :, FRAME:-FRAME, -FRAME:]
    return torch.cat([part.flatten(2) for part in (top, bottom, left, right)], dim=2)[:, :, None]


def of_properties(img: Tensor, margin: np.ndarray, tiled: bool) -> dict[str, float]:
    """Return how properties of pictures (N, 3, H, W) go with the margin (N,): sizes of correlations."""
    found = {name: correlation(name, values, margin) for name, values in properties(img).items()}
    found["background hue"] = correlation("hue", properties(framed(img))["hue"], margin)
    if tiled:
        found["brightness of the corner"] = correlation("", img[:, :, *BOX].mean(dim=(1, 2, 3)).numpy(), margin)
    return {f"correlation, {name}": value for name, value in found.items()}


def of_photographs(classifier: Classifier, test: Planted, *, tiled: bool) -> dict[str, Any]:
    """Return truth and figures of test photographs; `tiled`: the cause has one place, the box."""
    facts, margin = truth(classifier, test)
    img = to_img(test.pixels)
    found = of_properties(img, margin, tiled)
    names = ("with the cause, first 20", "with the cause, all", "with the cause, last 20")
    found |= dict(zip(names, shares_at_the_ends(margin, test.cause), strict=True))
    rows = np.flatnonzero(test.cause)[:HEATED]
    heat = grad_cam(classifier, img[rows], 1).numpy()
    found["Grad-CAM, heat in the place by its area"] = heat_in_place(heat, test.inside[rows])
    if tiled:
        found["Grad-CAM, rank of the place of 15"] = rank_of_place(heat, *BOX)
    return {"truth": facts, "photographs": found}
