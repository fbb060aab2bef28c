# SPDX-License-Identifier: MIT
"""Failures as values: whatever goes wrong away from the window becomes one of these and is shown once."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Literal

from latent_explorer.common.errors import UserError


@dataclass(frozen=True)
class Failure:
    """Reason of a failure. `message` is shown to the user; `details` (a traceback) is folded away below it."""

    message: str
    details: str
    kind: Literal["user", "memory", "defect"]


def failure_of(error: BaseException) -> Failure:
    """Return the value that stands for a caught exception. It holds text only, so that no frame stays alive."""
    details = "".join(traceback.format_exception(error))
    if isinstance(error, UserError):
        return Failure(str(error), details, "user")
    if is_out_of_memory(error):
        return Failure(
            "There is not enough memory on this device. Choose CPU in the Device menu, "
            "or close other programs that use it, and try again.",
            details,
            "memory",
        )
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    return Failure(
        f"Something went wrong inside Latent Explorer ({text}). Your work is kept; "
        "the details below help us to mend it.",
        details,
        "defect",
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Return True if memory ran out, on the CPU or a GPU. Judged by name and text: torch is not imported here."""
    if isinstance(error, MemoryError):
        return True
    if any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate" in text)
