# SPDX-License-Identifier: MIT
"""Strip of the overview: which samples it shows, and their pictures at both ends of an attribute."""

from __future__ import annotations

import numpy as np
import pytest
from fake_explainer import model_host
from headless import HeadlessExplorer

from latent_explorer.app.exploration.intents import SetTarget
from latent_explorer.app.overview.pictures import PictureStrip
from latent_explorer.app.overview.samples import POOL, balanced, balanced_counts, pool, request_of
from latent_explorer.common.log_odds import log_odds
from latent_explorer.explain.recipe import SampleBase, SeedBase, attribute_edits


class Strip:
    """A strip on the painted leaves that notes what it is called with."""

    def __init__(self, folder):
        self.headless = HeadlessExplorer(folder, model_host())
        self.explorer = self.headless.explorer
        self.called: list = []
        self.strip = PictureStrip(self.explorer, lambda: self.called.append("rows"), self.called.append)

    def show(self, place=0, amount=1.0, source="samples", count=8):
        self.strip.show(self.explorer.attributes()[place], amount, source, count)


@pytest.fixture
def made(folder):
    made = Strip(folder)
    made.headless.open()
    yield made
    made.explorer.close()


def test_half_of_the_samples_are_called_the_class(made):
    made.show()
    assert made.strip.classifying
    assert made.strip.rows == []
    made.headless.settle()
    rows = made.strip.rows
    assert [row.called for row in rows] == [False] * 4 + [True] * 4
    assert all(isinstance(row.base, SampleBase) for row in rows)
    assert made.strip.left == 0
    for row in rows:
        assert (row.pictures[1].verdict == made.explorer.state.target_class) == row.called
    probs = [row.pictures[1].probs[0] for row in rows]
    assert probs[:4] == sorted(probs[:4], reverse=True)
    assert probs[4:] == sorted(probs[4:], reverse=True)


def test_the_pictures_are_those_of_the_edits(made):
    made.show(amount=0)
    made.headless.settle()
    assert all(row.pictures[0].probs[0] == row.pictures[1].probs[0] for row in made.strip.rows)
    made.show(amount=0.5)
    made.headless.settle()
    attribute = made.explorer.attributes()[0]
    for place, row in enumerate(made.strip.rows):
        for sign in (-1, 0, 1):
            edits = attribute_edits(attribute, 0.5 * sign) if sign else ()
            expected = made.headless.host.renderer.render(request_of(made.explorer, row.base, edits)).after
            np.testing.assert_array_equal(row.pictures[sign + 1].image, expected.image)
            intent = made.strip.intent(place, sign)
            assert intent.recipe == request_of(made.explorer, row.base, edits).recipe
    assert made.strip.intent(99, 1) is None


def test_a_picture_is_opened_as_one_step_of_undo(made):
    made.show()
    made.headless.settle()
    before = made.explorer.state
    made.explorer.apply(made.strip.intent(2, 1))
    state = made.explorer.state
    assert state.base == made.strip.rows[2].base
    assert [edit.style_index for edit in state.edits] == [made.explorer.attributes()[0].entries[0].style_index]
    made.explorer.undo()
    assert made.explorer.state == before


def test_another_attribute_keeps_the_rows_and_classifies_nothing_again(made):
    made.show()
    made.headless.settle()
    bases = [row.base for row in made.strip.rows]
    made.called.clear()
    made.show(place=1)
    assert not made.strip.classifying
    assert [row.base for row in made.strip.rows] == bases
    assert made.strip.left == 2 * len(bases)
    made.show(place=2)  # what was on its way for the other one is dropped
    made.headless.settle()
    assert made.strip.left == 0
    assert made.called.count("rows") == 2
    assert made.strip.intent(0, 1).recipe.edits[0].style_index == made.explorer.attributes()[2].entries[0].style_index


def test_nothing_is_rendered_after_a_stop(made):
    made.show()
    made.strip.stop()
    made.headless.settle()
    assert made.strip.rows == []
    made.show()
    made.headless.settle()
    assert made.strip.left == 0


def test_another_class_chooses_other_halves(made):
    made.show()
    made.headless.settle()
    called = {row.base for row in made.strip.rows if row.called}
    attribute = made.explorer.attributes()[0]
    made.explorer.apply(SetTarget(1))
    made.strip.show(attribute, 1.0, "samples", 8)
    made.headless.settle()
    assert {row.base for row in made.strip.rows if not row.called} == called


def test_seeds_and_empty_lists(made):
    made.show(source="seeds", count=4)
    made.headless.settle()
    assert all(isinstance(row.base, SeedBase) for row in made.strip.rows)
    made.show(source="favourites")
    made.headless.settle()
    assert made.strip.rows == []
    assert not made.strip.classifying
    made.explorer.change_document(made.explorer.document.with_favourite(SeedBase(7), True))
    made.show(source="favourites")
    made.headless.settle()
    assert [row.base for row in made.strip.rows] == [SeedBase(7)]


def test_the_pool_holds_both_verdicts_of_the_file(made):
    bases = pool(made.explorer, "samples")
    assert len(bases) == min(POOL, len(made.explorer.summary.samples.ids)) == len(set(bases))
    probs = made.explorer.summary.samples.probs[[base.index for base in bases]]
    others = (made.explorer.summary.samples.probs.argmax(axis=1) == 0).sum()
    assert (probs.argmax(axis=1) == 0).sum() == min(POOL // 2, others)


@pytest.mark.parametrize(
    ("available", "counts"), [((9, 9), [4, 4]), ((2, 9), [2, 6]), ((9, 1), [7, 1]), ((1, 2), [1, 2]), ((0, 0), [0, 0])]
)
def test_what_one_group_lacks_the_other_gives(available, counts):
    assert balanced_counts(available, 8) == counts


def test_log_odds_are_those_of_the_probabilities():
    logits = np.array([[2.0, -1.0, 0.5], [900.0, -900.0, 0.0]])
    p = np.exp(logits[0]) / np.exp(logits[0]).sum()
    assert log_odds(logits, 0)[0] == pytest.approx(np.log(p[0] / (1 - p[0])))
    assert log_odds(logits, 1)[1] == pytest.approx(-1800.0)
    assert log_odds(np.array([[3.0, 1.0]]), 1)[0] == pytest.approx(-2.0)


def test_the_highest_of_a_group_comes_first():
    logits = np.array([[0.0, 1.0], [0.0, -1.0], [0.0, 3.0], [0.0, -2.0]])
    assert balanced(logits, 1, 4) == [1, 3, 2, 0]
