# SPDX-License-Identifier: MIT
"""Effects that a search rendered, looked up by picture and coordinate."""

from __future__ import annotations

import numpy as np
import pytest
from colour_explainer import tiny_explainer

from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.kept_effects import kept_effects
from latent_explorer.explain.attfind.kept_moves import KeptMoves
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.models.attributes import AttributeEntry

N = 20


@pytest.fixture(scope="module")
def explainer():
    return tiny_explainer(n=30)


def test_they_are_those_of_the_search(explainer, tmp_path):
    settings = AttFindSettings(n=N, wanted=2)
    job = attfind(explainer, settings, ranges=explainer.style_stats, kept=KeptMoves(tmp_path))
    result = run_job(job)
    entries = [e for a in result.attribute_set.attributes for e in a.entries]
    known = kept_effects(explainer, tmp_path, classifier_id=explainer.classifier_id, n=N, entries=entries)
    rendered = {
        (i, e) for e in entries for i in range(N) if result.rendered[i, ("min", "max").index(e.end), e.style_index]
    }
    assert known.keys() <= rendered
    assert known
    for (i, entry), effect in known.items():
        direction = ("min", "max").index(entry.end)
        np.testing.assert_array_equal(effect, result.effects[i, direction, entry.style_index])
    for key in rendered - known.keys():  # a picture that is at the end already is not rendered
        direction = ("min", "max").index(key[1].end)
        assert (result.effects[key[0], direction, key[1].style_index] == 0).all()


def test_another_search_or_a_share_of_the_way_has_none(explainer, tmp_path):
    entry = AttributeEntry(0, "max")
    of = {"classifier_id": explainer.classifier_id, "entries": [entry]}
    assert kept_effects(explainer, tmp_path, n=N, **of) == {}
    run_job(attfind(explainer, AttFindSettings(n=N, wanted=2), ranges=explainer.style_stats, kept=KeptMoves(tmp_path)))
    assert kept_effects(explainer, tmp_path, n=N - 1, **of) == {}
    assert kept_effects(explainer, tmp_path, n=N, classifier_id="unknown", entries=[entry]) == {}
    half = AttributeEntry(0, "max", 0.5)
    assert kept_effects(explainer, tmp_path, n=N, classifier_id=explainer.classifier_id, entries=[half]) == {}
