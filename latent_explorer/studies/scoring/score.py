# SPDX-License-Identifier: MIT
"""Compute the figures of a study from answers and a key, each with its interval and a named spread.

Section F.3 of the reference says what must be reported, and why: published tables print a bare "+-" over items.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING, Literal

import msgspec

from latent_explorer.common.statistics import (
    binomial_test,
    holm,
    mean,
    mean_interval,
    population_sd,
    sample_sd,
    wilson_interval,
)
from latent_explorer.studies.build.answer_key import KeyItem
from latent_explorer.studies.scoring.answers import Respondent
from latent_explorer.studies.scoring.choices import marker
from latent_explorer.studies.scoring.identity import identity_notes
from latent_explorer.studies.scoring.rules import Exclusion, Rules, applied, finished_notes
from latent_explorer.studies.scoring.verbal import Distinctness, VerbalScore, distinctness, score_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from latent_explorer.studies.build.answer_key import StudyKey
    from latent_explorer.studies.scoring.answers import Responses

ALPHA = 0.05
By = Literal["items", "respondents"]


class Proportion(msgspec.Struct, frozen=True):
    """Right answers among those given, with the 95 % Wilson interval and the exact test against chance."""

    right: int
    n: int
    accuracy: float
    low: float
    high: float
    p: float  # two-sided exact binomial
    p_holm: float = math.nan  # corrected within its table


class Spread(msgspec.Struct, frozen=True):
    """Spread of values. Has both standard deviations because published tables do not say which one they print."""

    over: str  # "items" or "respondents"
    n: int
    mean: float
    sd_population: float
    sd_sample: float
    low: float  # 95 % t interval of the mean
    high: float


class ItemScore(msgspec.Struct, frozen=True, kw_only=True):
    """Score of one classification question."""

    item: str
    arm: str
    attribute: str
    distractor: str
    slot: int
    score: Proportion
    below_chance: bool  # significantly (p < 0.05, uncorrected): wrong key, or the distractor fits better
    median_seconds: float | None


class GroupScore(msgspec.Struct, frozen=True, kw_only=True):
    """Score of several questions together: an attribute, an arm, or all."""

    arm: str
    name: str
    items: int
    score: Proportion  # all answers pooled
    over_items: Spread
    over_respondents: Spread


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Accuracy of arm `a` minus arm `b`, in pairs: respondents who answered both, or items of one slot."""

    a: str
    b: str
    over: str
    n: int
    mean: float
    sd_sample: float
    low: float  # 95 % t interval of the mean difference
    high: float
    better: int  # pairs in which `a` is ahead
    worse: int
    p: float  # exact sign test, ties left out
    p_holm: float = math.nan  # corrected for several pairs of arms


class CatchScore(msgspec.Struct, frozen=True):
    """Score of one catch trial."""

    item: str
    right: int
    n: int


class StudyScore(msgspec.Struct, frozen=True, kw_only=True):
    """Result of a study: everything that the report prints and the JSON holds."""

    study: str
    respondents_read: int
    respondents: int  # that count
    exclusions: tuple[Exclusion, ...]
    chance: float
    overall: GroupScore | None  # None: no classification questions
    overall_without_exclusions: Proportion | None
    arms: tuple[GroupScore, ...]
    attributes: tuple[GroupScore, ...]
    items: tuple[ItemScore, ...]
    differences: tuple[Difference, ...]
    catch: tuple[CatchScore, ...]
    verbal: tuple[VerbalScore, ...]
    distinctness: tuple[Distinctness, ...]
    unreadable: tuple[tuple[str, str, str], ...]  # respondent, item, answer
    missing_columns: tuple[str, ...]
    notes: tuple[str, ...]
    median_seconds: float | None  # a respondent, whole study


