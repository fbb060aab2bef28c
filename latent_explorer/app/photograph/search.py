# SPDX-License-Identifier: MIT
"""The part of an explanation that runs on the engine's thread: refining a photograph, and a search that stays warm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.models.attributes import Attribute

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.projection.photos import Photo
    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.counterfactuals.photo import PhotoExplainer, PhotoExplanation
    from latent_explorer.explain.projected import ProjectedPicture


@dataclass(frozen=True, eq=False)
class PhotoQuestion:
    """What is asked about a photograph.

    attributes  of every class, to try
    target      class to turn to; the runner-up of the photograph where None
    only        (R, R), 0 to 1: where a change is allowed; everywhere without it
    """

    classifier_id: str
    attributes: tuple[Attribute, ...]
    target: int | None = None
    only: np.ndarray | None = None

    def same_as(self, other: PhotoQuestion | None) -> bool:
        """Return True if two questions have the same answer, whatever the names of the attributes."""
        return (
            other is not None
            and (self.classifier_id, self.target) == (other.classifier_id, other.target)
            and [attribute_key(a) for a in self.attributes] == [attribute_key(a) for a in other.attributes]
            and np.array_equal(_region(self.only), _region(other.only))
        )


def _region(only: np.ndarray | None) -> np.ndarray:
    return np.zeros((0, 0), np.float32) if only is None else only


def refine(
    host: ModelHost, budget: StepBudget, photo: Photo, classifier_id: str
) -> Generator[Event, None, list[ProjectedPicture]]:
    """Cut a photograph and refine its copy, as `explain-photo` does. Yields what `project` yields."""
    from latent_explorer.app.projection.photos import project_photos
    from latent_explorer.explain.counterfactuals.photo import REFINEMENT

    return (yield from project_photos(host, budget, [photo], REFINEMENT, classifier_id))


class WarmSearch:
    """Searcher of the last question, with what it rendered. Touched by jobs only, on the engine's thread."""

    def __init__(self) -> None:
        self._explainer: Any = None  # that the searcher was made for
        self._asked: tuple[object, ...] = ()  # of it
        self._searcher: PhotoExplainer | None = None

    def explain(
        self, host: ModelHost, refined: ProjectedPicture, question: PhotoQuestion
    ) -> Generator[Event, None, PhotoExplanation]:
        """Explain a refined photograph. Yields Kept with the explanation so far, verdicts first."""
        from latent_explorer.explain.counterfactuals.photo import PhotoExplainer, PhotoSettings
        from latent_explorer.explain.projection.target import Target

        keys = tuple(attribute_key(a) for a in question.attributes)
        asked = str(host.device), question.classifier_id, keys
        if self._searcher is None or self._explainer is not host.explainer or asked != self._asked:
            self._searcher = PhotoExplainer(
                host.explainer,
                question.attributes,
                PhotoSettings(),
                classifier_id=question.classifier_id,
                device=host.device,
            )
            self._explainer, self._asked = host.explainer, asked
        target = Target(refined.report.name, refined.target, refined.report.probs_photo)
        return (yield from self._searcher.explain(target, refined, aim=question.target, only=question.only))
