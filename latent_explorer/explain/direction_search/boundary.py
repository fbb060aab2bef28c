# SPDX-License-Identifier: MIT
"""Linear boundary: the normal of the plane that separates latents of a class from others.

Shen et al., "Interpreting the Latent Space of GANs for Semantic Face Editing" (InterFaceGAN, CVPR 2020), with logistic
regression in place of their linear SVM, and the mean squared deviation of w as the unit of its ridge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Notice, Progress
from latent_explorer.explain.direction_search.logistic import cross_validated, fit_logistic
from latent_explorer.explain.direction_search.settings import FoundDirection

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.explain.direction_search.context import SearchContext
    from latent_explorer.explain.directions.direction import Direction

FEWEST = 5  # latents of each label


def find(
    context: SearchContext, labels: Sequence[int] | np.ndarray | None = None, given: Sequence[Direction] = ()
) -> Generator[Event, None, list[FoundDirection]]:
    """Return `count` boundaries for each target, each perpendicular to those before and to `given`. A job within a job.

    labels  of the latents: 1 towards the direction, 0 away from it, -1 skipped. Without them the classifier labels
        those at both ends of its margin (the class's logit minus the largest other).

    Figures: accuracy, low and high (cross-validated, with its 95 % interval), majority (share of the larger label),
    examples. Of two classes one boundary is found: it leads to the other one, too.
    """
    names = context.class_names
    targets: list[int | None] = [*context.targets]
    if labels is not None:
        targets = [context.settings.target]
    elif context.settings.target is None and len(names) == 2:
        targets = [1]
    found: list[FoundDirection] = []
    for target in targets:
        rows, y = _labelled(context, target, labels)
        if min(int(y.sum()), int((1 - y).sum())) < FEWEST:
            text = f"{int(y.sum())} latents are labelled 1 and {int((1 - y).sum())} are 0: each label needs {FEWEST}."
            if len(targets) == 1:
                raise UserError(text)
            yield Notice(f"No boundary for {names[target or 0]}: {text}", "warning")
            continue
        found += yield from _boundaries(context, target, rows, y, given)
    return found


def _labelled(
    context: SearchContext, target: int | None, labels: Sequence[int] | np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to fit and their labels."""
    rows = context.fitted
    if labels is not None:
        return rows, np.asarray(labels)[rows].astype(int)
    assert target is not None
    others = np.delete(context.logits[rows], target, axis=1)
    order = np.argsort(context.logits[rows][:, target] - others.max(axis=1), kind="stable")
    size = max(1, round(min(0.5, context.settings.share) * len(rows)))
    chosen = np.concatenate([order[:size], order[len(order) - size :]])
    return rows[chosen], np.repeat([0, 1], size)


def _boundaries(
    context: SearchContext, target: int | None, rows: np.ndarray, y: np.ndarray, given: Sequence[Direction]
) -> Generator[Event, None, list[FoundDirection]]:
    settings, num_ws = context.settings, context.model.generator.num_ws
    first, last = context.rows
    block = context.ws[rows][:, first : last + 1].cpu().double().numpy()
    same = bool(np.ptp(block, axis=1).max() == 0)  # one w in every row: the boundary is one of w
    x = block[:, 0] if same else block.reshape(len(block), -1)
    x = (x - x.mean(axis=0)) / max(float(np.sqrt(x.var(axis=0).mean())), 1e-12)
    basis = np.linalg.svd(x, full_matrices=False)[2]  # the normal lies in the span of the latents
    x = x @ basis.T
    away = [each.shift(num_ws)[first : last + 1].astype(np.float64) for each in given]
    taken = [basis @ (each.mean(axis=0) if same else each.reshape(-1)) for each in away]
    found = []
    for number in range(settings.count):
        yield Progress(number, settings.count, "Fitting a boundary")
        # What the earlier directions can tell is taken out of the latents, so the accuracy is that of the rest.
        rest = without(x, taken)
        coefficients, _ = fit_logistic(rest, y, settings.ridge)
        rng = np.random.default_rng(settings.seed)
        accuracy = yield from cross_validated(rest, y, settings.ridge, settings.folds, rng)
        normal = without(coefficients[None], taken)[0]
        if not np.linalg.norm(normal) > 1e-9:
            yield Notice("What is left beside the other directions separates nothing.", "warning")
            break
        taken.append(normal)
        vector = normal @ basis
        if not same:
            in_rows = vector.reshape(last + 1 - first, -1)
            vector = np.zeros((num_ws, block.shape[2]))
            vector[first : last + 1] = in_rows
        name = "boundary" if target is not None else "boundary of labels"
        title = context.title(name, target, number + 1 if settings.count > 1 else None)
        figures = {
            "accuracy": accuracy.accuracy,
            "low": accuracy.interval[0],
            "high": accuracy.interval[1],
            "majority": accuracy.majority,
            "examples": float(accuracy.n),
        }
        found.append(FoundDirection(context.direction(title, vector), target, figures))
    return found


def without(vectors: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """Return vectors (n, d), one a row, minus their projections on the span of `others`, each (d,).

    The Gram system C C^T a = C n of the reference (InterFaceGAN's conditional manipulation, for any number of them),
    solved by least squares, so that dependent ones are no error. For one of length 1 it is n - (n . c) c.
    """
    if not len(others):
        return vectors
    c = np.stack(others)
    weights, *_ = np.linalg.lstsq(c @ c.T, c @ vectors.T, rcond=None)
    rest: np.ndarray = vectors - weights.T @ c
    return rest
