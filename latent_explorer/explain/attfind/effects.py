# SPDX-License-Identifier: MIT
"""The effect of every style coordinate on the classifier's logits: exact ones, and first-order ones for screening.

Style values are overridden; weights are never touched.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.events import Event, Progress
from latent_explorer.models.synthesis import Styles

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.explain.batches import BatchSizer
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.synthesis import SynthesisNetwork

AUDIT_SHARE = 0.03  # of all coordinates, drawn at random from those that screening drops


@dataclass(frozen=True)
class Reconstructions:
    """Unedited pictures with their styles and logits, on the model's device."""

    styles: Styles
    s: Tensor  # (N, num_styles)
    logits: Tensor  # (N, K)

    def __len__(self) -> int:
        return self.s.shape[0]

    @property
    def classes(self) -> np.ndarray:
        """Classes (N,) int64 that the classifier gives the pictures."""
        return self.logits.argmax(dim=1).cpu().numpy()

    def row(self, i: int) -> Styles:
        return [style[i : i + 1] for style in self.styles]


@torch.inference_mode()
def logits_of(synthesis: SynthesisNetwork, classifier: Classifier, styles: Styles, s: Tensor) -> Tensor:
    """Return logits (B, K) of pictures with style values s (B, num_styles). The classifier clips to [-1, 1]."""
    img = synthesis.render(synthesis.replace(styles, s), synthesis.noise_const())
    return classifier.logits(img).float()


def classify(
    synthesis: SynthesisNetwork,
    classifier: Classifier,
    styles: Styles,
    s: Tensor,
    batch_sizer: BatchSizer,
    message: str,
) -> Generator[Event, None, Tensor]:
    """Compute `logits_of` (N, K) in batches. A job within a job."""
    parts = yield from batch_sizer.run(
        lambda rows: logits_of(synthesis, classifier, [x[rows] for x in styles], s[rows]), len(s), message
    )
    return torch.cat(parts)


def reconstruct(
    synthesis: SynthesisNetwork, classifier: Classifier, ws: Tensor, cond: Tensor | None, batch_sizer: BatchSizer
) -> Generator[Event, None, Reconstructions]:
    """Classify the pictures of latents ws (N, num_ws, w_dim), cond (N, K)."""
    with torch.inference_mode():
        styles = synthesis.styles(ws, cond)
        s = synthesis.join(styles)
    logits = yield from classify(synthesis, classifier, styles, s, batch_sizer, "Classifying pictures")
    return Reconstructions(styles, s, logits)


def effect_table(
    synthesis: SynthesisNetwork,
    classifier: Classifier,
    pictures: Reconstructions,
    style_range: Tensor,
    kappa: float,
    batch_sizer: BatchSizer,
    candidates: Sequence[int] | None = None,
) -> Generator[Event, None, np.ndarray]:
    """Compute the effect table (N, 2, S, K) float32; `style_range` (2, S) holds minimum and maximum.

    Each coordinate is moved by kappa * (end - own value) with all else, cond included, held fixed. A coordinate that
    already stands at the end has effect exactly 0, unrendered. Coordinates outside `candidates` are left at 0.
    """
    n, num_styles = pictures.s.shape
    table = np.zeros((n, 2, num_styles, pictures.logits.shape[1]), dtype=np.float32)
    chosen = torch.zeros(num_styles, dtype=torch.bool, device=style_range.device)
    chosen[slice(None) if candidates is None else list(candidates)] = True
    start = time.monotonic()
    for i in range(n):
        s = pictures.s[i]
        moves = torch.where(chosen, kappa * (style_range - s), 0.0)  # (2, S)
        todo = moves.nonzero()  # (M, 2): direction, style_index
        done = 0
        while done < len(todo):
            batch = todo[done : done + batch_sizer.next()]
            direction, style_index = batch.T.cpu().numpy()
            effects = _effects(synthesis, classifier, pictures, i, moves, batch)
            table[i, direction, style_index] = effects
            batch_sizer.done(len(batch))
            done += len(batch)
            share = (i + done / len(todo)) / n
            left = (time.monotonic() - start) * (1 / share - 1)
            yield Progress(i + (done == len(todo)), n, "Moving every style of every picture", left)
    return table


@torch.inference_mode()
def _effects(
    synthesis: SynthesisNetwork,
    classifier: Classifier,
    pictures: Reconstructions,
    i: int,
    moves: Tensor,
    batch: Tensor,
) -> np.ndarray:
    """Return the effects (B, K) of single moves of picture i."""
    direction, style_index = batch[:, 0], batch[:, 1]
    s = pictures.s[i].repeat(len(batch), 1)
    s[torch.arange(len(batch), device=s.device), style_index] += moves[direction, style_index]
    logits = logits_of(synthesis, classifier, pictures.row(i), s)
    return (logits - pictures.logits[i]).cpu().numpy()


@dataclass(frozen=True)
class Shortlist:
    """Style coordinates to render: those with the largest predicted effects, and a random audit of the others."""

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
    """Choose for every target class the `share` of moves with the largest mean predicted gain.

    What is chosen is rendered exactly; the random audit shows what the shortlist misses.

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
    """Return first-order effects (B, 2, S, K) of moving single coordinates of the pictures `rows`."""
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
    """Return the best `share` of the columns of each class of gains (K, 2, S), and the audit."""
    num_styles = gains.shape[2]
    count = max(1, round(share * 2 * num_styles))
    best = np.argsort(-gains.reshape(len(gains), -1), axis=1, kind="stable")[:, :count]
    promising = np.unique(best % num_styles)
    others = np.setdiff1d(np.arange(num_styles), promising)
    audit_count = min(len(others), round(AUDIT_SHARE * num_styles))
    audit = np.random.default_rng(0).choice(others, audit_count, replace=False)
    return Shortlist(tuple(map(int, promising)), tuple(sorted(map(int, audit))))
