# SPDX-License-Identifier: MIT
"""What a dropped or chosen file asks for: an explainer, an exploration, or a picture with its recipe. Reads no model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from latent_explorer.app import exploration_file, library, recipe_png
from latent_explorer.app.document import Document
from latent_explorer.app.state import ExplorerState
from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from latent_explorer.app.exploration_file import Exploration

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}


@dataclass(frozen=True)
class Wanted:
    """What shall be on the screen. Without a `state` the model opens at its beginning.

    A `document` comes with an exploration and replaces the open one; a recipe leaves the document alone.
    """

    title: str  # of the file, for sentences
    explainer: Path | None = None  # where the model is, or a hint
    state: ExplorerState | None = None
    document: Document | None = None
    file: Path | None = None  # the exploration that Save writes to
    model_name: str = ""


def what_to_open(path: Path) -> Wanted:
    """Look into a file. UserError says why nothing can be opened with it."""
    if not path.is_file():
        raise UserError(f"{path.name} is not there (any more). Choose another file.")
    suffix = path.suffix.lower()
    if suffix == exploration_file.SUFFIX:
        return of_exploration(exploration_file.read(path), path.name, path)
    if suffix == library.SUFFIX:
        return Wanted(path.stem, path)
    if suffix in PICTURES:
        recipe = recipe_png.read_recipe(path) if suffix == ".png" else None
        if recipe is None:
            raise UserError(
                f"{path.name} carries no recipe of Latent Explorer, so there is nothing to restore. "
                "Drop a PNG that was exported from here, an .explainer or an .exploration."
            )
        return Wanted(path.name, state=recipe.state, model_name=recipe.model_name)
    raise UserError(
        f"{path.name} is of a kind that cannot be opened. "
        "Choose an .explainer, an .exploration, or a PNG that was exported from here."
    )


def of_exploration(exploration: Exploration, title: str, file: Path | None) -> Wanted:
    """An exploration that was read, from its file or recovered after a crash (`file` None)."""
    hint = Path(exploration.model_path) if exploration.model_path else None
    return Wanted(
        title, hint, exploration.state, exploration.document, file, exploration.model_name
    )


def model_missing(wanted: Wanted) -> UserError:
    """The sentence for a state whose model was not found."""
    name = wanted.model_name or "an explainer"
    code = wanted.state.model_hash[:12] if wanted.state else ""
    return UserError(
        f"{wanted.title} belongs to {name} (model {code}), which is not among your recent files. "
        f"Open that explainer first, then open {wanted.title} again."
    )
