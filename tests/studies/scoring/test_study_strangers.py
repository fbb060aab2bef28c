# SPDX-License-Identifier: MIT
"""Exports of studies made elsewhere: codes of services, keys written by hand, and messages when they do not fit."""

from __future__ import annotations

import json

import pytest
from survey_exports import make_key, make_people, qualtrics, written

from latent_explorer.common.csv_table import read_table
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.studies.build.answer_key import KeyItem, StudyKey, read_key, write_key
from latent_explorer.studies.scoring.answers import read_responses
from latent_explorer.studies.scoring.columns import BY_ORDER, key_draft, propose, write_key_draft
from latent_explorer.studies.scoring.report import cautions, headline, sentences
from latent_explorer.studies.scoring.score import score_study
from latent_explorer.studies.scoring.score_files import score_files

KEY = make_key()
PEOPLE = make_people(KEY)


def score(tmp_path, data: bytes, key: StudyKey):
    (tmp_path / "export.csv").write_bytes(data)
    return score_study(key, read_responses([tmp_path / "export.csv"], key))[0]


def test_a_draft_with_its_right_answers_is_a_key(tmp_path) -> None:
    """The published way to write a key is a row of letters."""
    data = qualtrics(KEY, PEOPLE, codes=False)
    right = ["AB"[int(i.right) - 1] for i in KEY.items if i.kind == "classification"]
    write_key_draft(tmp_path / "key.csv", key_draft(data, "export.csv", right))
    key = read_key(tmp_path / "key.csv")
    assert [i.right for i in key.items if i.right] == right
    marks = [  # the draft counts catch trials as questions
        p.answers[i.item] == i.right
        for p in PEOPLE[1:]
        for i in KEY.items
        if i.right and i.item in p.answers and p.finished and len(p.answers) == len(KEY.items)
    ]
    found = score(tmp_path, data, key).overall.score
    assert (found.right, found.n) == (sum(marks), len(marks))
    with pytest.raises(UserError, match="3 right answers are given, but 26 columns"):
        key_draft(data, "export.csv", ["A", "B", "B"])


LIME = [
    ("id", "Response ID"),
    ("submitdate", "Date submitted"),
    ("lastpage", "Last page"),
    ("startlanguage", "Start language"),
    ("seed", "Seed"),
    ("startdate", "Date started"),
    ("datestamp", "Date last action"),
    ("ipaddr", "IP address"),
    ("refurl", "Referrer URL"),
    ("G01Q01", "Which one?"),
    ("G01Q02", "Which one?"),
    ("G01Q03", "What changes?"),
    ("interviewtime", "Total time"),
    ("groupTime1", "Group time: One"),
    ("G01Q01Time", "Question time: G01Q01"),
]
LIME_KEY = "column,right,arm,slot\nG01Q01,A,x,0\nG01Q02,B,y,0\nG01Q03,,x,\n"


@pytest.mark.parametrize("heads", [[c for c, _ in LIME], [f"{c}. {t}" for c, t in LIME]])
@pytest.mark.parametrize("code", ["A{}", "AO0{}"])
def test_lime_survey_with_codes_of_questions_and_answers(tmp_path, heads, code) -> None:
    def row(number: int, first: int, second: int, done: str = "2026-03-01 10:00:00") -> list[str]:
        answers = [code.format(first), code.format(second), "brown spots"]
        return [str(number), done, "3", "en", "77", "x", "x", "1.1.1.1", "", *answers, "200", "100", "9"]

    stopped = row(4, 2, 1, done="")
    stopped[11] = ""
    data = written([heads, row(1, 1, 2), row(2, 1, 1), row(3, 2, 2), stopped])
    assert [d.proposal.column for d in key_draft(data, "lime.csv")] == heads[9:12]
    (tmp_path / "key.csv").write_text(LIME_KEY, encoding="utf-8")
    found = score(tmp_path, data, read_key(tmp_path / "key.csv"))
    assert (found.respondents, found.median_seconds) == (3, 200)
    assert [(g.score.right, g.score.n) for g in found.arms] == [(2, 3), (2, 3)]
    assert [d.over for d in found.differences] == ["respondents", "items"]  # slots pair the arms


def test_codes_of_a_service_that_name_no_choice_are_explained(tmp_path) -> None:
    data = written([["ResponseId", "Q1"], ["r1", "4"], ["r2", "5"]])
    (tmp_path / "key.csv").write_text("column,right\nQ1,A\n", encoding="utf-8")
    found = score(tmp_path, data, read_key(tmp_path / "key.csv"))
    assert headline(found) == "2 of 2 respondents count. There is no answer to score."
    assert "'4' of r1 to Q1" in cautions(found)[-1]
    assert "nan" not in " ".join(sentences(found))
    (tmp_path / "key.csv").write_text("column,right\nQ1,4\n", encoding="utf-8")
    found = score(tmp_path, data, read_key(tmp_path / "key.csv"))
    assert (found.overall.score.right, found.overall.score.n) == (1, 2)


def test_when_nobody_counts_the_result_says_why(tmp_path) -> None:
    data = written([["ResponseId", "Finished", "Q1", "Q2"], ["r1", "False", "A", ""]])
    (tmp_path / "key.csv").write_text("column,right\nQ1,A\nQ2,A\n", encoding="utf-8")
    found = score(tmp_path, data, read_key(tmp_path / "key.csv"))
    assert "everybody (unfinished 1)" in cautions(found)[0]


