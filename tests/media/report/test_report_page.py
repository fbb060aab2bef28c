# SPDX-License-Identifier: MIT
"""The report's figures, sentences and page: what counts as changing the surroundings, and a self-contained page."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from latent_explorer.media.report import sentences
from latent_explorer.media.report.colormap import colormap, data_uri
from latent_explorer.media.report.page import page
from latent_explorer.media.report.result import (
    AttributeReport,
    Change,
    ClassifierResponse,
    Example,
    ExplainerReport,
    FrameShare,
    OtherClassifier,
    StyleMove,
    frame_mask,
)

FRAME_ONLY = OtherClassifier("f" * 64, "frame-only", 6)
SECOND = OtherClassifier("e" * 64, "second opinion", 0)
NAN = float("nan")


def changed(by: float) -> Change:
    return Change.of([by - 0.05, by, by + 0.05])


def share(value: float) -> FrameShare:
    return FrameShare(value, (value - 0.02, value + 0.02), 0.34)


def attribute(
    by: float = 0.5, inside: float = 0.2, others: tuple[ClassifierResponse, ...] = (), name: str = "Brown spots"
) -> AttributeReport:
    picture = np.zeros((16, 16, 3), np.uint8)
    return AttributeReport(
        rank=1,
        name=name,
        target=0,
        moves=(StyleMove(214, "max", "b8.conv0", 3, 8),),
        mean_effect=1.8,
        interval=(1.7, 1.9),
        n=3,
        change=changed(by),
        others=others,
        frame=share(inside),
        difference=np.zeros((16, 16), np.float32),
        examples=(Example(7, picture, picture + 9, 0.1, 0.7, reached=True),),
    )


def explainer(*attributes: AttributeReport) -> ExplainerReport:
    return ExplainerReport(
        name="leaf",
        model_hash="a" * 64,
        classifier_id="b" * 64,
        classifier="small",
        class_names=("diseased", "healthy"),
        facts=(("Data", "leaves"),),
        note="",
        stored=250,
        measured=64,
        others=(FRAME_ONLY,),
        attributes=attributes,
        version="0.1.0",
    )


def test_the_frame_is_six_of_sixty_four_pixels() -> None:
    mask = frame_mask(64)
    assert mask.sum() == 64 * 64 - 52 * 52
    assert not mask[6, 6]
    assert mask[5, 32]
    assert frame_mask(4).sum() == 12  # never none at all


def test_a_share_weighs_pictures_by_how_much_they_change() -> None:
    found = FrameShare.of([1.0, 0.0], [2.0, 8.0], area=0.3)
    assert found.value == pytest.approx(0.1)  # not the mean of 0.5 and 0
    low, high = found.interval
    assert low < 0.1 < high
    same = FrameShare.of([1.0, 2.0, 4.0], [2.0, 4.0, 8.0], area=0.3)
    assert (same.value, *same.interval) == pytest.approx((0.5, 0.5, 0.5))
    assert same.exceeds_area


def test_nothing_that_changes_lies_nowhere() -> None:
    for found in (FrameShare.of([], [], 0.3), FrameShare.of([0.0], [0.0], 0.3)):
        assert math.isnan(found.value)
        assert not found.exceeds_area


@pytest.mark.parametrize(
    ("found", "surroundings", "caught"),
    [
        (attribute(), False, False),
        (attribute(inside=0.4), True, True),
        (attribute(inside=0.35), False, False),  # within what the interval allows
        # A network that sees the frame alone is a witness, but the place of the change is another question.
        (attribute(others=(ClassifierResponse(FRAME_ONLY, changed(0.3)),)), False, True),
        (attribute(others=(ClassifierResponse(FRAME_ONLY, changed(-0.6)),), inside=0.28), False, True),
        (attribute(others=(ClassifierResponse(FRAME_ONLY, changed(0.6)),), inside=0.4), True, True),
        (attribute(others=(ClassifierResponse(FRAME_ONLY, changed(0.2)),)), False, False),
        (attribute(others=(ClassifierResponse(SECOND, changed(0.9)),)), False, False),  # it sees the whole
        (attribute(by=0.02, inside=0.5), True, False),
    ],
)
def test_what_changes_the_surroundings(found: AttributeReport, surroundings: bool, caught: bool) -> None:
    assert (found.surroundings, found.caught) == (surroundings, caught)
    mark = sentences.mark(found)
    assert ("changes the surroundings" in mark) == surroundings
    assert ("seen in the frame alone" in mark) == (found.followed and not surroundings)
    assert ("hardly moves the verdict" in mark) == (found.stands_out and not caught)


def test_one_is_caught_in_words() -> None:
    strong = attribute(0.8, others=(ClassifierResponse(FRAME_ONLY, changed(0.6)),), name="Bright ground")
    found = explainer(attribute(), strong)
    said = sentences.verdict(found)
    assert said.startswith("1 of the 2 attributes stands out in the surroundings and moves the verdict")
    assert "Bright ground, moves P(diseased) by +0.80" in said
    assert "nothing but the outer 6 px, goes along by +0.60" in said
    assert "towards diseased: Bright ground" in sentences.marked(found)
    text = page([found])
    assert sentences.CATCH in text
    assert sentences.NEXT[0][0] in text


def test_a_witness_that_moves_the_other_way_does_not_go_along() -> None:
    found = explainer(attribute(0.8, others=(ClassifierResponse(FRAME_ONLY, changed(-0.6)),)))
    assert "moves by 0.60 (−0.60 on average)" in sentences.verdict(found)
    assert "it moves by 0.60 (−0.60 on average)" in sentences.catching([found])[1]


def test_no_name_turns_the_words_after_it_around() -> None:
    """Nor hides them: direction overrides and control characters are removed."""
    text = page([explainer(attribute(name="\u202espots\x08\u2066"))])
    assert "spots" in text
    assert not {"\u202e", "\x08", "\u2066"} & set(text)


def test_none_is_caught_in_words() -> None:
    clean = explainer(attribute())
    assert sentences.verdict(clean) == "None of the 1 attributes changes the surroundings."
    assert "does not prove" in sentences.not_proved(clean)
    assert sentences.CATCH not in page([clean])
    faint = explainer(attribute(by=0.02, inside=0.5))
    assert "1 changes the surroundings without moving it" in sentences.verdict(faint)
    assert sentences.CATCH not in page([faint])


def test_the_page_stands_alone_and_is_always_the_same() -> None:
    found = explainer(attribute())
    text = page([found, found])
    assert text == page([found, found])
    assert "default-src 'none'" in text
    for word in ("<script", "http://", "https://", "url(", "@import", "<link"):
        assert word not in text
    assert text.count("<article>") == 2
    assert text.count("data:image/webp;base64,") == 2 * 3  # before, after and the map, of each


def test_whatever_a_file_says_is_only_text() -> None:
    evil = '<script>alert("1")</script><img src=x onerror=y>'
    one = dataclasses.replace(
        attribute(
            inside=0.5, others=(ClassifierResponse(OtherClassifier("e" * 64, evil, 6), changed(0.5)),), name=evil
        ),
        moves=(StyleMove(1, evil, evil, 3, 8),),
    )
    found = dataclasses.replace(
        explainer(one), name=evil, classifier=evil, class_names=(evil, evil), facts=((evil, evil),), note=evil
    )
    text = page([found])
    assert "<script" not in text
    assert "<img src=x" not in text
    assert "onerror=y&gt;" in text


def test_an_attribute_without_pictures_has_its_card() -> None:
    empty = dataclasses.replace(
        attribute(), n=0, interval=None, change=Change.of([]), frame=FrameShare.of([], [], 0.34), examples=()
    )
    text = page([explainer(empty)])
    assert "No picture to show" in text
    assert " nan" not in text
    assert sentences.answer(explainer(empty)).startswith("No attribute could be measured")
    some = sentences.answer(explainer(attribute(), empty))
    assert some == "None of the 1 attributes that could be measured changes the surroundings."


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "+0.50"), (-0.5, "−0.50"), (-0.001, "0.00"), (0.004, "0.00"), (NAN, "–")]
)
def test_changes_have_their_sign(value: float, text: str) -> None:
    assert sentences.signed(value) == text


def test_equal_steps_of_the_map_look_equal() -> None:
    """Lightness in Oklab rises in nearly equal steps, so the map also works in grey."""
    linear = colormap(np.linspace(0, 1, 33)) / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    lightness = np.cbrt(linear @ lms.T) @ np.array([0.2104542553, 0.7936177850, -0.0040720468])
    steps = np.diff(lightness)
    assert steps.min() > 0
    assert steps.max() / steps.min() < 1.5


def test_large_pictures_are_embedded_smaller() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (640, 640, 3), dtype=np.uint8)
    assert len(data_uri(noise)) < 160 * 160 * 3 * 4 / 3 * 1.1
