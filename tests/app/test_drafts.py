# SPDX-License-Identifier: MIT
"""Drafts of a slow generator: on the canvas while a hand moves, replaced when it rests, and good for nothing else."""

from __future__ import annotations

import pytest
from fake_explainer import model_host
from headless import WAIT, HeadlessExplorer, of_type

from latent_explorer.app import picture_scheduler
from latent_explorer.app.exploration.intents import SetAttribute, SetBase
from latent_explorer.app.exploration.updates import DraftPicture, ErrorReport, MainPicture
from latent_explorer.common.errors import UserError
from latent_explorer.explain.recipe import SampleBase


@pytest.fixture
def slow(folder):
    headless = HeadlessExplorer(folder, model_host(drafts=True))
    headless.open()
    yield headless
    headless.explorer.close()


def amounts(told: list, kind: type) -> list[float]:
    return [sum(edit.amount for edit in u.request.recipe.edits) for u in of_type(told, kind)]


def until(headless: HeadlessExplorer, kind: type) -> None:
    """Run what is posted until an update of a kind has come."""
    while not of_type(headless.updates, kind):
        headless.posted.get(timeout=WAIT)()


def test_the_first_picture_is_whole_and_every_later_one_begins_as_a_draft(slow):
    explorer = slow.explorer
    explorer.apply(SetAttribute(explorer.attributes()[0], 0.5))
    told = slow.settle()
    assert [type(u) for u in told if isinstance(u, (DraftPicture, MainPicture))] == [DraftPicture, MainPicture]
    assert amounts(told, DraftPicture) == amounts(told, MainPicture) == [0.5]


def test_a_hand_that_moves_on_never_waits_for_a_whole_picture(slow, monkeypatch):
    monkeypatch.setattr(picture_scheduler, "REST", 1000.0)
    explorer, first = slow.explorer, slow.explorer.attributes()[0]
    explorer.begin_gesture()
    for amount in (0.1, 0.2, 0.3):
        explorer.apply(SetAttribute(first, amount))
        until(slow, DraftPicture)
        assert of_type(slow.updates, MainPicture) == []
        slow.updates.clear()
    assert not explorer.shown.request.recipe.edits  # what is exported, measured and recorded is whole
    explorer.end_gesture()
    assert amounts(slow.settle(), MainPicture) == [0.3]
    assert explorer.shown.request.recipe.edits


def test_a_hand_that_rests_gets_the_whole_picture(slow, monkeypatch):
    monkeypatch.setattr(picture_scheduler, "REST", 0.01)
    explorer = slow.explorer
    explorer.begin_gesture()
    explorer.apply(SetAttribute(explorer.attributes()[0], 0.4))
    assert amounts(slow.settle(), MainPicture) == [0.4]
    assert explorer.session.in_gesture


def test_a_drag_that_comes_back_shows_the_whole_picture_from_before(slow, monkeypatch):
    monkeypatch.setattr(picture_scheduler, "REST", 1000.0)
    explorer, first = slow.explorer, slow.explorer.attributes()[0]
    before = explorer.shown
    explorer.begin_gesture()
    explorer.apply(SetAttribute(first, 0.4))
    until(slow, DraftPicture)
    explorer.apply(SetAttribute(first, 0.0))
    until(slow, MainPicture)
    assert of_type(slow.updates, MainPicture) == [before]
    assert explorer.png()


def test_a_draft_is_neither_copied_nor_exported(slow, monkeypatch, tmp_path):
    monkeypatch.setattr(picture_scheduler, "REST", 1000.0)
    explorer = slow.explorer
    explorer.begin_gesture()
    explorer.apply(SetAttribute(explorer.attributes()[0], 0.4))
    until(slow, DraftPicture)
    with pytest.raises(UserError, match="draft"):
        explorer.png()
    explorer.export_png(tmp_path / "x.png")
    assert "draft" in of_type(slow.updates, ErrorReport)[0].failure.message
    assert not (tmp_path / "x.png").exists()
    explorer.end_gesture()
    slow.settle()
    explorer.export_png(tmp_path / "x.png")
    assert (tmp_path / "x.png").exists()


def test_another_latent_shows_both_its_pictures_as_drafts_first(slow):
    explorer = slow.explorer
    explorer.apply(SetAttribute(explorer.attributes()[0], 0.5))
    slow.settle()
    explorer.apply(SetBase(SampleBase(7)))
    told = slow.settle()
    (draft,) = of_type(told, DraftPicture)
    assert draft.draft.before.shape == draft.draft.after.shape
    assert of_type(told, MainPicture)[-1].request.recipe.base == SampleBase(7)
