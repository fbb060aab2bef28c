# SPDX-License-Identifier: MIT
"""Two classifiers side by side: one that is the other but steeper, and one that looks at something else."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from click.testing import CliRunner
from colour_explainer import tiny_classifier
from colour_explainer import tiny_explainer as random_explainer

from latent_explorer.cli.compare import comparison_text
from latent_explorer.cli.root import root
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.report.two_classifiers import compare_classifiers
from latent_explorer.models.explainer_file import write_explainer


def with_second(second):
    """Return an explainer with the mean-colour classifier and a second one, and their ids."""
    explainer = random_explainer(n=30, classifier=tiny_classifier(gain=2.0))
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
    found = run_job(compare_classifiers(explainer, first, second, n=30, wanted=3))
    assert found.same_verdicts.share == 1
    assert found.shared == len(found.moves) > 2
    assert found.rank_correlation == pytest.approx(1)
    for move in found.moves:
        assert move.effects[0] == pytest.approx(move.effects[1], abs=1e-3)
    assert found.flips[0] == found.flips[1]


def test_too_few_moves_have_no_rank_correlation():
    explainer, first, second = with_second(tiny_classifier(gain=4.0))
    found = run_job(compare_classifiers(explainer, first, second, n=30, wanted=1))
    assert len(found.moves) < 3
    assert "rank correlation of the effects not known" in comparison_text(explainer, found)


def test_the_opposite_classifier_disagrees_everywhere():
    explainer, first, second = with_second(other_colours())
    found = run_job(compare_classifiers(explainer, first, second, n=30, wanted=3))
    assert found.same_verdicts.share == 0
    text = comparison_text(explainer, found)
    assert "the same verdict on 0.0%" in text
    assert "the list of B" in text
    assert found.to_dict()["shared"] == found.shared


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
