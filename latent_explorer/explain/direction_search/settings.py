# SPDX-License-Identifier: MIT
"""Settings of a search for directions in W, and what one finds, as plain values. No torch."""

from __future__ import annotations

from typing import Literal

import msgspec

from latent_explorer.explain.directions.direction import Direction

Method = Literal["sefa", "ganspace", "boundary", "guided"]
Identity = Literal["auto", "lpips", "features", "none"]
Loss = Literal["cross-entropy", "margin", "amount"]
LOSS_TITLES: dict[Loss, str] = {
    "cross-entropy": "As far as it goes",
    "margin": "Up to a clear lead",
    "amount": "By a requested amount",
}
TITLES: dict[Method, str] = {
    "sefa": "SeFa",
    "ganspace": "GANSpace",
    "boundary": "Linear boundary",
    "guided": "Classifier-guided",
}
# The squared error of amounts has hardly a gradient where a probability is near 0 or 1, so it takes more steps.
STEPS: dict[Loss, int] = {"cross-entropy": 150, "margin": 150, "amount": 500}
TARGETED: tuple[Method, ...] = ("boundary", "guided")  # their directions lead to a class
AMOUNTS = (1.0, 2.0, 3.0)  # standard deviations at which a direction is tried
MAX_COUNT = 64  # directions of a search, for each class


class GuidedSettings(msgspec.Struct, frozen=True):
    """Settings of the classifier-guided direction."""

    loss: Loss = "cross-entropy"  # amount: alpha is the change of p that is asked for (GANalyze)
    margin: float = 2.0  # logits by which the class is to lead; no gradient beyond it
    # auto: LPIPS where its weights are, else features; none for the loss "amount"
    identity: Identity = "auto"
    identity_weight: float = 1.0
    start: Literal["zero", "means"] = "zero"  # or half the difference of the classes' means, cut to the length
    length: float = 3.0  # the most that the direction may measure at the largest alpha: 1, or 0.5 for amounts
    length_unit: Literal["sd", "w_std"] = "sd"  # standard deviations along it, or root mean square in w_std
    steps: int | None = None  # None: STEPS of the loss
    batch: int = 8  # latents of a step
    lr: float = 0.15  # of the first step, standard deviations at the largest alpha; falls to 0 along a cosine

    @property
    def all_steps(self) -> int:
        """Steps that are taken."""
        return STEPS[self.loss] if self.steps is None else self.steps


class SearchSettings(msgspec.Struct, frozen=True):
    """Settings of a search. Those of other methods are ignored."""

    method: Method
    target: int | None = None  # class to lead to; None: every class (boundary, guided), or none (sefa, ganspace)
    rows: tuple[int, int] | None = None  # first and last row of ws that may move; None: all
    count: int = 1  # directions, for each class
    seed: int = 0
    n: int = 400  # latents to search on, at most
    held_out: int = 100  # others to try the directions on, at most; 0: they are not tried
    controls: int = 3  # random directions of the same length for each one found
    samples: int = 10_000  # w of random z (ganspace)
    torgb: bool = False  # take the affines of toRGB along (sefa)
    share: float = 0.25  # of the latents at either end of the logits (boundary)
    ridge: float = 1.0  # weight of the squared coefficients (boundary)
    folds: int = 5  # of the cross-validation (boundary)
    guided: GuidedSettings = GuidedSettings()


class DirectionCheck(msgspec.Struct, frozen=True):
    """What a direction does to pictures that it was not found with, beside random directions of the same length.

    With a target: pictures of other classes, and the share that becomes the target's at `+amount`. Without one: all
    pictures, and the share whose verdict changes at `-amount` or at `+amount`.
    """

    target: int | None
    pictures: int
    amounts: tuple[float, ...]  # standard deviations
    flipped: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]  # of `flipped`: Wilson, 95 %
    change: tuple[float, ...]  # mean change of the target's probability; without one, mean total variation distance
    random_flipped: tuple[float, ...]  # mean over the random directions, each on the same pictures
    random_change: tuple[float, ...]


class FoundDirection(msgspec.Struct, frozen=True):
    """A direction with the class that it leads to and the figures of its method."""

    direction: Direction
    target: int | None
    figures: dict[str, float]
    check: DirectionCheck | None = None
    identity: str = ""  # the identity loss of a guided direction
