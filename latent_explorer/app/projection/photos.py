# SPDX-License-Identifier: MIT
"""Photos that a person brings: read aside from the window, kept small enough to be shown, cut when they are used.

No model is needed here; what a photo may be, and how it is decoded, is decided in `data.images`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Progress
from latent_explorer.data.crop import Crop, center_square, crop_image
from latent_explorer.data.images import explain_read_errors, read_image
from latent_explorer.data.sources import FolderSource

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.explain.projection.settings import ProjectionSettings


# At a time; projecting one takes seconds, and more are better sent by the command line.
MAX_PHOTOS = 64
MAX_DISPLAY_SIZE = 1600  # px of the longer side that is kept for the screen
JOIN_SECONDS = 5.0


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture to be projected."""

    name: str
    image: np.ndarray  # (H, W, 3) uint8, upright, at most MAX_DISPLAY_SIZE px where there is a file
    crop: Crop
    path: Path | None = None  # the file with all the pixels, where `image` does not have them

    def crop_image(self, size: int) -> np.ndarray:
        """What the generator will see, (size, size, 3) uint8, as far as the picture on the screen tells."""
        return crop_image(self.image, self.crop, size)

    def full(self) -> np.ndarray:
        """The whole picture at the file's own pixels. UserError when the file is gone."""
        return self.image if self.path is None else read_image(self.path, name=self.path.name)


@dataclass(frozen=True)
class UnreadablePhoto:
    """A picture that could not be read, and why."""

    name: str
    sentence: str


@dataclass(frozen=True)
class ReadingDone:
    """The end of a reading: how many pictures were looked for, and how many stand in it but were left out."""

    found: int
    left_out: int


def photo_of(image: np.ndarray, name: str, path: Path | None = None) -> Photo:
    """A picture (H, W, 3) uint8 with its middle square."""
    height, width = image.shape[:2]
    crop = center_square(height, width)
    longer = max(height, width)
    if path is None or longer <= MAX_DISPLAY_SIZE:
        return Photo(name, image, crop)
    size = [max(1, side * MAX_DISPLAY_SIZE // longer) for side in (width, height)]
    shown = Image.fromarray(image).resize(size, Image.Resampling.LANCZOS)
    return Photo(name, np.array(shown), crop, path)


def pictures_in(paths: Sequence[Path]) -> list[Path]:
    """The files themselves, and in place of each folder the pictures in it and below it, sorted."""
    found: list[Path] = []
    for path in paths:
        found += [path / name for name in FolderSource(path).names] if path.is_dir() else [path]
    return list(dict.fromkeys(found))


class PhotoReader:
    """Reads on a thread of its own, because a camera's picture takes longer than a window may stand still."""

    def __init__(
        self, post: Callable[[Callable[[], None]], None], take: Callable[[Photo | UnreadablePhoto | ReadingDone], None]
    ) -> None:
        self._post = post
        self._take = take
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def read(self, paths: Sequence[Path], room: int) -> None:
        """Read at most `room` pictures; each is taken as it comes, and at last a `ReadingDone`."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._run, args=(tuple(paths), room), name="photos", daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Finish the picture in hand and end."""
        self._stop.set()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)

    def _run(self, paths: tuple[Path, ...], room: int) -> None:
        for each in _read_all(paths, room):
            if self._stop.is_set():
                return
            self._post(partial(self._take, each))


def _read_all(paths: tuple[Path, ...], room: int) -> Iterator[Photo | UnreadablePhoto | ReadingDone]:
    try:
        files = pictures_in(paths)
    except UserError as error:
        yield UnreadablePhoto(paths[0].name, str(error))
        yield ReadingDone(1, 0)
        return
    for path in files[:room]:
        try:
            with explain_read_errors(path.name):
                photo = photo_of(read_image(path, name=path.name), path.name, path)
            yield photo
        except UserError as error:
            yield UnreadablePhoto(path.name, str(error))
    yield ReadingDone(len(files), max(0, len(files) - room))


def project_photos(
    host: ModelHost, budget: StepBudget, photos: Sequence[Photo], settings: ProjectionSettings, classifier_id: str
) -> Generator[Event, None, list[ProjectedPicture]]:
    """Project what is cut out of the photos. Yields the events of `project`; cutting comes before."""
    from latent_explorer.explain.projection.projection import project
    from latent_explorer.explain.projection.target import cut_target

    explainer = host.explainer
    targets = []
    for done, photo in enumerate(photos):
        yield Progress(done, len(photos), "Cutting the photos")
        cut = cut_target(explainer, photo.full(), photo.name, classifier_id, photo.crop)
        targets.append(cut)
    yield Progress(0, settings.steps, "Looking for a start")
    return (
        yield from project(explainer, targets, settings, device=host.device, budget=budget, classifier_id=classifier_id)
    )
