# SPDX-License-Identifier: MIT
"""Checks of the packages that need no build."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from latent_explorer import __version__
from latent_explorer.app import library
from latent_explorer.app.diagnostics import QT_LIBRARIES, WINDOW_LIBRARIES

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_one_version_everywhere() -> None:
    assert PROJECT["project"]["version"] == __version__


def test_the_spec_is_python_and_names_files_that_exist() -> None:
    spec = (ROOT / "packaging" / "latent_explorer.spec").read_text()
    ast.parse(spec)
    for name in ("rthook_torchvision.py", "main.py", "resources"):
        assert name in spec
    assert (ROOT / "packaging" / "hooks" / "rthook_torchvision.py").is_file()


def test_both_explainers_come_with_every_package_and_are_small_enough() -> None:
    """Each version of them stays in every clone of the repository."""
    shipped = {path.stem: path.stat().st_size for path in library.bundled()}
    assert {library.LEAF, library.SHORTCUT} <= shipped.keys()
    assert sum(shipped.values()) <= 36e6
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["resources"] == "latent_explorer/_resources"  # all of it
    spec = (ROOT / "packaging" / "latent_explorer.spec").read_text()
    assert '(str(ROOT / "resources"), "latent_explorer/_resources")' in spec


def test_the_documentation_comes_with_every_package() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["docs"] == "latent_explorer/_docs"
    assert "/docs" in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    spec = (ROOT / "packaging" / "latent_explorer.spec").read_text()
    assert '(str(ROOT / "docs"), "latent_explorer/_docs")' in spec


def test_scripts_install_the_libraries_that_doctor_misses() -> None:
    script = (ROOT / "packaging" / "linux" / "system-libs.sh").read_text()
    for package in (*QT_LIBRARIES.values(), *WINDOW_LIBRARIES.values()):
        assert package in script


@pytest.mark.skipif(os.name != "posix", reason="shell scripts")
@pytest.mark.parametrize("name", ["packaging/linux/system-libs.sh", "packaging/linux/python-venv.sh", ".ci/run"])
def test_scripts_parse(name: str) -> None:
    shell = "bash" if name == ".ci/run" else "sh"
    subprocess.run([shell, "-n", str(ROOT / name)], check=True)


def test_the_schemas_are_declared_when_torchvision_comes() -> None:
    """The run-time hook alone imports no torch."""
    code = """
import runpy, sys
runpy.run_path("packaging/hooks/rthook_torchvision.py")
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_doctor_runs_as_a_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "latent_explorer", "doctor"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert __version__ in done.stdout
