# SPDX-License-Identifier: MIT
"""Figures of counterfactuals as the field prints them, one function each, on tensors of the CPU.

A counterfactual is a picture that was changed so that the classifier names another class. Each docstring names the
work that a figure comes from; where implementations differ, it says which one is followed.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from latent_explorer.models.metrics import frechet_distance

if TYPE_CHECKING:
    from collections.abc import Callable

COUT_STEPS = 50
SPLITS = 10  # halvings of the split Frechet distance
SAME_PERSON = 0.5  # cosine of two pictures' embeddings above which they are taken to show one person
TARGET_WEIGHT = 0.8  # of minimality: how much the distance to pictures of the target class counts


def insertion_steps(
    photo: Tensor, counterfactual: Tensor, steps: int = COUT_STEPS, rng: torch.Generator | None = None
) -> Tensor:
    """Return (steps + 1, 3, R, R): a photo (3, R, R) into which its counterfactual is inserted step by step.

    The most changed pixels come first. The change of a pixel is the sum of its channels' absolute differences;
    pixels that changed alike come in the order of rows. The first picture is the photo, the last the counterfactual.
    With `rng` pixels come in random order, which is a control of how much their order matters.
    """
    change = (counterfactual - photo).abs().sum(dim=0).flatten()
    order = change.argsort(descending=True, stable=True)
    if rng is not None:
        order = torch.randperm(len(change), generator=rng).to(change.device)
    place = torch.empty_like(order)
    place[order] = torch.arange(len(change), device=change.device)
    inserted = torch.linspace(0, len(change), steps + 1, device=change.device).round()
    mask = (place < inserted[:, None]).view(steps + 1, 1, *photo.shape[1:])
    return torch.where(mask, counterfactual, photo)


def cout(
    photo: Tensor,
    counterfactual: Tensor,
    ask: Callable[[Tensor], Tensor],
    source: int,
    target: int,
    steps: int = COUT_STEPS,
    rng: torch.Generator | None = None,
) -> float:
    """Return the counterfactual transition score, -1 to 1 (Khorram and Fuxin 2022): is the change where it matters?

    The area under the target's probability minus that under the source's (trapezoids), while the counterfactual is
    inserted into the photo (see `insertion_steps`). 1: the first pixels turn the verdict completely.

    ask   (N, 3, R, R) -> class probabilities (N, K)
    """
    probs = ask(insertion_steps(photo, counterfactual, steps, rng)).double()
    return float(torch.trapezoid(probs[:, target] - probs[:, source], dx=1 / steps))


def split_frechet(real: Tensor, made: Tensor, splits: int = SPLITS, seed: int = 0) -> float:
    """Return the Frechet distance of counterfactuals from photos that they were not made from.

    "sFID" of Jeanneret et al. (2023) where features are Inception's. A counterfactual resembles its own photo,
    which makes the plain distance small. Rows are halved at random; the distance is that of one half's photos from the
    other half's counterfactuals, meant over both ways and `splits` halvings.

    real, made   features (N, F) of photos and of their counterfactuals, row by row; N at least 4
    """
    if len(real) != len(made) or len(real) < 4:
        raise ValueError(f"features of {len(real)} photos and {len(made)} counterfactuals cannot be halved")
    rng = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(splits):
        order = torch.randperm(len(real), generator=rng)
        a, b = order[: len(order) // 2], order[len(order) // 2 :]
        found += [frechet_distance(real[a], made[b]), frechet_distance(real[b], made[a])]
    return sum(found) / len(found)


def similarities(real: Tensor, made: Tensor) -> Tensor:
    """Return the cosines (N,) of embeddings (N, F) of photos and counterfactuals.

    Their mean is the face similarity FS with VGGFace2's embeddings, S3 with SimSiam's; the share above 0.5 is the face
    verification accuracy FVA (Rodriguez et al. 2021; Jeanneret et al. 2023).
    """
    return F.cosine_similarity(real.double(), made.double(), dim=1)


def changed_attributes(before: Tensor, after: Tensor) -> float:
    """Return the mean number of attributes changed, MNAC (Rodriguez et al. 2021), by oracles at a threshold of 0.5.

    before, after   probabilities (N, A) that an oracle gives to each attribute of photos and counterfactuals
    """
    return float(((before > 0.5) != (after > 0.5)).double().sum(dim=1).mean())


def correlation_difference(change: Tensor, asked: Tensor, labels: Tensor, asked_label: Tensor) -> float:
    """Return CD (Jeanneret et al. 2022): do attributes move together as they do in the data?

    The sum over attributes of |r(change of the attribute, of the asked one) - r(attribute, asked one)|, Pearson's r
    over counterfactuals and over the training labels. An attribute that does not vary counts as uncorrelated.

    change, asked          changes of the oracles' probabilities, (N, A) and (N,)
    labels, asked_label    of training pictures, (M, A) and (M,)
    """
    return float((_correlations(change, asked) - _correlations(labels, asked_label)).abs().sum())


def _correlations(columns: Tensor, other: Tensor) -> Tensor:
    """Return Pearson's r (A,) of columns (N, A) with (N,); 0 where one of them is constant."""
    columns, other = columns.double(), other.double()
    columns, other = columns - columns.mean(dim=0), other - other.mean()
    norms = columns.norm(dim=0) * other.norm()
    r: Tensor = torch.where(norms > 0, (columns * other[:, None]).sum(dim=0) / norms.clamp_min(1e-30), 0.0)
    return r


