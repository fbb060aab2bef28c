# SPDX-License-Identifier: MIT
"""Every way of searching that the window offers, on a tiny explainer."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.plan import TITLES, SearchPlan
from latent_explorer.models.attributes import AttributeSet
from latent_explorer.models.explainer import Explainer

METHODS = {
    "race": "attfind-notebook-raced",
    "every": "attfind-notebook",
    "paper": "attfind-paper-raced",
    "signal": "stylespace-signal-extreme",
    "difference": "stylespace-difference-extreme",
}


@pytest.fixture(scope="module")
def host(tiny_explainer: Explainer) -> ModelHost:
    made = ModelHost(read=lambda _path: tiny_explainer, identify=lambda _path: tiny_explainer.model_hash)
    made.open(Path("tiny.explainer"), "cpu")
    return made


@pytest.mark.parametrize("way", TITLES)
def test_every_way_gives_a_list_of_its_method(host: ModelHost, tiny_explainer: Explainer, way: str) -> None:
    plan = SearchPlan(way, n=8, kappa=0.5, wanted=2, effect="probability" if way == "race" else "logit")
    if way == "race":
        plan = msgspec.structs.replace(plan, percentiles=(5.0, 95.0), torgb=True)
    found = run_job(host.attfind(lambda: 1.0, plan=plan, classifier_id=tiny_explainer.classifier_id))
    attribute_set = found if isinstance(found, AttributeSet) else found.attribute_set
    assert attribute_set.method == METHODS[way]
    assert (attribute_set.n, attribute_set.kappa, attribute_set.settings["wanted"]) == (8, 0.5, 2)
    assert (attribute_set.settings.get("effect") == "probability") == (way == "race")
    assert ("high_percentile" in attribute_set.settings, "torgb" in attribute_set.settings) == (way == "race",) * 2
    assert len([a for a in attribute_set.attributes if a.target == 1]) <= 2
