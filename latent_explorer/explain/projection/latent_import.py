# SPDX-License-Identifier: MIT
"""Latents of other programs (`.npz` with `w`, as NVIDIA's projector writes it, or `.npy`) as projections without a photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.explain.latents import Latent
from latent_explorer.explain.projected import ProjectedPicture, ProjectionReport
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, ProjectedBase
from latent_explorer.explain.render.sampling import checked_latents, read_latents

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.explain.recipe import RenderResult
    from latent_explorer.explain.render.renderer import Renderer
    from latent_explorer.models.explainer import Explainer

MAX_LATENTS = 64  # latents of one file
_SCRATCH = "import"  # no latent_id looks like this


def import_latents(
    explainer: Explainer, renderer: Renderer, path: Path, classifier_id: str
) -> list[ProjectedPicture]:
    """The latents of a file, rendered once. A StylEx generator is told the file's `cond`, else that all classes are equal.

    UserError when the file is damaged, of another model, or holds more than MOST.
    """
    found_ws, told = read_latents(path)
    ws, cond = checked_latents(explainer, found_ws, told)
    assumed = cond is not None and told is None
    if len(ws) > MAX_LATENTS:
        raise UserError(
            f"{path.name} holds {len(ws)} latents; at most {MAX_LATENTS} are taken at a time. Split the file."
        )
    found = []
    for i in range(len(ws)):
        latent = Latent(ws[i : i + 1], None if cond is None else cond[i : i + 1])
        renderer.add_latent(_SCRATCH, latent)
        try:
            request = PictureRequest(PictureRecipe(ProjectedBase(_SCRATCH)), classifier_id)
            result = renderer.render(request)
        finally:
            renderer.latents.pop(_SCRATCH, None)
        name = path.stem if len(ws) == 1 else f"{path.stem} {i + 1}"
        report = _report(name, explainer, classifier_id, result, cond_assumed=assumed)
        found.append(
            ProjectedPicture(
                ws=latent.ws[0].cpu().numpy(),
                target=result.after.image,
                image=result.after.image,
                report=report,
                cond=None if latent.cond is None else latent.cond[0].cpu().numpy(),
            )
        )
    return found


def _report(
    name: str,
    explainer: Explainer,
    classifier_id: str,
    result: RenderResult,
    *,
    cond_assumed: bool,
) -> ProjectionReport:
    """Nothing was projected: `optimised` and `lpips_net` are empty, and there is nothing to compare with."""
    probs = tuple(float(p) for p in result.after.probs)
    return ProjectionReport(
        name=name,
        model_hash=explainer.model_hash,
        classifier_id=classifier_id,
        class_names=explainer.classifiers[classifier_id].config.class_names,
        space="w+",
        start="mean",
        steps=0,
        seconds=0.0,
        lpips=0.0,
        lpips_net="",
        optimised="",
        psnr=0.0,
        probs_target=probs,
        probs_reconstruction=probs,
        agreement=True,
        probability_difference=0.0,
        w_distance=result.w_distance,
        in_domain=True,
        domain_reason="",
        cond_assumed=cond_assumed,
    )
