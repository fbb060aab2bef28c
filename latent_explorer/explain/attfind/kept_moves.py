# SPDX-License-Identifier: MIT
"""Rendered moves of AttFind on disk, so that a search that was stopped goes on where it was.

Only what was rendered is kept, 20 bytes a move with two classes: predictions are made again in seconds. A file is named
by a hash of everything that determines the effects: model, classifier, pair, pictures, ranges and kappa. It is
replaced whole. No function raises for what the disk does or holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path  # of a dataclass
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.errors import DamagedData
from latent_explorer.common.guarded_arrays import read_arrays
from latent_explorer.common.paths import MOVES_FOLDER, atomic_path, cache_dir

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from latent_explorer.explain.attfind.effects import SingleMoves

log = logging.getLogger(__name__)

MAX_BYTES = 256 << 20  # of the folder
MAX_FILE_BYTES = 64 << 20  # of a search: 3 million moves with two classes
SUFFIX = ".npz"
_VERSION = "1"  # increase it when the same move has another effect than before


@dataclass(frozen=True)
class KeptMoves:
    """Folder of the moves of searches; the least recently used are removed when there is no room."""

    folder: Path = field(default_factory=lambda: cache_dir() / MOVES_FOLDER)
    max_bytes: int = MAX_BYTES

    def of(self, model_hash: str, classifier_id: str, ws: Tensor, cond: Tensor | None, moves: SingleMoves) -> MovesFile:
        """Return the file of a search, which need not exist.

        ws, cond  the latents of its pictures
        """
        return self.found(model_hash, classifier_id, ws, cond, moves.style_range, moves.kappa, moves.question.pair)

    def found(
        self,
        model_hash: str,
        classifier_id: str,
        ws: Tensor,
        cond: Tensor | None,
        style_range: Tensor,
        kappa: float,
        pair: tuple[int, int] | None = None,
    ) -> MovesFile:
        """Return the file of a search as `of` does, by what its moves are: for those who only read it."""
        digest = hashlib.sha256(f"{_VERSION} {model_hash} {classifier_id} {kappa!r}".encode())
        if pair is not None:
            digest.update(f" pair {pair}".encode())
        for tensor in (ws, cond, style_range):
            array = np.zeros(0, np.float32) if tensor is None else tensor.float().cpu().numpy()
            digest.update(f" {array.shape} ".encode() + array.tobytes())
        return MovesFile(self.folder / f"{digest.hexdigest()[:40]}{SUFFIX}", self.max_bytes)


@dataclass(frozen=True)
class MovesFile:
    """Moves of one search."""

    path: Path
    max_bytes: int = MAX_BYTES  # of its folder

    def read(self, shape: Sequence[int], num_classes: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the moves (M, 3) and their effects (M, K) float32; none without a file, or with a damaged one.

        shape  (N, 2, S) of the effect table
        """
        try:
            arrays = read_arrays(self.path, ("moves", "effects"), MAX_FILE_BYTES)
            moves, effects = arrays["moves"].astype(np.int64), arrays["effects"].astype(np.float32)
            if moves.shape[1:] != (3,) or effects.shape != (len(moves), num_classes):
                raise DamagedData("its arrays are of other shapes")
            if not ((moves >= 0) & (moves < shape)).all() or not np.isfinite(effects).all():
                raise DamagedData("its numbers are out of range")
        except FileNotFoundError:
            return _nothing(num_classes)
        except (OSError, DamagedData, KeyError) as error:
            log.info("The moves that were kept cannot be used: %s", error)
            return _nothing(num_classes)
        with contextlib.suppress(OSError):
            os.utime(self.path)  # keeps the order of use
        return moves, effects

    def write(self, moves: np.ndarray, effects: np.ndarray) -> None:
        """Replace what is kept, unless there is nothing to keep or too much."""
        moves, effects = moves.astype(np.int32), effects.astype(np.float32)
        size = moves.nbytes + effects.nbytes
        if not len(moves) or size > min(MAX_FILE_BYTES, self.max_bytes):
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._make_room(size)
            with atomic_path(self.path, durable=False) as temporary, temporary.open("wb") as file:
                np.savez(file, moves=moves, effects=effects)
        except OSError as error:
            log.warning("What AttFind rendered is not kept for the next search: %s", error)

    def _make_room(self, size: int) -> None:
        """Remove the least recently used files of other searches, and what crashes left over."""
        others = [(path.stat(), path) for path in self.path.parent.iterdir() if path != self.path]
        others.sort(key=lambda each: each[0].st_mtime)
        used = size + sum(stat.st_size for stat, _ in others)
        for stat, path in others:
            if used <= self.max_bytes:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            used -= stat.st_size


def _nothing(num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((0, 3), dtype=np.int64), np.zeros((0, num_classes), dtype=np.float32)
