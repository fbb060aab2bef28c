# SPDX-License-Identifier: MIT
"""Figures of the report on the window's own pictures, and a planted shortcut."""

from __future__ import annotations

import copy
import dataclasses
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from latent_explorer.api import Explainer as Open
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, SampleBase, attribute_edits
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.explain.report.facts import accuracy_of, facts_of
from latent_explorer.explain.report.report import ReportSettings, report, spread
from latent_explorer.media.report.page import page
from latent_explorer.media.report.result import ExplainerReport, frame_mask
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.classifiers import Classifier
from latent_explorer.models.explainer import Explainer, hash_classifier, with_classifier
from latent_explorer.models.explainer_file import write_explainer
from latent_explorer.models.stylegan2 import StyleGAN2Synthesis
from latent_explorer.models.summary import generated_id
from latent_explorer.models.synthesis import NoiseMaps, Styles
from latent_explorer.training.setup import images_in_all

SETTINGS = ReportSettings(attributes=2, samples=2, pictures=8)


def frame_only(explainer: Explainer) -> Classifier:
    """Return the explainer's classifier, blind but for the outer 2 px."""
    config = explainer.classifier.config
    blind = Classifier(msgspec.structs.replace(config, name="frame-only", frame_only=2))
    blind.load_state_dict(explainer.classifier.state_dict())
    return blind.eval()


@pytest.fixture(scope="module")
def two(tiny_explainer: Explainer) -> Explainer:
    return with_classifier(tiny_explainer, frame_only(tiny_explainer))


@pytest.fixture(scope="module")
def figures(two: Explainer) -> ExplainerReport:
    return run_job(report(two, SETTINGS))


def test_the_pictures_are_the_windows_own(two: Explainer, figures: ExplainerReport) -> None:
    renderer, attributes = Renderer(two), two.attribute_sets[-1].attributes
    for shown, attribute in zip(figures.attributes, attributes, strict=True):
        assert len(shown.examples) == 2
        for example in shown.examples:
            recipe = PictureRecipe(SampleBase(example.sample), edits=attribute_edits(attribute))
            rendered = renderer.render(PictureRequest(recipe, two.classifier_id))
            np.testing.assert_array_equal(example.before, rendered.before.image)
            np.testing.assert_array_equal(example.after, rendered.after.image)
            assert example.p_before == pytest.approx(rendered.before.probs[attribute.target])
            assert example.p_after == pytest.approx(rendered.after.probs[attribute.target])


def test_the_figures_are_those_of_the_pictures(two: Explainer, figures: ExplainerReport, tmp_path: Path) -> None:
    """The Python interface gives the same figures from uint8 pictures."""
    write_explainer(two, tmp_path / "two.explainer")
    opened = Open(tmp_path / "two.explainer", "cpu")
    stored, chosen = opened.encoded(), spread(np.arange(12), 8)
    latents = dataclasses.replace(stored, ws=stored.ws[chosen], cond=stored.cond[chosen])
    before = opened.render(latents)
    attribute, shown = opened.attributes[0], figures.attributes[0]
    rows = np.flatnonzero(before.probs.argmax(axis=1) != attribute.target)
    after = opened.render(latents, attribute_edits(attribute))
    assert shown.n == len(rows)
    change = (after.probs - before.probs)[rows, attribute.target]
    assert shown.change.mean == pytest.approx(change.mean(), abs=0.01)
    assert shown.change.absolute == pytest.approx(np.abs(change).mean(), abs=0.01)
    difference = np.abs(after.images[rows].astype(float) - before.images[rows]).mean(axis=(0, 3))
    np.testing.assert_allclose(shown.difference, difference / 255, atol=0.004)
    share = difference[frame_mask(16)].sum() / difference.sum()
    assert shown.frame.value == pytest.approx(share, abs=0.03)
    assert shown.frame.area == frame_mask(16).mean()


def test_arranged_by_the_user_numbers_stay_those_of_the_search(two: Explainer) -> None:
    first, second = two.attribute_sets[-1].attributes[:2]
    assert first.target == second.target
    mine = Attribute("mine", first.target, (AttributeEntry(11, "min"),))
    named = msgspec.structs.replace(first, name="dull green")
    result = run_job(report(two, SETTINGS, shown=[mine, second, named]))
    assert [(a.name, a.rank) for a in result.attributes] == [("mine", 0), (second.name, 2)]
    result = run_job(report(two, SETTINGS, shown=[named, mine]))
    assert [(a.name, a.rank) for a in result.attributes] == [("dull green", 1), ("mine", 0)]
    assert "added by hand" in page([result])


