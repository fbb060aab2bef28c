# SPDX-License-Identifier: MIT
"""The pictures that a person labels next: drawn from seeds and from the file, and every third one sought out."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import msgspec

from latent_explorer.explain.labels import SKIPPED, Label
from latent_explorer.explain.recipe import SampleBase, SeedBase

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

Source = Literal["both", "seeds", "samples"]
AHEAD = 4  # pictures that are drawn before they are needed, beside the one that is shown
EVERY = 3  # of so many pictures one is sought
MAX_SEED = 2**31 - 1
_TRIES = 50


@dataclass
class Deck:
    """Pictures in the order in which they are shown: the first is in front of the person."""

    rng: random.Random = field(default_factory=random.Random)
    source: Source = "both"
    samples: int = 0  # pictures of the file
    truncation: tuple[float, int | None] = (1.0, None)  # psi and cutoff of seeds
    cards: list[Label] = field(default_factory=list)
    unsure: list[Label] = field(default_factory=list)  # to be sought, the least sure first
    _dealt: int = 0

    def fill(self, labelled: Iterable[Label]) -> None:
        """Draw as many as are missing, none of which is labelled or drawn already; fewer if the file has no more."""
        known = {each.picture for each in (*labelled, *self.cards)}
        while len(self.cards) <= AHEAD:
            card = self._sought(known) if self._dealt % EVERY == EVERY - 1 else None
            card = card or self._drawn(known)
            if card is None:
                return
            known.add(card.picture)
            self.cards.append(card)
            self._dealt += 1

    def pool(self, count: int, labelled: Iterable[Label]) -> list[Label]:
        """Return up to `count` pictures at random that are neither labelled nor drawn, to be sought among."""
        known = {each.picture for each in (*labelled, *self.cards)}
        found: list[Label] = []
        while len(found) < count and (card := self._drawn(known)) is not None:
            known.add(card.picture)
            found.append(card)
        return found

    def _drawn(self, known: Collection[tuple[object, ...]]) -> Label | None:
        """Return a picture at random that is not known; None if the file has no more."""
        of_file = self.source == "samples" or (self.source == "both" and self.samples and self.rng.random() < 0.5)
        if of_file and (card := self._of_file(known)) is not None:
            return card
        if self.source == "samples":
            return None
        psi, cutoff = self.truncation
        return Label(SeedBase(self.rng.randint(0, MAX_SEED)), SKIPPED, psi, None if psi == 1 else cutoff)

    def _of_file(self, known: Collection[tuple[object, ...]]) -> Label | None:
        if not self.samples:
            return None
        for _ in range(_TRIES):
            card = Label(SampleBase(self.rng.randrange(self.samples)), SKIPPED)
            if card.picture not in known:
                return card
        cards = (Label(SampleBase(index), SKIPPED) for index in range(self.samples))
        left = [card for card in cards if card.picture not in known]
        return self.rng.choice(left) if left else None

    def _sought(self, known: Collection[tuple[object, ...]]) -> Label | None:
        while self.unsure:
            card = self.unsure.pop(0)
            if card.picture not in known:
                return msgspec.structs.replace(card, sought=True)
        return None

    def take(self) -> None:
        """Put the first picture away."""
        self.cards.pop(0)

    def put_back(self, label: Label) -> None:
        """Show a picture that was labelled once more, before the others."""
        card = msgspec.structs.replace(label, value=SKIPPED)
        self.cards = [card, *(each for each in self.cards if each.picture != card.picture)]

    def clear(self) -> None:
        """Forget all pictures that were drawn, and what was sought."""
        self.cards.clear()
        self.unsure.clear()
