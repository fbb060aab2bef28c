# SPDX-License-Identifier: MIT
"""Evidence in real pictures: planted coordinates that carry a factor, one that does not, and what is told."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from colour_explainer import tiny_explainer
from scipy import stats
from torch import Tensor, nn

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.report.evidence import EvidenceSettings, evidence
from latent_explorer.explain.report.photo_styles import attribute_values
from latent_explorer.explain.report.rank_statistics import (
    fisher_intervals,
    mean_ranks,
    rank_correlations,
    resamples,
)
from latent_explorer.media.report.evidence import Correlation, Evidence, sentence, summary
from latent_explorer.media.report.evidence_page import HEADS, evidence_page, write_evidence_table
from latent_explorer.models.attributes import Attribute, AttributeEntry
from latent_explorer.models.explainer import Explainer

N = 300
RED, BLUE, NOISE, TOLD, DEAD = 0, 1, 2, 3, 4  # style coordinates of the first layer, by what they carry
W_RED, W_BLUE, W_NOISE = 0, 1, 2  # of w


class ColourEncoder(nn.Module):
    """w: the mean of red, the mean of blue, then single pixels, which say nothing of the mean."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.config = SimpleNamespace(outputs=outputs)

    def forward(self, img: Tensor) -> Tensor:
        pixels = img[:, 1].flatten(1)[:, : self.config.outputs - 2]
        w = torch.cat([10 * img[:, 0].mean(dim=(1, 2))[:, None], 10 * img[:, 2].mean(dim=(1, 2))[:, None], pixels], 1)
        return w


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    """The classifier reads red against green; the generator is told its answer."""
    model = tiny_explainer()
    model.encoder = ColourEncoder(16)
    affine = model.generator.synthesis.layer("b4.conv1").affine
    with torch.no_grad():
        affine.weight[:, :2] *= 0.02  # random coordinates are mostly of single pixels
        affine.weight[:5] = 0
        affine.weight[RED, W_RED] = affine.weight[BLUE, W_BLUE] = affine.weight[NOISE, W_NOISE] = 1
        affine.weight[TOLD, 16] = 5  # of the first class
    return model


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, 16, 16, 3), and labels that blue follows exactly and red roughly."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, N)
    images = rng.integers(96, 160, (N, 16, 16, 3)).astype(float)
    images[..., 0] += (rng.normal(0, 12, N) + 12 * (1 - labels))[:, None, None]
    images[..., 2] += (rng.normal(0, 4, N) + 40 * (1 - labels))[:, None, None]
    return images.clip(0, 255).astype(np.uint8), labels


def attribute(name: str, *indices: int, end: str = "max", target: int = 0) -> Attribute:
    return Attribute(name, target, tuple(AttributeEntry(j, end) for j in indices))


LISTED = (
    attribute("red", RED),
    attribute("no red", RED, end="min", target=1),
    attribute("blue", BLUE),
    attribute("noise", NOISE),
    attribute("told", TOLD),
    attribute("dead", DEAD),
    attribute("wrong way", RED, end="min"),
    attribute("red and blue", RED, BLUE),
)


def measured(explainer: Explainer, pictures, attributes=LISTED, labelled=True, **given) -> Evidence:
    images, labels = pictures
    job = evidence(
        explainer, attributes, lambda rows: images[rows], [f"{i}.png" for i in range(N)],
        labels if labelled else None, settings=EvidenceSettings(resamples=200), **given,
    )  # fmt: skip
    return run_job(job)


@pytest.fixture(scope="module")
def found(explainer, pictures) -> Evidence:
    return measured(explainer, pictures)


def test_a_planted_factor_is_borne_out_and_what_carries_none_is_not(found):
    supports = {each.name: each.support for each in found.attributes}
    assert supports == {
        "red": "borne out",
        "no red": "borne out",
        "blue": "label alone",
        "noise": "generator only",
        "told": "generator only",
        "dead": "generator only",
        "wrong way": "generator only",
        "red and blue": "borne out",
    }
    red, no_red, _, noise, _, _, wrong, _ = found.attributes
    assert red.partial.value > 0.9
    assert no_red.partial.value == pytest.approx(red.partial.value)
    assert wrong.partial.value == pytest.approx(-red.partial.value)
    assert [each.partial.opposed for each in found.attributes].count(True) == 1
    assert "the other way" in wrong.verdict
    assert abs(noise.partial.value) < 0.2


def test_a_told_class_agrees_with_the_verdict_by_construction_and_says_nothing(found):
    told = next(each for each in found.attributes if each.name == "told")
    assert told.partial.given == pytest.approx(1, abs=0.02)
    assert math.isnan(told.partial.value)  # without the class it does not vary
    assert found.told


def test_an_encoder_that_is_followed_by_the_logits_is_read_without_them(pictures):
    """As those of lucidrains' kind: the last numbers of w are the classifier's logits of the picture."""
    model = tiny_explainer(classes=2)
    model.encoder = ColourEncoder(14)
    affine = model.generator.synthesis.layer("b4.conv1").affine
    with torch.no_grad():
        affine.weight[:5] = 0
        affine.weight[TOLD, 14] = 1
    found = measured(model, pictures, (attribute("logit", TOLD),))
    assert found.attributes[0].overall.given == pytest.approx(1, abs=0.05)
    assert math.isnan(found.attributes[0].overall.value)
    assert "unknown" in sentence(found, found.attributes[0])
    assert "unknown" in evidence_page(found)


