# SPDX-License-Identifier: MIT
"""Training of one model by several processes, each on its share of every batch: torch.distributed under torchrun.

Sample i of a step belongs to process i mod N, in every part of the step. So "the first four of the batch" are the same
pictures for any N, and so are the discriminator's groups (every n/G-th picture of n is one, as in StyleGAN2), as long
as each process holds whole groups. Every loss is a mean over samples, and all processes hold equally many: the mean of
their gradients is the gradient of the whole batch. Gradients are averaged here, after each backward pass, and not by
DDP, whose hooks expect one backward pass a step and no second derivatives.
"""

from __future__ import annotations

import importlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.models.device import AUTO, choose_device

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from latent_explorer.training.config import TrainConfig

# The others wait while one process validates or writes. If it dies, its connections close, which ends the wait.
PATIENCE = timedelta(days=1)


@dataclass(frozen=True)
class World:
    """Processes of a training, seen from one of them. `World()` is a single process, which has nothing to exchange."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0  # among those on this machine

    @property
    def is_main_process(self) -> bool:
        """True for the process that writes, validates and reports."""
        return self.rank == 0

    def share(self, count: int, first: int = 0) -> range:
        """Return the positions of this process's samples among `count`, the first of which is at `first`."""
        return range(first + self.rank, first + count, self.size)

    def device(self, wanted: str) -> torch.device:
        """Return the device called `wanted`. Of several processes on CUDA each takes a card of its own.

        Raises UserError if there are fewer cards than processes.
        """
        cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if self.size == 1 or wanted not in (AUTO, "cuda") or not cards:
            return choose_device(wanted)
        if self.local_rank >= cards:
            raise UserError(
                f"This machine has {cards} CUDA cards for process {self.local_rank + 1}. "
                f"Start torchrun with --nproc-per-node {cards}."
            )
        device = torch.device("cuda", self.local_rank)
        torch.cuda.set_device(device)
        return device

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace gradients by their mean over all processes, in one message."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = self._sum(torch.cat([g.flatten() for g in gradients])) / self.size
        pieces = flat.split([g.numel() for g in gradients])
        for gradient, piece in zip(gradients, pieces, strict=True):
            gradient.copy_(piece.view_as(gradient))

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean over all processes of a tensor without gradient."""
        return value if self.size == 1 else self._sum(value.detach().clone()) / self.size

    def means(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the mean over all processes of each value."""
        if self.size == 1 or not values:
            return values
        flat = self.mean(torch.stack([value.float() for value in values.values()]))
        return dict(zip(values, flat.unbind(), strict=True))

    def gather(self, share: Tensor) -> Tensor:
        """Join equal shares (n, ...) of all processes to (n * size, ...), in the order of the batch."""
        if self.size == 1:
            return share
        parts = [torch.empty_like(share) for _ in range(self.size)]
        dist.all_gather(parts, share.contiguous())
        return torch.stack(parts, dim=1).flatten(0, 1)

    def broadcast(self, value: bool) -> bool:
        """Return the first process's value in every process, as to stop all at the same step."""
        if self.size == 1:
            return value
        word = torch.tensor([int(value)])
        dist.broadcast(word, 0)
        return bool(word)

    def _sum(self, value: Tensor) -> Tensor:
        dist.all_reduce(value)
        return value


SINGLE_PROCESS = World()


@contextmanager
def process_group() -> Iterator[World]:
    """Connect the processes that torchrun started while the context lasts. Without torchrun: a single process."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or "RANK" not in os.environ:
        yield SINGLE_PROCESS
        return
    # Imported before the group exists: its functions keep the default group of that moment as a default argument, and
    # torch imports it on the way. A group kept like this ends with the interpreter, its threads still running, which
    # now and then aborts the process ("terminate called without an active exception").
    importlib.import_module("torch.distributed.nn.functional")
    # CPU tensors use gloo, those on cards nccl: decisions then never wait for a card.
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, timeout=PATIENCE)
    try:
        yield World(dist.get_rank(), size, int(os.environ.get("LOCAL_RANK", "0")))
    finally:
        dist.destroy_process_group()


def path_length_pictures(config: TrainConfig) -> int:
    """Return the number of pictures to measure path lengths on: a quarter of the batch (in StyleGAN2 half of it)."""
    return max(config.batch // 4, 2)


def check_batch_divisible(config: TrainConfig, size: int = 1) -> None:
    """Raise UserError if a part of a step exceeds the batch or does not divide among `size` processes."""
    c = config
    if c.batch < 2:
        raise UserError(f"batch is {c.batch}. A step needs at least 2 pictures.")
    stylex = c.mode == "stylex"
    parts = {"batch": c.batch, "a quarter of the batch": path_length_pictures(c)}
    groups = {"batch": c.batch}
    if stylex:
        generated = c.mapped + c.repaired
        if not 1 <= c.discriminated <= c.batch:
            raise UserError(
                f"discriminated is {c.discriminated}, but a batch has {c.batch} pictures. Choose 1 to {c.batch}."
            )
        if min(c.mapped, c.repaired) < 0 or generated > c.batch:
            raise UserError(
                f"mapped + repaired is {generated}, but a batch has {c.batch} pictures. Choose 0 to {c.batch}."
            )
        parts |= {"mapped": c.mapped, "repaired": c.repaired}
        groups = {"discriminated": c.discriminated, "discriminated + mapped + repaired": c.discriminated + generated}
    if size == 1:
        return
    uneven = [f"{name} ({n})" for name, n in parts.items() if n % size]
    uneven += [f"{name} ({n})" for name, n in groups.items() if n % (size * c.stddev_group)]
    if uneven:
        raise UserError(
            f"{size} processes cannot share this evenly: {', '.join(uneven)}. Make batch, mapped and repaired "
            f"multiples of {size}, and what the discriminator sees multiples of {size * c.stddev_group} ({size} times "
            "stddev_group)."
        )
