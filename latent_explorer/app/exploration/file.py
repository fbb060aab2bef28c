# SPDX-License-Identifier: MIT
"""Files NAME.exploration: a zip of the state, the user's document, a thumbnail, projected latents and the model's id.

Members are read by name and never extracted; sizes are limited before anything is unpacked. Whatever is written can be
opened again: `write` refuses, in words, what `read` would refuse.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import msgspec
import numpy as np
from PIL import Image

from latent_explorer.app.exploration.compatibility import state_problem
from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.common.format import size_text
from latent_explorer.common.guarded_zip import GuardedZip
from latent_explorer.common.paths import atomic_path
from latent_explorer.explain.recipe import needs_second_format
from latent_explorer.models.attributes import has_own_ends

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

T = TypeVar("T")

SUFFIX = ".exploration"
FORMAT = "latent-explorer exploration"
# 2 without what a person hid, noted or labelled, 1 without directions: programs that do not know them would lose them.
VERSION = 3
MAX_MEMBER = 32 << 20  # bytes, unpacked
LATENTS, LATENT_SUFFIX = "latents/", ".safetensors"
MAX_LATENT = 256 << 20  # bytes; a tuned generator of 1024 px takes 60 MB
MAX_LATENTS = 2 << 30  # bytes of all together
MAX_LATENT_COUNT = 4000
MAX_MEMBERS = MAX_LATENT_COUNT + 16
MAX_THUMBNAIL = 1024 * 1024  # px
_EPOCH = (1980, 1, 1, 0, 0, 0)  # equal explorations give equal bytes


class _About(msgspec.Struct, frozen=True):
    """Member `about.json`: read first, and the only one whose shape is the same in all versions."""

    format: str
    version: int
    model_hash: str = ""
    model_name: str = ""
    model_path: str = ""  # where it was opened from: a hint, never trusted
    sha256: dict[str, str] = {}  # of the other members, by name; earlier files have none


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
    """Write the file, all at once or not at all. UserError if that is impossible, or if it could not be read again."""
    members = {
        "state.json": msgspec.json.encode(exploration.state),
        "notes.json": msgspec.json.encode(exploration.document),
    }
    if problem := _problem(exploration, members):
        raise UserError(f"{path.name} was not written: {problem}")
    if exploration.thumbnail is not None:
        buffer = io.BytesIO()
        Image.fromarray(exploration.thumbnail).save(buffer, "PNG")
        members["thumbnail.png"] = buffer.getvalue()
    members |= {f"{LATENTS}{k}{LATENT_SUFFIX}": v for k, v in exploration.latents.items()}
    about = _About(
        FORMAT,
        _version(exploration),
        exploration.state.model_hash,
        exploration.model_name,
        exploration.model_path,
        {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
    )
    members = {"about.json": msgspec.json.encode(about), **members}
    try:
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:  # noqa: TID251
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


def _version(exploration: Exploration) -> int:
    """Return the lowest version that holds everything."""
    document = exploration.document
    if document.hidden or document.annotations or document.labels:
        return VERSION
    return 2 if _needs_second_format(exploration) else 1


def _needs_second_format(exploration: Exploration) -> bool:
    """Return True if it has directions, or attributes or edits with ends of their own."""
    state, document = exploration.state, exploration.document
    keyframes = (k.recipe.edits for t in state.timelines for k in t.keyframes)
    listed = (a for each in document.attribute_sets for a in each.attributes)
    return (
        bool(document.directions)
        or any(map(has_own_ends, (*document.sliders, *listed)))
        or needs_second_format(state.edits, *keyframes)
    )


def _problem(exploration: Exploration, members: Mapping[str, bytes]) -> str:
    """Return why `read` would refuse this, and what to do, as words after "was not written:"; empty if it would not."""
    kinds: dict[str, tuple[type[msgspec.Struct], str, str]] = {
        "state.json": (ExplorerState, "its edits and timelines", "Shorten the timelines, or delete some."),
        "notes.json": (Document, "its notes, names and lists", "Shorten the notes."),
    }
    for name, (kind, what, advice) in kinds.items():
        try:
            guarded_json.decode(members[name], kind, max_bytes=MAX_MEMBER)
        except DamagedData as error:
            return f"{what} could not be read again ({error}). {advice}"
    if reason := state_problem(exploration.state):
        return f"{reason}. Undo that, or delete the keyframe or timeline."
    sizes = [len(content) for content in exploration.latents.values()]
    if len(sizes) > MAX_LATENT_COUNT:
        return (
            f"it has {len(sizes):,} projected pictures; an exploration holds {MAX_LATENT_COUNT:,}. "
            "Remove some from the list, or save them as files of their own."
        )
    if max(sizes, default=0) > MAX_LATENT or sum(sizes) > MAX_LATENTS:
        return (
            f"its projected pictures take {size_text(sum(sizes))}, the largest {size_text(max(sizes))}; an exploration "
            f"holds {size_text(MAX_LATENTS)}, at most {size_text(MAX_LATENT)} each. "
            "Remove some from the list, or save them as files of their own."
        )
    return ""


def read(path: Path) -> Exploration:
    """Read the file. UserError, in a sentence, for whatever is wrong with it."""
    try:
        with GuardedZip(path, MAX_MEMBERS) as archive:
            return _read(archive, path.name)
    except FileNotFoundError as error:
        raise UserError(f"{path.name} was not found. Choose another file.") from error
    except DamagedData as error:
        raise _not_ours(path.name, error, empty=path.stat().st_size == 0) from error
    except OSError as error:
        raise UserError(f"{path.name} cannot be read ({error.strerror or error}). Check the file.") from error


def _read(archive: GuardedZip, name: str) -> Exploration:
    if "about.json" not in archive.names:
        raise _not_ours(name, "it is a zip file of something else")
    about = guarded_json.decode(archive.read("about.json", MAX_MEMBER), _About)
    if about.format != FORMAT:
        raise _not_ours(name, "it was written by another program")
    if about.version > VERSION:
        raise UserError(
            f"{name} was written by a newer Latent Explorer (format {about.version}, "
            f"this program knows {VERSION}). Update the program to open it."
        )
    parts = _Parts(archive, about.sha256)
    state = parts.decode("state.json", ExplorerState)
    if state.model_hash != about.model_hash:
        raise DamagedData("its parts belong to different models")
    return Exploration(
        state=state,
        document=parts.decode("notes.json", Document) if "notes.json" in archive.names else Document(),
        model_name=about.model_name,
        model_path=about.model_path,
        thumbnail=_thumbnail(parts),
        latents=_latents(parts),
    )


def _not_ours(name: str, why: object, *, empty: bool = False) -> UserError:
    return unreadable(name, "exploration", why, suffix=SUFFIX, empty=empty)


class _Parts:
    """Members of the file, checked against their digests where the file has them."""

    def __init__(self, archive: GuardedZip, sha256: Mapping[str, str]) -> None:
        self._archive = archive
        self._sha256 = sha256
        self.names = archive.names

    def read(self, name: str, max_bytes: int = MAX_MEMBER) -> bytes:
        data = self._archive.read(name, max_bytes)
        if name in self._sha256 and hashlib.sha256(data).hexdigest() != self._sha256[name]:
            raise DamagedData(f"its part {name} does not match its checksum")
        return data

    def decode(self, name: str, kind: type[T]) -> T:
        return guarded_json.decode(self.read(name), kind)


def _latents(parts: _Parts) -> dict[str, bytes]:
    """Return the contents of projections by id, unchecked. A damaged one is empty, so that its user reports it."""
    contents: dict[str, bytes] = {}
    bytes_left = MAX_LATENTS
    for name in parts.names:
        if name.startswith(LATENTS) and name.endswith(LATENT_SUFFIX):
            latent_id = name.removeprefix(LATENTS).removesuffix(LATENT_SUFFIX)
            try:
                contents[latent_id] = parts.read(name, min(MAX_LATENT, bytes_left))
            except DamagedData:
                contents[latent_id] = b""
            bytes_left -= len(contents[latent_id])
    return contents


def _thumbnail(parts: _Parts) -> np.ndarray | None:
    """Return the thumbnail, or None: a damaged one is not a reason to refuse the rest."""
    if "thumbnail.png" not in parts.names:
        return None
    try:
        with Image.open(io.BytesIO(parts.read("thumbnail.png")), formats=["PNG"]) as png:
            if png.width * png.height > MAX_THUMBNAIL:
                return None
            return np.asarray(png.convert("RGB"))
    except Exception:  # decoders may raise anything for damaged bytes
        return None
