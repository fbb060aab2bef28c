# SPDX-License-Identifier: MIT
"""Random numbers of a training, which depend on (seed, step, purpose, sample) alone.

A training therefore draws the same numbers after an interruption, on any device (they are drawn on the CPU), and with
any number of processes; a checkpoint stores no generator. They come from Philox, a keyed function of a counter (Salmon
et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): the key is the training's seed; step, purpose and sample
are words of the counter, so no two streams overlap.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORD = 1 << 64


class Purpose(IntEnum):
    """Purpose of random numbers. The value is part of the counter: a new purpose needs a new one."""

    ORDER = 0  # of the pictures; the "step" is the epoch
    MIRROR = 1
    PARTNERS = 2  # whose class a generated picture is told
    LATENT = 3  # z of the mapping path
    HEARD = 4  # which styles of a re-paired latent are those of the other class
    NOISE = 5  # maps of the synthesis
    AUGMENT_REAL = 6
    AUGMENT_FAKE = 7  # as D learns
    AUGMENT_GENERATED = 8  # as G learns
    PATH_LATENT = 9
    PATH_NOISE = 10  # maps of the synthesis
    PATH_DIRECTION = 11  # the random picture that path lengths are measured along
    ALIGN_LATENT = 12
    ALIGN_DIRECTION = 13
    AVERAGE_LATENT = 14  # for w_avg
    UNTOLD = 15  # which pictures are drawn without being told their class


def stream(seed: int, step: int, purpose: Purpose, sample: int = 0) -> np.random.Generator:
    """Return the random number generator of one purpose, step and sample."""
    counter = np.array([0, sample, step, purpose], dtype=np.uint64)  # the first word counts the draws
    key = np.array([seed % _WORD, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(counter=counter, key=key))


class StepRandom:
    """Random numbers of one step. `samples` are positions in the step's whole batch, over all processes.

    Numbers of the step as a whole (`samples` None) are the same in every process.
    """

    def __init__(self, seed: int, step: int) -> None:
        self._seed, self._step = seed, step

    def normal(self, purpose: Purpose, shape: tuple[int, ...], samples: Sequence[int] | None = None) -> Tensor:
        """Draw from N(0, 1), float32: (len(samples), *shape), or `shape` for the step as a whole."""
        out = np.empty((1 if samples is None else len(samples), math.prod(shape)), dtype=np.float32)
        for row, sample in zip(out, (0,) if samples is None else samples, strict=True):
            numbers = stream(self._seed, self._step, purpose, sample)
            numbers.standard_normal(dtype=np.float32, out=row)
        return torch.from_numpy(out.reshape(shape if samples is None else (-1, *shape)))

    def uniform(self, purpose: Purpose, shape: tuple[int, ...], samples: Sequence[int]) -> Tensor:
        """Draw uniformly from [0, 1), float32: (len(samples), *shape)."""
        out = np.empty((len(samples), math.prod(shape)), dtype=np.float32)
        for row, sample in zip(out, samples, strict=True):
            stream(self._seed, self._step, purpose, sample).random(dtype=np.float32, out=row)
        return torch.from_numpy(out.reshape(-1, *shape))

    def permutation(self, purpose: Purpose, n: int) -> Tensor:
        """Draw a random order of 0 to n - 1 for the step as a whole."""
        return torch.from_numpy(stream(self._seed, self._step, purpose).permutation(n))
