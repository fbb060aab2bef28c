# SPDX-License-Identifier: MIT
"""Time until the overview's strip of pictures and its heat map are complete, and a slider beside them.

Method. The application without a window opens an explainer and asks for the page's pictures as the window does, on the
thread that plays the window's, with one thread of torch. Each of RUNS times a page is made anew, so that nothing is
known: timed from the question to the last picture or cell. *Another attribute* follows in the same page, whose samples
are classified already. Then a slider is moved MOVES times, 20 ms after the picture of the move before is there: timed
from the intent to its picture, alone and while a page is being filled.

    python benchmarks/overview.py [--explainer X]
"""

from __future__ import annotations

import argparse
import os
import queue
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch

from latent_explorer.app import library
from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.exploration.updates import MainPicture
from latent_explorer.app.explorer import Explorer
from latent_explorer.app.overview.heat_map import HeatMap
from latent_explorer.app.overview.pictures import PictureStrip

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS, MOVES = 5, 40
PAUSE = 0.02  # seconds between a picture and the next move
WAIT = 900.0  # seconds
FEW, MANY = 8, 32  # pictures of a strip


class Window:
    """The application without a window."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.posted: queue.Queue = queue.Queue()
        self.explorer = Explorer(self.posted.put, data_dir=folder, config_dir=folder)
        self.pictures = 0
        self.explorer.updates.on(MainPicture, self._count)
        self.explorer.open_path(path)
        self.until(lambda: self.pictures > 0)

    def _count(self, _update: MainPicture) -> None:
        self.pictures += 1

    def until(self, done: Callable[[], bool]) -> None:
        """Let the window's thread work until `done`."""
        end = time.perf_counter() + WAIT
        while not done():
            if time.perf_counter() > end:
                raise TimeoutError
            try:
                self.posted.get(timeout=0.001)()
            except queue.Empty:
                continue

    def seconds(self, ask: Callable[[], object], done: Callable[[], bool]) -> float:
        start = time.perf_counter()
        ask()
        self.until(done)
        return time.perf_counter() - start

    def drag(self) -> str:
        """Return median and 95th percentile of a drag, from intent to picture."""
        attribute, times = self.explorer.attributes()[0], []
        self.explorer.begin_gesture()
        for move in range(MOVES):
            before, amount = self.pictures, (move + 1) / MOVES + 1e-6 * self.pictures
            ask = lambda amount=amount: self.explorer.apply(SetAttribute(attribute, amount))  # noqa: E731
            times.append(1000 * self.seconds(ask, lambda before=before: self.pictures > before))
            end = time.perf_counter() + PAUSE
            self.until(lambda end=end: time.perf_counter() > end)
        self.explorer.end_gesture()
        return f"{np.median(times):.1f} ms (95 % within {np.percentile(times, 95):.1f} ms)"


def main() -> None:
    """Print what the pages take."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--explainer", type=Path, default=library.bundled_explainer())
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        window = Window(args.explainer, Path(folder))
        explorer = window.explorer
        attributes = explorer.attributes()
        one, other = attributes[:2]
        rows, cells, first, second = [], [], [], []
        for _ in range(RUNS):
            heat_map = HeatMap(explorer, lambda: None)
            ask = lambda shown=heat_map: shown.show(attributes, "samples", 0)  # noqa: E731
            rows.append(window.seconds(ask, lambda shown=heat_map: not shown.classifying))
            cells.append(rows[-1] + window.seconds(lambda: None, lambda shown=heat_map: _complete(shown)))
            counts = heat_map.counts
            heat_map.stop()
            strip = PictureStrip(explorer, lambda: None, lambda _row: None)
            for times, attribute in ((first, one), (second, other)):
                ask = lambda strip=strip, a=attribute: strip.show(a, 1.0, "samples", FEW)  # noqa: E731
                times.append(window.seconds(ask, lambda strip=strip: bool(strip.rows) and not strip.left))
            strip.stop()
        size = f"{explorer.summary.resolution if explorer.summary else 0} px"
        print(f"heat map, {counts[0]} cells at {size}: pictures {_spread(rows)}, all {_spread(cells)}")
        print(f"strip of {FEW} pictures: {_spread(first)}, another attribute {_spread(second)}")
        print(f"slider alone: {window.drag()}")
        heat_map = HeatMap(explorer, lambda: None)
        heat_map.show(attributes, "samples", 0)
        print(f"slider beside the heat map: {window.drag()}, {_left(heat_map)} cells left")
        heat_map.stop()
        strip = PictureStrip(explorer, lambda: None, lambda _row: None)
        strip.show(attributes[3], 1.0, "samples", MANY)
        print(f"slider beside a strip of {MANY}: {window.drag()}, {strip.left} pictures left")
        explorer.close()


def _complete(heat_map: HeatMap) -> bool:
    return not _left(heat_map)


def _left(heat_map: HeatMap) -> int:
    cells, known, _kept = heat_map.counts
    return cells - known


def _spread(seconds: list[float]) -> str:
    return f"{np.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


if __name__ == "__main__":
    main()
