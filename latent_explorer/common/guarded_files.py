# SPDX-License-Identifier: MIT
"""Opening of files that anyone may have made: ordinary files only, within a size."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from latent_explorer.common.errors import DamagedData
from latent_explorer.common.format import size_text

if TYPE_CHECKING:
    from io import BufferedReader


def open_regular(path: str | os.PathLike[str], max_bytes: int | None = None) -> BufferedReader:
    """Open an ordinary file for reading: opening a pipe or a device could block for ever.

    Raises OSError if it cannot be opened, DamagedData if it is something else or larger than `max_bytes`.
    """
    path = Path(path)
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise DamagedData("it is a folder or a device, not a file")
        if max_bytes is not None and found.st_size > max_bytes:
            raise DamagedData(f"it is larger than {size_text(max_bytes)}")
        return path.open("rb")
    except OSError:
        raise
    except ValueError as error:  # a name with a NUL character
        raise error if isinstance(error, DamagedData) else DamagedData(str(error)) from error


def read_bytes(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """Return the content of an ordinary file. Raises as `open_regular` does, also if the file grows meanwhile."""
    with open_regular(path, max_bytes) as file:
        # read() takes memory for all that it is asked for, also if the file is small.
        data = file.read(min(max_bytes, os.fstat(file.fileno()).st_size) + 1)
    if len(data) > max_bytes:
        raise DamagedData(f"it is larger than {size_text(max_bytes)}")
    return data
