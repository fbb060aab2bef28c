# SPDX-License-Identifier: MIT
"""The house stands as designed: rooms keep apart, the window starts without torch, files stay readable."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
import warnings
from pathlib import Path

import latent_explorer

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("latent_explorer", "tests", "benchmarks", "packaging")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
AIM_LINES, MAX_LINES = 350, 600
STARTUP_ROOMS = ("cli", "ui", "app", "common", "media", "studies")


class LongFiles(UserWarning):
    """Named in pytest's summary; fails nothing."""


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


def test_files_open_with_licence_and_purpose() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if text.strip():  # else it only marks a package
            assert text.startswith("# SPDX-License-Identifier: MIT\n"), path
            assert ast.get_docstring(ast.parse(text)), f"{path} has no docstring: what lives here?"


def test_files_stay_short() -> None:
    """More lines than one aims at are only warned of: no class is split to be short."""
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in SOURCES}
    assert not [path for path, count in lines.items() if count > MAX_LINES]
    long = [f"{p.relative_to(ROOT)} ({n})" for p, n in lines.items() if n > AIM_LINES]
    if long:
        warnings.warn(LongFiles(f"longer than {AIM_LINES} lines: {', '.join(long)}"), stacklevel=1)


def test_no_packaging_package() -> None:
    """`packaging/__init__.py` would shadow the library of that name when main.py runs from the root."""
    assert not (ROOT / "packaging" / "__init__.py").exists()
