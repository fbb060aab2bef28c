# SPDX-License-Identifier: MIT
"""Similar attributes: copies are alike, opposites are not, and the numbers are those of the window's pictures."""

from __future__ import annotations

import numpy as np
import pytest
from colour_explainer import tiny_explainer

from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.similar import Similarity, similar_attributes
from latent_explorer.explain.likeness import ALIKE, likes
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, SampleBase, attribute_edits
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.explainer import Explainer

A, B = 3, 20  # style coordinates


def _attribute(style_index: int, end: str = "max", weight: float = 1.0) -> Attribute:
    return Attribute("", 0, (AttributeEntry(style_index, end, weight),))


def _compare(explainer: Explainer, *attributes: Attribute) -> Similarity:
    attribute_set = AttributeSet(explainer.classifier_id, "attfind-notebook", 24, 1.0, "", attributes)
    return run_job(similar_attributes(explainer, attribute_set))[0]


def test_a_weaker_copy_is_like_its_original_and_its_opposite_is_not() -> None:
    weaker, opposite = _attribute(A, weight=0.7), _attribute(A, weight=-0.7)
    found = _compare(tiny_explainer(), _attribute(A), _attribute(B), weaker, opposite)
    assert found.cosine[0, 2] > 0.95
    assert found.cosine[0, 3] < 0
    assert found.correlation[0, 2] > 0.9
    assert found.likes.get(2) == 0
    assert 3 not in found.likes
    np.testing.assert_allclose(np.diag(found.cosine), 1, atol=1e-5)
    np.testing.assert_allclose(found.cosine, found.cosine.T)


def test_the_numbers_are_those_of_the_pictures_in_the_window() -> None:
    explainer = tiny_explainer()
    attributes = _attribute(A), _attribute(B, "min")
    found = _compare(explainer, *attributes)
    renderer, key = Renderer(explainer, "cpu"), explainer.classifier_id

    def picture(row: int, edits=()):
        return renderer.render(PictureRequest(PictureRecipe(SampleBase(row), edits=edits), key)).after

    others = [row for row in range(24) if picture(row).verdict != 0]
    assert found.n == min(48, len(others))
    rows = [others[i] for i in np.unique(np.linspace(0, len(others) - 1, found.n).round().astype(int))]
    cosines, effects = [], []
    for row in rows:
        now, moved = picture(row), [picture(row, attribute_edits(each)) for each in attributes]
        a, b = (each.image.astype(float).ravel() - now.image.astype(float).ravel() for each in moved)
        if min(np.abs(a).max(), np.abs(b).max()) > 0:  # else one stands at its end already
            cosines.append(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        effects.append([each.logits[0] - now.logits[0] for each in moved])
    assert found.cosine[0, 1] == pytest.approx(np.mean(cosines), abs=0.05)  # of whole grey levels here
    assert found.correlation[0, 1] == pytest.approx(np.corrcoef(np.array(effects).T)[0, 1], abs=0.01)


def test_each_is_like_the_earlier_one_that_it_is_most_like() -> None:
    cosine = np.eye(4)
    cosine[2, 0], cosine[2, 1], cosine[3, 2] = ALIKE, ALIKE + 0.1, np.nan
    assert likes(cosine) == {2: 1}
