# SPDX-License-Identifier: MIT
"""A minute at 512 px needs little memory in every format: a child process writes it and reports its peak."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT = 500  # MB, of the whole process
CHILD = Path(__file__).resolve().parents[2] / "helpers" / "export_minute.py"
needs_av = pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="videos need the extra `video`")


@pytest.mark.slow  # minutes a format
@pytest.mark.timeout(1800)
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is asked of Linux")
@pytest.mark.parametrize(
    ("name", "settings", "seconds"),
    [
        *((name, {}, 60) for name in ("a.gif", "a.webp", "a.png", "frames")),
        *(pytest.param(name, {}, 60, marks=needs_av) for name in ("a.mp4", "a.webm")),
        ("lossless.webp", {"quality": 100}, 60),
        ("budget.webp", {"budget_bytes": 4_000_000}, 60),
        ("back.gif", {"ping_pong": True, "before_after": True, "caption": True, "bar": True}, 30),
    ],
)
def test_a_minute_at_512_px_stays_below_500_mb(tmp_path, name, settings, seconds):
    command = [sys.executable, CHILD, tmp_path / name, json.dumps(settings), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1700, check=False)
    assert done.returncode == 0, done.stderr
    told, peak = done.stdout.splitlines()
    print(told)
    assert float(peak) < LIMIT
