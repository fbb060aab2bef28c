# SPDX-License-Identifier: MIT
"""The classifier of the StylEx that Google released: a MobileNet (version 1) that Keras saved, rebuilt as timm's.

Its variables are taken in the order of the network, which Keras writes into the file. What leaves no trace in them,
activations and the constant of the normalisations, is read off the names of the file's operations.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from latent_explorer.common.errors import UserError
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.importers.generators.assemble import refused
from latent_explorer.models.importers.saved_model.operations import operations
from latent_explorer.models.library_networks import INSTALL_TIMM, has_timm
from latent_explorer.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from latent_explorer.models.importers.saved_model.files import Files
    from latent_explorer.models.importers.saved_model.variables import StoredVariable, Variables

KIND = "MobileNet (Keras)"
ARCHITECTURE = "timm:mobilenetv1_100"
LAYERS = 1 + 2 * 13  # convolutions with a normalisation: the first, and a depthwise and a pointwise one in each block
TRAINED = 3 * LAYERS + 2  # kernel, scale and offset of each, and the last layer's weight and bias


def classifier_of(
    variables: Variables, files: Files, folder: str, resolution: int, class_names: tuple[str, ...]
) -> Classifier:
    """Return the classifier of a SavedModel, which takes pictures of `resolution` px in [-1, 1].

    class_names  () for names that stand in for those that nobody gave

    Raises UserError for another network, or without timm; DamagedData for a damaged file.
    """
    if not has_timm():
        raise UserError(f"The classifier of this StylEx is a MobileNet, which is a network of timm. {INSTALL_TIMM}")
    trained = variables.listed("trainable_variables")
    if len(trained) < TRAINED:
        raise refused(KIND, f"it lists {len(trained)} trained variables, not the {TRAINED} of a MobileNet")
    shape = trained[TRAINED - 1].shape
    outputs = shape[0] if len(shape) == 1 else 0
    names = class_names or tuple(f"class {index}" for index in range(outputs))
    if outputs < 2:
        raise refused(KIND, f"its last layer has the bias {shape}, not one number for each of its classes")
    if len(names) != outputs:
        raise UserError(f"Its classifier tells {outputs} classes apart, and {len(names)} are named. Name them all.")
    config = ClassifierConfig(
        name="MobileNet (Google)",
        architecture=ARCHITECTURE,
        class_names=names,
        preprocessing=Preprocessing(resolution),
        options=tuple(sorted(_options(files, folder).items())),
    )
    classifier = Classifier(config)
    classifier.network.load_state_dict(_state(variables, trained, classifier.network.state_dict()))
    return classifier.eval().requires_grad_(False)


def _options(files: Files, folder: str) -> dict[str, Any]:
    """Return what the network is built with beside its widths: TensorFlow's padding, activation, normalisation."""
    found = operations(files, folder)
    kinds = {name for name, _epsilon in found}
    epsilons = {epsilon for name, epsilon in found if name.startswith("FusedBatchNorm") and epsilon is not None}
    if len(epsilons) != 1 or len(kinds & {"Relu", "Relu6"}) != 1:
        raise refused(KIND, "its graph does not tell which activation and normalisation it has")
    options: dict[str, Any] = {"pad_type": "same", "norm_eps": float(f"{epsilons.pop():.6g}")}
    if "Relu" in kinds:  # else timm's own, which ends at 6
        options["act_layer"] = "relu"
    return options


def _state(
    variables: Variables, trained: list[StoredVariable], expected: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Return the tensors of timm's network, which are in the same order: kernel, scale and offset of each layer.

    What Keras lists behind them, such as variables of a metric, is left out.
    """
    weights = [name for name in expected if not name.endswith(("running_mean", "running_var", "num_batches_tracked"))]
    pairs = list(zip(weights, trained, strict=False))
    known = {stored.key for stored in trained}
    others = [stored for stored in variables.listed("variables") if stored.key not in known]
    for ours, theirs in (("running_mean", "moving_mean"), ("running_var", "moving_variance")):
        places = [name for name in expected if name.endswith(ours)]
        statistics = [stored for stored in others if stored.name.endswith(theirs)]
        if len(statistics) < len(places):
            raise refused(KIND, f"it has {len(statistics)} times {theirs}, not {len(places)}")
        pairs += zip(places, statistics, strict=False)
    state = dict(expected)
    for name, stored in pairs:
        state[name] = _tensor(variables, stored, expected[name].shape)
    return state


def _tensor(variables: Variables, stored: StoredVariable, shape: torch.Size) -> torch.Tensor:
    """Return a variable in the layout of torch: (height, width, in, out) becomes (out, in, height, width)."""
    if math.prod(stored.shape) != math.prod(shape):
        raise refused(KIND, f"{stored.name} has the shape {stored.shape}, which does not fit {tuple(shape)}")
    x = torch.from_numpy(variables.read(stored)).float()
    if x.ndim == 4:  # kernels of a depthwise convolution are (height, width, channels, 1)
        x = x.permute(2, 3, 0, 1) if shape[1] == 1 else x.permute(3, 2, 0, 1)
        x = x.flatten(1) if len(shape) == 2 else x  # the last layer is a convolution of one pixel
    elif x.ndim == 2:
        x = x.t()
    if x.shape != shape:
        raise refused(KIND, f"{stored.name} has the shape {stored.shape}, which does not fit {tuple(shape)}")
    return x.contiguous()
