# SPDX-License-Identifier: MIT
"""Pictures and labels of a data set, as counterfactuals are compared with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.data.dataset import evenly_spaced_rows, join_names
from latent_explorer.data.labels import column
from latent_explorer.explain.counterfactuals.records import References
from latent_explorer.models.classifier_file import read_classifier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import torch
    from torch import Tensor

    from latent_explorer.data.dataset import ImageDataset
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.explainer import Explainer

TRAINING = 600  # pictures of the train split, spread evenly, that oracles are fitted on
BLACK = 12  # of 255: a pixel without a brighter channel is outside the object
FEWEST_WITH = 10  # training pictures that have a value, and that have another, for an oracle of it


def gather(
    pictures: ImageDataset,
    rows: np.ndarray,
    size: int,
    class_names: Sequence[str],
    *,
    masks: ImageDataset | None = None,
    oracles: Sequence[str] = (),
    **networks: Any,
) -> References:
    """Return what a data set holds for counterfactuals of its pictures `rows`.

    masks     pictures of the same file names (or their names in a column `color_file`) that are black outside the
              object; may be `pictures`
    oracles   columns of the labels: each of their values is an attribute
    networks  `others`, `embed` and `inception` of References

    UserError where a picture has no mask, or a column is missing.
    """
    real = pictures.indices("train")
    real = evenly_spaced_rows(real, TRAINING) if len(real) else real
    truth = labels_as_classes(pictures, class_names)
    return References(
        truth=None if truth is None else truth[rows],
        masks=None if masks is None else _masks(pictures, rows, size, masks),
        training=pictures.read(real, size) if len(real) else None,
        training_truth=None if truth is None else truth[real],
        attributes=_attributes(pictures, real, oracles),
        unrelated=_unrelated(pictures, real, size, None if truth is None else truth[real], masks),
        **networks,
    )


def other_networks(explainer: Explainer, asked: str, files: Sequence[Path] = ()) -> dict[str, Classifier]:
    """Return networks to ask besides `asked`: the explainer's with the same classes, and those of files, by name."""
    classes = explainer.classifiers[asked].config.class_names
    found = {
        network.config.name: network
        for key, network in explainer.classifiers.items()
        if key != asked and network.config.class_names == classes
    }
    for path in files:
        found[path.stem], _ = read_classifier(path)
    return found


def embedding_of(path: Path, device: str | torch.device, *, output: bool = False) -> Callable[[Tensor], Tensor]:
    """Return what a network sees in pictures, as `embed` of References: its last features, or its output."""
    network = read_classifier(path)[0].to(device)
    return (lambda img: network.network(network.preprocess(img))) if output else network.features


def inception_of(path: Path, device: str | torch.device) -> Callable[[Tensor], Tensor]:
    """Return Inception with the published weights, as `inception` of References."""
    from latent_explorer.models.inception import read_inception  # imports torchvision, which takes seconds

    return read_inception(path).to(device)


def labels_as_classes(pictures: ImageDataset, class_names: Sequence[str]) -> np.ndarray | None:
    """Return the classes of all pictures in the classifier's order, or None where a label is none of them."""
    if pictures.labels is None or not set(pictures.class_names) <= set(class_names):
        return None
    order = np.array([class_names.index(name) for name in pictures.class_names])
    truth: np.ndarray = order[pictures.labels]
    return truth


def _places(pictures: ImageDataset, cut_outs: ImageDataset) -> dict[str, int]:
    """Return the rows of cut-outs by the names of their pictures."""
    names = cut_outs.columns.get("color_file") if cut_outs is not pictures else None
    return {name: i for i, name in enumerate(cut_outs.names)} | {name: i for i, name in enumerate(names or ())}


def _masks(pictures: ImageDataset, rows: np.ndarray, size: int, cut_outs: ImageDataset) -> np.ndarray:
    places = _places(pictures, cut_outs)
    missing = [pictures.names[i] for i in rows if pictures.names[i] not in places]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(rows)} pictures have no mask: {join_names(missing)}. Give a folder that holds "
            "each of them, cut out on black, under the same name."
        )
    inside: np.ndarray = cut_outs.read([places[pictures.names[i]] for i in rows], size).max(axis=3) > BLACK
    return inside


def _unrelated(
    pictures: ImageDataset, real: np.ndarray, size: int, truth: np.ndarray | None, masks: ImageDataset | None
) -> dict[str, np.ndarray]:
    """Return what the classifier did not learn: shuffled labels, and whether the object is larger than most."""
    found = {}
    if truth is not None and len(real):
        shuffled = np.random.default_rng(0).permutation(truth)
        found["shuffled labels"] = shuffled == np.bincount(truth).argmax()
    if masks is not None and len(real):
        places = _places(pictures, masks)
        if all(pictures.names[i] in places for i in real):
            areas = _masks(pictures, real, size, masks).mean(axis=(1, 2))
            found["the object's size"] = areas > np.median(areas)
    return {name: has for name, has in found.items() if min(has.sum(), (~has).sum()) >= FEWEST_WITH}


def _attributes(pictures: ImageDataset, real: np.ndarray, oracles: Sequence[str]) -> dict[str, np.ndarray]:
    if oracles and not len(real):
        raise UserError("Oracles are fitted on training pictures, and there are none. Choose another --split-column.")
    found = {}
    for name in oracles:
        values = np.array(column(pictures.columns, name))[real]
        for value in sorted(set(values.tolist())):
            has = values == value
            if min(int(has.sum()), int((~has).sum())) >= FEWEST_WITH:
                found[f"{name}={value}"] = has
    return found
