# SPDX-License-Identifier: MIT
"""The cost of a search: how many moves it renders, how many pictures are proposed, and what is timed."""

from __future__ import annotations

import pytest
from colour_explainer import tiny_explainer

from latent_explorer.cli.attfind import long_search_text
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind import timing
from latent_explorer.explain.attfind.cost import LONG, USUAL, SearchCost

FAST = SearchCost(picture=0.0025, gradient=0.012, available=250, styles=760, classes=2, verdicts=2)
RESNET_18 = SearchCost(picture=0.025, gradient=0.12, available=250, styles=760, classes=3, verdicts=3)
VIT = SearchCost(picture=0.3, gradient=1.5, available=250, styles=760, classes=3, verdicts=3)


@pytest.mark.parametrize(
    ("cost", "n", "rendered"),  # as the bundled leaf-health rendered, and leaf-shortcut with a ResNet-18
    [(FAST, 30, 5272), (FAST, 60, 6517), (FAST, 250, 9291), (RESNET_18, 24, 8050)],
)
def test_the_moves_are_about_those_that_searches_rendered(cost, n, rendered):
    assert rendered / 1.25 < cost.moves(n) < 1.25 * rendered


def test_a_search_never_has_more_moves_than_there_are():
    many = SearchCost(picture=0.1, gradient=0.1, available=250, styles=100, classes=1000, verdicts=40)
    assert many.moves(60) == 60 * 200
    assert many.moves(1000) == 250 * 200
    assert many.seconds(60, exhaustive=True) == pytest.approx(0.1 * (60 + 60 * 200))


def test_fewer_pictures_are_proposed_where_the_usual_number_is_long():
    assert FAST.proposed() == RESNET_18.proposed() == USUAL
    assert VIT.proposed() == VIT.choices()[-1] == 30  # long all the same, and its time says so
    assert VIT.seconds(30) > LONG
    middle = SearchCost(picture=0.045, gradient=0.2, available=250, styles=760, classes=3, verdicts=3)
    assert middle.seconds(250) > LONG >= middle.seconds(middle.proposed())
    assert 30 < middle.proposed() < USUAL


def test_the_command_line_says_what_is_long_and_what_is_shorter():
    assert long_search_text(FAST, 250, exhaustive=False) == ""
    assert long_search_text(FAST, 250, exhaustive=True) == (
        "250 pictures take about 16 min here, and without --exhaustive 27 s."
    )
    middle = SearchCost(picture=0.045, gradient=0.2, available=250, styles=760, classes=3, verdicts=3)
    assert long_search_text(middle, 1000, exhaustive=False) == (
        "250 pictures take about 11 min here, --n 120 about 8 min."
    )
    assert long_search_text(VIT, 30, exhaustive=False) == "30 pictures take about 44 min here."


def test_the_choices_are_those_that_the_file_has():
    assert FAST.choices() == (250, 120, 60, 30)
    assert SearchCost(0.01, 0.01, 20, 760, 2, 2).choices() == (20,)
    large = SearchCost(0.001, 0.001, 4000, 760, 2, 2)
    assert large.choices()[:2] == (1000, 500)
    assert large.proposed() == USUAL


def test_what_is_timed_is_the_time_of_a_picture_and_of_its_slopes(monkeypatch):
    now = 0.0

    def slow(fn, seconds):
        def called(*args):
            nonlocal now
            result = fn(*args)
            now += seconds * len(result)
            return result

        return called

    monkeypatch.setattr(timing, "logits_of", slow(timing.logits_of, 0.1))
    monkeypatch.setattr(timing.SingleMoves, "slopes", slow(timing.SingleMoves.slopes, 0.5))
    explainer = tiny_explainer(n=40)
    cost = run_job(timing.search_cost(explainer, budget=lambda: 0.0, clock=lambda: now))
    assert (cost.available, cost.styles) == (40, explainer.generator.synthesis.layout.num_styles)
    assert cost.classes == explainer.classifier.num_classes
    assert cost.picture == pytest.approx(0.1)
    assert cost.gradient == pytest.approx(0.5 + (cost.classes - 2) * 0.2)
    assert now < 4  # seconds that the timing itself took
