# SPDX-License-Identifier: MIT
"""The job that renders a class sweep picture by picture, the whole way first and what lies between later."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

from latent_explorer.app.sweep.plan import (
    ALPHAS,
    CONTROL_STEPS,
    CONTROLS,
    ORDER,
    STEPS,
    ClassSweep,
    control_edits,
    recipes,
)
from latent_explorer.app.thumbnail import reduced
from latent_explorer.common.events import Event, Kept, Progress
from latent_explorer.common.statistics import rising_share
from latent_explorer.explain.recipe import PictureRequest, TrialsRequest

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.app.export.scene import ExportContext
    from latent_explorer.explain.recipe import RenderResult

RENDERING, COMPARING = "Rendering the sweep", "Comparing with random moves"


class SupportsSweep(Protocol):
    """Maker of pictures: the open model of the window, or a renderer."""

    def render(self, request: PictureRequest) -> RenderResult: ...
    def logits(self, trials: TrialsRequest) -> np.ndarray: ...


@dataclass(frozen=True)
class SweepPictures:
    """What is rendered of a sweep of N pictures so far.

    images   small pictures (H, W, 3) uint8 by (number of the picture, step)
    probs    probabilities (N, STEPS, K), NaN where not yet known
    control  mean probabilities of the target (CONTROLS, len(CONTROL_STEPS)) over the pictures, NaN where not yet known
    """

    sweep: ClassSweep
    probs: np.ndarray
    control: np.ndarray
    images: Mapping[tuple[int, int], np.ndarray] = field(default_factory=dict)

    @property
    def of_target(self) -> np.ndarray:
        """Probabilities of the sweep's class (N, STEPS), NaN where not yet known."""
        probs: np.ndarray = self.probs[:, :, self.sweep.target]
        return probs

    @property
    def complete(self) -> bool:
        """True once every picture of the sweep is rendered."""
        return bool(np.isfinite(self.of_target).all())

    def curve(self) -> tuple[list[float], list[float]]:
        """Return the alphas at which all pictures are known, and the mean probability at each."""
        known = np.flatnonzero(np.isfinite(self.of_target).all(axis=0))
        return [ALPHAS[step] for step in known], self.of_target[:, known].mean(axis=0).tolist()

    def control_curve(self) -> tuple[list[float], list[float]]:
        """Return the alphas and the mean probability of the same pictures moved at random; alpha 0 included."""
        if not np.isfinite(self.control).all() or not np.isfinite(self.of_target[:, 0]).all():
            return [], []
        alphas = [0.0, *(ALPHAS[step] for step in CONTROL_STEPS)]
        return alphas, [float(self.of_target[:, 0].mean()), *self.control.mean(axis=0).tolist()]

    def figures(self) -> dict[str, float]:
        """Return the figures of a complete sweep: of the first and last frame, and of how the way rises.

        flipped  share of the pictures of another class at alpha 0 that end in the sweep's; NaN without any
        rising   share of the pictures whose probability never falls by more than 0.001 between two frames
        """
        first, last = (self.probs[:, step].argmax(axis=1) == self.sweep.target for step in (0, STEPS - 1))
        of_target = self.of_target
        return {
            "probability_first": float(of_target[:, 0].mean()),
            "probability_last": float(of_target[:, -1].mean()),
            "control_last": float(self.control[:, -1].mean()),
            "flipped": float(last[~first].mean()) if (~first).any() else float("nan"),
            "rising": rising_share(of_target.tolist()),
        }


def sweep_pictures(
    sweep: ClassSweep, context: ExportContext, renderer: SupportsSweep
) -> Generator[Event, None, SweepPictures]:
    """Render a sweep. Yields what is known (`Kept`) after every frame of all pictures, and returns the whole."""
    wanted, classifier_id = recipes(sweep, context), context.state.classifier_id
    num_classes = next(len(c.class_names) for c in context.summary.classifiers if c.classifier_id == classifier_id)
    probs = np.full((len(wanted), STEPS, num_classes), np.nan, np.float32)
    images: dict[tuple[int, int], Any] = {}
    found = SweepPictures(sweep, probs, np.full((CONTROLS, len(CONTROL_STEPS)), np.nan))
    total, began = len(wanted) * STEPS, time.monotonic()
    for step in ORDER:
        for number, of_base in enumerate(wanted):
            picture = renderer.render(PictureRequest(of_base[step], classifier_id)).after
            probs[number, step], images[number, step] = picture.probs, reduced(picture).image
            done = len(images)
            yield Progress(done, total, RENDERING, (time.monotonic() - began) * (total / done - 1))
        found = replace(found, probs=probs.copy(), images=dict(images))
        yield Kept(found)
    found = replace(found, control=(yield from _control(sweep, context, renderer, [each[0] for each in wanted])))
    yield Kept(found)
    return found


def _control(
    sweep: ClassSweep, context: ExportContext, renderer: SupportsSweep, unedited: list[Any]
) -> Generator[Event, None, np.ndarray]:
    """Return the mean probabilities (CONTROLS, len(CONTROL_STEPS)) of the pictures moved at random, as far."""
    rng = np.random.default_rng(0)
    moves = [control_edits(sweep.edits, context.summary, rng) for _ in range(CONTROLS)]
    scaled = tuple(
        tuple(msgspec.structs.replace(edit, amount=ALPHAS[step] * edit.amount) for edit in edits)
        for edits in moves
        for step in CONTROL_STEPS
    )
    sums = np.zeros(len(scaled))
    for done, recipe in enumerate(unedited, 1):
        trials = TrialsRequest(PictureRequest(recipe, context.state.classifier_id), scaled)
        logits = renderer.logits(trials)
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        sums += shifted[:, sweep.target] / shifted.sum(axis=1)
        yield Progress(done, len(unedited), COMPARING)
    return (sums / len(unedited)).reshape(CONTROLS, len(CONTROL_STEPS))
