# SPDX-License-Identifier: MIT
"""Ctrl-C in the first seconds, while modules are imported, ends the program with one word."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import os, signal, sys
from latent_explorer import bootstrap

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
sys.argv = ["latent-explorer", "info", "nothing"]
bootstrap.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
@pytest.mark.parametrize("module", ["latent_explorer.common.format", "latent_explorer.cli.root", "click"])
def test_an_interrupted_start_prints_no_traceback(module):
    code = CODE.format(module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert "Interrupted" in done.stderr
