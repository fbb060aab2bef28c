# SPDX-License-Identifier: MIT
"""What turns a verdict where only a painted part of the picture may change, and which changes lie there. No torch.

A change is the mean over channels of the absolute difference of two pictures. An attribute's share is the part of its
change that lies inside. Two controls say what that means: a change that is spread evenly has the part's share of the
picture, and random edits have theirs, which follow the subject as all edits do. The verdict is asked of the picture
with the change pasted into the part, everywhere else as it was; of the change everywhere but there; and of random edits
that change as much of the part.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.explain.counterfactuals.turning_sets import AttributeTuple, margins, search
from latent_explorer.explain.recipe import Edit, PictureRequest, RegionLooks, RegionRequest

if TYPE_CHECKING:
    from latent_explorer.models.attributes import Attribute

DRAWS = 8  # random edits beside each set that turns
# Pixels of the pictures in one request, which a slider may have to wait for; of one with random edits, each is rendered
# several times.
TRIALS_PIXELS, DRAWS_PIXELS = 4 * 64**2, 2 * 64**2


@dataclass(frozen=True)
class InRegion:
    """What a set of attributes does to a picture, inside a part of it and elsewhere. Probabilities are (K,)."""

    attributes: AttributeTuple
    share: float  # of its change that lies inside
    inside: np.ndarray  # probabilities where only the part may change
    outside: np.ndarray  # where all but the part may change
    whole: np.ndarray
    margin: float  # of `inside`: above 0 it turns
    turns_outside: bool
    turns_whole: bool
    image: np.ndarray  # (R, R, 3) uint8, where only the part may change
    random: tuple[int, int] | None = None  # random edits that change as much of the part: how many turn, of how many
    random_share: float | None = None  # mean share of their change that lies inside

    @property
    def turns(self) -> bool:
        """True if the verdict turns where only the part may change."""
        return self.margin > 0


@dataclass(frozen=True)
class RegionStudy:
    """What attributes do inside a painted part of a picture."""

    target: int
    area: float  # share of the picture that is painted: that of a change spread evenly
    before: np.ndarray  # (K,) probabilities of the picture
    ranked: tuple[InRegion, ...]  # attributes one by one, the largest share first
    sets: tuple[InRegion, ...]  # that turn, fewest attributes first
    together: InRegion | None = None  # all attributes that help, where no set turns

    @property
    def best(self) -> InRegion | None:
        """The smallest set that turns; where none does, all that help; None where none helps."""
        return self.sets[0] if self.sets else self.together

    def to_control(self) -> list[InRegion]:
        """Return what should stand beside random edits, the answer first: `best`, then attributes that turn alone."""
        first = [self.best] if self.best else list(self.ranked[:1])
        known = {each.attributes for each in first}
        return first + [each for each in self.ranked if each.turns and each.attributes not in known]

    def with_result(self, result: InRegion) -> RegionStudy:
        """Return the study with a result in place of the one of the same attributes."""

        def new(each: InRegion) -> InRegion:
            return result if each.attributes == result.attributes else each

        return replace(
            self,
            ranked=tuple(map(new, self.ranked)),
            sets=tuple(map(new, self.sets)),
            together=self.together and new(self.together),
        )


@dataclass(frozen=True)
class RegionQuestion:
    """A picture, the part of it that may change, and the class that its verdict is to turn to.

    mask       (R, R), 0 to 1
    edits_of   a set of attributes -> all edits of the picture with these at their ends
    """

    request: PictureRequest
    target: int
    mask: np.ndarray
    edits_of: Callable[[AttributeTuple], tuple[Edit, ...]]

    def __post_init__(self) -> None:
        if not self.mask.any():
            raise UserError("Nothing is painted, so nothing may change. Paint the part that may.")

    @property
    def area(self) -> float:
        """Share of the picture that is painted."""
        return float(self.mask.mean())

    def looks(self, sets: Sequence[AttributeTuple]) -> list[RegionRequest]:
        """Return requests for what sets of attributes do, a few in each."""
        size = max(1, TRIALS_PIXELS // self.mask.size)
        edits = [self.edits_of(each) for each in sets]
        chunks = (tuple(edits[i : i + size]) for i in range(0, len(edits), size))
        return [RegionRequest(self.request, chunk, self._mask_bytes) for chunk in chunks]

    def controls(self, attributes: AttributeTuple, draws: int = DRAWS) -> list[RegionRequest]:
        """Return requests for random edits beside a set of attributes."""
        size = max(1, DRAWS_PIXELS // self.mask.size)
        seeds, edits = tuple(range(draws)), (self.edits_of(attributes),)
        chunks = (seeds[i : i + size] for i in range(0, draws, size))
        return [RegionRequest(self.request, edits, self._mask_bytes, chunk) for chunk in chunks]

    @property
    def _mask_bytes(self) -> bytes:
        levels: np.ndarray = (255 * np.clip(self.mask, 0, 1)).round().astype(np.uint8)
        return levels.tobytes()


# Yields requests, gets their answers.
Study = Generator[list[RegionRequest], list[RegionLooks], RegionStudy]


def study(question: RegionQuestion, attributes: Sequence[Attribute]) -> Study:
    """Find what attributes do inside a part of a picture, and which sets turn its verdict; whoever renders it.

    Where neither one attribute alone nor all together that help turn it, no other sets are tried.
    """
    found: dict[AttributeTuple, InRegion] = {}
    before = yield from _ask(question, [(each,) for each in attributes], found)
    margin = float(margins(before[None], question.target)[0])
    alone = [found[(each,)] for each in attributes]
    helping = tuple(each.attributes[0] for each in alone if each.margin > margin)
    together = None
    if helping:
        yield from _ask(question, [helping], found)
        together = found[helping]
    sets: list[AttributeTuple] = []
    if any(each.turns for each in found.values()):
        sets = yield from _search(question, attributes, margin, found)
    return RegionStudy(
        question.target,
        question.area,
        _probs(before),
        ranked=tuple(sorted(alone, key=lambda each: -each.share)),
        sets=tuple(found[each] for each in sets),
        together=None if sets else together,
    )


def _search(
    question: RegionQuestion, attributes: Sequence[Attribute], margin: float, found: dict[AttributeTuple, InRegion]
) -> Generator[list[RegionRequest], list[RegionLooks], list[AttributeTuple]]:
    searching = search(attributes, margin)
    try:
        asked = next(searching)
        while True:
            yield from _ask(question, asked, found)
            asked = searching.send(np.array([found[each].margin for each in asked]))
    except StopIteration as stop:
        return list(stop.value)


def _ask(
    question: RegionQuestion, sets: Sequence[AttributeTuple], found: dict[AttributeTuple, InRegion]
) -> Generator[list[RegionRequest], list[RegionLooks], np.ndarray]:
    """Have sets rendered that are not known yet. Returns the logits (K,) of the picture itself, if any were."""
    new = [each for each in sets if each not in found]
    if not new:
        return np.zeros(0)
    looks = yield question.looks(new)
    parts = [_results(look, question.target) for look in looks]
    for each, result in zip(new, (result for part in parts for result in part), strict=True):
        found[each] = replace(result, attributes=each)
    return looks[0].before


def _results(looks: RegionLooks, target: int) -> list[InRegion]:
    margin = margins(looks.inside, target)
    outside, whole = margins(looks.outside, target) > 0, margins(looks.whole, target) > 0
    return [
        InRegion(
            (),
            float(looks.share[i]),
            inside=_probs(looks.inside[i]),
            outside=_probs(looks.outside[i]),
            whole=_probs(looks.whole[i]),
            margin=float(margin[i]),
            turns_outside=bool(outside[i]),
            turns_whole=bool(whole[i]),
            image=looks.images[i],
        )
        for i in range(len(margin))
    ]


def with_control(result: InRegion, looks: Sequence[RegionLooks], target: int) -> InRegion:
    """Return a result with the answers to its `controls`."""
    drawn = [each for look in looks for each in _results(look, target)]
    shares = [each.share for each in drawn]
    turned = sum(each.turns for each in drawn)
    return replace(result, random=(turned, len(drawn)), random_share=float(np.mean(shares)))


def _probs(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    probs: np.ndarray = powers / powers.sum()
    return probs
