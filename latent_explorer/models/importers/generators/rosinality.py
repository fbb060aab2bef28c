# SPDX-License-Identifier: MIT
"""Import of rosinality's stylegan2-pytorch: a plain state dict of its generator becomes a Generator.

The networks are equal; names differ, and convolution weights are stored without their 1/sqrt(fan_in). The containers
around such a state dict are not opened here.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.importers.generators.assemble import (
    State,
    assemble_generator,
    check_filter,
    refused,
    shape_of,
)

if TYPE_CHECKING:
    from latent_explorer.models.stylegan2 import Generator

KIND = "StyleGAN2 (rosinality)"
MEAN_SAMPLES = 8192


def can_import(state: State) -> bool:
    """Return True if these are the names of such a generator."""
    return "input.input" in state and "conv1.conv.modulation.weight" in state


def generator_from_state(state: State, latent_avg: Tensor | None = None, *, mapping_lr_mul: float = 0.01) -> Generator:
    """Return the generator of a state dict (`g_ema`); sizes are read off the shapes.

    Without `latent_avg` the centre of truncation is the mean of w over fixed random z; missing noise maps are drawn
    from a fixed seed. Raises UserError for any other network.
    """
    _check_filters(state)
    config = _config(state, mapping_lr_mul)
    tensors: dict[str, Tensor] = {
        "mapping.w_avg": torch.zeros(config.w_dim) if latent_avg is None else latent_avg.flatten(),
        "synthesis.b4.const": _single(state, "input.input", 4),
    }
    for i in range(config.mapping_layers):
        for part, dims in (("weight", 2), ("bias", 1)):
            tensors[f"mapping.fc{i}.{part}"] = _take(state, f"style.{i + 1}.{part}", dims)
    draw = torch.Generator().manual_seed(0)
    for index, layer in enumerate(config.layout.conv_layers):
        source = "conv1" if index == 0 else f"convs.{index - 1}"
        _convert_conv(state, source, f"synthesis.{layer.name}", tensors)
        stored = f"noises.noise_{index}"
        if stored in state:
            noise = _single(state, stored, 4).squeeze(0)
        else:
            noise = torch.randn(layer.resolution, layer.resolution, generator=draw)
        tensors[f"synthesis.{layer.name}.noise_const"] = noise
    for k in range(len(config.channels)):
        source = "to_rgb1" if k == 0 else f"to_rgbs.{k - 1}"
        _convert_torgb(state, source, f"synthesis.b{4 << k}.torgb", tensors)
    generator = assemble_generator(config, tensors, KIND)
    if latent_avg is None:
        z = torch.randn(MEAN_SAMPLES, config.z_dim, generator=draw)
        generator.mapping.w_avg.copy_(generator.mapping(z).mean(dim=0))
    return generator


def _config(state: State, mapping_lr_mul: float) -> GeneratorConfig:
    blocks = sum(bool(re.fullmatch(r"to_rgbs\.[0-9]+\.bias", name)) for name in state)
    layers = sum(bool(re.fullmatch(r"style\.[0-9]+\.weight", name)) for name in state)
    if layers == 0:
        raise refused(KIND, "style.1.weight is missing")
    names = ["conv1", *(f"convs.{2 * k + 1}" for k in range(blocks))]
    return GeneratorConfig(
        channels=tuple(shape_of(state, f"{name}.conv.weight", 5, KIND)[1] for name in names),
        z_dim=shape_of(state, "style.1.weight", 2, KIND)[1],
        w_dim=shape_of(state, "conv1.conv.modulation.weight", 2, KIND)[1],
        mapping_layers=layers,
        mapping_lr_mul=mapping_lr_mul,
    )


def _convert_conv(state: State, source: str, target: str, tensors: dict[str, Tensor]) -> None:
    weight = _single(state, f"{source}.conv.weight", 5)
    # Demodulation cancels the factor but for its epsilon; with it the two agree exactly.
    tensors[f"{target}.weight"] = weight / math.sqrt(weight.shape[1] * weight.shape[2] * weight.shape[3])
    tensors[f"{target}.bias"] = _take(state, f"{source}.activate.bias", 1)
    tensors[f"{target}.noise_strength"] = _single(state, f"{source}.noise.weight", 1)
    _convert_affine(state, source, target, tensors)


def _convert_torgb(state: State, source: str, target: str, tensors: dict[str, Tensor]) -> None:
    # Here our style carries the 1/sqrt(fan_in) that rosinality's weight gets.
    tensors[f"{target}.weight"] = _single(state, f"{source}.conv.weight", 5)
    tensors[f"{target}.bias"] = _take(state, f"{source}.bias", 4).flatten()
    _convert_affine(state, source, target, tensors)


def _convert_affine(state: State, source: str, target: str, tensors: dict[str, Tensor]) -> None:
    tensors[f"{target}.affine.weight"] = _take(state, f"{source}.conv.modulation.weight", 2)
    tensors[f"{target}.affine.bias"] = _take(state, f"{source}.conv.modulation.bias", 1)


def _check_filters(state: State) -> None:
    for name, tensor in state.items():
        if name.endswith((".blur.kernel", ".upsample.kernel")):
            check_filter(tensor, name, KIND)


def _take(state: State, name: str, dims: int) -> Tensor:
    shape_of(state, name, dims, KIND)
    return state[name]


def _single(state: State, name: str, dims: int) -> Tensor:
    """Return a tensor without its leading dimension, which must be one."""
    if shape_of(state, name, dims, KIND)[0] != 1:
        raise refused(KIND, f"{name} has the shape {tuple(state[name].shape)}")
    return state[name][0]
