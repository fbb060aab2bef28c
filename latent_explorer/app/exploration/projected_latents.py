# SPDX-License-Identifier: MIT
"""Projected pictures of the open exploration: kept by id, made known to the renderer, ready to be saved. No torch.

The document says which of them the strip lists; the store also holds those that undo may need.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import atomic_output
from latent_explorer.explain.projected import ProjectedPicture, latent_npz, read_projected, to_bytes
from latent_explorer.explain.recipe import Base, Noise, ProjectedBase

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from pathlib import Path

    from latent_explorer.app.exploration.document import Document
    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.explain.timeline.timeline import Timeline

_IDS = re.compile(rb'"(?:latent_id|maps_id)":("(?:[^"\\]|\\.)+")')  # fields of recipes that name a projection


@dataclass(frozen=True)
class UsableLatents:
    """Projected pictures that came with a file and belong to the model, with their contents, by id."""

    pictures: Mapping[str, ProjectedPicture] = field(default_factory=dict)
    contents: Mapping[str, bytes] = field(default_factory=dict)
    unusable: int = 0  # those that are damaged, or of another model


def usable_latents(contents: Mapping[str, bytes], model_hash: str) -> UsableLatents:
    """Read the latents of an exploration. It takes seconds for a hundred megabytes: not for the window's thread."""
    pictures = {}
    for latent_id, content in contents.items():
        try:
            picture = read_projected(content, latent_id)
        except UserError:
            continue
        if picture.latent_id == latent_id and picture.report.model_hash == model_hash:
            pictures[latent_id] = picture
    kept = {latent_id: contents[latent_id] for latent_id in pictures}
    return UsableLatents(pictures, kept, len(contents) - len(pictures))


class LatentStore:
    """Projected pictures by id. `send` makes pictures known to the renderer before any request can name them."""

    def __init__(self, send: Callable[[Sequence[ProjectedPicture]], None]) -> None:
        self._send = send
        self._model_hash = ""
        self._pictures: dict[str, ProjectedPicture] = {}
        self._contents: dict[str, bytes] = {}

    def begin(self, model_hash: str, latents: UsableLatents | None = None) -> None:
        """Start another exploration with the latents that came with it."""
        self._model_hash = model_hash
        self._pictures.clear()
        self._contents.clear()
        if latents is not None:
            self._contents.update(latents.contents)
            self._add(tuple(latents.pictures.values()))

    def add(self, *pictures: ProjectedPicture) -> list[str]:
        """Add pictures and return their ids. UserError if one belongs to another model."""
        for picture in pictures:
            if picture.report.model_hash != self._model_hash:
                raise UserError(
                    f"{picture.report.name} was projected with another model "
                    f"({picture.report.model_hash[:12]}). Open that explainer first, then this file again."
                )
        self._add(pictures)
        return [picture.latent_id for picture in pictures]

    def _add(self, pictures: Sequence[ProjectedPicture]) -> None:
        new = [p for p in pictures if p.latent_id not in self._pictures]
        self._pictures.update((p.latent_id, p) for p in pictures)
        if new:
            self._send(new)

    def get(self, latent_id: str) -> ProjectedPicture | None:
        """Return the picture of this id, or None."""
        return self._pictures.get(latent_id)

    def of(self, base: Base) -> ProjectedPicture | None:
        """Return the picture of a base latent; None for a seed, a sample or one that is not in the store."""
        return self.get(base.latent_id) if isinstance(base, ProjectedBase) else None

    def all(self) -> list[ProjectedPicture]:
        """Return all pictures in the order they came."""
        return list(self._pictures.values())

    def noise_of(self, base: Base) -> Noise | None:
        """Return the noise that belongs to a base latent: optimised maps, or what it was found with.

        None if no particular noise belongs to it.
        """
        if not isinstance(base, ProjectedBase):
            return None
        picture = self.of(base)
        if picture is not None and picture.noise is not None:
            return Noise("maps", maps_id=base.latent_id)
        return Noise()

    def content(self, latent_id: str) -> bytes:
        """Return the contents of a `.projection` file of it; made once."""
        if latent_id not in self._contents:
            self._contents[latent_id] = to_bytes(self._pictures[latent_id])
        return self._contents[latent_id]

    def export(self, latent_id: str, path: Path) -> None:
        """Write it whole (`.projection`), or as `.npz` with `w` and `cond`, as `generate --latents` reads it.

        UserError if that is impossible.
        """
        content = self.content(latent_id)
        if path.suffix.lower() == ".npz":
            content = latent_npz(self._pictures[latent_id])
        with atomic_output(path) as temporary:
            temporary.write_bytes(content)

    def contents_to_save(self, state: ExplorerState, document: Document) -> dict[str, bytes]:
        """Return what an exploration must hold, by id: all that are listed or that its state needs."""
        needed = {*document.projected, *referenced_latents(state), *referenced_latents(document)}
        return {key: self.content(key) for key in self._pictures if key in needed}

    def missing(self, value: msgspec.Struct) -> set[str]:
        """Return ids that a state, recipe or document names and that are not in the store."""
        return referenced_latents(value) - self._pictures.keys()

    def require(self, state: ExplorerState, title: str) -> None:
        """Raise UserError if the state of `title` needs a latent that is not in the store."""
        if self.missing(state):
            raise UserError(
                f"{title} was made from a projected picture that is not in this exploration. "
                f"Open the exploration that it belongs to, then open {title} again."
            )


def without_missing(
    state: ExplorerState, document: Document, instead: Base, known: Container[str]
) -> tuple[ExplorerState, Document]:
    """Return both without the projections that are not `known`.

    `instead` replaces the base if it was one of them. Keyframes of timelines that need them are removed.
    """
    named = referenced_latents(state) | referenced_latents(document) | set(document.projected)
    missing = {latent_id for latent_id in named if latent_id not in known}
    if not missing:
        return state, document
    if missing & referenced_latents(state.base):
        state = msgspec.structs.replace(state, base=instead, noise=Noise(), cond=None)
    if missing & referenced_latents(state.noise):
        state = msgspec.structs.replace(state, noise=Noise())
    if missing & referenced_latents(state):
        kept = tuple(_without(timeline, missing) for timeline in state.timelines)
        state = msgspec.structs.replace(state, timelines=kept)
    for latent_id in missing:
        document = document.without_projected(latent_id)
    return state, document


def _without(timeline: Timeline, missing: set[str]) -> Timeline:
    frames = tuple(k for k in timeline.keyframes if not missing & referenced_latents(k))
    noise = timeline.noise
    noise_missing = noise is not None and missing & referenced_latents(noise)
    return msgspec.structs.replace(timeline, keyframes=frames, noise=None if noise_missing else noise)


def referenced_latents(value: msgspec.Struct) -> set[str]:
    """Return ids of all projections that a state, recipe or document refers to, wherever in it."""
    # In the text of its JSON: a walk through a long timeline would hold up the window.
    return {guarded_json.decode(text, str) for text in set(_IDS.findall(msgspec.json.encode(value)))}


def missing_latents_message(title: str) -> str:
    """Return the warning about an exploration, or a picture's recipe, that came without some of its projections."""
    return (
        f"Some projected pictures of {title} are missing, damaged or of another model and were left out. "
        "Open the exploration that holds them, or project them again."
    )
