# SPDX-License-Identifier: MIT
"""Counterfactuals painted by hand, judged: every figure has an answer that can be worked out on paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from colour_explainer import tiny_classifier, tiny_explainer

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.counterfactuals import evaluation
from latent_explorer.explain.counterfactuals.evaluation import judge
from latent_explorer.explain.counterfactuals.evaluation_text import table
from latent_explorer.explain.counterfactuals.making import Counterfactuals
from latent_explorer.explain.counterfactuals.records import Probe, References
from latent_explorer.models.classifiers import Classifier

N = 8
RED, GREEN, GREY = (200, 60, 60), (60, 200, 60), (100, 100, 100)


@pytest.fixture(scope="module", autouse=True)
def distances_once():
    """Networks that measure distances are read once, not for every test."""
    once = evaluation.distances(tiny_explainer(), torch.device("cpu"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "distances", lambda *_: once)
        yield


def pictures(*colours):
    return np.stack([np.full((16, 16, 3), colour, dtype=np.uint8) for colour in colours])


def painted(**changes) -> Counterfactuals:
    """Red pictures (class a) whose upper half becomes green enough for class b; the last two stay as they are."""
    before = pictures(*[RED] * N)
    after = before.copy()
    after[: N - 2, :8] = (0, 255, 60)
    made = Counterfactuals(
        kind="photo", rows=np.arange(N), targets=np.ones(N, dtype=np.int64), photos=before, before=before, after=after,
        second=after, pasted=before, random=pictures(*[GREEN] * 2, *[RED] * (N - 2)), noise=before, weights=before,
        seconds=4.0,
    )  # fmt: skip
    return replace(made, **changes)


def judged(made=None, references=None, model=None):
    return run_job(judge(model or tiny_explainer(), made or painted(), references or References()))


def always(answer: int) -> Classifier:
    network = tiny_classifier()
    network.network.forward = lambda x: torch.nn.functional.one_hot(torch.full((len(x),), answer), 2).float()
    return network


@pytest.fixture(scope="module")
def figures(distances_once):
    upper = np.zeros((N, 16, 16), dtype=bool)
    upper[:, :8] = True
    truth = np.array([0] * 4 + [1] * 4)  # the labels of the last four are not what the classifier says
    others = {"always b": always(1), "always a": always(0), "same": tiny_classifier()}
    return judged(references=References(truth=truth, masks=upper, others=others))


def test_flips_are_counted_and_those_of_controls_beside_them(figures):
    assert (figures.flips.count, figures.flips.n) == (6, 8)
    assert (figures.flips_of["a"].n, figures.flips_of["b"].n) == (8, 0)
    # Controls that are the picture itself say nothing and are left out.
    assert list(figures.controls) == ["random"]
    assert {part: (rate.count, rate.n) for part, rate in figures.controls["random"].items()} == {
        "all": (2, 8), "a": (2, 8), "b": (0, 0),
    }  # fmt: skip


def test_another_network_confirms_what_it_sees_too(figures):
    same, yes, no = (figures.others[name] for name in ("same", "always b", "always a"))
    assert (same.agreement.share, same.of_flips.share, same.relative_change) == (1.0, 1.0, pytest.approx(1.0))
    assert same.confirmed.share == figures.flips.share
    # One that always says the target confirms everything, which its agreement before the change gives away.
    assert (yes.agreement.share, yes.of_flips.share, yes.relative_change) == (0.0, 1.0, 0.0)
    assert (no.agreement.share, no.of_flips.share) == (1.0, 0.0)


def test_a_network_of_other_classes_cannot_confirm():
    with pytest.raises(UserError, match="stranger cannot confirm"):
        judged(references=References(others={"stranger": tiny_classifier(3)}))


def test_cout_is_of_pictures_that_the_classifier_names_rightly(figures):
    assert figures.cout.n == 4
    # 200 - 200 f = 60 + 195 f: once 140 / 395 of the pixels are in, the target has the larger mean.
    assert figures.cout.value == pytest.approx(1 - 2 * 140 / 395, abs=0.03)
    assert judged().cout.n == N
    assert judged(painted(after=painted().before)).cout.value == pytest.approx(-1.0, abs=1e-3)


def test_sizes_and_places_of_the_change(figures):
    change = (200 + 195 + 0) / 3 / 127.5 / 2  # on half of the pixels
    assert figures.l1.value == pytest.approx(change * 6 / 8, rel=1e-5)
    assert figures.sparsity == 1.0
    assert figures.inside == pytest.approx(6 / 8)  # two pictures do not change at all
    assert figures.diversity == pytest.approx(2 / 8, abs=1e-6)  # of those two there is no direction
    assert figures.distance.value > 0
    assert figures.similarity.value < 1
    assert figures.per_second == 2.0
    assert figures.sigma_l.value == 0.0  # the second counterfactuals are the first


def test_bkl_is_what_the_target_lacks(figures):
    answers = judged(model=replace_classifier(always(1))).bkl
    assert answers.value == pytest.approx(1 / (1 + np.e), abs=1e-6)
    assert 0 < figures.bkl.value < 1


def replace_classifier(classifier):
    model = tiny_explainer()
    return replace(model, classifiers={model.classifier_id: classifier})


def test_figures_without_their_references_are_none(figures):
    bare = judged()
    assert (bare.sparsity, bare.minimality, bare.changed_attributes, bare.correlation_difference) == (None,) * 4
    assert (bare.frechet, bare.fid, bare.identity) == (None, None, None)  # of six pictures no distance is computed
    assert bare.to_dict()["flips"]["share"] == 0.75
    assert bare.to_dict()["cout_of"]["b"] == {"value": None, "interval": [None, None], "n": 0}


def test_minimality_and_oracles_read_real_pictures():
    training = pictures(*[RED] * 20, *[GREEN] * 20)
    green = np.arange(40) >= 20
    references = References(training=training, training_truth=green.astype(np.int64), attributes={"green": green})
    found = judged(painted(after=pictures(*[GREEN] * N)), references)
    # All change their answer; of the eight random edits the two that are green do.
    assert found.oracles == {"green": Probe(1.0, pytest.approx(0.5, abs=0.15), Rate(N, N), Rate(2, N))}
    assert found.unrelated == {}
    assert found.changed_attributes == 1.0
    # Every picture changes alike, so that there is no correlation over them; over the labels it is 1.
    assert found.correlation_difference == pytest.approx(1.0, abs=1e-6)
    # Where nothing changes, no real picture is nearer, and all of the own class are as far.
    still = judged(painted(after=painted().before), references)
    assert still.minimality == pytest.approx(np.log(0.8 + 0.2 * np.e), abs=1e-6)
    assert found.minimality != still.minimality


def test_persons_are_compared_by_the_network_that_is_given():
    embed = lambda img: img.mean(dim=(2, 3)) + 1  # noqa: E731  # of mean colours in [0, 2]
    found = judged(painted(photos=pictures(*[RED] * N)), References(embed=embed)).identity
    half = (np.array([200, 60, 60]) + np.array([0, 255, 60])) / 2
    cosine = half @ RED / np.linalg.norm(half) / np.linalg.norm(RED)
    assert found.similarity.value == pytest.approx((6 * cosine + 2) / 8, rel=1e-4)
    assert (found.same, found.unedited.value) == (Rate(N, N), pytest.approx(1.0))
    stranger = judged(painted(photos=pictures(*[(0, 0, 250)] * N)), References(embed=embed)).identity
    assert stranger.same == Rate(0, N)
    assert stranger.unedited.value < 0.5
    text = table([replace(judged(), identity=found)], k=3, kappa=1.0)
    assert "above 0.5 (FVA)" in text


def test_a_frechet_distance_stands_beside_that_of_photos_from_photos():
    many = np.random.default_rng(0).integers(0, 60, (64, 16, 16, 3), dtype=np.uint8)
    before, after = many + np.array([120, 0, 0], np.uint8), many + np.array([0, 160, 0], np.uint8)
    rest = dict.fromkeys(("photos", "before", "second", "pasted", "random", "noise", "weights"), before)
    made = painted(rows=np.arange(64), targets=np.ones(64, dtype=np.int64), after=after, **rest)
    found = judged(made)
    assert found.flips.share == 1.0
    assert 0 < found.frechet.photos < 0.1 * found.frechet.between_halves
    assert found.frechet.distance > 0
    # On features of one's own it is that of the mean colours: they differ by one constant, and have one covariance.
    means = judged(made, References(inception=lambda img: img.mean(dim=(2, 3)))).fid
    assert means.distance == pytest.approx((120**2 + 160**2) / 127.5**2, rel=1e-3)
    assert "sFID" in table([replace(found, fid=means)], k=3, kappa=1.0)
    assert "FID" not in table([found], k=3, kappa=1.0)


def test_the_table_has_both_kinds_and_their_controls(figures):
    text = table([figures, replace(figures, kind="copy")], k=3, kappa=1.0)
    [row] = [line for line in text.splitlines() if line.startswith("flips (FR)")]
    assert row.count("0.750 [0.409, 0.929]") == 2
    assert "of the model's copy" in text
    assert "control: random edits" in text
    assert "unedited" not in text  # a control that no kind has
    assert "nan" not in text
