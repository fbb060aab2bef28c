# SPDX-License-Identifier: MIT
"""Explainers that are found without asking: those that come with the program, and the recent ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import resource

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIX = ".explainer"
LEAF = "leaf-health"  # opens at the first start
SHORTCUT = "leaf-shortcut"  # its classifier looks at the ground: an example of a shortcut


def bundled() -> list[Path]:
    """Return the explainers that come with the program, by name; they are read-only."""
    try:
        folder = resource("explainers")
    except FileNotFoundError:
        return []
    return sorted(folder.glob(f"*{SUFFIX}"))


def bundled_explainer(name: str = "") -> Path:
    """Return the bundled explainer of this name; without a name the one that opens at the first start.

    Raises UserError if this copy of the program comes without it.
    """
    explainers = {path.stem: path for path in bundled()}
    if not explainers:
        raise UserError("No explainer comes with this copy of the program. Open an .explainer file with File > Open.")
    if name and name not in explainers:
        raise UserError(
            f"{name} does not come with this copy of the program. Get the whole program again, "
            f"or open one of those it has: {', '.join(explainers)}."
        )
    return explainers.get(name or LEAF) or next(iter(explainers.values()))


def is_bundled(path: Path) -> bool:
    """Return True if the file came with the program."""
    return path.resolve() in {p.resolve() for p in bundled()}


def existing(recent: Sequence[str]) -> list[Path]:
    """Return those of the recent files that are still there."""
    return [path for path in map(Path, recent) if path.is_file()]


def candidates(recent: Sequence[str], *hints: Path) -> list[Path]:
    """Return files that may hold a model: the hints, recent explainers, bundled ones; each file once."""
    paths = [*hints, *(p for p in existing(recent) if p.suffix == SUFFIX), *bundled()]
    return list(dict.fromkeys(p.resolve() for p in paths if p.is_file()))
