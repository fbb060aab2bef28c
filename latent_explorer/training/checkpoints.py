# SPDX-License-Identifier: MIT
"""Checkpoints of a run: the newest two, and the best by its validation. Each holds a digest of its own content."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import atomic_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from latent_explorer.training.run_folder import RunFolder

DIGEST = "sha256"  # key of the digest in a checkpoint
KEPT = 2  # the newest, and one to fall back on if the newest is damaged


def score(values: Mapping[str, float]) -> float | None:
    """Return one figure for a validation, lower is better, or None if the values it needs are missing.

    With an encoder: LPIPS of the reconstructions as a share of the mean picture's, plus the share of pictures that the
    classifier reads differently. Agreement alone is often high while pictures are still blobs, and LPIPS alone says
    nothing about the classifier; both have the same weight. Without an encoder: the Frechet distance of pictures from
    the mapping network.
    """
    ratio = values.get("val_lpips_ratio", values.get("val_feature_distance_ratio"))
    if ratio is not None and "val_agreement" in values:
        return ratio + 1 - values["val_agreement"]
    return values.get("val_frechet_mapping")


class Checkpoints:
    """Files in `checkpoints/`: NNNNNNNN.pt, named by the images seen, and best.pt."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._best = run.checkpoints / "best.pt"
        self._damaged: set[str] = set()

    @property
    def damaged(self) -> str:
        """Names of the checkpoints that `load` passed over because they are damaged; empty if there are none."""
        return ", ".join(sorted(self._damaged))

    def save(self, state: dict[str, Any]) -> None:
        """Write a checkpoint and delete all but the newest two.

        Raises UserError, and deletes none, if it cannot be written.
        """
        self._run.sync_metrics()
        self._write(self._run.checkpoints / f"{state['images']:08d}.pt", state)
        for old in self._numbered()[KEPT:]:
            # Windows does not delete one that is being exported; the next save does.
            with contextlib.suppress(OSError):
                old.unlink()

    def save_best(self, state: dict[str, Any]) -> None:
        self._write(self._best, state)

    def load(self) -> dict[str, Any]:
        """Return the newest checkpoint that can be read. Raises UserError if there is none."""
        return self._first(self._numbered)

    def load_best(self) -> dict[str, Any]:
        """Return the best checkpoint, or the newest if no validation has a score yet."""
        return self._first(lambda: [self._best, *self._numbered()])

    def exist(self) -> bool:
        """Return True if there is a checkpoint to continue from."""
        return bool(self._numbered())

    def _numbered(self) -> list[Path]:
        """List the numbered checkpoints, newest first. During a run the list changes between two calls."""
        return sorted(self._run.checkpoints.glob("[0-9]*.pt"), reverse=True)

    def _write(self, path: Path, state: dict[str, Any]) -> None:
        with self._run.explain_write_errors("a checkpoint"), atomic_path(path) as temporary:
            write_state(state, temporary)

    def _first(self, listed: Callable[[], list[Path]]) -> dict[str, Any]:
        tried: list[Path] | None = None
        while (paths := listed()) != tried:  # a running training may have replaced all of them meanwhile
            for path in paths:
                if state := read_state(path):
                    if self._damaged:
                        self._run.log_line(f"Went back to {path.name}: {', '.join(sorted(self._damaged))} damaged.")
                    return state
                if path.exists():
                    self._damaged.add(path.name)
            tried = paths
        raise UserError(f"{self._run.path} has no checkpoint that can be read. Start again in another folder.")


def write_state(state: Mapping[str, Any], path: Path) -> None:
    """Write nested containers of tensors and plain values with their digest. Raises OSError if that fails."""
    try:
        torch.save({**state, DIGEST: _digest(state)}, path)
    except RuntimeError as error:  # torch's zip writer on a full disk
        raise OSError(None, f"torch could not write it ({str(error).splitlines()[0]})") from error


def read_state(path: Path, device: str | torch.device = "cpu") -> dict[str, Any] | None:
    """Return what `write_state` wrote; None if it is missing, damaged or does not match its digest.

    Earlier files without a digest are taken as they are. Nothing in the file is executed.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)  # noqa: TID251
        expected = state.pop(DIGEST, None)
        return state if expected in (None, _digest(state)) else None
    except MemoryError:
        raise
    except Exception:  # a damaged file raises nearly anything
        return None


def _digest(state: object) -> str:
    digest = hashlib.sha256()
    _update(digest, state)
    return digest.hexdigest()


def _update(digest: hashlib._Hash, value: object) -> None:
    if isinstance(value, Tensor):
        digest.update(f"{value.dtype}{tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    elif isinstance(value, Mapping):
        digest.update(f"{{{len(value)}".encode())
        for key, each in value.items():
            _update(digest, key)
            _update(digest, each)
    elif isinstance(value, (list, tuple)):
        digest.update(f"[{len(value)}".encode())
        for each in value:
            _update(digest, each)
    else:
        digest.update(f"{type(value).__name__} {value!r}".encode())
