# SPDX-License-Identifier: MIT
"""Collapsible inputs of the generator, and the selection of the classifier."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from window_tools import desktop_on, drag, open_fake, wait_picture

from latent_explorer.app.exploration.intents import SetAttribute, SetBase, SetCond
from latent_explorer.explain.recipe import Noise, SeedBase
from latent_explorer.ui.samples.generator_inputs import DEFAULT_SHARE, condition


@pytest.fixture
def inputs(desktop):
    made = desktop.window.samples.inputs
    made.set_folded(False)
    return made


def choose(choice, index):
    choice.setCurrentIndex(index)
    choice.activated.emit(index)


@pytest.mark.parametrize(
    ("probs", "expected"),
    [(None, (0.2, 0.6, 0.2)), ((0.3, 0.6, 0.1), (0.3, 0.6, 0.1)), ((0.0, 1.0, 0.0), (0.2, 0.6, 0.2))],
)
def test_the_other_classes_share_what_is_left(probs, expected):
    assert condition(probs, 1, 0.6, 3) == pytest.approx(expected)


def test_folded_until_asked_for(desktop):
    made = desktop.window.samples.inputs
    assert made.folded
    QTest.mouseClick(made, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    assert not made.folded
    made.fold.click()
    assert made.folded


def test_a_photo_and_a_seed_have_probabilities_of_their_own(qtbot, desktop, inputs):
    assert inputs.condition.itemText(0) == "As in the photo"
    desktop.explorer.apply(SetBase(SeedBase(3)))
    assert inputs.condition.itemText(0) == "Unchanged"  # there is no photo


def test_telling_a_class_is_one_step_and_a_drag_another(qtbot, desktop, inputs):
    explorer = desktop.explorer
    assert explorer.state.cond is None
    assert inputs.share.isHidden()
    choose(inputs.condition, 1)
    assert explorer.state.cond == pytest.approx((DEFAULT_SHARE, 1 - DEFAULT_SHARE))
    assert inputs.changed.text() == "changed"
    wait_picture(qtbot, desktop)
    assert desktop.window.canvas.view.before.title == "With another class given (before)"
    drag(inputs.share, 0.25)
    assert explorer.state.cond == pytest.approx((0.25, 0.75), abs=0.02)
    assert inputs.condition.currentIndex() == 1  # the class that is dragged stays, though no longer the likeliest
    explorer.undo()
    assert inputs.share.amount == pytest.approx(DEFAULT_SHARE)
    explorer.undo()
    assert explorer.state.cond is None
    assert inputs.condition.currentIndex() == 0
    assert inputs.share.isHidden()
    assert inputs.changed.text() == ""


def test_back_to_its_own_classes(desktop, inputs):
    desktop.explorer.apply(SetCond((0.2, 0.8)))
    assert inputs.condition.currentIndex() == 2  # the likeliest
    assert inputs.share.amount == pytest.approx(0.8)
    choose(inputs.condition, 0)
    assert desktop.explorer.state.cond is None


def test_noise_none_and_from_a_seed(desktop, inputs):
    explorer = desktop.explorer
    choose(inputs.noise, inputs.noise.findData("none"))
    assert explorer.state.noise == Noise("none")
    assert inputs.seed.isHidden()
    choose(inputs.noise, inputs.noise.findData("seed"))
    assert explorer.state.noise == Noise("seed", 0)
    inputs.seed.setFocus()
    inputs.seed.selectAll()
    QTest.keyClicks(inputs.seed, "41")
    QTest.keyClick(inputs.seed, Qt.Key.Key_Return)
    assert explorer.state.noise == Noise("seed", 41)
    explorer.undo()
    assert inputs.seed.text() == "0"


# the asked classifier


def test_one_classifier_needs_no_choice(desktop):
    assert desktop.window.attributes.classifier_selector.isHidden()


def test_another_classifier_is_asked_about_the_same_class(qtbot, tmp_path):
    with desktop_on(tmp_path, classifiers=2) as desktop:
        open_fake(qtbot, desktop, tmp_path)
        window, explorer = desktop.window, desktop.explorer
        selector = window.attributes.classifier_selector
        assert selector.isVisible()
        before = explorer.state
        choose(selector.choice, 1)
        after = explorer.state
        assert after.classifier_id == explorer.summary.classifiers[1].classifier_id
        assert after.target_class == 1  # "diseased" stands second there
        assert after.cond == before.cond
        assert "second opinion" in window.status.model.text()
        assert window.samples.view.thumbnails.class_names == ("healthy", "diseased")
        wait_picture(qtbot, desktop)
        explorer.undo()
        assert selector.choice.currentIndex() == 0
        assert "residual" in window.status.model.text()


def test_the_sliders_stay_and_the_verdict_follows(qtbot, tmp_path):
    with desktop_on(tmp_path, classifiers=3) as desktop:
        open_fake(qtbot, desktop, tmp_path)
        window, explorer = desktop.window, desktop.explorer
        panel = window.attributes
        assert [panel.classifier_selector.choice.itemText(i) for i in range(3)] == [
            "small residual network",
            "second opinion",
            "frame-only · outer 6 px",
        ]
        explorer.apply(SetAttribute(explorer.attributes()[0], 0.8))
        before = [card.name.text for card in panel.list.cards]
        choose(panel.classifier_selector.choice, 2)
        wait_picture(qtbot, desktop)
        assert [card.name.text for card in panel.list.cards] == before
        assert panel.list.cards[0].slider.amount == pytest.approx(0.8)
        assert panel.info.text().endswith("shown for frame-only")
        assert "outer 6 px" in panel.classifier_selector.choice.toolTip()
        verdict = panel.verdict  # rendered for the asked network, whatever the effects were measured on
        qtbot.waitUntil(lambda: verdict.turn.isVisible() or verdict.text.text().startswith("Turned:"), timeout=5000)
        assert "was not measured" in panel.list.cards[0].effect.accessibleName()
        assert explorer.shown.request.classifier_id == explorer.summary.classifiers[2].classifier_id
        choose(panel.classifier_selector.choice, 1)  # its classes stand otherwise: a target would mean another
        assert panel.list.cards == []
