# SPDX-License-Identifier: MIT
"""Linear boundary: the normal of the plane that separates latents of a class from others.

With a person's labels in place of the classifier's it is that of the attribute that they name. Boundaries conditional
on other directions are perpendicular to them, and fitted to latents from which these are taken out.

Shen et al., "Interpreting the Latent Space of GANs for Semantic Face Editing" (InterFaceGAN, CVPR 2020), with logistic
regression in place of their linear SVM, and the mean squared deviation of w as the unit of its ridge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Notice, Progress
from latent_explorer.explain.direction_search.labelled import Answers
from latent_explorer.explain.direction_search.logistic import cross_validated, fit_logistic
from latent_explorer.explain.direction_search.regression import cross_correlated, fit_ridge
from latent_explorer.explain.direction_search.settings import FoundDirection

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.explain.direction_search.context import SearchContext
    from latent_explorer.explain.direction_search.settings import SearchSettings
    from latent_explorer.explain.directions.direction import Direction


SHUFFLES = 10  # random orders of the labels


def find(context: SearchContext, given: Sequence[Direction] = ()) -> Generator[Event, None, list[FoundDirection]]:
    """Return `count` boundaries for each target, each perpendicular to those before and to `given`. A job within a job.

    Without a person's labels the classifier labels the latents at both ends of its margin (the class's logit minus the
    largest other). Ratings get the direction of a ridge regression in place of a boundary.

    Figures: accuracy, low and high (cross-validated, with its 95 % interval), majority (share of the larger label),
    examples (that it was measured on); of ratings correlation, low and high; of a person's labels also shuffled, the
    mean of the accuracy or correlation over SHUFFLES random orders of the labels. Of two classes one boundary is found:
    it leads to the other one, too.
    """
    names, answers = context.class_names, context.answers
    targets: list[int | None] = [*context.targets]
    if answers is not None:
        targets = [context.settings.target]
    elif context.settings.target is None and len(names) == 2:
        targets = [1]
    found: list[FoundDirection] = []
    for target in targets:
        rows, own = (context.fitted, answers) if answers is not None else _by_the_classifier(context, target)
        if missing := own.missing(rows):
            if len(targets) == 1:
                raise UserError(missing)
            yield Notice(f"No boundary for {names[target or 0]}: {missing}", "warning")
            continue
        found += yield from _boundaries(context, target, rows, own, given)
    return found


def _by_the_classifier(context: SearchContext, target: int | None) -> tuple[np.ndarray, Answers]:
    """Return the latents at both ends of the classifier's margin, and these ends as labels."""
    rows = context.fitted
    assert target is not None
    others = np.delete(context.logits[rows], target, axis=1)
    order = np.argsort(context.logits[rows][:, target] - others.max(axis=1), kind="stable")
    size = max(1, round(min(0.5, context.settings.share) * len(rows)))
    values = np.full(len(context.ws), -1)
    values[rows[order[:size]]] = 0
    values[rows[order[len(order) - size :]]] = 1
    return rows[np.concatenate([order[:size], order[len(order) - size :]])], Answers(values)


@dataclass(frozen=True)
class Design:
    """Latents (n, num_ws, w_dim) in the rows of a search as the x (n, d) of a regression, and the way back."""

    x: np.ndarray  # standardised by one unit, in a basis of their span
    basis: np.ndarray  # (d, r * w_dim): of the span
    rows: int  # r: 1 where every row holds the same w
    mean: np.ndarray  # (r * w_dim,)
    unit: float

    @classmethod
    def of(cls, block: np.ndarray) -> Design:
        """Return the design of latents (n, rows, w_dim), float64."""
        same = bool(np.ptp(block, axis=1).max() == 0)  # one w in every row: the boundary is one of w
        x = block[:, 0] if same else block.reshape(len(block), -1)
        mean, unit = x.mean(axis=0), max(float(np.sqrt(x.var(axis=0).mean())), 1e-12)
        x = (x - mean) / unit
        basis = np.linalg.svd(x, full_matrices=False)[2]  # the normal lies in the span of the latents
        return cls(x @ basis.T, basis, 1 if same else block.shape[1], mean, unit)

    def of_others(self, block: np.ndarray) -> np.ndarray:
        """Return x (m, d) of other latents (m, rows, w_dim): as far as they lie in the span."""
        whole = block.mean(axis=1) if self.rows == 1 else block.reshape(len(block), -1)
        x: np.ndarray = (whole - self.mean) / self.unit @ self.basis.T
        return x

    def coordinates(self, shift: np.ndarray) -> np.ndarray:
        """Return a direction (rows of the search, w_dim) in the basis."""
        whole = shift.mean(axis=0) if self.rows == 1 else shift.reshape(-1)
        in_basis: np.ndarray = self.basis @ whole
        return in_basis


