# SPDX-License-Identifier: MIT
"""Headline figures on a planted explainer, where it is known which verdicts and styles change."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from colour_explainer import tiny_classifier, tiny_generator
from torch import Tensor, nn

from latent_explorer.common.events import Notice
from latent_explorer.common.jobs import run_job
from latent_explorer.common.statistics import wilson_interval
from latent_explorer.explain.report.evaluation import Evaluation, evaluate
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.explainer import Explainer, hash_classifier
from latent_explorer.models.stylegan2 import MappingNetwork, StyleGAN2Synthesis
from latent_explorer.models.summary import StyleStats
from latent_explorer.models.synthesis import NoiseMaps, Styles

if TYPE_CHECKING:
    from latent_explorer.common.events import Event

GAIN = 3.0  # the logits are this times the mean of red and of green
GREEN = 128
# Red of the reconstructions and how many of each: those above GREEN are of class "a", those below of "b".
# In [-1, 1] they are 0.2, 0.6 and 0.9, and -0.2 and -0.6.
RED = np.repeat([153, 204, 242, 102, 51], [4, 3, 3, 5, 5])
# Where the blue is light the encoder is mistaken: the reconstruction has the opposite red.
MISTAKEN = np.isin(np.arange(20), [0, 1, 5, 12, 18])
BLUE = np.where(MISTAKEN, 153, 102)
STEP = 0.4  # what an attribute at kappa 1 adds to red or takes from it


def pictures() -> np.ndarray:
    """Return pictures (20, 16, 16, 3) uint8, each of one colour."""
    colours = np.stack([np.where(MISTAKEN, 255 - RED, RED), np.full(20, GREEN), BLUE], axis=1)
    return np.broadcast_to(colours[:, None, None], (20, 16, 16, 3)).astype(np.uint8)


class PlantedEncoder(nn.Module):
    """Encoder to w = red (of the opposite sign where blue is light), green and blue."""

    def forward(self, img: Tensor) -> Tensor:
        w = torch.zeros(len(img), 16)
        w[:, :3] = img.mean(dim=(2, 3))
        w[:, 0] *= -w[:, 2].sign()
        return w


class PlantedMapping(MappingNetwork):
    """One and the same w, black with a light blue, for every z."""

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        w = torch.zeros(len(z), 16)
        w[:, :3] = torch.tensor([-1.0, -1.0, 0.2])
        return w


class PlantedSynthesis(StyleGAN2Synthesis):
    """Synthesis where the first three styles are the colour; 3 and 4 take STEP from its red, 5 adds it."""

    def styles(self, ws: Tensor, cond: Tensor | None = None) -> Styles:
        styles = [torch.zeros(len(ws), layer.channels) for layer in self.layout.layers]
        styles[0] = ws[:, 0, : self.layout.layers[0].channels].clone()
        return styles

    def render(self, styles: Styles, noise: NoiseMaps | None = None) -> Tensor:
        s = self.join(styles)
        colour = s[:, :3].clone()
        colour[:, 0] += STEP * (s[:, 5] - s[:, 3] - s[:, 4])
        return colour[:, :, None, None].expand(-1, -1, 16, 16)


@pytest.fixture(scope="module")
def planted() -> Explainer:
    generator = tiny_generator()
    generator.synthesis.__class__ = PlantedSynthesis
    generator.mapping.__class__ = PlantedMapping
    count = generator.synthesis.layout.num_styles
    stats = StyleStats(*(np.full(count, x, np.float32) for x in (0, 1, 0, 1)))
    classifier = tiny_classifier(gain=GAIN)
    key = hash_classifier(classifier)
    towards_b = [Attribute(f"b{j}", 1, (AttributeEntry(j, "max"),)) for j in (3, 4)]
    towards_a = Attribute("a", 0, (AttributeEntry(5, "max"),))
    attribute_set = AttributeSet(key, "planted", 20, 1.0, "", (*towards_b, towards_a))
    return Explainer(
        "planted",
        generator,
        PlantedEncoder(),
        classifiers={key: classifier},
        conditioned_on=key,
        style_stats=stats,
        attribute_sets=(attribute_set,),
    )


def measured(explainer: Explainer, **options: object) -> tuple[Evaluation, list[Event]]:
    images, names = pictures(), [f"{i}.png" for i in range(20)]
    events: list[Event] = []
    job = evaluate(explainer, lambda rows: images[rows], names, **options)
    return run_job(job, events.append), events


@pytest.fixture(scope="module")
def evaluation(planted: Explainer) -> Evaluation:
    return measured(planted, ks=(1, 3), kappas=(1.0, 2.0))[0]


def test_agreement_is_the_share_of_verdicts_that_stay(evaluation: Evaluation) -> None:
    assert evaluation.n == evaluation.agreement.n == 20
    assert evaluation.agreement.argmax == 15 / 20
    images = pictures()[:, 0, 0] / 127.5 - 1
    p = 1 / (1 + np.exp(-GAIN * (images[:, 0] - images[:, 1])))  # of "a", picture
    q = 1 / (1 + np.exp(-GAIN * (RED / 127.5 - 1 - images[:, 1])))  # and reconstruction
    assert evaluation.agreement.mean_abs == pytest.approx(np.abs(p - q).mean(), abs=1e-6)
    kl = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    assert evaluation.agreement.kl == pytest.approx(kl.mean(), abs=1e-6)


def test_reconstructions_differ_by_the_planted_red_alone(evaluation: Evaluation) -> None:
    images = pictures()[:, 0, 0] / 127.5 - 1
    change = np.where(MISTAKEN, 2 * np.abs(images[:, 0]), 0)
    assert evaluation.l1 == pytest.approx(change.mean() / 3, abs=1e-6)
    relative = change / np.linalg.norm(images, axis=1)
    assert evaluation.feature_change == pytest.approx(relative.mean(), abs=1e-6)
    assert evaluation.lpips is None
    assert [pair.name for pair in evaluation.pairs] == [f"{i}.png" for i in range(8)]
    for i, pair in enumerate(evaluation.pairs):
        np.testing.assert_array_equal(pair.real, pictures()[i])
        assert pair.rec[0, 0].tolist() == [RED[i], GREEN, BLUE[i]]
        assert (pair.rec_probs.argmax() != pair.real_probs.argmax()) == MISTAKEN[i]


def test_drift_of_pictures_that_are_all_the_same(evaluation: Evaluation) -> None:
    """Without a spread of their own, what is left is the distance of the means and the spread of the real ones."""
    images = pictures()[:, 0, 0] / 127.5 - 1
    apart = np.square(images.mean(axis=0) - [-1, -1, 0.2]).sum()
    assert evaluation.frechet_mapping == pytest.approx(apart + images.var(axis=0, ddof=1).sum(), abs=1e-5)


def test_the_planted_flips_are_counted(evaluation: Evaluation) -> None:
    """One attribute towards "b" takes 0.4 from red, both take 0.8; the one towards "a" adds 0.4. Kappa doubles it."""
    counts = {
        (rate.k, rate.kappa): {name: (part.count, part.n) for name, part in rate.per_class.items()}
        for rate in evaluation.flips
    }
    assert counts == {
        (1, 1.0): {"a": (4, 10), "b": (5, 10)},
        (3, 1.0): {"a": (7, 10), "b": (5, 10)},
        (1, 2.0): {"a": (7, 10), "b": (10, 10)},
        (3, 2.0): {"a": (10, 10), "b": (10, 10)},
    }
    assert [rate.reached.count for rate in evaluation.flips] == [9, 12, 17, 20]
    assert all(rate.left == rate.reached for rate in evaluation.flips)


def test_the_printed_figures_are_those(planted: Explainer, evaluation: Evaluation) -> None:
    printed = evaluation.to_dict()
    assert printed["agreement"] == 0.75
    assert printed["classifier_id"] == planted.classifier_id
    first = printed["flips"][0]
    assert (first["k"], first["kappa"], first["n"], first["overall"]) == (1, 1.0, 20, 0.45)
    assert first["interval"] == wilson_interval(9, 20)
    assert {name: part["flipped"] for name, part in first["per_class"].items()} == {"a": 0.4, "b": 0.5}


def test_without_attributes_no_flips_are_counted(planted: Explainer) -> None:
    bare = dataclasses.replace(planted, attribute_sets=())
    result, events = measured(bare)
    assert result.flips == ()
    assert result.agreement.argmax == 0.75
    assert any(isinstance(event, Notice) and "no flips" in event.text for event in events)
