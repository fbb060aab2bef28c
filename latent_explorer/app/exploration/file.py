# SPDX-License-Identifier: MIT
"""Files NAME.exploration: a zip of the state, the user's document, a thumbnail, projected latents and the model's id.

Members are read by name and never extracted; sizes are limited before anything is unpacked.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import msgspec
import numpy as np
from PIL import Image

from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.common.errors import UserError, unreadable
from latent_explorer.common.format import size_text
from latent_explorer.common.paths import atomic_path

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")

SUFFIX = ".exploration"
FORMAT = "latent-explorer exploration"
VERSION = 1
MAX_MEMBER = 32 << 20  # bytes, unpacked
MAX_MEMBERS = 1000
LATENTS, LATENT_SUFFIX = "latents/", ".safetensors"
MAX_LATENT = 256 << 20  # bytes; a tuned generator of 1024 px takes 60 MB
MAX_LATENTS = 1 << 30  # bytes of all together
MAX_THUMBNAIL = 1024 * 1024  # px
_EPOCH = (1980, 1, 1, 0, 0, 0)  # equal explorations give equal bytes


class _About(msgspec.Struct, frozen=True):
    """Member `about.json`: read first, and the only one whose shape is the same in all versions."""

    format: str
    version: int
    model_hash: str = ""
    model_name: str = ""
    model_path: str = ""  # where it was opened from: a hint, never trusted


@dataclass(frozen=True)
class Exploration:
    """Contents of the file. `thumbnail` (H, W, 3) uint8 or None; `latents`: contents of projections by id."""

    state: ExplorerState
    document: Document
    model_name: str = ""
    model_path: str = ""
    thumbnail: np.ndarray | None = None
    latents: dict[str, bytes] = field(default_factory=dict)


def write(path: Path, exploration: Exploration) -> None:
    """Write the file, all at once or not at all. UserError if that is impossible."""
    about = _About(FORMAT, VERSION, exploration.state.model_hash, exploration.model_name, exploration.model_path)
    members = {
        "about.json": msgspec.json.encode(about),
        "state.json": msgspec.json.encode(exploration.state),
        "notes.json": msgspec.json.encode(exploration.document),
    }
    if exploration.thumbnail is not None:
        buffer = io.BytesIO()
        Image.fromarray(exploration.thumbnail).save(buffer, "PNG")
        members["thumbnail.png"] = buffer.getvalue()
    members |= {f"{LATENTS}{k}{LATENT_SUFFIX}": v for k, v in exploration.latents.items()}
    try:
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name, data in members.items():
                info = zipfile.ZipInfo(name, _EPOCH)
                if not name.startswith(LATENTS):  # floats do not compress
                    info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, data)
    except OSError as error:
        raise UserError(
            f"{path.name} cannot be written ({error.strerror or error}). "
            "Free some space or choose another folder; nothing was lost."
        ) from error


def read(path: Path) -> Exploration:
    """Read the file. UserError, in a sentence, for whatever is wrong with it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, path.name)
    except FileNotFoundError as error:
        raise UserError(f"{path.name} was not found. Choose another file.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _not_ours(path.name, error, empty=path.stat().st_size == 0) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, NotImplementedError) as error:
        raise UserError(f"{path.name} is damaged: {error}. If there is an older copy of it, open that one.") from error
    except (OSError, RuntimeError) as error:  # RuntimeError: encrypted members
        raise UserError(f"{path.name} cannot be read ({error}). Check the file.") from error


def _read(archive: zipfile.ZipFile, name: str) -> Exploration:
    if len(archive.infolist()) > MAX_MEMBERS:
        raise ValueError("it holds too many parts")
    if "about.json" not in archive.namelist():
        raise _not_ours(name, "it is a zip file of something else")
    about = _decode(archive, "about.json", _About)
    if about.format != FORMAT:
        raise _not_ours(name, "it was written by another program")
    if about.version > VERSION:
        raise UserError(
            f"{name} was written by a newer Latent Explorer (format {about.version}, "
            f"this program knows {VERSION}). Update the program to open it."
        )
    state = _decode(archive, "state.json", ExplorerState)
    if state.model_hash != about.model_hash:
        raise ValueError("its parts belong to different models")
    has_notes = "notes.json" in archive.namelist()
    return Exploration(
        state=state,
        document=_decode(archive, "notes.json", Document) if has_notes else Document(),
        model_name=about.model_name,
        model_path=about.model_path,
        thumbnail=_thumbnail(archive),
        latents=_latents(archive),
    )


def _not_ours(name: str, why: object, *, empty: bool = False) -> UserError:
    return unreadable(name, "exploration", why, suffix=SUFFIX, empty=empty)


def _decode(archive: zipfile.ZipFile, member: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(_bytes(archive, member), type=kind)
    except KeyError as error:
        raise ValueError(f"its part {member} is missing") from error


def _bytes(archive: zipfile.ZipFile, member: str, max_bytes: int = MAX_MEMBER) -> bytes:
    # The size in the directory may lie, so the reading itself is limited.
    with archive.open(member) as stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ValueError(f"its part {member} is larger than {size_text(max_bytes)}")
    return data


def _latents(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Return the contents of projections by id, unchecked. A damaged one is empty, so that its user reports it."""
    contents: dict[str, bytes] = {}
    bytes_left = MAX_LATENTS
    for name in archive.namelist():
        if name.startswith(LATENTS) and name.endswith(LATENT_SUFFIX):
            latent_id = name.removeprefix(LATENTS).removesuffix(LATENT_SUFFIX)
            try:
                contents[latent_id] = _bytes(archive, name, min(MAX_LATENT, bytes_left))
            except (zipfile.BadZipFile, zlib.error, EOFError, ValueError):
                contents[latent_id] = b""
            bytes_left -= len(contents[latent_id])
    return contents


def _thumbnail(archive: zipfile.ZipFile) -> np.ndarray | None:
    """Return the thumbnail, or None: a damaged one is not a reason to refuse the rest."""
    if "thumbnail.png" not in archive.namelist():
        return None
    try:
        with Image.open(io.BytesIO(_bytes(archive, "thumbnail.png")), formats=["PNG"]) as png:
            if png.width * png.height > MAX_THUMBNAIL:
                return None
            return np.asarray(png.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
