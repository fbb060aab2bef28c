# SPDX-License-Identifier: MIT
"""Invented explanations of photographs for tests of what asks for them and shows them; no model is rendered."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np
from fake_projection import make_projected

from latent_explorer.common.events import Event, Kept, Metric, Progress
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.counterfactuals.photo import Change, PhotoExplanation
from latent_explorer.explain.projected import ProjectedPicture
from latent_explorer.explain.recipe import Picture

SIZE = 64
NOBODY, ONE, ALL = Rate(0, 1), Rate(1, 1), Rate(8, 8)


def picture(share: float, seed: int = 0) -> Picture:
    """A picture of noise whose second class has the probability `share`."""
    image = np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    probs = np.array([1 - share, share])
    return Picture(image, np.log(probs), probs)


def change(attributes: tuple[Any, ...], *, copy: float = 0.9, photo: float = 0.8, **fields: Any) -> Change:
    """A change of the middle of the photograph; a verdict turns to the second class from one half on."""
    mask = np.zeros((SIZE, SIZE), np.float32)
    mask[16:48, 16:48] = 1
    made = Change(
        attributes,
        copy=picture(copy, 1),
        photo=picture(photo, 2),
        mask=mask,
        turns_copy=copy > 0.5,
        turns_photo=photo > 0.5,
        unedited=NOBODY,
        noise=Rate(0, 8),
        random=Rate(1, 4),
        weights=NOBODY,
    )
    return replace(made, **fields)


def explanation(refined: ProjectedPicture, *changes: Change, target: int = 1) -> PhotoExplanation:
    return PhotoExplanation(refined.report.name, target, picture(0.1, 3), picture(0.2, 4), refined, changes)


class FakeSearch:
    """Jobs in place of the real ones. Each waits while `held`; `questions` are those that were asked."""

    def __init__(self) -> None:
        self.held = self.holding = False
        self.refined: list[str] = []  # names
        self.questions: list[Any] = []
        self.changes: Any = lambda question: (change(question.attributes[:1]),)

    def _wait(self) -> Generator[Event, None, None]:
        while self.held:
            self.holding = True
            time.sleep(0.002)
            yield Progress(1, 2, "Waiting for the test")
        self.holding = False

    def refine(self, host: Any, _budget: Any, photo: Any, key: str) -> Generator[Event, None, list[ProjectedPicture]]:
        summary = host.explainer.summary()
        self.refined.append(photo.name)
        target = photo.crop_image(SIZE)
        made = make_projected(photo.name, model_hash=summary.model_hash, classifier_id=key, size=SIZE)
        made = replace(made, target=target, image=target // 2)
        yield Progress(1, 2, "Projecting", 3.0)
        yield Metric(1, {"loss": 1.0, "lpips": 0.3})
        yield Kept((made,))
        yield from self._wait()
        return [made]

    def explain(self, _host: Any, refined: ProjectedPicture, question: Any) -> Generator[Event, None, PhotoExplanation]:
        self.questions.append(question)
        changes = self.changes(question)
        yield Progress(0, 0, "Searching")
        yield Kept(explanation(refined, *(replace(each, random=Rate(0, 0)) for each in changes)))
        yield from self._wait()
        return explanation(refined, *changes, target=1 if question.target is None else question.target)
