# SPDX-License-Identifier: MIT
"""Rules that exclude respondents. Each has a name and is reported with its count; nobody is excluded silently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from latent_explorer.common.errors import UserError
from latent_explorer.studies.scoring.choices import marker
from latent_explorer.studies.scoring.identity import identities

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from latent_explorer.studies.build.answer_key import KeyItem, StudyKey
    from latent_explorer.studies.scoring.answers import Respondent

RuleName = Literal["preview", "duplicate", "unfinished", "too-fast", "failed-catch"]
ALL_RULES: tuple[RuleName, ...] = (
    "preview", "duplicate", "unfinished", "too-fast", "failed-catch",
)  # fmt: skip


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Rules that exclude respondents, and their limits. The other rules are only counted."""

    exclude: tuple[RuleName, ...] = ("preview", "duplicate", "unfinished", "failed-catch")
    least_seconds: float = 1.0  # a question, on average: less is too fast
    most_failed: int = 0  # catch trials that may be failed
    one_survey: bool = False  # the same id in several files is one person

    def check(self) -> Rules:
        """Return the rules themselves; raises UserError for a rule that does not exist."""
        unknown = [name for name in self.exclude if name not in ALL_RULES]
        if unknown:
            raise UserError(f"There is no rule {unknown[0]!r}. Rules are: {', '.join(ALL_RULES)}.")
        return self


class Exclusion(msgspec.Struct, frozen=True):
    """Rule, and the respondents that it found among those left by the rules before it."""

    rule: RuleName
    words: str  # the rule as a sentence
    applied: bool  # False: counted only
    respondents: tuple[str, ...]


def applied(rules: Rules, respondents: Sequence[Respondent], key: StudyKey) -> tuple[list[str], list[Exclusion]]:
    """Return the rule that excludes each respondent ("" for none), and what each rule found, in order."""
    reasons = [""] * len(respondents)
    exclusions = []
    for name, words, find in _rules(rules.check(), key, respondents):
        left = [i for i, reason in enumerate(reasons) if not reason]
        caught = [left[i] for i in sorted(find([respondents[i] for i in left]))]
        names = tuple(respondents[i].name for i in caught)
        exclusions.append(Exclusion(name, words, name in rules.exclude, names))
        if name in rules.exclude:
            for i in caught:
                reasons[i] = name
    return reasons, exclusions


def _rules(
    rules: Rules, key: StudyKey, respondents: Sequence[Respondent]
) -> list[tuple[RuleName, str, Callable[[Sequence[Respondent]], list[int]]]]:
    questions = [item for item in key.items if item.role != "practice"]
    # Not those whose column the answers lack: nobody could pass them.
    catch = [i for i in questions if i.role == "catch" and any(i.item in r.answers for r in respondents)]
    limit, max_failed, mark = rules.least_seconds, rules.most_failed, marker(key)
    return [
        ("preview", "Previews and tests of the survey service.",
         lambda all_: [i for i, r in enumerate(all_) if r.preview]),
        ("duplicate",
         f"Further rows of a respondent id{'' if rules.one_survey else ' in a file'}; the one with the most answers "
         "counts, of equals the last.",
         lambda all_: duplicates(all_, one_survey=rules.one_survey)),
        ("unfinished",
         "An answer is missing, and the file does not say that the respondent finished.",
         lambda all_: [i for i, r in enumerate(all_) if is_unfinished(r, questions)]),
        ("too-fast", f"Less than {limit:g} s per question on average.",
         lambda all_: [i for i, r in enumerate(all_) if _pace(r) < limit]),
        ("failed-catch", f"More than {max_failed} of {len(catch)} catch trials answered wrongly or not at all.",
         lambda all_: [i for i, r in enumerate(all_) if failed_catch(r, catch, mark) > max_failed]),
    ]  # fmt: skip


def duplicates(respondents: Sequence[Respondent], *, one_survey: bool = False) -> list[int]:
    """Return the rows of a person who has another row that counts instead."""
    best: dict[Hashable, int] = {}
    for i, who in enumerate(identities(respondents, one_survey=one_survey)):
        before = best.get(who)
        if before is None or len(respondents[i].answers) >= len(respondents[before].answers):
            best[who] = i
    counting = set(best.values())
    return [i for i in range(len(respondents)) if i not in counting]


def is_unfinished(respondent: Respondent, questions: Sequence[KeyItem]) -> bool:
    """Return True if the respondent did not reach the end: whoever answered every question did, whatever a file says.

    Services take a questionnaire for unfinished whose last button was not pressed.
    """
    return respondent.complete is not True and any(item.item not in respondent.answers for item in questions)


def finished_notes(respondents: Sequence[Respondent], key: StudyKey) -> list[str]:
    """Return a sentence about those who count as finished although their file says otherwise; none without them."""
    questions = [item for item in key.items if item.role != "practice"]
    found = [r.name for r in respondents if r.complete is False and not is_unfinished(r, questions)]
    if not found:
        return []
    names = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
    return [
        f"Marked as not finished in the file, but every question is answered: {len(found)} ({names}). They count as "
        "finished: perhaps the last button was not pressed."
    ]


def _pace(respondent: Respondent) -> float:
    """Return the seconds per answer; infinite if they were not measured."""
    if respondent.seconds is None or not respondent.answers:
        return float("inf")
    return respondent.seconds / len(respondent.answers)


def failed_catch(respondent: Respondent, catch: Sequence[KeyItem], mark: Callable[[str, str], bool | None]) -> int:
    """Return the number of catch trials that were not answered correctly; `mark` is the study's `marker`."""
    answers = (respondent.answers.get(item.item) for item in catch)
    return sum(a is None or mark(a.value, item.right) is not True for a, item in zip(answers, catch, strict=True))
