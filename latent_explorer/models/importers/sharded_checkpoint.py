# SPDX-License-Identifier: MIT
"""State dicts in several files, with an index that says which tensor is where, as Hugging Face writes large ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.models.foreign_files import INDEX_SUFFIX
from latent_explorer.models.importers.checkpoint_file import Checkpoint
from latent_explorer.models.importers.pickle_values import StoredTensor

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

MAX_SHARDS = 64
_MAX_INDEX_BYTES = 16 << 20


class ShardedCheckpoint:
    """Several files of one state dict, used as a `Checkpoint` of one file is: a context with `content` and `read`.

    Raises UserError for an index that names files outside of its folder, or tensors that are not where it says.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content: dict[str, StoredTensor | np.ndarray] = {}
        self._shards: list[Checkpoint] = []
        try:
            for shard, file in enumerate(files_of(path)):
                self._shards.append(Checkpoint(file))
                self._add(shard)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ShardedCheckpoint:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        for shard in self._shards:
            shard.close()

    def read(self, tensor: StoredTensor | np.ndarray) -> np.ndarray:
        """Return the numbers of one tensor, as `Checkpoint.read` does."""
        if not isinstance(tensor, StoredTensor):
            return self._shards[0].read(tensor)
        shard, _, key = tensor.storage.key.partition("/")
        return self._shards[int(shard)].read(tensor._replace(storage=tensor.storage._replace(key=key)))

    def _add(self, shard: int) -> None:
        """Add a file's tensors, whose storages get the number of the file before their names."""
        content = self._shards[shard].content
        for name, tensor in content.items() if isinstance(content, dict) else ():
            if isinstance(tensor, StoredTensor):
                storage = tensor.storage._replace(key=f"{shard}/{tensor.storage.key}")
                self.content[name] = tensor._replace(storage=storage)


AnyCheckpoint = Checkpoint | ShardedCheckpoint


def open_checkpoint(path: Path) -> AnyCheckpoint:
    """Open a checkpoint of one file, or of several if `path` is an index."""
    return ShardedCheckpoint(path) if path.name.endswith(INDEX_SUFFIX) else Checkpoint(path)


def files_of(path: Path) -> list[Path]:
    """Return the files that an index names, or the one file itself. Raises UserError for any but files beside it."""
    if not path.name.endswith(INDEX_SUFFIX):
        return [path]
    try:
        index: dict[str, Any] = guarded_json.read(path, dict[str, Any], max_bytes=_MAX_INDEX_BYTES)
    except (DamagedData, OSError) as error:
        raise unreadable(path, "index", error, suffix=".json") from error
    places = index.get("weight_map")
    names = sorted({str(name) for name in places.values()}) if isinstance(places, dict) else []
    if not names or len(names) > MAX_SHARDS or any(name in ("", "..") or set(name) & set("/\\:\0") for name in names):
        raise UserError(f"{path} does not name the files of a checkpoint beside it. Get the folder again.")
    return [path.parent / name for name in names]
