# SPDX-License-Identifier: MIT
"""What the score of a study says in plain words: its last sentence, its report, and who is left out."""

from __future__ import annotations

import math
import re

import msgspec
import pytest
from survey_exports import make_key

from latent_explorer.common.statistics import wilson_interval
from latent_explorer.studies.build.answer_key import KeyItem
from latent_explorer.studies.scoring.answers import Answer, Respondent, Responses
from latent_explorer.studies.scoring.report import conclusion, report, report_plots, sentences
from latent_explorer.studies.scoring.score import Proportion, StudyScore, score_study
from latent_explorer.studies.scoring.tables import verbal
from latent_explorer.studies.scoring.verbal import distinctness, score_words

KEY = make_key()


def scored(*answers: dict[str, str], missing: tuple[str, ...] = ()) -> StudyScore:
    people = [
        Respondent(name=str(i), source="a.csv", answers={k: Answer(v) for k, v in each.items()}, complete=True)
        for i, each in enumerate(answers)
    ]
    return score_study(KEY, Responses(respondents=tuple(people), missing=missing))[0]


RIGHT = {i.item: i.right or "darker" for i in KEY.items}
CATCH = tuple(i.item for i in KEY.items if i.role == "catch")


def test_who_fails_a_catch_trial_is_left_out() -> None:
    careless = {**RIGHT, CATCH[0]: "1" if RIGHT[CATCH[0]] == "2" else "2"}
    assert scored(RIGHT, careless).respondents == 1


def test_nobody_fails_a_catch_trial_that_the_survey_left_out() -> None:
    shortened = {k: v for k, v in RIGHT.items() if k not in CATCH}
    assert scored(shortened, shortened, missing=CATCH).respondents == 2


@pytest.mark.parametrize(
    ("right", "n", "meaning"),
    [(90, 100, "clearly more than the 50 %"), (50, 100, "does not show"), (10, 100, "check whether the key")],
)
def test_the_result_ends_with_one_plain_sentence(right, n, meaning) -> None:
    score = scored(RIGHT)
    assert score.overall is not None
    found = Proportion(right, n, right / n, *wilson_interval(right, n), 1.0)
    overall = msgspec.structs.replace(score.overall, score=found)
    last = list(sentences(msgspec.structs.replace(score, overall=overall)))[-1]
    assert f"{right} of {n} answers" in last
    assert meaning in last
    assert last.count(".") == 1


def test_without_choices_it_is_about_words() -> None:
    score = msgspec.structs.replace(scored(RIGHT, RIGHT), overall=None)
    questions = len(score.verbal)
    assert f"For {questions} of {questions} questions" in conclusion(score)
    nothing = msgspec.structs.replace(score, verbal=())
    assert "No answer could be scored" in conclusion(nothing)
    none = Proportion(0, 0, math.nan, 0.0, 1.0, math.nan)
    overall = msgspec.structs.replace(scored(RIGHT).overall, score=none)
    assert "No answer could be scored" in conclusion(msgspec.structs.replace(nothing, overall=overall))


def test_the_report_says_settings_in_words() -> None:
    made_with = {
        "settings": {"kinds": ["classification", "verbal"], "practice": True, "verbal_items": 1, "texts": {}},
        "arms": [{"name": "ours", "model_hash": "abc", "attributes": {}}],
    }
    score = scored(RIGHT)
    page = report(score, msgspec.structs.replace(KEY, made_with=made_with), report_plots(score, [1.0]))
    assert (
        "kinds of questions: classification, verbal; practice questions: yes; verbal questions per attribute: 1" in page
    )
    assert "model: abc" in page
    assert not re.search(r"\[&#x27;|\['|\bTrue\b|\bNone\b|verbal_items", page)


def test_words_are_listed_as_people_write_them() -> None:
    items = [KeyItem(item=k, kind="verbal", attribute=k) for k in ("x", "y")]
    person = Respondent(name="a", source="", answers={"x": Answer("Nothing"), "y": Answer("nothing")})
    words = score_words(items, [person], "en")
    assert distinctness("", words, "en").same_modal == (("x", "y", "nothing"),)
    table = verbal(msgspec.structs.replace(scored(RIGHT), verbal=tuple(words)))
    assert "stem" not in table.heads
    assert not any("noth" in row for row in table.rows)
