# SPDX-License-Identifier: MIT
"""Import of NVIDIA's stylegan2-ada-pytorch (and the stylegan2 of stylegan3): a plain state dict becomes a Generator.

Our parameter names are theirs, so only the shapes have to be read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch

from latent_explorer.common.errors import UserError
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

KIND = "StyleGAN2 (NVIDIA)"
FILTER = "resample_filter"
MAX_RESOLUTION = 2048  # px; noise maps that a small file lacks must not take the memory


def can_import(state: State) -> bool:
    """Return True for the names of such a generator, or of a StyleGAN3 (refused with a message of its own)."""
    return any(name.startswith(("synthesis.b4.", "synthesis.input.")) for name in state)


def generator_from_state(state: State, *, conv_clamp: float | None = None, mapping_lr_mul: float = 0.01) -> Generator:
    """Return the generator of a state dict; sizes are read off the shapes.

    `conv_clamp` (256 in networks that were trained in half precision) and `mapping_lr_mul` leave no trace in the
    tensors. Noise maps that are missing are drawn from a fixed seed.

    Raises UserError for anything but a skip-architecture StyleGAN2.
    """
    if any(name.startswith("synthesis.input.") for name in state):
        raise UserError("This is a StyleGAN3 network. Only StyleGAN2 networks can be imported.")
    for name, tensor in state.items():
        if name.endswith(FILTER):
            check_filter(tensor, name, KIND)
    tensors = {name: tensor for name, tensor in state.items() if not name.endswith(FILTER)}
    config = config_of(tensors, conv_clamp, mapping_lr_mul)
    return assemble_generator(config, tensors | _missing_noise(tensors, config), KIND)


def _missing_noise(state: State, config: GeneratorConfig) -> dict[str, torch.Tensor]:
    """Return noise for the layers that lack it: none where the network has none, else maps from a fixed seed."""
    draw = torch.Generator().manual_seed(0)
    made: dict[str, torch.Tensor] = {}
    for layer in config.layout.conv_layers:
        strength, noise = f"synthesis.{layer.name}.noise_strength", f"synthesis.{layer.name}.noise_const"
        if noise in state:
            continue
        made[noise] = torch.randn(layer.resolution, layer.resolution, generator=draw)
        if strength not in state:  # `use_noise=False`
            made[noise] = torch.zeros(layer.resolution, layer.resolution)
            made[strength] = torch.zeros([])
    return made


def config_of(
    state: State, conv_clamp: float | None = None, mapping_lr_mul: float = 0.01, kind: str = KIND
) -> GeneratorConfig:
    """Return the sizes of a state dict's generator, read off the shapes; `kind` names its source."""
    found = {int(m[1]) for name in state if (m := re.match(r"synthesis\.b([0-9]{1,4})\.", name))}
    resolutions = sorted(found)
    if not resolutions or resolutions != [4 << k for k in range(len(resolutions))]:
        raise refused(kind, f"it has blocks for {resolutions} px")
    if resolutions[-1] > MAX_RESOLUTION:
        raise refused(kind, f"it draws {resolutions[-1]} px, more than {MAX_RESOLUTION}")
    if not all(f"synthesis.b{r}.torgb.weight" in state for r in resolutions):
        raise refused(kind, "it has no RGB output in every block (another architecture than 'skip')")
    channels = [shape_of(state, f"synthesis.b{r}.conv1.weight", 4, kind)[0] for r in resolutions]
    layers = sum(bool(re.fullmatch(r"mapping\.fc[0-9]+\.weight", name)) for name in state)
    w_dim = shape_of(state, "synthesis.b4.conv1.affine.weight", 2, kind)[1]
    c_dim = shape_of(state, "mapping.embed.weight", 2, kind)[1] if "mapping.embed.weight" in state else 0
    z_dim = shape_of(state, "mapping.fc0.weight", 2, kind)[1] - (w_dim if c_dim else 0)
    return GeneratorConfig(
        channels=tuple(channels),
        z_dim=z_dim,
        w_dim=w_dim,
        c_dim=c_dim,
        mapping_layers=layers,
        mapping_lr_mul=mapping_lr_mul,
        conv_clamp=conv_clamp,
    )
