# SPDX-License-Identifier: MIT
"""Checkpoints of lucidrains' stylegan2-pytorch, and what it draws with them.

tests/fixtures/lucidrains.npz holds tiny networks of its version 1.9.0 with random weights, their inputs and pictures.
The StylEx is a generator and a discriminator of that version put together as the replication does: the encoder is a
discriminator with as many outputs as w has numbers, and class probabilities are appended to w.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from latent_explorer.models.lucidrains import UNIFORM_STD

if TYPE_CHECKING:
    from latent_explorer.models.stylegan2 import Generator

PACK = Path(__file__).parent.parent / "fixtures" / "lucidrains.npz"


def known(case: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the state dict of a case, and its inputs and outputs."""
    with np.load(PACK, allow_pickle=False) as pack:
        values = {n.removeprefix(f"{case}/"): torch.from_numpy(pack[n]) for n in pack.files if n.startswith(f"{case}/")}
    numbers, shapes = values.pop("state").float(), json.loads(values.pop("shapes").numpy().tobytes())
    parts = numbers.split([int(np.prod(shape)) for shape in shapes.values()])
    return {name: part.reshape(shapes[name]) for name, part in zip(shapes, parts, strict=True)}, values


def write(path: Path, case: str, state: dict[str, Tensor] | None = None, **beside: Any) -> Path:
    """Write a checkpoint as the program does."""
    tensors = known(case)[0] if state is None else state
    torch.save({"StylEx" if case == "stylex" else "GAN": tensors, "version": "1.9.0", **beside}, path)
    return path


def as_maps(generator: Generator, noise: Tensor) -> list[Tensor]:
    """Return the noise (N, R, R, 1) that the source gives to all layers as our maps. It turns rows into columns."""
    standard = ((noise - 0.5) / UNIFORM_STD)[..., 0].transpose(1, 2)[:, None]
    sizes = [layer.resolution for layer in generator.synthesis.layout.conv_layers]
    return [standard[:, :, :size, :size] for size in sizes]


def drawn(values: dict[str, Tensor]) -> Tensor:
    """Return the source's pictures as ours: in [-1, 1], on white."""
    img = values["img"]
    if img.shape[1] == 4:
        colour, opacity = img.clamp(0, 1).split([3, 1], dim=1)
        img = colour * opacity + 1 - opacity
    return 2 * img - 1
