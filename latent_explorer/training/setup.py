# SPDX-License-Identifier: MIT
"""Setup of a training: pictures, classifier and networks of a run, and checks before any work is done."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice
from latent_explorer.common.format import size_text
from latent_explorer.common.jobs import without_progress
from latent_explorer.common.paths import atomic_path
from latent_explorer.data.dataset import read_all
from latent_explorer.data.split_words import BY_HASH
from latent_explorer.data.threads import installed_memory
from latent_explorer.models.classifier_file import read_classifier, write_classifier
from latent_explorer.models.device import choose_device
from latent_explorer.models.explainer import hash_classifier
from latent_explorer.models.explainer_file import read_explainer
from latent_explorer.models.perceptual import perceptual_for
from latent_explorer.models.processes import SINGLE_PROCESS, World
from latent_explorer.training.batches import BatchStream, open_data, require_sides
from latent_explorer.training.checkpoints import Checkpoints
from latent_explorer.training.distributed import check_batch_divisible
from latent_explorer.training.networks import Networks
from latent_explorer.training.settings import check_widths
from latent_explorer.training.stylex_trainer import Trainer
from latent_explorer.training.train_classifier import open_labelled_data
from latent_explorer.training.validate import Validation
from latent_explorer.training.verdicts import class_probs

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from latent_explorer.common.events import Event
    from latent_explorer.data.dataset import ImageDataset
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.training.config import DataConfig, TrainConfig
    from latent_explorer.training.run_folder import RunFolder

SHARE_OF_MEMORY = 0.7  # that decoded pictures may take: the networks need some, too
PICTURES = "pictures.txt"  # names of the pictures that a run began with
DIGESTS = "pictures.sha256"  # of their pixels at the run's resolution
NAMED = 5  # most files named in an error


def check(config: TrainConfig, run: RunFolder, world: World = SINGLE_PROCESS) -> None:
    """Raise UserError for any problem that can be found without reading a picture.

    A run that has its own classifier or checkpoint by now does not need the original.
    """
    check_widths(config)
    check_batch_divisible(config, world.size)
    choose_device(config.device)
    if run.exists() and not Path(config.data.path).exists():
        raise UserError(moved_message(run, config))
    open_data(config.data).close()
    begun = Checkpoints(run).exist()
    if config.init and not begun:
        _load_explainer(Networks(config, num_classes=2), Path(config.init))
    if run.classifier.exists() or config.mode == "stylegan2":
        return
    if config.classifier:
        read_classifier(Path(config.classifier))
    elif config.classifier_training is None:
        raise UserError(
            "There is no classifier to explain. Give one with --classifier FILE, or name the column of labels with "
            "--label to train one."
        )
    else:
        open_labelled_data(config.classifier_training.data).close()


def read_pictures(
    run: RunFolder, world: World = SINGLE_PROCESS
) -> Generator[Event, None, tuple[ImageDataset, np.ndarray]]:
    """Read the run's data and pictures, (N, H, W, 3) uint8, without those that could not be read when it began.

    Yields a Notice with the files that cannot be read. Raises UserError if the pictures are not those that the run
    began with.
    """
    config = run.config()
    data = open_run_data(run)
    _check_memory(data, config.resolution)
    data, pixels = yield from without_progress(read_all(data, config.resolution))
    require_sides(data)
    _check_pictures(run, data)
    if world.is_main_process:
        if changed := _changed_pictures(run, data, pixels):
            yield Notice(changed, "warning")
        _list_pictures(run, data, pixels)
    return data, pixels


def open_run_data(run: RunFolder, config: DataConfig | None = None) -> ImageDataset:
    """Open the run's data, or `config`, without the pictures that could not be read when the run began.

    Raises UserError unless names, labels and split are those that the run began with.
    """
    config = config or run.config().data
    began = run.provenance().get("data", {})
    left_out = set(began.get("left_out", ()))
    # Runs of earlier versions took no split from folders.
    splits = (config.split,) if config.split or not began else (None, BY_HASH)
    for split in splits:
        data = open_data(msgspec.structs.replace(config, split=split))
        if left_out:
            data = data.without([i for i, name in enumerate(data.names) if name in left_out])
        if began.get("list_sha256", data.list_digest()) == data.list_digest():
            return data
        data.close()
    _check_pictures(run, data)
    raise UserError(
        "The pictures have other labels, or another split, than those that the run began with. Bring the table of "
        "labels and the folders back, or start a new run with --init from what this one has learned."
    )


def with_data_at(run: RunFolder, path: str) -> TrainConfig:
    """Return the settings of a run whose pictures were moved to `path`.

    Raises UserError unless the pictures there are those that the run began with.
    """
    config = run.config()
    if not (run.path / PICTURES).exists():
        raise UserError(
            f"{run.path} has not listed its pictures yet, so nothing proves that DATA are the same, and nothing was "
            "learned from them. Start a new run."
        )
    old, new = config.data, msgspec.structs.replace(config.data, path=path)
    data = open_run_data(run, new)
    data.close()
    _check_pictures(run, data)
    training = config.classifier_training
    if training is not None and training.data.path == old.path:
        training = msgspec.structs.replace(training, data=msgspec.structs.replace(training.data, path=path))
    return msgspec.structs.replace(config, data=new, classifier_training=training)


def moved_message(run: RunFolder, config: TrainConfig) -> str:
    """Return that the pictures of a run are gone, and what to do."""
    return (
        f"The pictures of this run are not at {config.data.path} any more. Say where they are now: "
        f"latent-explorer train DATA --resume --out {run.path}. It is checked that they are the same."
    )


def build_training(
    run: RunFolder, data: ImageDataset, pixels: np.ndarray, *, fresh: bool, world: World = SINGLE_PROCESS
) -> Generator[Event, None, tuple[Trainer, Validation]]:
    """Build the trainer and the validation of a run as at its first step. A job, since the classifier may be large.

    A run that is not `fresh` loads its checkpoint afterwards. Only the first process of `world` writes into the folder.
    """
    config = run.config()
    check_batch_divisible(config, world.size)
    device = world.device(config.device)
    classifier, provenance = _classifier(run)
    networks = Networks(config, classifier.num_classes if classifier else 0, device)
    if config.init and fresh:
        provenance["init"] = _load_explainer(networks, Path(config.init))
    perceptual = None
    if classifier is not None:
        classifier = classifier.to(device)
        # A run keeps the distance that it began with, even if LPIPS weights were added or removed since.
        perceptual = perceptual_for(classifier, run.provenance().get("perceptual"))
    if perceptual is not None:
        perceptual = perceptual.to(device)
        provenance["perceptual"] = perceptual.name
    if world.is_main_process:
        run.write_provenance({**run.provenance(), **provenance, "data": data.describe()})
    rows, probs, val_probs = data.indices("train"), None, None
    # An evenly spread sample in a fixed order that mixes the classes.
    val_rows = np.random.default_rng(0).permutation(data.indices("val"))[: config.validate_pictures]
    if classifier is not None:
        with run.explain_write_errors("the classifier's verdicts"):
            keep = world.is_main_process
            probs = yield from class_probs(run.path, classifier, pixels, rows, config.flip, keep=keep)
            val_probs = (yield from class_probs(run.path, classifier, pixels, val_rows, False, keep=keep))[0]
    validation = Validation(pixels[val_rows], classifier, perceptual, device, val_probs)
    stream = BatchStream(pixels, probs, config, world, device, rows)
    return Trainer(config, networks, stream, classifier, perceptual, world), validation


def _classifier(run: RunFolder) -> tuple[Classifier | None, dict[str, Any]]:
    """Return the run's classifier and its part of the provenance; None and nothing for a plain StyleGAN2."""
    if run.config().mode == "stylegan2":
        return None, {}
    classifier, about = read_classifier(copy_classifier(run))
    return classifier, {"classifier": about, "classifier_id": hash_classifier(classifier)}