def test_the_ends_are_in_order_with_the_shares_of_the_label(found, pictures):
    red = found.attributes[0]
    values = [[photo.value for photo in end.photos] for end in (red.highest, red.lowest)]
    assert values[0] == sorted(values[0], reverse=True)
    assert values[1] == sorted(values[1])
    assert len(values[0]) == len(values[1]) == 20
    assert red.highest.mean_p() > 0.9 > 0.1 > red.lowest.mean_p()
    count, known = red.highest.labelled(0)
    assert known == 20
    assert count == sum(pictures[1][int(photo.name[:-4])] == 0 for photo in red.highest.photos)


def test_without_labels_the_verdict_stands_in(explainer, pictures):
    found = measured(explainer, pictures, LISTED[:1], labelled=False)
    assert found.strata == "verdict"
    assert found.attributes[0].highest.labelled(0) == (0, 0)
    assert "labelled" not in sentence(found, found.attributes[0])


def test_pictures_of_one_group_are_resampled_together(explainer, pictures):
    images, labels = (each[np.repeat(np.arange(N // 10), 10)] for each in pictures)  # each of 30 pictures ten times
    single, grouped = (
        measured(explainer, (images, labels), LISTED[3:4], groups=groups)
        for groups in (None, [str(i // 10) for i in range(N)])
    )
    assert (single.groups, grouped.groups) == (N, N // 10)
    widths = [high - low for low, high in (each.attributes[0].partial.interval for each in (single, grouped))]
    assert widths[1] > 2 * widths[0]


def test_the_same_pictures_give_the_same_figures(explainer, pictures):
    first, second = (measured(explainer, pictures, LISTED[:4]).to_dict() for _ in range(2))
    assert first == second


def test_what_cannot_be_judged_is_said(explainer, pictures):
    with pytest.raises(UserError, match="lists no attributes"):
        measured(explainer, pictures, ())
    images, _ = pictures
    with pytest.raises(UserError, match="say too little"):
        run_job(evidence(explainer, LISTED, lambda rows: images[rows], ["a", "b"]))
    with pytest.raises(UserError, match=r"are of 1 group, too few.*leave out --group"):
        measured(explainer, pictures, groups=["one"] * N)


def test_an_interval_without_an_error_is_unknown_and_nothing_stands_out():
    (low, high), (known, _) = fisher_intervals(np.array([0.9, 0.5]), np.array([[0.9, 0.4], [0.9, 0.6]]), 1.96)
    assert math.isnan(low)
    assert math.isnan(high)
    assert not Correlation(0.9, (low, high), 0.1, 0.1, None).stands_out
    assert known < 0.5


def test_page_and_table_hold_the_figures_and_escape_names(found, tmp_path):
    page = evidence_page(found)
    assert page.count("<li>") == 40 * len(LISTED)
    assert "seen only in the generator" in page
    assert summary(found).startswith("Of 8 attributes on 300 real pictures: 3 are borne out, 1 go with the label alone")
    hostile = evidence_page(Evidence(**{**vars(found), "name": "<script>alert(1)</script>"}))
    assert "<script" not in hostile
    write_evidence_table(tmp_path / "evidence.csv", found)
    lines = (tmp_path / "evidence.csv").read_text("utf-8-sig").splitlines()
    assert lines[0].split(",") == list(HEADS)
    assert len(lines) == 1 + len(LISTED)


def test_values_of_merged_styles_are_the_weighted_mean_towards_their_ends():
    s = np.array([[0.0, 10.0, 1.0], [2.0, 30.0, 1.0]])
    assert attribute_values(s, [0], [1.0]) == pytest.approx([-1, 1])
    assert attribute_values(s, [0, 1], [1.0, -1.0]) == pytest.approx([0, 0])
    assert attribute_values(s, [0, 1], [3.0, -1.0]) == pytest.approx([-0.5, 0.5])
    assert attribute_values(s, [2], [1.0]) == pytest.approx([0, 0])


def test_correlations_are_those_of_scipy():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, 200)
    x = rng.normal(size=200).round(1) + label  # with ties
    y = x * 0.3 + rng.normal(size=200) + 2 * label
    ranks = mean_ranks(np.stack([x, y], axis=1))
    assert ranks[:, 0] * 200 + 100.5 == pytest.approx(stats.rankdata(x))
    nothing = np.zeros(200, int)
    assert rank_correlations(ranks[:, :1], ranks[:, 1:], nothing)[0] == pytest.approx(stats.spearmanr(x, y).statistic)
    rxy, rxz, ryz = (stats.spearmanr(*pair).statistic for pair in ((x, y), (x, label), (y, label)))
    partial = (rxy - rxz * ryz) / math.sqrt((1 - rxz**2) * (1 - ryz**2))
    assert rank_correlations(ranks[:, :1], ranks[:, 1:], label)[0] == pytest.approx(partial)
    weights = np.ones((3, 200))
    assert rank_correlations(ranks[:, :1], ranks[:, 1:], label, weights)[:, 0] == pytest.approx([partial] * 3)


def test_intervals_hold_the_true_correlation_about_as_often_as_they_say():
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(100):
        x = rng.normal(size=(80, 1))
        y = 0.6 * x + 0.8 * rng.normal(size=(80, 1))
        ranks, odds, nothing = mean_ranks(x), mean_ranks(y), np.zeros(80, int)
        drawn = [rank_correlations(ranks, odds, nothing, w) for w in resamples(np.arange(80), 200, rng)]
        low, high = fisher_intervals(rank_correlations(ranks, odds, nothing), np.concatenate(drawn), 1.96)[0]
        held += low < 6 / math.pi * math.asin(0.3) < high  # Spearman's of a normal pair correlated by 0.6
    assert 87 <= held <= 100
