# SPDX-License-Identifier: MIT
"""The score of an export of 54 respondents with known answers: every printed figure is the known one.

The expected figures are computed by numpy and scipy from the answers that were drawn.
"""

from __future__ import annotations

import csv
import html
import io
import math
import re

import numpy as np
import pytest
from scipy import stats
from survey_exports import ALL_WHO_FINISHED, ARMS, ATTRIBUTES, COUNT, make_key, make_people, qualtrics

from latent_explorer.common.jobs import run_job
from latent_explorer.studies.build.answer_key import write_key
from latent_explorer.studies.scoring.rules import Rules
from latent_explorer.studies.scoring.score_files import score_files


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    key = make_key()
    people = make_people(key)
    (folder / "export.csv").write_bytes(qualtrics(key, people))
    write_key(folder / "key.json", key)
    out = folder / "result"
    scored = run_job(score_files([folder / "export.csv"], folder / "key.json", out, ALL_WHO_FINISHED))
    kept = [p for p in people if p.finished and not p.preview and len(p.answers) == len(key.items)]
    items = [i for i in key.items if i.kind == "classification" and i.role == "item"]
    right = np.array([[p.answers[i.item] == i.right for i in items] for p in kept])
    return key, people, items, right, scored, out


def test_who_counts(study) -> None:
    _, people, _, right, scored, _ = study
    score = scored.score
    assert right.shape == (COUNT, 24)
    assert (score.respondents_read, score.respondents) == (len(people), COUNT)
    assert {e.rule: len(e.respondents) for e in score.exclusions} == {
        "preview": 1, "duplicate": 1, "unfinished": 4, "too-fast": 0, "failed-catch": _failed(study),
    }  # fmt: skip
    assert [e.applied for e in score.exclusions] == [True, True, True, False, False]
    assert score.exclusions[1].respondents == ("R_010",)
    assert not score.unreadable
    assert not score.missing_columns


def _failed(study) -> int:
    key, people, *_ = study
    kept = [p for p in people if p.finished and not p.preview and len(p.answers) == len(key.items)]
    catch = [i for i in key.items if i.role == "catch"]
    return sum(any(p.answers[i.item] != i.right for i in catch) for p in kept)


def check_proportion(found, right: np.ndarray) -> None:
    n, k = right.size, int(right.sum())
    test = stats.binomtest(k, n)
    interval = test.proportion_ci(method="wilson")
    assert (found.right, found.n) == (k, n)
    assert found.accuracy == pytest.approx(right.mean())
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.p == pytest.approx(test.pvalue, rel=1e-6, abs=1e-250)


def check_group(found, right: np.ndarray) -> None:
    check_proportion(found.score, right)
    for spread, values in ((found.over_items, right.mean(0)), (found.over_respondents, right.mean(1))):
        assert spread.n == len(values)
        assert spread.mean == pytest.approx(values.mean())
        assert spread.sd_population == pytest.approx(np.std(values))
        assert spread.sd_sample == pytest.approx(np.std(values, ddof=1))
        expected = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
        assert (spread.low, spread.high) == pytest.approx(expected)


def test_overall_arms_and_attributes(study) -> None:
    _, _, items, right, scored, _ = study
    check_group(scored.score.overall, right)
    assert [g.name for g in scored.score.arms] == list(ARMS)
    for group in scored.score.arms:
        check_group(group, right[:, [i.arm == group.name for i in items]])
    assert [(g.arm, g.name) for g in scored.score.attributes] == [(a, b) for a in ARMS for b in ATTRIBUTES]
    for group in scored.score.attributes:
        check_group(group, right[:, [(i.arm, i.attribute) == (group.arm, group.name) for i in items]])


def test_holm_within_each_table(study) -> None:
    score = study[4].score
    for table in (score.items, score.attributes, score.arms):
        p = np.array([row.score.p for row in table])
        order = np.argsort(p)
        expected = np.empty(len(p))
        expected[order] = np.maximum.accumulate(np.minimum(1, (len(p) - np.arange(len(p))) * p[order]))
        assert [row.score.p_holm for row in table] == pytest.approx(expected)


