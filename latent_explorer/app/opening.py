# SPDX-License-Identifier: MIT
"""What a dropped or chosen file asks for (an explainer, an exploration, a picture with its recipe), and its model.

Models are read on the worker thread by the workbench; what follows from one being open is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from latent_explorer.app import library
from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration import picture_requests as live
from latent_explorer.app.exploration import recipe_png
from latent_explorer.app.exploration.autosave import Recovery
from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.app.exploration.updates import DeviceChanged
from latent_explorer.common.errors import UserError
from latent_explorer.data.images import is_image_name
from latent_explorer.explain import projected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from latent_explorer.app.engine.model_host import Opened, Workbench
    from latent_explorer.app.exploration.file import Exploration
    from latent_explorer.app.jobs import Jobs
    from latent_explorer.app.preferences import Preferences
    from latent_explorer.models.summary import ExplainerSummary

LATENTS = (projected.SUFFIX, ".npz", ".npy")


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
    recovery: Recovery | None = None  # thrown away when it is on the screen
    latents: dict[str, bytes] = field(default_factory=dict)  # contents of projections, by id

    def check(self, summary: ExplainerSummary) -> None:
        """UserError unless what came from the file fits this model."""
        if self.state is not None:
            live.check(self.state, summary)
        if self.document is not None:
            self.document.check(summary)


def what_to_open(paths: Sequence[Path]) -> Wanted | None:
    """Look into files that were chosen together. None: they are pictures (or folders of them) and latents to work on.

    The first explainer or exploration among them counts, else a single PNG with its recipe. UserError says why
    nothing can be done with them.
    """
    ours = (exploration_file.SUFFIX, library.SUFFIX)
    path = next((p for p in paths if p.suffix.lower() in ours and not p.is_dir()), paths[0])
    if not path.exists():
        raise UserError(f"{path.name} is not there (any more). Choose another file.")
    suffix = path.suffix.lower()
    if suffix == exploration_file.SUFFIX:
        return of_exploration(exploration_file.read(path), path.name, path)
    if suffix == library.SUFFIX:
        return Wanted(path.stem, path)
    if suffix == ".png" and len(paths) == 1 and path.is_file():
        recipe = recipe_png.read_recipe(path)
        if recipe is not None:
            return Wanted(path.name, state=recipe.state, model_name=recipe.model_name)
    if any(p.is_dir() or is_image_name(p.name) or p.suffix.lower() in LATENTS for p in paths):
        return None
    raise UserError(
        f"{path.name} is of a kind that cannot be opened. Choose an explainer (.explainer), an exploration "
        "(.exploration), a picture, or a latent (.projection, .npz, .npy)."
    )


def of_recovery(recovery: Recovery) -> Wanted:
    """What a crash left behind; it has no file of its own yet."""
    wanted = of_exploration(recovery.exploration, "The recovered exploration", None)
    return replace(wanted, recovery=recovery)


def of_exploration(exploration: Exploration, title: str, file: Path | None) -> Wanted:
    """An exploration that was read from `file`."""
    hint = Path(exploration.model_path) if exploration.model_path else None
    return Wanted(
        title,
        hint,
        exploration.state,
        exploration.document,
        file,
        exploration.model_name,
        latents=exploration.latents,
    )


def model_missing(wanted: Wanted) -> UserError:
    """The sentence for a state whose model was not found."""
    name = wanted.model_name or "an explainer"
    code = wanted.state.model_hash[:12] if wanted.state else ""
    return UserError(
        f"{wanted.title} belongs to {name} (model {code}), which is not among your recent files. "
        f"Open that explainer first, then open {wanted.title} again."
    )


class Opener:
    """Brings models onto the workbench and tells the device. `begin` is called with each new model."""

    def __init__(
        self,
        bench: Workbench,
        jobs: Jobs,
        preferences: Preferences,
        tell: Callable[[DeviceChanged], None],
        begin: Callable[[Opened, Wanted], None],
    ) -> None:
        self.opened: Opened | None = None  # the model on the workbench
        self._bench = bench
        self._jobs = jobs
        self._preferences = preferences
        self._tell = tell
        self._begin = begin

    def holds(self, state: ExplorerState) -> bool:
        """Whether the open model is the one of this state, with the classifier that it asks."""
        return (
            self.opened is not None
            and self.opened.summary.model_hash == state.model_hash
            and live.classifier_of(state, self.opened.summary) is not None
        )

    def open(self, wanted: Wanted) -> None:
        """Open the model that is wanted. Jobs on another one are cancelled."""
        self._jobs.cancel_of_model()
        device = self._preferences.settings.device
        if wanted.state is None:
            assert wanted.explainer is not None
            work = partial(self._bench.open, wanted.explainer, device)
        else:
            hints = [wanted.explainer] if wanted.explainer else []
            places = library.candidates(self._preferences.settings.recent, *hints)
            work = partial(self._find, wanted, wanted.state, places, device)
        self._jobs.call(f"Opening {wanted.title}", work, partial(self._done, wanted))

    def change_device(self, device: str) -> None:
        """Move the open model to another device."""
        self._jobs.call("Changing the device", partial(self._bench.use_device, device), self._take)

    def _find(
        self, wanted: Wanted, state: ExplorerState, places: list[Path], device: str
    ) -> Opened:
        """On the worker thread: the model of a state, wherever it is."""
        opened = self._bench.open_model(state.model_hash, places, device, wanted.check)
        if opened is None:
            raise model_missing(wanted)
        return opened

    def _done(self, wanted: Wanted, opened: Opened) -> None:
        if not library.is_bundled(opened.path):
            self._preferences.remember(opened.path)
        self._take(opened)
        self._begin(opened, wanted)

    def _take(self, opened: Opened) -> None:
        self.opened = opened
        self._tell(DeviceChanged(opened.device, opened.choices))
