# SPDX-License-Identifier: MIT
"""Export of a run's checkpoint as an explainer, with encoded validation pictures and style statistics.

The training may still run: checkpoints are replaced atomically, so a complete one is always found.
"""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np
import torch
from torch import nn

import latent_explorer
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Progress
from latent_explorer.common.format import valid_text
from latent_explorer.common.jobs import run_job
from latent_explorer.data.dataset import read_all
from latent_explorer.models.classifier_file import read_classifier
from latent_explorer.models.explainer import (
    Explainer,
    Samples,
    concat_samples,
    generate_batch,
    hash_classifier,
    style_statistics,
)
from latent_explorer.models.perceptual import perceptual_for
from latent_explorer.training.batches import to_img
from latent_explorer.training.checkpoints import Checkpoints
from latent_explorer.training.fit_mapping import fit_mapping
from latent_explorer.training.networks import Networks
from latent_explorer.training.run_folder import RunFolder
from latent_explorer.training.setup import open_run_data
from latent_explorer.training.validate import CHUNK, Validation
from latent_explorer.training.verdicts import class_probs

if TYPE_CHECKING:
    from collections.abc import Generator

    from torch import Tensor

    from latent_explorer.data.dataset import ImageDataset
    from latent_explorer.models import stylegan2
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.discriminator import Encoder
    from latent_explorer.models.summary import StyleStats
    from latent_explorer.training.config import TrainConfig

M = TypeVar("M", bound=nn.Module)
SEEDS = 1024  # for the style statistics of a plain StyleGAN2
FITTED = 8192  # most training pictures whose latents the mapping is fitted to
JUDGED = 1024  # most pictures for the figures: more could take an hour at a second a picture


def round_to_fp16(module: M) -> M:
    """Round the weights in place to the fp16 values that a file holds, and return the module."""
    with torch.no_grad():
        for tensor in module.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.half().float())
    return module


@torch.no_grad()
def fold_cond_gain(generator: stylegan2.Generator) -> None:
    """Multiply the gain of `cond`, which only training needs, into the affines: a file holds the published form."""
    config = generator.config
    for layer in generator.synthesis.layout.layers:
        generator.synthesis.layer(layer.name).affine.weight[:, config.w_dim :] *= config.cond_gain
    generator.config = msgspec.structs.replace(config, cond_gain=1.0)
    generator.synthesis.config = generator.config


def select_checkpoint(run: RunFolder, best: bool = False) -> dict[str, Any]:
    """Return the checkpoint to export: the newest, or the best if asked for or if it scores better at the end of a run.

    The newest shows the present state of a run that continues. At the end of a run the learning rate has come down, so
    the newest is nearly always better; an older one is taken only if its validation was.
    """
    checkpoints = Checkpoints(run)
    if best:
        return checkpoints.load_best()
    state = checkpoints.load()
    best_score, last_score = state.get("best"), state.get("last")
    is_over = state["images"] >= run.config().images
    was_better = best_score is not None and last_score is not None and best_score < last_score
    return checkpoints.load_best() if is_over and was_better else state


def export(
    folder: Path, name: str, pictures: int = 250, best: bool = False, generated: bool = False
) -> Generator[Event, None, Explainer]:
    """Make an explainer from the run in `folder`: averaged networks, D, `pictures` samples, figures. A job.

    Samples are encoded validation pictures, or `generated` ones, from which no photograph can be recovered. The
    explainer of a plain StyleGAN2 has a generator and a discriminator only.
    """
    run = RunFolder(folder)
    config = run.config()
    state = select_checkpoint(run, best)
    classifier = _classifier(run) if config.mode == "stylex" else None
    perceptual = perceptual_for(classifier) if classifier else None
    known = {hash_classifier(classifier): classifier} if classifier else {}
    data = open_run_data(run)
    networks = yield from _networks(config, classifier, state, data)
    yield Progress(0, 1, "Measuring")
    # No others: a training that still runs may fill the memory with them.
    data = data.without(np.setdiff1d(data.indices(), data.indices("val")))
    data, pixels = run_job(read_all(data, config.resolution))
    samples, probs = None, None
    rows = np.sort(sample_evenly(data, "val", JUDGED))
    if classifier is not None:
        shown = sample_evenly(data, "val", pictures)
        both, keep = np.union1d(shown, rows), os.access(run.path, os.W_OK)
        (said,) = yield from class_probs(run.path, classifier, pixels, both, False, keep=keep)
        probs, probs_shown = (said[np.searchsorted(both, chosen)] for chosen in (rows, shown))
        samples = encode_samples(networks, pixels[shown], probs_shown, tuple(data.names[i] for i in shown))
        if generated:
            samples = generate_samples(networks.G_ema, classifier, samples.cond)
    validation = Validation(pixels[rows], classifier, perceptual, probs=probs)
    return Explainer(
        name=valid_text(name),
        generator=networks.G_ema,
        encoder=networks.E_ema,
        discriminator=networks.D,
        classifiers=known,
        conditioned_on=next(iter(known), None),
        samples=samples,
        style_stats=_statistics(networks.G_ema, samples),
        provenance={
            **run.provenance(),
            "training": _without_paths(config),
            "images": int(state["images"]),
            "made": datetime.now(UTC).strftime("%Y-%m-%d"),
            "version": latent_explorer.__version__,
        },
        figures={"val": validation.measure(networks) | validation.baseline},
    )