def test_questions_with_more_than_two_choices(tmp_path) -> None:
    data = written([["ResponseId", "Q1", "Q2"], ["r1", "C", "A"], ["r2", "B", "D"]])
    (tmp_path / "key.csv").write_text("column,right,choices\nQ1,C,4\nQ2,A,4\n", encoding="utf-8")
    found = score(tmp_path, data, read_key(tmp_path / "key.csv"))
    assert (found.chance, found.overall.score.right, found.overall.score.n) == (0.25, 2, 4)
    (tmp_path / "key.csv").write_text("column,right,choices\nQ1,C,4\nQ2,A,2\n", encoding="utf-8")
    with pytest.raises(UserError, match="one number of choices"):
        read_key(tmp_path / "key.csv")


def test_a_name_that_several_columns_have_is_no_guess(tmp_path) -> None:
    data = written([["ResponseId", "Which?", "Which?"], ["r1", "A", "B"]])
    (tmp_path / "key.csv").write_text("item,column,right\na,Which?,A\nb,Which?,A\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"2 columns of the answers are called 'Which\?'.*#2, #3"):
        score(tmp_path, data, read_key(tmp_path / "key.csv"))
    (tmp_path / "key.csv").write_text("item,column,right\na,#2,A\nb,#2,A\n", encoding="utf-8")
    with pytest.raises(UserError, match="a and b both have the column '#2'"):
        score(tmp_path, data, read_key(tmp_path / "key.csv"))


def test_a_code_is_no_part_of_another() -> None:
    key = StudyKey(study="", items=tuple(KeyItem(item=str(n), kind="verbal") for n in (1, 10)))
    data = written([["ResponseId", "Q10", "Q1"], ["r1", "ten", "one"]])
    assert [p.column for p in propose(data, "x.csv", key)] == ["Q1", "Q10"]


def test_where_the_numbers_differ_columns_are_proposed_by_kind(tmp_path) -> None:
    rows = [["Q2", "Age", "Q3", "Why"]]
    rows += [["AB"[n % 2], str(20 + n), "A", f"reason {n}"] for n in range(20)]
    items = [KeyItem(item=name, kind="classification", right="A") for name in ("one", "two")]
    found = propose(written(rows), "x.csv", StudyKey(study="", items=tuple(items)))
    assert [(p.column, p.how) for p in found] == [("Q2", BY_ORDER), ("Q3", BY_ORDER)]


def test_our_own_table_needs_no_columns(tmp_path) -> None:
    write_key(tmp_path / "key.json", KEY)
    (tmp_path / "export.csv").write_bytes(qualtrics(KEY, PEOPLE))
    run_job(score_files([tmp_path / "export.csv"], tmp_path / "key.json", tmp_path / "out"))
    assert propose((tmp_path / "out" / "answers.csv").read_bytes(), "answers.csv", KEY) == []


def test_the_first_line_of_excel_is_no_header() -> None:
    assert read_table(b"sep=;\r\na;b,c\r\n1;2,5\r\n", "x.csv") == [["a", "b,c"], ["1", "2,5"]]
    with pytest.raises(UserError, match="workbook or an archive"):
        read_table(b"PK\x03\x04rest", "x.xlsx")


def page_file(name: str, *answers: str, **more) -> str:
    found = [{"item": item, "answer": "1", "ms": 4000} for item in answers]
    return json.dumps({"format": "latent-explorer-answers", "version": 1, "study": KEY.study,
                       "respondent": name, "complete": True, "answers": found, **more})  # fmt: skip


def test_answers_in_the_study_s_own_folder(tmp_path) -> None:
    write_key(tmp_path / "key.json", KEY)
    (tmp_path / "survey.csv").write_text("number,name\n1,x\n", encoding="utf-8")
    (tmp_path / "README.txt").write_text("what to do", encoding="utf-8")
    (tmp_path / "a.json").write_text(page_file("a", KEY.items[0].item), encoding="utf-8")
    assert [r.name for r in read_responses([tmp_path], KEY).respondents] == ["a"]


def test_answers_to_other_questions_do_not_count(tmp_path) -> None:
    """A duplicate with invented items must not win, nor seem slow."""
    one, two = KEY.items[0].item, KEY.items[1].item
    (tmp_path / "a.json").write_text(page_file("a", one, two), encoding="utf-8")
    (tmp_path / "b.json").write_text(page_file("a", "x1", "x2", "x3", one), encoding="utf-8")
    found = score_study(KEY, read_responses([tmp_path], KEY))[0]
    assert (found.respondents, found.overall.score.n) == (1, 2)
    (tmp_path / "a.json").unlink()
    (tmp_path / "b.json").write_text(page_file("a", "x1"), encoding="utf-8")
    with pytest.raises(UserError, match="none of the key's questions"):
        read_responses([tmp_path], KEY)


def test_respondents_without_a_name_are_no_doubles(tmp_path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.json").write_text(page_file("", KEY.items[0].item), encoding="utf-8")
    assert score_study(KEY, read_responses([tmp_path], KEY))[0].respondents == 2
