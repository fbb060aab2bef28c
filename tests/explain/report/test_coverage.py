# SPDX-License-Identifier: MIT
"""Coverage: shares against classifiers and pictures whose verdicts are known, and when a class is called rare."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from colour_explainer import MeanColour, tiny_classifier, tiny_explainer

from latent_explorer.common.jobs import run_job
from latent_explorer.common.statistics import wilson_interval
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, SampleBase, SeedBase
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.explain.report.coverage import Coverage, PictureSet, coverage
from latent_explorer.explain.report.triggers import triggers
from latent_explorer.models.explainer import Explainer


class _NeverSecond(MeanColour):
    """Mean colours, with the second class out of reach."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) - torch.tensor([0.0, 1000.0])


def _without_second() -> Explainer:
    classifier = tiny_classifier()
    classifier.network = _NeverSecond(2)
    return tiny_explainer(n=120, classifier=classifier)


def test_a_class_out_of_reach_is_said_to_be_almost_never_drawn() -> None:
    found = run_job(coverage(_without_second(), n=100))
    assert found.drawn is not None
    assert found.drawn.reaching(0).count == 120
    assert found.seeds.reaching(1).count == 0
    assert found.seeds.reaching(1).interval == wilson_interval(0, 100)
    assert found.sentence(0) == ""
    assert found.sentence(1).startswith(
        "b is almost never drawn (0 of 120 reconstructions and 0 of 100 seeds at psi 1). AttFind moves styles"
    )
    fields = found.to_dict()["classes"]["b"]["sets"]
    assert [(each["of"], each["count"], each["n"]) for each in fields[1:]] == [
        ("reconstructions", 0, 120),
        ("seeds at psi 1", 0, 100),
    ]


def _set(title: str, second: int, n: int) -> PictureSet:
    probs = np.tile(np.array([[0.9, 0.1]], np.float32), (n, 1))
    probs[:second] = 0.1, 0.9
    return PictureSet(title, tuple(map(str, range(n))), probs)


@pytest.mark.parametrize(("drawn", "seeds", "text"), [
    ((0, 200), (0, 200), "as far as the verdict turns"),
    ((60, 200), (0, 200), "look at pictures of the file rather than at seeds"),
    ((0, 200), (60, 200), "give it pictures of b with --images"),
    ((60, 200), (60, 200), None),
    ((0, 20), (0, 20), None),  # too few to say so: up to 16 % are within the interval
])  # fmt: skip
def test_what_a_rare_class_means_depends_on_where_it_is_rare(drawn, seeds, text) -> None:
    found = Coverage(("a", "b"), 1.0, _set("seeds at psi 1", *seeds), _set("reconstructions", *drawn))
    assert text in found.sentence(1) if text else found.sentence(1) == ""


def test_seeds_are_those_of_the_window_and_real_pictures_are_asked_as_they_are() -> None:
    explainer = tiny_explainer()
    images = np.zeros((5, 16, 16, 3), np.uint8)
    images[:3, ..., 0], images[3:, ..., 1] = 255, 255
    found = run_job(coverage(explainer, n=12, psi=0.5, read=lambda rows: images[rows], ids=list("vwxyz")))
    assert found.photographs is not None
    assert (found.photographs.reaching(0).count, found.photographs.reaching(1).count) == (3, 2)
    assert list(found.photographs.highest(1)[:2]) == [3, 4]
    renderer = Renderer(explainer, "cpu")
    assert found.drawn is not None
    for probs, recipes in (
        (found.seeds.probs, [PictureRecipe(SeedBase(i), 0.5) for i in range(12)]),
        (found.drawn.probs, [PictureRecipe(SampleBase(i)) for i in range(24)]),
    ):
        requests = [PictureRequest(recipe, explainer.classifier_id) for recipe in recipes]
        window = np.stack([renderer.render(request).after.probs for request in requests])
        np.testing.assert_allclose(probs, window, atol=1e-4)


def test_photographs_of_the_file_are_known_for_its_own_classifier_only() -> None:
    explainer = tiny_explainer()
    found = run_job(coverage(explainer, n=4))
    assert explainer.samples is not None
    assert found.photographs is not None
    np.testing.assert_allclose(found.photographs.probs, explainer.samples.probs.numpy())
    explainer.classifiers["other"] = tiny_classifier()
    assert run_job(coverage(explainer, n=4, classifier_id="other")).photographs is None
    explainer.samples = None
    alone = run_job(coverage(explainer, n=4))
    assert alone.sets == (alone.seeds,)


def test_triggers_are_the_pictures_with_the_highest_probability() -> None:
    explainer = tiny_explainer()
    images = np.zeros((3, 16, 16, 3), np.uint8)
    images[1, ..., 1] = 255  # green: of the second class
    found = run_job(coverage(explainer, n=12, read=lambda rows: images[rows], ids=list("xyz")))
    rows = run_job(triggers(explainer, found, 1, 2, lambda rows: images[rows]))
    assert [row.title for row in rows] == ["Seeds at psi 1", "Reconstructions", "Real pictures"]
    shown = [[cell for cell in row.cells if cell is not None] for row in rows]
    np.testing.assert_array_equal(shown[2][0].image, images[1])
    assert shown[2][0].strong
    best = int(found.seeds.probs[:, 1].argmax())
    request = PictureRequest(PictureRecipe(SeedBase(best)), explainer.classifier_id)
    window = Renderer(explainer, "cpu").render(request).after
    assert np.abs(shown[0][0].image.astype(int) - window.image).max() <= 1
    assert shown[0][0].caption == f"{found.seeds.probs[best, 1]:.3f}"