def test_every_classifier_gets_the_same_pictures(two: Explainer, figures: ExplainerReport) -> None:
    (response,) = figures.attributes[0].others
    assert (response.who.name, response.who.frame_only) == ("frame-only", 2)
    twin = frame_only(two)
    renderer, attribute = Renderer(two), two.attribute_sets[-1].attributes[0]
    changes = []
    for row in spread(np.arange(12), 8).tolist():
        recipe = PictureRecipe(SampleBase(row), edits=attribute_edits(attribute))
        rendered = renderer.render(PictureRequest(recipe, two.classifier_id))
        if rendered.before.probs.argmax() != attribute.target:
            images = np.stack([rendered.before.image, rendered.after.image]).transpose(0, 3, 1, 2)
            with torch.inference_mode():
                p = twin.probs(torch.from_numpy(images / 127.5 - 1).float())[:, attribute.target]
            changes.append(float(p[1] - p[0]))
    assert response.change.mean == pytest.approx(np.mean(changes), abs=0.01)


def test_classifiers_of_other_classes_are_left_out(two: Explainer, figures: ExplainerReport) -> None:
    """The order of classes matters, too: a target is an index into it."""
    config = two.classifier.config
    others = [
        Classifier(msgspec.structs.replace(config, name="other", class_names=names)).eval()
        for names in (config.class_names[::-1], ("a", "b", "c"))
    ]
    several = two.classifiers | {hash_classifier(other): other for other in others}
    result = run_job(report(dataclasses.replace(two, classifiers=several), SETTINGS))
    assert result.others == figures.others
    assert result.attributes[0].others == figures.attributes[0].others
    assert result.facts == figures.facts


class FrameOnlyChanges(StyleGAN2Synthesis):
    """Synthesis that fades everything but the frame towards grey."""

    def render(self, styles: Styles, noise: NoiseMaps | None = None) -> torch.Tensor:
        return super().render(styles, noise) * torch.where(torch.from_numpy(frame_mask(16)), 1.0, 0.05)


def test_a_planted_shortcut_is_caught(two: Explainer) -> None:
    generator = copy.deepcopy(two.generator)
    generator.synthesis.__class__ = FrameOnlyChanges
    planted = dataclasses.replace(two, generator=generator)
    for attribute in run_job(report(planted, SETTINGS)).attributes:
        assert attribute.frame.value > 0.8
        assert attribute.surroundings


def test_the_same_explainer_gives_the_same_page(two: Explainer, figures: ExplainerReport) -> None:
    assert page([figures]) == page([run_job(report(two, SETTINGS))])


def test_what_it_needs_is_asked_for(tiny_explainer: Explainer) -> None:
    for part, word in (
        ({"attribute_sets": ()}, "attfind"),
        ({"samples": None}, "holds no pictures"),
        ({"style_stats": None}, "statistics"),
    ):
        with pytest.raises(UserError, match=word):
            run_job(report(dataclasses.replace(tiny_explainer, **part), SETTINGS))


@pytest.mark.parametrize(
    "odd",
    [
        {"data": 3, "licence": ["x"], "images": "many", "classifier": 1, "classifiers": []},
        {"data": {"pictures": "many"}, "classifier": {"test": {"accuracy": "good"}}},
        {"data": {"source": "x" * 5000, "options": {"where": 3, "group": {}}}},
        {},
    ],
)
def test_odd_provenance_is_left_out(tiny_explainer: Explainer, odd: dict) -> None:
    changed = dataclasses.replace(tiny_explainer, provenance=odd, figures={"test": odd, "val": 1})
    facts = facts_of(changed.summary(), changed.attribute_sets[-1])
    assert dict(facts)["Licence"] == "not stated in the file"
    assert all(len(text) < 1000 for _, text in facts)


@pytest.mark.parametrize(("n", "agreement"), [(10, 5.0), (10, math.nan), (0, 1.0), (-3, 0.5)])
def test_odd_figures_are_left_out(tiny_explainer: Explainer, n: int, agreement: float) -> None:
    odd = {"test": {"n": n, "agreement": agreement}, "val": {"val_agreement": agreement + 1}}
    changed = dataclasses.replace(tiny_explainer, figures=odd)
    assert "Agreement" not in dict(facts_of(changed.summary(), changed.attribute_sets[-1]))


