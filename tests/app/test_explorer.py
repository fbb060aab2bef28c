# SPDX-License-Identifier: MIT
"""The headless application: dragging, hovering, the grid, the end."""

from __future__ import annotations

import numpy as np
from fakes import EDGES, SPOTS, make_summary
from headless import HeadlessExplorer, of_type

from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.intents import SetAttribute, SetTarget, SetTruncation
from latent_explorer.app.exploration.state import attribute_amount
from latent_explorer.common.errors import UserError
from latent_explorer.explain.recipe import SampleBase, SeedBase


def test_a_drag_shows_the_newest_picture_and_is_one_undo(opened):
    opened.explorer.begin_gesture()
    for amount in np.linspace(0.1, 0.9, 9):
        opened.explorer.apply(SetAttribute(SPOTS, float(amount)))
    opened.explorer.end_gesture()
    told = opened.settle()
    assert len(of_type(told, updates.StateChanged)) == 9
    newest = of_type(told, updates.MainPicture)[-1]
    assert newest.request.recipe.edits[0].amount == 0.9
    assert newest.result.after.probs[1] > 0.8
    assert newest.result.generation > 0
    assert opened.explorer.undo_text == 'Undo "spots"'
    opened.explorer.undo()
    assert attribute_amount(opened.explorer.state, SPOTS) == 0
    assert opened.explorer.redo_text == 'Redo "spots"'
    opened.explorer.redo()
    assert attribute_amount(opened.explorer.state, SPOTS) == 0.9


def test_a_change_that_changes_no_picture_renders_none(opened):
    opened.rendered.clear()
    opened.explorer.apply(SetTarget(0))
    opened.explorer.apply(SetTruncation(0.3))  # of an encoded picture
    told = opened.settle()
    assert len(of_type(told, updates.StateChanged)) == 2
    assert opened.rendered == []


def test_warnings_come_with_their_picture(opened):
    opened.explorer.apply(SetAttribute(SPOTS, 1.5))
    assert "spots (style 3) is outside" in of_type(opened.settle(), updates.MainPicture)[-1].warnings[0].text
    opened.explorer.undo()
    assert of_type(opened.settle(), updates.MainPicture)[-1].warnings == ()


def test_hover_shows_both_ends_and_not_again_while_its_own_slider_moves(opened):
    opened.explorer.hover(SPOTS)
    told = of_type(opened.settle(), updates.HoverPicture)
    assert [(u.attribute, u.sign) for u in told] == [(SPOTS, -1), (SPOTS, 1)]
    assert told[0].result.after.probs[1] < told[1].result.after.probs[1]
    opened.explorer.apply(SetAttribute(SPOTS, 0.5))
    assert of_type(opened.settle(), updates.HoverPicture) == []
    opened.explorer.apply(SetAttribute(EDGES, 0.5))
    assert len(of_type(opened.settle(), updates.HoverPicture)) == 2
    opened.explorer.hover(None)
    opened.explorer.apply(SetAttribute(EDGES, 0.7))
    assert of_type(opened.settle(), updates.HoverPicture) == []


def test_the_grid_follows_the_sliders_until_it_is_closed(opened):
    bases = [SeedBase(1), SampleBase(0), SeedBase(2)]
    opened.explorer.set_grid(bases)
    told = of_type(opened.settle(), updates.GridPicture)
    assert [(u.index, u.base) for u in told] == list(enumerate(bases))
    opened.explorer.apply(SetAttribute(SPOTS, 0.5))
    assert len(of_type(opened.settle(), updates.GridPicture)) == 3
    opened.explorer.set_grid(None)
    opened.explorer.apply(SetAttribute(SPOTS, 0.6))
    assert of_type(opened.settle(), updates.GridPicture) == []


def test_thumbnails_are_made_once_and_come_again_when_asked_for(opened):
    opened.rendered.clear()
    strip = [SampleBase(i) for i in range(4)]
    opened.explorer.set_strip(strip)
    assert len(of_type(opened.settle(), updates.Thumbnail)) == 4
    opened.explorer.set_strip([*strip, SeedBase(1)])
    assert len(of_type(opened.settle(), updates.Thumbnail)) == 5
    opened.explorer.apply(SetAttribute(SPOTS, 0.5))
    assert of_type(opened.settle(), updates.Thumbnail) == []
    assert len(opened.rendered) == 6


def test_a_failed_picture_is_said_and_asked_for_again(opened):
    opened.host.renderers[-1].error = UserError("There is no such style.")
    opened.explorer.apply(SetAttribute(SPOTS, 0.5))
    told = opened.settle()
    (trouble,) = of_type(told, updates.ErrorReport)
    assert (trouble.slot, trouble.failure.message) == ("main", "There is no such style.")
    opened.explorer.apply(SetTarget(0))  # the same picture
    assert len(of_type(opened.settle(), updates.MainPicture)) == 1


def test_when_memory_runs_out_it_is_freed_and_tried_once_more(opened):
    opened.host.renderers[-1].error = MemoryError()
    opened.explorer.apply(SetAttribute(SPOTS, 0.5))
    told = opened.settle()
    assert of_type(told, updates.ErrorReport) == []
    assert len(of_type(told, updates.MainPicture)) == 1
    assert opened.host.fake_devices.freed == 1


def test_before_a_model_is_open_nothing_breaks(headless):
    explorer = headless.explorer
    explorer.apply(SetTarget(1))
    explorer.begin_gesture()
    explorer.end_gesture()
    explorer.undo()
    explorer.redo()
    explorer.hover(SPOTS)
    explorer.set_grid([SeedBase(1)])
    explorer.set_strip([SeedBase(1)])
    assert explorer.attributes() == []
    assert (explorer.summary, explorer.state, explorer.shown) == (None, None, None)
    assert (explorer.undo_text, explorer.redo_text) == ("", "")
    assert not explorer.autosave()
    assert not explorer.save(headless.folder / "x.exploration")
    assert headless.settle() == []


def test_settings_are_kept_and_a_folder_that_cannot_be_written_is_said_once(headless, monkeypatch):
    headless.explorer.change_settings(theme="dark")
    again = HeadlessExplorer(headless.folder)
    assert again.explorer.settings.theme == "dark"
    again.explorer.close()

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("latent_explorer.app.settings.atomic_path", full)
    headless.explorer.change_settings(theme="light")
    headless.explorer.change_settings(theme="system")
    (told,) = of_type(headless.settle(), updates.Message)
    assert "No space left" in told.text
    assert headless.explorer.settings.theme == "system"


def test_the_fake_model_is_like_a_real_one():
    summary = make_summary()
    assert summary.layout.num_styles == len(summary.style_stats.minimum)
