# SPDX-License-Identifier: MIT
"""What a search found: the attributes, and the figures they were chosen from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from latent_explorer.common.events import Notice
from latent_explorer.explain.attfind.greedy import Pick, Ranking
from latent_explorer.models.architecture import StyleLayout
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Subject:
    """What a search is about. C is the number of classes that it asks about: all K, or the two of a pair."""

    classifier_id: str
    classes: tuple[int, ...]  # (C,) which of the classifier's classes they are
    answers: np.ndarray  # (N, C) about the reconstructions, see `Question`
    limits: np.ndarray  # (2, S) the ends that the coordinates are moved to
    ranges: str  # where these come from, in words
    layout: StyleLayout
    own_ends: bool = False  # they are no observed minimum and maximum, so that attributes must carry them along

    @property
    def verdicts(self) -> np.ndarray:
        """Verdicts (N,) on the reconstructions, as places in `classes`."""
        verdicts: np.ndarray = self.answers.argmax(axis=1)
        return verdicts


@dataclass(frozen=True)
class AttFindResult:
    """Attributes found by a search, with the figures they were chosen from.

    `ranked[t]` are the picks that raise class t (of the subject's), best first. With two classes both lists are the one
    merged list read in either direction. `rankings[t]` is the greedy search of target t before the merge.
    """

    attribute_set: AttributeSet
    subject: Subject
    ranked: dict[int, tuple[Pick, ...]]
    rankings: dict[int, Ranking]
    effects: np.ndarray  # (N, 2, S, C): exact if rendered, else expected; unstable pictures are not zeroed here
    rendered: np.ndarray  # (N, 2, S) bool
    unstable: np.ndarray  # (N,) bool


def attribute_of(pick: Pick, subject: Subject, *, exact: bool = True) -> Attribute:
    """Return a pick as an attribute. Its effect has no interval with fewer than two pictures of other classes."""
    j, layout = pick.style_index, subject.layout
    torgb = j >= layout.num_styles
    low, high = map(float, subject.limits[:, j])
    entry = AttributeEntry(j, pick.end, ends=(low, high) if torgb or subject.own_ends else msgspec.UNSET)
    return Attribute(
        name=_name_of_torgb(pick, layout) if torgb else "",
        target=subject.classes[pick.target],
        entries=(entry,),
        mean_effect=pick.mean_effect,
        interval=pick.interval if (subject.verdicts != pick.target).sum() > 1 else None,
        round=pick.round,
        exact=exact,
    )


def _name_of_torgb(pick: Pick, layout: StyleLayout) -> str:
    layer, channel = layout.at(pick.style_index)
    return f"toRGB {layer.resolution} px, channel {channel} {'up' if pick.end == 'max' else 'down'}"


def short_list_notices(result: AttFindResult, names: Sequence[str]) -> Iterator[Notice]:
    """Yield a notice for every class whose list is shorter than requested, or one that no picture can be used."""
    if result.unstable.all():
        settings = result.attribute_set.settings
        text = (
            f"No attributes: every picture is unstable (more than {settings['unstable_share']:.1%} of its moves change "
            f"a logit by more than {settings['unstable_effect']:g}). A smaller kappa moves less."
        )
        yield Notice(text, "warning")
        return
    for target, ranking in result.rankings.items():
        name = names[result.subject.classes[target]]
        listed = {pick.style_index for pick in result.ranked[target]}
        if ranking.picks and ranking.picks[0].style_index not in listed:
            first = ranking.picks[0]
            way = "up" if first.end == "max" else "down"
            text = (
                f"Style {first.style_index} {way}, which the search towards {name} chose first, is not listed: both "
                f"searches are merged into one list by the effect there and back, and it is not among the first "
                f"{len(listed)}."
            )
            yield Notice(text)
        if ranking.stop == "no pictures" and result.ranked[target]:
            text = f"Every picture is {name} already: its list is that of the other class reversed, and has no effects."
            yield Notice(text, "warning")
        elif ranking.stop == "no pictures":
            yield Notice(f"No attributes towards {name}: every picture is of that class already.", "warning")
        elif ranking.stop == "all explained":
            text = f"{len(ranking.picks)} attributes towards {name}: each picture is explained by one of them."
            yield Notice(text)
        elif ranking.stop != "complete":
            text = f"Only {len(ranking.picks)} attributes towards {name}: no other coordinate raises it."
            yield Notice(text, "warning")
