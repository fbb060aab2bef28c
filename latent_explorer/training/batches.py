# SPDX-License-Identifier: MIT
"""Batches of training pictures, in an order that depends on the seed alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.data.dataset import ImageDataset, open_dataset
from latent_explorer.data.images import to_float
from latent_explorer.models.processes import SINGLE_PROCESS, World
from latent_explorer.training.randomness import Purpose, StepRandom, stream

if TYPE_CHECKING:
    from latent_explorer.training.config import DataConfig, TrainConfig


def open_data(config: DataConfig, splits: tuple[str, ...] = ("train", "val")) -> ImageDataset:
    """Open the data set of a config. Raises UserError if a side of the split has too few pictures."""
    data = open_dataset(**msgspec.structs.asdict(config))
    require_sides(data, splits)
    return data


def require_sides(data: ImageDataset, splits: tuple[str, ...] = ("train", "val")) -> None:
    """Raise UserError if one of these sides of the split has too few pictures to measure anything."""
    for split in splits:
        count = len(data.indices(split))
        if count < 2:
            raise UserError(
                f"The split leaves {count} pictures for {split}. Give more pictures or another Group (--group)."
            )


def to_img(pixels: np.ndarray) -> Tensor:
    """Convert (N, H, W, 3) uint8 to (N, 3, H, W) float32 in [-1, 1]."""
    return torch.from_numpy(to_float(pixels))


class Batch(NamedTuple):
    """Share of one process in a step's pictures."""

    real: Tensor  # (n, 3, H, W) in [-1, 1]
    cond: Tensor  # (n, K) their class probabilities
    whole: Tensor  # (batch, K) those of the whole batch, other processes' pictures included


class BatchStream:
    """Endless batches: every picture once an epoch, each with its own class probabilities.

    probs  (V, N, K) of `rows`: as they are, and mirrored if the config says so; None without a classifier

    The pictures of a step, and which of them are mirrored, depend on its number alone: there is no state to save.
    Without a classifier (StyleGAN2 alone) K is 0.
    """

    def __init__(
        self,
        pixels: np.ndarray,
        probs: Tensor | None,
        config: TrainConfig,
        world: World = SINGLE_PROCESS,
        device: torch.device | None = None,
        rows: np.ndarray | None = None,
    ) -> None:
        """Set up batches of the pictures `pixels[rows]`. `pixels` may fill the memory: it is not copied."""
        self.pixels = pixels
        self.rows = np.arange(len(pixels)) if rows is None else rows
        self.config = config
        self.world = world
        self.device = device
        self.probs = torch.zeros(1 + config.flip, len(self.rows), 0) if probs is None else probs
        self._epoch, self._order = -1, np.zeros(0, dtype=np.int64)

    def batch(self, images: int, draws: StepRandom) -> Batch:
        """Return the batch of the step that comes after `images` seen images."""
        size = self.config.batch
        samples = np.array([self._place(i) for i in range(images, images + size)])
        mirrored = draws.uniform(Purpose.MIRROR, (), range(size)) < 0.5
        views = mirrored.long() if self.config.flip else torch.zeros(size, dtype=torch.long)
        mine = list(self.world.share(size))
        img = to_img(self.pixels[self.rows[samples[mine]]])
        img = torch.where(views[mine].bool()[:, None, None, None], img.flip(3), img)
        whole = self.probs[views, torch.from_numpy(samples)].to(self.device)
        real = img.to(self.device).contiguous(memory_format=torch.channels_last)
        return Batch(real, whole[mine], whole)

    def _place(self, seen: int) -> int:
        """Return the place in `rows` of the picture that is seen after `seen` others."""
        epoch, place = divmod(seen, len(self.rows))
        if epoch != self._epoch:
            order = stream(self.config.seed, epoch, Purpose.ORDER).permutation(len(self.rows))
            self._epoch, self._order = epoch, order
        return int(self._order[place])
