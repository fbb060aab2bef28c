# SPDX-License-Identifier: MIT
"""An explorer without a window, with its timelines, a clock set by hand, and the timeline most tests look at."""

from __future__ import annotations

from headless import HeadlessExplorer, of_type

from latent_explorer.app.exploration import updates
from latent_explorer.app.timeline.controller import TimelineController
from latent_explorer.explain.recipe import PictureRecipe, SampleBase, StyleShift
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class TimelineHarness(HeadlessExplorer):
    def __init__(self, folder) -> None:
        super().__init__(folder)
        self.clock = Clock()
        self.controller = TimelineController(self.explorer, self.clock)
        (folder / "leaf.explainer").write_text("a" * 64)
        (folder / "other.explainer").write_text("b" * 64)
        self.open()

    def play(self, seconds: float) -> list[updates.TimelineFrame]:
        """Play with a beat every 10 ms while the engine is never late."""
        told = []
        for _ in range(round(seconds * 100)):
            self.clock.now += 0.01
            self.controller.player.tick(self.clock.now)
            told += of_type(self.settle(), updates.TimelineFrame)
        return told


def two_keyframes(harness: TimelineHarness, **fields) -> Timeline:
    frames = (
        Keyframe(0.0, PictureRecipe(SampleBase(0)), "linear"),
        Keyframe(1.0, PictureRecipe(SampleBase(0), edits=(StyleShift(3, "max", 1.0),))),
    )
    harness.controller.make(Timeline("t", frames, fps=10.0, **fields))
    return harness.controller.current
