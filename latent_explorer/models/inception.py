# SPDX-License-Identifier: MIT
"""Inception with the weights that FID is defined on, as torch-fidelity and torchmetrics use it. Never downloaded."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.inception import Inception3, InceptionA, InceptionC, InceptionE

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

# TensorFlow's Inception of 2015-12-05, converted: the file of torch-fidelity (and torchmetrics, which uses it), and of
# pytorch-fid. Their names end with the beginning of the file's SHA-256.
SHA256 = "6726825d"
SIDE, CLASSES = 299, 1008


class InceptionFeatures(nn.Module):
    """forward: (N, 3, H, W) in [-1, 1] -> features (N, 2048) of the last pool, on which FID is computed.

    Pictures are made 299 px by TensorFlow 1's bilinear resize, whose corners lie elsewhere than torch's.
    """

    def __init__(self) -> None:
        super().__init__()
        network = Inception3(num_classes=CLASSES, aux_logits=False, init_weights=False)
        # TensorFlow's averages leave the border out, and its last block takes a maximum.
        network.Mixed_5b = _A(192, pool_features=32)
        network.Mixed_5c, network.Mixed_5d = (_A(channels, pool_features=64) for channels in (256, 288))
        network.Mixed_6b, network.Mixed_6c, network.Mixed_6d, network.Mixed_6e = (
            _C(768, channels_7x7=channels) for channels in (128, 160, 160, 192)
        )
        network.Mixed_7b, network.Mixed_7c = _E(1280), _LastE(2048)
        self.network = network.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> InceptionFeatures:  # noqa: ARG002  # it is never trained
        return self

    def forward(self, img: Tensor) -> Tensor:
        x = (img + 1) * 127.5
        rows, columns = (_resize_weights(side).to(x) for side in x.shape[-2:])
        x = (rows @ x @ columns.T - 128) / 128
        network = self.network
        for name, block in network.named_children():
            if name in ("avgpool", "dropout", "fc"):
                continue
            x = block(x)
        return x.mean(dim=(2, 3))


def read_inception(path: Path) -> InceptionFeatures:
    """Read the published weights. UserError for any other file: its distance would not be FID."""
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not digest.startswith(SHA256):
        raise UserError(
            f"{path.name} is not the published Inception, so its distance would not be FID. Give the file "
            f"weights-inception-2015-12-05-{SHA256}.pth of torch-fidelity, which torchmetrics uses, too."
        )
    state = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251  # as published
    features = InceptionFeatures()
    features.network.load_state_dict(state)
    return features


def _resize_weights(side: int) -> Tensor:
    """Return (299, side): TensorFlow 1's bilinear resize, in which pixel i of the result lies at i * side / 299."""
    place = torch.arange(SIDE, dtype=torch.float64) * side / SIDE
    low = place.floor().long()
    share = (place - low).float()
    weights = torch.zeros(SIDE, side)
    rows = torch.arange(SIDE)
    weights[rows, low] += 1 - share
    weights[rows, (low + 1).clamp_max(side - 1)] += share
    return weights


def _average(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class _A(InceptionA):
    def _forward(self, x: Tensor) -> list[Tensor]:
        return [
            self.branch1x1(x),
            self.branch5x5_2(self.branch5x5_1(x)),
            self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),
            self.branch_pool(_average(x)),
        ]


class _C(InceptionC):
    def _forward(self, x: Tensor) -> list[Tensor]:
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        return [
            self.branch1x1(x),
            self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x))),
            self.branch7x7dbl_5(self.branch7x7dbl_4(double)),
            self.branch_pool(_average(x)),
        ]


class _E(InceptionE):
    def _forward(self, x: Tensor) -> list[Tensor]:
        single, double = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        return [
            self.branch1x1(x),
            torch.cat([self.branch3x3_2a(single), self.branch3x3_2b(single)], dim=1),
            torch.cat([self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)], dim=1),
            self.branch_pool(self._pool(x)),
        ]

    def _pool(self, x: Tensor) -> Tensor:
        return _average(x)


class _LastE(_E):
    def _pool(self, x: Tensor) -> Tensor:
        return F.max_pool2d(x, 3, stride=1, padding=1)
