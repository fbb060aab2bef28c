# SPDX-License-Identifier: MIT
"""The house stands as designed: rooms keep apart, the window starts without torch, files stay readable."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import latent_explorer

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("latent_explorer", "tests", "benchmarks", "packaging")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
MAX_LINES = 600  # aim at 350; a class is never split for it
STARTUP_ROOMS = ("cli", "ui", "app", "common", "media", "studies")


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_rooms_import_only_what_they_may() -> None:
    done = _run("from importlinter.cli import lint_imports_command; lint_imports_command()")
    assert done.returncode == 0, done.stdout + done.stderr


def _modules(room: str) -> list[str]:
    folder = Path(latent_explorer.__file__).parent / room
    prefix = f"latent_explorer.{room}"
    return [prefix, *(m.name for m in pkgutil.walk_packages([str(folder)], f"{prefix}."))]


def test_start_up_modules_leave_torch_alone() -> None:
    """The window appears first; PyTorch takes seconds."""
    modules = ["latent_explorer.bootstrap", *(m for room in STARTUP_ROOMS for m in _modules(room))]
    heavy = ("torch", "torchvision", "lpips", "scipy")
    code = f"""
import importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
    loaded = [heavy for heavy in {heavy!r} if heavy in sys.modules]
    if loaded:
        sys.exit(f"importing {{name}} loads {{loaded}}")
"""
    done = _run(code)
    assert done.returncode == 0, done.stderr


def _names(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=_names)
def test_files_open_with_licence_and_purpose_and_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if not text.strip():
        return  # the mark of a package
    assert text.startswith("# SPDX-License-Identifier: MIT\n")
    assert ast.get_docstring(ast.parse(text)), "no docstring says what lives here"
    assert text.count("\n") <= MAX_LINES, f"more than {MAX_LINES} lines"


def test_no_packaging_package() -> None:
    """`packaging/__init__.py` would shadow the library of that name when main.py runs from the root."""
    assert not (ROOT / "packaging" / "__init__.py").exists()