def score_study(key: StudyKey, responses: Responses, rules: Rules | None = None) -> tuple[StudyScore, list[str]]:
    """Return the figures, and for each respondent the rule that excludes them ("" for none)."""
    rules = rules or Rules()
    reasons, exclusions = applied(rules, responses.respondents, key)
    kept = [r for r, why in zip(responses.respondents, reasons, strict=True) if not why]
    tally = AnswerMarks.of(key, kept, responses.missing)
    everyone = AnswerMarks.of(key, responses.respondents, responses.missing)
    verbal = [i for i in key.items if i.kind == "verbal" and i.role == "item"]
    described = score_words(verbal, kept, key.language)
    arms = list(dict.fromkeys([*key.arms, *(i.arm for i in tally.items)]))
    score = StudyScore(
        study=key.study,
        respondents_read=len(responses.respondents),
        respondents=len(kept),
        exclusions=tuple(exclusions),
        chance=key.chance,
        overall=tally.group("", "all questions", tally.items) if tally.items else None,
        overall_without_exclusions=everyone.proportion(everyone.marks.values()),
        arms=_corrected([tally.group(arm, arm, tally.of_arm(arm)) for arm in arms if arm and tally.of_arm(arm)]),
        attributes=_corrected([tally.group(*about) for about in tally.attributes(arms)]),
        items=tally.item_scores(),
        differences=_differences(arms, tally, key.paired),
        catch=tuple(_catch(item, kept, key) for item in key.items if item.role == "catch"),
        verbal=tuple(described),
        distinctness=tuple(
            distinctness(arm, [v for v in described if v.arm == arm], key.language)
            for arm in dict.fromkeys(v.arm for v in described)
        ),
        unreadable=tally.unreadable,
        missing_columns=responses.missing,
        notes=(
            *responses.notes,
            *identity_notes(responses.respondents, one_survey=rules.one_survey),
            *finished_notes(responses.respondents, key),
        ),
        median_seconds=_median([r.seconds for r in kept]),
    )
    return score, reasons


@dataclass(frozen=True)
class AnswerMarks:
    """Right or wrong for every answer that names a choice: `marks` by the respondent's index and item."""

    items: list[KeyItem]  # classification questions that count
    respondents: list[Respondent]
    marks: dict[tuple[int, str], bool]
    unreadable: tuple[tuple[str, str, str], ...]
    chance: float

    @staticmethod
    def of(key: StudyKey, respondents: Sequence[Respondent], missing: Sequence[str]) -> AnswerMarks:
        """Mark every answer. Questions that no file has a column for are left out."""
        items = [i for i in key.items if i.kind == "classification" and i.role == "item" and i.item not in missing]
        mark = marker(key)
        marks: dict[tuple[int, str], bool] = {}
        unreadable = []
        for place, respondent in enumerate(respondents):
            for item in items:
                answer = respondent.answers.get(item.item)
                if answer is None:
                    continue
                right = mark(answer.value, item.right)
                if right is None:
                    unreadable.append((respondent.name, item.item, answer.value[:80]))
                else:
                    marks[place, item.item] = right
        return AnswerMarks(items, list(respondents), marks, tuple(unreadable), key.chance)

    def of_arm(self, arm: str) -> list[KeyItem]:
        """Return the questions of an arm."""
        return [i for i in self.items if i.arm == arm]

    def attributes(self, arms: Sequence[str]) -> list[tuple[str, str, list[KeyItem]]]:
        """Return (arm, attribute, questions) for every attribute that questions name."""
        by_attribute: dict[tuple[str, str], list[KeyItem]] = {}
        for item in (i for arm in arms for i in self.of_arm(arm) if i.attribute):
            by_attribute.setdefault((item.arm, item.attribute), []).append(item)
        return [(*about, items) for about, items in by_attribute.items()]

    def proportion(self, marks: Iterable[bool]) -> Proportion:
        """Return the share of right answers."""
        found = list(marks)
        right, n = sum(found), len(found)
        low, high = wilson_interval(right, n)
        share = right / n if n else math.nan
        return Proportion(right, n, share, low, high, binomial_test(right, n, self.chance))

    def accuracies(self, by: By, items: Sequence[KeyItem]) -> dict[int | str, float]:
        """Return the accuracy of every respondent or item that has any answer, by index or item."""
        item_ids = {i.item for i in items}
        grouped: dict[int | str, list[bool]] = defaultdict(list)
        for (respondent, item), right in self.marks.items():
            if item in item_ids:
                grouped[respondent if by == "respondents" else item].append(right)
        return {one: sum(each) / len(each) for one, each in grouped.items()}

    def group(self, arm: str, name: str, items: Sequence[KeyItem]) -> GroupScore:
        """Score several questions together."""
        item_ids = {i.item for i in items}
        return GroupScore(
            arm=arm,
            name=name,
            items=len(items),
            score=self.proportion(right for (_, item), right in self.marks.items() if item in item_ids),
            over_items=_spread("items", self.accuracies("items", items)),
            over_respondents=_spread("respondents", self.accuracies("respondents", items)),
        )

    def item_scores(self) -> tuple[ItemScore, ...]:
        """Score every question on its own."""
        by_item: dict[str, list[bool]] = {i.item: [] for i in self.items}
        for (_, item), right in self.marks.items():
            by_item[item].append(right)
        scores = [self.proportion(by_item[i.item]) for i in self.items]
        corrected = holm([score.p for score in scores])
        return tuple(map(self._item_score, self.items, scores, corrected))

    def _item_score(self, item: KeyItem, score: Proportion, p_holm: float) -> ItemScore:
        answers = (r.answers.get(item.item) for r in self.respondents)
        return ItemScore(
            item=item.item,
            arm=item.arm,
            attribute=item.attribute,
            distractor=item.distractor,
            slot=item.slot,
            score=msgspec.structs.replace(score, p_holm=p_holm),
            below_chance=score.p < ALPHA and score.accuracy < self.chance,
            median_seconds=_median([a.seconds for a in answers if a is not None]),
        )


