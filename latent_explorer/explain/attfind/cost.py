# SPDX-License-Identifier: MIT
"""What a search for attributes costs, and how many pictures it can have in ten minutes. Arithmetic, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from latent_explorer.explain.attfind.race import FEW, PROMISING

LONG = 600.0  # seconds above which fewer pictures are proposed
CHOICES = (1000, 500, 250, 120, 60, 30)  # pictures of a search
USUAL = 250  # pictures, where that is not long
LISTED = 10  # attributes of a class


@dataclass(frozen=True)
class SearchCost:
    """Speed of a search on this machine, as timed on a few pictures.

    picture   seconds to render one picture and to classify it
    gradient  seconds for the slopes of all its logits
    available  pictures that the explainer holds
    styles, classes  S and K
    verdicts  classes that the pictures have, of those that were timed
    """

    picture: float
    gradient: float
    available: int
    styles: int
    classes: int
    verdicts: int

    def moves(self, n: int, wanted: int = LISTED) -> int:
        """Return about how many moves a race on `n` pictures renders.

        In each group of pictures of one class: the promising styles towards any other class on a few, and all styles
        on one. Then what is listed, on all pictures of other classes. Never more than all moves.
        """
        n = min(n, self.available)
        groups, columns = min(self.verdicts, n), 2 * self.styles
        few = min(FEW, n / groups)
        promising = 1 - (1 - PROMISING) ** (self.classes - 1)
        looked = groups * columns * (few * promising + 1)
        listed = wanted * (2 * n if self.classes == 2 else self.classes * n * (1 - 1 / max(2, groups)))
        return round(min(looked + listed, n * columns))

    def seconds(self, n: int, *, exhaustive: bool = False, wanted: int = LISTED) -> float:
        """Return about how long a search of `n` pictures for `wanted` attributes of each class takes."""
        n = min(n, self.available)
        if exhaustive:
            return self.picture * (n + 2 * n * self.styles)
        return self.picture * (n + self.moves(n, wanted)) + self.gradient * n

    def choices(self) -> tuple[int, ...]:
        """Return the numbers of pictures to choose from, most first."""
        most = min(self.available, CHOICES[0])
        return (most, *(n for n in CHOICES if n < most))

    def proposed(self) -> int:
        """Return how many pictures to search: those of USUAL or fewer that are not LONG, else the fewest."""
        usual = [n for n in self.choices() if n <= USUAL]
        return next((n for n in usual if self.seconds(n) <= LONG), usual[-1])
