# SPDX-License-Identifier: MIT
"""A race that was stopped goes on from what it rendered; files of its moves are bounded and distrusted."""

from __future__ import annotations

import contextlib
import os
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import torch
from colour_explainer import tiny_explainer

from latent_explorer.common.events import Kept, Progress
from latent_explorer.explain.attfind import effects as effects_module
from latent_explorer.explain.attfind import phases
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.kept_moves import KeptMoves
from latent_explorer.explain.attfind.question import Question
from latent_explorer.explain.attfind.settings import AttFindSettings

SETTINGS = AttFindSettings(n=30, wanted=3)
SHAPE = (4, 2, 6)  # N, 2, S


@pytest.fixture(scope="module")
def explainer():
    return tiny_explainer(n=30)


def run(job, until=lambda _event: False):
    """Run a job until an event, or to its end; return its events and its value or None."""
    events = []
    with contextlib.closing(job):
        while True:
            try:
                events.append(next(job))
            except StopIteration as end:
                return events, end.value
            if until(events[-1]):
                return events, None


def file_of(folder, ws, kappa=1.0, pair=None, **options):
    moves = SimpleNamespace(style_range=torch.ones(2, 6), kappa=kappa, question=Question(pair=pair))
    return KeptMoves(folder, **options).of("model", "classifier", ws, None, moves)


def some(count=5):
    moves = np.stack([np.arange(count) % 4, np.arange(count) % 2, np.arange(count) % 6], axis=1)
    return moves, np.arange(2.0 * count).reshape(count, 2)


def test_a_stopped_race_goes_on_where_it_was(explainer, tmp_path, monkeypatch):
    monkeypatch.setattr(phases, "INTERIM_SECONDS", 1e9)  # the first list so far is that after the first look
    kept = KeptMoves(tmp_path)
    events, _ = run(attfind(explainer, SETTINGS, kept=kept), lambda event: isinstance(event, Kept))
    first = events[-1].value.attribute_set
    assert not first.settled
    assert first.settings["rendered_moves"] > 0
    (path,) = tmp_path.iterdir()
    with np.load(path) as arrays:
        assert len(arrays["moves"]) == first.settings["rendered_moves"]
    events, result = run(attfind(explainer, SETTINGS, kept=kept))
    rendered = [e.value.attribute_set.settings["rendered_moves"] for e in events if isinstance(e, Kept)]
    assert rendered[0] == first.settings["rendered_moves"]  # nothing of the first look is rendered again
    assert result.attribute_set.settled
    alone = run(attfind(explainer, SETTINGS))[1]
    picks = [[p.style_index for p in r.ranked[0] if p.mean_effect > 1e-3] for r in (result, alone)]
    assert picks[0] == picks[1] != []


def test_rendering_every_move_goes_on_where_it_was_and_leaves_the_race_nothing(explainer, tmp_path, monkeypatch):
    monkeypatch.setattr(effects_module, "_CHUNK", 100)
    kept, exhaustive = KeptMoves(tmp_path), msgspec.structs.replace(SETTINGS, exhaustive=True)
    events, _ = run(attfind(explainer, exhaustive, kept=kept), lambda e: isinstance(e, Progress) and e.done > 250)
    total = events[-1].total
    events, result = run(attfind(explainer, exhaustive, kept=kept))
    assert [e.total for e in events if isinstance(e, Progress)][-1] == total - 200  # what whole chunks held
    alone = run(attfind(explainer, exhaustive))[1]
    np.testing.assert_allclose(result.effects, alone.effects, atol=1e-4)
    raced = run(attfind(explainer, SETTINGS, kept=kept))[1]
    assert raced.attribute_set.settings["rendered_moves"] == total
    assert raced.rendered.all()


def test_the_progress_of_a_race_never_goes_back_and_ends_at_the_end(explainer):
    events, _ = run(attfind(explainer, SETTINGS))
    progress = [e for e in events if isinstance(e, Progress)]
    done = [e.done for e in progress]
    assert done == sorted(done)
    assert {e.total for e in progress} == {1000}
    assert done[-1] >= 700
    assert {e.seconds_left for e in progress} == {None}


def test_what_is_written_is_read_again_for_the_same_question_only(tmp_path):
    ws = torch.arange(12.0).reshape(4, 3)
    moves, effects = some()
    file_of(tmp_path, ws).write(moves, effects)
    read = file_of(tmp_path, ws).read(SHAPE, 2)
    np.testing.assert_array_equal(read[0], moves)
    np.testing.assert_array_equal(read[1], effects)
    for other in (file_of(tmp_path, ws + 1), file_of(tmp_path, ws, kappa=2.0), file_of(tmp_path, ws, pair=(0, 1))):
        assert len(other.read(SHAPE, 2)[0]) == 0


def damage(path, kind):
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:100])
    elif kind == "text":
        path.write_text("moves")
    else:
        moves, effects = some()
        np.savez(
            path,
            **{
                "outside": {"moves": moves + 6, "effects": effects},
                "infinite": {"moves": moves, "effects": np.full_like(effects, np.inf)},
                "shape": {"moves": moves[:, :2], "effects": effects},
                "missing": {"moves": moves},
            }[kind],
        )


@pytest.mark.parametrize("kind", ["cut", "text", "outside", "infinite", "shape", "missing"])
def test_a_damaged_file_counts_as_none(tmp_path, kind):
    file = file_of(tmp_path, torch.zeros(4, 3))
    file.write(*some())
    damage(file.path, kind)
    moves, effects = file.read(SHAPE, 2)
    assert moves.shape == (0, 3)
    assert effects.shape == (0, 2)


def test_the_folder_is_bounded_and_the_oldest_go_first(tmp_path):
    files = [file_of(tmp_path, torch.full((1,), float(i)), max_bytes=5000) for i in range(4)]
    for i, file in enumerate(files):
        file.write(*some(50))
        os.utime(file.path, (i, i))
    assert not files[0].path.exists()
    assert files[3].path.exists()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 5000
    file_of(tmp_path, torch.zeros(9), max_bytes=100).write(*some(50))  # too large for any place
    assert files[3].path.exists()


def test_a_folder_that_cannot_be_made_ends_nothing(tmp_path):
    (tmp_path / "file").touch()
    file_of(tmp_path / "file", torch.zeros(1)).write(*some())
