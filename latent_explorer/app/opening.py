# SPDX-License-Identifier: MIT
"""Opening of dropped or chosen files (an explainer, an exploration, a picture with its recipe) and of their model.

Models are read on the worker thread by the model host; the explorer decides what follows from one being open.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from latent_explorer.app import library
from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration import picture_requests, recipe_png
from latent_explorer.app.exploration.autosave import Recovery, latents_of
from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.projected_latents import UsableLatents, usable_latents, without_missing
from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.app.exploration.updates import DeviceChanged, ForeignFileOpened, PicturesDropped, VectorsDropped
from latent_explorer.common.errors import UserError
from latent_explorer.data.images import is_image_name
from latent_explorer.explain import projected
from latent_explorer.models.foreign_files import is_model_file, whole_model

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from latent_explorer.app.engine.model_host import ModelHost, OpenedModel
    from latent_explorer.app.exploration.file import Exploration
    from latent_explorer.app.jobs import Jobs
    from latent_explorer.app.settings import SettingsStore
    from latent_explorer.models.summary import ExplainerSummary

Announcement: TypeAlias = ForeignFileOpened | VectorsDropped | PicturesDropped

VECTORS = (".npz", ".npy")  # latents or directions of other programs
_PERHAPS_VECTORS = (".pt", ".pth", ".safetensors")  # or models


@dataclass(frozen=True)
class Prepared:
    """What a session begins with; `incomplete` if projections that it names did not come with it."""

    state: ExplorerState
    document: Document
    latents: UsableLatents
    incomplete: bool


@dataclass(frozen=True)
class OpenRequest:
    """Contents to be shown. Without a `state` the model opens at its beginning.

    A `document` comes with an exploration and replaces the open one; a recipe leaves the document alone.
    """

    title: str  # name of the file, for messages
    explainer: Path | None = None  # where the model is, or a hint
    state: ExplorerState | None = None
    document: Document | None = None
    file: Path | None = None  # the exploration that Save writes to
    model_name: str = ""
    recovery: Recovery | None = None  # discarded once it is open
    latents: dict[str, bytes] = field(default_factory=dict)  # contents of projections, by id
    classifier_id: str = ""  # asked at the beginning, where there is no state; "": the one that is explained

    def prepare(self, summary: ExplainerSummary) -> Prepared:
        """Return what the session begins with: all that may fail or take long, before the model is exchanged.

        Raises UserError if what came from the file does not fit this model.
        """
        self.check(summary)
        first = picture_requests.opening_state(summary, self.classifier_id)
        wanted = self.state or first, self.document or Document()
        latents = usable_latents(self.latents, summary.model_hash)
        state, document = without_missing(*wanted, first.base, latents.pictures)
        return Prepared(state, document, latents, bool(latents.unusable) or (state, document) != wanted)

    def check(self, summary: ExplainerSummary) -> None:
        """Raise UserError unless what came from the file fits this model."""
        if self.state is not None:
            picture_requests.check(self.state, summary)
        if self.document is not None:
            self.document.check(summary)


def read_open_request(paths: Sequence[Path]) -> OpenRequest | None:
    """Read files that were chosen together; None if they are pictures (or folders of them) and latents to work on.

    The first explainer or exploration among them counts, else a single PNG with its recipe. UserError says why
    nothing can be done with them.
    """
    ours = (exploration_file.SUFFIX, library.SUFFIX)
    path = next((p for p in paths if p.suffix.lower() in ours and not p.is_dir()), paths[0])
    if not path.exists():
        raise UserError(f"{path.name} was not found. Choose another file.")
    suffix = path.suffix.lower()
    if suffix == exploration_file.SUFFIX:
        return replace(request_for_exploration(exploration_file.read(path), path.name), file=path)
    if suffix == library.SUFFIX:
        return OpenRequest(path.stem, path)
    if suffix == ".png" and len(paths) == 1 and path.is_file():
        recipe = recipe_png.read_recipe(path)
        if recipe is not None:
            return OpenRequest(path.name, state=recipe.state, model_name=recipe.model_name)
    if any(p.is_dir() or is_image_name(p.name) or p.suffix.lower() in (projected.SUFFIX, *VECTORS) for p in paths):
        return None
    raise UserError(
        f"{path.name} is of a kind that cannot be opened. Choose an explainer (.explainer), an exploration "
        "(.exploration), a picture, latents or directions (.projection, .npz, .npy, .pt), or a classifier or generator "
        "of another program (.pth, .safetensors, .pkl, ...)."
    )


def foreign_file(paths: Sequence[Path]) -> ForeignFileOpened | None:
    """Return the model of another program, or classifier, among files that were chosen together; None without one.

    An explainer or exploration among them goes first.
    """
    ours = (exploration_file.SUFFIX, library.SUFFIX)
    if any(path.suffix.lower() in ours and not path.is_dir() for path in paths):
        return None
    found = next((path for path in paths if path.exists() and is_model_file(path)), None)
    if found is None:
        return None
    pictures = next((path for path in paths if path.is_dir() and path != found), None)
    return ForeignFileOpened(whole_model(found), pictures)


def may_hold_vectors(foreign: ForeignFileOpened) -> bool:
    """Return True for a file that holds a model, or latents or directions, by its name."""
    return foreign.path.suffix.lower() in _PERHAPS_VECTORS and not foreign.path.is_dir()


def told_by_content(paths: Sequence[Path]) -> list[Announcement]:
    """Return what is announced of files that were chosen together, where a name may be that of a model or of vectors.

    The first model counts, alone, as in `foreign_file`. Reads the files.
    """
    from latent_explorer.explain.projection.latent_import import holds_vectors

    doubtful = (path for path in paths if path.suffix.lower() in _PERHAPS_VECTORS and path.is_file())
    vectors = [path for path in doubtful if holds_vectors(path)]
    foreign = foreign_file([path for path in paths if path not in vectors])
    return [foreign] if foreign is not None else vectors_and_pictures(paths, vectors)


def vectors_and_pictures(paths: Sequence[Path], known: Collection[Path] = ()) -> list[Announcement]:
    """Return what is announced of latents, directions and pictures; `known` are vectors that no name tells."""
    vectors = tuple(p for p in paths if p in known or (p.suffix.lower() in VECTORS and not p.is_dir()))
    pictures = tuple(path for path in paths if path not in vectors)
    return [*([VectorsDropped(vectors)] if vectors else []), *([PicturesDropped(pictures)] if pictures else [])]


def reads_long(paths: Sequence[Path]) -> bool:
    """Return True if reading these files may take longer than a window may stand still."""
    alone_png = len(paths) == 1 and paths[0].suffix.lower() == ".png"  # its recipe may stand behind all pixels
    return alone_png or any(path.suffix.lower() == exploration_file.SUFFIX for path in paths)


def request_for_recovery(recovery: Recovery) -> OpenRequest:
    """Return the request that opens what a crash left behind."""
    exploration = replace(recovery.exploration, latents=latents_of(recovery))
    return request_for_exploration(exploration, "The recovered exploration", recovery)


def request_for_exploration(exploration: Exploration, title: str, recovery: Recovery | None = None) -> OpenRequest:
    """Return the request that opens an exploration; after a crash it has no file of its own yet."""
    return OpenRequest(
        title,
        Path(exploration.model_path) if exploration.model_path else None,
        exploration.state,
        exploration.document,
        model_name=exploration.model_name,
        recovery=recovery,
        latents=exploration.latents,
    )


class ModelOpener:
    """Opens models in the model host and reports the device. `begin` is called with each new model."""

    def __init__(
        self,
        host: ModelHost,
        jobs: Jobs,
        settings_store: SettingsStore,
        notify: Callable[[DeviceChanged], None],
        begin: Callable[[OpenRequest, OpenedModel, Prepared], None],
    ) -> None:
        self.opened: OpenedModel | None = None  # the model in the model host
        self._host = host
        self._jobs = jobs
        self._settings_store = settings_store
        self._notify = notify
        self._begin = begin

    def holds(self, state: ExplorerState) -> bool:
        """Return True if the open model is the one of this state, with the classifier that it selects."""
        return (
            self.opened is not None
            and self.opened.summary.model_hash == state.model_hash
            and picture_requests.classifier_of(state, self.opened.summary) is not None
        )

    def open(self, open_request: OpenRequest) -> None:
        """Open the requested model. Jobs on another one are cancelled."""
        self._jobs.cancel_of_model()
        device = self._settings_store.settings.device
        if open_request.state is None:
            assert open_request.explainer is not None
            work = partial(self._host.open, open_request.explainer, device, open_request.prepare)
        else:
            hints = [open_request.explainer] if open_request.explainer else []
            places = library.candidates(self._settings_store.settings.recent, *hints)
            work = partial(self._find, open_request, open_request.state, places, device)
        self._jobs.call(f"Opening {open_request.title}", work, partial(self._done, open_request))

    def change_device(self, device: str) -> None:
        """Move the open model to another device."""
        self._jobs.call("Changing the device", partial(self._host.use_device, device), self._take)

    def _find(self, open_request: OpenRequest, state: ExplorerState, places: list[Path], device: str) -> OpenedModel:
        """Open the model of a state, wherever it is. Runs on the worker thread."""
        opened = self._host.open_model(state.model_hash, places, device, open_request.prepare)
        if opened is None:
            raise UserError(
                f"{open_request.title} belongs to {open_request.model_name or 'an explainer'} "
                f"(model {state.model_hash[:12]}), which is not among your recent files. "
                f"Open that explainer first, then open {open_request.title} again."
            )
        return opened

    def _done(self, open_request: OpenRequest, opened: OpenedModel) -> None:
        if not library.is_bundled(opened.path):
            self._settings_store.add_recent(opened.path)
        self._take(opened)
        self._begin(open_request, opened, opened.prepared)

    def _take(self, opened: OpenedModel) -> None:
        self.opened = opened
        self._notify(DeviceChanged(opened.device, opened.choices, opened.device_note))
