# SPDX-License-Identifier: MIT
"""Labelling on a real, tiny network, without a window: pictures, figures, undo, sliders, files and explorations."""

from __future__ import annotations

import json
import random
import zipfile

import msgspec
import numpy as np
import pytest
from headless import HeadlessExplorer, of_type

from latent_explorer.app.directions import DirectionsController
from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.intents import SetTruncation
from latent_explorer.app.labelling.controller import LabellingController
from latent_explorer.app.labelling.deck import AHEAD, EVERY, Deck
from latent_explorer.explain.labels import Label, LabelSet
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, SampleBase, SeedBase


class Labelled(HeadlessExplorer):
    """An explorer on the tiny network, with the controllers of directions and labels."""

    def __init__(self, folder, explainer) -> None:
        super().__init__(folder, ModelHost(read=lambda _path: explainer, identify=lambda _path: explainer.model_hash))
        self.directions = DirectionsController(self.explorer)
        self.open()
        self.page = LabellingController(self.explorer, lambda: None, random.Random(0))
        self.page.start()
        self.settle()

    def label(self, count: int, rule=lambda image: int(image[..., 1].mean() > 128)) -> None:
        """Label pictures as a person would who looks at what is shown."""
        for _ in range(count):
            assert self.page.answer(rule(self.page.image))
            self.settle()


@pytest.fixture
def real(folder, tiny_explainer):
    made = Labelled(folder, tiny_explainer)
    yield made
    made.page.close()
    made.explorer.close()


def greens(real) -> list[float]:
    """Return the mean green of 40 seeds."""
    recipes = (PictureRequest(PictureRecipe(SeedBase(i)), real.explorer.state.classifier_id) for i in range(40))
    return [float(real.host.render(request).after.image[..., 1].mean()) for request in recipes]


def test_pictures_are_there_before_they_are_needed(real):
    page = real.page
    assert page.next_image is not None
    first, second = page.picture, page._deck.cards[1]
    shown = page.image
    request = PictureRequest(PictureRecipe(first.base), real.explorer.state.classifier_id)
    np.testing.assert_array_equal(shown, real.host.render(request).after.image)
    assert page.answer(1)
    assert page.picture == second
    assert page.image is not None, "without waiting for the engine"
    assert real.explorer.document.labels == (LabelSet("", "yes-no", (msgspec.structs.replace(first, value=1),)),)
    for _ in range(AHEAD - 1):
        assert page.answer(0)
    while page.image is not None:
        assert page.answer(0)
    assert not page.answer(0), "what is not on the screen yet cannot be labelled"
    real.settle()
    assert page.answer(0)
    assert not page.answer(3)


def test_a_label_is_taken_back_with_its_picture(real):
    real.label(3, lambda _image: 0)
    before = real.page.picture
    last = real.page.labels.labels[-1]
    assert real.page.undo()
    assert real.page.picture.picture == last.picture
    assert real.page.image is not None
    assert real.page._deck.cards[1] == before
    assert len(real.page.labels.labels) == 2
    assert real.page.answer(1)
    assert real.page.labels.labels[-1] == msgspec.structs.replace(last, value=1)
    for _ in range(3):
        assert real.page.undo()
    assert not real.page.undo()


def test_figures_follow_and_end_in_a_slider(real):
    page, middle = real.page, np.median(greens(real))

    def rule(image: np.ndarray) -> int:
        return int(image[..., 1].mean() > middle)

    page.rename("  green \n leaves ")
    assert page.missing == "Too few pictures without it: 5 more, and there are figures and a slider."
    real.label(50, rule)
    assert page.figures.fresh
    found = page.figures.judgement.figures
    drawn = [each for each in page.labels.labels if not each.sought]
    assert found["examples"] == len(drawn) < 50
    assert found["accuracy"] > 0.7 > found["shuffled"]
    assert "chance" not in page.missing
    page.figures.judgement.figures["low"] = found["majority"] - 0.01
    assert page.missing.startswith("No better than chance, as far as can be said")
    assert page.can_make
    page.make_slider()
    assert page.making
    told = real.settle()
    assert not page.making
    (direction,) = real.explorer.document.directions
    assert direction.name == "green leaves"
    assert page.result.startswith("Right on 0.")
    assert "random directions of that length" in page.result
    assert page.result == real.directions.effect(direction)
    assert any("green leaves" in message.text for message in of_type(told, updates.Message))
    page.set_given([direction])
    real.settle()
    assert page.figures.judgement.figures["accuracy"] < found["accuracy"]
    page.make_slider()
    real.settle()
    other = real.explorer.document.directions[1]
    assert other.name == "green leaves 2"
    assert abs(other.array[0] @ direction.array[0]) < 1e-5


