# SPDX-License-Identifier: MIT
"""What turns the picture on the canvas in a painted part: the newest stroke on the newest picture is answered."""

from __future__ import annotations

import numpy as np
import pytest
from fake_explainer import SIZE, model_host
from headless import HeadlessExplorer, of_type

from latent_explorer.app.exploration.intents import SetAttribute, SetBase, SetTarget
from latent_explorer.app.exploration.updates import RegionFound
from latent_explorer.app.region import RegionStudier
from latent_explorer.explain.counterfactuals.region import DRAWS
from latent_explorer.explain.recipe import SampleBase


@pytest.fixture
def painting(folder):
    headless = HeadlessExplorer(folder, model_host())
    studier = RegionStudier(headless.explorer)
    headless.open()
    yield headless, studier
    headless.explorer.close()


def part(rows: slice) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), np.float32)
    mask[rows] = 1
    return mask


def test_the_answer_comes_first_and_then_once_with_each_control(painting):
    headless, studier = painting
    assert of_type(headless.settle(), RegionFound) == []
    studier.show(part(slice(0, 64)))
    told = of_type(headless.settle(), RegionFound)
    first, last = told[0], told[-1]
    assert [each.done for each in told] == [False] * (len(told) - 1) + [True]
    assert all(each.request == headless.explorer.shown.request for each in told)
    assert first.found.best.random is None
    assert first.found.area == 1
    assert len(first.found.ranked) == len(headless.explorer.attributes())
    assert first.found.best.turns
    asked = first.found.to_control()
    assert len(told) == 1 + len(asked)
    assert last.found.best.random == (0, DRAWS)
    assert all(each.random == (0, DRAWS) for each in last.found.ranked if each.turns)


def test_the_latest_stroke_wins(painting):
    headless, studier = painting
    masks = [part(slice(0, rows)) for rows in (8, 16, 24, 40)]
    for mask in masks:
        studier.show(mask)
    told = of_type(headless.settle(), RegionFound)
    assert {each.found.area for each in told} == {40 / 64}
    studier.show(None)
    headless.explorer.apply(SetBase(SampleBase(7)))
    assert of_type(headless.settle(), RegionFound) == []
    studier.show(0 * masks[0])  # all was erased
    assert of_type(headless.settle(), RegionFound) == []


def test_another_picture_is_asked_about_in_the_same_part_as_soon_as_a_drag_ends(painting):
    headless, studier = painting
    explorer = headless.explorer
    studier.show(part(slice(10, 40)))
    headless.settle()
    explorer.begin_gesture()
    explorer.apply(SetAttribute(explorer.attributes()[3], 0.5))
    assert of_type(headless.settle(), RegionFound) == []
    explorer.end_gesture()
    told = of_type(headless.settle(), RegionFound)
    assert told[-1].done
    assert told[-1].request == explorer.shown.request
    assert told[-1].request.recipe.edits


def test_a_picture_of_the_target_class_is_turned_away_from_it(painting):
    headless, studier = painting
    explorer = headless.explorer
    verdict = explorer.shown.result.after.verdict
    explorer.apply(SetTarget(verdict))
    headless.settle()
    studier.show(part(slice(10, 40)))
    *_, last = of_type(headless.settle(), RegionFound)
    assert last.found.target != verdict
    explorer.apply(SetTarget(1 - verdict))
    told = of_type(headless.settle(), RegionFound)
    assert {each.found.target for each in told} == {1 - verdict}


def test_a_class_without_attributes_is_told_without_rendering_anything(painting):
    headless, studier = painting
    explorer = headless.explorer
    ill = next(i for i in range(20) if explorer.summary.samples.probs[i].argmax() == 0)
    explorer.apply(SetBase(SampleBase(ill)))  # diseased already, and nothing is listed towards healthy
    headless.settle()
    studier.show(part(slice(10, 40)))
    (told,) = of_type(headless.settle(), RegionFound)
    assert (told.done, told.found.target, told.found.ranked, told.found.best) == (True, 1, (), None)
