# SPDX-License-Identifier: MIT
"""The classifier-guided direction, its identity losses, and the trial of directions beside random ones."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch
from colour_explainer import tiny_explainer
from known_explainers import GAIN, planted_in_w
from tiny import make_explainer

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice, Progress
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.direction_search import identity
from latent_explorer.explain.direction_search.amount import amount_loss, drawn_requests, possible_requests
from latent_explorer.explain.direction_search.check import random_like
from latent_explorer.explain.direction_search.guided import class_loss
from latent_explorer.explain.direction_search.identity import ClassFreeFeatures, class_normal
from latent_explorer.explain.direction_search.search import find_directions
from latent_explorer.explain.direction_search.settings import GuidedSettings, SearchSettings
from latent_explorer.explain.direction_search.summary import check_text, class_index, effect_text
from latent_explorer.explain.directions.file import read_directions, unit_directions, write_directions
from latent_explorer.explain.latents import typical_ws

FAST = GuidedSettings(identity="none", steps=12, batch=4, lr=0.5)


@pytest.fixture(scope="module")
def explainer():
    return make_explainer(samples=120)


@pytest.fixture(scope="module")
def found(explainer):
    """Two directions for each of two classes."""
    events = []
    settings = SearchSettings("guided", count=2, held_out=30, guided=FAST)
    directions = run_job(find_directions(explainer, settings), events.append)
    assert any(isinstance(event, Progress) and event.total == 24 for event in events)
    return directions


def test_it_leads_to_the_class_further_than_random_directions(found):
    assert [each.target for each in found] == [0, 0, 1, 1]
    assert [each.direction.name for each in found] == [
        "guided healthy 1",
        "guided healthy 2",
        "guided diseased 1",
        "guided diseased 2",
    ]
    for each in (found[0], found[2]):
        assert each.check.change[2] > each.check.change[0] > 0
        assert each.check.change[2] > 2 * abs(each.check.random_change[2])
        assert each.figures["probability_1"] > each.figures["probability_0"]
        assert each.figures["rising"] > 0.5


def test_directions_to_a_class_are_perpendicular_and_no_longer_than_allowed(found, explainer):
    a, b = found[0].direction.array[0], found[1].direction.array[0]
    assert abs(a @ b) < 1e-4 * np.linalg.norm(a) * np.linalg.norm(b)
    assert all(0 < each.figures["length_sd"] <= 3 + 1e-6 for each in found)
    for unit, length in (("sd", 0.5), ("w_std", 0.1)):
        guided = msgspec.structs.replace(FAST, length=length, length_unit=unit, start="means", steps=3, loss="margin")
        settings = SearchSettings("guided", target=1, rows=(1, 3), held_out=8, guided=guided)
        (short,) = run_job(find_directions(explainer, settings))
        assert short.figures[f"length_{unit}"] <= length + 1e-6
        assert np.flatnonzero(np.abs(short.direction.shift(6)).max(axis=1)).tolist() == [1, 2, 3]


def test_a_seed_gives_the_same_direction_at_any_speed(explainer):
    settings = SearchSettings("guided", target=1, held_out=0, guided=msgspec.structs.replace(FAST, steps=4))
    slow, fast = (
        run_job(find_directions(explainer, settings, budget=lambda seconds=seconds: seconds))[0].direction
        for seconds in (1e-9, 100.0)
    )
    assert slow == fast


def test_the_unit_is_one_standard_deviation(found, explainer):
    vector = found[0].direction.array[0]
    along = typical_ws(explainer)[:, 0] @ (vector / np.linalg.norm(vector))
    assert np.linalg.norm(vector) == pytest.approx(along.std(), rel=1e-3)


def test_written_directions_are_read_back(found, explainer, tmp_path):
    path = tmp_path / "found.npz"
    rows = found[2].direction.with_rows(1, 3)
    odd = msgspec.structs.replace(found[3].direction, name="a/b: 1.5")
    written = [found[0].direction, found[0].direction, rows, odd]
    write_directions(path, written, 6)
    vectors = read_directions(path, 6, 16)
    assert [each.name for each in vectors] == [
        "guided healthy 1",
        "guided healthy 1 (2)",
        "guided diseased 1",
        "a_b_ 1_5",
    ]
    assert all(each.named for each in vectors)
    for before, after in zip(written, unit_directions(vectors, typical_ws(explainer)), strict=True):
        np.testing.assert_allclose(after.shift(6), before.shift(6), rtol=1e-4, atol=1e-6)


def test_the_class_is_taken_out_of_the_features():
    classifier = make_explainer().classifier
    normal = class_normal(classifier, 0)
    head = classifier.network.head.weight
    torch.testing.assert_close(normal, head[0] - head[1])
    loss = ClassFreeFeatures(classifier, 0)
    a = torch.randn(5, 8)
    images = torch.rand(5, 3, 16, 16) * 2 - 1
    kept = loss.features(images)[0]
    torch.testing.assert_close(kept @ loss.normal, torch.zeros(5), atol=1e-5, rtol=0)
    along = classifier.features(images) + torch.randn(5, 1) * normal  # moved only as the class decides
    again = along - (along @ loss.normal)[:, None] * loss.normal
    torch.testing.assert_close(loss.distance_of_features([again], [kept]), torch.zeros(5), atol=1e-5, rtol=0)
    assert (loss.distance_of_features([a], [kept]) > 0.01).all()


def test_features_that_no_layer_reads_are_refused(monkeypatch):
    explainer = tiny_explainer(n=120)
    with pytest.raises(UserError, match="Choose LPIPS"):
        class_normal(explainer.classifier, 0)
    guided = msgspec.structs.replace(FAST, identity="features")
    with pytest.raises(UserError, match="Choose LPIPS"):
        run_job(find_directions(explainer, SearchSettings("guided", target=0, guided=guided)))
    monkeypatch.setattr(identity, "perceptual_for", lambda _classifier: None)  # no weights of LPIPS either
    events = []
    guided = msgspec.structs.replace(guided, identity="auto", steps=2)
    settings = SearchSettings("guided", target=0, held_out=0, guided=guided)
    (found,) = run_job(find_directions(explainer, settings), events.append)
    assert found.identity == ""
    assert [event.severity for event in events if isinstance(event, Notice)] == ["warning"]


def test_identity_holds_the_direction_back():
    explainer = make_explainer(samples=110)
    changes = []
    for weight in (0.0, 1000.0):
        guided = GuidedSettings(identity="features", identity_weight=weight, steps=12, batch=4, lr=0.5)
        settings = SearchSettings("guided", target=1, held_out=20, controls=0, guided=guided)
        (found,) = run_job(find_directions(explainer, settings))
        changes.append(found.figures["identity_1"])
        assert found.identity == "classifier features without the class"
        assert found.check.random_flipped == ()
    assert changes[1] < 0.7 * changes[0]


def test_the_margin_asks_for_no_more_than_its_lead():
    settings = GuidedSettings(loss="margin", margin=2.0)
    logits = torch.tensor([[5.0, 1.0, 0.0], [1.0, 1.5, 0.0], [0.0, 0.0, 1.0]])
    torch.testing.assert_close(class_loss(logits, 0, settings), torch.tensor([0.0, 2.5, 3.0]))
    entropy = class_loss(logits, 0, GuidedSettings())
    torch.testing.assert_close(entropy, -logits.log_softmax(dim=1)[:, 0])


def test_a_random_direction_has_the_length_and_rows_of_the_other(found):
    rng = np.random.default_rng(0)
    direction = found[0].direction.with_rows(2, 3)
    random = random_like(direction, rng)
    assert np.linalg.norm(random.shift(6)) == pytest.approx(np.linalg.norm(direction.shift(6)), rel=1e-5)
    assert (random.first, random.last) == (2, 3)


def test_flips_are_counted_on_pictures_of_other_classes(explainer):
    settings = SearchSettings("sefa", target=1, count=3, held_out=30)
    for each in run_job(find_directions(explainer, settings)):
        check = each.check
        assert 0 < check.pictures < 30
        assert all(low <= share <= high for share, (low, high) in zip(check.flipped, check.intervals, strict=True))
        assert check.change[1] > -0.05  # the sign is the one that raises the class, on other pictures
        text = check_text(check, ("healthy", "diseased"))
        assert text.startswith(f"{check.flipped[0]:.0%}, ")
        assert "become diseased at 1, 2, 3 sd; random directions" in text


def test_classes_by_name_and_number():
    names = ("1", "b", "c")
    assert [class_index(text, names) for text in ("1", "2", "b")] == [0, 2, 1]
    for text in ("3", "-1", "x", "²"):
        with pytest.raises(UserError, match="no class"):
            class_index(text, names)


def test_requests_stay_within_what_a_probability_can_be():
    rng = np.random.default_rng(0)
    before = np.repeat([0.0, 0.1, 0.5, 0.98], 200)
    alphas = drawn_requests(before, rng)
    assert ((before + alphas >= 0) & (before + alphas <= 1) & (np.abs(alphas) <= 0.5)).all()
    for p, low, high in ((0.0, 0.0, 0.5), (0.1, -0.1, 0.5), (0.5, -0.5, 0.5), (0.98, -0.5, 0.02)):
        drawn = alphas[before == p]
        assert drawn.min() == pytest.approx(low, abs=0.02)
        assert drawn.max() == pytest.approx(high, abs=0.02)
    rows, asked = possible_requests(np.array([0.05, 0.5]))
    assert list(zip(rows.tolist(), asked.tolist(), strict=True)) == [
        (1, -0.5), (1, -0.25), (1, -0.1), (0, 0.1), (1, 0.1), (0, 0.25), (1, 0.25), (0, 0.5), (1, 0.5)
    ]  # fmt: skip


def test_the_amount_is_the_squared_error_of_the_probability():
    logits = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    p = torch.sigmoid(torch.tensor(-2.0))
    torch.testing.assert_close(
        amount_loss(logits, 1, torch.tensor([0.7, 0.2])), torch.stack([p * 0 + 0.04, (p - 0.2) ** 2])
    )


def test_alpha_becomes_the_change_that_is_asked_for():
    """Known answer: the class is a logistic function of one direction of W, so the best length can be searched for."""
    explainer, truth = planted_in_w(n=400)
    guided = GuidedSettings(loss="amount", steps=60, batch=16, lr=0.4)
    (found,) = run_job(find_directions(explainer, SearchSettings("guided", target=1, guided=guided)))
    ws = explainer.samples.ws
    vector, along = found.direction.array[0], np.cov(ws[:, 0].numpy().T) @ truth  # steps follow the covariance of w
    assert vector @ along / np.linalg.norm(vector) / np.linalg.norm(along) > 0.99
    logits = explainer.classifier.logits(explainer.generator.synthesis(ws)).numpy()
    margins = (logits[:, 1] - logits[:, 0]).repeat(20)
    before = 1 / (1 + np.exp(-margins))
    asked = drawn_requests(before, np.random.default_rng(0))
    gains = np.linspace(0.1, 12, 240)
    errors = [np.square(before + asked - 1 / (1 + np.exp(-margins - gain * asked))).mean() for gain in gains]
    deviation = (ws[:, 0].numpy() @ truth).std()
    gain = found.figures["length_sd"] * float(vector @ truth) / deviation * GAIN  # of the margin, per alpha
    assert gain == pytest.approx(gains[int(np.argmin(errors))], rel=0.1)
    figures = found.figures
    assert figures["amount_error"] < 0.3 * figures["amount_error_still"]
    assert figures["amount_error_random"] > 0.9 * figures["amount_error_still"]
    assert figures["obtained_0.1"] < figures["obtained_0.25"] < figures["obtained_0.5"]
    assert figures["obtained_0.25"] == pytest.approx(0.25, abs=0.03)
    assert found.identity == "", "as published, unless one is chosen"
    assert f"by {figures['amount_error']:.2f} on average" in effect_text(found, ("a", "b"))