def test_the_facts_say_what_the_file_says(two: Explainer) -> None:
    key = next(k for k in two.classifiers if k != two.classifier_id)
    test = {"accuracy": 0.93, "n": 715, "interval": [0.9, 0.95]}
    control = {"random": {"share": 0.2, "interval": [0.1, 0.3], "n": 100}}
    flips = [{"k": 10, "kappa": 1.0, "overall": 0.9, "interval": [0.8, 0.95], "controls": control}]
    about = dataclasses.replace(
        two,
        provenance={"licence": "CC BY-SA 3.0", "classifiers": {key: {"test": test}}},
        figures={"test": {"n": 100, "agreement": 0.99, "lpips": 0.115, "flips": flips}},
    )
    facts = dict(facts_of(about.summary(), two.attribute_sets[-1]))
    assert accuracy_of(about.summary(), key) == 0.93
    assert accuracy_of(about.summary(), two.classifier_id) is None
    assert facts["Licence"] == "CC BY-SA 3.0"
    assert "outer 2 px" in facts["Also asked"]
    assert "accuracy 0.930 [0.900, 0.950] on 715 test pictures" in facts["Also asked"]
    assert facts["Agreement"].startswith("0.990 [0.946, 0.998] of 100 test pictures")
    assert facts["Reconstruction"] == "LPIPS (alex) 0.115"
    assert facts["Flips"] == "first 10 together 0.900 [0.800, 0.950]"
    assert facts["Flips by random edits of the same size"] == "for the first 10 0.200 [0.100, 0.300]"
    assert not any(label.startswith("Flips by as many styles") for label in facts)
    assert "attfind-notebook on 12 pictures" in facts["Attributes"]
    assert facts["Explainer"].endswith(" encoded pictures")
    drawn = dataclasses.replace(two.samples, ids=tuple(map(generated_id, range(len(two.samples)))))
    facts = dict(facts_of(dataclasses.replace(two, samples=drawn).summary(), two.attribute_sets[-1]))
    assert facts["Explainer"].endswith(" generated pictures")


def test_figures_of_another_classifier_are_not_shown_as_those_of_the_explained(two: Explainer) -> None:
    own_id, attribute_set = two.classifier_id, two.attribute_sets[-1]
    for key in two.classifiers:
        test = {"n": 100, "agreement": 0.99, "classifier_id": key}
        measured = dataclasses.replace(two, figures={"test": test})
        assert ("Agreement" in dict(facts_of(measured.summary(), attribute_set))) == (key == own_id)


def test_a_set_of_other_classifiers_is_not_reported(tiny_explainer: Explainer) -> None:
    foreign = AttributeSet("0" * 64, "attfind", 1, 1.0, "", ())
    changed = dataclasses.replace(tiny_explainer, attribute_sets=(foreign,))
    with pytest.raises(UserError, match="attfind"):
        run_job(report(changed, SETTINGS))


@pytest.mark.parametrize(
    ("provenance", "text"),
    [
        ({"images": 78_800}, "78,800 images"),
        (
            {"images": 3_600, "init": {"name": "leaf"}},
            "3,600 images in its last stage, which started from leaf",
        ),
        (
            {"images": 3_600, "init": {"name": "leaf", "images": 120_000}},
            "3,600 images in its last stage, which started from leaf after 120,000 images",
        ),
        ({"images": 3_600, "init": {}}, "3,600 images in its last stage, which started from another explainer"),
    ],
)
def test_the_images_of_a_last_stage_are_not_called_all(two: Explainer, provenance: dict, text: str) -> None:
    changed = dataclasses.replace(two, provenance=provenance)
    assert dict(facts_of(changed.summary(), changed.attribute_sets[-1]))["Training"] == text


def test_images_of_earlier_stages_are_added_where_they_are_known() -> None:
    assert images_in_all({"images": 5}) == 5
    assert images_in_all({"images": 5, "init": {"images": 7}}) == 12
    assert images_in_all({"images": 5, "init": {"name": "made elsewhere"}}) is None
    assert images_in_all({}) is None
