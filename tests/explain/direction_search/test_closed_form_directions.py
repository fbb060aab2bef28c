# SPDX-License-Identifier: MIT
"""SeFa, GANSpace and the linear boundary, on models and latents whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from colour_explainer import tiny_explainer
from scipy.optimize import minimize

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.direction_search import ganspace
from latent_explorer.explain.direction_search.boundary import without
from latent_explorer.explain.direction_search.ganspace import principal_components
from latent_explorer.explain.direction_search.logistic import cross_validated, fit_logistic
from latent_explorer.explain.direction_search.search import find_directions
from latent_explorer.explain.direction_search.sefa import factorise
from latent_explorer.explain.direction_search.settings import SearchSettings

RNG = np.random.default_rng(0)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(abs(a.ravel() @ b.ravel()) / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.fixture(scope="module")
def explainer():
    return tiny_explainer(n=160)


def test_factors_are_the_right_singular_vectors_of_rows_of_length_1():
    weights = RNG.standard_normal((40, 6)) * RNG.uniform(0.1, 10, (40, 1))
    values, vectors = factorise(weights)
    _, sizes, right = np.linalg.svd(weights / np.linalg.norm(weights, axis=1, keepdims=True))
    np.testing.assert_allclose(values, sizes**2, rtol=1e-10)
    np.testing.assert_allclose(np.abs(np.sum(vectors * right, axis=1)), 1, rtol=1e-10)
    assert (np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1) > 0).all()
    weights[0] *= 1000  # a style with large weights counts no more than others
    np.testing.assert_allclose(factorise(weights)[0], values, rtol=1e-10)


def test_sefa_finds_the_only_number_that_the_styles_read(explainer):
    torch.manual_seed(0)
    explainer = tiny_explainer(n=160, seed=1)
    synthesis = explainer.generator.synthesis
    for layer in synthesis.layout.conv_layers:
        weight = synthesis.layer(layer.name).affine.weight
        weight[:, :16] = 0
        weight[:, 5 if layer.ws_row < 3 else 9] = 0.3
    (low,) = run_job(find_directions(explainer, SearchSettings("sefa", rows=(0, 2), held_out=0)))
    (high,) = run_job(find_directions(explainer, SearchSettings("sefa", rows=(3, 4), held_out=0)))
    assert [np.flatnonzero(each.direction.array[0] > 1e-6).tolist() for each in (low, high)] == [[5], [9]]
    assert (low.direction.first, low.direction.last) == (0, 2)
    assert low.figures["share"] == pytest.approx(1)
    assert low.check is None


def test_principal_components_and_their_deviations():
    axes = np.linalg.qr(RNG.standard_normal((5, 5)))[0]
    deviations = np.array([5.0, 3.0, 1.0, 0.5, 0.1])
    w = RNG.standard_normal((20_000, 5)) * deviations @ axes + 7
    variances, components = principal_components(w)
    np.testing.assert_allclose(np.sqrt(variances), deviations, rtol=0.03)
    np.testing.assert_allclose(np.abs(np.sum(components * axes, axis=1)), 1, rtol=1e-3)


def test_ganspace_steps_by_a_deviation_of_the_component(explainer, monkeypatch):
    w = torch.randn(500, 16) * torch.tensor([9.0, 4.0] + [0.1] * 14)
    monkeypatch.setattr(ganspace, "mapped_w", lambda _generator, count: w[:count])
    typical = explainer.samples.ws[:, 0].numpy()
    found = run_job(find_directions(explainer, SearchSettings("ganspace", count=2, samples=500, held_out=0)))
    for number, each in enumerate(found):
        vector = each.direction.array[0]
        assert np.abs(vector).argmax() == number
        unit = vector / np.linalg.norm(vector)
        assert np.linalg.norm(vector) == pytest.approx((typical @ unit).std(), rel=1e-3)
    assert found[0].figures["deviation"] == pytest.approx(9, rel=0.1)


@pytest.mark.parametrize(("n", "d"), [(80, 5), (20, 60)])
def test_logistic_regression_is_the_minimum_of_its_loss(n, d):
    x = RNG.standard_normal((n, d)) + 3
    y = (x[:, 0] + RNG.standard_normal(n) > 3).astype(int)
    sign = 2 * y - 1

    def loss(beta):
        return np.logaddexp(0, -sign * (x @ beta[:-1] + beta[-1])).sum() + 0.25 * beta[:-1] @ beta[:-1]

    coefficients, intercept = fit_logistic(x, y, ridge=0.5)
    best = minimize(loss, np.zeros(d + 1), method="BFGS", options={"gtol": 1e-8, "maxiter": 2000})
    assert loss(np.append(coefficients, intercept)) <= best.fun + 1e-6
    np.testing.assert_allclose(coefficients, best.x[:-1], atol=1e-3)


def test_the_accuracy_of_random_labels_is_chance():
    x = RNG.standard_normal((300, 40))
    guessed = run_job(cross_validated(x, RNG.integers(0, 2, 300), 1.0, 5, RNG))
    known = run_job(cross_validated(x, (x[:, 3] > 0).astype(int), 1.0, 5, RNG))
    assert guessed.interval[0] < guessed.majority
    assert known.interval[0] > 0.8
    assert known.n == 300


def test_projections_are_taken_out_also_of_dependent_directions():
    others = RNG.standard_normal((3, 8))
    others[2] = others[0] - 2 * others[1]
    normals = RNG.standard_normal((2, 8))
    rest = without(normals, list(others))
    np.testing.assert_allclose(rest @ others.T, 0, atol=1e-10)
    c = others[0] / np.linalg.norm(others[0])
    np.testing.assert_allclose(without(normals, [c])[0], normals[0] - (normals[0] @ c) * c)


def test_a_boundary_of_labels_is_the_plane_they_come_from(explainer):
    w = explainer.samples.ws[:, 0].numpy()
    normal = RNG.standard_normal(16)
    side = (w - w.mean(axis=0)) @ normal
    labels = np.where(side > 0, 1, 0)
    labels[120:] = -1
    (found,) = run_job(find_directions(explainer, SearchSettings("boundary", ridge=0.01, held_out=20), labels=labels))
    assert cosine(np.cov(w.T) @ found.direction.array[0], np.cov(w.T) @ normal) > 0.95
    assert found.figures["low"] > 0.8
    assert found.figures["examples"] == 120
    assert found.check is not None
    assert found.check.pictures == 20
    given = [found.direction]
    (other,) = run_job(find_directions(explainer, SearchSettings("boundary", held_out=0), labels=labels, given=given))
    assert cosine(other.direction.array, found.direction.array) < 1e-5
    assert other.figures["accuracy"] < found.figures["accuracy"]


def test_the_classifier_labels_the_ends_of_its_margin(explainer):
    settings = SearchSettings("boundary", count=2, held_out=30, share=0.3)
    first, second = run_job(find_directions(explainer, settings))
    assert [each.target for each in (first, second)] == [1, 1]  # of two classes one boundary
    assert first.figures["majority"] == 0.5
    assert first.figures["examples"] == 2 * round(0.3 * 130)
    assert cosine(first.direction.array, second.direction.array) < 1e-5
    assert first.direction.name == "boundary b 1"


def test_rows_of_their_own_give_a_boundary_of_rows(explainer):
    explainer = tiny_explainer(n=160)
    explainer.samples.ws += 0.1 * torch.randn(explainer.samples.ws.shape)
    (found,) = run_job(find_directions(explainer, SearchSettings("boundary", target=0, rows=(1, 2), held_out=0)))
    moved = np.abs(found.direction.shift(explainer.generator.num_ws)).max(axis=1) > 0
    assert moved.tolist() == [False, True, True, False, False, False]


def test_what_cannot_be_searched_is_refused(explainer):
    for settings, words in (
        (SearchSettings("sefa", rows=(3, 9)), "rows"),
        (SearchSettings("sefa", count=99), "directions"),
        (SearchSettings("guided", target=2), "class 2"),
    ):
        with pytest.raises(UserError, match=words):
            run_job(find_directions(explainer, settings))
    with pytest.raises(UserError, match="labels"):
        run_job(find_directions(explainer, SearchSettings("boundary"), labels=[1, 0]))
    with pytest.raises(UserError, match="needs 5"):
        run_job(find_directions(explainer, SearchSettings("boundary"), labels=[1] * 158 + [0] * 2))
    with pytest.raises(UserError, match="boundary only"):
        run_job(find_directions(explainer, SearchSettings("sefa"), labels=[1] * 160))
    explainer = tiny_explainer(n=160)
    explainer.classifiers.clear()
    assert run_job(find_directions(explainer, SearchSettings("ganspace")))[0].check is None
    with pytest.raises(UserError, match="no classifier"):
        run_job(find_directions(explainer, SearchSettings("boundary")))


def test_a_class_without_pictures_is_left_out_with_a_notice():
    explainer = tiny_explainer(classes=3, n=160)
    found, events = [], []
    settings = SearchSettings("boundary", share=0.02, n=100, held_out=10)
    found = run_job(find_directions(explainer, settings), events.append)
    assert found == []
    assert sum(isinstance(event, Notice) for event in events) == 3