def test_every_third_picture_is_sought_until_that_is_switched_off(real):
    page, middle = real.page, np.median(greens(real))
    real.label(40, lambda image: int(image[..., 1].mean() > middle))
    sought = [each for each in page.labels.labels if each.sought]
    assert 3 <= len(sought) <= 40 // EVERY
    page.set_seek(False)
    real.settle()
    real.label(8, lambda _image: -1)
    assert not any(each.sought for each in page.labels.labels[-3:])


def test_ratings_are_a_set_of_their_own(real):
    page = real.page
    real.label(2, lambda _image: 1)
    page.set_kind("rating")
    real.settle()
    assert (page.labels.kind, page.labels.labels, page.number) == ("rating", (), 1)
    assert not page.answer(0)
    cuts = np.quantile(greens(real), (0.25, 0.5, 0.75))
    real.label(40, lambda image: (1, 2, 4, 5)[int(np.searchsorted(cuts, image[..., 1].mean()))])
    found = page.figures.judgement.figures
    assert found["examples"] == 40, "of ratings none is sought"
    assert found["correlation"] > 0.4 > abs(found["shuffled"])
    page.make_slider()
    real.settle()
    assert page.result.startswith("Correlation with the ratings 0.")
    page.choose(0)
    assert page.labels.kind == "yes-no"
    page.delete()
    assert [each.kind for each in real.explorer.document.labels] == ["rating"]
    assert page.labels.kind == "rating"


def test_pictures_come_from_where_they_are_wanted_and_as_they_are_truncated(real):
    page = real.page
    assert page.sources == ("seeds", "samples", "both")
    assert page.source == "both"
    page.set_source("samples")
    real.settle()
    count = len(real.explorer.summary.samples.ids)
    real.label(count, lambda _image: -1)
    assert page.picture is None
    assert sorted(each.base.index for each in page.labels.labels) == list(range(count))
    assert not page.answer(1)
    page.set_source("seeds")
    real.explorer.apply(SetTruncation(0.5))
    real.settle()
    real.label(1, lambda _image: 1)
    assert page.picture.truncation_psi == 0.5
    assert "truncation 0.50" in page.title
    shown = page.image
    recipe = PictureRecipe(page.picture.base, truncation_psi=0.5)
    expected = real.host.render(PictureRequest(recipe, real.explorer.state.classifier_id)).after.image
    np.testing.assert_array_equal(shown, expected)


def test_labels_are_kept_with_the_exploration_and_as_csv(real, tmp_path):
    page = real.page
    page.rename("spots")
    real.label(7, lambda image: int(image.mean() > 100))
    kept = page.labels
    page.write(tmp_path / "spots.csv")
    assert real.explorer.unsaved
    assert real.explorer.save(tmp_path / "x.exploration")
    with zipfile.ZipFile(tmp_path / "x.exploration") as archive:
        assert json.loads(archive.read("about.json"))["version"] == 3
    page.delete()
    assert page.labels == LabelSet()
    page.read(tmp_path / "spots.csv")
    assert page.labels == kept
    page.read(tmp_path / "none.csv")
    (report,) = of_type(real.settle(), updates.ErrorReport)
    assert "cannot be read" in report.failure.message
    real.explorer.open_path(tmp_path / "x.exploration")
    real.settle()
    assert real.explorer.document.labels == (kept,)
    assert page.labels == kept
    assert page.image is not None


def test_labels_of_another_model_are_refused_in_an_exploration(real, tmp_path):
    count = len(real.explorer.summary.samples.ids)
    for label in (Label(SampleBase(count), 1), Label(SeedBase(1), 4)):
        document = real.explorer.document.with_labels(0, LabelSet("x", "yes-no", (label,)))
        path = tmp_path / "x.exploration"
        exploration_file.write(path, exploration_file.Exploration(real.explorer.state, document))
        real.explorer.open_path(path)
        (report,) = of_type(real.settle(), updates.ErrorReport)
        assert "labels do not fit" in report.failure.message


def test_the_last_pictures_of_a_file_are_found():
    deck = Deck(random.Random(0), "samples", samples=1000)
    labelled = [Label(SampleBase(i), 1) for i in range(1000) if i not in (3, 500)]
    deck.fill(labelled)
    assert sorted(card.base.index for card in deck.cards) == [3, 500]
    assert deck.pool(60, labelled) == []
    deck.source = "both"
    deck.fill(labelled)
    assert len(deck.cards) == AHEAD + 1
