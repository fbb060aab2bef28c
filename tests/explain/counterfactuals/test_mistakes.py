# SPDX-License-Identifier: MIT
"""Confusion matrices, and what turns the photographs of a cell right, with its control."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch
from colour_explainer import random_images, tiny_explainer

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.counterfactuals import mistakes
from latent_explorer.explain.counterfactuals.mistakes import (
    Best,
    CellExplanation,
    Turned,
    cell_fields,
    cell_sentence,
    confusion,
    explain_cell,
    verdicts,
)
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.explainer import with_attribute_set

NAMES = ("healthy", "diseased")


@pytest.fixture(scope="module")
def explainer():
    """A tiny explainer with three attributes towards class 0."""
    torch.set_num_threads(1)
    model = tiny_explainer()
    listed = tuple(Attribute(f"style {j}", 0, (AttributeEntry(j, "max"),), mean_effect=1.0) for j in (3, 4, 5))
    found = AttributeSet(model.classifier_id, "made", 4, 1.0, "none", listed)
    return with_attribute_set(model, found)


def test_a_confusion_matrix_counts_and_has_intervals_and_groups():
    labels, said = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 1, 1, 0])
    found = confusion(labels, said, NAMES, ["a", "a", "b", "b", "b"])
    assert found.counts.tolist() == [[1, 2], [1, 1]]
    assert found.groups["a"].tolist() == [[1, 1], [0, 0]]
    assert (found.accuracy.count, found.accuracy.n) == (2, 5)
    assert found.mistakes() == [(0, 1), (1, 0)]
    assert found.rate(1, 0, "a") == Rate(0, 0)
    cells = found.to_dict()["cells"]
    assert cells[1] | {"interval": None} == {
        "label": "healthy", "verdict": "diseased", "count": 2, "share": 2 / 3, "n": 3, "interval": None,
    }  # fmt: skip
    assert cells[1]["interval"] == list(Rate(2, 3).interval)
    assert found.to_dict()["groups"]["a"][2]["share"] is None  # no such photograph


def test_verdicts_are_the_classifiers(explainer):
    images = random_images(7)
    probs = run_job(verdicts(explainer.classifier, lambda rows: images[rows], 7), lambda event: None)
    with torch.no_grad():
        expected = explainer.classifier.probs(torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1)
    assert np.allclose(probs, expected.numpy(), atol=1e-4)


def quick(monkeypatch, steps=2):
    monkeypatch.setattr(mistakes, "REFINEMENT", msgspec.structs.replace(mistakes.REFINEMENT, steps=steps))


def test_a_cell_is_explained_with_the_best_attribute_held_out(explainer, monkeypatch):
    quick(monkeypatch)
    monkeypatch.setattr(mistakes, "FEWEST_FOR_HALVES", 4)
    images = random_images(6)
    names = [f"{i}.png" for i in range(6)]
    found = run_job(explain_cell(explainer, images, names, 0, 1), lambda event: None)
    assert [t.attribute.name for t in found.turned] != []
    assert all(t.photo.n == t.copy.n == 6 for t in found.turned)
    assert [t.photo.count for t in found.turned] == sorted((t.photo.count for t in found.turned), reverse=True)
    assert found.any_photo.n == 6
    assert found.any_photo.count >= max(t.photo.count for t in found.turned)
    if found.best is not None:
        assert found.best.held_out
        assert found.best.turned.photo.n == found.best.random_photo.n == found.best.weights_copy.n == 3
    assert cell_fields(found, NAMES)["sentence"] == cell_sentence(found, NAMES)
    again = run_job(explain_cell(explainer, images, names, 0, 1), lambda event: None)
    assert cell_fields(again, NAMES) == cell_fields(found, NAMES)


def test_a_full_cell_is_sampled_evenly(explainer, monkeypatch):
    quick(monkeypatch, steps=0)
    monkeypatch.setattr(mistakes, "MOST", 3)
    images = random_images(9)
    found = run_job(explain_cell(explainer, images, [str(i) for i in range(9)], 0, 1), lambda event: None)
    assert found.rows.tolist() == [0, 4, 8]


def test_a_class_without_attributes_is_refused(explainer):
    with pytest.raises(UserError, match="no attributes that lead to"):
        run_job(explain_cell(explainer, random_images(1), ["a"], 1, 0), lambda event: None)


def test_sentences_name_both_counts_and_the_control():
    attribute = Attribute("Violet ground", 0, (AttributeEntry(1, "min"),))
    turned = Turned(attribute, Rate(30, 32), Rate(21, 32))
    best = Best(turned, Rate(3, 32), Rate(2, 32), Rate(30, 32), Rate(20, 32), held_out=True)
    found = CellExplanation(0, 1, np.arange(64), (turned,), best, Rate(50, 64))
    assert cell_sentence(found, NAMES) == (
        "21 of 32 photographs of healthy that the classifier calls diseased turn with Violet ground alone, 30 of their "
        "copies; 2 of 32 do with a random edit of the same size, 20 of 32 with the style that the class given to the "
        "generator moves most."
    )
    untold = replace(found, best=replace(best, weights_photo=Rate(0, 0)))
    assert cell_sentence(untold, NAMES).endswith("2 of 32 do with a random edit of the same size.")
    nothing = CellExplanation(0, 1, np.arange(4), (turned,), None, Rate(0, 4))
    assert cell_sentence(nothing, NAMES).startswith("No attribute alone turns any of 4 photographs")
