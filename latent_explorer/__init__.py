# SPDX-License-Identifier: MIT
"""Latent Explorer: see what an image classifier looks at.

Holds the version and the door for Python users, `latent_explorer.open(path)`. Importing this package
imports neither torch nor Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from latent_explorer.models.explainer import Explainer

__version__ = "0.1.0"
__all__ = ["__version__", "open"]


def open(path: str | PathLike[str]) -> Explainer:
    """Read an `.explainer` file. Nothing in the file is ever executed.

    Raises `UserError` when the file is not an explainer, is broken, or is newer than this version.
    """
    from latent_explorer.models.explainer_file import read_explainer

    return read_explainer(path)
