# SPDX-License-Identifier: MIT
"""Updates that the application sends to the window, on the window's thread. Plain values."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from latent_explorer.app.engine.events import Outcome
from latent_explorer.app.engine.failure import Failure, failure_of
from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.picture_requests import Caution
from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.explain.counterfactuals.region import RegionStudy
from latent_explorer.explain.direction_search.settings import FoundDirection
from latent_explorer.explain.directions.found import VectorFile
from latent_explorer.explain.recipe import Base, Draft, HeatMaps, Picture, PictureRequest, RenderResult
from latent_explorer.explain.timeline.timeline import Timeline
from latent_explorer.media.report.evidence import AttributeEvidence, Evidence
from latent_explorer.models.attributes import Attribute
from latent_explorer.models.summary import ExplainerSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AttributeId = tuple[str, int]  # `attribute_key` and target


@dataclass(frozen=True)
class ModelOpened:
    """Opened model; its exploration begins with `state` and `document`."""

    summary: ExplainerSummary
    state: ExplorerState
    document: Document
    path: Path
    device: str  # in words: "CPU", "NVIDIA H100"


@dataclass(frozen=True)
class StateChanged:
    """Change of the state that the canvas shows: by the user, undo, a file, or a timeline's frame on the canvas."""

    old: ExplorerState
    new: ExplorerState


@dataclass(frozen=True)
class DocumentChanged:
    """Change of names, pins, sliders, favourites or notes."""

    document: Document


@dataclass(frozen=True)
class MainPicture:
    """Picture of the canvas with the classifier's verdict and warnings."""

    request: PictureRequest
    result: RenderResult
    warnings: tuple[Caution, ...]


@dataclass(frozen=True)
class DraftPicture:
    """Draft of the canvas's picture, which follows: to be looked at and marked as one, and used for nothing else."""

    request: PictureRequest
    draft: Draft


@dataclass(frozen=True)
class HoverPicture:
    """Picture of the attribute under the mouse at -1 (`sign` -1) or +1."""

    attribute: Attribute
    sign: int
    result: RenderResult


@dataclass(frozen=True)
class TurningSet:
    """Attributes that turn the verdict, and the picture rendered with all of them at 1."""

    attributes: tuple[Attribute, ...]
    picture: Picture


@dataclass(frozen=True)
class VerdictOffers:
    """Sets that turn the verdict of the picture of `request` to `target`, fewest attributes first; may be empty."""

    request: PictureRequest
    target: int
    sets: tuple[TurningSet, ...]
    tried: int  # attributes
    everywhere: bool = False  # chosen among all styles, not among those listed


@dataclass(frozen=True)
class AttributeEnds:
    """Picture on the canvas, and the same with the attribute at -1 and at +1."""

    attribute: Attribute
    now: Picture
    minus: Picture
    plus: Picture


@dataclass(frozen=True)
class OwnEffects:
    """Effects of attributes on the picture on the canvas: changes of the target's logit, from 0 to 1 of the slider.

    `effects` are by `attribute_key`. They are rendered if `exact`, else predicted from one gradient.
    """

    effects: dict[str, float]
    exact: bool


@dataclass(frozen=True)
class PictureHeat:
    """Grad-CAM of the class `target` in the pictures of `request`."""

    request: PictureRequest
    target: int
    maps: HeatMaps


@dataclass(frozen=True)
class RegionFound:
    """What was found about the painted part of the picture of `request`; unless `done`, controls are to follow."""

    request: PictureRequest
    found: RegionStudy
    done: bool


@dataclass(frozen=True)
class EffectsMeasured:
    """Mean changes of the target's probability are known of more attributes."""


@dataclass(frozen=True)
class SearchTimed:
    """What a search for the attributes of a classifier takes is known."""


@dataclass(frozen=True)
class GestureEnded:
    """End of a drag."""


@dataclass(frozen=True)
class GridPicture:
    """Picture `index` of the grid."""

    index: int
    base: Base
    result: RenderResult


@dataclass(frozen=True)
class Thumbnail:
    """Unedited latent, for the strip of samples."""

    base: Base
    picture: Picture


