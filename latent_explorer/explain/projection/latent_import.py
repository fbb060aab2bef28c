# SPDX-License-Identifier: MIT
"""Import of latents from other programs: NVIDIA's `.npz` with `w`, `.npy`, and rosinality's `.pt`."""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.common.format import valid_text
from latent_explorer.common.guarded_arrays import MAX_MEMBERS, read_arrays
from latent_explorer.common.guarded_zip import GuardedZip
from latent_explorer.explain.directions.file import (
    ARRAY_SUFFIXES,
    guess,
    may_be_vectors,
    read_directions,
    says_direction,
    tensors_of,
)
from latent_explorer.explain.directions.found import Guess, VectorFile
from latent_explorer.explain.latents import Latent, projected_of, typical_ws
from latent_explorer.explain.projected import ProjectionReport
from latent_explorer.models.importers.checkpoint_file import Checkpoint
from latent_explorer.models.importers.pickle_values import StoredTensor

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.explain.render.renderer import Renderer
    from latent_explorer.models.explainer import Explainer
    from latent_explorer.models.stylegan2 import Generator

SUFFIXES = (*ARRAY_SUFFIXES, ".pt", ".pth")
MAX_LATENTS = 64  # latents of one file
MAX_BYTES = 1 << 30  # of the arrays of a file
_TENSORS = (StoredTensor, np.ndarray)
_NAMES = ("w", "ws", "latent", "latents", "latent_in")  # of latents in checkpoints


class FoundLatents(NamedTuple):
    """Latents of a file, each with its name, and whether it did not say which cond belongs to them."""

    names: tuple[str, ...]
    latents: tuple[Latent, ...]
    cond_assumed: bool


class _Stored(NamedTuple):
    """Arrays as a file has them, whatever their shapes."""

    name: str
    w: np.ndarray
    cond: np.ndarray | None = None
    noise: tuple[np.ndarray, ...] | None = None


def read_latents(path: Path, model: Explainer) -> FoundLatents:
    """Read the latents of a file as `model` takes them.

    Without `cond` in the file a StylEx generator is told that all classes are equally likely. UserError when the file
    is damaged or of another model.
    """
    names: list[str] = []
    latents: list[Latent] = []
    stored = _stored(path)
    for each in stored:
        ws, cond = _fitted(path, model, each)
        noise = _noise(model.generator, each)
        latents += [Latent(ws[i : i + 1], None if cond is None else cond[i : i + 1], noise) for i in range(len(ws))]
        names += [each.name if len(ws) == 1 else f"{each.name} {number}" for number in range(1, len(ws) + 1)]
    assumed = bool(model.generator.config.num_classes) and any(each.cond is None for each in stored)
    return FoundLatents(tuple(names), tuple(latents), assumed)


def holds_vectors(path: Path) -> bool:
    """Return True for a checkpoint with latents or directions, and nothing else that could be a model."""
    try:
        with Checkpoint(path) as checkpoint:
            return may_be_vectors(checkpoint.content) or _is_of_projector(checkpoint)
    except UserError:
        return False


def look_at_vectors(path: Path, model: Explainer) -> VectorFile:
    """Say what a file of latents or directions holds. UserError, naming the shapes that fit, if it is neither."""
    if _says_latents(path):
        return VectorFile(path, len(read_latents(path, model).names))
    vectors = read_directions(path, model.generator.num_ws, model.generator.config.w_dim)
    if says_direction(vectors):
        return VectorFile(path, 0, tuple(vectors), Guess(True, "The name of its array says so."))
    try:
        pictures = len(read_latents(path, model).names)
    except UserError:
        pictures = 0
    return VectorFile(path, pictures, tuple(vectors), guess(path, vectors, typical_ws(model)))


def _says_latents(path: Path) -> bool:
    """Return True if the names in a file are those of latents: numbers without any may be directions."""
    if path.suffix.lower() not in ARRAY_SUFFIXES:
        with Checkpoint(path) as checkpoint:
            return any(name in _NAMES for name in tensors_of(checkpoint.content)) or _is_of_projector(checkpoint)
    try:
        with GuardedZip(path, MAX_MEMBERS) as archive:
            return "w.npy" in archive.names
    except (OSError, DamagedData):  # whoever reads it says what is wrong
        return False


def _is_of_projector(checkpoint: Checkpoint) -> bool:
    content = checkpoint.content
    if not isinstance(content, dict) or tensors_of(content).keys() & set(_NAMES[:2]):
        return False
    return bool(_in_checkpoint(checkpoint, checkpoint.path.stem))


def _stored(path: Path) -> list[_Stored]:
    """Return the latents of a file as it has them."""
    name = valid_text(path.stem)
    if path.suffix.lower() not in ARRAY_SUFFIXES:
        with Checkpoint(path) as checkpoint:
            found = _in_checkpoint(checkpoint, name)
        if not found:
            raise UserError(f"{path} holds no latents. It should hold a tensor, or entries with a tensor 'latent'.")
        return found
    try:
        arrays = read_arrays(path, ("w", "cond"), MAX_BYTES)
        return [_Stored(name, arrays["w"], arrays.get("cond"))]
    except (OSError, DamagedData, KeyError) as error:
        if path.is_file() and path.stat().st_size == 0:
            raise unreadable(path, "latent", error, empty=True) from error
        raise UserError(
            f"{path} cannot be read as latents ({error}). It should be an npz with an array w, an npy, or a .pt."
        ) from error


