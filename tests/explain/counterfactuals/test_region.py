# SPDX-License-Identifier: MIT
"""A painted part of a picture: known answers on pictures whose every coordinate has a spot of its own."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch
from known_explainers import AREA_ROWS, SIDE, SPOTS_ACROSS, known_explainer

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import GivenUp
from latent_explorer.data.images import to_uint8
from latent_explorer.explain.counterfactuals.region import RegionQuestion
from latent_explorer.explain.counterfactuals.region_looks import look, study_region
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, SampleBase, StyleShift, attribute_edits
from latent_explorer.explain.render import renderer as renderer_module
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.attributes import Attribute, AttributeEntry


def spot(j: int) -> tuple[int, int]:
    """Return the row and column of the first pixel of a coordinate's spot."""
    place = j % (SPOTS_ACROSS * 6)
    return 2 * (place // SPOTS_ACROSS), 2 * (place % SPOTS_ACROSS)


def around(*coordinates: int) -> np.ndarray:
    """Return a mask of at most 8 x 8 px around the spots of coordinates, above the area."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    for j in coordinates:
        row, column = spot(j)
        mask[max(0, row - 3) : min(row + 5, AREA_ROWS.start), max(0, column - 3) : column + 5] = 1
    return mask


def far_from(*coordinates: int) -> int:
    """Return a coordinate whose spot is in none of the masks around others."""
    return next(j for j in range(100) if all(max(abs(np.subtract(spot(j), spot(i)))) > 6 for i in coordinates))


def attribute(j: int, end: str = "max", name: str = "") -> Attribute:
    return Attribute(name or f"style {j}", 1, (AttributeEntry(j, end),))


class Known:
    """Renderer of a known explainer, and questions about one of its pictures."""

    def __init__(self, case: str, picture: int | None = None) -> None:
        self.explainer, self.roles = known_explainer(case)
        self.renderer = Renderer(self.explainer)
        probs = self.explainer.samples.probs[:, 1]
        # Of class 0, and near enough to be turned
        index = int(torch.where(probs < 0.5, probs, -1).argmax()) if picture is None else picture
        self.request = PictureRequest(PictureRecipe(SampleBase(index)), self.explainer.classifier_id)

    def shown(self, edits: tuple = ()) -> tuple[np.ndarray, np.ndarray]:
        """Return the picture, (H, W, 3) uint8, and its logits (2,)."""
        img = self.renderer.img(msgspec.structs.replace(self.request.recipe, edits=edits)).clamp(-1, 1)
        logits = self.explainer.classifier.logits(img)[0].detach().numpy()
        return to_uint8(img[0].numpy()), logits

    def question(self, mask: np.ndarray, edits: tuple = ()) -> RegionQuestion:
        recipe = msgspec.structs.replace(self.request.recipe, edits=edits)
        request = msgspec.structs.replace(self.request, recipe=recipe)
        return RegionQuestion(request, 1, mask, lambda each: (*edits, *(e for a in each for e in attribute_edits(a))))

    def study(self, mask: np.ndarray, attributes: list[Attribute], draws: int = 3):
        return study_region(self.renderer, self.question(mask), attributes, draws)


@pytest.fixture(scope="module")
def one():
    torch.set_num_threads(1)
    return Known("one")


def test_the_change_of_the_cause_lies_in_its_spot_and_turns_the_verdict_there(one):
    (cause,), far = one.roles.causes, far_from(one.roles.causes[0])
    mask = around(cause)
    found = one.study(mask, [attribute(far), attribute(one.roles.area), attribute(cause, name="cause")])
    assert found.ranked[0].attributes[0].name == "cause"
    assert [each.share for each in found.ranked] == pytest.approx([1, 0, 0], abs=1e-6)
    assert found.area == pytest.approx(mask.mean())
    assert [each.attributes[0].name for each in found.sets] == ["cause"]
    best = found.best
    assert best.turns
    assert best.turns_whole
    assert not best.turns_outside
    np.testing.assert_allclose(best.inside, best.whole, atol=1e-5)  # all of it is inside
    np.testing.assert_allclose(best.outside, found.before, atol=1e-5)


def test_elsewhere_nothing_turns_it_and_the_cause_turns_it_outside(one):
    (cause,), far = one.roles.causes, far_from(one.roles.causes[0])
    found = one.study(around(far), [attribute(cause, name="cause"), attribute(far)])
    assert found.sets == ()
    assert found.ranked[-1].attributes[0].name == "cause"
    assert found.ranked[-1].share == pytest.approx(0, abs=1e-6)
    assert found.ranked[-1].turns_outside
    assert not any(each.turns for each in found.ranked)
    np.testing.assert_allclose(found.ranked[-1].inside, found.before, atol=1e-5)


def test_a_change_spread_evenly_has_the_share_of_the_picture_that_is_painted(one):
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[12:, :4] = 1  # a quarter of what the area brightens evenly
    found = one.study(mask, [attribute(one.roles.area)])
    assert found.ranked[0].share == pytest.approx(0.25, abs=1e-6)


def test_two_causes_are_needed_where_both_are_painted_and_one_part_is_not_enough():
    torch.set_num_threads(1)
    known = Known("two")
    halves = [Attribute(f"{j}", 1, (AttributeEntry(j, "max", 0.5),)) for j in known.roles.causes]
    sets = [(halves[0],), (halves[1],), tuple(halves)]
    every = np.ones((SIDE, SIDE), np.float32)
    for index in range(100):  # until a picture that only both turn
        known.request = PictureRequest(PictureRecipe(SampleBase(index)), known.explainer.classifier_id)
        looks = look(known.renderer, known.question(every).looks(sets)[0])
        lead = looks.whole[:, 1] - looks.whole[:, 0]
        if lead[2] > 0.1 and max(lead[:2]) < -0.1:
            break
    first, second = known.roles.causes
    found = known.study(np.maximum(around(first), around(second)), halves, 1)
    assert [set(each.attributes) for each in found.sets] == [set(halves)]
    assert found.together is None
    row, column = spot(first)
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[row : row + 2, column : column + 2] = 1
    part = known.study(mask, halves, 1)
    assert part.sets == ()
    assert part.together is not None
    assert not part.together.turns


def test_nothing_changes_outside_of_what_is_painted(one):
    (cause,) = one.roles.causes
    mask = around(cause)
    before, _ = one.shown()
    looks = look(one.renderer, one.question(mask).looks([(attribute(cause), attribute(one.roles.area))])[0])
    np.testing.assert_array_equal(looks.images[0][mask == 0], before[mask == 0])
    assert (looks.images[0] != before).any()


def test_with_all_painted_the_answer_is_that_of_the_whole_picture(one):
    (cause,) = one.roles.causes
    found = one.study(np.ones((SIDE, SIDE), np.float32), [attribute(cause)])
    result = found.ranked[0]
    assert result.share == pytest.approx(1)
    np.testing.assert_allclose(result.inside, result.whole, atol=1e-5)
    image, logits = one.shown(attribute_edits(attribute(cause)))
    np.testing.assert_array_equal(result.image, image)
    assert np.log(result.whole[1] / result.whole[0]) == pytest.approx(logits[1] - logits[0], abs=1e-4)


def test_random_edits_change_as_much_of_the_part_or_less_and_their_share_is_told(one):
    (cause,) = one.roles.causes
    mask = around(cause)
    question = one.question(mask)
    whole = one.shown()[0].astype(float)

    def inside(image: np.ndarray) -> float:
        return float(np.abs(image - whole).sum())

    attributes = (attribute(cause),)
    size = inside(look(one.renderer, question.looks([attributes])[0]).images[0])
    drawn = look(one.renderer, question.controls(attributes, 6)[0])
    sizes = [inside(image) for image in drawn.images]
    assert len(sizes) == 6
    assert max(sizes) <= size * 1.1  # of pictures rounded to 8 bits
    assert min(sizes) > size * 0.5
    assert len({image.tobytes() for image in drawn.images}) == 6
    again = look(one.renderer, question.controls(attributes, 2)[0])
    np.testing.assert_array_equal(again.images, drawn.images[:2])
    found = study_region(one.renderer, question, list(attributes), 6)
    assert found.best.random == (sum(b > a for a, b in drawn.inside), 6)
    assert found.best.random_share == pytest.approx(drawn.share.mean())
    assert 0 < found.best.random_share < 0.8 < found.best.share  # they change all of the picture


def test_the_present_edits_are_where_it_starts(one):
    (cause,) = one.roles.causes
    edits = (StyleShift(far_from(cause), "max", 1.0),)
    question = one.question(around(cause), edits)
    looks = look(one.renderer, question.looks([(attribute(cause),)])[0])
    np.testing.assert_allclose(looks.before, one.shown(edits)[1], atol=1e-5)
    assert looks.share[0] == pytest.approx(1, abs=1e-6)


def test_an_empty_mask_is_refused_with_a_sentence(one):
    with pytest.raises(UserError, match="Nothing is painted"):
        one.question(np.zeros((SIDE, SIDE), np.float32))


def test_requests_hold_a_few_pictures(one):
    (cause,) = one.roles.causes
    sets = [(attribute(j),) for j in range(7)]
    mask = np.zeros((128, 128), np.float32)
    mask[3:20] = 1
    question = one.question(mask)
    assert [len(each.edits) for each in question.looks(sets)] == [1] * 7
    assert [each.seeds for each in question.controls(sets[0], 3)] == [(0,), (1,), (2,)]
    assert [len(each.edits) for each in one.question(around(cause)).looks(sets)] == [7]


def test_it_is_given_up_between_pictures_that_take_long(one, monkeypatch):
    asked = one.question(around(one.roles.causes[0])).looks([(attribute(j),) for j in range(3)])[0]
    monkeypatch.setattr(renderer_module, "_BATCH_PIXELS", 1)
    assert len(look(one.renderer, asked, lambda: True).share) == 3  # they do not
    monkeypatch.setattr(one.renderer._times, "slow", lambda _synthesis: True)
    with pytest.raises(GivenUp):
        look(one.renderer, asked, lambda: True)
