# SPDX-License-Identifier: MIT
"""What the projection desk has the engine do: cut and project photos, and render latents that came from a file."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from latent_explorer.common.events import Event, Kept, Progress
from latent_explorer.data.crop import crop_image

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from latent_explorer.app.engine.engine import StepBudget
    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.projection.photos import Photo
    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.explain.projection.settings import ProjectionSettings


def project_photos(
    host: ModelHost,
    budget: StepBudget,
    photos: Sequence[Photo],
    settings: ProjectionSettings,
    classifier_id: str,
) -> Generator[Event, None, list[ProjectedPicture]]:
    """Project what is cut out of the photos. Yields the events of `explain.projection.project`; cutting comes before."""
    from latent_explorer.explain.projection.photo_verdict import photo_probs
    from latent_explorer.explain.projection.projection import project

    explainer = host.explainer
    size = explainer.generator.config.resolution
    targets, at_own_size = [], []
    for done, photo in enumerate(photos):
        yield Progress(done, len(photos), "Cutting the photos")
        picture = photo.full()
        targets.append(crop_image(picture, photo.crop, size))
        at_own_size.append(photo_probs(explainer, crop_image(picture, photo.crop), classifier_id))
    yield Progress(0, settings.steps, "Looking for a start")
    job = project(
        explainer,
        np.stack(targets),
        [photo.name for photo in photos],
        settings,
        device=host.device,
        budget=budget.seconds,
        classifier_id=classifier_id,
    )
    with contextlib.closing(job):
        while True:
            try:
                event = next(job)
            except StopIteration as end:
                return _completed(end.value, at_own_size)
            yield Kept(_completed(event.value, at_own_size)) if isinstance(event, Kept) else event


def _completed(
    pictures: Sequence[ProjectedPicture], at_own_size: Sequence[tuple[float, ...]]
) -> list[ProjectedPicture]:
    """With what the classifier says of each photo at its own size. What is kept before the end may be fewer pictures."""
    return [
        replace(p, report=msgspec.structs.replace(p.report, probs_photo=probs))
        for p, probs in zip(pictures, at_own_size, strict=False)
    ]


def import_latents(host: ModelHost, path: Path, classifier_id: str) -> list[ProjectedPicture]:
    """The latents of an `.npz` or `.npy` file, rendered once."""
    from latent_explorer.explain.projection import latent_import

    return latent_import.import_latents(host.explainer, host.renderer, path, classifier_id)
