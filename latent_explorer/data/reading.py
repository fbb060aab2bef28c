# SPDX-License-Identifier: MIT
"""Reading a whole data set as a step of a job: on several threads, with progress, and without what cannot be read.

One broken picture does not end a training that could go on without it; many say that something is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Notice
from latent_explorer.data.threads import over_threads

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.data.folder import ImageDataset

MAX_UNREADABLE = 0.1  # a larger share is no accident
SHOWN = 5  # names in a sentence


def read_all(data: ImageDataset, size: int) -> Generator[Event, None, ImageDataset]:
    """Read every picture at `size` px, into memory where they fit; returns the data without the unreadable ones.

    Yields Progress, and a Notice that names what was left out. Raises UserError when more than a tenth is unreadable.
    """

    def read(row: int) -> str | None:
        try:
            data.keep(row, size)
        except UserError as error:
            return str(error)
        return None

    errors = yield from over_threads(read, len(data), "Reading pictures")
    broken = [row for row, error in enumerate(errors) if error]
    if not broken:
        return data
    names = named([data.names[row] for row in broken])
    if too_many(len(broken), len(data)):
        raise UserError(
            f"{len(broken)} of {len(data)} pictures cannot be read: {names}. The first: {errors[broken[0]]} "
            "Look at them with `latent-explorer check`, and mend or remove them."
        )
    what = (
        "picture that cannot be read is" if len(broken) == 1 else "pictures that cannot be read are"
    )
    yield Notice(f"{len(broken)} {what} left out: {names}.", "warning")
    return data.without(broken)


def too_many(broken: int, total: int) -> bool:
    """Whether so many unreadable pictures forbid a training."""
    return broken > MAX_UNREADABLE * total


def named(names: Sequence[str]) -> str:
    """A few names and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(printable(name) for name in names[:SHOWN]) + (
        f" and {more} more" if more > 0 else ""
    )


def printable(name: str) -> str:
    """A file name that may go to any terminal and into JSON: bytes that are no UTF-8 are shown as such."""
    return name.encode(errors="backslashreplace").decode()
