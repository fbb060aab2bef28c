# SPDX-License-Identifier: MIT
"""The dialog that asks for a newer version: not before it is told to, and off the window's thread."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import QCoreApplication, QEvent

from latent_explorer.app import newer_version
from latent_explorer.app.newer_version import Newest
from latent_explorer.common.errors import UserError
from latent_explorer.ui.application import make_application
from latent_explorer.ui.dialogs.newer_version import NewerVersionDialog


@pytest.fixture
def made(qtbot):
    make_application()

    def make(ask) -> NewerVersionDialog:
        dialog = NewerVersionDialog(ask=ask)
        qtbot.addWidget(dialog)
        dialog.show()
        return dialog

    return make


def test_it_asks_nobody_before_it_is_told_to_and_says_whom_it_would_ask(made):
    asked = []
    dialog = made(lambda: asked.append(1) or Newest("9.0"))
    assert newer_version.NEWEST in dialog.explained.text()
    assert not asked


def test_an_answer_comes_from_another_thread(made, qtbot):
    threads = []

    def ask() -> Newest:
        threads.append(threading.current_thread())
        return Newest("9.0", "0.1.0")

    dialog = made(ask)
    dialog.go.click()
    qtbot.waitUntil(lambda: "9.0 is there" in dialog.answer.text(), timeout=60_000)
    assert threads[0] is not threading.main_thread()
    assert not dialog.page.isHidden()
    assert dialog.go.isEnabled()


def test_the_newest_and_a_failure_are_said(made, qtbot):
    answers = iter([Newest("0.1.0", "0.1.0"), UserError("No network.")])

    def ask() -> Newest:
        answer = next(answers)
        if isinstance(answer, UserError):
            raise answer
        return answer

    dialog = made(ask)
    dialog.go.click()
    qtbot.waitUntil(lambda: "newest version" in dialog.answer.text(), timeout=60_000)
    dialog.go.click()
    qtbot.waitUntil(lambda: dialog.answer.text() == "No network.", timeout=60_000)
    assert dialog.page.isHidden()


def test_a_question_without_an_answer_ends_and_a_late_answer_is_dropped(made, qtbot):
    free = threading.Event()

    def ask() -> Newest:
        free.wait(60)
        return Newest("9.0")

    dialog = made(ask)
    dialog._limit.setInterval(50)
    dialog.go.click()
    qtbot.waitUntil(lambda: "no answer in time" in dialog.answer.text(), timeout=60_000)
    free.set()
    qtbot.wait(100)
    assert "no answer in time" in dialog.answer.text()


def test_an_answer_after_the_dialog_was_deleted_reaches_nothing(qtbot):
    make_application()
    free, answered = threading.Event(), threading.Event()

    def ask() -> Newest:
        free.wait(60)
        answered.set()
        return Newest("9.0")

    dialog = NewerVersionDialog(ask=ask)
    dialog.go.click()
    dialog.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    free.set()
    assert answered.wait(60)
    qtbot.wait(100)
