# SPDX-License-Identifier: MIT
"""The result of a study as a value: everything that the report prints and the JSON holds. Computed in `score`."""

from __future__ import annotations

import math

import msgspec

from latent_explorer.studies.scoring.rules import Exclusion
from latent_explorer.studies.scoring.verbal import Distinctness, VerbalScore


class Proportion(msgspec.Struct, frozen=True):
    """Right answers of those given, with the 95 % Wilson interval and the exact test against chance."""

    right: int
    n: int
    accuracy: float
    low: float
    high: float
    p: float  # two-sided exact binomial
    p_holm: float = math.nan  # corrected within its table


class Spread(msgspec.Struct, frozen=True):
    """How values scatter. Both standard deviations, because published tables do not say which one they print."""

    over: str  # "items" or "respondents"
    n: int
    mean: float
    sd_population: float
    sd_sample: float
    low: float  # 95 % t interval of the mean
    high: float


class ItemScore(msgspec.Struct, frozen=True, kw_only=True):
    """One classification question."""

    item: str
    arm: str
    attribute: str
    distractor: str
    slot: int
    score: Proportion
    below_chance: bool  # significantly (p < 0.05, uncorrected): mis-keyed, or the distractor fits better
    median_seconds: float | None


class GroupScore(msgspec.Struct, frozen=True, kw_only=True):
    """Several questions together: an attribute, an arm, or all."""

    arm: str
    name: str
    items: int
    score: Proportion  # all answers pooled
    over_items: Spread
    over_respondents: Spread


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Accuracy of arm `a` minus that of arm `b`, by pairs: respondents who answered both, or items of one slot."""

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
    """One catch trial."""

    item: str
    right: int
    n: int


class StudyScore(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the report prints."""

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
