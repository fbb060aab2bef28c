# SPDX-License-Identifier: MIT
"""Judgement of projections: how near a reconstruction is, and whether its picture is in the generator's domain.

Verdicts are relative to figures of the generator's own pictures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from latent_explorer.data.images import to_float
from latent_explorer.explain.neighbours import MIN_POINTS, Neighbours
from latent_explorer.explain.projection.loss import area_downsample

if TYPE_CHECKING:
    from latent_explorer.explain.latents import Latent
    from latent_explorer.explain.render.renderer import Renderer
    from latent_explorer.models.perceptual import PerceptualDistance

UNLIKE_QUANTILE = 0.9  # of the distances of random pairs: a reconstruction that is worse does not show its target
MAX_PSNR = 99.0  # dB, of equal pictures


@dataclass(frozen=True)
class ReconstructionQuality:
    """Rendered picture of a latent compared with its target."""

    image: np.ndarray  # (R, R, 3) uint8
    distance: float
    psnr: float
    probs_target: tuple[float, ...]
    probs_reconstruction: tuple[float, ...]
    w_distance: float  # RMS distance of ws from w_avg, in standard deviations of w

    @property
    def agreement(self) -> bool:
        """True if the classifier gives both pictures the same class."""
        return int(np.argmax(self.probs_target)) == int(np.argmax(self.probs_reconstruction))

    @property
    def probability_difference(self) -> float:
        """|p - p'| of the class that the classifier gives the target."""
        top = int(np.argmax(self.probs_target))
        return abs(self.probs_target[top] - self.probs_reconstruction[top])


@dataclass(frozen=True)
class DomainVerdict:
    """Verdict on a picture; `reason` says why it is outside the generator's domain, empty when it is inside."""

    reason: str
    figures: dict[str, float]

    @property
    def in_domain(self) -> bool:
        return not self.reason


class ProjectionJudge:
    """Compare latents, rendered as the window renders them, with their targets."""

    def __init__(self, renderer: Renderer, classifier_id: str, distance: PerceptualDistance, pairs: np.ndarray) -> None:
        model = renderer.explainer
        self._renderer = renderer
        self._classifier_id = classifier_id
        self._classifier = model.classifiers[classifier_id]
        self._distance = distance
        self._unlike = float(np.quantile(pairs, UNLIKE_QUANTILE))
        # Enough encoded pictures, and by this encoder: not so where `train-encoder` added it later.
        samples, by_this_encoder = model.samples, model.encoder is not None and "encoder" not in model.provenance
        applies = by_this_encoder and samples is not None and len(samples) >= MIN_POINTS
        self._neighbours = Neighbours(samples.ws[:, 0]) if applies and samples is not None else None

    @torch.no_grad()
    def compare(self, latent: Latent, target: np.ndarray) -> ReconstructionQuality:
        """Compare a latent with its target (R, R, 3) uint8, both as the 8-bit pictures that are kept."""
        result = self._renderer.render_latent(latent, self._classifier_id)
        image, device = result.after.image, latent.ws.device
        target_img, img = (torch.from_numpy(to_float(x[None])).to(device) for x in (target, image))
        squared = float(np.square(target.astype(np.float64) - image).mean())
        return ReconstructionQuality(
            image=image,
            distance=float(self._distance(area_downsample(img), area_downsample(target_img))),
            psnr=min(MAX_PSNR, 10 * math.log10(255**2 / max(squared, 1e-12))),
            probs_target=tuple(self._classifier.probs(target_img)[0].float().tolist()),
            probs_reconstruction=tuple(result.after.probs.tolist()),
            w_distance=result.w_distance,
        )

    def verdict(self, plain: Latent, target: np.ndarray) -> DomainVerdict:
        """Judge whether a target is in the domain, by the best latent of one row that was found for it.

        One row, because with one for each layer a generator of leaves can draw faces, too.
        """
        distance = self.compare(plain, target).distance
        figures = {"distance": distance, "unlike": self._unlike}
        reasons = []
        if distance > self._unlike:
            reasons.append(
                f"the nearest picture that one latent gives is as unlike it ({self._distance.name} {distance:.2f}) as "
                f"two random pictures of this generator are (nine pairs in ten stay below {self._unlike:.2f})"
            )
        if self._neighbours is not None:
            latent_distance = self._neighbours.distance(plain.ws[0, 0])
            figures |= {"latent": latent_distance, "far": self._neighbours.far}
            if latent_distance > self._neighbours.far:
                reasons.append(
                    f"its latent stands farther from those of the file's pictures ({latent_distance:.1f}) than they "
                    f"stand from each other (nearly all stay below {self._neighbours.far:.1f})"
                )
        return DomainVerdict("; ".join(reasons), figures)
