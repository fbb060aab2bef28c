# SPDX-License-Identifier: MIT
"""A tiny explainer as a file (`file`), and a command run with --json (`run_json`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from latent_explorer.cli.root import main
from latent_explorer.models.explainer import Explainer
from latent_explorer.models.explainer_file import write_explainer


@pytest.fixture(scope="session")
def file(tiny_explainer: Explainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "tiny.explainer"
    write_explainer(tiny_explainer, path)
    return path


@pytest.fixture
def run_json(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict]:
    """Run a command with --json, whose exit code must be `code`; returns the last line that it prints."""

    def run(*args: object, code: int = 0) -> dict:
        assert main([*map(str, args), "--json"]) == code
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return run
