# SPDX-License-Identifier: MIT
"""Exports with rows of labels, a column for each choice, or several columns for one question."""

from __future__ import annotations

import msgspec
import pytest
from survey_exports import make_key, make_people, written

from latent_explorer.studies.build.answer_key import read_key
from latent_explorer.studies.scoring.answers import read_responses
from latent_explorer.studies.scoring.columns import BY_NAME, key_draft, propose, write_key_draft
from latent_explorer.studies.scoring.report import cautions
from latent_explorer.studies.scoring.rules import Rules
from latent_explorer.studies.scoring.score import StudyScore, score_study

KEY = make_key()
WHO = Rules(exclude=("preview", "duplicate", "unfinished"))  # not by their catch trials
PEOPLE = [p for p in make_people(KEY) if len(p.answers) == len(KEY.items) and not p.preview][:8]


def score(tmp_path, rows) -> StudyScore:
    (tmp_path / "export.csv").write_bytes(written(rows))
    return score_study(KEY, read_responses([tmp_path / "export.csv"], KEY), WHO)[0]


def plain_rows(word="{}") -> list[list[str]]:
    """One column for each question, with an id and a date."""
    rows = [["Response ID", "Date submitted", *(f"Which? (q{i.item})" for i in KEY.items)]]
    for n, p in enumerate(PEOPLE, 1):
        cells = [word.format(p.answers[i.item]) if i.right else p.answers[i.item] for i in KEY.items]
        rows.append([str(n), f"2026-03-0{n} 10:00:00", *cells])
    return rows


def spread_rows(heads, ticks, below=None) -> list[list[str]]:
    """Two columns and one for remarks for each choice; `heads` and `below` make their names from (code, label)."""
    labels = ("Choice 1", "Choice 2", "Other")
    first, second = ["Response ID", "Date submitted"], ["", ""]
    for i in KEY.items:
        each = labels if i.right else ("",)
        first += [heads(f"q{i.item}", label, n) for n, label in enumerate(each, 1)]
        second += [below(f"q{i.item}", label) if below else "" for label in each]
    rows = [first, second] if below else [first]
    for n, p in enumerate(PEOPLE, 1):
        row = [str(n), f"2026-03-0{n} 10:00:00"]
        for i in KEY.items:
            answer = p.answers[i.item]
            row += [ticks(answer == str(c), labels[c - 1]) for c in (1, 2)] + [""] if i.right else [answer]
        rows.append(row)
    return rows


def _lime_code(code, label, n):
    return f"{code}[SQ00{n}]. Which one? [{label}]" if label else f"{code}. What changes?"


def _lime_text(code, label, _n):
    return f"Which one? ({code}) [{label}]" if label else f"What changes? ({code})"


def _lime_other(code, label, n):
    return f"{code}[{'other' if label == 'Other' else n}]" if label else code


def _monkey(code, label, _n):
    return f"Which one? ({code})" if label in ("Choice 1", "") else ""


def _qualtrics(_code, label, n):
    return f"Q_{n}" if label else "Q"


@pytest.mark.parametrize("ticks", [("Yes", "No"), ("Y", ""), ("1", "0"), ("Checked", "Unchecked"), ("Ja", "Nein")])
@pytest.mark.parametrize("heads", [_lime_code, _lime_text, _lime_other])
def test_a_column_for_each_choice_is_one_question(tmp_path, heads, ticks) -> None:
    found = score(tmp_path, spread_rows(heads, lambda on, _label: ticks[0] if on else ticks[1]))
    assert found.overall == score(tmp_path, plain_rows()).overall
    assert found.respondents == len(PEOPLE)


def test_choices_in_a_second_header_row(tmp_path) -> None:
    """SurveyMonkey: the question stands over its first column only, and nothing over the words is a respondent."""
    rows = spread_rows(_monkey, lambda on, label: label if on else "", lambda _code, label: label or "Offene Antwort")
    found = score(tmp_path, rows)
    assert (found.respondents_read, found.overall) == (len(PEOPLE), score(tmp_path, plain_rows()).overall)


