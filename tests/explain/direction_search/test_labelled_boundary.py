# SPDX-License-Identifier: MIT
"""Directions of a person's labels: boundaries and ratings, on latents whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from colour_explainer import tiny_explainer

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.direction_search.judge import judge
from latent_explorer.explain.direction_search.labelled import labelled_latents
from latent_explorer.explain.direction_search.regression import correlated, cross_correlated, fit_ridge
from latent_explorer.explain.direction_search.search import find_directions
from latent_explorer.explain.direction_search.settings import SearchSettings
from latent_explorer.explain.labels import Label, LabelSet
from latent_explorer.explain.latents import seed_latent
from latent_explorer.explain.recipe import SampleBase, SeedBase
from latent_explorer.models.stylegan2 import truncate

RNG = np.random.default_rng(0)
NORMAL = RNG.standard_normal(16)


@pytest.fixture(scope="module")
def explainer():
    return tiny_explainer(n=160)


def pictures(explainer, count: int) -> tuple[list[Label], np.ndarray]:
    """Return seeds and samples in turn, and how far each lies along NORMAL."""
    labels = [Label(SampleBase(i) if i % 3 == 0 else SeedBase(i), 0, 1.0 if i % 3 == 0 else 0.8) for i in range(count)]
    ws, _ = labelled_latents(explainer, labels)
    side = (ws[:, 0].double().numpy() - explainer.generator.mapping.w_avg.double().numpy()) @ NORMAL
    return labels, side - np.median(side)


def said(labels: list[Label], values: np.ndarray, kind: str = "yes-no") -> LabelSet:
    named = [Label(each.base, int(v), each.truncation_psi) for each, v in zip(labels, values, strict=True)]
    return LabelSet("towards n", kind, tuple(named))


def cosine(w: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """Return the cosine of two directions as the latents w vary along them."""
    x, y = np.cov(w.T) @ a, np.cov(w.T) @ b
    return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))


def test_latents_are_those_that_were_shown(explainer) -> None:
    labels = [Label(SeedBase(7), 1, 0.5, 2), Label(SampleBase(3), 0), Label(SeedBase(8), 1)]
    ws, cond = labelled_latents(explainer, labels)
    latents = [seed_latent(explainer, 7), seed_latent(explainer, 8)]
    torch.testing.assert_close(ws[:1], truncate(latents[0].ws, explainer.generator.mapping.w_avg, 0.5, 2))
    torch.testing.assert_close(ws[1], explainer.samples.ws[3])
    torch.testing.assert_close(ws[2:], latents[1].ws)
    torch.testing.assert_close(cond, torch.cat([latents[0].cond, explainer.samples.cond[3:4], latents[1].cond]))
    with pytest.raises(UserError, match="no picture 160"):
        labelled_latents(explainer, [Label(SampleBase(160), 1)])


def test_labels_give_the_plane_that_they_come_from_also_without_a_classifier() -> None:
    explainer = tiny_explainer(n=160)
    labels, side = pictures(explainer, 120)
    values = np.where(side > 0, 1, 0)
    values[[3, 50]] = -1
    settings = SearchSettings("boundary", ridge=0.01, held_out=20)
    (found,) = run_job(find_directions(explainer, settings, labels=said(labels, values)))
    w = explainer.samples.ws[:, 0].numpy()
    assert cosine(w, found.direction.array[0], NORMAL) > 0.9
    assert found.direction.name == "towards n"
    assert found.figures["examples"] == 118
    assert found.figures["low"] > 0.75 > found.figures["shuffled"] + 0.1
    assert abs(found.figures["shuffled"] - 0.5) < 0.15
    assert found.check is not None
    assert found.check.pictures == 20
    explainer.classifiers.clear()
    (bare,) = run_job(find_directions(explainer, settings, labels=said(labels, values)))
    assert bare.direction == found.direction
    assert bare.check is None


def test_pictures_that_were_sought_are_fitted_and_not_counted(explainer) -> None:
    labels, side = pictures(explainer, 90)
    sought = np.abs(side) < np.quantile(np.abs(side), 0.3)
    triples = zip(labels, side, sought, strict=True)
    named = [Label(p.base, int(s > 0), p.truncation_psi, sought=bool(u)) for p, s, u in triples]
    settings = SearchSettings("boundary", held_out=0)
    (found,) = run_job(find_directions(explainer, settings, labels=LabelSet("", "yes-no", tuple(named))))
    assert found.figures["examples"] == 90 - sought.sum()
    assert found.direction.name == "boundary of labels"


def test_the_least_sure_pictures_lie_at_the_plane(explainer) -> None:
    labels, side = pictures(explainer, 150)
    shown = said(labels[:90], np.where(side[:90] > 0, 1, 0))
    found = run_job(judge(explainer, shown, labels[90:]))
    assert found.figures["low"] > 0.75 > found.figures["shuffled"] + 0.1
    far = {label.picture: abs(value) for label, value in zip(labels, side, strict=True)}
    ordered = [far[label.picture] for label in found.unsure]
    assert len(ordered) == 60
    assert np.mean(ordered[:20]) < 0.5 * np.mean(ordered[40:])
    (direction,) = run_job(find_directions(explainer, SearchSettings("boundary", held_out=0), labels=shown))
    assert found.figures == direction.figures
    rest = run_job(judge(explainer, shown, given=[direction.direction]))
    assert rest.figures["accuracy"] < found.figures["accuracy"]


def test_ratings_give_the_direction_along_which_they_grow(explainer) -> None:
    labels, side = pictures(explainer, 120)
    ratings = 1 + np.searchsorted(np.quantile(side, (0.2, 0.4, 0.6, 0.8)), side)
    settings = SearchSettings("boundary", held_out=20)
    (found,) = run_job(find_directions(explainer, settings, labels=said(labels, ratings, "rating")))
    w = explainer.samples.ws[:, 0].numpy()
    assert cosine(w, found.direction.array[0], NORMAL) > 0.9
    assert found.figures["low"] > 0.8
    assert abs(found.figures["shuffled"]) < 0.25
    given = [found.direction]
    (rest,) = run_job(find_directions(explainer, settings, labels=said(labels, ratings, "rating"), given=given))
    assert abs(rest.direction.array[0] @ found.direction.array[0]) < 1e-5
    assert rest.figures["correlation"] < found.figures["correlation"] - 0.2
    few = said(labels, np.clip(ratings, 2, 3), "rating")
    with pytest.raises(UserError, match="rated 4 or 5"):
        run_job(find_directions(explainer, settings, labels=few))


def test_too_few_of_a_label_are_refused(explainer) -> None:
    labels, side = pictures(explainer, 20)
    with pytest.raises(UserError, match="each label needs 5"):
        run_job(find_directions(explainer, SearchSettings("boundary"), labels=said(labels, side > 99)))
    with pytest.raises(UserError, match="0 latents are labelled 1 and 0 are 0"):
        run_job(find_directions(explainer, SearchSettings("boundary"), labels=LabelSet()))


@pytest.mark.parametrize(("n", "d"), [(60, 4), (20, 50)])
def test_the_penalty_is_that_with_the_smallest_leave_one_out_error(n: int, d: int) -> None:
    x = RNG.standard_normal((n, d)) + 2
    y = x[:, 0] * 2 + RNG.standard_normal(n) + 7

    def ridge(x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
        z = x - x.mean(axis=0)
        beta = np.linalg.solve(z.T @ z + penalty * np.eye(d), z.T @ (y - y.mean()))
        return beta, y.mean() - x.mean(axis=0) @ beta

    z = x - x.mean(axis=0)
    penalties = [np.trace(z @ z.T) / n * 10.0**k for k in range(-3, 4)]
    errors = []
    for penalty in penalties:
        fits = [ridge(np.delete(x, i, axis=0), np.delete(y, i), penalty) for i in range(n)]
        errors.append(sum((y[i] - x[i] @ beta - b) ** 2 for i, (beta, b) in enumerate(fits)))
    expected = ridge(x, y, penalties[int(np.argmin(errors))])
    coefficients, intercept = fit_ridge(x, y)
    np.testing.assert_allclose(coefficients, expected[0], atol=1e-8)
    assert intercept == pytest.approx(expected[1])


def test_correlations_have_fishers_interval() -> None:
    a = RNG.standard_normal(50)
    b = a + RNG.standard_normal(50)
    found = correlated(a, b)
    r = np.corrcoef(a, b)[0, 1]
    assert found.correlation == pytest.approx(r)
    half = 1.959963984540054 / np.sqrt(47)
    np.testing.assert_allclose(found.interval, np.tanh(np.arctanh(r) + np.array([-half, half])))
    assert np.isnan(correlated(a, np.ones(50)).correlation)
    noise = run_job(cross_correlated(RNG.standard_normal((80, 30)), RNG.integers(1, 6, 80), 5, RNG))
    assert noise.interval[0] < 0.1
