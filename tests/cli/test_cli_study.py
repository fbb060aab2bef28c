# SPDX-License-Identifier: MIT
"""`study score` and `study columns` on the command line; `study build` is tried in
tests/app/study/test_study_job.py."""

from __future__ import annotations

import csv
import io
import json

import pytest
from survey_exports import COUNT, make_key, make_people, qualtrics

from latent_explorer.cli import root
from latent_explorer.studies.build.answer_key import write_key


@pytest.fixture
def folder(tmp_path):
    key = make_key()
    write_key(tmp_path / "key.json", key)
    (tmp_path / "export.csv").write_bytes(qualtrics(key, make_people(key)))
    (tmp_path / "plain.csv").write_bytes(qualtrics(key, make_people(key), codes=False))
    return tmp_path


def run(capsys, *line) -> tuple[int, str, str]:
    code = root.main([str(part) for part in line])
    told = capsys.readouterr()
    return code, told.out, told.err


def result_of(out: str) -> dict:
    return json.loads(out.splitlines()[-1])


def test_score_prints_figures_and_writes_the_report(folder, capsys) -> None:
    line = ("study", "score", folder / "export.csv", "--key", folder / "key.json", "--out", folder / "out")
    line = (*line, "--exclude", "preview,duplicate,unfinished")
    code, out, _ = run(capsys, *line)
    assert code == 0
    assert f"{COUNT} of 60 respondents count. Accuracy 0." in out
    assert out.splitlines()[-1].startswith("People chose the right picture in ")
    assert "duplicate: 1 left out." in out
    assert "ours minus baseline over respondents: +0." in out
    assert (folder / "out" / "report.html").is_file()
    code, out, _ = run(capsys, *line, "--json")
    found = result_of(out)
    assert found["event"] == "result"
    assert found["respondents"] == COUNT
    assert found["overall"]["score"]["n"] == 24 * COUNT
    assert {e["rule"]: len(e["respondents"]) for e in found["exclusions"]}["unfinished"] == 4


def test_rules_are_chosen_by_name(folder, capsys) -> None:
    line = ("study", "score", folder / "export.csv", "--key", folder / "key.json", "--out", folder / "out", "--json")
    assert result_of(run(capsys, *line, "--exclude", "none")[1])["respondents"] == 60
    strict = result_of(run(capsys, *line, "--exclude", "preview,duplicate,unfinished,failed-catch")[1])
    assert result_of(run(capsys, *line)[1])["respondents"] == strict["respondents"]  # the default
    assert 0 < strict["respondents"] < COUNT
    code, _, said = run(capsys, *line, "--exclude", "ugly")
    assert code == 1
    assert "no rule 'ugly'" in said


def test_columns_are_proposed_and_used(folder, capsys) -> None:
    score = ("study", "score", folder / "plain.csv", "--key", folder / "key.json", "--out", folder / "out")
    code, _, said = run(capsys, *score)
    assert code == 1
    assert "study columns" in said
    code, out, _ = run(
        capsys, "study", "columns", folder / "plain.csv", "--key", folder / "key.json", "--out", folder / "columns.csv"
    )
    assert code == 0
    assert out.startswith("34 of 34 questions have a column")
    code, out, _ = run(capsys, *score, "--columns", folder / "columns.csv", "--exclude", "duplicate", "--json")
    assert (code, result_of(out)["respondents"]) == (0, 59)


def test_a_key_is_drafted_for_a_survey_of_another_origin(folder, capsys) -> None:
    code, _, _ = run(capsys, "study", "columns", folder / "plain.csv", "--out", folder / "draft.csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO((folder / "draft.csv").read_text(encoding="utf-8-sig"))))
    assert [r["column"] for r in rows] == [f"Q{n}" for n in range(1, 35)]
    assert {r["right"] for r in rows} == {""}
    code, _, said = run(
        capsys, "study", "score", folder / "plain.csv", "--key", folder / "draft.csv", "--out", folder / "out"
    )
    assert code == 1
    assert "does not say what is right for Q1" in said


@pytest.mark.parametrize("missing", ["export.csv", "key.json"])
def test_a_file_that_is_not_there_is_one_line(folder, capsys, missing) -> None:
    (folder / missing).unlink()
    code, _, said = run(
        capsys, "study", "score", folder / "export.csv", "--key", folder / "key.json", "--out", folder / "out"
    )
    assert code == 1
    assert said.count("\n") == 1


def test_build_says_what_is_wrong_before_it_renders(tmp_path, capsys) -> None:
    (tmp_path / "texts.json").write_text('{"title": 3}')
    x = tmp_path / "x.explainer"
    for line, words in (
        (("--items", "0"), "out of range"),
        (("--texts", tmp_path / "texts.json"), "no texts of a study"),
        (("--texts", tmp_path / "gone.json"), "cannot be read"),
    ):
        code, _, said = run(capsys, "study", "build", x, "--out", tmp_path / "s", *line)
        assert code == 1
        assert words in said


def test_a_row_of_letters_completes_the_draft(folder, capsys) -> None:
    key = make_key()
    letters = "".join("AB"[int(i.right) - 1] for i in key.items if i.kind == "classification")
    draft = ("study", "columns", folder / "plain.csv", "--out", folder / "draft.csv", "--right")
    code, out, _ = run(capsys, *draft, " ".join(letters))
    assert code == 0
    assert "26 of them look like choices" in out
    spaced = (folder / "draft.csv").read_bytes()
    assert run(capsys, *draft, letters)[0] == 0
    assert (folder / "draft.csv").read_bytes() == spaced
    code, out, _ = run(capsys, "study", "score", folder / "plain.csv", "--key", folder / "draft.csv",
                       "--out", folder / "out", "--json")  # fmt: skip
    assert (code, result_of(out)["respondents"]) == (0, COUNT)
    code, _, said = run(capsys, *draft, "A B")
    assert code == 1
    assert "2 right answers are given, but 26 columns" in said
    code, _, said = run(capsys, *draft, letters, "--key", folder / "key.json")
    assert code == 1
    assert "either --key or --right" in said
