# SPDX-License-Identifier: MIT
"""The dialog that searches for attributes, and the choice among the lists that searches found."""

from __future__ import annotations

import pytest
from panel_harness import open_model

from latent_explorer.app.exploration.document import listed_set, reported_set
from latent_explorer.explain.attfind.cost import SearchCost
from latent_explorer.explain.attfind.plan import SENTENCES, TITLES, SearchPlan
from latent_explorer.models.attributes import AttributeSet
from latent_explorer.ui.attributes.find_attributes import WAYS, FindAttributesDialog
from latent_explorer.ui.attributes.list_chooser import list_title
from latent_explorer.ui.attributes.panel import AttributesPanel

NAMES = ("apple", "cherry", "plum")
COST = SearchCost(picture=0.01, gradient=0.03, available=400, styles=700, classes=3, verdicts=3)


@pytest.fixture
def panel(qtbot, explorer, tmp_path):
    made = AttributesPanel(explorer)
    qtbot.addWidget(made)
    made.resize(360, 660)
    made.show()
    open_model(qtbot, explorer, tmp_path)
    yield made
    made.list.hide_preview()


def dialog_of(qtbot, plan=SearchPlan(), names=NAMES):  # noqa: B008  # frozen
    made = FindAttributesDialog(names, 1, 400, plan)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.mark.parametrize(
    "plan",
    [
        SearchPlan("race", 120, 0.5, 7, "probability", (2, 0)),
        SearchPlan("every", 30),
        SearchPlan("paper", 60, wanted=3, pair=(0, 1)),
        SearchPlan("race", 60, percentiles=(1.0, 99.0), torgb=True),
        SearchPlan("signal", 90, 1.5),
        SearchPlan("difference", 90),
    ],
)
def test_what_was_asked_last_is_offered_again(qtbot, plan):
    dialog = dialog_of(qtbot, plan)
    dialog.show_cost(COST)
    told = []
    dialog.chosen.connect(told.append)
    dialog.accept()
    assert told == [plan]


def test_it_says_what_the_search_takes_and_proposes_what_is_not_long(qtbot):
    dialog = dialog_of(qtbot)
    assert dialog.takes.text() == "Timing a few pictures..."
    slow = SearchCost(0.2, 0.5, 400, 700, 3, 3)
    dialog.show_cost(slow)
    assert dialog.number.count == slow.proposed() < 250
    race = dialog.takes.text()
    dialog.way.setCurrentIndex(WAYS.index("every"))
    assert dialog.takes.text() != race
    assert "h" in dialog.takes.text()
    dialog.number.setValue(1)
    dialog.show_cost(slow)  # what a person chose stays
    assert dialog.number.count == 1


def test_a_pair_is_of_two_classes_out_of_more(qtbot):
    dialog = dialog_of(qtbot)
    assert not dialog.against.isVisible()
    dialog.classes.setCurrentIndex(2)
    assert dialog.against.isVisible()
    dialog.against.setCurrentIndex(1)
    assert not dialog.go.isEnabled()
    assert dialog.takes.text() == "Choose two different classes."
    dialog.against.setCurrentIndex(0)
    assert dialog.plan.pair == (1, 0)
    dialog.way.setCurrentIndex(WAYS.index("signal"))  # channels are of each class
    assert dialog.plan.pair is None
    assert not dialog.classes.isEnabled()
    two = dialog_of(qtbot, names=NAMES[:2])
    assert not two.classes.isVisible()
    assert two.plan.pair is None


def test_a_plan_takes_what_it_renders():
    plans = {way: SearchPlan(way).seconds(COST, 100) for way in TITLES}
    assert set(plans) == set(SENTENCES)
    assert plans["every"] == COST.seconds(100, exhaustive=True)
    assert plans["race"] == plans["paper"] == COST.seconds(100)
    assert plans["signal"] == pytest.approx(0.01 * 100 * 21)
    assert SearchPlan(pair=(0, 1)).seconds(COST, 90) == COST.seconds(60)
    assert SearchPlan(wanted=30).seconds(COST, 100) > plans["race"]


def test_the_panel_searches_as_chosen(qtbot, panel, explorer, monkeypatch):
    asked = []
    monkeypatch.setattr(explorer, "start_attfind", lambda plan: asked.append(plan) or 77)
    monkeypatch.setattr(panel._timer, "cost", lambda: COST)
    panel.list.search.click()
    (dialog,) = panel.findChildren(FindAttributesDialog)
    assert dialog.number.maximum() == 60  # pictures of the file
    dialog.way.setCurrentIndex(WAYS.index("signal"))
    dialog.go.click()
    assert [(plan.way, plan.n) for plan in asked] == [("signal", 60)]
    assert panel.open_search() is None  # one at a time
    assert panel.list.search.isHidden()


def test_a_list_is_chosen_among_those_that_were_found(panel, explorer):
    assert panel.list.chooser.isHidden()
    old = listed_set(explorer.document, explorer.summary, explorer.state)
    found = tuple(a for a in old.attributes if a.target == explorer.state.target_class)[:3]
    new = AttributeSet(old.classifier_id, "stylespace-signal-extreme", 40, 1.0, "samples", found)
    explorer.change_document(explorer.document.with_attribute_set(new))
    assert len(panel.list.cards) == 3
    assert panel.list.chooser.isVisible()
    first, second = panel.list.chooser.menu().actions()
    assert [first.text(), second.text()] == [
        "AttFind, every move rendered: 60 pictures",
        "StyleSpace (Wu et al.), mean / deviation: 40 pictures",
    ]
    assert (first.isChecked(), second.isChecked()) == (False, True)
    first.trigger()
    assert len(panel.list.cards) == 10
    assert reported_set(explorer.document, explorer.summary) is old
    explorer.undo()
    assert len(panel.list.cards) == 3
    first = panel.list.chooser.menu().actions()[0]
    first.trigger()
    explorer.change_document(explorer.document.with_attribute_set(new))  # what is found anew is shown
    assert len(panel.list.cards) == 3


def test_titles_of_lists():
    settings = {"settled": False, "effect": "probability", "pair": "2,0"}
    made = AttributeSet("c" * 64, "attfind-paper-raced", 1250, 0.5, "", (), settings)
    assert list_title(made, NAMES) == (
        "AttFind, the paper's procedure: 1,250 pictures, kappa 0.5, by probability, plum against apple, not settled"
    )
    old = AttributeSet("c" * 64, "attfind-notebook-screened", 150, 1.0, "", ())
    assert list_title(old, NAMES) == "AttFind, screened: 150 pictures"
    odd = AttributeSet("c" * 64, "by hand", 5, 1.0, "", (), {"pair": "9,x"})
    assert list_title(odd, NAMES) == "by hand: 5 pictures"
