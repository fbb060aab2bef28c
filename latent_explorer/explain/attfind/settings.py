# SPDX-License-Identifier: MIT
"""Settings of a search for attributes."""

from __future__ import annotations

import msgspec

from latent_explorer.explain.attfind.greedy import UNSTABLE_EFFECT, UNSTABLE_SHARE, Procedure
from latent_explorer.explain.attfind.question import Effect, Question


class AttFindSettings(msgspec.Struct, frozen=True):
    """Settings of a search."""

    n: int = 250  # pictures of the explainer that are searched
    seed: int | None = None  # seed to draw them with; None: the first n
    kappa: float = 1.0  # share of the way to the observed end; the notebook's
    percentiles: tuple[float, float] | None = None  # of the pictures' styles: the ends; None: minimum and maximum
    torgb: bool = False  # search the styles of toRGB, too
    effect: Effect = "logit"  # what is ranked: changes of logits, or of probabilities
    pair: tuple[int, int] | None = None  # two classes, on the pictures of these; None: each class against the rest
    wanted: int = 10  # attributes for each target
    tau: float | None = None  # ranked effect that explains a picture; None: as `threshold` says
    procedure: Procedure = "notebook"  # which pictures count as explained, see `greedy_search`
    unstable_effect: float = UNSTABLE_EFFECT  # logits, also where probabilities are ranked
    unstable_share: float = UNSTABLE_SHARE
    realism: float | None = None  # percentile of the unmoved pictures' discriminator scores, see `RealismCheck`
    exhaustive: bool = False  # render every move; else those that the race finds to matter
    race_seed: int = 0  # of what the race draws at random
    both_ends: bool = False  # list a style twice that is chosen in both directions, as the notebook does

    @property
    def question(self) -> Question:
        return Question(self.effect, self.pair)

    def threshold(self, num_classes: int) -> float:
        """Return tau: the notebook's in logits, by the number of classes. In probability what turns any verdict of two.

        num_classes  that are asked about
        """
        if self.tau is not None:
            return self.tau
        if self.effect == "probability":
            return 0.5
        return 1.0 if num_classes == 2 else 0.5

    def stored(self, tau: float, unstable: int) -> dict[str, float | int | str | bool]:
        """Return what is stored with an attribute set, beside what it has fields for.

        tau       as it was
        unstable  pictures that were found to be so
        """
        stored: dict[str, float | int | str | bool] = {
            "tau": tau,
            "wanted": self.wanted,
            "unstable_effect": self.unstable_effect,
            "unstable_share": self.unstable_share,
            "unstable_pictures": unstable,
        }
        if self.seed is not None:
            stored["seed"] = self.seed
        if self.percentiles is not None:
            stored |= {"low_percentile": self.percentiles[0], "high_percentile": self.percentiles[1]}
        if self.realism is not None:
            stored["realism"] = self.realism
        if self.torgb:
            stored["torgb"] = True
        if self.effect != "logit":
            stored["effect"] = self.effect
        if self.pair is not None:
            stored["pair"] = f"{self.pair[0]},{self.pair[1]}"
        return stored