def sparsity(change: Tensor) -> float:
    """Return how much changes are of one factor: 0 if of all alike, 1 if of one alone (Bender et al. 2025).

    1 - mean of (sum |d| - max |d|) / ((F - 1) max |d|) over counterfactuals. A counterfactual without a change is left
    out; NaN if none is left.

    change   (N, F) changes of known factors, or the change inside and outside of a mask; F at least 2
    """
    change = change.abs().double()
    largest = change.amax(dim=1)
    change, largest = change[largest > 0], largest[largest > 0]
    rest = (change.sum(dim=1) - largest) / ((change.shape[1] - 1) * largest)
    return float(1 - rest.mean())


def mask_changes(photos: Tensor, counterfactuals: Tensor, masks: Tensor) -> Tensor:
    """Return (N, 2): summed absolute change of pictures (N, 3, R, R) inside and outside of masks (N, R, R) bool."""
    change = (counterfactuals - photos).abs().sum(dim=1).double()
    inside = (change * masks).sum(dim=(1, 2))
    return torch.stack([inside, change.sum(dim=(1, 2)) - inside], dim=1)


def diversity(changes: Tensor) -> float:
    """Return 1 - the mean |cosine| between changes of one photo (Bender et al. 2025): 0 if all are one.

    changes   (N, C, F): the differences of C counterfactuals of each photo from it, at least two
    """
    pairs = [
        F.cosine_similarity(changes[:, i], changes[:, j], dim=1) for i, j in combinations(range(changes.shape[1]), 2)
    ]
    return float(1 - torch.stack(pairs).abs().double().mean())


def pairwise_means(distances: Tensor) -> Tensor:
    """Return for each photo (N,) the mean distance between two of its counterfactuals.

    With LPIPS their mean over photos is sigma_L (Jeanneret et al. 2022): 0 if all counterfactuals of a photo are one.

    distances   (N, C, C), symmetric
    """
    c = distances.shape[1]
    return distances.double()[:, ~torch.eye(c, dtype=torch.bool)].mean(dim=1)


def minimality(distance: Tensor, to_target: Tensor, to_source: Tensor) -> float:
    """Return the counterfactual latent divergence (Melistas et al. 2024), 0 to 1; smaller is nearer to the photo.

    The mean over counterfactuals of log(0.8 exp P(S_target <= d) + 0.2 exp P(S_source >= d)): how many real pictures of
    the target's class are nearer to the photo than its counterfactual is, and how many of its own class are farther.

    distance               (N,) of photos from their counterfactuals, d
    to_target, to_source   (N, M) of the photos from real pictures of the target's and of their own class
    """
    nearer = (to_target <= distance[:, None]).double().mean(dim=1)
    farther = (to_source >= distance[:, None]).double().mean(dim=1)
    return float((TARGET_WEIGHT * nearer.exp() + (1 - TARGET_WEIGHT) * farther.exp()).log().mean())


def relative_changes(before: Tensor, after: Tensor, own: int) -> Tensor:
    """Return (C,): the change of each classifier's output relative to that of `own`, which was to be turned.

    A row of the matrix of counterfactual alignment (Cohen et al. 2023): (f_j(x') - f_j(x)) / (f_own(x') - f_own(x)),
    meant over pictures; here the mean change over the mean change, since single quotients have no mean where a
    denominator can be near 0. NaN where the mean change of `own` is 0.

    before, after   (C, N) outputs of each classifier for photos and counterfactuals
    """
    moved = (after - before).double().mean(dim=1)
    return torch.where(moved[own] == 0, torch.nan, moved / moved[own])
