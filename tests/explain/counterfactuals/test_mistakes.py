# SPDX-License-Identifier: MIT
"""What turns the photographs of a cell right, with its control."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
import torch
from colour_explainer import random_images, tiny_explainer

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice, Progress
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.counterfactuals import mistakes
from latent_explorer.explain.counterfactuals.mistakes import (
    Best,
    CellExplanation,
    Turned,
    explain_cell,
    explained_rows,
)
from latent_explorer.explain.counterfactuals.mistakes_text import cell_fields, cell_sentence
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


def test_a_full_cell_is_sampled_evenly(monkeypatch):
    monkeypatch.setattr(mistakes, "MOST", 3)
    assert explained_rows(9).tolist() == [0, 4, 8]
    assert explained_rows(2).tolist() == [0, 1]


def test_examples_are_the_photographs_with_the_best_attribute(explainer, monkeypatch):
    quick(monkeypatch)
    images = random_images(5)
    found = run_job(explain_cell(explainer, images, [f"{i}.png" for i in range(5)], 0, 1), lambda event: None)
    assert [each.name for each in found.examples] == [f"{i}.png" for i in range(5)]
    assert all((each.before.image == image).all() for each, image in zip(found.examples, images, strict=True))
    shown = next(t for t in found.turned if t.attribute == found.shown)
    assert sum(each.turned for each in found.examples) == shown.photo.count
    assert all(each.turned == (each.after.verdict == 0) for each in found.examples)


def test_progress_is_of_the_whole_cell_and_in_its_words(explainer, monkeypatch):
    quick(monkeypatch)
    seen = []
    run_job(explain_cell(explainer, random_images(2), ["a", "b"], 0, 1), seen.append)
    assert {type(each) for each in seen} <= {Progress, Notice}
    assert all(each.severity == "warning" for each in seen if isinstance(each, Notice))
    messages = list(dict.fromkeys(each.message for each in seen if isinstance(each, Progress)))
    assert messages[0] == "Refining copies of the photographs"
    assert messages[1] == "Trying each attribute on each photograph"


def test_other_attributes_than_the_listed_ones_can_be_tried(explainer, monkeypatch):
    quick(monkeypatch, steps=0)
    own = [Attribute("", 1, (AttributeEntry(2, "min"),))]
    found = run_job(
        explain_cell(explainer, random_images(2), ["a", "b"], 1, 0, attributes=own, within="crop pear"),
        lambda event: None,
    )
    assert [t.attribute for t in found.turned] == own
    assert cell_fields(found, NAMES)["attributes"][0]["attribute"] == "Style 2 down"
    assert "photographs of diseased (crop pear) that" in cell_sentence(found, NAMES)


def test_a_class_without_attributes_is_refused(explainer):
    with pytest.raises(UserError, match="no attributes that lead to"):
        run_job(explain_cell(explainer, random_images(1), ["a"], 1, 0), lambda event: None)


def test_sentences_name_both_counts_and_the_control():
    attribute = Attribute("Violet ground", 0, (AttributeEntry(1, "min"),))
    turned = Turned(attribute, Rate(30, 32), Rate(21, 32))
    best = Best(turned, Rate(3, 32), Rate(2, 32), Rate(30, 32), Rate(20, 32), held_out=True)
    found = CellExplanation(0, 1, (turned,), best, Rate(50, 64), attribute)
    assert cell_sentence(found, NAMES) == (
        "21 of 32 photographs of healthy that the classifier calls diseased turn with Violet ground alone, 30 of their "
        "copies; 2 of 32 do with a random edit of the same size, 20 of 32 with the style that the class given to the "
        "generator moves most."
    )
    untold = replace(found, best=replace(best, weights_photo=Rate(0, 0)))
    assert cell_sentence(untold, NAMES).endswith("2 of 32 do with a random edit of the same size.")
    nothing = CellExplanation(0, 1, (turned,), None, Rate(0, 4), attribute)
    assert cell_sentence(nothing, NAMES).startswith("No attribute alone turns any of 4 photographs")
