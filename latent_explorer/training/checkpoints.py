# SPDX-License-Identifier: MIT
"""The checkpoints of a run: the newest two, and the best by the figures of validation.

What they hold is the trainer's.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch

from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import atomic_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from latent_explorer.training.run_folder import RunFolder

KEPT = 2  # the newest, and one to fall back on where the newest turns out to be damaged


def score(values: Mapping[str, float]) -> float | None:
    """One figure of a validation's, lower is better; None where it has none to judge by.

    LPIPS of the reconstructions as a share of the mean picture's, plus the share of pictures that the classifier reads
    differently. Agreement alone is high again and again while pictures are still blobs, and LPIPS alone says nothing
    of the classifier that is to be explained; in this sum a point of the one weighs as much as a point of the other.
    Without an encoder it is the Frechet distance of what the mapping network draws.
    """
    ratio = values.get("val_lpips_ratio", values.get("val_feature_distance_ratio"))
    if ratio is not None and "val_agreement" in values:
        return ratio + 1 - values["val_agreement"]
    return values.get("val_frechet_mapping")


class Checkpoints:
    """The files in `checkpoints/`: NNNNNNNN.pt, named by the images seen, and best.pt."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._best = run.checkpoints / "best.pt"

    def save(self, state: dict[str, Any]) -> None:
        """Write the newest checkpoint and drop all but the newest two. Raises UserError; old ones stay then."""
        self._run.sync_metrics()
        self._write(self._run.checkpoints / f"{state['images']:08d}.pt", state)
        for old in self._numbered()[KEPT:]:
            # One that is being exported resists on Windows; the next save drops it.
            with contextlib.suppress(OSError):
                old.unlink()

    def save_best(self, state: dict[str, Any]) -> None:
        """Keep this state whatever comes after it."""
        self._write(self._best, state)

    def load(self) -> dict[str, Any]:
        """The newest checkpoint that can be read. Raises UserError where none can."""
        return self._first(self._numbered)

    def load_best(self) -> dict[str, Any]:
        """The best checkpoint, or the newest where no validation has been judged yet."""
        return self._first(lambda: [self._best, *self._numbered()])

    def exist(self) -> bool:
        """Whether there is anything to go on from."""
        return bool(self._numbered())

    def _numbered(self) -> list[Path]:
        """Newest first. While a run goes on, files come and go between two looks."""
        return sorted(self._run.checkpoints.glob("[0-9]*.pt"), reverse=True)

    def _write(self, path: Path, state: dict[str, Any]) -> None:
        with self._run.explain_write_errors("a checkpoint"), atomic_path(path) as temporary:
            try:
                torch.save(state, temporary)
            except RuntimeError as error:  # torch's zip writer on a full disk
                raise OSError(None, f"torch could not write it ({str(error).splitlines()[0]})") from error

    def _first(self, listed: Callable[[], list[Path]]) -> dict[str, Any]:
        """The first that can be read."""
        tried: list[Path] | None = None
        while (paths := listed()) != tried:  # a training that goes on may have replaced all of them meanwhile
            for path in paths:
                if state := _read(path):
                    return state
            tried = paths
        raise UserError(f"{self._run.path} has no checkpoint that can be read. Start again in another folder.")


def _read(path: Path) -> dict[str, Any] | None:
    """A checkpoint, or None for one that is damaged or gone. Tensors and plain values only: nothing is executed."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception:  # a damaged file raises nearly anything
        return None
    return state
