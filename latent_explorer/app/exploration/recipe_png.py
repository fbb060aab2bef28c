# SPDX-License-Identifier: MIT
"""PNG files that carry their recipe: the state, and the picture's own pixels if it was enlarged."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from PIL import Image

from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.common import guarded_json
from latent_explorer.common.errors import UserError
from latent_explorer.common.guarded_files import open_regular
from latent_explorer.common.paths import atomic_output
from latent_explorer.explain.recipe import needs_second_format
from latent_explorer.media import png
from latent_explorer.media.drawing import enlarge, export_factor

if TYPE_CHECKING:
    from pathlib import Path

KEY = "latent-explorer"  # keyword of the text chunk
VERSION = 2  # 1 without directions, which earlier programs do not know
MAX_FILE = 64 << 20  # bytes
MAX_PIXELS = 16 << 20


@dataclass(frozen=True)
class PngRecipe:
    """Recipe of a picture. `image` (H, W, 3) uint8 are the pixels before enlarging."""

    state: ExplorerState
    model_name: str
    image: np.ndarray


class _Head(msgspec.Struct, frozen=True):
    """The part of the recipe that is the same in all versions; read first."""

    version: int


class _Chunk(msgspec.Struct, frozen=True):
    version: int
    model_name: str
    state: ExplorerState
    pixels: str = ""  # base64 of a PNG; empty when the picture was not enlarged


def recipe_texts(state: ExplorerState, model_name: str, pixels: np.ndarray | None = None) -> dict[str, str]:
    """Return the text chunks of a PNG; `pixels` (H, W, 3) uint8 are the picture's own if the file enlarges it."""
    encoded = "" if pixels is None else base64.b64encode(png.png_bytes(pixels)).decode()
    version = VERSION if needs_second_format(state.edits) else 1
    chunk = _Chunk(version, model_name, _of_picture(state), encoded)
    return {KEY: msgspec.json.encode(chunk).decode()}


def png_bytes(image: np.ndarray, state: ExplorerState, model_name: str, factor: int | None = None) -> bytes:
    """Return the picture as PNG with its recipe, enlarged by `factor` (None: `export_factor`)."""
    factor = export_factor(image) if factor is None else factor
    texts = recipe_texts(state, model_name, image if factor > 1 else None)
    return png.png_bytes(enlarge(image, factor), texts)


def write_png(
    path: Path, image: np.ndarray, state: ExplorerState, model_name: str = "", factor: int | None = None
) -> None:
    """Write the picture with its recipe, all at once or not at all. UserError if that is impossible."""
    data = png_bytes(image, state, model_name, factor)
    with atomic_output(path) as temporary:
        temporary.write_bytes(data)


def read_recipe(path: Path) -> PngRecipe | None:
    """Return the recipe of a picture; None if it carries none. UserError if the file or its recipe is damaged."""
    if path.stat().st_size > MAX_FILE:
        return None
    try:
        with open_regular(path) as file, Image.open(file) as picture:
            if picture.format != "PNG" or picture.width * picture.height > MAX_PIXELS:
                return None
            picture.load()  # text may stand behind the pixels
            text = getattr(picture, "text", {}).get(KEY)
            image = np.asarray(picture.convert("RGB"))
    except Exception as error:  # decoders may raise anything for damaged bytes
        raise UserError(f"{path.name} cannot be read as a picture ({error}). Export it again.") from error
    return None if text is None else _recipe(str(text), image, path.name)


def _recipe(text: str, image: np.ndarray, name: str) -> PngRecipe:
    try:
        if guarded_json.decode(text, _Head, max_bytes=MAX_FILE).version > VERSION:
            raise UserError(
                f"The recipe in {name} was written by a newer Latent Explorer. Update the program to open it."
            )
        chunk = guarded_json.decode(text, _Chunk, max_bytes=MAX_FILE)
        if chunk.pixels:
            with Image.open(io.BytesIO(base64.b64decode(chunk.pixels, validate=True))) as stored:
                if stored.width * stored.height > MAX_PIXELS:
                    raise ValueError("its pixels are too many")
                image = np.asarray(stored.convert("RGB"))
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"The recipe in {name} is damaged ({error}). Export the picture again.") from error
    return PngRecipe(_of_picture(chunk.state), chunk.model_name, image)


def _of_picture(state: ExplorerState) -> ExplorerState:
    """Return the state without timelines: with them a recipe would be large, and lack the latents that they need."""
    return msgspec.structs.replace(state, timelines=())
