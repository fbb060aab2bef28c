# SPDX-License-Identifier: MIT
"""Which style coordinates are worth rendering: first-order effects from one backward pass a class and picture.

A shortlist only. What stands on it is rendered exactly; a random audit beside it shows what the shortlist misses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Generator

    from torch import Tensor

    from latent_explorer.common.events import Event
    from latent_explorer.explain.attfind.effects import Reconstructions
    from latent_explorer.explain.batches import BatchSizer
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.stylegan2 import SynthesisNetwork

AUDIT_SHARE = 0.03  # of all coordinates, drawn at random from those that screening drops


@dataclass(frozen=True)
class Shortlist:
    """Style coordinates to render: those that gradients promise most of, and a random audit of the others."""

    promising: tuple[int, ...]
    audit: tuple[int, ...]

    @property
    def all(self) -> tuple[int, ...]:
        return tuple(sorted(self.promising + self.audit))


def shortlist(
    synthesis: SynthesisNetwork,
    classifier: Classifier,
    pictures: Reconstructions,
    style_range: Tensor,
    kappa: float,
    share: float,
    batch_sizer: BatchSizer,
) -> Generator[Event, None, Shortlist]:
    """Keep, for every target class, the `share` of moves with the largest mean predicted gain.

    Predicted is (d logit / d style) * kappa * (end - own value); the mean is over the pictures of other classes of
    the positive part, as in the search itself.
    """
    classes = pictures.classes
    gains = np.zeros((classifier.num_classes, 2, pictures.s.shape[1]))

    def add(rows: slice) -> None:
        predicted = predicted_effects(synthesis, classifier, pictures, rows, style_range, kappa)
        others = classes[rows, None] != np.arange(classifier.num_classes)  # (B, K)
        gains[:] += np.einsum("bdsk,bk->kds", np.maximum(predicted, 0), others)

    yield from batch_sizer.run(add, len(pictures), "Screening styles by gradient")
    return _choose(gains, share)


def predicted_effects(
    synthesis: SynthesisNetwork,
    classifier: Classifier,
    pictures: Reconstructions,
    rows: slice,
    style_range: Tensor,
    kappa: float,
) -> np.ndarray:
    """First-order effects (B, 2, S, K) of moving single coordinates of the pictures `rows`."""
    with torch.enable_grad():  # the copies are ordinary tensors, also of what inference made
        s = pictures.s[rows].clone().requires_grad_()
        styles = [style[rows].clone() for style in pictures.styles]
        img = synthesis.render(synthesis.replace(styles, s), synthesis.noise_const())
        logits = classifier.logits(img)
        totals = [logits[:, k].sum() for k in range(logits.shape[1])]
        slopes = [torch.autograd.grad(total, s, retain_graph=True)[0] for total in totals]
    moves = kappa * (style_range - pictures.s[rows, None])  # (B, 2, S)
    effects = moves[..., None] * torch.stack(slopes, dim=-1)[:, None]
    return effects.detach().float().cpu().numpy()


def _choose(gains: np.ndarray, share: float) -> Shortlist:
    """The best `share` of the columns of every class of gains (K, 2, S), and the audit."""
    num_styles = gains.shape[2]
    count = max(1, round(share * 2 * num_styles))
    best = np.argsort(-gains.reshape(len(gains), -1), axis=1, kind="stable")[:, :count]
    promising = np.unique(best % num_styles)
    others = np.setdiff1d(np.arange(num_styles), promising)
    wanted = min(len(others), round(AUDIT_SHARE * num_styles))
    audit = np.random.default_rng(0).choice(others, wanted, replace=False)
    return Shortlist(tuple(map(int, promising)), tuple(sorted(map(int, audit))))
