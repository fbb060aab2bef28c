# SPDX-License-Identifier: MIT
"""Reading a whole data set as a step of a job: on several threads, with progress, and without what cannot be read.

One broken picture does not end a training that could go on without it; many say that something is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Notice
from latent_explorer.data.threads import map_in_threads

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.data.dataset import ImageDataset

MAX_UNREADABLE = 0.1  # a larger share is no accident
SHOWN = 5  # names in a sentence


def read_all(data: ImageDataset, size: int) -> Generator[Event, None, tuple[ImageDataset, np.ndarray]]:
    """Every picture as (N, size, size, 3) uint8, and the data set that they belong to: without the unreadable ones.

    Yields Progress, and a Notice that names what was left out. Raises UserError when more than a tenth is unreadable.
    """
    pixels = np.empty((len(data), size, size, 3), dtype=np.uint8)

    def read(row: int) -> str | None:
        try:
            pixels[row] = data.decode(row, size)
        except UserError as error:
            return str(error)
        return None

    errors = yield from map_in_threads(read, len(data), "Reading pictures")
    broken = [row for row, error in enumerate(errors) if error]
    if not broken:
        return data, pixels
    names = join_names([data.names[row] for row in broken])
    if too_many_unreadable(len(broken), len(data)):
        raise UserError(
            f"{len(broken)} of {len(data)} pictures cannot be read: {names}. The first: {errors[broken[0]]} "
            "Look at them with `latent-explorer check`, and mend or remove them."
        )
    what = "picture that cannot be read is" if len(broken) == 1 else "pictures that cannot be read are"
    yield Notice(f"{len(broken)} {what} left out: {names}.", "warning")
    sound = [row for row, error in enumerate(errors) if not error]
    for place, row in enumerate(sound):  # in place: a copy might not fit beside the original
        pixels[place] = pixels[row]
    return data.without(broken), pixels[: len(sound)]


def too_many_unreadable(broken: int, total: int) -> bool:
    """Whether so many unreadable pictures forbid a training."""
    return broken > MAX_UNREADABLE * total


def join_names(names: Sequence[str]) -> str:
    """A few names and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
