# SPDX-License-Identifier: MIT
"""Latent Explorer: see what an image classifier looks at.

Holds the version and the entry point for Python users, `latent_explorer.open(path)`. Importing this package
imports neither torch nor Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from latent_explorer.api import Explainer

__version__ = "0.1.0"
__all__ = ["__version__", "open"]


def open(path: str | PathLike[str], device: str = "auto", classifier: str | None = None) -> Explainer:
    """Open an `.explainer` file for use from Python; see docs/python.md. Nothing in the file is ever executed.

    `classifier`, a name or the beginning of an id, is the one to ask if the file holds several.

    Raises `UserError` if the file is not an explainer, is broken, or is newer than this version.
    """
    from latent_explorer.api import Explainer

    return Explainer(path, device, classifier)