def _boundaries(
    context: SearchContext, target: int | None, rows: np.ndarray, answers: Answers, given: Sequence[Direction]
) -> Generator[Event, None, list[FoundDirection]]:
    settings, num_ws = context.settings, context.model.generator.num_ws
    first, last = context.rows
    block = context.ws[rows][:, first : last + 1].cpu().double().numpy()
    design, y = Design.of(block), answers.values[rows]
    counted = None if answers.drawn is None else answers.drawn[rows]
    taken = [design.coordinates(each.shift(num_ws)[first : last + 1].astype(np.float64)) for each in given]
    found = []
    for number in range(settings.count):
        yield Progress(number, settings.count, "Fitting a boundary")
        # What the earlier directions can tell is taken out of the latents, so the figures are those of the rest.
        rest = without(design.x, taken)
        figures = yield from judged(rest, y, settings, answers.rating, counted)
        if context.answers is not None:
            figures["shuffled"] = yield from shuffled(rest, y, settings, answers.rating, counted)
        coefficients, _ = fitted(rest, y, settings, answers.rating)
        normal = without(coefficients[None], taken)[0]
        if not np.linalg.norm(normal) > 1e-9:
            yield Notice("What is left beside the other directions separates nothing.", "warning")
            break
        taken.append(normal)
        vector = normal @ design.basis
        if design.rows > 1:
            in_rows = vector.reshape(last + 1 - first, -1)
            vector = np.zeros((num_ws, block.shape[2]))
            vector[first : last + 1] = in_rows
        name = answers.name or ("boundary" if target is not None else "boundary of labels")
        title = context.title(name, None if answers.name else target, number + 1 if settings.count > 1 else None)
        found.append(FoundDirection(context.direction(title, vector), target, figures))
    return found


def fitted(x: np.ndarray, y: np.ndarray, settings: SearchSettings, rating: bool) -> tuple[np.ndarray, float]:
    """Return coefficients (d,) and intercept of labels y (n,) on x (n, d)."""
    return fit_ridge(x, y.astype(float)) if rating else fit_logistic(x, y, settings.ridge)


def judged(
    x: np.ndarray, y: np.ndarray, settings: SearchSettings, rating: bool, counted: np.ndarray | None
) -> Generator[Event, None, dict[str, float]]:
    """Return the cross-validated figures of labels y (n,) on x (n, d), measured on those `counted`."""
    rng = np.random.default_rng(settings.seed)
    if rating:
        of_ratings = yield from cross_correlated(x, y, settings.folds, rng, counted)
        low, high = of_ratings.interval
        return {"correlation": of_ratings.correlation, "low": low, "high": high, "examples": float(of_ratings.n)}
    accuracy = yield from cross_validated(x, y, settings.ridge, settings.folds, rng, counted)
    low, high = accuracy.interval
    return {
        "accuracy": accuracy.accuracy,
        "low": low,
        "high": high,
        "majority": accuracy.majority,
        "examples": float(accuracy.n),
    }


def shuffled(
    x: np.ndarray, y: np.ndarray, settings: SearchSettings, rating: bool, counted: np.ndarray | None
) -> Generator[Event, None, float]:
    """Return the mean accuracy, or correlation, with the labels in random orders: what such a fit reaches by chance."""
    rng = np.random.default_rng((settings.seed, 2))
    reached = []
    for _ in range(SHUFFLES):
        figures = yield from judged(x, rng.permutation(y), settings, rating, counted)
        reached.append(figures["correlation" if rating else "accuracy"])
    return float(np.mean(reached))


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