@dataclass(frozen=True)
class JobQueued:
    """A job waits for the pictures and jobs before it, which take long where a picture does."""

    job: int
    name: str


@dataclass(frozen=True)
class Message:
    """Sentence for the user that needs no answer. `file` was written; the window offers to show its folder."""

    text: str
    severity: Literal["info", "warning"] = "info"
    file: Path | None = None


@dataclass(frozen=True)
class ErrorReport:
    """Failure of an `operation`, such as "Opening leaf-health". That of a picture names its slot."""

    failure: Failure
    operation: str
    slot: str = ""


@dataclass(frozen=True)
class DeviceChanged:
    """Device in use (in words), those that can be chosen, as (id, words), and what keeps it from being a faster one."""

    device: str
    choices: tuple[tuple[str, str], ...]
    note: str = ""


@dataclass(frozen=True)
class FileChanged:
    """File of the exploration (None: not saved yet), with `unsaved` True if it has unsaved changes."""

    path: Path | None
    unsaved: bool


@dataclass(frozen=True)
class PicturesDropped:
    """Pictures, folders of them, or projections were dropped or chosen, for the features that work on them."""

    paths: tuple[Path, ...]


@dataclass(frozen=True)
class VectorsDropped:
    """Files of latents or directions, of other programs, were dropped or chosen."""

    paths: tuple[Path, ...]


@dataclass(frozen=True)
class VectorsFound:
    """What a file of vectors holds, of which a person chooses what it is taken as."""

    found: VectorFile


@dataclass(frozen=True)
class DirectionsFound:
    """Result of a search for directions: `found` are FoundDirections, `class_names` those of its classifier."""

    found: tuple[FoundDirection, ...]
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class EvidenceFound:
    """What real pictures say of attributes, for one classifier, until another model is opened."""

    classifier_id: str
    evidence: Evidence
    found: Mapping[AttributeId, AttributeEvidence]


@dataclass(frozen=True)
class LatentsOpened:
    """The latents in a file shall become projections."""

    path: Path


@dataclass(frozen=True)
class ForeignFileOpened:
    """A file or folder with a model of another program, or a classifier, was dropped or chosen.

    `pictures` is a folder that came with it, for the classifier to be tried on.
    """

    path: Path
    pictures: Path | None = None


@dataclass(frozen=True)
class PhotographsChanged:
    """Change of the photographs to explain, of what is asked about them, or of what is known."""


@dataclass(frozen=True)
class PhotosChanged:
    """Change of the photos, of the one looked at, of a crop, or of the settings."""

    opened: bool = False  # new photos were opened: show them


@dataclass(frozen=True)
class ProjectionStarted:
    """Start of a projection of the photos."""


@dataclass(frozen=True)
class ProjectionProgress:
    """Step of a projection; `pictures` is True if the pictures got better, too."""

    pictures: bool


@dataclass(frozen=True)
class ProjectionEnded:
    """End of a projection. `latent_ids` are in the strip now, one for each photo; empty if nothing was kept."""

    outcome: Outcome
    latent_ids: tuple[str, ...]


@dataclass(frozen=True)
class TimelinesChanged:
    """Change of the current timeline or its value; `names` are those of all timelines in the exploration."""

    current: Timeline | None
    names: tuple[str, ...]


@dataclass(frozen=True)
class TimelineFrame:
    """Frame of the current timeline to be shown, with its warnings.

    `seconds` is its place on the timeline; `cached` is True if it came from disk.
    """

    seconds: float
    request: PictureRequest
    result: RenderResult
    cached: bool
    warnings: tuple[Caution, ...] = ()
    one_state: bool = True  # False on the way from one latent to another: no sliders stand for it


@dataclass(frozen=True)
class TimelinePlaying:
    """Start or end of playing."""

    playing: bool


@dataclass(frozen=True)
class RecordingChanged:
    """Start or end of the recording of a live session."""

    recording: bool


@contextlib.contextmanager
def report_errors(notify: Callable[[ErrorReport], object], doing: str) -> Iterator[None]:
    """Report any exception of the block as an `ErrorReport` and suppress it."""
    try:
        yield
    except Exception as error:
        notify(ErrorReport(failure_of(error), doing))
