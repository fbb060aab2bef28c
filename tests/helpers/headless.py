# SPDX-License-Identifier: MIT
"""Explorer on a fake model, with the window's event loop played by a queue."""

from __future__ import annotations

import queue
from pathlib import Path

from fakes import FakeModelHost

from latent_explorer.app.engine.events import PictureFailed, PictureReady
from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.explorer import Explorer

WAIT = 60.0


class HeadlessExplorer:
    """Explorer on a fake model. `settle` runs what was posted to the window's thread."""

    def __init__(self, folder: Path, host: ModelHost | None = None) -> None:
        self.folder = folder
        self.host = host or FakeModelHost()
        self.posted: queue.Queue = queue.Queue()
        self.updates: list = []
        self.explorer = Explorer(self.posted.put, model_host=self.host, data_dir=folder / "data", config_dir=folder)
        self.explorer.updates.on(object, self.record)

    def record(self, update: object) -> None:
        """Note an update; not the engine's bare pictures, which come once more as what they are of."""
        if not isinstance(update, (PictureReady, PictureFailed)):
            self.updates.append(update)

    def settle(self) -> list:
        """Let the engine finish and deliver its events; returns the updates since the last time."""
        while True:
            assert self.explorer.wait_idle(WAIT)
            if self.posted.empty():
                break
            while not self.posted.empty():
                self.posted.get()()
        told, self.updates[:] = list(self.updates), []
        return told

    def open(self, name: str | Path = "leaf.explainer") -> list:
        self.explorer.open_path(self.folder / name)
        return self.settle()

    @property
    def rendered(self) -> list:
        return self.host.renderers[-1].requests


def of_type(told: list, kind: type) -> list:
    return [u for u in told if isinstance(u, kind)]
