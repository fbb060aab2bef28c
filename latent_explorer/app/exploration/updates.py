# SPDX-License-Identifier: MIT
"""Updates of the application, on the window's thread. Plain values: the window draws them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from latent_explorer.app.engine.events import Outcome
from latent_explorer.app.engine.failure import Failure, failure_of
from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.explain.recipe import Base, Picture, PictureRequest, RenderResult
from latent_explorer.explain.timeline.timeline import Timeline
from latent_explorer.models.attributes import Attribute
from latent_explorer.models.summary import ExplainerSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class ModelOpened:
    """A model is open; `state` and `document` are where its exploration begins."""

    summary: ExplainerSummary
    state: ExplorerState
    document: Document
    path: Path
    device: str  # what it runs on, in words: "CPU", "NVIDIA H100"


@dataclass(frozen=True)
class StateChanged:
    """The person, undo or a file changed the state."""

    old: ExplorerState
    new: ExplorerState


@dataclass(frozen=True)
class DocumentChanged:
    """Names, pins, sliders, favourites or notes changed."""

    document: Document


@dataclass(frozen=True)
class MainPicture:
    """The picture of the canvas, what the classifier says, and what must be said about it."""

    request: PictureRequest
    result: RenderResult
    warnings: tuple[str, ...]  # empty: within the data


@dataclass(frozen=True)
class HoverPicture:
    """The attribute under the mouse at -1 (`sign` -1) and +1."""

    attribute: Attribute
    sign: int
    result: RenderResult


@dataclass(frozen=True)
class GridPicture:
    """Picture `index` of the grid."""

    index: int
    base: Base
    result: RenderResult


@dataclass(frozen=True)
class Thumbnail:
    """An unedited latent, for the strip of samples."""

    base: Base
    picture: Picture


@dataclass(frozen=True)
class Message:
    """One sentence for the person that needs no answer."""

    text: str
    severity: Literal["info", "warning"] = "info"


@dataclass(frozen=True)
class ErrorReport:
    """Something failed. `operation` names it: "Opening leaf-health". A picture's trouble comes with its slot."""

    failure: Failure
    operation: str
    slot: str = ""


@dataclass(frozen=True)
class DeviceChanged:
    """The device in use (in words) and those that can be chosen, as (id, words)."""

    device: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class FileChanged:
    """The exploration's file (None: not saved yet) and whether it has unsaved changes."""

    path: Path | None
    unsaved: bool


@dataclass(frozen=True)
class PicturesDropped:
    """Pictures, folders of them, or latents were dropped or chosen: whoever can work on them takes them up."""

    paths: tuple[Path, ...]


@dataclass(frozen=True)
class PhotosChanged:
    """Photos came or went, another one is looked at, a crop moved, or the settings are others."""

    opened: bool = False  # the person has just brought photos: show them


@dataclass(frozen=True)
class ProjectionStarted:
    """The photos are being projected."""


@dataclass(frozen=True)
class ProjectionProgress:
    """A step further; `pictures`: the pictures got better, too."""

    pictures: bool


@dataclass(frozen=True)
class ProjectionEnded:
    """It is over. `latent_ids` are in the strip now, one for each photo; empty when there was nothing to keep."""

    outcome: Outcome
    latent_ids: tuple[str, ...]


@dataclass(frozen=True)
class TimelinesChanged:
    """The current timeline is another value or another timeline; `names` are those of all in the exploration."""

    current: Timeline | None
    names: tuple[str, ...]


@dataclass(frozen=True)
class TimelineFrame:
    """A frame of the current timeline is to be shown, with what must be said about it.

    `seconds` is its place on the timeline, `cached` whether it came from disk.
    """

    seconds: float
    request: PictureRequest
    result: RenderResult
    cached: bool
    warnings: tuple[str, ...] = ()  # empty: within the data


@dataclass(frozen=True)
class TimelinePlaying:
    """Playing began or ended."""

    playing: bool


@dataclass(frozen=True)
class RecordingChanged:
    """The recording of a live session began or ended."""

    recording: bool


@contextlib.contextmanager
def report_errors(notify: Callable[[ErrorReport], object], doing: str) -> Iterator[None]:
    """Whatever fails inside is reported as an `ErrorReport`, and goes no further."""
    try:
        yield
    except Exception as error:
        notify(ErrorReport(failure_of(error), doing))
