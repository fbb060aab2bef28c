# SPDX-License-Identifier: MIT
"""Two classifiers side by side: one that is the other but steeper, and one that looks at something else."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace

import msgspec
import pytest
from click.testing import CliRunner
from colour_explainer import tiny_classifier
from colour_explainer import tiny_explainer as random_explainer
from tiny import make_explainer

from latent_explorer.cli.compare import comparison_text
from latent_explorer.cli.root import root
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.effects import SingleMoves
from latent_explorer.explain.attfind.kept_moves import KeptMoves
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.report import shared_edits
from latent_explorer.explain.report.comparison_file import write_comparison
from latent_explorer.explain.report.two_classifiers import compare_classifiers
from latent_explorer.models.classifier_file import write_classifier
from latent_explorer.models.explainer_file import write_explainer

N = 30  # pictures


@pytest.fixture(autouse=True)
def sizes_in_pixels(monkeypatch):
    """Measure changes without LPIPS, whose weights are not everywhere."""
    monkeypatch.setattr(shared_edits, "lpips_available", lambda _net: False)


def with_second(second):
    """Return an explainer with the mean-colour classifier and a second one, and their ids."""
    explainer = random_explainer(n=N, classifier=tiny_classifier(gain=2.0))
    first = explainer.classifier_id
    return replace(explainer, classifiers=explainer.classifiers | {"f" * 64: second}), first, "f" * 64


def other_colours():
    """Return a classifier with the logits of the first exchanged: it raises one class where the other lowers it."""
    classifier = tiny_classifier()
    network = classifier.network
    exchanged = tiny_classifier(gain=2.0)
    exchanged.network.forward = lambda x: 2.0 * network.features(x).mean(dim=(2, 3))[:, [1, 0]]
    return exchanged


def test_a_steeper_copy_looks_at_the_same():
    explainer, first, second = with_second(tiny_classifier(gain=4.0))
    found = run_job(compare_classifiers(explainer, first, second, n=N, wanted=3))
    assert found.same_verdicts.share == 1
    assert found.shared_moves == len(found.moves) > 2
    assert len(found.coordinates["both"]) == len({move.style_index for move in found.moves})
    for each in found.correlations:
        assert each.all_predicted == pytest.approx(1)
    for move in found.moves:
        assert move.effects[0] == pytest.approx(move.effects[1], abs=1e-3)
    known = [move.relative for move in found.moves if all(math.isfinite(value) for value, _ in move.relative)]
    assert known  # not of moves that may do nothing
    for (other, (low, high)), (first, _) in known:
        assert other > 0
        assert low <= other <= high
        assert other * first == pytest.approx(1)
    for each in found.edits:
        assert each.edit.both[0] == each.edit.both[1]
        assert each.edit.own == each.edit.both


def test_too_few_moves_have_no_rank_correlation():
    explainer, first, second = with_second(tiny_classifier(gain=4.0))
    found = run_job(compare_classifiers(explainer, first, second, n=N, wanted=1))
    assert len(found.moves) < 3
    assert "1 listed not known, all +1.00" in comparison_text(explainer, found)
    assert found.to_dict()["rank_correlations"][0]["listed"] is None


def test_the_opposite_classifier_disagrees_everywhere(tmp_path):
    """No picture is of another class for both, so that no edit can turn both; each has its own."""
    explainer, first, second = with_second(other_colours())
    found = run_job(compare_classifiers(explainer, first, second, n=N, wanted=3))
    assert found.same_verdicts.share == 0
    for each in found.edits:
        assert each.edit.both == (Rate(0, 0), Rate(0, 0))
        assert sum(rate.n for rate in each.edit.own) == N
    text = comparison_text(explainer, found)
    assert all(0.5 < each <= 1 for each in found.agreements)
    assert f"A's list is the same by {found.agreements[0]:.0%}" in text
    assert "the same verdict on 0.0%" in text
    assert "of B's list towards" in text
    assert "A none  B none" in text
    write_comparison(tmp_path / "found.json", found)
    read = json.loads((tmp_path / "found.json").read_text())
    assert read["edits"][0]["edit"]["both_see_another"][0]["share"] is None
    assert read["verdicts"][0][0] == read["verdicts"][1][1] == 0
    assert read["moves"][0]["listed_by"] == found.moves[0].listed_by
    write_comparison(tmp_path / "found.csv", found)
    with (tmp_path / "found.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found.moves)
    assert float(rows[0]["effect_b"]) == found.moves[0].effects[1]
    known = [row["relative_b_to_a"] for row in rows if row["relative_b_to_a"]]
    assert known
    assert all(float(each) < 0 for each in known)  # what raises a class for one lowers it for the other


def test_a_second_comparison_takes_what_the_first_rendered(tmp_path, monkeypatch):
    explainer, first, second = with_second(other_colours())
    rendered, exact = [], SingleMoves.exact

    def counting(self, moves, *message):
        rendered[-1] += len(moves)
        return exact(self, moves, *message)

    monkeypatch.setattr(SingleMoves, "exact", counting)
    for _ in range(2):
        rendered.append(0)
        found = run_job(compare_classifiers(explainer, first, second, n=N, wanted=3, kept=KeptMoves(tmp_path)))
    compared = sum(move.n for move in found.moves)  # which no search renders
    assert rendered[1] - compared < (rendered[0] - compared) / 2


def test_one_classifier_or_other_classes_are_a_sentence():
    second = tiny_classifier()
    second.config = msgspec.structs.replace(second.config, class_names=("x", "y"))
    explainer, first, other = with_second(second)
    with pytest.raises(UserError, match="one classifier"):
        run_job(compare_classifiers(explainer, first, first))
    with pytest.raises(UserError, match="different classes"):
        run_job(compare_classifiers(explainer, first, other))


def test_the_command_names_what_it_does_not_know(tmp_path, tiny_explainer):
    path = tmp_path / "tiny.explainer"
    write_explainer(tiny_explainer, path)
    result = CliRunner().invoke(root, ["compare", str(path), "nobody", "else"])
    assert result.exit_code != 0
    assert "nobody" in str(result.exception)


def test_the_command_takes_a_classifier_from_a_file(tmp_path, tiny_explainer, monkeypatch):
    asked = []

    def compare(model, first, second, **options):
        asked.append((first in model.classifiers, second in model.classifiers, first == second))
        raise UserError("enough")

    monkeypatch.setattr("latent_explorer.explain.report.two_classifiers.compare_classifiers", compare)
    write_explainer(tiny_explainer, tmp_path / "tiny.explainer")
    write_classifier(tmp_path / "other.classifier", make_explainer(seed=1).classifier, {})
    CliRunner().invoke(
        root, ["compare", *map(str, (tmp_path / "tiny.explainer", "tiny", tmp_path / "other.classifier"))]
    )
    assert asked == [(True, True, False)]