def test_items_and_those_below_chance(study) -> None:
    _, _, items, right, scored, _ = study
    for at, found in enumerate(scored.score.items):
        assert found.item == items[at].item
        check_proportion(found.score, right[:, at])
        assert found.below_chance == (right[:, at].mean() < 0.5 and found.score.p < 0.05)
    below = [i.attribute for i in scored.score.items if i.below_chance]
    assert below == ["holes"] * 3  # of the baseline: drawn to be answered wrongly


def test_paired_differences(study) -> None:
    _, _, items, right, scored, _ = study
    ours = np.array([i.arm == "ours" for i in items])
    by_person = right[:, ours].mean(1) - right[:, ~ours].mean(1)
    by_item = right[:, ours].mean(0) - right[:, ~ours].mean(0)  # the slots are in one order in both arms
    found = {d.over: d for d in scored.score.differences}
    assert set(found) == {"respondents", "items"}
    for over, values in (("respondents", by_person), ("items", by_item)):
        d = found[over]
        assert (d.a, d.b, d.n) == ("ours", "baseline", len(values))
        assert d.mean == pytest.approx(values.mean())
        expected = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
        assert (d.low, d.high) == pytest.approx(expected)
        assert d.sd_sample == pytest.approx(np.std(values, ddof=1))
        better, worse = int((values > 0).sum()), int((values < 0).sum())
        assert (d.better, d.worse) == (better, worse)
        assert d.p == pytest.approx(stats.binomtest(better, better + worse).pvalue)


def test_words_by_hand(study) -> None:
    key, people, _, _, scored, _ = study
    kept = [p for p in people if p.finished and not p.preview and len(p.answers) == len(key.items)]
    # stems of the four phrases of each attribute, without stop words
    expected = {
        "brown spots": ("spot", "brown spots appear|spots|a brown spot grows|more spots, darker"),
        "edge browning": ("edg", "edges turn brown|the edge is brown|brown edges"),
        "yellowing": ("yellow", "yellowing|gets yellow|yellow leaf"),
        "holes": ("hole", "holes|a hole appears|hole in the leaf"),
    }
    assert len(scored.score.verbal) == 8
    for found in scored.score.verbal:
        stem, phrases = expected[found.attribute]
        used = sum(p.answers[found.item] in phrases.split("|") for p in kept)
        brown = sum("brown" in p.answers[found.item] for p in kept)
        if found.attribute == "edge browning" and brown >= used:  # "border browns" has no edge
            stem, used = "brown", brown
        assert (found.modal.stem, found.modal.count, found.n) == (stem, used, COUNT)
        assert found.share == pytest.approx(used / COUNT)
        interval = stats.binomtest(used, COUNT).proportion_ci(method="wilson")
        assert found.interval == pytest.approx((interval.low, interval.high))


def printed(value: float) -> str:
    if math.isnan(value):
        return "–"
    if 0 < value < 0.0001:
        return "< 0.0001"
    return f"{value:.4f}" if 0 < abs(value) < 0.001 else f"{value:.3f}"


def proportion_cells(right: np.ndarray) -> list[str]:
    test = stats.binomtest(int(right.sum()), right.size)
    interval = test.proportion_ci(method="wilson")
    figures = (right.mean(), interval.low, interval.high, test.pvalue)
    return [str(right.sum()), str(right.size), *map(printed, figures)]


def spread_cells(values: np.ndarray) -> list[str]:
    return [printed(values.mean()), printed(np.std(values)), printed(np.std(values, ddof=1))]


