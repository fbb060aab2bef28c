# SPDX-License-Identifier: MIT
"""Training pictures: the data set of a config, and its pictures in an order that a checkpoint takes up again exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.data.folder import ImageDataset, open_dataset
from latent_explorer.data.images import to_float

if TYPE_CHECKING:
    import numpy as np

    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.training.config import DataConfig


def open_data(config: DataConfig, splits: tuple[str, ...] = ("train", "val")) -> ImageDataset:
    """The data set of a config; UserError where a side of the split has too few pictures to measure anything."""
    data = open_dataset(
        config.path,
        label=config.label,
        classes=config.classes,
        where=config.where,
        group=config.group,
        split=config.split,
    )
    for split in splits:
        count = len(data.indices(split))
        if count < 2:
            raise UserError(
                f"The split leaves {count} pictures for {split}. Give more pictures or another --group."
            )
    return data


def to_img(pixels: np.ndarray) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float32 in [-1, 1]."""
    return torch.from_numpy(to_float(pixels))


@torch.no_grad()
def class_probs(
    classifier: Classifier, pixels: np.ndarray, flip: bool = False, batch: int = 256
) -> Tensor:
    """Class probabilities (N, K) of pictures (N, H, W, 3) uint8, mirrored if `flip`."""
    device = classifier.mean.device
    parts = []
    for start in range(0, len(pixels), batch):
        img = to_img(pixels[start : start + batch]).to(device)
        parts.append(classifier.probs(img.flip(3) if flip else img).cpu())
    return torch.cat(parts)


class BatchStream:
    """Endless batches of (img, probs): every picture once an epoch, each with its own class probabilities."""

    def __init__(
        self,
        pixels: np.ndarray,
        classifier: Classifier,
        batch: int,
        flip: bool,
        generator: torch.Generator,
    ) -> None:
        self.pixels = pixels
        self.batch = batch
        self.generator = generator
        views = [False, True] if flip else [False]
        self.probs = torch.stack(
            [class_probs(classifier, pixels, mirrored) for mirrored in views]
        )  # (V, N, K)
        self.order = torch.randperm(len(pixels), generator=generator)
        self.position = 0

    def next(self) -> tuple[Tensor, Tensor]:
        """(batch, 3, H, W) in [-1, 1] and (batch, K)."""
        indices = self._next_indices()
        img = to_img(self.pixels[indices.numpy()])
        views = torch.randint(len(self.probs), (self.batch,), generator=self.generator)
        img = torch.where(views.bool()[:, None, None, None], img.flip(3), img)
        return img, self.probs[views, indices]

    def _next_indices(self) -> Tensor:
        parts, missing = [], self.batch
        while missing:
            part = self.order[self.position : self.position + missing]
            parts.append(part)
            missing -= len(part)
            self.position += len(part)
            if self.position == len(self.order):
                self.order = torch.randperm(len(self.pixels), generator=self.generator)
                self.position = 0
        return torch.cat(parts)

    def state(self) -> dict[str, Any]:
        return {"order": self.order, "position": self.position}

    def load_state(self, state: dict[str, Any]) -> None:
        self.order, self.position = state["order"], int(state["position"])
