# SPDX-License-Identifier: MIT
"""The projection controller: photos and their crops, the settings, the running projection and its best so far.

Call its methods on the window's thread; changes are announced through the explorer's updates. No method raises for user
input or for the contents of a file. Projecting is a job on the engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.app.engine.events import JobEnded, JobEvent
from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.intents import SetBase
from latent_explorer.app.exploration.updates import (
    PhotosChanged,
    ProjectionEnded,
    ProjectionProgress,
    ProjectionStarted,
)
from latent_explorer.app.projection.photos import (
    MAX_PHOTOS,
    Photo,
    PhotoReader,
    ReadingDone,
    UnreadablePhoto,
    photo_of,
    project_photos,
)
from latent_explorer.common.events import Kept, Metric, Progress
from latent_explorer.data.crop import Crop, clamp_crop
from latent_explorer.explain.projected import SUFFIX, ProjectedPicture, read_projected
from latent_explorer.explain.projection_settings import DEFAULT, ProjectionSettings
from latent_explorer.explain.recipe import ProjectedBase

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    import numpy as np

    from latent_explorer.app.engine.events import Outcome
    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget

    Project = Callable[
        [ModelHost, StepBudget, Sequence[Photo], ProjectionSettings, str],
        Generator[Event, None, list[ProjectedPicture]],
    ]

MAX_NAMED = 3  # unreadable pictures named in a message after the first


@dataclass
class ProjectionRun:
    """A running projection. `curves`: for each photo, (step, loss) of every step so far."""

    job: int
    photos: tuple[Photo, ...]
    progress: Progress = field(default_factory=lambda: Progress(0, 0, "Waiting"))
    pictures: tuple[ProjectedPicture, ...] = ()  # the best so far, one per photo
    curves: list[list[tuple[int, float]]] = field(default_factory=list)

    def note(self, metric: Metric) -> None:
        """Add a step to the curves. The value "loss/2" belongs to the third photo."""
        for i, curve in enumerate(self.curves):
            loss = metric.values.get(f"loss/{i}")
            if loss is None and len(self.curves) == 1:
                loss = metric.values.get("loss")
            if loss is not None:
                curve.append((metric.step, loss))


class ProjectionController:
    """Photos and projections of the open model; results go into the explorer's exploration."""

    def __init__(
        self,
        explorer: Explorer,
        post: Callable[[Callable[[], None]], None],
        *,
        project: Project = project_photos,
    ) -> None:
        self.photos: tuple[Photo, ...] = ()
        self.current = 0  # index of the current photo
        self.settings = DEFAULT
        self.run: ProjectionRun | None = None
        self._explorer = explorer
        self.project = project  # the job that runs on the engine
        self._reader = PhotoReader(post, self._take_read)
        self._unread: list[UnreadablePhoto] = []  # of the current reading
        self._look_at_next = False
        self._closed = False
        explorer.updates.on(updates.PicturesDropped, lambda update: self._offered(update.paths))
        explorer.updates.on(updates.LatentsOpened, lambda update: self._open_latents(update.path))
        explorer.updates.on(JobEvent, self._job_event)
        explorer.updates.on(JobEnded, self._job_ended)

    @property
    def photo(self) -> Photo | None:
        """The current photo; None without photos."""
        return self.photos[self.current] if self.photos else None

    def open_photos(self, paths: Sequence[Path]) -> None:
        """Read pictures, and folders of pictures, one after another. Unreadable ones are reported in one message."""
        if self._explorer.summary is None:
            self._explorer.open_bundled()  # projecting needs a model
        self._look_at_next = True
        self._reader.read(paths, MAX_PHOTOS - len(self.photos))

    def open_image(self, image: np.ndarray, name: str) -> None:
        """Add a pasted picture (H, W, 3) uint8."""
        if len(self.photos) < MAX_PHOTOS:
            self._look_at_next = True
            self._add(photo_of(image, name))

    def select_photo(self, index: int) -> None:
        """Make another photo the current one."""
        self.current = min(max(index, 0), max(0, len(self.photos) - 1))
        self._explorer.updates.emit(PhotosChanged())

    def remove(self, index: int) -> None:
        """Remove a photo."""
        self.photos = self.photos[:index] + self.photos[index + 1 :]
        self.select_photo(self.current - (index < self.current))

    def clear(self) -> None:
        """Remove all photos."""
        self.photos = ()
        self.select_photo(0)

    def set_crop(self, crop: Crop) -> None:
        """Set the crop of the current photo."""
        photo = self.photo
        if photo is not None:
            near = clamp_crop(crop, *photo.image.shape[:2])
            changed = list(self.photos)
            changed[self.current] = replace(photo, crop=near)
            self.photos = tuple(changed)
            self._explorer.updates.emit(PhotosChanged())

    def change(self, **fields: Any) -> None:
        """Change fields of the settings."""
        self.settings = msgspec.structs.replace(self.settings, **fields)
        self._explorer.updates.emit(PhotosChanged())

    def _add(self, photo: Photo) -> None:
        self.photos = (*self.photos, photo)
        if self._look_at_next:  # of several that come together the first becomes current
            self.current, self._look_at_next = len(self.photos) - 1, False
        self._explorer.updates.emit(PhotosChanged(opened=True))

    def _take_read(self, read: Photo | UnreadablePhoto | ReadingDone) -> None:
        if self._closed:
            return
        if isinstance(read, Photo):
            if len(self.photos) < MAX_PHOTOS:
                self._add(read)
        elif isinstance(read, UnreadablePhoto):
            self._unread.append(read)
        else:
            self._report_reading(read, self._unread)
            self._unread = []

    def _report_reading(self, done: ReadingDone, unread: Sequence[UnreadablePhoto]) -> None:
        if done.found == 0:
            self._warn("There is no picture in that folder. Choose another one, or a picture.")
        elif done.found == len(unread) == 1:
            self._warn(unread[0].sentence)
        elif unread:
            names = [each.name for each in unread[1:]]
            more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
            rest = f" Also unreadable: {', '.join(names[:MAX_NAMED])}{more}." if names else ""
            counted = f"{len(unread)} of {done.found} pictures could not be read."
            self._warn(f"{counted} {unread[0].sentence}{rest}")
        if done.left_out:
            self._warn(
                f"At most {MAX_PHOTOS} pictures can be opened at a time; {done.left_out} were left out. "
                "Project these first, or use `latent-explorer project` for many."
            )

    def start(self) -> None:
        """Project all photos. Does nothing without photos, without a model, or during a run."""
        state = self._explorer.state
        if self.run is not None or not self.photos or state is None:
            return
        photos, settings, classifier_id = self.photos, self.settings, state.classifier_id

        def job(host: ModelHost, budget: StepBudget) -> Generator[Event, None, list[ProjectedPicture]]:
            return self.project(host, budget, photos, settings, classifier_id)

        name = photos[0].name if len(photos) == 1 else f"{len(photos)} pictures"
        number = self._explorer.start_model_job(
            f"Projecting {name}", job, lambda pictures: self._end("finished", pictures)
        )
        if number is not None:
            self.run = ProjectionRun(number, photos, curves=[[] for _ in photos])
            self._explorer.updates.emit(ProjectionStarted())

    def cancel(self) -> None:
        """Stop and keep the best so far."""
        if self.run is not None:
            self._explorer.cancel(self.run.job)

    def _job_event(self, update: JobEvent) -> None:
        run, event = self.run, update.event
        if run is None or update.job != run.job:
            return
        if isinstance(event, Progress):
            run.progress = event
        elif isinstance(event, Metric):
            run.note(event)
        elif isinstance(event, Kept):
            run.pictures = tuple(event.value)
        self._explorer.updates.emit(ProjectionProgress(isinstance(event, Kept)))

    def _job_ended(self, update: JobEnded) -> None:
        ours = self.run is not None and update.job == self.run.job
        if ours and update.outcome != "finished":  # a finished run is handled by the job's result, after this
            self._end(update.outcome, update.value or ())

    def _end(self, outcome: Outcome, pictures: Sequence[ProjectedPicture]) -> None:
        run, self.run = self.run, None
        summary = self._explorer.summary
        ours = [p for p in pictures if summary and p.report.model_hash == summary.model_hash]
        looked_at = 0
        if ours and run is not None:
            looked_at = next((i for i, p in enumerate(run.photos) if p is self.photo), 0)
            projected = {id(photo) for photo in run.photos[: len(ours)]}  # the others were not started
            self.photos = tuple(p for p in self.photos if id(p) not in projected)
            self.current = 0
        self._explorer.updates.emit(ProjectionEnded(outcome, self._list(ours, looked_at)))

    def _list(self, pictures: Sequence[ProjectedPicture], shown: int = 0) -> tuple[str, ...]:
        """Add projections to the strip, show one of them in a single undo step, and return their ids.

        It is shown without edits: edits made for another picture would look like errors of the projection.
        """
        if not pictures:
            return ()
        ids = tuple(self._explorer.latents.add(*pictures))
        self._explorer.change_document(self._explorer.document.with_projected(*ids))
        base = ProjectedBase(ids[min(shown, len(ids) - 1)])
        self._explorer.apply(SetBase(base, self._explorer.latents.noise_of(base), untouched=True))
        return ids

    def _offered(self, paths: Sequence[Path]) -> None:
        """Read photos, and add latents to the strip."""
        projections = [path for path in paths if path.suffix.lower() == SUFFIX]
        photos = [path for path in paths if path not in projections]
        if photos:
            self.open_photos(photos)
        for path in projections:
            if self._explorer.state is None:
                self._warn(f"Open the explainer that {path.name} belongs to first, then open it again.")
                continue
            with updates.report_errors(self._explorer.updates.emit, f"Opening {path.name}"):
                self._list([read_projected(path)])

    def _open_latents(self, path: Path) -> None:
        """Add the latents of another program's file to the strip."""
        state = self._explorer.state
        if state is None:
            return
        classifier_id = state.classifier_id

        def read(host: ModelHost) -> list[ProjectedPicture]:
            from latent_explorer.explain.projection.latent_import import import_latents

            return import_latents(host.explainer, host.renderer, path, classifier_id)

        def take(pictures: Sequence[ProjectedPicture]) -> None:
            self._list(pictures)

        self._explorer.call_model(f"Opening {path.name}", read, take)

    def remove_projected(self, latent_id: str) -> None:
        """Remove a projected picture from the strip; undo can still show it."""
        self._explorer.change_document(self._explorer.document.without_projected(latent_id))

    def export(self, latent_id: str, path: Path) -> None:
        """Write a projected picture: complete (`.projection`), or its latent alone for other programs (`.npz`)."""
        with updates.report_errors(self._explorer.updates.emit, f"Saving {path.name}"):
            self._explorer.latents.export(latent_id, path)
            self._explorer.updates.emit(updates.Message(f"Saved {path.name}.", file=path))

    def close(self) -> None:
        """Stop reading; to be called when the window closes."""
        self._closed = True
        self._reader.close()

    def _warn(self, sentence: str) -> None:
        self._explorer.updates.emit(updates.Message(sentence, "warning"))
