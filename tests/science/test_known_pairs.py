# SPDX-License-Identifier: MIT
"""Two classifiers whose causes are known: what is shared, what only one reads, and what one edit does to both."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
from known_explainers import CASES, SIDE, Roles, SpotReader, known_explainer

from latent_explorer.common.jobs import run_job
from latent_explorer.explain.report import shared_edits
from latent_explorer.explain.report.two_classifiers import compare_classifiers
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.explainer import hash_classifier
from latent_explorer.models.preprocessing import Preprocessing

N = 40


@pytest.fixture(autouse=True)
def sizes_in_pixels(monkeypatch):
    """Measure changes without LPIPS, whose weights are not everywhere."""
    monkeypatch.setattr(shared_edits, "lpips_available", lambda _net: False)


@torch.no_grad()
def reader_of(explainer, roles, causes, names=("a", "b"), sign=1.0):
    """Return a classifier that reads these coordinates of the painted pictures and nothing else."""
    case = CASES["two"] if len(causes) == 2 else CASES["one"]
    classifier = Classifier(ClassifierConfig("reader", "small-resnet", names, Preprocessing(SIDE), widths=(4, 8)))
    reader = SpotReader(case, Roles(tuple(causes), roles.area, roles.shadow, ()), torch.zeros(120))
    synthesis = explainer.generator.synthesis
    reader.threshold.copy_(reader.effect(synthesis(explainer.samples.ws)).mean())
    classifier.network = reader if sign > 0 else torch.nn.Sequential(reader, Exchanged())
    return classifier


class Exchanged(torch.nn.Module):
    def forward(self, logits):
        return logits.flip(1)


@functools.cache
def compared(first, second, names=("a", "b"), sign=1.0):
    """Compare classifiers that read the numbered ordinary coordinates; return the comparison and their style_index."""
    explainer, roles = known_explainer("one", n=N)
    ordinary = np.setdiff1d(np.arange(120), [roles.area, roles.shadow])
    ordinary = [int(j) for j in np.random.default_rng(0).permutation(ordinary)]
    read = [[ordinary[i] for i in numbers] for numbers in (first, second)]
    both = reader_of(explainer, roles, read[0]), reader_of(explainer, roles, read[1], names, sign)
    ids = [hash_classifier(both[0]), "f" * 64]
    made = replace(explainer, classifiers=dict(zip(ids, both, strict=True)), conditioned_on=None)
    return run_job(compare_classifiers(made, *ids, n=N, wanted=1 if len(first) == 1 else 2)), read


def test_classifiers_that_read_different_coordinates_share_none():
    found, (first, second) = compared((0, 1), (2, 3))
    assert found.coordinates == {"both": (), "first": tuple(sorted(first)), "second": tuple(sorted(second))}
    assert found.shared_moves == 0
    for move in found.moves:
        reads, other = (0, 1) if move.listed_by == "first" else (1, 0)
        assert move.effects[reads] > 0.5
        assert move.effects[other] == pytest.approx(0, abs=1e-4)
        low, high = move.difference
        assert (low > 0) if reads == 0 else (high < 0)


def test_one_edit_turns_only_the_classifier_that_reads_it():
    """Both are asked of the same pictures, towards one class; random edits as large turn neither list's reader more."""
    found, _ = compared((0, 1), (2, 3))
    assert len(found.edits) == 4  # two lists, two classes
    for each in found.edits:
        reads, other = each.list_of, 1 - each.list_of
        assert each.edit.both[0].n == each.edit.both[1].n > 5
        assert each.edit.both[reads].share > 0.9
        assert each.edit.both[other].count == 0
        assert each.edit.alone[reads] == each.edit.both[reads].count
        assert each.edit.p < 0.01
        for control in (each.as_many, each.as_large):
            assert control.both[reads].count == 0
        assert each.sizes[2] == pytest.approx(each.sizes[0], rel=0.1)


def test_classifiers_that_read_the_same_coordinate_share_it():
    found, (first, _) = compared((0,), (0,))
    assert found.coordinates == {"both": tuple(first), "first": (), "second": ()}
    assert found.same_verdicts.share == 1
    for move in found.moves:
        assert move.effects[0] == pytest.approx(move.effects[1])
        assert move.difference == pytest.approx((0, 0), abs=1e-6)
    for each in found.edits:
        assert each.edit.alone == (0, 0)
        assert each.edit.p == 1
        assert each.edit.both[0] == each.edit.both[1]


def test_a_coordinate_is_counted_once_whatever_the_class():
    """With two classes AttFind lists a coordinate towards both: two moves, one coordinate."""
    found, (first, second) = compared((0, 1), (1, 2))
    assert found.coordinates == {"both": (first[1],), "first": (first[0],), "second": (second[1],)}
    assert len(found.moves) == 6
    assert found.shared_moves == 2


def test_moves_that_are_listed_for_one_of_the_two_seem_opposed():
    """Of all moves, classifiers that read different coordinates are uncorrelated, and equal ones equal."""
    apart, _ = compared((0, 1), (2, 3))
    for each in apart.correlations:
        assert each.moves == 4
        assert each.listed < -0.5
        assert abs(each.all_predicted) < 0.1
    same, _ = compared((0,), (0,))
    assert [each.all_predicted for each in same.correlations] == pytest.approx([1, 1])


def test_classes_are_matched_by_their_names():
    """The second has them in another order, and its logits exchanged: it is the first one."""
    found, (first, _) = compared((0,), (0,), ("b", "a"), -1.0)
    assert found.same_verdicts.share == 1
    assert found.coordinates["both"] == tuple(first)
    assert all(move.difference == pytest.approx((0, 0), abs=1e-6) for move in found.moves)
