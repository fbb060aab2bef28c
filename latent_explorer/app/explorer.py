# SPDX-License-Identifier: MIT
"""The application without a window: one open model, its exploration, and the engine that renders it.

Methods are called on one thread (the window's). `updates` passes updates on in that thread, because engine events
come back through `post`. No method raises for what the user did or a file holds: it emits an `ErrorReport`.
"""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.app import library, opening
from latent_explorer.app.attribute_search import AttributeSearch
from latent_explorer.app.engine.engine import Engine
from latent_explorer.app.engine.events import EngineEvent, PictureFailed, PictureReady
from latent_explorer.app.engine.frame_cache import FrameCache
from latent_explorer.app.engine.model_host import ModelHost, OpenedModel
from latent_explorer.app.exploration import picture_requests, recipe_png, updates
from latent_explorer.app.exploration.autosave import Autosave, Recovery
from latent_explorer.app.exploration.document import Document, shown_attributes, shown_directions
from latent_explorer.app.exploration.intents import Restore, SetBase, ShowRecipe
from latent_explorer.app.exploration.projected_latents import LatentStore, missing_latents_message
from latent_explorer.app.exploration.session import Session
from latent_explorer.app.exploration.state import same_picture
from latent_explorer.app.exploration.unkept import UnkeptNotice
from latent_explorer.app.exploration.workspace import Workspace
from latent_explorer.app.jobs import Jobs
from latent_explorer.app.opening import ModelOpener, OpenRequest, Prepared
from latent_explorer.app.picture_scheduler import ORDERED, SLOTS, PictureScheduler
from latent_explorer.app.settings import SettingsStore
from latent_explorer.common import paths
from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import MOVES_FOLDER
from latent_explorer.common.update_hub import UpdateHub
from latent_explorer.explain.recipe import Base, SeedBase
from latent_explorer.models.programs.program import allow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from latent_explorer.app.exploration.intents import Intent
    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.app.jobs import Job, ModelJob, ResultHandler
    from latent_explorer.app.settings import Settings
    from latent_explorer.explain.attfind.plan import SearchPlan
    from latent_explorer.explain.directions.direction import Direction
    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.summary import ExplainerSummary

MAX_SEED = 2**31 - 1


