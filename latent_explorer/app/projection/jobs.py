# SPDX-License-Identifier: MIT
"""What the projection controller has the engine do: cut and project photos, and render latents that
came from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.common.events import Event, Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.projection.photos import Photo
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.explain.projection.settings import ProjectionSettings


def project_photos(
    host: ModelHost, budget: StepBudget, photos: Sequence[Photo], settings: ProjectionSettings, classifier_id: str
) -> Generator[Event, None, list[ProjectedPicture]]:
    """Project what is cut out of the photos. Yields the events of `project`; cutting comes before."""
    from latent_explorer.explain.projection.projection import project
    from latent_explorer.explain.projection.target import cut_target

    explainer = host.explainer
    targets = []
    for done, photo in enumerate(photos):
        yield Progress(done, len(photos), "Cutting the photos")
        cut = cut_target(explainer, photo.full(), photo.name, classifier_id, photo.crop)
        targets.append(cut)
    yield Progress(0, settings.steps, "Looking for a start")
    return (
        yield from project(explainer, targets, settings, device=host.device, budget=budget, classifier_id=classifier_id)
    )


def import_latents(host: ModelHost, path: Path, classifier_id: str) -> list[ProjectedPicture]:
    """The latents of an `.npz` or `.npy` file, rendered once."""
    from latent_explorer.explain.projection import latent_import

    return latent_import.import_latents(host.explainer, host.renderer, path, classifier_id)
