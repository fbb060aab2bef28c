# SPDX-License-Identifier: MIT
"""LPIPS through the `lpips` package, loaded late, without a download, and checked against a known value."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latent_explorer.common.errors import UserError

# File names of torch's download cache, and LPIPS of the known pair below (lpips loads with strict=False, so a value
# is asserted: random weights give others).
_BACKBONES = {
    "alex": ("alexnet-owt-7be5be79.pth", 0.14856),
    "squeeze": ("squeezenet1_1-b8a52dc0.pth", 0.10080),
}

SMALLEST = 64  # px


def backbone_path(net: str) -> Path:
    """Where torch's cache keeps the backbone of `net` ("alex" or "squeeze"); it need not exist."""
    home = (
        os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    )
    return Path(home).expanduser() / "hub" / "checkpoints" / _BACKBONES[net][0]


def lpips_available(net: str = "alex") -> bool:
    """Whether LPIPS can be computed without a download."""
    return backbone_path(net).is_file()


class Perceptual(nn.Module):
    """LPIPS v0.1. forward: two (N, 3, H, W) in [-1, 1] -> (N,), differentiable in both.

    Pictures below 64 px are enlarged to it: AlexNet's first layer takes every fourth pixel, and a generator trained at
    32 px against LPIPS as it is draws speckles instead of leaves.
    """

    def __init__(self, net: str = "alex") -> None:
        super().__init__()
        path = backbone_path(net)
        if not path.is_file():
            raise UserError(
                f"LPIPS needs the weights {path.name}, which are not in {path.parent}. Set TORCH_HOME to a folder that "
                "has them under hub/checkpoints, or run this once with a network: "
                f"python -c \"import lpips; lpips.LPIPS(net='{net}')\""
            )
        import lpips

        # By itself lpips looks for its linear heads in the current directory when the program is frozen.
        heads = Path(lpips.__file__).resolve().parent / "weights" / "v0.1" / f"{net}.pth"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torchvision's `pretrained` deprecation, inside lpips
            self.lpips = (
                lpips.LPIPS(net=net, model_path=str(heads), verbose=False)
                .eval()
                .requires_grad_(False)
            )
        self._check(net)

    def _check(self, net: str) -> None:
        generator = torch.Generator().manual_seed(123)
        a, b = (torch.rand(10, 3, 100, 100, generator=generator) * 2 - 1 for _ in range(2))
        with torch.no_grad():
            value = float(self(a, b).mean())
        if abs(value - _BACKBONES[net][1]) > 1e-3:
            raise UserError(
                f"The LPIPS weights ({net}) give {value:.4f} on a known pair instead of {_BACKBONES[net][1]:.4f}: "
                f"the file {backbone_path(net).name} is not the published one. Delete it and fetch it again."
            )

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        if a.shape[-1] < SMALLEST:
            a, b = (F.interpolate(x, size=SMALLEST, mode="bilinear") for x in (a, b))
        value: Tensor = self.lpips(a, b)
        return value.flatten()
