# SPDX-License-Identifier: MIT
"""The application without a window: one open model, its exploration, and the engine that shows it.

Methods are called on one thread (the window's). Updates go to `listeners` on that thread, because engine events
come back through `post`. No method raises for what a person did or a file holds: it tells a `Trouble`.
"""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.app import library, live, opening, recipe_png, updates
from latent_explorer.app import settings as settings_file
from latent_explorer.app.autosave import Autosave, Recovery
from latent_explorer.app.document import Document, shown_attributes
from latent_explorer.app.engine import (
    Engine,
    EngineEvent,
    JobEnded,
    JobEvent,
    JobStarted,
    PictureFailed,
    PictureReady,
)
from latent_explorer.app.exploration_file import Exploration
from latent_explorer.app.exploration_file import write as write_exploration
from latent_explorer.app.exporting import GIF_FPS, export_gif, sweep_amounts
from latent_explorer.app.failure import failure_of
from latent_explorer.app.intents import Restore, SetBase
from latent_explorer.app.pictures import SLOTS, Pictures
from latent_explorer.app.session import Session
from latent_explorer.app.workbench import Opened, Workbench
from latent_explorer.common import paths
from latent_explorer.common.errors import UserError
from latent_explorer.explain.recipe import Base, SeedBase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from latent_explorer.app.intents import Intent
    from latent_explorer.app.opening import Wanted
    from latent_explorer.app.settings import Settings
    from latent_explorer.app.state import ExplorerState
    from latent_explorer.explain.attfind import AttFindResult
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.summary import ExplainerSummary

MAX_SEED = 2**31 - 1


