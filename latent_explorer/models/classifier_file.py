# SPDX-License-Identifier: MIT
"""One classifier in one safetensors file, as `train-classifier` writes it and `train` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import atomic_path
from latent_explorer.models.classifiers import Classifier, ClassifierConfig

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = "latent-explorer-classifier"
VERSION = "1"


def write_classifier(path: Path, classifier: Classifier, about: dict[str, Any]) -> None:
    """Write the classifier (fp32) with `about`: its data, settings and figures, as JSON values."""
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "config": msgspec.json.encode(classifier.config).decode(),
        "about": msgspec.json.encode(about).decode(),
    }
    tensors = {name: t.detach().cpu().contiguous() for name, t in classifier.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata)


def read_classifier(path: Path) -> tuple[Classifier, dict[str, Any]]:
    """Read what `write_classifier` wrote. Raises UserError for anything else."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT or metadata.get("version") != VERSION:
                raise UserError(
                    f"{path} is not a classifier file of this version. Make one with train-classifier."
                )
            config = msgspec.json.decode(metadata["config"], type=ClassifierConfig)
            classifier = Classifier(config)
            expected = classifier.state_dict()
            found = set(file.keys())
            wrong = found ^ set(expected) or {
                n for n in found if tuple(file.get_slice(n).get_shape()) != tuple(expected[n].shape)
            }
            if wrong:
                raise UserError(
                    f"{path} does not fit its own description at {min(wrong)}. Make it again."
                )
            classifier.load_state_dict({name: file.get_tensor(name) for name in found})
            about = msgspec.json.decode(metadata["about"], type=dict[str, Any])
    except (OSError, SafetensorError, msgspec.MsgspecError, KeyError) as error:
        raise UserError(
            f"{path} cannot be read as a classifier: {error}. Make it again with train-classifier."
        ) from error
    return classifier.eval().requires_grad_(False), about
