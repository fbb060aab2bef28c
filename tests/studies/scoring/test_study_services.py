# SPDX-License-Identifier: MIT
"""Exports of several survey services with the same answers, and hostile files."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from survey_exports import (
    ALL_WHO_FINISHED,
    COUNT,
    google_forms,
    lime_survey,
    make_key,
    make_people,
    qualtrics,
    survey_monkey,
)

from latent_explorer.common.csv_table import escape_formula, read_table, unescape_formula, write_table
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.studies.build.answer_key import read_key, write_key
from latent_explorer.studies.scoring import answers
from latent_explorer.studies.scoring.answers import parse_bool, parse_seconds, read_responses
from latent_explorer.studies.scoring.choices import is_right, parse_choice
from latent_explorer.studies.scoring.columns import BY_NAME, BY_ORDER, key_draft, propose, read_columns, write_proposals
from latent_explorer.studies.scoring.score import score_study
from latent_explorer.studies.scoring.score_files import score_files

KEY = make_key()
PEOPLE = make_people(KEY)


@pytest.fixture
def key_path(tmp_path):
    write_key(tmp_path / "key.json", KEY)
    return tmp_path / "key.json"


def score(tmp_path, data: bytes, key=KEY, columns=None):
    path = tmp_path / "export.csv"
    path.write_bytes(data)
    return score_study(key, read_responses([path], key, columns), ALL_WHO_FINISHED)[0]


@pytest.mark.parametrize("export", [qualtrics, lime_survey, survey_monkey, google_forms])
def test_every_service_gives_the_same_figures(tmp_path, export) -> None:
    reference = score(tmp_path, qualtrics(KEY, PEOPLE))
    people = PEOPLE
    if export in (survey_monkey, google_forms):  # these do not mark previews
        people = [p for p in PEOPLE if not p.preview]
    if export is google_forms:  # nor name respondents
        people = [p for p in people if len(p.answers) in (0, len(KEY.items)) or not p.finished]
    found = score(tmp_path, export(KEY, people))
    if export is lime_survey:  # previews are not marked there either: the one more is known
        assert found.respondents == COUNT + 1
        return
    assert found.respondents == COUNT
    assert found.overall == reference.overall
    assert found.items[0].score == reference.items[0].score
    assert found.differences == reference.differences
    # a line break within a phrase is no other phrase
    assert [v.top for v in found.verbal] == [v.top for v in reference.verbal]


def test_semicolons_and_no_byte_order_mark(tmp_path) -> None:
    found = score(tmp_path, qualtrics(KEY, PEOPLE, sep=";").removeprefix(b"\xef\xbb\xbf"))
    assert found.overall == score(tmp_path, qualtrics(KEY, PEOPLE)).overall


def test_previews_as_numbers(tmp_path) -> None:
    data = qualtrics(KEY, PEOPLE).replace(b"Survey Preview", b"1").replace(b"IP Address", b"0")
    data = data.replace(b",preview,", b",anonymous,")
    assert score(tmp_path, data).respondents == COUNT


def test_columns_are_proposed_by_order_completed_and_used(tmp_path, key_path) -> None:
    data = qualtrics(KEY, PEOPLE, codes=False)
    with pytest.raises(UserError, match="study columns"):
        score(tmp_path, data)
    proposals = propose(data, "export.csv", KEY)
    assert {p.how for p in proposals} == {BY_ORDER}
    assert proposals[2].column == "Q3"
    write_proposals(tmp_path / "columns.csv", proposals)
    columns = read_columns(tmp_path / "columns.csv")
    assert score(tmp_path, data, columns=columns) == score(tmp_path, qualtrics(KEY, PEOPLE))
    job = score_files([tmp_path / "export.csv"], key_path, tmp_path / "out", ALL_WHO_FINISHED, tmp_path / "columns.csv")
    assert run_job(job).score.respondents == COUNT
    assert {p.how for p in propose(qualtrics(KEY, PEOPLE), "x", KEY)} == {BY_NAME}


def test_a_column_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(UserError, match="no column 'Q99'"):
        score(tmp_path, qualtrics(KEY, PEOPLE), columns={KEY.items[0].item: "Q99"})


def test_a_key_written_by_hand_scores_a_survey_of_another_origin(tmp_path) -> None:
    lines = ["column;arm;attribute;right"]
    lines += [f"Q{n};{i.arm};{i.attribute};{'AB'[int(i.right) - 1] if i.right else ''}"
              for n, i in enumerate(KEY.items, 1) if i.role == "item"]  # fmt: skip
    (tmp_path / "mine.csv").write_text("\n".join(lines), encoding="utf-8")
    key = read_key(tmp_path / "mine.csv")
    data = qualtrics(KEY, PEOPLE, codes=False)
    found, reference = score(tmp_path, data, key), score(tmp_path, qualtrics(KEY, PEOPLE))
    assert found.overall == reference.overall
    assert [g.score for g in found.arms] == [g.score for g in reference.arms]
    assert [v.share for v in found.verbal] == [v.share for v in reference.verbal]


def test_a_key_is_drafted_from_headers_and_values() -> None:
    drafted = [d.proposal for d in key_draft(qualtrics(KEY, PEOPLE, codes=False), "export.csv")]
    assert [p.column for p in drafted] == [f"Q{n}" for n in range(1, len(KEY.items) + 1)]
    assert [p.kind for p in drafted] == [i.kind for i in KEY.items]
    assert drafted[0].question == "Q1 Look at the picture. Which one is it?"
    assert re.fullmatch(r"[AB] \(\d+\), [AB] \(\d+\)", drafted[0].seen)


def test_columns_of_one_name_are_told_by_their_place(tmp_path) -> None:
    """Forms repeat the question's text over every column."""
    head, *body = google_forms(KEY, PEOPLE[1:21]).decode().splitlines()
    data = "\n".join([",".join(["Timestamp"] + ["Which one?"] * head.count(",")), *body]).encode()
    drafted = key_draft(data, "form.csv")
    assert [d.proposal.column for d in drafted] == [f"#{n}" for n in range(2, 2 + len(KEY.items))]
    lines = ["column,kind,role,arm,right"]
    lines += [
        f"{d.proposal.column},{i.kind},{i.role},{i.arm},{i.right}" for d, i in zip(drafted, KEY.items, strict=True)
    ]
    (tmp_path / "mine.csv").write_text("\n".join(lines), encoding="utf-8")
    found = score(tmp_path, data, read_key(tmp_path / "mine.csv"))
    assert found.overall.score == score(tmp_path, google_forms(KEY, PEOPLE[1:21])).overall.score


