# SPDX-License-Identifier: MIT
"""A run folder on disk: config.json, metrics.jsonl, samples/, checkpoints/.

Files are written all at once; metrics.jsonl grows line by line, and a crash may leave its last line unfinished.
"""

from __future__ import annotations

import json
import pickle
import zipfile
from typing import TYPE_CHECKING, Any

import msgspec
import torch
from PIL import Image

from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import atomic_path
from latent_explorer.training.config import TrainConfig

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

KEPT = 2  # checkpoints


class RunFolder:
    """The folder of one training."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metrics = path / "metrics.jsonl"
        self.samples = path / "samples"
        self.checkpoints = path / "checkpoints"

    def create(self, config: TrainConfig, provenance: dict[str, Any]) -> None:
        """Start a new run. A folder that holds one already is refused."""
        if (self.path / "config.json").exists():
            raise UserError(
                f"{self.path} holds a run already. Go on with --resume, or choose another folder."
            )
        self.samples.mkdir(parents=True, exist_ok=True)
        self.checkpoints.mkdir(exist_ok=True)
        self._write_json("config.json", msgspec.to_builtins(config))
        self._write_json("provenance.json", provenance)

    def config(self) -> TrainConfig:
        try:
            return msgspec.json.decode((self.path / "config.json").read_bytes(), type=TrainConfig)
        except (OSError, msgspec.MsgspecError) as error:
            raise UserError(
                f"{self.path} is no run folder: {error}. Give the folder that `train` wrote."
            ) from error

    def provenance(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.path / "provenance.json").read_text())
        return found

    def log(self, images: int, values: dict[str, float]) -> None:
        """Append one line of figures."""
        with self.metrics.open("a") as file:
            file.write(
                json.dumps({"images": images, **{k: round(v, 6) for k, v in values.items()}}) + "\n"
            )

    def forget_after(self, images: int) -> None:
        """Drop figures newer than the checkpoint that a run goes on from."""
        if not self.metrics.exists():
            return
        lines = [line for line in self.metrics.read_text().splitlines() if _images(line) <= images]
        with atomic_path(self.metrics) as temporary:
            temporary.write_text("".join(line + "\n" for line in lines))

    def sheet(self, images: int, picture: np.ndarray) -> None:
        """Save a sample sheet (H, W, 3) uint8."""
        with atomic_path(self.samples / f"{images:08d}.png") as temporary:
            Image.fromarray(picture).save(temporary, format="PNG")

    def save(self, state: dict[str, Any]) -> None:
        """Write a checkpoint and drop all but the newest."""
        with atomic_path(self.checkpoints / f"{state['images']:08d}.pt") as temporary:
            torch.save(state, temporary)
        for old in sorted(self.checkpoints.glob("*.pt"))[:-KEPT]:
            old.unlink()

    def load(self) -> dict[str, Any]:
        """The newest checkpoint that can be read. Tensors and plain values only: nothing is executed."""
        for path in sorted(self.checkpoints.glob("*.pt"), reverse=True):
            try:
                state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            except (OSError, RuntimeError, EOFError, zipfile.BadZipFile, pickle.UnpicklingError):
                continue
            return state
        raise UserError(
            f"{self.path} has no readable checkpoint yet. Start it again without --resume."
        )

    def _write_json(self, name: str, value: Any) -> None:
        with atomic_path(self.path / name) as temporary:
            temporary.write_text(json.dumps(value, indent=1))


def _images(line: str) -> float:
    """The images seen at a line of metrics.jsonl; infinite for one that a crash cut off."""
    try:
        return float(json.loads(line)["images"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