class Explorer:
    """Core of the application, on which the window and the features work.

    `post(fn)` must run `fn` on the window's thread, in order.
    """

    def __init__(
        self,
        post: Callable[[Callable[[], None]], None],
        *,
        model_host: ModelHost | None = None,
        data_dir: Path | None = None,
        config_dir: Path | None = None,
    ) -> None:
        self.session: Session | None = None
        self._frame: updates.TimelineFrame | None = None  # on the canvas in place of the session's own picture
        self.updates = UpdateHub()
        # Called before another exploration is opened, with the names of the jobs that end then.
        self.may_leave: Callable[[Sequence[str]], bool] = lambda _jobs: True
        self._host = model_host or ModelHost()
        cache_dir = data_dir or paths.cache_dir()
        self._host.frames = FrameCache(cache_dir / "frames")
        self._host.moves_folder = cache_dir / MOVES_FOLDER
        unkept = UnkeptNotice(self.updates.emit)
        self._settings_store = SettingsStore(unkept, config_dir)
        self._autosave = Autosave((data_dir or paths.user_data_dir()) / "autosave", unkept)
        self._engine = Engine(
            self._host.answer, lambda event: post(partial(self._take, event)), slots=SLOTS, ordered=ORDERED
        )
        self._host.give_up = self._engine.superseded
        self._jobs = Jobs(self._engine, self.updates.emit, self._show)
        self.latents = LatentStore(self._send_latents)
        self._scheduler = PictureScheduler(self._engine.show, self.updates, self.latents)
        self._workspace = Workspace(self._autosave, self.latents, self.updates.emit)
        self._opener = ModelOpener(self._host, self._jobs, self._settings_store, self.updates.emit, self._begin)
        self._search = AttributeSearch(self)
        self._closed = False

    # What is open --------------------------------------------------------------------------------

    @property
    def summary(self) -> ExplainerSummary | None:
        """Summary of the open model, or None."""
        return self.session.summary if self.session else None

    @property
    def state(self) -> ExplorerState | None:
        """State that the canvas shows: the session's, or that of a timeline's frame; None while no model is open."""
        return self._on_canvas(self.session.state) if self.session else None

    @property
    def editable(self) -> bool:
        """False while the canvas shows a frame on the way from one latent to another, for which no sliders stand."""
        return self._frame is None or self._frame.one_state

    @property
    def settings(self) -> Settings:
        """Settings that are remembered between starts."""
        return self._settings_store.settings

    @property
    def jobs(self) -> dict[int, str]:
        """Names of the jobs that run or wait, by id."""
        return dict(self._jobs.running)

    @property
    def shown(self) -> updates.MainPicture | updates.TimelineFrame | None:
        """Picture on the canvas, or None."""
        if self._frame is not None:
            return self._frame
        return self._scheduler.shown.picture if self._scheduler.shown else None

    def attributes(self) -> list[Attribute]:
        """Return the attributes to list: pins, own sliders, then by rank, with the user's names."""
        if self.session is None:
            return []
        return shown_attributes(self.document, self.session.summary, self._on_canvas(self.session.state))

    def directions(self) -> list[Direction]:
        """Return the directions to list: those with sliders, and others that the picture is moved along."""
        state = self.state
        return [] if state is None else shown_directions(self.document, state)

    def named_directions(self) -> list[tuple[str, Direction]]:
        """Return the directions to list, each with the user's name of it, or else its own."""
        return [(self.document.direction_name(each), each) for each in self.directions()]

    def open_bundled(self, name: str = "") -> None:
        """Open an explainer that comes with the program; without a name that of the first start."""
        with updates.report_errors(self.updates.emit, "Opening the bundled explainer"):
            self.open_path(library.bundled_explainer(name))

    def open_path(self, *paths: Path) -> None:
        """Open an explainer, an exploration, or a PNG with its recipe.

        Other pictures are announced by `PicturesDropped`, latents and directions of other programs by
        `VectorsDropped`, models of other programs by `ForeignFileOpened`.
        """
        if (foreign := opening.foreign_file(paths)) is not None:
            if self.summary is not None and opening.may_hold_vectors(foreign):
                look = partial(opening.told_by_content, paths)
                self._jobs.call(f"Looking at {foreign.path.name}", look, self._announce)
            else:
                self.updates.emit(foreign)
            return
        name, read = f"Opening {paths[0].name}", partial(opening.read_open_request, paths)
        if opening.reads_long(paths):
            self._jobs.call(name, read, partial(self._open, paths))
            return
        with updates.report_errors(self.updates.emit, name):
            self._open(paths, read())

    def open_asking(self, path: Path, classifier_id: str) -> None:
        """Open an explainer, and ask this one of its classifiers."""
        self._open((path,), OpenRequest(path.stem, path, classifier_id=classifier_id))

    def report_unkept(self) -> None:
        """Say so if unsaved work will not be kept; for the start of the window."""
        self._autosave.report_error()

    def recoverable(self) -> list[Recovery]:
        """Return what a crash left behind, newest first: to be offered at the start."""
        return self._autosave.recoverable()

    def recover(self, recovery: Recovery) -> None:
        """Open a recovery; the file it was saved to, if any, stays as it is."""
        read = partial(opening.request_for_recovery, recovery)
        self._jobs.call("Recovering your work", read, partial(self._open, ()))

    def discard(self, recovery: Recovery) -> None:
        """Delete a recovery."""
        self._autosave.discard(recovery)

    def set_device(self, device: str) -> None:
        """Move to a device by its id in the choices of `DeviceChanged` ("auto", "cpu", "cuda:0", "mps")."""
        self.change_settings(device=device)
        if self.session is not None and not self._closed:
            self._scheduler.suspend()
            self._opener.change_device(device)

    def trust_programs(self, *sha256: str) -> None:
        """Let these programs run, now and at later starts."""
        allow(*sha256)
        known = self.settings.trusted_programs
        self.change_settings(trusted_programs=(*known, *(each for each in sha256 if each not in known)))

    def change_settings(self, **fields: Any) -> None:
        """Change fields of the settings and write them."""
        self._settings_store.change(**fields)

    # What changes the picture --------------------------------------------------------------------

    def apply(self, intent: Intent) -> None:
        """Apply an intent to what the canvas shows; nothing happens without a session.

        If that is a timeline's frame and the intent is about the picture, the session takes the frame over first.
        """
        session, frame = self.session, self._frame
        if session is None:
            return
        shown = [session.state, self._on_canvas(session.state)]
        if frame is None or all(same_picture(state, intent.next_state(state)) for state in shown):
            session.apply(intent)
        else:
            session.apply(ShowRecipe(frame.request.recipe, "picture of the timeline"), intent)

    def show_frame(self, frame: updates.TimelineFrame | None) -> None:
        """Show a timeline's frame on the canvas; None returns to the session's own picture."""
        if self.session is None or (frame is None and self._frame is None):
            return
        old, was_editable = self._on_canvas(self.session.state), self.editable
        self._frame = frame
        new = self._on_canvas(self.session.state)
        self._scheduler.set_frame_state(new if frame else None)
        if (old, was_editable) != (new, self.editable):
            self.updates.emit(updates.StateChanged(old, new))
        if self.shown is not None:
            self.updates.emit(self.shown)

    def begin_gesture(self) -> None:
        """Merge changes of one control into one step of undo until `end_gesture`: the mouse is down on it."""
        if self.session is not None:
            self.session.begin_gesture()

    def end_gesture(self) -> None:
        """End the gesture: the mouse is up."""
        if self.session is not None:
            self.session.end_gesture()
            self._scheduler.end_gesture()
            self.updates.emit(updates.GestureEnded())

    def undo(self) -> None:
        """Take the last step back."""
        if self.session is not None:
            self.session.undo()

    def redo(self) -> None:
        """Do the step undone last again."""
        if self.session is not None:
            self.session.redo()

    @property
    def undo_text(self) -> str:
        """Text of the menu: "Undo shift of style 214"; empty if there is nothing to undo."""
        return self.session.undo_text if self.session else ""

    @property
    def redo_text(self) -> str:
        """Text of the menu: "Redo shift of style 214"; empty if there is nothing to redo."""
        return self.session.redo_text if self.session else ""

    def show_base(self, base: Base) -> None:
        """Show another latent, with the noise that belongs to it."""
        self.apply(SetBase(base, self.latents.noise_of(base)))

    def random_seeds(self, count: int) -> list[Base]:
        """Return fresh seeds for the strip."""
        return [SeedBase(random.randint(0, MAX_SEED)) for _ in range(count)]

    # What is shown beside it ---------------------------------------------------------------------

    def hover(self, attribute: Attribute | None) -> None:
        """Render both ends of the attribute under the mouse, as `HoverPicture`; None ends it."""
        self._scheduler.hover(attribute)

    def set_grid(self, bases: Sequence[Base] | None) -> None:
        """Show the same edits on these latents, as `GridPicture`; None closes the grid."""
        self._scheduler.set_grid(bases or ())

    def set_strip(self, bases: Sequence[Base]) -> Sequence[Base]:
        """Render thumbnails of the latents in view, as `Thumbnail`, after everything else. Returns those before."""
        return self._scheduler.set_strip(bases)

    def request_pictures(self, slot: str, requests: Sequence[Any]) -> None:
        """Ask for a feature's own pictures; they come as `PictureReady` and `PictureFailed` of its slot."""
        if not self._closed:
            self._scheduler.request_pictures(slot, requests)

    # The document --------------------------------------------------------------------------------

    @property
    def document(self) -> Document:
        """Names, pins, own sliders, favourites, notes."""
        return self._workspace.document

    @property
    def path(self) -> Path | None:
        """File of the exploration, or None while it has none."""
        return self._workspace.path

    @property
    def unsaved(self) -> bool:
        """True if the exploration differs from its file (or from the beginning)."""
        return self._workspace.unsaved

    def change_document(self, document: Document) -> None:
        """Take a new document, made by the methods of the old one: `explorer.document.renamed(...)`."""
        if document != self.document:
            self._workspace.change(document)
            self.updates.emit(updates.DocumentChanged(document))

    def edit_document(self, document: Document, label: str, *intents: Intent) -> None:
        """Take a new document as a step of undo, together with intents. `label` completes "Undo ..."."""
        before, session = self.document, self.session
        if session is None or document == before:
            return
        self.change_document(document)
        session.record(label, before, document, *intents)

    @property
    def changed_elsewhere(self) -> bool:
        """True if the file of the exploration was written by another window since it was opened or saved here."""
        return self._workspace.changed_elsewhere

    def save(self, path: Path | None = None, *, replace: bool = False) -> bool:
        """Write the exploration to `path`, or to the file it came from. Returns True if it was written.

        A file that was changed elsewhere is left as it is, with an `ErrorReport`, unless `replace`.
        """
        path = path or self.path
        if path is None or self.session is None:
            return False  # called too early, or without a name
        with updates.report_errors(self.updates.emit, f"Saving {path.name}"):
            self._workspace.save(path, self._scheduler.image, replace=replace)
            self._settings_store.add_recent(path)
        return not self.unsaved

    def autosave(self) -> bool:
        """Write the autosave if something changed; to be called every 30 seconds and after jobs."""
        return self._workspace.autosave(self._scheduler.image)

    # Exports and jobs ----------------------------------------------------------------------------

    def png(self, factor: int | None = None) -> bytes:
        """Return the shown picture as PNG with its recipe, for the clipboard and for dragging.

        UserError if there is none yet, or a draft of it.
        """
        shown, summary = self.shown, self.summary
        own = self._scheduler.shown
        made_by = self.state if self._frame else own.state if own else None
        if shown is None or made_by is None or summary is None:
            raise UserError("There is no picture to export yet. Open an explainer first.")
        if self._frame is None and self._scheduler.draft is not None:
            raise UserError("The picture on the canvas is a draft. Wait until the whole picture has replaced it.")
        return recipe_png.png_bytes(shown.result.after.image, made_by, summary.name, factor)

    def export_png(self, path: Path, factor: int | None = None) -> None:
        """Write the shown picture, enlarged, with its recipe; `factor` None: 8 at 64 px."""
        with updates.report_errors(self.updates.emit, f"Exporting {path.name}"):
            data = self.png(factor)
            with paths.atomic_output(path) as temporary:
                temporary.write_bytes(data)
            self.updates.emit(updates.Message(f"Saved {path.name}.", file=path))

    def start_attfind(self, plan: SearchPlan | None = None) -> int | None:
        """Search for the attributes of the selected classifier. Returns the job. None: as `search_plan` says."""
        return None if self._closed else self._search.start(plan)

    def search_plan(self) -> SearchPlan:
        """Return how the selected classifier's attributes were searched last, to search so again."""
        return self._search.plan()

    def start_model_job(
        self, name: str, job: ModelJob, on_result: ResultHandler, *, model_hash: str = "", quiet: bool = False
    ) -> int | None:
        """Queue a job on the open model; `on_result` gets its value. Returns its id; None while no model is ready.

        `model_hash` is the model that it was asked for, where that was earlier; on another one it ends with a sentence.
        Nothing is told of a `quiet` job, which takes seconds and was not asked for.
        """
        if self.summary is None or not self._ready():
            return None
        asked = model_hash or self.summary.model_hash
        return self._jobs.start(name, partial(self._host.run_job, asked, job), on_result, quiet=quiet)

    def call_model(self, name: str, fn: Callable[[ModelHost], Any], on_result: ResultHandler) -> bool:
        """Call a short function with the open model, before any picture. Returns False while no model is open.

        It may follow other calls; if one of them opens another model, it ends with a sentence.
        """
        if self.summary is None or self._closed:
            return False
        self._jobs.call(name, partial(self._host.call, self.summary.model_hash, fn), on_result)
        return True

    def start_job(self, name: str, job: Job, on_result: ResultHandler) -> int | None:
        """Queue a job that does not need the open model; `on_result` gets its value. Returns the job."""
        return None if self._closed else self._jobs.start(name, job, on_result, of_model=False)

    def cancel(self, job: int) -> None:
        """Cancel a job; it ends after its current step."""
        self._engine.cancel(job)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until the engine has nothing to do (for tests and tours); its last events may still be posted."""
        return self._engine.wait_idle(timeout)

    def close(self, *, keep_autosave: bool = False) -> None:
        """End everything and join the thread. `keep_autosave` offers the exploration again at the next start."""
        if self._closed:
            return
        if keep_autosave:
            self.autosave()
        self._closed = True
        self._scheduler.suspend()
        self._engine.close()
        self._autosave.close(keep=keep_autosave)

    # Inside --------------------------------------------------------------------------------------

    def _announce(self, announcements: Sequence[opening.Announcement]) -> None:
        for each in announcements:
            self.updates.emit(each)

    def _open(self, paths: tuple[Path, ...], open_request: OpenRequest | None) -> None:
        """Show the contents of files, opening their model first unless it is open. None: they are pictures."""
        if open_request is None:
            self._announce(opening.vectors_and_pictures(paths))
            return
        state, opened = open_request.state, self._opener.opened
        other = state is None or opened is None or not self._opener.holds(state)
        replaces = other or open_request.document is not None
        if self._closed or (replaces and not self.may_leave(self._jobs.of_model)):
            return
        if state is None or opened is None or other:
            self._scheduler.suspend()
            self._opener.open(open_request)
            return
        if open_request.document is None:
            open_request.check(opened.summary)
            self.latents.require(state, open_request.title)
            self.apply(Restore(state, f"recipe of {open_request.title}"))
        else:
            prepare = partial(open_request.prepare, opened.summary)
            self._jobs.call(f"Opening {open_request.title}", prepare, partial(self._begin, open_request, opened))

    def _begin(self, open_request: OpenRequest, opened: OpenedModel, prepared: Prepared) -> None:
        """Begin a new session on an open model. Nothing here can fail: window and worker hold the same model."""
        summary, state, document = opened.summary, prepared.state, prepared.document
        self._jobs.cancel_of_model()  # or what they find would go into this exploration
        self.latents.begin(summary.model_hash, prepared.latents)
        self.session, self._frame = Session(summary, state, self._state_changed, document_changed=self._follow), None
        self._scheduler.suspend()
        self._scheduler.set_session(summary, state)
        saved = open_request.recovery is None
        self._workspace.begin(state, (summary.name, opened.path), document, open_request.file, saved=saved)
        self.updates.emit(updates.ModelOpened(summary, state, document, opened.path, opened.device))
        self._workspace.notify_file()
        if prepared.incomplete:
            self.updates.emit(updates.Message(missing_latents_message(open_request.title), "warning"))
        if open_request.recovery is not None:
            self.autosave()  # a second crash must not lose it
            self._autosave.discard(open_request.recovery)

    def _send_latents(self, pictures: Sequence[ProjectedPicture]) -> None:
        work = partial(self._host.add_latents, pictures)
        self._jobs.call("Taking projected pictures", work, lambda _none: None)

    def _show(self) -> None:
        """Ask for the pictures of the open model, unless another model is on its way."""
        if self._ready():
            self._scheduler.resume()

    def _ready(self) -> bool:
        """Return True if the model host holds the session's model now."""
        return self.session is not None and not self._jobs.has_pending_call and not self._closed

    def _state_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        before, had_frame = self._on_canvas(old), self._frame is not None
        if not same_picture(old, new):
            self._frame = None
        self._scheduler.set_frame_state(self._on_canvas(new) if self._frame else None)
        self.updates.emit(updates.StateChanged(before, self._on_canvas(new)))
        self._workspace.set_state(new)
        self._scheduler.refresh(new, in_gesture=self.session is not None and self.session.in_gesture)
        shown = self._scheduler.shown
        if had_frame and self._frame is None and shown is not None and shown.state == new:
            self.updates.emit(shown.picture)  # it was made before: no other will come

    def _follow(self, old: Document, new: Document) -> None:
        """Do to the document what undo or redo says."""
        self.change_document(self.document.changed_as(old, new))

    def _on_canvas(self, own: ExplorerState) -> ExplorerState:
        """Return the state that the canvas shows beside the session's `own`."""
        if self._frame is None or self.session is None:
            return own
        shown = ShowRecipe(self._frame.request.recipe).next_state(own)
        classifier_id = self._frame.request.classifier_id
        if classifier_id == own.classifier_id:
            return shown
        judged = msgspec.structs.replace(shown, classifier_id=classifier_id)
        classifier = picture_requests.classifier_of(judged, self.session.summary)
        last = len(classifier.class_names) - 1 if classifier else 0
        return msgspec.structs.replace(judged, target_class=min(judged.target_class, last))

    def _take(self, event: EngineEvent) -> None:
        if isinstance(event, (PictureReady, PictureFailed)):
            self._scheduler.take(event)
        elif not self._closed:
            self._jobs.take(event)