def _spread(over: str, accuracies: Mapping[int | str, float]) -> Spread:
    values = list(accuracies.values())
    spreads = population_sd(values), sample_sd(values)
    return Spread(over, len(values), mean(values), *spreads, *mean_interval(values))


def _corrected(groups: Sequence[GroupScore]) -> tuple[GroupScore, ...]:
    """Correct the p values for multiple testing."""
    replace = msgspec.structs.replace
    corrected = holm([group.score.p for group in groups])
    return tuple(
        replace(group, score=replace(group.score, p_holm=p)) for group, p in zip(groups, corrected, strict=True)
    )


def _differences(arms: Sequence[str], tally: AnswerMarks, paired: bool) -> tuple[Difference, ...]:
    """Compare every arm with every later one: over respondents, and over items if slots pair them."""
    people = {arm: tally.accuracies("respondents", tally.of_arm(arm)) for arm in arms}
    slots = {arm: _by_slot(tally, arm) for arm in arms}
    pairs = list(combinations(arms, 2))
    over_people = [_difference(a, b, "respondents", people[a], people[b]) for a, b in pairs]
    over_items = [_difference(a, b, "items", slots[a], slots[b]) for a, b in pairs if paired]
    replace = msgspec.structs.replace
    return tuple(
        replace(difference, p_holm=p)
        for family in (over_people, over_items)
        for difference, p in zip(family, holm([d.p for d in family]), strict=True)
    )


def _by_slot(tally: AnswerMarks, arm: str) -> dict[int | str, float]:
    items = [i for i in tally.of_arm(arm) if i.slot >= 0]
    slots = {i.item: i.slot for i in items}
    return {slots[str(item)]: value for item, value in tally.accuracies("items", items).items()}


def _difference(
    a: str, b: str, over: By, of_a: Mapping[int | str, float], of_b: Mapping[int | str, float]
) -> Difference:
    values = [of_a[one] - of_b[one] for one in of_a if one in of_b]
    low, high = mean_interval(values)
    # Accuracies are shares of counts: smaller differences are rounding errors.
    better, worse = sum(v > 1e-12 for v in values), sum(v < -1e-12 for v in values)
    return Difference(
        a=a,
        b=b,
        over=over,
        n=len(values),
        mean=mean(values),
        sd_sample=sample_sd(values),
        low=low,
        high=high,
        better=better,
        worse=worse,
        p=binomial_test(better, better + worse),
    )


def _catch(item: KeyItem, respondents: Sequence[Respondent], key: StudyKey) -> CatchScore:
    answers = [r.answers[item.item].value for r in respondents if item.item in r.answers]
    mark = marker(key)
    right = sum(mark(a, item.right) is True for a in answers)
    return CatchScore(item.item, right, len(answers))


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
