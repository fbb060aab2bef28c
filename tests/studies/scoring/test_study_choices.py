# SPDX-License-Identifier: MIT
"""A text names a choice, or it does not: no half-said answer counts as choice 1."""

from __future__ import annotations

import pytest

from latent_explorer.studies.build.answer_key import KeyItem, StudyKey
from latent_explorer.studies.scoring.answers import Answer, Respondent, Responses
from latent_explorer.studies.scoring.choices import is_right, marker, names_nothing, parse_choice
from latent_explorer.studies.scoring.score import score_study


@pytest.mark.parametrize(
    ("text", "choice"),
    [("1,0", "1"), ("[AO01] Choice 1", "1"), ("Bild - 2", "2"), ("No. 1", "1"), ("Choice-1", "1"), ("(1)", "1"),
     ("#2", "2"), ("A: The leaf gets darker", "1"), ("2) bottom row", "2"), ("Choice 1 (top)", "1"), ("1st", "1"),
     ("the second one", "2"), ("Option one", "1"), ("option two", "2"), ("Möglichkeit 2", "2"), ("réponse 1", "1"),
     ("\N{CIRCLED DIGIT ONE}", "1"), ("\N{FULLWIDTH DIGIT TWO}", "2"), ("选项 2", "2"), ("選択肢1", "1"),
     ("विकल्प 1", "1"), ("보기 2번", "2"), ("الخيار ١", "1")],
)  # fmt: skip
def test_a_name_of_a_choice_in_many_forms(text, choice) -> None:
    assert parse_choice(text) == choice


@pytest.mark.parametrize(
    "text",
    ["-1", "\N{MINUS SIGN}1", "-9", "'-1", "- 1", "Choice -1", "+1", "1/2", "\N{VULGAR FRACTION ONE HALF}", "1.5", "12",
     "99", "1%", "~1", "1?", "1 or 2", "1-2", "1, 2", "A or B", "A/B", "A, B", "1: or 2", "1.18E+11", "NaN", "nan",
     "Neither the first nor the second", "keine von beiden / none", "not sure, maybe 1", "maybe A", "maybe top",
     "not 1", "no 1", "kein 1", "neither 1", "none of 1", "2 of them", "both", "either", "first or second",
     "top and bottom", "I cannot tell", "the top one, I think", "a picture", "3) none of these", "A: not the bottom"],
)  # fmt: skip
def test_what_says_more_or_less_than_a_choice_names_none(text) -> None:
    assert parse_choice(text) is None
    assert is_right(text, "1") is None
    assert is_right(text, "2") is None


@pytest.mark.parametrize(
    "text", ["-1", "-99", "?", "...", "I don't know", "weiß nicht", "keine", "n/a", "no sé", "不知道"]
)
def test_no_answer_is_not_wrong_where_the_key_holds_a_choice_s_own_text(text) -> None:
    assert names_nothing(text)
    assert is_right(text, "The red leaf") is None
    assert is_right("The green leaf", "The red leaf") is False


def key_of(**changes) -> StudyKey:
    item = KeyItem(item="x", kind="classification", right="1")
    return StudyKey(**{"study": "abc", "items": (item, KeyItem(item="y", kind="verbal", attribute="y")), **changes})


def test_zero_is_a_choice_only_where_a_key_may_count_from_it() -> None:
    assert marker(key_of())("0", "1") is None
    assert marker(key_of(study=""))("0", "1") is False


def test_a_study_s_own_word_for_a_choice_is_known() -> None:
    key = key_of(made_with={"settings": {"texts": {"words": {"choice": "Wahlgang {n}"}}}})
    assert marker(key)("Wahlgang 1", "1") is True
    assert marker(key_of())("Wahlgang 1", "1") is None


def test_missing_codes_are_neither_answers_nor_words() -> None:
    people = tuple(
        Respondent(name=f"p{n}", source="e.csv", answers={"x": Answer("-1"), "y": Answer(word)})
        for n, word in enumerate(("-1", "?", "brown", "-99"))
    )
    score, _ = score_study(key_of(), Responses(respondents=people))
    assert score.overall is not None
    assert score.overall.score.n == 0
    assert len(score.unreadable) == 4
    assert (score.verbal[0].n, score.verbal[0].share) == (1, 1.0)