def test_some_missing_columns_are_told_and_left_out(tmp_path) -> None:
    gone = KEY.items[3].item
    found = score(tmp_path, qualtrics(KEY, PEOPLE).replace(f"q{gone}".encode(), b"renamed"))
    assert found.missing_columns == (gone,)
    assert len(found.items) == 23


@pytest.mark.parametrize(
    ("text", "choice"),
    [("1", "1"), ("B", "2"), ("choice 2", "2"), ("A)", "1"), ("B: the lower", "2"), ("top-right", "1"),
     ("Bottom right", "2"), ("left", "1"), ("Right", "2"), ("1.0", "1"), ("Image b", "2"), ("4", "4"), ("AO02", "2"),
     ("A1", "1"), ("I do not know", None), ("a leaf turns brown", None), ("", None), ("x" * 500, None)],
)  # fmt: skip
def test_choices_are_read_from_what_services_write(text, choice) -> None:
    assert parse_choice(text) == choice


def test_what_names_no_choice_is_neither_right_nor_wrong() -> None:
    assert is_right("do not know", "1") is None
    assert is_right("7", "1") is None
    assert is_right("B", "2") is True
    assert is_right("the red leaf", "The Red Leaf") is True
    assert is_right("another leaf", "The Red Leaf") is False
    assert (is_right("5", "5"), is_right("4", "5")) == (True, False)  # a service's own codes


def test_unreadable_answers_are_counted_as_missing(tmp_path) -> None:
    given = PEOPLE[1].answers[KEY.items[0].item]
    data = google_forms(KEY, [PEOPLE[1]]).replace(f"Choice {given}".encode(), b"no idea", 1)
    found = score(tmp_path, data)
    assert [u[2] for u in found.unreadable] == ["no idea"]
    assert found.overall.score.n == 23


def test_cells_as_numbers_and_truths() -> None:
    assert parse_seconds("12,5") == 12.5
    assert parse_seconds("00:03:20") == 200
    assert [parse_seconds(x) for x in ("", "soon", "-3", "nan", "inf", "1:2:3:4", "1e99")] == [None] * 7
    assert [parse_bool(x) for x in ("TRUE", "0", "ja", "?")] == [True, False, True, None]


