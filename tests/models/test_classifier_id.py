# SPDX-License-Identifier: MIT
"""Classifier ids: the settings that they depend on, and ids of older files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from latent_explorer.common.paths import resource
from latent_explorer.models.explainer import (
    Explainer,
    classifier_identity,
    hash_classifier,
    hash_tensors,
    stored_tensors,
)
from latent_explorer.models.explainer_file import read_explainer, write_explainer
from latent_explorer.models.preprocessing import Preprocessing

CHANGES = [
    {"temperature": 2.0},
    {"preprocessing": Preprocessing(8)},
    {"class_names": ("diseased", "healthy")},
    {"frame_only": 3},
    {"preprocessing": Preprocessing(16, crop=0.875)},
    {"preprocessing": Preprocessing(16, channels="bgr")},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_what_answers_differently_has_another_id(tiny_explainer: Explainer, change: dict[str, object]) -> None:
    classifier = tiny_explainer.classifier
    before, config = hash_classifier(classifier), classifier.config
    try:
        classifier.config = msgspec.structs.replace(config, name="another name")
        assert hash_classifier(classifier) == before
        classifier.config = msgspec.structs.replace(config, **change)
        assert hash_classifier(classifier) != before
    finally:
        classifier.config = config


def test_what_sees_whole_pictures_keeps_the_id_that_it_had_before_there_were_frames(tiny_explainer: Explainer) -> None:
    config = tiny_explainer.classifier.config
    pre = config.preprocessing
    format_ = {"input_size": pre.input_size, "mean": pre.mean, "std": pre.std}
    meaning = [config.architecture, config.class_names, format_, config.head, 1.0]
    text = b"0" * 64 + msgspec.json.encode(meaning)
    assert classifier_identity("0" * 64, config) == hashlib.sha256(text).hexdigest()


def test_a_file_of_before_keeps_its_ids(tiny_explainer: Explainer, tmp_path: Path) -> None:
    old = hash_tensors(stored_tensors("classifier", tiny_explainer.classifier))
    sets = tuple(msgspec.structs.replace(found, classifier_id=old) for found in tiny_explainer.attribute_sets)
    before = replace(
        tiny_explainer, classifiers={old: tiny_explainer.classifier}, conditioned_on=old, attribute_sets=sets
    )
    write_explainer(before, tmp_path / "old.explainer")
    after = read_explainer(tmp_path / "old.explainer")
    assert after.classifier_id == old
    assert after.attribute_sets == sets


def test_the_bundled_explainer_opens_with_its_attributes() -> None:
    model = read_explainer(resource("explainers/leaf-health.explainer"))
    assert model.attribute_sets
    assert {found.classifier_id for found in model.attribute_sets} <= set(model.classifiers)
