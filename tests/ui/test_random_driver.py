# SPDX-License-Identifier: MIT
"""A random driver of the window: a few steps with every run of the tests, five minutes of seeds in the slow ones."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from random_driver import RandomDriver
from tiny import make_explainer
from window_tools import desktop_on, wait_picture

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.models.explainer_file import write_explainer

MINUTES = 5
STEPS = 300  # with one seed, on one window


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What a person may open: two models, an exploration, photos, and files that cannot be opened."""
    folder = tmp_path_factory.mktemp("files")
    write_explainer(make_explainer(), folder / "one.explainer")
    write_explainer(make_explainer(seed=1), folder / "two.explainer")
    (folder / "mine.exploration").write_bytes((Path(__file__).parents[1] / "fixtures/tiny.exploration").read_bytes())
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8)).save(folder / "photo.png")
    (folder / "empty.explainer").touch()
    (folder / "torn.exploration").write_bytes((folder / "mine.exploration").read_bytes()[:500])
    (folder / "words.txt").write_text("not a picture")
    return sorted(folder.iterdir())


def drive(qtbot, files: list[Path], folder: Path, seed: int, steps: int) -> None:
    folder.mkdir()
    with desktop_on(folder, ModelHost()) as desktop:
        desktop.begin(next(path for path in files if path.name == "one.explainer"))
        wait_picture(qtbot, desktop)
        RandomDriver(desktop, files, folder, seed).run(steps)


def test_a_few_random_steps_break_nothing(qtbot, files, tmp_path):
    drive(qtbot, files, tmp_path / "run", seed=0, steps=60)


@pytest.mark.slow
@pytest.mark.timeout(MINUTES * 60 + 300)
def test_five_minutes_of_random_steps_break_nothing(qtbot, files, tmp_path):
    until = time.monotonic() + MINUTES * 60
    for seed in itertools.count(1):
        if time.monotonic() > until:
            break
        drive(qtbot, files, tmp_path / str(seed), seed, STEPS)
