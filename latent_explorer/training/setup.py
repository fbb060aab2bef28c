# SPDX-License-Identifier: MIT
"""What a training starts from: pictures, classifier and networks of a run, and what is refused before any work is done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import atomic_path
from latent_explorer.models.classifier_file import read_classifier, write_classifier
from latent_explorer.models.explainer import hash_classifier
from latent_explorer.models.explainer_file import read_explainer
from latent_explorer.models.perceptual import Perceptual
from latent_explorer.training.classifier import open_labelled
from latent_explorer.training.loop import Trainer
from latent_explorer.training.networks import Networks, check_widths
from latent_explorer.training.stream import BatchStream, open_data
from latent_explorer.training.validate import Validation

if TYPE_CHECKING:
    from latent_explorer.data.folder import ImageDataset
    from latent_explorer.training.config import TrainConfig
    from latent_explorer.training.record import RunFolder

SHARE_OF_MEMORY = 0.7  # that decoded pictures may take: the networks want some, too
NAMED = 5  # files that a sentence names


def check(config: TrainConfig, *, trained: bool = False) -> None:
    """Refuse what can be refused without reading a picture; `trained`: the run's classifier is there already.

    Raises UserError.
    """
    check_widths(config)
    _check_batch(config)
    if not Path(config.data.path).exists():
        raise UserError(f"There is no {config.data.path}. Give a folder or a zip of pictures.")
    if config.init and not Path(config.init).is_file():
        raise UserError(f"There is no {config.init} to start from. Give an explainer file.")
    if trained or config.mode == "stylegan2":
        return
    if config.classifier:
        read_classifier(Path(config.classifier))
    elif config.classifier_training is None:
        raise UserError(
            "There is no classifier to explain. Give one with --classifier FILE, or name the column of labels with "
            "--label to train one."
        )
    else:
        open_labelled(config.classifier_training.data).close()


def _check_batch(config: TrainConfig) -> None:
    """Every part of a step is taken from its one batch."""
    parts = {
        "discriminated": config.discriminated,
        "mapped + repaired": config.mapped + config.repaired,
    }
    for name, size in parts.items():
        if not 1 <= size <= config.batch:
            raise UserError(
                f"{name} is {size}, but a batch has {config.batch} pictures. Choose 1 to {config.batch}."
            )


def set_up(run: RunFolder, *, fresh: bool) -> tuple[Trainer, Validation]:
    """The parts of a run, as at its first step; a run that is not `fresh` then takes up its checkpoint."""
    config = run.config()
    _check_batch(config)
    data = open_data(config.data)
    _check_pictures(run, data)
    _check_memory(data, config.resolution)
    classifier, about = read_classifier(keep_classifier(run))
    networks = Networks(config, classifier.num_classes)
    provenance: dict[str, Any] = {
        "data": data.describe(),
        "classifier": about,
        "classifier_id": hash_classifier(classifier),
    }
    if config.init and fresh:
        provenance["init"] = _start_from(networks, Path(config.init))
    run.write_provenance({**run.provenance(), **provenance})
    pixels = data.read_all(config.resolution)
    perceptual = Perceptual("alex")
    generator = torch.Generator().manual_seed(config.seed)
    rows = data.indices("val")
    # An evenly spread sample in a fixed order that mixes the classes.
    rows = np.random.default_rng(0).permutation(rows)[: config.validate_pictures]
    validation = Validation(pixels[rows], classifier, perceptual)
    train = pixels[data.indices("train")]
    stream = BatchStream(train, classifier, config.batch, config.flip, generator)
    return Trainer(config, networks, stream, classifier, perceptual, generator), validation


def keep_classifier(run: RunFolder) -> Path:
    """The run's own copy of its classifier: whatever becomes of the original, the run can go on."""
    kept, named = run.classifier, run.config().classifier
    if named and not kept.exists():
        # Written anew, not copied: it may come out of an explainer, and a file that is none is refused.
        write_classifier(kept, *read_classifier(Path(named)))
    return kept


def _start_from(networks: Networks, path: Path) -> dict[str, Any]:
    """Take over the networks of an explainer; returns what the provenance says of it."""
    explainer = read_explainer(path)
    networks.start_from(explainer)
    return {"name": explainer.name, "model_hash": explainer.model_hash}


def _check_pictures(run: RunFolder, data: ImageDataset) -> None:
    """Refuse to go on with other pictures than those that the run began with; the first time, list them."""
    path = run.path / "pictures.txt"
    if not path.exists():
        with run.writing("pictures.txt"), atomic_path(path) as temporary:
            temporary.write_text("".join(f"{name}\n" for name in data.names), encoding="utf-8")
        return
    began = path.read_text(encoding="utf-8").splitlines()
    missing, new = set(began) - set(data.names), set(data.names) - set(began)
    for names, are in ((missing, "are missing"), (new, "have come since")):
        if names:
            some = ", ".join(sorted(names)[:NAMED]) + (" ..." if len(names) > NAMED else "")
            raise UserError(
                f"The run began with {len(began)} pictures; {len(names)} {are}: {some}. Go on with the same "
                "pictures, or start a new run with --init from what this one has learned."
            )


def _check_memory(data: ImageDataset, resolution: int) -> None:
    """All pictures stay decoded in memory, so that nothing that happens to their files can end a training."""
    wanted = len(data) * resolution * resolution * 3
    try:
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows does not say
        return
    if wanted > SHARE_OF_MEMORY * there:
        raise UserError(
            f"{len(data)} pictures of {resolution} px take {wanted / 1e9:.1f} GB decoded, and this machine has "
            f"{there / 1e9:.1f} GB. Choose some with --where, or a smaller --resolution."
        )
