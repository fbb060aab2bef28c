# SPDX-License-Identifier: MIT
"""Encode many pictures as a step of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.models.explainer import concat_samples, encode_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import numpy as np

    from latent_explorer.common.events import Event
    from latent_explorer.explain.batches import BatchSizer
    from latent_explorer.models.explainer import Explainer, Samples


def encode(
    explainer: Explainer,
    read: Callable[[slice], np.ndarray],
    ids: Sequence[str],
    batch_sizer: BatchSizer,
) -> Generator[Event, None, Samples]:
    """Encode the pictures `ids`; `read(rows)` returns rows of them as (n, H, W, 3) uint8 at the model's resolution."""
    if not ids:
        raise UserError("There are no pictures to encode. Choose another folder, split or condition.")
    parts = yield from batch_sizer.run(
        lambda rows: encode_batch(explainer, read(rows), ids[rows]), len(ids), "Encoding pictures"
    )
    return concat_samples(parts)
