# SPDX-License-Identifier: MIT
"""Pictures of which a painted part alone has changed, and a study of one with its controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from latent_explorer.data.images import to_uint8
from latent_explorer.explain.counterfactuals.controls import as_large, random_coordinates
from latent_explorer.explain.counterfactuals.paste import feathered, paste
from latent_explorer.explain.counterfactuals.region import DRAWS, study, with_control
from latent_explorer.explain.latents import cpu_threads
from latent_explorer.explain.recipe import RegionLooks, StyleShift

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from latent_explorer.explain.counterfactuals.region import RegionQuestion, RegionStudy
    from latent_explorer.explain.recipe import Edit, RegionRequest
    from latent_explorer.explain.render.renderer import Renderer
    from latent_explorer.models.attributes import Attribute


def study_region(
    renderer: Renderer, question: RegionQuestion, attributes: Sequence[Attribute], draws: int = DRAWS
) -> RegionStudy:
    """Run a study with its controls on a renderer."""
    running, answers = study(question, attributes), None
    try:
        while True:
            requests = next(running) if answers is None else running.send(answers)
            answers = [look(renderer, each) for each in requests]
    except StopIteration as stop:
        done: RegionStudy = stop.value
    for each in done.to_control():
        looks = [look(renderer, asked) for asked in question.controls(each.attributes, draws)]
        done = done.with_result(with_control(each, looks, question.target))
    return done


@torch.inference_mode()
def look(renderer: Renderer, asked: RegionRequest, give_up: Callable[[], bool] | None = None) -> RegionLooks:
    """Answer a request. Raises GivenUp between pictures if `give_up` says so and they take long."""
    with cpu_threads(renderer.threads):
        region = _Region(renderer, asked, give_up)
        return region.looks(region.random(asked.seeds) if asked.seeds else region.render(asked.edits))


class _Region:
    """A picture, its part that may change, and the classifier that is asked."""

    def __init__(self, renderer: Renderer, asked: RegionRequest, give_up: Callable[[], bool] | None) -> None:
        self._renderer, self._asked, self._give_up = renderer, asked, give_up
        self._classifier = renderer.classifier(asked.request.classifier_id)
        self._own = asked.request.recipe.edits
        self._unedited = self.render([self._own])
        mask = np.frombuffer(asked.mask, np.uint8).reshape(1, 1, *self._unedited.shape[2:])
        self._mask = torch.from_numpy(mask.copy()).to(self._unedited) / 255
        self._weight = self._mask * feathered(self._mask)  # never outside of what was painted

    def render(self, edits: Sequence[tuple[Edit, ...]]) -> Tensor:
        """Return pictures (N, 3, R, R) with other edits."""
        return self._renderer.imgs(self._asked.request.recipe, edits, self._give_up).clamp(-1, 1)

    def random(self, seeds: Sequence[int]) -> Tensor:
        """Return pictures with random edits that change as much of the part as the edits do, or just less."""
        count = self._renderer.explainer.generator.synthesis.layout.num_styles
        drawn = [random_coordinates(count, torch.Generator().manual_seed(seed)) for seed in seeds]

        def at(amounts: Tensor) -> Tensor:
            lists = [
                (*self._own, *(StyleShift(j, "max" if up else "min", amount) for j, up in zip(*moved, strict=True)))
                for moved, amount in zip(drawn, amounts.tolist(), strict=True)
            ]
            return self.render(lists)

        size = self._inside(self.render(self._asked.edits), self._unedited)
        return as_large(at, self._unedited.repeat(len(drawn), 1, 1, 1), size.repeat(len(drawn)), self._inside)

    def _inside(self, edited: Tensor, unedited: Tensor) -> Tensor:
        """Return (N,): the mean change of the part."""
        return (self._weight * change(unedited, edited)).mean(dim=(1, 2, 3))

    def looks(self, edited: Tensor) -> RegionLooks:
        """Return what edits (N, 3, R, R) do inside, outside and everywhere."""
        unedited = self._unedited.expand_as(edited)
        amount = change(unedited, edited)
        total = amount.sum(dim=(1, 2, 3))
        share = (amount * self._mask).sum(dim=(1, 2, 3)) / total.clamp_min(1e-12)
        inside = paste(unedited, unedited, edited, self._weight)
        outside = paste(unedited, unedited, edited, 1 - self._weight)
        return RegionLooks(
            before=self._logits(self._unedited)[0],
            share=share.float().cpu().numpy(),
            inside=self._logits(inside.img),
            outside=self._logits(outside.img),
            whole=self._logits(edited),
            images=np.stack([to_uint8(img) for img in inside.img.float().cpu().numpy()]),
        )

    def _logits(self, img: Tensor) -> np.ndarray:
        logits: np.ndarray = self._classifier.logits(img).float().cpu().numpy()
        return logits


def change(unedited: Tensor, edited: Tensor) -> Tensor:
    """Return (N, 1, R, R): the mean over channels of the absolute difference of pictures (N, 3, R, R)."""
    return (edited - unedited).abs().mean(dim=1, keepdim=True)