def _in_checkpoint(checkpoint: Checkpoint, name: str) -> list[_Stored]:
    """Return the latents of a checkpoint: one tensor, one with a usual name, or rosinality's entries by picture.

    rosinality's projector writes for each picture its `latent` and the `noise` maps that it optimised with it.
    """

    def entry(name: str, values: dict[Any, Any]) -> _Stored | None:
        tensor = next((values[key] for key in _NAMES if isinstance(values.get(key), _TENSORS)), None)
        if tensor is None:
            return None
        given = values.get("noise")
        maps = tuple(m for m in given if isinstance(m, _TENSORS)) if isinstance(given, (list, tuple)) else ()
        return _Stored(name, checkpoint.read(tensor), None, tuple(map(checkpoint.read, maps)) or None)

    content = checkpoint.content
    if isinstance(content, _TENSORS):
        return [_Stored(name, checkpoint.read(content))]
    if not isinstance(content, dict):
        return []
    if found := entry(name, content):
        return [found]
    pictures = [(key, value) for key, value in content.items() if isinstance(key, str) and isinstance(value, dict)]
    _check_count(checkpoint.path, len(pictures))  # each may have a hundred megabytes of noise maps
    stems = ((valid_text(ntpath.splitext(ntpath.basename(key))[0]) or name, value) for key, value in pictures)
    return [found for stem, value in stems if (found := entry(stem, value))]


def _check_count(path: Path, count: int) -> None:
    if count > MAX_LATENTS:
        raise UserError(
            f"{path.name} holds {count} latents; at most {MAX_LATENTS} are taken at a time. Split the file."
        )


def _fitted(path: Path, model: Explainer, stored: _Stored) -> tuple[Tensor, Tensor | None]:
    """Return ws (N, num_ws, w_dim) and cond (N, K) or None as `model` takes them.

    w may also be (num_ws, w_dim), one latent, or (N, w_dim) and (w_dim,), latents in W.
    """
    generator = model.generator
    num_ws, w_dim = generator.num_ws, generator.config.w_dim
    largest = np.finfo(np.float32).max
    if stored.w.dtype.kind != "f" or stored.w.ndim not in (1, 2, 3) or not (np.abs(stored.w) <= largest).all():
        raise UserError(f"The array w in {path} is not made of finite numbers in the shape (N, num_ws, w_dim).")
    ws = torch.from_numpy(stored.w.astype(np.float32))
    shape = tuple(ws.shape)
    if shape == (w_dim,) or (shape == (num_ws, w_dim) and num_ws > 1):
        ws = ws[None]
    if ws.dim() == 2 and ws.shape[1] == w_dim:
        ws = generator.broadcast(ws)
    if ws.dim() != 3 or tuple(ws.shape[1:]) != (num_ws, w_dim):
        raise UserError(
            f"The latents have the shape {shape}, but {model.name} takes (N, {num_ws}, {w_dim}) or (N, {w_dim}). "
            "They belong to another model."
        )
    classes = generator.config.num_classes
    if stored.cond is not None and (stored.cond.dtype.kind not in "fiu" or not np.isfinite(stored.cond).all()):
        raise UserError(f"The array cond in {path} is not made of finite numbers in the shape (N, classes).")
    if not classes:
        return ws, None
    if stored.cond is None:
        cond = torch.full((len(ws), classes), 1 / classes)
    else:
        cond = torch.from_numpy(stored.cond.astype(np.float32))
    if tuple(cond.shape) != (len(ws), classes):
        raise UserError(
            f"The condition has the shape {tuple(cond.shape)}; {model.name} takes ({len(ws)}, {classes}): "
            "class probabilities for every latent."
        )
    return ws, cond


def _noise(generator: Generator, stored: _Stored) -> tuple[Tensor, ...] | None:
    """Return the noise maps that were optimised with a latent, as the renderer takes them."""
    if stored.noise is None:
        return None
    sides = [layer.resolution for layer in generator.config.layout.conv_layers]
    if [each.shape[-2:] for each in stored.noise] != [(side, side) for side in sides] or any(
        each.size != side**2 for each, side in zip(stored.noise, sides, strict=True)
    ):
        raise UserError(f"The noise maps of {stored.name} belong to a model of another size. Choose that model.")
    return tuple(torch.from_numpy(each.astype(np.float32)).reshape(1, 1, *each.shape[-2:]) for each in stored.noise)


def import_latents(explainer: Explainer, renderer: Renderer, path: Path, classifier_id: str) -> list[ProjectedPicture]:
    """Import the latents of a file as projections without a photo, each rendered once.

    UserError as `read_latents`, and when the file holds more than MAX_LATENTS.
    """
    found = read_latents(path, explainer)
    _check_count(path, len(found.latents))
    pictures = []
    for name, latent in zip(found.names, found.latents, strict=True):
        result = renderer.render_latent(latent, classifier_id)
        image, probs = result.after.image, tuple(float(p) for p in result.after.probs)
        report = ProjectionReport(
            name=name,
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
            cond_assumed=found.cond_assumed,
        )
        pictures.append(projected_of(latent, image, image, report))
    return pictures
