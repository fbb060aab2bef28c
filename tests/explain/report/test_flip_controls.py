# SPDX-License-Identifier: MIT
"""Controls of flip rates: how large random edits are, and what class weights alone reach."""

from __future__ import annotations

import copy
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch
from colour_explainer import random_images, tiny_explainer

from latent_explorer.common.jobs import run_job
from latent_explorer.explain.counterfactuals.controls import LARGEST, SMALLEST, as_large
from latent_explorer.explain.report.evaluation import evaluate
from latent_explorer.explain.report.flip_controls import class_weight_list
from latent_explorer.models.explainer import with_attribute_set

N = 6
STEP = (LARGEST / SMALLEST) ** (1 / 64)  # between amounts after six halvings


@pytest.fixture(scope="module")
def explainer():
    torch.set_num_threads(1)
    return tiny_explainer()


def measured(explainer, **options):
    images = random_images(N)
    job = evaluate(explainer, lambda rows: images[rows], [f"{i}.png" for i in range(N)], **options)
    return run_job(job, lambda _event: None)


def test_each_picture_is_edited_as_far_as_it_may_and_no_farther():
    sizes = torch.tensor([0.5, 0.02, 3.0, 0.0])

    def distance(a, b):
        return (a - b).abs().amax(dim=(1, 2, 3))

    unedited = torch.zeros(4, 3, 2, 2)
    found = as_large(lambda amount: amount[:, None, None, None].expand(4, 3, 2, 2).float(), unedited, sizes, distance)
    moved = distance(found, unedited)
    assert (moved <= sizes).all()
    assert (moved[:3] * STEP * 1.001 >= sizes[:3]).all()
    assert moved[3] == 0  # nothing is small enough


def test_a_list_of_class_weights_is_its_own_control(explainer):
    listed = class_weight_list(explainer, explainer.classifier_id, 3)
    assert [sum(a.target == target for a in listed.attributes) for target in (0, 1)] == [3, 3]
    rates = measured(with_attribute_set(explainer, listed), ks=(1, 3), kappas=(1.0, 2.0)).flips
    assert len(rates) == 4
    for rate in rates:
        assert rate.controls == {"weights": rate.reached}
        assert rate.to_dict()["controls"]["weights"]["n"] == N


def test_random_edits_are_counted_where_they_are_asked_for(explainer):
    listed = class_weight_list(explainer, explainer.classifier_id, 3)
    model = with_attribute_set(explainer, listed)
    none, first, again = (measured(model, ks=(k,), random_edits=True).flips[0].controls["random"] for k in (0, 3, 3))
    assert (none.count, none.n) == (0, N)  # an edit of no attributes has no size
    assert first == again
    assert first.n == N


def test_where_no_class_is_told_there_is_nothing_to_rank_by(explainer):
    listed = class_weight_list(explainer, explainer.classifier_id, 3)
    model = with_attribute_set(explainer, listed)
    other = copy.deepcopy(model.classifier)
    other.config = msgspec.structs.replace(other.config, class_names=("x", "y"))
    assert class_weight_list(replace(model, classifiers=model.classifiers | {"other": other}), "other", 3) is None


def test_the_styles_are_those_that_the_class_moves(explainer):
    synthesis, generator = explainer.generator.synthesis, explainer.generator
    ws = generator.broadcast(generator.mapping.w_avg[None])
    with torch.no_grad():
        told, even = (
            synthesis.join(synthesis.styles(ws, cond))[0] for cond in (torch.eye(2)[:1], torch.full((1, 2), 0.5))
        )
    moved = (told - even).numpy() / explainer.style_stats.std
    best = int(np.abs(moved).argmax())
    entry = class_weight_list(explainer, explainer.classifier_id, 1).attributes[0].entries[0]
    assert (entry.style_index, entry.end) == (best, "max" if moved[best] > 0 else "min")