def _networks(
    config: TrainConfig, classifier: Classifier | None, state: dict[str, Any], data: ImageDataset
) -> Generator[Event, None, Networks]:
    """Load the networks of a checkpoint, rounded as in a file, and fit the mapping to the encoder."""
    networks = Networks(config, classifier.num_classes if classifier else 0)
    networks.load_state(state["networks"])
    fold_cond_gain(networks.G_ema)
    if networks.E_ema is not None and config.mapping_steps:
        w = yield from encode_split(round_to_fp16(networks.E_ema), data)
        yield from fit_mapping(networks.G_ema.mapping, w, config.mapping_steps)
    for module in (networks.G_ema, networks.E_ema, networks.D):
        if module is not None:
            round_to_fp16(module)
    return networks


@torch.no_grad()
def encode_split(encoder: Encoder, data: ImageDataset, split: str = "train") -> Generator[Event, None, Tensor]:
    """Return w (N, w_dim) of a split's readable pictures, at most FITTED of them. A job.

    Pixels are read in chunks: a training that still runs may fill the memory. Raises UserError if none can be read.
    """
    # At random and not in turns of classes, as samples are, which would make an unbalanced set a balanced one.
    rows = np.random.default_rng(0).permutation(data.indices(split))[:FITTED]
    pieces: list[Tensor] = []
    for first in range(0, len(rows), CHUNK):
        yield Progress(first, len(rows), "Encoding pictures")
        pixels = []
        for row in rows[first : first + CHUNK]:
            with contextlib.suppress(UserError):  # the training left out broken files, too
                pixels.append(data.decode(row, encoder.config.resolution))
        if pixels:
            pieces.append(encoder(to_img(np.stack(pixels))))
    if not pieces:
        raise UserError(f"No picture of the {split} split can be read. Look at them with `latent-explorer check`.")
    return torch.cat(pieces)


def _statistics(generator: stylegan2.Generator, samples: Samples | None) -> StyleStats:
    if samples is not None:
        return style_statistics(generator, samples.ws, samples.cond)
    z = torch.randn(SEEDS, generator.config.z_dim, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ws = generator.ws_from_z(z)
    return style_statistics(generator, ws, None)


def _classifier(run: RunFolder) -> Classifier:
    """Return the run's classifier, rounded as in a file."""
    kept = run.classifier if run.classifier.exists() else Path(run.config().classifier)
    return round_to_fp16(read_classifier(kept)[0])


def _without_paths(config: TrainConfig) -> dict[str, Any]:
    """Return the settings as JSON values, with file names in place of paths, which may be private."""
    data = msgspec.structs.replace(config.data, path=Path(config.data.path).name)
    files = {name: Path(getattr(config, name)).name for name in ("classifier", "init")}
    training = config.classifier_training
    if training is not None:
        other = msgspec.structs.replace(training.data, path=Path(training.data.path).name)
        training = msgspec.structs.replace(training, data=other)
    named = msgspec.structs.replace(config, data=data, classifier_training=training, **files)
    fields: dict[str, Any] = msgspec.to_builtins(named)
    return fields


def sample_evenly(data: ImageDataset, split: str, count: int) -> np.ndarray:
    """Return rows of `count` pictures of a split in a fixed order, with labels in turns of classes."""
    rows = np.random.default_rng(0).permutation(data.indices(split))
    if data.labels is None:
        return rows[:count]
    labels = data.labels[rows]
    rank = np.empty(len(rows), dtype=np.int64)  # of a picture within its class
    for k in np.unique(labels):
        rank[labels == k] = np.arange((labels == k).sum())
    return rows[np.argsort(rank, kind="stable")][:count]


@torch.no_grad()
def encode_samples(networks: Networks, pixels: np.ndarray, probs: Tensor, ids: tuple[str, ...]) -> Samples:
    """Encode pictures (N, H, W, 3) uint8; `probs` (N, K), the classifier's verdicts on them, are their `cond`, too."""
    pieces = to_img(pixels).split(CHUNK)
    assert networks.E_ema is not None  # only a plain StyleGAN2 has none
    w = torch.cat([networks.E_ema(img) for img in pieces])
    return Samples(networks.G_ema.broadcast(w).contiguous(), probs, probs, ids)


@torch.no_grad()
def generate_samples(generator: stylegan2.Generator, classifier: Classifier, cond: Tensor) -> Samples:
    """Generate samples from random z with the class probabilities `cond` (N, K)."""
    z = torch.randn(len(cond), generator.config.z_dim, generator=torch.Generator().manual_seed(0))
    parts = [
        generate_batch(generator, classifier, z[first : first + CHUNK], cond[first : first + CHUNK], first)
        for first in range(0, len(cond), CHUNK)
    ]
    return concat_samples(parts)
