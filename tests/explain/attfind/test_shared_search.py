# SPDX-License-Identifier: MIT
"""A search that several processes share finds what one finds alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from latent_explorer.models.processes import World

ROOT = Path(__file__).parents[3]
FIXTURE = ROOT / "tests" / "fixtures" / "tiny.explainer"
TIMEOUT = 600.0


def test_a_single_process_gathers_and_tells_itself():
    rows = np.arange(6.0).reshape(3, 2)
    assert World().gather_rows(rows, 3) is rows
    assert World().first(rows) is rows


@pytest.mark.parametrize("options", [["--exhaustive"], ["--torgb", "--percentiles", "5", "95"]], ids=["all", "race"])
@pytest.mark.slow
@pytest.mark.timeout(1300)
def test_two_processes_find_what_one_finds(options, tmp_path):
    found = {}
    for processes in (1, 2):
        cache = tmp_path / str(processes)
        command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
        command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", "-m", "latent_explorer"]
        command += ["attfind", str(FIXTURE), "--json", *options]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(cache)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=True)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        [found[processes]] = [line for line in lines if line["event"] == "result"]  # the other process is silent
        assert len(list(cache.rglob("*.npz"))) == 1
    one, two = (found[n]["attributes"] for n in (1, 2))
    assert [(a["style_index"], a["direction"]) for a in one] == [(a["style_index"], a["direction"]) for a in two]
    np.testing.assert_allclose([a["mean_effect"] for a in two], [a["mean_effect"] for a in one], atol=1e-4)
