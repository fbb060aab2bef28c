# SPDX-License-Identifier: MIT
"""Who is who: waves whose ids both begin at 1, exports given twice, ids that a spreadsheet rounded."""

from __future__ import annotations

import json
import time

import pytest
from survey_exports import Person, lime_survey, make_key, make_people, qualtrics

from latent_explorer.common.jobs import run_job
from latent_explorer.studies.build.answer_key import write_key
from latent_explorer.studies.scoring.answers import Answer, Respondent, read_responses
from latent_explorer.studies.scoring.report import cautions
from latent_explorer.studies.scoring.rules import Rules, duplicates
from latent_explorer.studies.scoring.score import StudyScore, score_study
from latent_explorer.studies.scoring.score_files import score_files

KEY = make_key()
WHO = ("preview", "duplicate", "unfinished")  # not by their catch trials
FINISHED = [p for p in make_people(KEY) if len(p.answers) == len(KEY.items) and not p.preview]


def wave(first: int, count: int = 12) -> bytes:
    """Return an export of people with the ids 1, 2, ..."""
    people = FINISHED[first : first + count]
    return lime_survey(KEY, [Person(str(n), p.answers, seconds=p.seconds) for n, p in enumerate(people, 1)])


def score(*paths, **rules) -> StudyScore:
    return score_study(KEY, read_responses(list(paths), KEY), Rules(exclude=WHO, **rules))[0]


@pytest.fixture
def waves(tmp_path):
    paths = tmp_path / "wave A" / "lime.csv", tmp_path / "wave B" / "lime.csv"
    for path, first in zip(paths, (0, 20), strict=True):
        path.parent.mkdir()
        path.write_bytes(wave(first))
    return paths


def test_the_same_ids_in_two_files_are_different_people(waves) -> None:
    found = score(*waves)
    assert (found.respondents_read, found.respondents) == (24, 24)
    assert any("12 respondent ids are in several files (1, 2, 3, ...)" in text for text in cautions(found))


def test_unless_the_person_says_that_the_files_are_one_survey(waves) -> None:
    found = score(*waves, one_survey=True)
    assert found.respondents == 12
    assert not any("several files" in text for text in cautions(found))


def test_who_answered_every_question_finished_whatever_the_service_says(tmp_path) -> None:
    people = [Person(str(n), p.answers, finished=n > 3) for n, p in enumerate(FINISHED[:12], 1)]
    people.append(Person("stopped", dict(list(FINISHED[0].answers.items())[:-1]), finished=False))
    for name, export in (("lime", lime_survey), ("qualtrics", qualtrics)):
        path = tmp_path / f"{name}.csv"
        path.write_bytes(export(KEY, people))
        found = score(path)
        assert (found.respondents_read, found.respondents) == (13, 12)
        assert found.exclusions[2].respondents == ("stopped",)
        assert any("every question is answered: 3 (1, 2, 3)" in text for text in cautions(found))


def test_within_a_file_an_id_is_one_person(tmp_path) -> None:
    (tmp_path / "a.csv").write_bytes(wave(0) + wave(20).split(b"\r\n", 1)[1])
    assert score(tmp_path / "a.csv").respondents == 12


def test_a_result_scored_again_keeps_its_people(tmp_path, waves) -> None:
    write_key(tmp_path / "key.json", KEY)
    first = run_job(score_files(waves, tmp_path / "key.json", tmp_path / "out", Rules(exclude=WHO)))
    tidy = [tmp_path / "out" / "answers.csv"]
    again = run_job(score_files(tidy, tmp_path / "key.json", tmp_path / "again", Rules(exclude=WHO)))
    assert again.score.respondents == 24
    assert again.score.overall == first.score.overall


def test_a_file_given_twice_or_copied_counts_once(tmp_path) -> None:
    for name in ("a.csv", "a (1).csv"):
        (tmp_path / name).write_bytes(wave(0))
    assert score(tmp_path / "a.csv", tmp_path / "a.csv").respondents == 12
    found = score(tmp_path)
    assert found.respondents == 12
    assert "a.csv is the same as a (1).csv, and is left out." in cautions(found)


def test_the_page_s_own_ids_are_one_person_in_all_files(tmp_path) -> None:
    content = {"format": "latent-explorer-answers", "version": 1, "study": KEY.study, "respondent": "r1"}
    for name in "ab":
        answers = [{"item": KEY.items[0].item, "answer": "1", "ms": 900 + ord(name)}]
        (tmp_path / f"{name}.json").write_text(json.dumps({**content, "complete": True, "answers": answers}))
    assert score(tmp_path).respondents == 1


@pytest.mark.parametrize("shown", ["1.18E+11", "1,18E+11", "1e+17", "118234567890123000"])
def test_ids_that_a_spreadsheet_rounded_are_noticed(tmp_path, shown) -> None:
    people = [Person(shown, p.answers, seconds=p.seconds) for p in FINISHED[:9]]
    (tmp_path / "a.csv").write_bytes(qualtrics(KEY, people))
    found = score(tmp_path / "a.csv")
    assert found.respondents == 9
    assert any("rounded" in text and shown in text and "a.csv" in text for text in cautions(found))


def test_ordinary_ids_are_not_taken_for_rounded_ones(tmp_path) -> None:
    people = [Person(name, FINISHED[0].answers) for name in ("118234567890", "5f3c9e1100", "R_1E5", "1000000")]
    (tmp_path / "a.csv").write_bytes(qualtrics(KEY, people))
    assert not any("rounded" in text for text in cautions(score(tmp_path / "a.csv")))


def test_finding_duplicates_takes_time_in_proportion() -> None:
    def seconds(count: int) -> float:
        people = [Respondent(name=f"p{n}", source="a", scope="a", answers={"x": Answer("1")}) for n in range(count)]
        began = time.process_time()
        assert duplicates(people) == []
        return time.process_time() - began

    assert min(seconds(16_000) for _ in range(3)) < 9 * max(min(seconds(4_000) for _ in range(3)), 1e-4)
