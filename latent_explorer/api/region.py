# SPDX-License-Identifier: MIT
"""A painted part of a picture of an open explainer, asked about without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from latent_explorer.app.exploration import turning_requests
from latent_explorer.app.exploration.state import with_attributes
from latent_explorer.common.errors import UserError
from latent_explorer.explain.counterfactuals.region import RegionQuestion
from latent_explorer.explain.counterfactuals.region_looks import study_region
from latent_explorer.explain.recipe import PictureRequest, canonical_edits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.explain.counterfactuals.region import RegionStudy
    from latent_explorer.explain.render.renderer import Renderer
    from latent_explorer.models.attributes import Attribute


def explain_region(
    renderer: Renderer,
    state: ExplorerState,
    request: PictureRequest,
    attributes: Sequence[Attribute],
    mask: np.ndarray,
    target: int | None,
) -> RegionStudy:
    """Study a part of the picture of a request: see `Explainer.explain_region`. `state` is any of the model."""
    model = renderer.explainer
    size = model.generator.config.resolution
    if mask.shape != (size, size):
        raise UserError(f"The mask is {mask.shape}, but the pictures have {size} x {size} px. Make it that large.")
    before = renderer.render(request).after
    aim = int(np.argsort(before.probs, kind="stable")[-2]) if target is None else target
    name = model.classifiers[request.classifier_id].config.class_names[aim]
    if before.verdict == aim:
        raise UserError(f"The classifier sees {name} in it already. Choose another class.")
    own = msgspec.structs.replace(state, edits=canonical_edits(request.recipe.edits))
    left = turning_requests.candidates([each for each in attributes if each.target == aim], own)
    if not left:
        raise UserError(f"No attribute towards {name} is left to move. Search for attributes first.")
    question = RegionQuestion(request, aim, mask, lambda each: with_attributes(own, each).edits)
    return study_region(renderer, question, left)
