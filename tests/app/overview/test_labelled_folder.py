# SPDX-License-Identifier: MIT
"""Which column is the label, and which of its values is which class, before anything was chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tiny import CLASS_NAMES, make_explainer

from latent_explorer.app.overview.labelled_folder import LEFT_OUT, first_question, with_label
from latent_explorer.common.errors import UserError
from latent_explorer.data.summary import DataSummary

HERE = Path("leaves")
MADE_FROM = {
    "source": "leaves",
    "options": {"label": "state", "classes": "0=diseased,1=healthy", "where": ["crop=apple"], "group": "plant"},
}


@pytest.fixture(scope="module")
def summary():
    return make_explainer(samples=4).summary()


def data(**columns: dict[str, int]) -> DataSummary:
    return DataSummary("pictures with labels.csv", 20, columns)


def test_the_column_whose_values_are_the_classes_is_the_label(summary):
    found = first_question(HERE, data(crop={"a": 1}, what={"Diseased": 1, "healthy": 2}), summary, CLASS_NAMES)
    assert found.label == "what"
    assert found.classes == {"Diseased": "diseased", "healthy": "healthy"}
    assert not found.guessed
    assert found.side == "all"
    assert found.selection["classes"] == "Diseased=diseased,healthy=healthy"


def test_choices_of_the_explainers_own_data_hold_and_only_its_test_side_is_asked(summary):
    made = replace(summary, provenance={"data": MADE_FROM})
    columns = {"state": {"0": 9, "1": 9}, "crop": {"apple": 9, "corn": 9}, "plant": {"x": 9, "y": 9}}
    found = first_question(HERE, data(**columns), made, CLASS_NAMES)
    assert found.classes == {"0": "diseased", "1": "healthy"}
    assert (found.where, found.group, found.side) == (("crop=apple",), "plant", "test")
    elsewhere = first_question(Path("other"), data(**columns), made, CLASS_NAMES)
    assert (elsewhere.classes, elsewhere.group, elsewhere.side) == (found.classes, None, "all")
    apples = first_question(HERE, data(**columns | {"crop": {"apple": 18}}), made, CLASS_NAMES)
    assert apples.where == ()  # it would leave nothing out


def test_numbers_are_taken_in_order_as_a_guess(summary):
    found = first_question(HERE, data(label={"0": 3, "1": 3}), summary, CLASS_NAMES)
    assert found.classes == {"0": CLASS_NAMES[0], "1": CLASS_NAMES[1]}
    assert found.guessed


def test_unknown_values_are_left_out_and_none_at_all_is_refused(summary):
    found = first_question(HERE, data(label={"healthy": 3, "corn": 3}), summary, CLASS_NAMES)
    assert found.classes == {"healthy": "healthy", "corn": LEFT_OUT}
    assert found.selection["classes"] == "healthy=healthy"
    cats = first_question(HERE, data(label={"cat": 3, "dog": 3}), summary, CLASS_NAMES)
    with pytest.raises(UserError, match="No value of the column 'label' is a class"):
        _ = cats.selection
    assert first_question(HERE, data(), summary, CLASS_NAMES) is None


def test_another_column_gets_its_own_classes(summary):
    both = data(first={"healthy": 1, "diseased": 1}, second={"0": 1, "1": 1})
    found = first_question(HERE, both, summary, CLASS_NAMES)
    other = with_label(found, "second", both, summary, CLASS_NAMES)
    assert (other.label, other.guessed) == ("second", True)


def test_a_split_of_the_folder_asks_its_test_side(summary):
    split = replace(data(label={"healthy": 1, "diseased": 1}, part={"train": 1, "test": 1}), split="part")
    assert first_question(HERE, split, summary, CLASS_NAMES).side == "test"


def test_provenance_of_any_kind_is_no_error(summary):
    for odd in ("random numbers", {"options": 3}, {"options": {"label": [], "classes": 7, "where": 3}}, None):
        made = replace(summary, provenance={"data": odd})
        found = first_question(HERE, data(label={"healthy": 1, "diseased": 1}), made, CLASS_NAMES)
        assert found.label == "label"
