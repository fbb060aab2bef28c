# SPDX-License-Identifier: MIT
"""What earlier searches rendered of single coordinates, for those who want to see the effects on every picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch

from latent_explorer.explain.attfind.kept_moves import KeptMoves
from latent_explorer.explain.attfind.searched import latents_to_search
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.models.attributes import AttributeEntry

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from latent_explorer.models.explainer import Explainer

ENDS = ("min", "max")  # of the directions 0 and 1 of a move
Effects = dict[tuple[int, AttributeEntry], np.ndarray]  # by sample and the entry that was moved to its end


def kept_effects(
    explainer: Explainer, folder: Path, *, classifier_id: str, n: int, entries: Collection[AttributeEntry]
) -> Effects:
    """Return the changes of the logits (K,) that a search of the first `n` pictures rendered of these entries.

    They are of whole moves (kappa 1, weight 1) to the ends of the file's ranges, and add to the logits of the unedited
    picture. Empty if no such search, of all classes, was made on this machine.

    folder  where AttFind keeps what it rendered
    """
    stats, classifier = explainer.style_stats, explainer.classifiers.get(classifier_id)
    if stats is None or classifier is None or explainer.samples is None or not len(explainer.samples):
        return {}
    ws, cond = latents_to_search(explainer, None, n, None, "cpu")
    limits = torch.as_tensor(np.stack([stats.minimum, stats.maximum]), dtype=torch.float32)
    kept = KeptMoves(folder).found(explainer.model_hash, classifier_id, ws, cond, limits, AttFindSettings().kappa)
    shape = (len(ws), len(ENDS), limits.shape[1])
    moves, effects = kept.read(shape, len(classifier.config.class_names))
    wanted = {(ENDS.index(e.end), e.style_index): e for e in entries if e.weight == 1 and e.ends is msgspec.UNSET}
    return {
        (int(i), wanted[direction, style_index]): effect
        for (i, direction, style_index), effect in zip(moves.tolist(), effects, strict=True)
        if (direction, style_index) in wanted
    }
