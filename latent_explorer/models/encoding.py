# SPDX-License-Identifier: MIT
"""From real pictures to latents: ws by the encoder, cond by the conditioning classifier. One batch, no job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from latent_explorer.common.errors import UserError
from latent_explorer.data.images import to_float
from latent_explorer.models.explainer import Explainer, Samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


@torch.inference_mode()
def encode_batch(explainer: Explainer, images: np.ndarray, ids: Sequence[str]) -> Samples:
    """Encode pictures (N, H, W, 3) uint8 at the generator's resolution; results are on the model's device.

    cond = softmax(C(x)) of the conditioning classifier on the real picture; (N, 0) where the generator takes none.
    """
    if explainer.encoder is None:
        raise UserError(
            f"{explainer.name} has no encoder, so pictures cannot be brought into it. Train one, or project them."
        )
    size = explainer.generator.config.resolution
    if images.shape[1:] != (size, size, 3):
        raise ValueError(f"pictures of shape {images.shape[1:]}; this encoder takes {size} x {size} px")
    device = explainer.generator.mapping.w_avg.device
    img = torch.from_numpy(to_float(images)).to(device)
    probs = explainer.classifier.probs(img).float()
    ws = explainer.generator.broadcast(explainer.encoder(img)).contiguous().float()
    cond = probs if explainer.generator.config.num_classes else probs[:, :0]
    return Samples(ws, cond, probs, tuple(ids))


def concat_samples(parts: Sequence[Samples]) -> Samples:
    """Several batches as one."""
    return Samples(
        torch.cat([part.ws for part in parts]),
        torch.cat([part.cond for part in parts]),
        torch.cat([part.probs for part in parts]),
        tuple(name for part in parts for name in part.ids),
    )
