# SPDX-License-Identifier: MIT
"""Pictures that leave the program: the PNG with its recipe, and the job that writes the GIF of one attribute's sweep.

Frames are rendered on the engine's thread by the render that the window uses, so preview and export agree;
enlarging and encoding need no torch and run beside it on a thread of their own, which the job always joins.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.app.recipe_png import png_bytes
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Preview, Progress
from latent_explorer.common.paths import atomic_path
from latent_explorer.media.drawing import enlarge, export_factor

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.app.pictures import Shown

GIF_FPS = 20  # GIF counts time in 10 ms, so only 10, 12.5, 20, 25 and 50 are exact
FRAMES = 41  # of one way
WriteGif = Callable[..., None]


def sweep_amounts(frames: int = FRAMES, reach: float = 1.0) -> list[float]:
    """Amounts from -reach to +reach and back, resting at neither end, so that the animation loops."""
    one_way = np.linspace(-reach, reach, frames)
    return [float(a) for a in (*one_way, *one_way[-2:0:-1])]


def png_of(shown: Shown | None, model_name: str, factor: int | None) -> bytes:
    """The shown picture as PNG with its recipe; `factor` None: 8 at 64 px."""
    if shown is None:
        raise UserError("There is no picture to export yet. Open an explainer first.")
    return png_bytes(shown.picture.result.after.image, shown.state, model_name, factor)


def export_gif(
    path: Path,
    requests: Sequence[Any],
    render: Callable[[Any], Any],
    *,
    fps: float = GIF_FPS,
    write_gif: WriteGif | None = None,
) -> Generator[Event, None, Path]:
    """Render every request and write them as an animation. Returns the path; on cancel nothing is left behind."""
    with _Writer(path, fps, write_gif or _media_write_gif) as writer:
        total = len(requests)
        for done, request in enumerate(requests, start=1):
            image = render(request).after.image
            writer.put(image)
            yield Preview(image)
            yield Progress(done, total, "Rendering frames")
        writer.finish()
        while not writer.wait(0.02):
            yield Progress(total, total, "Writing the file")
    return path


class _Writer:
    """Encodes frames while more are rendered. Leaving the block by an exception (or a cancel) abandons the file."""

    def __init__(self, path: Path, fps: float, write_gif: WriteGif) -> None:
        self._path, self._fps, self._write_gif = path, fps, write_gif
        self._frames: queue.Queue[np.ndarray | None] = queue.Queue()
        self._abandoned = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="gif", daemon=True)

    def __enter__(self) -> _Writer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        self._abandoned = kind is not None
        self._frames.put(None)
        self._thread.join()

    def put(self, image: np.ndarray) -> None:
        """One more frame, (H, W, 3) uint8. A failure of the writer so far is raised here."""
        self._raise()
        self._frames.put(image)

    def finish(self) -> None:
        """No more frames will come."""
        self._frames.put(None)

    def wait(self, seconds: float) -> bool:
        """Whether the file is written, after waiting a little for it."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            return False
        self._raise()
        return True

    def _raise(self) -> None:
        if isinstance(self._error, OSError):
            raise UserError(
                f"{self._path.name} cannot be written ({self._error.strerror or self._error}). "
                "Free some space or choose another folder."
            ) from self._error
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            with atomic_path(self._path) as temporary:
                self._write_gif(temporary, self._enlarged(), fps=self._fps)
                if self._abandoned:  # all frames had come, but nobody wants the file any more
                    raise _AbandonedError
        except _AbandonedError:
            pass
        except BaseException as error:
            self._error = error

    def _enlarged(self) -> Iterator[np.ndarray]:
        while (image := self._frames.get()) is not None:
            if self._abandoned:
                break
            yield enlarge(image, export_factor(image))
        if self._abandoned:
            raise _AbandonedError


class _AbandonedError(Exception):
    """The job was cancelled: end the encoder without a file."""


def _media_write_gif(path: Path, frames: Iterable[np.ndarray], *, fps: float) -> None:
    from latent_explorer.media.animation import write_gif

    write_gif(path, frames, fps=fps)
