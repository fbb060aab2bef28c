# SPDX-License-Identifier: MIT
"""What every test stands on: a quiet machine, the user's folders untouched, a tiny explainer, and no leftovers."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported: spinning threads cost a factor of ten

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("LATENT_EXPLORER_SHARED", ROOT.parent / "shared"))
_LEFTOVER_SECONDS = 30.0
_PATIENCE_MS = 60_000

if (SHARED / "weights" / "torch-home").is_dir():
    os.environ.setdefault("TORCH_HOME", str(SHARED / "weights" / "torch-home"))


@pytest.fixture(scope="session", autouse=True)
def user_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test reads or writes the folders of the person who runs it."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATA", "CONFIG", "CACHE", "STATE"):
            patch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
        patch.setenv("LATENT_EXPLORER_RUNS", str(home / "runs"))
        yield home


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real pictures and checkpoints; tests that want it are skipped where it is not."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the shared data in {folder}, or in the folder that LATENT_EXPLORER_SHARED names")
    return folder


@pytest.fixture(scope="session")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty pictures of red and green discs in class folders. Do not change them."""
    from tiny_training import write_discs

    return write_discs(tmp_path_factory.mktemp("data") / "discs")


@pytest.fixture(scope="session")
def classifier_file(discs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier that tells them apart."""
    from tiny_training import write_disc_classifier

    return write_disc_classifier(discs, tmp_path_factory.mktemp("c") / "discs.classifier")


@pytest.fixture(scope="session")
def tiny_explainer():
    """A whole explainer with random weights, 16 px and two classes, the same in every run. Do not change it."""
    from tiny import make_explainer

    return make_explainer()


@pytest.fixture(autouse=True)
def one_torch_thread() -> None:
    """Tests share the machine; torch is not imported for this."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture
def qtbot(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> QtBot:
    """Wait a minute for what must come: a wait ends when it has come, so a short one only fails on a busy machine."""

    def patient(method: Callable[..., Any]) -> Callable[..., Any]:
        def wait(*arguments: Any, timeout: int = 0, **options: Any) -> Any:
            if options.get("raising", True):  # what may stay away is waited for as long as the test says
                timeout = max(timeout, _PATIENCE_MS)
            return method(*arguments, timeout=timeout, **options)

        return wait

    for name in ("waitUntil", "waitSignal", "waitSignals"):
        monkeypatch.setattr(qtbot, name, patient(getattr(qtbot, name)))
    return qtbot


@pytest.fixture(autouse=True)
def no_logged_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """An error in the log is a failure, unless the test is marked `logs_errors`."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.getLogger("latent_explorer")
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)
    if records and "logs_errors" not in request.keywords:
        pytest.fail("logged: " + "; ".join(record.getMessage() for record in records))


@pytest.fixture(autouse=True)
def no_leftovers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Windows are deleted deterministically; a thread or a running timer that stays behind fails the test."""
    before = set(threading.enumerate())
    yield
    if "PySide6.QtWidgets" in sys.modules:
        _delete_windows()
    _join_new_threads(before)
    if {"qtbot", "qapp"} & set(request.fixturenames):
        timers = _running_timers()
        assert not timers, f"timers still run: {timers}"


def _delete_windows() -> None:
    """Close and delete every window now: garbage collection in the middle of a later painting would crash."""
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtWidgets import QApplication

    if QApplication.instance() is None:
        return
    for window in QApplication.topLevelWidgets():
        window.close()
        window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()
    # The offscreen clipboard outlives the interpreter; what Python put on it would be freed too late and crash.
    QGuiApplication.clipboard().clear()


def _join_new_threads(before: set[threading.Thread]) -> None:
    deadline = time.monotonic() + _LEFTOVER_SECONDS
    for thread in set(threading.enumerate()) - before:
        if isinstance(thread, threading._DummyThread):
            continue  # a foreign thread that once called Python
        thread.join(max(0.0, deadline - time.monotonic()))
        assert not thread.is_alive(), f"thread {thread.name!r} is still running"


def _running_timers() -> list[str]:
    """QTimers and QThreads at work whose Qt object still exists."""
    import shiboken6
    from PySide6.QtCore import QThread, QTimer

    here = QThread.currentThread()
    found = []
    for candidate in gc.get_objects():
        kind = type(candidate)
        if not issubclass(kind, QTimer | QThread) or not shiboken6.isValid(candidate):
            continue
        if issubclass(kind, QTimer):
            if candidate.isActive():
                found.append(f"QTimer, {candidate.interval()} ms, parent {candidate.parent()}")
        elif candidate.isRunning() and candidate != here:
            found.append(f"QThread {candidate.objectName()!r}")
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make what a test logged and printed printable: pytest-xdist cannot send names that are not UTF-8."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report
