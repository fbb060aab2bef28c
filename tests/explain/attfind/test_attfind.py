# SPDX-License-Identifier: MIT
"""AttFind on a small generator with a known answer, and the effect table."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from colour_explainer import tiny_classifier, tiny_explainer

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Kept, Notice, Progress
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import analyse, attfind
from latent_explorer.explain.attfind.effects import SingleMoves, effect_table, reconstruct
from latent_explorer.explain.attfind.plan import SearchPlan
from latent_explorer.explain.attfind.result import AttFindResult, Subject, short_list_notices
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.batches import BatchSizer
from latent_explorer.models.architecture import stylegan2_layout
from latent_explorer.models.attributes import AttributeSet

LAYER, CHANNEL = "b16.conv1", 2  # the planted coordinate


def finish(job):
    """Run a job to its end; return (events, value)."""
    events = []
    value = run_job(job, events.append)
    return events, value


def planted_explainer():
    """Make the mean of red depend on one style coordinate: no other reaches the picture."""
    explainer = tiny_explainer(n=40)
    samples, synthesis = explainer.samples, explainer.generator.synthesis
    layer, torgb = synthesis.layer(LAYER), synthesis.layer("b16.torgb")
    with torch.no_grad():
        for other in synthesis.layout.layers:
            if other.name != LAYER:
                synthesis.layer(other.name).affine.weight.zero_()
            if other.kind == "torgb":
                synthesis.layer(other.name).weight.zero_()
        layer.weight.zero_()
        layer.weight[:, CHANNEL] = 0.05
        layer.weight[:, CHANNEL + 1] = 0.5  # so that demodulation does not cancel the style
        layer.affine.weight[CHANNEL + 1] = 0
        torgb.weight[0] = 0.2
        # Half of the pictures on either side, and none so red that clipping hides the slope.
        red = synthesis(samples.ws, samples.cond)[:, 0].mean(dim=(1, 2))
        torgb.bias[0] -= red.median()
    return explainer


@pytest.fixture(scope="module")
def planted():
    return planted_explainer()


@pytest.fixture(scope="module")
def search_result(planted):
    return finish(attfind(planted, AttFindSettings(n=40, wanted=5, exhaustive=True)))


def table_of(explainer, kappa=1.0, **batch_sizer):
    synthesis, classifier = explainer.generator.synthesis, explainer.classifier
    samples = explainer.samples
    job = reconstruct(synthesis, classifier, samples.ws, samples.cond, BatchSizer(**batch_sizer))
    _, pictures = finish(job)
    style_range = torch.stack([pictures.s.amin(dim=0), pictures.s.amax(dim=0)])
    return (
        pictures,
        style_range,
        finish(
            effect_table(SingleMoves(synthesis, classifier, pictures, style_range, kappa, BatchSizer(**batch_sizer)))
        )[1],
    )


def test_the_planted_coordinate_is_found_first(planted, search_result):
    _, result = search_result
    index = planted.generator.synthesis.layout.index(LAYER, CHANNEL)
    for target in (0, 1):
        assert result.ranked[target][0].style_index == index
    assert result.ranked[0][0].direction == 1 - result.ranked[1][0].direction
    first = result.attribute_set.attributes[0]
    assert first.entries[0].style_index == index
    low, high = first.interval
    assert low <= first.mean_effect <= high


def test_a_coordinate_that_stands_at_the_end_has_effect_exactly_zero():
    explainer = tiny_explainer(n=6)
    pictures, style_range, table = table_of(explainer)
    for direction in (0, 1):
        at_end = (pictures.s == style_range[direction]).numpy()
        assert at_end.sum() >= 38
        assert np.all(table[:, direction][at_end] == 0)
    assert (table != 0).mean() > 0.5


def test_effects_equal_one_by_one_renders_of_the_clipped_picture():
    explainer = tiny_explainer(n=3)
    pictures, style_range, table = table_of(explainer, kappa=2.0)
    synthesis, classifier = explainer.generator.synthesis, explainer.classifier
    with torch.no_grad():
        for i, d, j in ((0, 0, 5), (1, 1, 20), (2, 0, 37)):
            s = pictures.s[i : i + 1].clone()
            s[0, j] += 2.0 * (style_range[d, j] - s[0, j])
            img = synthesis.render(synthesis.replace(pictures.row(i), s), synthesis.noise_const())
            effect = classifier.network(img.clamp(-1, 1))[0] - pictures.logits[i]
            np.testing.assert_allclose(table[i, d, j], effect, atol=1e-4)


def test_batch_size_does_not_change_the_table():
    explainer = tiny_explainer(n=4)
    one = table_of(explainer, largest=1)[2]
    many = table_of(explainer, largest=64)[2]
    scale = max(1.0, float(np.abs(one).max()))
    np.testing.assert_allclose(many, one, atol=1e-5 * scale)


def test_a_seed_draws_the_pictures_that_are_searched(planted):
    def table(seed):
        return finish(attfind(planted, AttFindSettings(n=3, seed=seed)))[1].subject.answers

    first, drawn, again = table(None), table(5), table(5)
    assert len(drawn) == 3
    assert np.array_equal(drawn, again)
    assert not np.array_equal(drawn, first)
    assert not np.array_equal(table(6), drawn)


def test_the_model_is_bit_identical_afterwards():
    explainer = tiny_explainer(n=4)
    state = explainer.generator.state_dict() | explainer.classifier.state_dict()
    before = {name: tensor.clone() for name, tensor in state.items()}
    finish(attfind(explainer, AttFindSettings(n=4, wanted=2)))
    after = explainer.generator.state_dict() | explainer.classifier.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_the_job_reports_progress_and_returns_its_result(search_result):
    events, result = search_result
    progress = [e for e in events if isinstance(e, Progress) and "every style" in e.message]
    done = [e.done for e in progress]
    assert done == sorted(done)
    assert done[-1] == progress[-1].total
    assert result.effects.shape == (40, 2, 38, 2)
    assert result.attribute_set.n == 40
    assert result.attribute_set.method == "attfind-notebook"


def test_a_short_budget_makes_small_steps_and_the_same_list(planted, search_result):
    """Coordinates that do nothing have effects of the size of rounding, which depends on the batch."""
    _, result = finish(attfind(planted, AttFindSettings(n=40, wanted=5), budget=lambda: 0.0))
    lists = [[p.style_index for p in r.ranked[0] if p.mean_effect > 1e-3] for r in (result, search_result[1])]
    assert lists[0] == lists[1] != []


def test_given_ranges_replace_the_searched_pictures_own(planted):
    stats = planted.style_stats
    _, result = finish(attfind(planted, AttFindSettings(n=5, wanted=2), ranges=stats))
    np.testing.assert_array_equal(result.subject.limits[0], stats.minimum)
    assert result.attribute_set.ranges == "the file's minimum and maximum"


def test_more_classes_give_one_list_a_class():
    explainer = tiny_explainer(classes=3, n=30)
    _, result = finish(attfind(explainer, AttFindSettings(n=30, wanted=4)))
    assert set(result.ranked) == {0, 1, 2}
    assert result.attribute_set.settings["tau"] == 0.5
    for target, picks in result.ranked.items():
        assert all(p.target == target for p in picks)
        assert all(p.mean_effect > 0 for p in picks)


def test_one_sided_pictures_are_reported():
    explainer = tiny_explainer(n=5, classifier=tiny_classifier(gain=0.0))
    events, result = finish(attfind(explainer, AttFindSettings(n=5)))
    notices = " ".join(e.text for e in events if isinstance(e, Notice))
    assert "every picture is of that class" in notices  # argmax of equal logits is class 0
    assert "no other coordinate raises it" in notices
    assert result.attribute_set.attributes == ()


@pytest.mark.parametrize("exhaustive", [True, False])
def test_a_class_that_all_pictures_have_gets_the_others_list_reversed_without_figures(exhaustive):
    explainer = tiny_explainer(n=30)
    settings = AttFindSettings(n=1, wanted=3, exhaustive=exhaustive, unstable_effect=100.0)
    events, result = finish(attfind(explainer, settings, ranges=explainer.style_stats))
    (seen,) = set(result.subject.verdicts)
    listed = {t: [a for a in result.attribute_set.attributes if a.target == t] for t in (0, 1)}
    assert len(listed[seen]) == len(listed[1 - seen]) > 0
    assert [a.mean_effect for a in listed[seen]] == [0] * len(listed[seen])
    assert all(a.mean_effect > 0 for a in listed[1 - seen][:1])
    assert all(a.interval is None for a in result.attribute_set.attributes)  # one picture has no spread
    notices = " ".join(e.text for e in events if isinstance(e, Notice))
    assert "the other class reversed" in notices
    assert "No attributes towards" not in notices


def test_an_explainer_without_pictures_is_a_sentence():
    explainer = tiny_explainer(n=3)
    explainer.samples = None
    with pytest.raises(UserError, match="holds no pictures"):
        finish(attfind(explainer))


def test_an_explainer_without_a_classifier_is_a_sentence():
    explainer = tiny_explainer(n=3)
    explainer.classifiers, explainer.conditioned_on = {}, None
    with pytest.raises(UserError, match="no classifier"):
        finish(attfind(explainer))


def test_the_windows_search_is_raced_and_says_so():
    explainer = tiny_explainer(n=4)
    host = ModelHost(read=lambda _path: explainer)
    host.open(Path("tiny.explainer"), "cpu")
    job = host.attfind(lambda: 0.3, plan=SearchPlan(), classifier_id=explainer.classifier_id)
    _, result = finish(job)
    assert result.attribute_set.n == 4
    assert result.attribute_set.method == "attfind-notebook-raced"
    assert result.attribute_set.settings["rendered_moves"] <= result.attribute_set.settings["moves"]


def test_predicted_effects_are_the_slopes_of_the_exact_ones():
    explainer = tiny_explainer(n=4)
    kappa = 1e-3
    pictures, style_range, exact = table_of(explainer, kappa=kappa)
    moves = SingleMoves(explainer.generator.synthesis, explainer.classifier, pictures, style_range, kappa, BatchSizer())
    _, predicted = finish(moves.predicted())
    scale = np.abs(exact).max()
    assert np.corrcoef(predicted.ravel(), exact.ravel())[0, 1] > 0.99
    np.testing.assert_allclose(predicted, exact, atol=0.1 * scale)


def test_a_step_of_the_prediction_is_one_pass_through_the_networks(monkeypatch):
    """All classes were one step: a slider beside the search waited for as many passes."""
    explainer = tiny_explainer(n=4)
    pictures, style_range, _ = table_of(explainer)
    synthesis = explainer.generator.synthesis
    passes = []
    grad, render = torch.autograd.grad, type(synthesis).render
    monkeypatch.setattr(torch.autograd, "grad", lambda *args, **kw: passes.append("back") or grad(*args, **kw))
    monkeypatch.setattr(type(synthesis), "render", lambda *args: passes.append("forth") or render(*args))
    per_step = []
    for _event in SingleMoves(synthesis, explainer.classifier, pictures, style_range, 1.0, BatchSizer()).predicted():
        per_step.append(len(passes))
        passes.clear()
    assert set(per_step) == {1}
    assert len(per_step) > explainer.classifier.num_classes


def test_a_raced_search_finds_the_same_first_picks_and_says_what_it_rendered(planted, search_result):
    events, result = finish(attfind(planted, AttFindSettings(n=40, wanted=5)))
    pictures, style_range, _ = table_of(planted)
    networks = planted.generator.synthesis, planted.classifier
    moves = SingleMoves(*networks, pictures, style_range, 1.0, BatchSizer())
    whole = search_result[1]
    strong = [p.style_index for p in whole.ranked[0] if p.mean_effect > 1e-3]
    assert strong == [p.style_index for p in result.ranked[0]][: len(strong)] != []
    stored, rendered = result.attribute_set.settings, result.rendered
    assert stored["moves"] == rendered.size
    assert stored["rendered_moves"] == (rendered & (moves.sizes != 0)).sum()
    assert result.attribute_set.method == "attfind-notebook-raced"
    np.testing.assert_allclose(result.effects[rendered], whole.effects[rendered], atol=1e-4)
    assert all(attribute.exact for attribute in result.attribute_set.attributes)
    assert any("settled the list" in e.text for e in events if isinstance(e, Notice))


def test_a_raced_search_that_is_stopped_keeps_the_list_so_far(planted):
    kept = [e.value for e in finish(attfind(planted, AttFindSettings(n=40, wanted=5)))[0] if isinstance(e, Kept)]
    assert kept
    assert all(isinstance(value, AttFindResult) for value in kept)
    assert not all(attribute.exact for attribute in kept[0].attribute_set.attributes)
    for value in kept:  # in files and autosaves: plain numbers, none of numpy's
        text = msgspec.json.encode(value.attribute_set)
        assert msgspec.json.decode(text, type=AttributeSet).attributes == value.attribute_set.attributes


def test_the_papers_procedure_is_raced_too_and_named(planted):
    settings = AttFindSettings(n=40, wanted=5, procedure="paper")
    raced, whole = (
        finish(attfind(planted, msgspec.structs.replace(settings, exhaustive=each)))[1] for each in (False, True)
    )
    assert raced.attribute_set.method == "attfind-paper-raced"
    assert whole.attribute_set.method == "attfind-paper"
    assert raced.ranked[0][0].style_index == whole.ranked[0][0].style_index


@pytest.mark.parametrize("exhaustive", [True, False])
def test_when_all_pictures_are_unstable_it_is_said(exhaustive):
    settings = AttFindSettings(n=10, exhaustive=exhaustive, unstable_effect=0.0, unstable_share=0.01)
    events, result = finish(attfind(tiny_explainer(n=10), settings))
    assert result.attribute_set.attributes == ()
    notices = [e.text for e in events if isinstance(e, Notice)]
    assert sum("every picture is unstable" in text for text in notices) == 1
    assert not any("no other coordinate" in text for text in notices)


def test_a_first_pick_that_the_merged_list_leaves_out_is_told():
    effects = np.zeros((4, 2, 3, 2), np.float32)
    effects[:2, 1, 0, 1], effects[2:, 0, 0, 0] = 3.0, 3.0  # there and back
    effects[2:, 1, 2, 0] = 4.0  # towards class 0 only, which the merged score counts half
    answers = np.array([[2, 0], [2, 0], [0, 2], [0, 2]], np.float32)
    layout = stylegan2_layout((4,))
    subject = Subject("c" * 64, (0, 1), answers, np.zeros((2, 3), np.float32), "made up", layout)
    result = analyse(effects, subject, AttFindSettings(wanted=1, exhaustive=True, unstable_effect=100.0))
    assert [p.style_index for p in result.ranked[0]] == [0]
    (notice,) = [n.text for n in short_list_notices(result, ("healthy", "diseased")) if "chose first" in n.text]
    assert notice.startswith("Style 2 up, which the search towards healthy chose first, is not listed")
