# SPDX-License-Identifier: MIT
"""Checkpoints of lucidrains' stylegan2-pytorch, and what it draws with them.

tests/fixtures/lucidrains.npz holds tiny networks of its version 1.9.0 with random weights, their inputs and pictures.
The StylEx is a generator and a discriminator of that version put together as the replication does: the encoder is a
discriminator with as many outputs as w has numbers, and class probabilities are appended to w.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

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
