# SPDX-License-Identifier: MIT
"""Effect tables that memory need not hold: large ones are mapped to a file in the cache folder, which has no name.

A table of 250 pictures at 1,024 px is 24 MB with two classes, 1.2 GB with a hundred.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import size_text
from latent_explorer.common.paths import MOVES_FOLDER, cache_dir

if TYPE_CHECKING:
    from collections.abc import Sequence

IN_MEMORY = 256 << 20  # bytes of a table
ON_DISK = 16 << 30


def new_table(shape: Sequence[int]) -> np.ndarray:
    """Return an array of zeros, float32, mapped to a file if it is large.

    The file is gone when the array is, or the process. Raises UserError for more than ON_DISK bytes or than are free.
    """
    size = 4 * prod(shape)
    if size <= IN_MEMORY:
        return np.zeros(shape, dtype=np.float32)
    folder = cache_dir() / MOVES_FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        room = min(ON_DISK, shutil.disk_usage(folder).free)
        if size > room:
            raise OSError(f"there is room for {size_text(room)}")
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):  # a disk that becomes full later would kill the process
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, dtype=np.float32, mode="r+", shape=tuple(shape))
    except OSError as error:
        raise UserError(
            f"The effects of {shape[0]} pictures on {shape[-1]} classes take {size_text(size)} in {folder}, where they "
            f"cannot be put: {error.strerror or error}. Search fewer pictures, or only two of the classes (--pair)."
        ) from error
