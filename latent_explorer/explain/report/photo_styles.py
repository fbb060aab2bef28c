# SPDX-License-Identifier: MIT
"""Style values of real pictures, through the encoder, with and without the class given to the generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from latent_explorer.data.images import to_float
from latent_explorer.models.explainer import encode_batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.explainer import Explainer, Samples


class StyleReader:
    """Reads photographs: the styles of the layers that the attributes are in, and the classifier's logits."""

    def __init__(self, model: Explainer, key: str, attributes: Sequence[Attribute]) -> None:
        self.model, self.classifier = model, model.classifiers[key]
        self.layout = model.generator.synthesis.layout
        self.listed = {entry.style_index for attribute in attributes for entry in attribute.entries}
        layers = {self.layout.at(j)[0].name for j in self.listed}
        self.columns = np.array(
            [j for j in range(self.layout.num_with_torgb) if self.layout.at(j)[0].name in layers], np.int64
        )
        self.places = {int(j): place for place, j in enumerate(self.columns)}

    @property
    def is_told(self) -> bool:
        """True if the generator is given the class, or the encoder's w holds the classifier's logits."""
        config = self.model.generator.config
        return bool(config.num_classes) or self._encoded_width() < config.w_dim

    @torch.inference_mode()
    def read(self, images: np.ndarray, ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return styles (n, C) with one class for all, with each picture's own, and logits (n, K)."""
        samples = encode_batch(self.model, images, ids)
        img = torch.from_numpy(to_float(images)).to(samples.ws)
        logits = self.classifier.logits(img).float().cpu().numpy()
        plain = self._styles(*self._untold(samples))
        return plain, self._styles(samples.ws, samples.cond_of()) if self.is_told else plain, logits

    def pool(self, style_index: int, s: np.ndarray) -> np.ndarray:
        """Return the columns of s (N, C) of a coordinate's layer that no attribute moves and that vary, (C',)."""
        layer = self.layout.at(style_index)[0]
        free = [p for j, p in self.places.items() if self.layout.at(j)[0] is layer and j not in self.listed]
        return np.array([p for p in free if np.ptp(s[:, p]) > 0], np.int64)

    def _encoded_width(self) -> int:
        encoder = self.model.encoder
        return self.model.generator.config.w_dim if encoder is None else encoder.config.outputs

    def _untold(self, samples: Samples) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return ws and cond that are told nothing of the picture's class."""
        ws, cond = samples.ws.clone(), samples.cond_of()
        ws[:, :, self._encoded_width() :] = 0  # an encoder of lucidrains' kind is followed by the logits
        return ws, None if cond is None else torch.full_like(cond, 1 / cond.shape[1])

    def _styles(self, ws: torch.Tensor, cond: torch.Tensor | None) -> np.ndarray:
        synthesis = self.model.generator.synthesis
        s = synthesis.join(synthesis.styles(ws, cond), torgb=True)
        values: np.ndarray = s[:, self.columns].float().cpu().numpy()
        return values


def attribute_values(s: np.ndarray, places: Sequence[int], signs: Sequence[float]) -> np.ndarray:
    """Return how far pictures (N,) stand towards an attribute's end: the mean of its coordinates, in their deviations.

    s       (N, C) style values
    places  columns of its coordinates
    signs   the weight of each, negative where it moves to its minimum

    Several coordinates are weighted as the slider moves them. A coordinate that does not vary counts as 0.
    """
    chosen = s[:, list(places)].astype(np.float64)
    std = chosen.std(axis=0)
    z = np.where(std > 0, (chosen - chosen.mean(axis=0)) / np.where(std > 0, std, 1), 0)
    values: np.ndarray = z @ np.array(signs) / np.abs(signs).sum()
    return values
