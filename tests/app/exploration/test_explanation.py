# SPDX-License-Identifier: MIT
"""The sentence on what turns a verdict."""

from __future__ import annotations

import numpy as np

from latent_explorer.app.exploration.explanation import explanation
from latent_explorer.app.exploration.updates import TurningSet
from latent_explorer.explain.recipe import Picture


def picture(healthy):
    probs = np.array([1 - healthy, healthy])
    return Picture(np.zeros((2, 2, 3), np.uint8), np.log(probs), probs)


def said(names, *, edited=False):
    sets = [TurningSet((), picture(0.1 * (i + 1))) for i in range(len(names))]
    return explanation(picture(0.93), sets, 0, ("ill", "well"), names, classifier="net", edited=edited)


def test_one_set_of_one():
    assert said([["spots"]]) == (
        "The classifier net says well (0.93) of this picture; taking spots (0.90) to the end of what the data shows "
        "turns that to ill."
    )


def test_several_sets_of_several():
    assert said([["a", "b"], ["c"], ["d", "e", "f"]], edited=True) == (
        "The classifier net says well (0.93) of this picture as it is edited; taking a and b (0.90) to the end of what "
        "the data shows turns that to ill; so does c (0.80) or d, e and f (0.70)."
    )
