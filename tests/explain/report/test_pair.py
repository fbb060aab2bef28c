# SPDX-License-Identifier: MIT
"""Two classifiers as one: the order of their classes, and changes of log-odds to first order."""

from __future__ import annotations

import numpy as np
import torch
from colour_explainer import tiny_classifier

from latent_explorer.explain.report.pair import Pair, log_odds, predicted_log_odds
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.preprocessing import Preprocessing


def test_the_second_is_asked_in_the_order_of_the_first():
    first = tiny_classifier(3)
    second = Classifier(ClassifierConfig("other", "small-resnet", ("c", "a", "b"), Preprocessing(16), widths=(4, 8)))
    second.network = first.network
    pair = Pair(first, second)
    img = torch.linspace(-1, 1, 3)[None, :, None, None].expand(1, 3, 16, 16)
    own, others = pair.split(pair.logits(img).numpy())
    np.testing.assert_allclose(others[0], own[0][[1, 2, 0]])  # its a is its second output, its c the first
    assert pair.second_class == {0: 2, 1: 0, 2: 1}


def test_small_changes_of_logits_change_the_log_odds_as_predicted():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20, 3))
    effects = 1e-4 * rng.normal(0, 1, (20, 2, 5, 3))
    for target in range(3):
        predicted = predicted_log_odds(logits, effects, target)
        assert predicted.shape == (20, 2, 5)
        moved = (logits[:, None, None] + effects).reshape(-1, 3)
        exact = log_odds(moved, target).reshape(20, 2, 5) - log_odds(logits, target)[:, None, None]
        np.testing.assert_allclose(predicted, exact, atol=1e-7)
