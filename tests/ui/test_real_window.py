# SPDX-License-Identifier: MIT
"""Real window on an X server: it opens and shows a picture, and the screen is not one colour."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from latent_explorer.models.explainer_file import write_explainer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("Xvfb") is None, reason="needs Xvfb (Debian: apt-get install xvfb)"),
]
SIZE = (1366, 768)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Start an X server and yield the environment of a program on it. Its screen is the file `Xvfb_screen0`."""
    read, write = os.pipe()
    size = f"{SIZE[0]}x{SIZE[1]}x24"
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-fbdir", str(tmp_path)]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as numbers:
        number = numbers.readline().strip()
    try:
        yield {**os.environ, "DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb", "LATENT_EXPLORER_TIMING": "1"}
    finally:
        server.terminate()
        server.wait(10)


def test_the_window_opens_and_shows_a_picture(tiny_explainer, screen: dict[str, str], tmp_path: Path) -> None:
    write_explainer(tiny_explainer, tmp_path / "tiny.explainer")
    program = subprocess.Popen(
        [sys.executable, "-m", "latent_explorer", str(tmp_path / "tiny.explainer")],
        env=screen,
        stderr=subprocess.PIPE,
        text=True,
    )
    killer = threading.Timer(90, program.kill)
    killer.start()
    said: list[str] = []
    try:
        assert program.stderr is not None
        for line in program.stderr:
            said.append(line)
            if "first_picture" in line:
                break
        assert "first_picture" in "".join(said), "".join(said)
        pixels = _screen(tmp_path / "Xvfb_screen0")
        assert len(np.unique(pixels.reshape(-1, 3)[::97], axis=0)) > 20
    finally:
        killer.cancel()
        program.kill()
        program.wait(10)
        program.stderr.close()
        killer.join()
    seconds = dict(re.findall(r"(\w+)=([\d.]+)", "".join(said)))
    assert float(seconds["window_visible"]) < float(seconds["first_picture"])


def _screen(path: Path) -> np.ndarray:
    """Return the framebuffer as (H, W, 3), from an XWD file, whose header has its length and number of colours."""
    data = path.read_bytes()
    header = np.frombuffer(data[:100], ">u4")
    start = int(header[0]) + 12 * int(header[19])
    height, line = int(header[5]), int(header[12])
    rows = np.frombuffer(data, np.uint8, height * line, start).reshape(height, line // 4, 4)
    return rows[:, : int(header[4]), :3]
