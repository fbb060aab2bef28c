# SPDX-License-Identifier: MIT
"""What every style coordinate does to the classifier's logits, picture by picture: AttFind's effect table.

Style values are overridden; weights are never touched. Choosing from the table is `explain.attfind.greedy`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.events import Event, Progress
from latent_explorer.models.stylegan2 import Styles

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.explain.batches import BatchSizer
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.stylegan2 import SynthesisNetwork


@dataclass(frozen=True)
class Reconstructions:
    """Unedited pictures as the search sees them. Everything is on the model's device."""

    styles: Styles
    s: Tensor  # (N, num_styles)
    logits: Tensor  # (N, K)

    def __len__(self) -> int:
        return self.s.shape[0]

    @property
    def classes(self) -> np.ndarray:
        """(N,) int64: what the classifier says of each."""
        return self.logits.argmax(dim=1).cpu().numpy()

    def row(self, i: int) -> Styles:
        return [style[i : i + 1] for style in self.styles]


@torch.inference_mode()
def logits_of(synthesis: SynthesisNetwork, classifier: Classifier, styles: Styles, s: Tensor) -> Tensor:
    """Logits (B, K) of the pictures with style values s (B, num_styles); clipping to [-1, 1] is the classifier's."""
    img = synthesis.render(synthesis.replace(styles, s), synthesis.noise_const())
    return classifier.logits(img).float()


@torch.inference_mode()
def _styles_of(synthesis: SynthesisNetwork, ws: Tensor, cond: Tensor | None) -> tuple[Styles, Tensor]:
    styles = synthesis.styles(ws, cond)
    return styles, synthesis.join(styles)


def reconstruct(
    synthesis: SynthesisNetwork,
    classifier: Classifier,
    ws: Tensor,
    cond: Tensor | None,
    batch_sizer: BatchSizer,
) -> Generator[Event, None, Reconstructions]:
    """Classify the pictures of latents ws (N, num_ws, w_dim), cond (N, K)."""
    styles, s = _styles_of(synthesis, ws, cond)
    logits = yield from batch_sizer.run(
        lambda rows: logits_of(synthesis, classifier, [x[rows] for x in styles], s[rows]),
        len(s),
        "Classifying reconstructions",
    )
    return Reconstructions(styles, s, torch.cat(logits))


def effect_table(
    synthesis: SynthesisNetwork,
    classifier: Classifier,
    pictures: Reconstructions,
    style_range: Tensor,
    kappa: float,
    batch_sizer: BatchSizer,
    candidates: Sequence[int] | None = None,
) -> Generator[Event, None, np.ndarray]:
    """The effect table (N, 2, S, K) float32 of the pictures; `style_range` (2, S) holds minimum and maximum.

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
    """Effects (B, K) of single moves of picture i. All share the weights and differ in one style value."""
    direction, style_index = batch[:, 0], batch[:, 1]
    s = pictures.s[i].repeat(len(batch), 1)
    s[torch.arange(len(batch), device=s.device), style_index] += moves[direction, style_index]
    logits = logits_of(synthesis, classifier, pictures.row(i), s)
    return (logits - pictures.logits[i]).cpu().numpy()
