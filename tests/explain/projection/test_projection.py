# SPDX-License-Identifier: MIT
"""Projection as a job: determinism, each picture's own best, every start and space, and its report."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from projection_runs import QUICK, changed, pictures_of_seeds, plain_explainer, projected, without_encoder
from tiny import make_explainer

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Kept, Metric, Notice, Progress
from latent_explorer.explain.latents import latent_of
from latent_explorer.explain.projection.projection import project
from latent_explorer.explain.projection.report_text import checks
from latent_explorer.explain.projection.target import Target
from latent_explorer.explain.projection_settings import ProjectionSettings
from latent_explorer.explain.recipe import Noise, PictureRecipe, PictureRequest, ProjectedBase
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.explainer import with_classifier


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run without LPIPS, so the tests give the same result on every machine."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def targets(tiny_explainer) -> np.ndarray:
    return pictures_of_seeds(tiny_explainer, range(50, 55))


def rendered(model, picture) -> np.ndarray:
    """Render a projection as the window does."""
    renderer = Renderer(model)
    renderer.add_latent("it", latent_of(picture))
    noise = Noise("maps", maps_id="it") if picture.noise else Noise()
    request = PictureRequest(PictureRecipe(ProjectedBase("it"), noise=noise), model.classifier_id)
    return renderer.render(request).after


def test_equal_settings_give_equal_bits_and_leave_the_global_dice_alone(tiny_explainer, targets):
    state = torch.random.get_rng_state()
    settings = changed(noise="optimise", w_noise=0.05, keep="last")
    once, again = (projected(tiny_explainer, targets[:2], settings).found for _ in range(2))
    assert [p.latent_id for p in once] == [p.latent_id for p in again]
    assert torch.equal(torch.random.get_rng_state(), state)
    other = projected(tiny_explainer, targets[:2], changed(settings, seed=1)).found
    assert other[0].latent_id != once[0].latent_id


def test_a_picture_ends_the_same_alone_and_among_others(tiny_explainer, targets):
    alone = projected(tiny_explainer, targets[1:2]).found[0]
    among = projected(tiny_explainer, targets).found[1]
    np.testing.assert_allclose(alone.ws, among.ws, atol=1e-3)
    assert among.report.name == "1.png"


@pytest.mark.parametrize("space", ["w", "w+", "s"])
@pytest.mark.parametrize("noise", ["keep", "optimise"])
def test_the_result_renders_as_the_window_renders_it(tiny_explainer, targets, space, noise):
    before = [n.clone() for n in tiny_explainer.generator.synthesis.noise_const()]
    picture = projected(tiny_explainer, targets[:1], changed(space=space, noise=noise)).found[0]
    shown = rendered(tiny_explainer, picture)
    np.testing.assert_array_equal(shown.image, picture.image)
    np.testing.assert_allclose(shown.probs, picture.report.probs_reconstruction, atol=1e-6)
    assert (picture.noise is not None) == (noise == "optimise")
    assert (picture.styles is not None) == (space == "s")
    after = tiny_explainer.generator.synthesis.noise_const()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    if space == "w":
        np.testing.assert_array_equal(picture.ws, np.broadcast_to(picture.ws[:1], picture.ws.shape))


def test_more_room_comes_nearer(tiny_explainer, targets):
    errors = {}
    for space in ("w", "w+"):
        settings = changed(space=space, steps=40, lr=0.3)
        pictures = projected(tiny_explainer, targets[:2], settings).found
        errors[space] = np.mean([p.report.psnr for p in pictures])
    start = projected(tiny_explainer, targets[:2], changed(steps=0)).found
    assert errors["w+"] > errors["w"] > np.mean([p.report.psnr for p in start])


def test_what_is_told_is_the_classifiers_word_on_the_photo(tiny_explainer, targets):
    picture = projected(tiny_explainer, targets[:1]).found[0]
    np.testing.assert_allclose(picture.cond, picture.report.probs_target, atol=1e-6)


@pytest.mark.parametrize("start", ["encoder", "mean", "random", "nearest", "average"])
def test_every_start(tiny_explainer, targets, start):
    picture = projected(tiny_explainer, targets[:1], changed(start=start, steps=2)).found[0]
    assert picture.report.start == start


def test_the_nearest_sample_of_a_sample_is_itself(targets):
    model = plain_explainer()
    photo = pictures_of_seeds(model, range(17, 18))
    settings = changed(start="nearest", steps=0, w_steps=0)
    picture = projected(model, photo, settings).found[0]
    np.testing.assert_array_equal(picture.image, photo[0])
    assert picture.report.psnr == 99.0
    assert picture.report.lpips < 1e-6


def test_without_an_encoder_the_rows_are_one_first(tiny_explainer, targets):
    model = without_encoder(tiny_explainer)
    picture = projected(model, targets[:1], changed(steps=0)).found[0]
    assert picture.report.start == "average"
    assert picture.report.steps == QUICK.w_steps
    assert "distance" in picture.report.domain_figures
    with pytest.raises(UserError, match="no encoder to start from"):
        projected(model, targets[:1], changed(start="encoder"))


def test_events_say_how_it_goes(tiny_explainer, targets):
    done = projected(tiny_explainer, targets)
    progress = [e for e in done.events if isinstance(e, Progress) and e.total == 24]
    assert [e.done for e in progress] == sorted(e.done for e in progress)
    metrics = [e for e in done.events if isinstance(e, Metric)]
    assert {"loss", "lpips", "loss/0", "lpips/3"} <= set(metrics[0].values)
    assert {"loss/4"} <= set(metrics[-1].values)
    assert [p.latent_id for p in done.kept[-1].value] == [p.latent_id for p in done.found]


def test_a_closed_job_has_yielded_the_best_so_far(tiny_explainer, targets, monkeypatch):
    monkeypatch.setattr("latent_explorer.explain.projection.projection._PREVIEW_SECONDS", 0.0)
    monkeypatch.setattr("latent_explorer.explain.projection.projection._PREVIEW_SHARE", 0)
    job = project(tiny_explainer, [Target(str(i), x) for i, x in enumerate(targets)], QUICK)
    kept = [next(e for e in job if isinstance(e, Kept)) for _ in range(3)]
    job.close()
    assert [p.report.name for p in kept[-1].value] == ["0", "1", "2", "3"]  # the first group
    assert rendered(tiny_explainer, kept[-1].value[0]).image.shape == (16, 16, 3)


def test_each_picture_keeps_its_best_and_ends_by_itself(tiny_explainer, targets):
    settings = changed(steps=60, lr=3.0, rampdown=0.0, early_stop=5)
    done = projected(tiny_explainer, targets[:3], settings)
    losses = {i: [] for i in range(3)}
    for event in done.events:
        for i in losses:
            if isinstance(event, Metric) and f"loss/{i}" in event.values:
                losses[i].append(event.values[f"loss/{i}"])
    for i, picture in enumerate(done.found):
        assert picture.report.steps == int(np.argmin(losses[i]))
        assert len(losses[i]) <= 61
    assert len({len(seen) for seen in losses.values()}) > 1, "all ended at once"


def test_tuning_keeps_the_change_alone(tiny_explainer, targets):
    weights = {k: v.clone() for k, v in tiny_explainer.generator.state_dict().items()}
    done = projected(tiny_explainer, targets[:1], changed(tuning=8, tuning_lr=3e-3))
    picture = done.found[0]
    plain = projected(tiny_explainer, targets[:1]).found[0]
    assert picture.report.tuned
    assert {e.total for e in done.events if isinstance(e, Progress) and "Tuning" in e.message} == {QUICK.steps + 8}, (
        "one picture is tuned once"
    )
    assert picture.report.psnr > plain.report.psnr
    assert not plain.report.tuned
    np.testing.assert_array_equal(picture.ws, plain.ws)
    np.testing.assert_array_equal(rendered(tiny_explainer, picture).image, picture.image)
    assert any(isinstance(e, Notice) and "approximate" in e.text for e in done.events)
    state = tiny_explainer.generator.state_dict()
    assert all(torch.equal(state[k], v) for k, v in weights.items())


def test_a_tuned_picture_of_another_model_is_refused(tiny_explainer, targets):
    picture = projected(tiny_explainer, targets[:1], changed(tuning=2)).found[0]
    model = plain_explainer()
    with pytest.raises(UserError, match="another model"):
        Renderer(model).add_latent("it", latent_of(picture))


@pytest.mark.parametrize("psi", [0.0, 0.5])
@pytest.mark.parametrize("cutoff", [None, 2])
def test_truncation_of_style_latents_is_that_of_ws(tiny_explainer, psi, cutoff):
    """A latent of style space whose styles are those of its ws is truncated as that ws is."""
    from latent_explorer.explain.latents import Latent, seed_latent

    latent = seed_latent(tiny_explainer, 3)
    with torch.no_grad():
        styles = tiny_explainer.generator.synthesis.styles(latent.ws, latent.cond)
    renderer = Renderer(tiny_explainer)
    renderer.add_latent("w", latent)
    renderer.add_latent("s", Latent(latent.ws, latent.cond, styles=tuple(styles)))
    images = []
    for name in ("w", "s"):
        recipe = PictureRecipe(ProjectedBase(name), psi, cutoff)
        request = PictureRequest(recipe, tiny_explainer.classifier_id)
        images.append(renderer.render(request).after.image.astype(int))
    assert np.abs(images[0] - images[1]).max() <= 1


@pytest.mark.parametrize("field", [{"steps": -1}, {"lr": 0}, {"rampup": 2}, {"space": "z"}, {"more": 1}])
def test_settings_out_of_range_are_refused(field):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(field, ProjectionSettings)


def test_nothing_to_project_is_a_sentence(tiny_explainer):
    with pytest.raises(UserError, match="no pictures"):
        projected(tiny_explainer, np.zeros((0, 16, 16, 3), np.uint8))
    with pytest.raises(ValueError, match="16 x 16"):
        projected(tiny_explainer, np.zeros((1, 8, 8, 3), np.uint8))


def test_the_class_is_judged_by_a_search_without_the_classifiers_word(tiny_explainer, targets):
    other = make_explainer(seed=1).classifier
    model = with_classifier(tiny_explainer, other)
    asked = list(model.classifiers)[-1]
    plain = projected(model, targets[:2], classifier_id=asked).found
    checked = projected(model, targets[:2], changed(check=True), classifier_id=asked)
    assert [p.report.probs_unasked for p in plain] == [(), ()]
    assert [p.latent_id for p in checked.found] == [p.latent_id for p in plain], "the result is the same"
    totals = {e.total for e in checked.events if isinstance(e, Progress) and "without the classifier" in e.message}
    assert totals == {2 * QUICK.steps}
    before, *_, last = checked.kept
    assert all(len(p.report.probs_unasked) == 2 for p in last.value)
    assert not any(p.report.probs_unasked for p in before.value), "stopped during the check, it is not known"


def test_where_pictures_are_compared_by_the_classifier_nothing_is_a_check_of_it(tiny_explainer, targets):
    """Without LPIPS the distance is the classifier's own: no search is without its word."""
    report = projected(tiny_explainer, targets[:1], changed(check=True)).found[0].report
    assert report.probs_unasked == ()
    kept = checks(report)[0]
    assert kept.passed is (None if report.agreement else False)
    assert "good" not in {check.severity for check in checks(report)}


def test_a_result_without_the_classifiers_word_is_its_own_check():
    model = with_classifier(plain_explainer(), make_explainer(seed=1).classifier)
    asked = list(model.classifiers)[-1]
    photo = pictures_of_seeds(model, range(3, 4))
    report = projected(model, photo, changed(verdict=0.0), classifier_id=asked).found[0].report
    assert report.probs_unasked == report.probs_reconstruction
    told = projected(model, photo, changed(verdict=0.05), classifier_id=asked).found[0].report
    assert told.probs_unasked == ()


def test_a_long_search_is_announced_before_its_first_picture(tiny_explainer, targets, monkeypatch):
    def announced() -> list[int]:
        events = projected(without_encoder(tiny_explainer), targets[:1], QUICK).events
        return [i for i, e in enumerate(events) if isinstance(e, Notice) and "on this machine" in e.text]

    assert not announced()
    monkeypatch.setattr("latent_explorer.explain.projection.projection._LONG", 0.0)
    assert announced() == [1]  # after the notice that LPIPS is missing