def copy_classifier(run: RunFolder) -> Path:
    """Return the run's own copy of its classifier, made now if missing: the run then does not need the original."""
    kept, named = run.classifier, run.config().classifier
    if named and not kept.exists():
        # Not a copy of the file, which may be an explainer or may not be a classifier at all.
        write_classifier(kept, *read_classifier(Path(named)))
    return kept


def _load_explainer(networks: Networks, path: Path) -> dict[str, Any]:
    """Take over the networks of an explainer. Returns its part of the provenance."""
    explainer = read_explainer(path)
    taken = networks.load_explainer(explainer)
    images = images_in_all(explainer.provenance)
    return {"name": explainer.name, "model_hash": explainer.model_hash, "taken": taken, "images": images}


def images_in_all(provenance: dict[str, Any]) -> int | None:
    """Return the images of an explainer's training and of those that it started from, or None where one is unknown."""
    init, last = provenance.get("init"), provenance.get("images")
    before = init.get("images") if isinstance(init, dict) else 0
    return last + before if isinstance(last, int) and isinstance(before, int) else None


def _list_pictures(run: RunFolder, data: ImageDataset, pixels: np.ndarray) -> None:
    """List the pictures of a run that begins, and what they look like."""
    digests = (f"{digest}  {name}" for digest, name in zip(_digests(pixels), data.names, strict=True))
    for file, lines in ((PICTURES, data.names), (DIGESTS, digests)):
        path = run.path / file
        if not path.exists():
            with run.explain_write_errors(file), atomic_path(path) as temporary:
                temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _changed_pictures(run: RunFolder, data: ImageDataset, pixels: np.ndarray) -> str:
    """Return a sentence about pictures that do not look as they did when the run began; empty if they all do.

    Only a warning: another version of a decoder changes pictures, too. Earlier runs have no digests.
    """
    try:
        lines = (run.path / DIGESTS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    began = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    changed = [name for digest, name in zip(_digests(pixels), data.names, strict=True) if began.get(name) != digest]
    if not changed:
        return ""
    some = ", ".join(changed[:NAMED]) + (" ..." if len(changed) > NAMED else "")
    return (
        f"{len(changed)} of {len(data.names)} pictures have changed since the run began: {some}. It goes on with them "
        "as they are now; put the earlier ones back to continue exactly."
    )


def _digests(pixels: np.ndarray) -> Iterator[str]:
    """Yield 16 hexadecimal digits of SHA-256 for each picture of (N, H, W, 3) uint8."""
    return (hashlib.sha256(picture.tobytes()).hexdigest()[:16] for picture in pixels)


def _check_pictures(run: RunFolder, data: ImageDataset) -> None:
    """Raise UserError if the pictures are not those that the run began with, if it has begun."""
    path = run.path / PICTURES
    if not path.exists():
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
    """Raise UserError if the pictures do not fit into memory. They stay decoded there, so no file is needed later."""
    wanted = len(data) * resolution * resolution * 3
    there = installed_memory()
    if there is not None and wanted > SHARE_OF_MEMORY * there:
        raise UserError(
            f"{len(data)} pictures of {resolution} px take {size_text(wanted)} decoded, and this machine has "
            f"{size_text(there)}. Choose some by Only (--where), or a smaller size (--resolution)."
        )