def rows_of(page: str, title: str) -> list[list[str]]:
    section = page.split(f"<h2>{title}</h2>")[1].split("</section>")[0]
    return [
        [html.unescape(c) for c in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", section, re.DOTALL)[1:]
    ]


def test_every_printed_figure_of_the_report_is_the_known_one(study) -> None:
    _, people, items, right, _, out = study
    page = (out / "report.html").read_text(encoding="utf-8")
    everyone = np.array([p.answers[i.item] == i.right for p in people for i in items if i.item in p.answers])
    accuracy = list(map(list, zip(*rows_of(page, "Accuracy"), strict=True)))[1:]
    heads = re.findall(r"<th.*?>(.*?)</th>", page.split("<h2>Accuracy</h2>")[1])[1:5]
    accuracy = [[head, *column] for head, column in zip(heads, accuracy, strict=True)]
    assert accuracy[3][:8] == ["nobody left out", "–", *proportion_cells(everyone)]
    assert set(accuracy[3][8:]) == {"–"}
    for row, arm in zip(accuracy, ("", *ARMS), strict=False):
        mine = right[:, [not arm or i.arm == arm for i in items]]
        by_person = mine.mean(1)
        t = stats.t.interval(0.95, COUNT - 1, by_person.mean(), stats.sem(by_person))
        p = stats.binomtest(int(mine.sum()), mine.size).pvalue
        # Of two arms the one further from chance is corrected by 2, the other by 1.
        p_holm = printed(p * (2 if arm == "ours" else 1)) if arm else "–"
        assert row == [
            arm or "all questions", str(mine.shape[1]), *proportion_cells(mine), p_holm, *spread_cells(mine.mean(0)),
            *spread_cells(by_person), *map(printed, t),
        ]  # fmt: skip
    for at, row in enumerate(rows_of(page, "Questions")):
        i = items[at]
        assert row[:10] == [i.item, i.arm, i.attribute, i.distractor, *proportion_cells(right[:, at])]
        assert (row[-1] == "below chance") == (i.arm == "baseline" and i.attribute == "holes")
    for row in rows_of(page, "Attributes"):
        mine = right[:, [(i.arm, i.attribute) == (row[0], row[1]) for i in items]]
        assert row[2:9] == ["3", *proportion_cells(mine)]
        assert row[10:] == spread_cells(mine.mean(0))[1:]
    ours = np.array([i.arm == "ours" for i in items])
    for row, axis in zip(rows_of(page, "Difference between arms"), (1, 0), strict=True):
        d = right[:, ours].mean(axis) - right[:, ~ours].mean(axis)
        t = stats.t.interval(0.95, len(d) - 1, d.mean(), stats.sem(d))
        better, worse = int((d > 0).sum()), int((d < 0).sum())
        p = stats.binomtest(better, better + worse).pvalue
        assert row[2:] == [
            str(len(d)), printed(d.mean()), *map(printed, t), printed(np.std(d, ddof=1)), str(better), str(worse),
            printed(p), printed(p),  # two arms are one comparison
        ]  # fmt: skip
    assert f"Accuracy {right.mean():.3f}" in page
    assert f"{int(right.sum())} of {right.size} answers" in page
    assert f"{COUNT} of {COUNT + 6} respondents count" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")  # it stands alone


def test_without_exclusions_is_printed_too(study) -> None:
    _, people, items, _, scored, _ = study
    answers = [p.answers[i.item] == i.right for p in people for i in items if i.item in p.answers]
    found = scored.score.overall_without_exclusions
    assert (found.right, found.n) == (sum(answers), len(answers))


def test_the_tidy_table_holds_everything_and_scores_the_same(study, tmp_path) -> None:
    key, people, _, right, scored, out = study
    rows = list(csv.DictReader(io.StringIO((out / "answers.csv").read_text(encoding="utf-8-sig"))))
    assert len(rows) == len(people) * len(key.items)
    counted = [r for r in rows if r["counts"] == "yes" and r["role"] == "item" and r["right"] != ""]
    assert sum(int(r["right"]) for r in counted) == right.sum()
    again = run_job(score_files([out / "answers.csv"], out.parent / "key.json", tmp_path / "again", ALL_WHO_FINISHED))
    assert again.score == scored.score


def test_a_failed_catch_trial_is_left_out_by_default(study, tmp_path) -> None:
    out = study[-1]
    score = run_job(score_files([out.parent / "export.csv"], out.parent / "key.json", tmp_path / "default")).score
    assert score.respondents == COUNT - _failed(study) < COUNT


def test_rules_are_applied_only_when_asked(study, tmp_path) -> None:
    _, _, _, _, scored, out = study
    files = [out.parent / "export.csv"], out.parent / "key.json"
    strict = Rules(exclude=("preview", "duplicate", "unfinished", "too-fast", "failed-catch"), least_seconds=8)
    score = run_job(score_files(*files, tmp_path / "strict", strict)).score
    found = {e.rule: len(e.respondents) for e in score.exclusions}
    assert found["too-fast"] > 0
    assert score.respondents == score.respondents_read - sum(found.values())
    everyone = run_job(score_files(*files, tmp_path / "all", Rules(exclude=()))).score
    assert everyone.respondents == everyone.respondents_read == 60
    assert everyone.overall.score.n == scored.score.overall_without_exclusions.n
