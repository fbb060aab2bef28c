# SPDX-License-Identifier: MIT
"""Child processes of the window: detached, of lower priority, waited for, and with a reason if they failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from latent_explorer.app.training import child
from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import resources_dir

WAIT = 60.0
ABOUT_ITSELF = """
import json, os, sys
print(json.dumps({
    "args": sys.argv[1:], "session": os.getsid(0), "pid": os.getpid(), "nice": os.getpriority(os.PRIO_PROCESS, 0),
    "stdin": sys.stdin.read(), "wait": os.environ["OMP_WAIT_POLICY"], "threads": os.environ["OMP_NUM_THREADS"],
    "cwd": os.getcwd(),
}))
"""


@pytest.fixture
def program(monkeypatch):
    """Make children run this Python text instead of the program."""

    def set_to(text: str) -> None:
        monkeypatch.setattr(child, "self_command", lambda *args: [sys.executable, "-c", text, *args])

    return set_to


def wait_for(pid: int) -> None:
    deadline = time.monotonic() + WAIT
    while child.is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(os.name != "posix", reason="sessions and priorities of POSIX")
def test_a_child_is_detached_gentle_and_leaves_a_core(program, tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    program(ABOUT_ITSELF)
    pid = child.start_child(["train", "a b"], tmp_path / "new run")
    wait_for(pid)
    said = json.loads((tmp_path / "new run" / "output.txt").read_text())
    assert said["args"] == ["train", "a b"]
    assert said["session"] == said["pid"] == pid
    assert said["nice"] == min(19, os.getpriority(os.PRIO_PROCESS, 0) + child.NICENESS)
    assert said["stdin"] == ""
    assert said["wait"] == "PASSIVE"
    assert int(said["threads"]) == max(1, len(os.sched_getaffinity(0)) - 1)
    assert os.path.samefile(said["cwd"], resources_dir())  # no disk of the user is kept from being ejected


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_child_survives_its_parent_and_its_terminal(tmp_path):
    """A parent in a session of its own starts a child and is killed by a hang-up of its process group."""
    parent = f"""
import sys, time
from pathlib import Path
from latent_explorer.app.training import child
text = "import time; time.sleep(1.0); print('alive')"
child.self_command = lambda *args: [sys.executable, "-c", text]
print(child.start_child([], Path({str(tmp_path)!r})), flush=True)
time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    os.killpg(process.pid, signal.SIGHUP)
    assert process.wait(WAIT) == -signal.SIGHUP
    process.stdout.close()
    assert os.getsid(pid) == pid
    deadline = time.monotonic() + WAIT
    while (tmp_path / "output.txt").read_text() != "alive\n":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_ended_child_is_no_zombie_and_no_longer_running(program, tmp_path):
    program("")
    pid = child.start_child([], tmp_path)
    wait_for(pid)
    assert not child.is_running(pid)
    assert child.failure_of_child(pid, tmp_path / "output.txt") == ""
    if sys.platform == "linux":
        assert not os.path.exists(f"/proc/{pid}")
    assert not child.is_running(os.getpid())  # no child


def test_the_last_error_line_is_the_reason(program, tmp_path):
    program(
        'print(\'noise\'); print(\'{"event": "error", "message": "There are no pictures."}\');'
        "import sys; print('latent-explorer: There are no pictures.', file=sys.stderr); sys.exit(1)"
    )
    pid = child.start_child([], tmp_path)
    wait_for(pid)
    assert child.failure_of_child(pid, tmp_path / "output.txt") == "There are no pictures."


def test_a_child_that_a_signal_asked_to_pause_did_not_fail(program, tmp_path):
    program("import sys; sys.exit(130)")
    pid = child.start_child([], tmp_path)
    wait_for(pid)
    assert child.failure_of_child(pid, tmp_path / "output.txt") == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "memory ran out"),
        ("import sys; sys.exit(3)", "(exit 3)"),
    ],
)
def test_a_child_without_a_last_word_is_explained_by_its_exit(program, tmp_path, text, sentence):
    if os.name != "posix" and "signal" in text:
        pytest.skip("signals of POSIX")
    program(text)
    pid = child.start_child([], tmp_path)
    wait_for(pid)
    assert sentence in child.failure_of_child(pid, tmp_path / "output.txt")


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be started"):
        child.start_child([], tmp_path / "file" / "run")


def test_a_child_that_nobody_wants_is_ended(program, tmp_path):
    program("import time; time.sleep(60)")
    pid = child.start_child([], tmp_path)
    assert child.is_running(pid)
    child.end_child(pid)
    assert not child.is_running(pid)
    child.end_child(pid)
