# SPDX-License-Identifier: MIT
"""Heat map of the overview: effects of every attribute on every picture, kept or rendered, with their control."""

from __future__ import annotations

import numpy as np
import pytest
from fake_explainer import SAMPLES, model_host
from headless import HeadlessExplorer

from latent_explorer.app.exploration.intents import SetClassifier, SetTarget
from latent_explorer.app.overview.heat_map import HeatMap, clustered, control_of, order_of
from latent_explorer.app.overview.samples import request_of
from latent_explorer.explain.recipe import SampleBase, attribute_edits


class Map:
    """A heat map on the painted leaves."""

    def __init__(self, folder, **options):
        self.headless = HeadlessExplorer(folder, model_host(**options))
        self.explorer = self.headless.explorer
        self.calls = 0
        self.map = HeatMap(self.explorer, self.changed)

    def changed(self):
        self.calls += 1

    def show(self, seed=0, source="samples", attributes=None):
        self.map.show(self.explorer.attributes() if attributes is None else attributes, source, seed)

    def settle(self):
        self.headless.settle()


@pytest.fixture
def made(folder):
    made = Map(folder, classifiers=2)
    made.headless.open()
    yield made
    made.explorer.close()


def test_every_cell_is_the_change_by_the_attribute_at_its_end(made):
    made.show()
    assert made.map.classifying
    made.settle()
    odds, change = made.map.values("odds"), made.map.values("probability")
    attributes = made.explorer.attributes()
    assert odds.shape == (48, len(attributes) + 1)
    assert [a.entries for a in made.map.columns[:-1]] == [a.entries for a in attributes]
    render = made.headless.host.renderer.render
    for i, j in ((0, 0), (20, 3), (47, 9), (5, 10)):
        base = made.map.rows[i].base
        result = render(request_of(made.explorer, base, attribute_edits(made.map.columns[j])))
        difference = result.after.logits - result.before.logits
        assert odds[i, j] == pytest.approx(difference[0] - difference[1], abs=1e-5)
        assert change[i, j] == pytest.approx(result.after.probs[0] - result.before.probs[0], abs=1e-5)
    assert made.map.counts == (48 * 11, 48 * 11, 0)
    assert np.nanmax(np.abs(odds[:, -1])) == 0  # a style that the painted leaves do not depend on


def test_what_a_search_rendered_is_not_rendered_again(made):
    entry = made.explorer.attributes()[0].entries[0]
    made.headless.host.kept = {(i, entry): np.array([1.5, -1.5], np.float32) for i in range(SAMPLES)}
    made.show()
    made.settle()
    assert made.map.counts == (48 * 11, 48 * 11, 48)
    np.testing.assert_allclose(made.map.values("odds")[:, 0], 3.0, atol=1e-5)
    assert made.map.values("odds")[:, 1].std() > 0
    made.explorer.apply(SetTarget(1))
    made.show(attributes=made.map.columns[:1])
    made.settle()
    np.testing.assert_allclose(made.map.values("odds")[:, 0], -3.0, atol=1e-5)


def test_a_search_for_another_classifier_and_seeds_have_nothing_kept(made):
    entry = made.explorer.attributes()[0].entries[0]
    made.headless.host.kept = {(i, entry): np.ones(2) for i in range(SAMPLES)}
    made.show(source="seeds")
    made.settle()
    assert made.map.counts[2] == 0
    other = made.explorer.summary.classifiers[1].classifier_id
    made.explorer.apply(SetClassifier(other, 1))
    made.show(attributes=made.map.columns[:2])
    made.settle()
    assert made.map.counts == (48 * 3, 48 * 3, 0)


def test_another_control_renders_its_own_column_only(made):
    made.show()
    made.settle()
    control = made.map.columns[-1]
    made.show(seed=1)
    assert made.map.columns[-1] != control
    known = np.isfinite(made.map.values("odds"))
    assert known[:, :-1].all()
    assert not known[:, -1].any()
    made.map.stop()
    made.show(seed=1)
    made.settle()
    assert np.isfinite(made.map.values("odds")).all()


def test_the_control_is_a_style_that_is_not_listed(made):
    summary, attributes = made.explorer.summary, made.explorer.attributes()
    listed = {e.style_index for a in attributes for e in a.entries}
    drawn = [control_of(summary, attributes, 0, seed) for seed in range(40)]
    assert listed.isdisjoint(each.entries[0].style_index for each in drawn)
    assert {each.entries[0].end for each in drawn} == {"min", "max"}
    assert drawn[3] == control_of(summary, attributes, 0, 3)


def test_a_cell_is_opened_as_one_step_of_undo(made):
    made.show()
    made.settle()
    before = made.explorer.state
    made.explorer.apply(made.map.intent(7, 2))
    state = made.explorer.state
    assert state.base == made.map.rows[7].base
    assert [e.style_index for e in state.edits] == [e.style_index for e in made.map.columns[2].entries]
    made.explorer.undo()
    assert made.explorer.state == before
    assert made.map.intent(7, -1).recipe.edits == ()


def test_pictures_that_are_at_an_end_already_are_known(made):
    made.show()
    made.settle()
    ends = made.map.at_ends()
    assert ends.shape == made.map.values("odds").shape
    for i, j in zip(*np.nonzero(ends), strict=True):
        assert abs(made.map.values("odds")[i, j]) < 0.06 * 2.6


def test_a_rename_asks_for_nothing(made):
    made.show()
    made.settle()
    first = made.explorer.attributes()[0]
    made.explorer.change_document(made.explorer.document.renamed(first, "freckles"))
    calls = made.calls
    made.show()
    assert made.calls == calls + 1
    assert made.map.columns[0].name == "freckles"
    assert np.isfinite(made.map.values("odds")).all()


def test_rows_are_ordered_by_probability_or_by_likeness(made):
    made.show()
    made.settle()
    values = made.map.values("odds")
    probs = np.array([row.picture.probs[0] for row in made.map.rows])
    lowest = order_of(made.map.rows, values, 0, "lowest")
    assert (np.diff(probs[lowest]) >= 0).all()
    assert probs[order_of(made.map.rows, values, 0, "highest")[0]] == probs.max()
    assert sorted(order_of(made.map.rows, values, 0, "likeness")) == list(range(48))
    values[0, 0] = np.nan
    assert order_of(made.map.rows, values, 0, "likeness") == lowest


def test_clusters_keep_similar_rows_together():
    kinds = np.array([0, 2, 1, 0, 2, 1, 0])
    rows = np.array([[0.0, 0.0], [5.0, 0.0], [5.0, 9.0]])[kinds] + 0.1 * np.random.default_rng(0).random((7, 2))
    ordered = kinds[clustered(rows)].tolist()
    assert ordered == [2, 2, 1, 1, 0, 0, 0]
    assert clustered(np.zeros((0, 3))) == []
    assert clustered(np.zeros((1, 3))) == [0]


def test_samples_are_rows(made):
    made.show()
    made.settle()
    assert all(isinstance(row.base, SampleBase) for row in made.map.rows)
