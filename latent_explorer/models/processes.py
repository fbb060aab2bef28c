# SPDX-License-Identifier: MIT
"""Several processes that work on one job, as torchrun starts them: their shares, and what they exchange."""

from __future__ import annotations

import importlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.models.device import AUTO, choose_device

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# The others wait while one process validates or writes. If it dies, its connections close, which ends the wait.
PATIENCE = timedelta(days=1)


@dataclass(frozen=True)
class World:
    """Processes of one job, seen from one of them. `World()` is a single process, which has nothing to exchange."""

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

    def gather_rows(self, share: np.ndarray, count: int) -> np.ndarray:
        """Join what each process made of its `share` of `count` rows, (n, ...) each, to (count, ...)."""
        if self.size == 1:
            return share
        padded = np.zeros((-(-count // self.size), *share.shape[1:]), share.dtype)
        padded[: len(share)] = share
        rows: np.ndarray = self.gather(torch.from_numpy(padded))[:count].numpy()
        return rows

    def first(self, array: np.ndarray) -> np.ndarray:
        """Return the first process's array in every process. All bring one of the same type and number of axes."""
        if self.size == 1:
            return array
        shape = torch.tensor(array.shape)
        dist.broadcast(shape, 0)
        values = np.ascontiguousarray(array) if self.is_main_process else np.empty(shape.tolist(), array.dtype)
        tensor = torch.from_numpy(values)
        dist.broadcast(tensor, 0)
        return values

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
