# SPDX-License-Identifier: MIT
"""Does an edit, a heat map or a list of photographs show a cause whose place in the picture is known?

An edit shows the cause if the classifier's change vanishes once the place of the cause is put back: of the mean change
of the margin more than half is gone, and the change is at least a tenth of what the cause itself does. The second rule
keeps out edits that do next to nothing, of which any share may lie anywhere. An edit shows the cause faintly if the
place alone, taken over from the edited picture, brings more than half of the change, and the change is at least a
fiftieth of what the cause does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from latent_explorer.models.classifiers import Classifier

EXPLAINED = 0.5  # more than that of a change must be gone
LEAST = 0.1  # of what the cause itself does
FAINT = 0.02
BATCH = 100
MISSING = 11  # rank of what a list of ten does not hold


class Shown(NamedTuple):
    """What an edit does: means over pictures.

    change     of the margin towards the class that the edit is for
    share      that, as a share of what the cause itself does
    explained  share of it that is gone when the place of the cause is put back; 0 if the edit does next to nothing
    carried    change of the margin when nothing but the place of the cause is taken from the edited picture, as a
               share of what the cause itself does
    in_place   share of the change of pixels that lies in the place of the cause
    """

    change: float
    share: float
    explained: float
    carried: float
    in_place: float

    @property
    def shows(self) -> bool:
        return self.explained > EXPLAINED

    @property
    def shows_faintly(self) -> bool:
        return self.share >= FAINT and self.carried > EXPLAINED * self.share


@torch.inference_mode()
def margins(classifier: Classifier, img: Tensor) -> np.ndarray:
    """Return the log-odds of the second class (N,) in pictures (N, 3, H, W) of -1 to 1."""
    logits = torch.cat([classifier.logits(part) for part in img.split(BATCH)])
    return (logits[:, 1] - logits[:, 0]).double().numpy()


def judge_edit(
    margin: Callable[[Tensor], np.ndarray], before: Tensor, after: Tensor, inside: Tensor, sign: int, truth: float
) -> Shown:
    """Judge pictures before and after an edit (N, 3, H, W) by the place of the cause `inside` (N, H, W) bool.

    sign   1 for an edit towards the second class, -1 for one towards the first
    truth  what the cause itself does to the margin, above 0
    """
    place = inside[:, None]
    start = margin(before)
    change = sign * float((margin(after) - start).mean())
    left = sign * float((margin(torch.where(place, before, after)) - start).mean())
    taken = sign * float((margin(torch.where(place, after, before)) - start).mean())
    pixels = (after - before).abs()
    explained = 1 - left / change if change >= LEAST * truth else 0.0
    in_place = float((pixels * place).sum() / pixels.sum().clamp(min=1e-12))
    return Shown(change, change / truth, explained, taken / truth, in_place)


def rank_of_first(show: Sequence[bool]) -> int:
    """Return the rank, from 1, of the first edit that shows the cause; MISSING if none of the first ten does."""
    return next((rank for rank, shows in enumerate(show[: MISSING - 1], 1) if shows), MISSING)


def chance(show: Sequence[bool], first: int = 3) -> float:
    """Return how often one of the first edits of a random order shows the cause, by which of a sample do."""
    return 1 - (1 - float(np.mean(show))) ** first


def heat_in_place(heat: np.ndarray, inside: np.ndarray) -> float:
    """Return how much more heat (N, H, W) lies in the place of the cause (N, H, W) bool than its area would have: 1 is
    as much."""
    heat = np.clip(heat, 0, None)
    total = heat.sum(axis=(1, 2))
    shares = (heat * inside).sum(axis=(1, 2))[total > 0] / total[total > 0]
    return float(np.mean(shares / inside.mean(axis=(1, 2))[total > 0])) if len(shares) else 0.0


def rank_of_place(heat: np.ndarray, rows: slice, columns: slice) -> int:
    """Return the rank of a rectangle's mean heat among all rectangles of its size that tile (N, H, W) from it on."""
    mean = np.clip(heat, 0, None).mean(axis=0)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    tops = range(rows.start % height, mean.shape[0] - height + 1, height)
    lefts = range(columns.start % width, mean.shape[1] - width + 1, width)
    tiles = {(y, x): mean[y : y + height, x : x + width].mean() for y in tops for x in lefts}
    own = tiles[rows.start, columns.start]
    return 1 + sum(bool(value > own) for value in tiles.values())


def shares_at_the_ends(margin: np.ndarray, cause: np.ndarray, count: int = 20) -> tuple[float, float, float]:
    """Return the share of pictures with the cause among the first, among all and among the last by margin."""
    order = np.argsort(-margin, kind="stable")
    return float(cause[order[:count]].mean()), float(cause.mean()), float(cause[order[-count:]].mean())