def answers_json(**changes) -> dict:
    return {
        "format": "latent-explorer-answers",
        "version": 1,
        "study": KEY.study,
        "respondent": "r1",
        "complete": True,
        "answers": [{"item": KEY.items[0].item, "answer": "1", "ms": 900}],
        **changes,
    }


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x00\x01\x02" * 100, b"{", b"[" * 200_000, b'{"a":' * 100_000, b"{}", b"[1, 2]", b'{"format": 3}',
        json.dumps(answers_json(format="other")).encode(), json.dumps(answers_json(version=99)).encode(),
        json.dumps(answers_json(study="other")).encode(), json.dumps(answers_json(answers=[3])).encode(),
        json.dumps(answers_json(answers=[{"item": 1, "answer": None}])).encode(), b"\xff\xfe\xfd", b'"' * 300_000,
        b"a,b\n1,2", b"x" * 200_000 + b",y\n1,2", b",".join([b"a"] * 6000) + b"\n1",
    ],
    ids=range(18),
)  # fmt: skip
def test_files_that_are_no_answers_are_refused_in_words(tmp_path, data) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(data)
    with pytest.raises(UserError):
        read_responses([path], KEY)


def test_a_file_too_large_is_not_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(answers, "MAX_BYTES", 100)
    (tmp_path / "big.json").write_bytes(b" " * 101)
    with pytest.raises(UserError, match="larger than"):
        read_responses([tmp_path / "big.json"], KEY)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"format":"latent-explorer-study-key","version":9}',
        b'{"format":"latent-explorer-study-key","study":"x","items":[]}',
        b"right\n1\n",
        b"a,b\n",
    ],
)
def test_files_that_are_no_key_are_refused_in_words(tmp_path, data) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(data)
    with pytest.raises(UserError):
        read_key(path)


FORMULAS = ["=HYPERLINK(1)", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", " =1", "|cmd"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_runs_as_a_formula(text) -> None:
    assert not str(escape_formula(text)).lstrip().startswith(("=", "+", "-", "@", "|"))
    assert unescape_formula(str(escape_formula(text))) == text
    assert escape_formula(-0.5) == -0.5


def test_free_text_is_guarded_in_tables_and_escaped_in_the_report(tmp_path, key_path) -> None:
    verbal = next(i for i in KEY.items if i.kind == "verbal")
    evil = "=cmd|'/c calc'!A1 <script>alert(1)</script>\"'&"
    found = answers_json(respondent="<b>=1+1</b>", answers=[{"item": verbal.item, "answer": evil, "ms": 5}])
    (tmp_path / "a.json").write_text(json.dumps(found), encoding="utf-8")
    run_job(score_files([tmp_path / "a.json"], key_path, tmp_path / "out"))
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    rows = list(csv.reader(io.StringIO((tmp_path / "out" / "answers.csv").read_text(encoding="utf-8-sig"))))
    assert not [c for row in rows for c in row if c.startswith(("=", "+", "-", "@"))]
    assert evil in {unescape_formula(c) for row in rows for c in row}
    for path in (tmp_path / "out").glob("*.svg"):
        assert "<script" not in path.read_text(encoding="utf-8")


def test_the_same_person_twice_counts_once(tmp_path, key_path) -> None:
    more = [{"item": i.item, "answer": "1"} for i in KEY.items[:4]]
    (tmp_path / "a.json").write_text(json.dumps([answers_json(), answers_json(answers=more)]))
    (tmp_path / "b.json").write_text(json.dumps(answers_json(respondent="r2")))
    found = run_job(score_files([tmp_path / "a.json", tmp_path / "b.json"], key_path, tmp_path / "out")).score
    assert (found.respondents_read, found.respondents) == (3, 2)
    assert found.overall.score.n == 5


def test_tables_survive_a_round_trip(tmp_path) -> None:
    rows = [["a", "=b"], ['quo"te', "new\nline"], ["", "ü"]]
    write_table(tmp_path / "t.csv", ["x", "y;z"], rows)
    found = read_table((tmp_path / "t.csv").read_bytes(), "t.csv")
    assert found[0] == ["x", "y;z"]
    assert [[unescape_formula(c) for c in row] for row in found[1:]] == rows
