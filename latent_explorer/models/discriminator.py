# SPDX-License-Identifier: MIT
"""Conditional residual discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.models.trunk import Trunk

if TYPE_CHECKING:
    from torch import Tensor


class Discriminator(Trunk):
    """img (N, 3, H, W), cond (N, outputs) -> scores (N,); high means real.

    As in the released StylEx model there is one output a class, multiplied with the class probabilities and summed.
    With a single output `cond` is not used.
    """

    def score(self, img: Tensor, cond: Tensor | None = None) -> Tensor:
        y = self(img)
        if self.config.outputs == 1:
            return y[:, 0]
        if cond is None:
            raise ValueError(f"cond (N, {self.config.outputs}) is missing: this discriminator is conditional")
        return (y * cond).sum(dim=1)
