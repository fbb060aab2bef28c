# SPDX-License-Identifier: MIT
"""The channels of Wu et al.: scores on numbers whose answer is known, and the job on a planted cause."""

from __future__ import annotations

import numpy as np
import pytest
from colour_explainer import tiny_classifier, tiny_explainer

from latent_explorer.common.events import Notice
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.attfind.stylespace import StyleSpaceSettings, exemplars, rank_channels, stylespace


def test_the_two_scores_rank_as_their_formulas_say():
    rng = np.random.default_rng(0)
    s = rng.normal(size=(4000, 4))
    rows = np.arange(400)
    s[rows, 1] = 1.0 + rng.normal(0, 0.1, 400)  # a little higher, and all alike
    s[rows, 2] = -2.0 + rng.normal(0, 1.5, 400)  # much lower, and scattered
    s[:, 3] = 5.0  # never varies
    assert rank_channels(s, rows, "difference")[:2] == [(2, 0), (1, 1)]
    assert rank_channels(s, rows, "signal")[:2] == [(1, 1), (2, 0)]
    assert rank_channels(s, rows, "signal")[-1][0] == 3


@pytest.mark.parametrize("classes", [2, 3])
def test_exemplars_are_the_surest_or_the_confident(classes):
    probabilities = np.random.default_rng(1).dirichlet(np.ones(classes), 200)
    logits = np.log(probabilities) + 7
    extreme = exemplars(logits, 1, StyleSpaceSettings(share=0.05))
    assert set(extreme) == set(np.argsort(-probabilities[:, 1])[:10])
    confident = exemplars(logits, 1, StyleSpaceSettings(exemplars="confident", confidence=0.8))
    np.testing.assert_array_equal(confident, np.flatnonzero(probabilities[:, 1] > 0.8))


def test_figures_are_rendered_and_the_settings_kept():
    explainer = tiny_explainer(n=40)
    found = run_job(stylespace(explainer, StyleSpaceSettings(n=40, wanted=3, exemplars="extreme", share=0.2)))
    assert found.method == "stylespace-signal-extreme"
    assert found.n == 40
    assert found.settings["share"] == 0.2
    assert [a.target for a in found.attributes] == [0, 0, 0, 1, 1, 1]
    assert all(a.exact and a.interval for a in found.attributes)
    assert any(a.mean_effect for a in found.attributes)


@pytest.mark.parametrize(("effect", "share"), [(2.0, 0.08), (1.0, 0.2), (0.0, 0.01)])
def test_unstable_pictures_count_as_zero_as_in_attfind(effect, share):
    explainer = tiny_explainer(classes=3, n=24)
    unstable = {"unstable_effect": effect, "unstable_share": share}
    found = run_job(stylespace(explainer, StyleSpaceSettings(n=24, wanted=2, **unstable)))
    whole = run_job(attfind(explainer, AttFindSettings(n=24, exhaustive=True, **unstable)))
    assert found.settings["unstable_pictures"] == whole.unstable.sum() > 0
    for attribute in found.attributes:
        entry, target = attribute.entries[0], attribute.target
        column = whole.effects[:, int(entry.end == "max"), entry.style_index, target]
        expected = np.where(whole.unstable, 0, column)[whole.subject.verdicts != target].mean()
        assert attribute.mean_effect == pytest.approx(expected, abs=1e-4)


def test_a_class_without_exemplars_has_a_notice_and_no_channels():
    explainer = tiny_explainer(n=30, classifier=tiny_classifier(gain=0.0))
    events = []
    found = run_job(stylespace(explainer, StyleSpaceSettings(n=30, exemplars="confident")), events.append)
    assert found.attributes == ()
    assert sum("exemplars" in e.text for e in events if isinstance(e, Notice)) == 2


def test_a_class_that_all_pictures_have_is_ranked_without_figures():
    """There is no picture whose logit the channels could raise."""
    explainer = tiny_explainer(n=20, classifier=tiny_classifier(gain=0.0))
    found = run_job(stylespace(explainer, StyleSpaceSettings(n=20, wanted=2)))
    assert [a.target for a in found.attributes] == [0, 0, 1, 1]
    assert [a.interval is None for a in found.attributes] == [True, True, False, False]
