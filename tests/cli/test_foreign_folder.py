# SPDX-License-Identifier: MIT
"""No code of a folder that happens to be current, or that holds a run, is ever executed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from latent_explorer.app import diagnostics
from latent_explorer.app.training import child
from latent_explorer.common import paths

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("click", "torch", "PySide6", "msgspec", "platformdirs", "numpy", "PIL", "latent_explorer", "sitecustomize")


@pytest.fixture
def foreign(tmp_path, monkeypatch) -> Path:
    """A current folder with modules that leave a file when they are imported; the package is found as if installed."""
    folder = tmp_path / "downloaded run"
    folder.mkdir()
    for name in MODULES:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / f'ran-{name}')!r}, 'w').close(); raise SystemExit(3)")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    return folder


def executed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.glob("ran-*"))


def finish(pid: int) -> None:
    child._children[pid].wait(60)
    assert not child.is_running(pid)


@pytest.fixture(params=["installed", "source tree"])
def program(request, monkeypatch) -> None:
    """Children start as those of an installed package, or as those of the source tree."""
    if request.param == "installed":
        monkeypatch.setattr(paths, "self_command", _installed(monkeypatch))
        monkeypatch.setattr(child, "self_command", paths.self_command)


def _installed(monkeypatch):
    def command(*args: str) -> list[str]:
        with monkeypatch.context() as patch:
            patch.setattr(paths, "source_root", lambda: None)
            return original(*args)

    original = paths.self_command
    return command


def test_a_child_runs_nothing_of_its_run_folder(foreign, program, monkeypatch):
    # An empty entry and a dot mean the current folder, too; many people have one by accident.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", "./", str(ROOT)]))
    monkeypatch.setattr(child, "_lower_priority", lambda _pid: None)
    pid = child.start_child(["info", "missing.explainer", "--json"], foreign)
    finish(pid)
    assert '"event":"error"' in (foreign / child.OUTPUT).read_text()
    assert executed(foreign) == []


def test_doctor_runs_nothing_of_the_current_folder(foreign, program):
    checks = list(diagnostics._qt())
    assert [check.name for check in checks if check.ok] == ["Qt", "font"]
    assert executed(foreign) == []


@pytest.mark.parametrize(
    "arguments", [["-m", "latent_explorer"], [str(ROOT / "main.py")], ["-P", str(ROOT / "main.py")]]
)
def test_the_program_runs_nothing_of_the_current_folder(foreign, arguments):
    for name in ("latent_explorer", "sitecustomize"):  # what Python itself looks for before our first line
        (foreign / f"{name}.py").unlink()
    done = subprocess.run(
        [sys.executable, *arguments, "--version"], capture_output=True, text=True, check=False, timeout=60
    )
    assert "latent-explorer" in done.stdout, done.stderr
    assert executed(foreign) == []


def test_children_of_children_are_started_alike(foreign):
    folder, environment = paths.self_surroundings()
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import sys; print(sys.flags.safe_path)'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "True"
    assert folder == paths.resources_dir()


def test_a_relative_search_path_means_the_same_in_a_child(foreign, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["lib", "", str(ROOT)]))
    _, environment = paths.self_surroundings()
    assert environment["PYTHONPATH"].split(os.pathsep) == [str(foreign / "lib"), str(ROOT)]
