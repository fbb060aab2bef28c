# SPDX-License-Identifier: MIT
"""A search as a person asks for it: the method, how many pictures, what is ranked. Values, without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from latent_explorer.explain.attfind.question import Effect

if TYPE_CHECKING:
    from latent_explorer.explain.attfind.cost import SearchCost

Way = Literal["race", "every", "paper", "signal", "difference"]
TITLES: dict[Way, str] = {
    "race": "AttFind, as a race",
    "every": "AttFind, every move rendered",
    "paper": "AttFind, the paper's procedure",
    "signal": "StyleSpace (Wu et al.), mean / deviation",
    "difference": "StyleSpace (Wu et al.), mean",
}
SENTENCES: dict[Way, str] = {
    "race": "The authors' notebook on the moves that can change its list, some 3 % of them. The list so far is shown, "
    "and a search that was stopped goes on.",
    "every": "The authors' notebook on every move of every picture. Nothing is shown before its end; a search that was "
    "stopped goes on.",
    "paper": "Algorithm 1 of the paper, as a race: an attribute explains a picture alone or not at all, so lists are "
    "shorter.",
    "signal": "Where the styles of a class's exemplars stand apart from all pictures, against how they vary among "
    "themselves. The classifier's reaction is not asked for the choice.",
    "difference": "Where the styles of a class's exemplars stand apart from all pictures, however they vary among "
    "themselves. The classifier's reaction is not asked for the choice.",
}
CHANNELS: tuple[Way, ...] = ("signal", "difference")
RESUMED: tuple[Way, ...] = ("race", "every", "paper")  # what was rendered before a stop is kept


class SearchPlan(msgspec.Struct, frozen=True):
    """Settings of a search for attributes in the window.

    n       pictures; None: those that take some ten minutes, at most 250
    kappa   share of the way to the observed end
    wanted  attributes for each class
    effect  what AttFind ranks: changes of logits or of probabilities
    pair    two classes against each other, on their pictures; None: each against the rest
    percentiles  of the pictures' styles, the ends that styles move to; None: minimum and maximum in the file
    torgb   search the styles of toRGB, too
    """

    way: Way = "race"
    n: int | None = None
    kappa: float = 1.0
    wanted: int = 10
    effect: Effect = "logit"
    pair: tuple[int, int] | None = None
    percentiles: tuple[float, float] | None = None
    torgb: bool = False

    def seconds(self, cost: SearchCost, n: int) -> float:
        """Return about how long it takes on n pictures; of a pair on its share of them, if classes are as frequent."""
        if self.pair is not None:
            n = max(1, round(n * min(1.0, 2 / max(2, cost.verdicts))))
        if self.way in CHANNELS:
            return cost.picture * n * (1 + self.wanted * (cost.classes - 1))
        return cost.seconds(n, exhaustive=self.way == "every", wanted=self.wanted)
