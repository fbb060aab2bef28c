# SPDX-License-Identifier: MIT
"""Photos to project: read on a thread, kept at the size of the screen, cropped from the file when they are projected.

Accepted formats and decoding are in `data.images`.
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
    from latent_explorer.explain.projection_settings import ProjectionSettings

# At a time. Projecting one takes seconds; the command line is meant for more.
MAX_PHOTOS = 64
MAX_DISPLAY_SIZE = 1600  # px of the longer side, kept for the screen
JOIN_SECONDS = 5.0


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture to project."""

    name: str
    image: np.ndarray  # (H, W, 3) uint8, upright, at most MAX_DISPLAY_SIZE px where there is a file
    crop: Crop
    path: Path | None = None  # the file with all pixels, if `image` is reduced

    def crop_image(self, size: int) -> np.ndarray:
        """Return the crop, (size, size, 3) uint8, from the pixels that are kept for the screen."""
        return crop_image(self.image, self.crop, size)

    def full(self) -> np.ndarray:
        """Return the whole picture at the file's own resolution. Raises UserError when the file is gone."""
        return self.image if self.path is None else read_image(self.path, name=self.path.name)


@dataclass(frozen=True)
class UnreadablePhoto:
    """A picture that could not be read, and the reason."""

    name: str
    sentence: str


@dataclass(frozen=True)
class ReadingDone:
    """The end of a reading: the number of pictures found, and how many of them were left out."""

    found: int
    left_out: int


def photo_of(image: np.ndarray, name: str, path: Path | None = None) -> Photo:
    """Return a picture (H, W, 3) uint8 as a photo, cropped to its central square."""
    height, width = image.shape[:2]
    crop = center_square(height, width)
    longer = max(height, width)
    if path is None or longer <= MAX_DISPLAY_SIZE:
        return Photo(name, image, crop)
    size = [max(1, side * MAX_DISPLAY_SIZE // longer) for side in (width, height)]
    shown = Image.fromarray(image).resize(size, Image.Resampling.LANCZOS)
    return Photo(name, np.array(shown), crop, path)


def pictures_in(paths: Sequence[Path]) -> list[Path]:
    """Return the files, each folder replaced by the pictures in it and below it, sorted."""
    files: list[Path] = []
    for path in paths:
        files += [path / name for name in FolderSource(path).names] if path.is_dir() else [path]
    return list(dict.fromkeys(files))


class PhotoReader:
    """Reads photos on its own thread, because a camera's picture takes too long for the window's."""

    def __init__(
        self, post: Callable[[Callable[[], None]], None], take: Callable[[Photo | UnreadablePhoto | ReadingDone], None]
    ) -> None:
        self._post = post
        self._take = take
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def read(self, paths: Sequence[Path], room: int) -> None:
        """Read at most `room` pictures. Each is passed on as it comes, followed by a `ReadingDone`."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._run, args=(tuple(paths), room), name="photos", daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Finish the current picture and stop."""
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
    """Crop the photos and project them. Yields progress, then the events of `project`."""
    from latent_explorer.explain.projection.projection import project
    from latent_explorer.explain.projection.target import cut_target

    explainer = host.explainer
    targets = []
    for done, photo in enumerate(photos):
        yield Progress(done, len(photos), "Cutting the photos")
        cut = cut_target(explainer, photo.full(), photo.name, classifier_id, photo.crop)
        targets.append(cut)
    yield Progress(0, 0, "Looking for a start")
    return (
        yield from project(explainer, targets, settings, device=host.device, budget=budget, classifier_id=classifier_id)
    )
