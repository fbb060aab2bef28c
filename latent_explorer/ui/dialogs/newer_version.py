# SPDX-License-Identifier: MIT
"""Dialog that asks whether there is a newer version: it says first whom it would ask, and asks only when told to."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QWidget

from latent_explorer import __version__
from latent_explorer.app import newer_version
from latent_explorer.common.errors import UserError
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import SELECTABLE, button, column, hint, plain, row, title

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH = 56 * theme.UNIT  # px
SPARE_SECONDS = 5  # after the deadline of the question, for a name server that never answers
LOOK_MS = 100  # ms between two looks at the queue
ASK, AGAIN = "Ask now", "Ask again"
NO_ANSWER = f"There was no answer in time; look at {newer_version.RELEASES} yourself, or try again later."

Answer: TypeAlias = "newer_version.Newest | UserError"


class NewerVersionDialog(QDialog):
    """Asks on a thread of its own, which knows a queue and no widget: the dialog may be closed meanwhile."""

    def __init__(
        self, parent: QWidget | None = None, *, ask: Callable[[], newer_version.Newest] = newer_version.newest
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Is there a newer version?")
        self._ask = ask
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._look = QTimer(self, interval=LOOK_MS)
        self._look.timeout.connect(self._take)
        self._limit = QTimer(self, singleShot=True, interval=round(1000 * (newer_version.DEADLINE + SPARE_SECONDS)))
        self._limit.timeout.connect(lambda: self._end(UserError(NO_ANSWER)))
        self.answer = plain("")
        self.answer.setAccessibleName("Answer")
        self.explained = hint(newer_version.what_is_sent())
        for text in (self.answer, self.explained):
            text.setWordWrap(True)
            text.setFixedWidth(WIDTH)
            text.setTextInteractionFlags(SELECTABLE)
        self.go = button(ASK, self.ask, role="primary")
        self.page = button("Show the releases", self._show_page)
        self.page.setToolTip(f"Opens {newer_version.RELEASES} in your browser")
        self.page.hide()
        layout = column(self, spacing=theme.MARGIN, margin=theme.SECTION)
        layout.addWidget(title("Is there a newer version?"))
        layout.addWidget(self.answer)
        layout.addWidget(self.explained)
        foot = row()
        foot.addWidget(self.page)
        foot.addStretch(1)
        foot.addWidget(button("Close", self.reject))
        foot.addWidget(self.go)
        layout.addLayout(foot)
        self._say(f"This is version {__version__}. The program never asks on its own.")
        self.go.setDefault(True)
        self.go.setFocus()

    def ask(self) -> None:
        """Put the question, and show the answer when it comes."""
        self.go.setEnabled(False)
        self.page.hide()
        self._say(f"Asking {newer_version.NEWEST} ...")
        self._limit.start()
        self._answers = SimpleQueue()
        threading.Thread(target=_answer, args=(self._ask, self._answers), name="newer version", daemon=True).start()
        self._look.start()

    def _take(self) -> None:
        if not self._answers.empty():
            self._end(self._answers.get())

    def _end(self, found: Answer) -> None:
        """Show the answer; one that comes later goes into a queue that nobody reads."""
        self._limit.stop()
        self._look.stop()
        self.go.setEnabled(True)
        self.go.setText(AGAIN)
        self.go.setAccessibleName(AGAIN)
        if isinstance(found, UserError):
            self._say(str(found))
        elif found.is_newer:
            self._say(f"Version {found.version} is there; this is {found.own}.")
            self.page.show()
        else:
            self._say(f"This is the newest version: {found.own}.")

    def _say(self, text: str) -> None:
        self.answer.setText(text)
        for label in (self.answer, self.explained):
            label.setMinimumHeight(label.heightForWidth(WIDTH))
        self.adjustSize()
        self.answer.setAccessibleDescription(text)

    def _show_page(self) -> None:
        QDesktopServices.openUrl(QUrl(newer_version.RELEASES))


def _answer(ask: Callable[[], newer_version.Newest], answers: SimpleQueue[Answer]) -> None:
    try:
        answers.put(ask())
    except UserError as error:
        answers.put(error)
