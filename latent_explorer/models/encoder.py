# SPDX-License-Identifier: MIT
"""StylEx encoder: the discriminator's trunk without minibatch statistics, ending in w."""

from __future__ import annotations

from latent_explorer.models.trunk import Trunk


class Encoder(Trunk):
    """img (N, 3, H, W) in [-1, 1] -> w (N, w_dim)."""