class Explorer:
    """Everything the window talks to. `post(fn)` must run `fn` on the window's thread, in order."""

    def __init__(
        self,
        post: Callable[[Callable[[], None]], None],
        *,
        workbench: Workbench | None = None,
        data_dir: Path | None = None,
        config_dir: Path | None = None,
    ) -> None:
        self.listeners: list[Callable[[updates.Update], None]] = []
        self.document = Document()
        self.session: Session | None = None
        self.path: Path | None = None  # the exploration's file
        self._post = post
        self._bench = workbench or Workbench()
        self._settings_path = (config_dir or paths.config_dir()) / "settings.json"
        self._settings = settings_file.load(self._settings_path)
        self._autosave = Autosave((data_dir or paths.user_data_dir()) / "autosave")
        self._engine = Engine(self._bench.render, self._from_engine, slots=SLOTS)
        self._pictures = Pictures(self._engine.show, self._tell)
        self._opened: Opened | None = None
        self._saved: tuple[object, ...] | None = None  # what the exploration's file holds
        self._closed = False
        # What to do with a finished job's value; calls (opening a model) are not for the list of jobs.
        self._then: dict[int, Callable[[Any], None]] = {}
        self._calls: set[int] = set()
        self._jobs: dict[int, str] = {}
        self._random = random.Random()

    # What is open --------------------------------------------------------------------------------

    @property
    def summary(self) -> ExplainerSummary | None:
        """The open model, or None."""
        return self.session.summary if self.session else None

    @property
    def state(self) -> ExplorerState | None:
        """The current state, or None while no model is open."""
        return self.session.state if self.session else None

    @property
    def settings(self) -> Settings:
        """What is remembered between starts."""
        return self._settings

    @property
    def jobs(self) -> dict[int, str]:
        """Jobs that run or wait, by id: their names."""
        return dict(self._jobs)

    @property
    def shown(self) -> updates.MainPicture | None:
        """The picture on the canvas."""
        return self._pictures.shown.picture if self._pictures.shown else None

    def attributes(self) -> list[Attribute]:
        """The attributes to list: pins, own sliders, then by rank, under the person's names."""
        if self.session is None:
            return []
        return shown_attributes(self.document, self.session.summary, self.session.state)

    def open_bundled(self) -> None:
        """Open the explainer that comes with the program."""
        with self._reporting("Opening the bundled explainer"):
            self.open_path(library.default_explainer())

    def open_path(self, path: Path) -> None:
        """Open an explainer, an exploration, or a PNG with its recipe."""
        with self._reporting(f"Opening {path.name}"):
            self._want(opening.what_to_open(path))

    def recoverable(self) -> list[Recovery]:
        """What a crash left behind, newest first: to be offered at the start."""
        return self._autosave.recoverable()

    def recover(self, recovery: Recovery) -> None:
        """Bring it back; the file it was saved to, if any, stays as it is."""
        self._want(opening.of_exploration(recovery.exploration, "The recovered exploration", None))
        self._autosave.discard(recovery)

    def discard(self, recovery: Recovery) -> None:
        """Throw it away."""
        self._autosave.discard(recovery)

    def set_device(self, device: str) -> None:
        """Move to the device called so in the choices of `DeviceChanged` ("auto", "cpu", "cuda:0", "mps")."""
        self.change_settings(device=device)
        if self.session is not None:
            self._pictures.hold()
            bench = self._bench
            self._call(
                "Changing the device", lambda: bench.use_device(device), self._device_changed
            )

    def change_settings(self, **fields: Any) -> None:
        """Change fields of the settings and write them."""
        self._settings = msgspec.structs.replace(self._settings, **fields)
        try:
            settings_file.save(self._settings, self._settings_path)
        except OSError as error:
            text = f"The settings cannot be written ({error.strerror}). Check the folder's permissions."
            self._tell(updates.Told(text, "warning"))

    # What changes the picture --------------------------------------------------------------------

    def apply(self, intent: Intent) -> None:
        """Do what the person asks."""
        if self.session is not None:
            self.session.apply(intent)

    def begin_gesture(self) -> None:
        """The mouse is down on a control: until `end_gesture` its changes are one step of undo."""
        if self.session is not None:
            self.session.begin_gesture()

    def end_gesture(self) -> None:
        """The mouse is up."""
        if self.session is not None:
            self.session.end_gesture()

    def undo(self) -> None:
        if self.session is not None:
            self.session.undo()

    def redo(self) -> None:
        if self.session is not None:
            self.session.redo()

    @property
    def undo_text(self) -> str:
        """ "Undo shift of style 214", or empty."""
        return self.session.undo_text if self.session else ""

    @property
    def redo_text(self) -> str:
        """ "Redo shift of style 214", or empty."""
        return self.session.redo_text if self.session else ""

    def shuffle_seed(self) -> None:
        """Go to a seed drawn by lot."""
        self.apply(SetBase(SeedBase(self._random.randint(0, MAX_SEED))))

    def random_seeds(self, count: int) -> list[Base]:
        """Fresh seeds for the strip."""
        return [SeedBase(self._random.randint(0, MAX_SEED)) for _ in range(count)]

    # What is shown beside it ---------------------------------------------------------------------

    def hover(self, attribute: Attribute | None) -> None:
        """The attribute under the mouse; its two ends come as `HoverPicture`."""
        self._pictures.hover(attribute)

    def set_grid(self, bases: Sequence[Base] | None) -> None:
        """Show the same edits on these latents, as `GridPicture`; None closes the grid."""
        self._pictures.set_grid(bases or ())

    def set_strip(self, bases: Sequence[Base]) -> None:
        """The latents whose thumbnails are in view; they come as `Thumbnail`, after everything else."""
        self._pictures.set_strip(bases)

    # The document --------------------------------------------------------------------------------

    def change_document(self, document: Document) -> None:
        """Take a new document, made by the methods of the old one: `explorer.document.renamed(...)`."""
        if document != self.document:
            self.document = document
            self._tell(updates.DocumentChanged(document))
            self._tell_file()

    @property
    def unsaved(self) -> bool:
        """Whether the exploration differs from its file (or from the beginning)."""
        return self.session is not None and self._content() != self._saved

    def save(self, path: Path | None = None) -> bool:
        """Write the exploration to `path`, or to the file it came from. Whether it was written."""
        path = path or self.path
        exploration = self._exploration()
        if path is None or exploration is None:
            return False
        with self._reporting(f"Saving {path.name}"):
            write_exploration(path, exploration)
            self.path, self._saved = path, self._content()
            self._remember(path)
            self._tell_file()
        return self._saved == self._content()

    def autosave(self) -> bool:
        """To be called every 30 seconds and after jobs; writes only what changed."""
        exploration = self._exploration()
        return exploration is not None and self.unsaved and self._autosave.save(exploration)

    # Exports and jobs ----------------------------------------------------------------------------

    def png(self, factor: int | None = None) -> bytes | None:
        """The shown picture as PNG with its recipe (for the clipboard and for dragging); None without a picture."""
        shown = self._pictures.shown
        if shown is None or self.summary is None:
            return None
        image = shown.picture.result.after.image
        return recipe_png.png_bytes(image, shown.state, self.summary.name, factor)

    def export_png(self, path: Path, factor: int | None = None) -> None:
        """Write the shown picture, enlarged, with its recipe; `factor` None: 8 at 64 px."""
        with self._reporting(f"Exporting {path.name}"):
            data = self.png(factor)
            if data is None:
                raise UserError("There is no picture to export yet. Open an explainer first.")
            recipe_png.write_bytes(path, data)
            self._tell(updates.Told(f"Saved {path.name}."))

    def export_gif(self, path: Path, attribute: Attribute, fps: float = GIF_FPS) -> int | None:
        """Start writing the attribute's sweep from -1 to +1 and back. Returns the job."""
        if self.session is None:
            return None
        state, summary = self.session.state, self.session.summary
        requests = live.resolve_sweep(state, summary, attribute, sweep_amounts())
        return self._start(
            f"Writing {path.name}",
            lambda _budget: export_gif(path, requests, self._bench.render, fps=fps),
            lambda written: self._tell(updates.Told(f"Saved {written.name}.")),
        )

    def start_attfind(self, n: int = 250) -> int | None:
        """Search for the attributes of the asked classifier (of all classes) on `n` pictures. Returns the job."""
        if self.session is None:
            return None
        bench, asked = self._bench, self.session.state.classifier_id
        return self._start(
            "Finding attributes",
            lambda budget: bench.attfind(budget, n=n, classifier_id=asked),
            self._attributes_found,
        )

    def cancel(self, job: int) -> None:
        """Cancel a job; it ends after its step in hand."""
        self._engine.cancel(job)

    def wait_idle(self, timeout: float) -> bool:
        """For tests and tours: wait until the engine has nothing to do (its last events may still be posted)."""
        return self._engine.wait_idle(timeout)

    def close(self, *, keep_autosave: bool = False) -> None:
        """End everything; the thread is joined. `keep_autosave` offers the exploration again at the next start."""
        if self._closed:
            return
        if keep_autosave:
            self.autosave()
        self._closed = True
        self._engine.close()
        self._autosave.close(keep=keep_autosave)

    # Inside --------------------------------------------------------------------------------------

    def _want(self, wanted: Wanted) -> None:
        """Bring a file's contents to the screen, finding its model first where another is open."""
        state = wanted.state
        if state is not None and self.summary and state.model_hash == self.summary.model_hash:
            self._restore(wanted, state)
            return
        for job in self._jobs:
            self._engine.cancel(job)
        self._pictures.hold()
        bench, device = self._bench, self._settings.device
        if state is None:
            path = wanted.explainer or Path()
            self._call(
                f"Opening {wanted.title}", lambda: bench.open(path, device), self._model_opened
            )
            return
        hints = [wanted.explainer] if wanted.explainer else []
        places = library.candidates(self._settings.recent, *hints)

        def find() -> Opened:
            opened = bench.open_model(state.model_hash, places, device)
            if opened is None:
                raise opening.model_missing(wanted)
            return opened

        self._call(
            f"Opening {wanted.title}", find, lambda opened: self._model_opened(opened, wanted)
        )

    def _restore(self, wanted: Wanted, state: ExplorerState) -> None:
        assert self.session is not None
        live.check(state, self.session.summary)
        if wanted.document is None:
            self.apply(Restore(state, f"recipe of {wanted.title}"))
            return
        assert self._opened is not None
        self._begin(self._opened, wanted)

    def _model_opened(self, opened: Opened, wanted: Wanted | None = None) -> None:
        if wanted is not None and wanted.state is not None:
            live.check(wanted.state, opened.summary)
        if not library.is_bundled(opened.path):
            self._remember(opened.path)
        self._begin(opened, wanted)

    def _begin(self, opened: Opened, wanted: Wanted | None) -> None:
        """A new session on an open model."""
        state = wanted.state if wanted and wanted.state else live.opening_state(opened.summary)
        self.document = wanted.document if wanted and wanted.document else Document()
        self.path = wanted.file if wanted else None
        self._opened = opened
        self.session = Session(opened.summary, state)
        self.session.changed.append(self._state_changed)
        # A recovered exploration is unsaved from the start; so is a recipe that brought its model along.
        recovered = wanted is not None and wanted.file is None
        self._saved = None if recovered else self._content()
        self._pictures.hold()
        self._tell(
            updates.ModelOpened(opened.summary, state, self.document, opened.path, opened.device)
        )
        self._tell(updates.DeviceChanged(opened.device, opened.choices))
        self._tell_file()
        self._pictures.release(opened.summary, state)

    def _device_changed(self, opened: Opened) -> None:
        self._opened = opened
        self._tell(updates.DeviceChanged(opened.device, opened.choices))
        self._pictures.release(opened.summary, self.state)

    def _attributes_found(self, found: AttFindResult) -> None:
        self.change_document(self.document.with_attribute_set(found.attribute_set))
        self.autosave()

    def _state_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        self._tell(updates.StateChanged(old, new))
        self._tell_file()
        self._pictures.refresh(new)

    def _call(self, name: str, fn: Callable[[], Any], then: Callable[[Any], None]) -> None:
        job = self._engine.call(name, fn)
        self._calls.add(job)
        self._then[job] = then

    def _start(self, name: str, job: Callable[..., Any], then: Callable[[Any], None]) -> int:
        number = self._engine.start(name, job)
        self._jobs[number] = name
        self._then[number] = then
        return number

    def _from_engine(self, event: EngineEvent) -> None:
        self._post(lambda: self._take(event))  # on the worker thread until here

    def _take(self, event: EngineEvent) -> None:
        if self._closed:
            return
        if isinstance(event, (PictureReady, PictureFailed)):
            self._pictures.take(event)
        elif isinstance(event, JobStarted):
            self._tell(updates.JobStarted(event.job, event.name, event.job not in self._calls))
        elif isinstance(event, JobEvent):
            self._tell(updates.JobEvent(event.job, event.event))
        else:
            self._job_ended(event)

    def _job_ended(self, event: JobEnded) -> None:
        self._jobs.pop(event.job, None)
        then = self._then.pop(event.job)
        was_call = event.job in self._calls
        self._calls.discard(event.job)
        self._tell(updates.JobEnded(event.job, event.name, event.outcome, event.value))
        if event.outcome == "finished":
            with self._reporting(event.name):
                then(event.value)
        elif event.failure is not None:
            self._tell(updates.Trouble(event.failure, event.name))
        if was_call and not self._calls:
            self._pictures.resume(self.summary, self.state)

    def _exploration(self) -> Exploration | None:
        if self.session is None or self._opened is None:
            return None
        shown = self.shown
        return Exploration(
            self.session.state,
            self.document,
            self._opened.summary.name,
            str(self._opened.path),
            shown.result.after.image if shown else None,
        )

    def _content(self) -> tuple[object, ...]:
        return (self.state, self.document)

    def _remember(self, path: Path) -> None:
        recent = self._settings.with_recent(path)
        self.change_settings(recent=recent.recent, last_folder=recent.last_folder)

    def _tell_file(self) -> None:
        self._tell(updates.FileChanged(self.path, self.unsaved))

    @contextlib.contextmanager
    def _reporting(self, doing: str) -> Iterator[None]:
        """Whatever fails inside is told, once."""
        try:
            yield
        except Exception as error:
            self._tell(updates.Trouble(failure_of(error), doing))

    def _tell(self, update: updates.Update) -> None:
        for listener in tuple(self.listeners):
            listener(update)