def test_choices_in_the_text_of_a_second_header_row(tmp_path) -> None:
    """Qualtrics: numbered columns, and the question with the choice below them."""
    rows = spread_rows(
        _qualtrics, lambda on, _label: "1" if on else "", lambda code, label: f"Which? ({code}) - {label}"
    )
    rows[1][:2] = ["Response ID", "Date submitted"]
    rows[0] = rows[0][:2] + [f"Q{n}" for n in range(len(rows[0]) - 2)]
    assert score(tmp_path, rows).overall == score(tmp_path, plain_rows()).overall


def test_two_ticks_are_no_choice(tmp_path) -> None:
    found = score(tmp_path, spread_rows(_lime_text, lambda _on, _label: "Yes"))
    assert found.overall.score.n == 0
    assert found.unreadable[0][2] == "Choice 1 | Choice 2"


def test_columns_of_a_question_that_was_made_again_are_taken_together(tmp_path) -> None:
    """Google Forms keeps the old column beside a new one of the same name."""
    rows = plain_rows("Choice {}")
    for n, row in enumerate(rows):
        if n == 0:
            row += row[2:]
        else:
            row += row[2:] if n % 2 else [""] * len(KEY.items)
            row[2 : 2 + len(KEY.items)] = [""] * len(KEY.items) if n % 2 else row[2 : 2 + len(KEY.items)]
    found = score(tmp_path, rows)
    assert found.overall == score(tmp_path, plain_rows()).overall
    assert any("have several columns in export.csv" in text for text in cautions(found))


def test_a_column_of_remarks_is_no_answer(tmp_path) -> None:
    rows = plain_rows()
    rows[0].append(f"Which? (q{KEY.items[0].item}) [Comment]")
    for row in rows[1:]:
        row.append("1 is nicer")
    assert score(tmp_path, rows).overall == score(tmp_path, plain_rows()).overall


def test_a_row_of_labels_is_no_respondent(tmp_path) -> None:
    rows = plain_rows()
    rows.insert(
        1, ["Interview number (ongoing)", "Time of the interview", *["Which one changes too?"] * len(KEY.items)]
    )
    found = score(tmp_path, rows)
    assert found.respondents_read == len(PEOPLE)
    assert any("looks like labels" in text for text in cautions(found))


def test_a_first_respondent_who_knows_nothing_is_a_respondent(tmp_path) -> None:
    for id_, date in (("1", "2026-03-01"), ("R_a", "")):
        rows = plain_rows()
        rows[1][:2] = [id_, date]
        rows[1][2:] = ["I do not know"] * len(KEY.items)
        assert score(tmp_path, rows).respondents_read == len(PEOPLE)


def test_a_question_in_several_columns_is_proposed_and_scored_by_its_first(tmp_path) -> None:
    data = written(spread_rows(_lime_text, lambda on, _label: "Yes" if on else "No"))
    proposals = propose(data, "export.csv", KEY)
    assert {p.how for p in proposals} == {BY_NAME}
    (tmp_path / "export.csv").write_bytes(data)
    columns = {p.item: p.column for p in proposals}
    found = score_study(KEY, read_responses([tmp_path / "export.csv"], KEY, columns), WHO)[0]
    assert found.overall == score(tmp_path, plain_rows()).overall


@pytest.mark.parametrize("heads", ["G{}[SQ00{}]", "G{}[SQ00{}]. Which one? [Leaf {}]", "Which one? {} [{}]"])
def test_a_key_is_drafted_with_one_row_for_a_question_in_several_columns(tmp_path, heads) -> None:
    rows = [["id", "Age", *(heads.format(q, c, c) for q in (1, 2) for c in (1, 2))]]
    rows += [[str(n), str(20 + n), *(("Yes", "No") if n % 3 else ("No", "Yes")), "No", "Yes"] for n in range(12)]
    drafts = [d for d in key_draft(written(rows), "export.csv") if d.proposal.kind == "classification"]
    assert len(drafts) == 2
    seen = drafts[0].proposal.seen  # "SQ001 (8), SQ002 (4)"
    right = seen.split(" (")[0]
    write_key_draft(tmp_path / "key.csv", [msgspec.structs.replace(d, right=right) for d in drafts])
    (tmp_path / "export.csv").write_bytes(written(rows))
    key = read_key(tmp_path / "key.csv")
    found = score_study(key, read_responses([tmp_path / "export.csv"], key))[0]
    assert [(i.score.right, i.score.n) for i in found.items] == [(8, 12), (0, 12)]
