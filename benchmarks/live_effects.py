# SPDX-License-Identifier: MIT
"""Time from a new picture to the marks of what each attribute does to it: at rest, and beside a search.

Method. The application without a window shows pictures of the file one after another, as a person who goes through the
list, with the pictures of the verdict and of the cards asked for as in the window. Timed from the intent to the picture
and to the marks of all attributes, on the thread that plays the window's. *Beside a search* AttFind runs meanwhile.

    python benchmarks/live_effects.py [--explainer X] [--pictures 40]
"""

from __future__ import annotations

import argparse
import os
import queue
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch

from latent_explorer.app import library
from latent_explorer.app.ends import EndsRenderer
from latent_explorer.app.exploration.intents import SetBase
from latent_explorer.app.exploration.updates import MainPicture, OwnEffects
from latent_explorer.app.explorer import Explorer
from latent_explorer.app.own_effects import OwnEffectMeter
from latent_explorer.app.verdict import VerdictTurner
from latent_explorer.explain.recipe import SampleBase

WAIT = 60.0  # seconds
PAUSE = 0.4  # seconds that a picture is looked at


class Watcher:
    """The application without a window, and when it told of what."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.posted: queue.Queue = queue.Queue()
        self.explorer = Explorer(self.posted.put, data_dir=folder, config_dir=folder)
        self.seen: dict[type, float] = {}
        self._meter, self._ends, self._turner = (
            kind(self.explorer) for kind in (OwnEffectMeter, EndsRenderer, VerdictTurner)
        )
        self.explorer.updates.on(object, lambda update: self.seen.setdefault(type(update), time.perf_counter()))
        self.explorer.open_path(path)
        self.until(MainPicture)
        attributes = self.explorer.attributes()
        self._meter.show(attributes)
        self._ends.show(attributes)
        self.until(OwnEffects)

    def until(self, kind: type) -> None:
        """Let the window's thread work until something is told."""
        while kind not in self.seen:
            self.posted.get(timeout=WAIT)()

    def rest(self, seconds: float) -> None:
        """Let the window's thread work for a while."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            try:
                self.posted.get(timeout=left)()
            except queue.Empty:
                return

    def times(self, indices: list[int]) -> np.ndarray:
        """Return milliseconds (N, 2) from the intent to the picture and to its marks."""
        found = []
        for index in indices:
            self.rest(PAUSE)
            self.seen.clear()
            start = time.perf_counter()
            self.explorer.apply(SetBase(SampleBase(index)))
            self.until(OwnEffects)
            found.append([1000 * (self.seen[kind] - start) for kind in (MainPicture, OwnEffects)])
        return np.array(found)


def main() -> None:
    """Print medians and 95th percentiles."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--explainer", type=Path, default=library.bundled_explainer())
    parser.add_argument("--pictures", type=int, default=40)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        watcher = Watcher(args.explainer, Path(folder))
        summary = watcher.explorer.summary
        assert summary is not None
        assert summary.samples is not None
        shown = [1 + i % (len(summary.samples.ids) - 1) for i in range(2 * args.pictures)]
        how = f"{len(watcher.explorer.attributes())} attributes at {summary.resolution} px"
        for name, part in (("at rest", shown[: args.pictures]), ("beside a search", shown[args.pictures :])):
            if name != "at rest":
                watcher.explorer.start_attfind()
                watcher.rest(5.0)
            times = watcher.times(part)
            (picture, marks), (_, late) = np.median(times, axis=0), np.percentile(times, 95, axis=0)
            print(f"{name}, {how}: picture {picture:.0f} ms, marks {marks:.0f} ms (95 % within {late:.0f} ms)")
        watcher.explorer.close()


if __name__ == "__main__":
    main()
