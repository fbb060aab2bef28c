# SPDX-License-Identifier: MIT
"""Import of latents from other programs: `.npz` with `w`, as NVIDIA's projector writes it, or `.npy`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.common.format import valid_text
from latent_explorer.common.guarded_arrays import read_arrays
from latent_explorer.explain.latents import Latent, projected_of
from latent_explorer.explain.projected import ProjectionReport

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.explain.render.renderer import Renderer
    from latent_explorer.models.explainer import Explainer

MAX_LATENTS = 64  # latents of one file
MAX_BYTES = 1 << 30  # of the arrays of a file


def read_latents(path: Path, model: Explainer) -> tuple[list[Latent], bool]:
    """Read the latents of a file as `model` takes them; the second value is True if their cond is assumed.

    Without `cond` in the file a StylEx generator is told that all classes are equally likely. UserError when the file
    is damaged or of another model.
    """
    file_w, file_cond = _read(path)
    ws, cond = _fitted(model, file_w, file_cond)
    latents = [Latent(ws[i : i + 1], None if cond is None else cond[i : i + 1]) for i in range(len(ws))]
    return latents, cond is not None and file_cond is None


def _read(path: Path) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return w and cond (or None) of a file, whatever their shapes."""
    try:
        arrays = read_arrays(path, ("w", "cond"), MAX_BYTES)
        w, cond = arrays["w"], arrays.get("cond")
    except (OSError, DamagedData, KeyError) as error:
        if path.is_file() and path.stat().st_size == 0:
            raise unreadable(path, "latent", error, empty=True) from error
        raise UserError(
            f"{path} cannot be read as latents ({error}). It should be an npz with an array w, or an npy."
        ) from error
    if w.dtype.kind != "f" or w.ndim not in (2, 3) or not np.isfinite(w).all():
        raise UserError(f"The array w in {path} is not made of finite numbers in the shape (N, num_ws, w_dim).")
    if cond is not None and (cond.dtype.kind not in "fiu" or not np.isfinite(cond).all()):
        raise UserError(f"The array cond in {path} is not made of finite numbers in the shape (N, classes).")
    tensors = (torch.from_numpy(x.astype(np.float32)) for x in (w, cond) if x is not None)
    return next(tensors), next(tensors, None)


def _fitted(model: Explainer, ws: torch.Tensor, cond: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return ws (N, num_ws, w_dim), also from (N, w_dim), and cond (N, K) or None as `model` takes them."""
    generator = model.generator
    if ws.dim() == 2 and ws.shape[1] == generator.config.w_dim:
        ws = generator.broadcast(ws)
    expected = (generator.num_ws, generator.config.w_dim)
    if ws.dim() != 3 or tuple(ws.shape[1:]) != expected:
        raise UserError(
            f"The latents have the shape {tuple(ws.shape)}, but {model.name} takes (N, {expected[0]}, {expected[1]}) "
            f"or (N, {expected[1]}). They belong to another model."
        )
    classes = generator.config.num_classes
    if not classes:
        return ws.float(), None
    if cond is None:
        cond = torch.full((len(ws), classes), 1 / classes)
    if tuple(cond.shape) != (len(ws), classes):
        raise UserError(
            f"The condition has the shape {tuple(cond.shape)}; {model.name} takes ({len(ws)}, {classes}): "
            "class probabilities for every latent."
        )
    return ws.float(), cond.float()


def import_latents(explainer: Explainer, renderer: Renderer, path: Path, classifier_id: str) -> list[ProjectedPicture]:
    """Import the latents of a file as projections without a photo, each rendered once.

    UserError as `read_latents`, and when the file holds more than MAX_LATENTS.
    """
    latents, assumed = read_latents(path, explainer)
    if len(latents) > MAX_LATENTS:
        raise UserError(
            f"{path.name} holds {len(latents)} latents; at most {MAX_LATENTS} are taken at a time. Split the file."
        )
    pictures, stem = [], valid_text(path.stem)
    for number, latent in enumerate(latents, start=1):
        result = renderer.render_latent(latent, classifier_id)
        image, probs = result.after.image, tuple(float(p) for p in result.after.probs)
        report = ProjectionReport(
            name=stem if len(latents) == 1 else f"{stem} {number}",
            model_hash=explainer.model_hash,
            classifier_id=classifier_id,
            class_names=explainer.classifiers[classifier_id].config.class_names,
            space="w+",
            start="mean",
            steps=0,
            seconds=0.0,
            lpips=0.0,
            lpips_net="",  # nothing was projected: there is nothing to compare with
            optimised="",
            psnr=0.0,
            probs_target=probs,
            probs_reconstruction=probs,
            agreement=True,
            probability_difference=0.0,
            w_distance=result.w_distance,
            in_domain=True,
            domain_reason="",
            cond_assumed=assumed,
        )
        pictures.append(projected_of(latent, image, image, report))
    return pictures
