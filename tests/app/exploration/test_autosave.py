# SPDX-License-Identifier: MIT
"""Autosaves are written, found again after a crash, and left alone while their window lives."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import msgspec
import numpy as np
from exploration_examples import EXPLORATION, IMAGE, STATE

from latent_explorer.app.exploration.autosave import Autosave
from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.file import Exploration


def test_an_autosave_is_written_when_something_changed_and_gone_after_a_good_end(tmp_path):
    autosave = Autosave(tmp_path)
    assert autosave.save(EXPLORATION)
    assert not autosave.save(EXPLORATION)
    changed = msgspec.structs.replace(STATE, truncation_psi=0.1)
    assert autosave.save(Exploration(changed, Document()))
    assert autosave.recoverable() == []  # it is this window's own
    autosave.close()
    autosave.close()
    assert list(tmp_path.iterdir()) == []


def test_another_window_that_lives_is_left_alone(tmp_path):
    mine, other = Autosave(tmp_path), Autosave(tmp_path)
    other.save(EXPLORATION)
    assert mine.recoverable() == []
    other.close(keep=True)
    (found,) = mine.recoverable()
    assert found.exploration.state == STATE
    np.testing.assert_array_equal(found.exploration.thumbnail, IMAGE)
    mine.discard(found)
    assert mine.recoverable() == []
    mine.close()


def test_what_nobody_came_back_for_in_a_month_is_thrown_away(tmp_path):
    living, gone, recent = Autosave(tmp_path), Autosave(tmp_path), Autosave(tmp_path)
    for autosave in (living, gone, recent):
        autosave.save(EXPLORATION)
    (tmp_path / ".abc-x1.exploration").write_bytes(b"half written")
    month = time.time() - 31 * 86400
    gone.close(keep=True)
    for path in tmp_path.iterdir():
        os.utime(path, (month, month))
    recent.close(keep=True)
    (kept,) = (p for p in tmp_path.glob("*.exploration") if p.stem == recent.path.stem)
    os.utime(kept)
    mine = Autosave(tmp_path)
    assert [r.path for r in mine.recoverable()] == [kept]
    assert living.path.exists()  # an old file, but its window lives
    assert not gone.path.exists()
    assert not list(tmp_path.glob(".*"))
    for autosave in (mine, living):
        autosave.close()


def test_what_another_window_is_writing_now_is_not_offered(tmp_path):
    mine, other = Autosave(tmp_path), Autosave(tmp_path)
    other.save(EXPLORATION)
    (tmp_path / ".abc-x1.exploration").write_bytes(other.path.read_bytes())
    assert mine.recoverable() == []
    for autosave in (mine, other):
        autosave.close()


CRASH = """
import os, sys
from pathlib import Path
from latent_explorer.app.exploration.autosave import Autosave
from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.file import Exploration
from latent_explorer.app.exploration.state import ExplorerState
Autosave(Path(sys.argv[1])).save(Exploration(ExplorerState("a" * 64), Document()))
os._exit(9)
"""


def test_a_crashed_window_leaves_its_work_to_the_next(tmp_path):
    done = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], check=False, timeout=60)
    assert done.returncode == 9
    mine = Autosave(tmp_path)
    (tmp_path / "damaged.exploration").write_bytes(b"PK")
    old = time.time() - 1000
    (crashed,) = mine.recoverable()
    os.utime(crashed.path, (old, old))
    newer = Autosave(tmp_path)
    newer.save(EXPLORATION)
    newer.close(keep=True)
    assert [r.exploration.state.base for r in mine.recoverable()] == [STATE.base, crashed.exploration.state.base]
    mine.close()


def test_an_autosave_that_cannot_be_written_is_tried_again(tmp_path, monkeypatch):
    autosave = Autosave(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
        assert not autosave.save(EXPLORATION)
    assert autosave.save(EXPLORATION)
    autosave.close()
