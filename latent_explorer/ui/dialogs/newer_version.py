# SPDX-License-Identifier: MIT
"""Dialog that asks whether there is a newer version: it says first whom it would ask, and asks only when told to."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QWidget

from latent_explorer import __version__
from latent_explorer.app import newer_version
from latent_explorer.common.errors import UserError
from latent_explorer.ui.main_thread import MainThreadInvoker
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import SELECTABLE, button, column, hint, plain, row, title

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH = 56 * theme.UNIT  # px
SPARE_SECONDS = 5  # after the deadline of the question, for a name server that never answers
ASK, AGAIN = "Ask now", "Ask again"
NO_ANSWER = f"There was no answer in time; look at {newer_version.RELEASES} yourself, or try again later."


class NewerVersionDialog(QDialog):
    """Asks on a thread of its own. What comes after the dialog was closed, or too late, is dropped."""

    def __init__(
        self, parent: QWidget | None = None, *, ask: Callable[[], newer_version.Newest] = newer_version.newest
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Is there a newer version?")
        self._ask = ask
        self._asked = 0  # questions so far: an answer to an earlier one is dropped
        self._thread = MainThreadInvoker(self)
        self.finished.connect(self._thread.close)
        self._limit = QTimer(self, singleShot=True, interval=round(1000 * (newer_version.DEADLINE + SPARE_SECONDS)))
        self._limit.timeout.connect(lambda: self._take(self._asked, UserError(NO_ANSWER)))
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
        self._asked += 1
        self.go.setEnabled(False)
        self.page.hide()
        self._say(f"Asking {newer_version.NEWEST} ...")
        self._limit.start()
        threading.Thread(target=self._run, args=(self._asked,), name="newer version", daemon=True).start()

    def _run(self, number: int) -> None:
        try:
            found: newer_version.Newest | UserError = self._ask()
        except UserError as error:
            found = error
        self._thread.post(partial(self._take, number, found))

    def _take(self, number: int, found: newer_version.Newest | UserError) -> None:
        if number != self._asked:
            return
        self._limit.stop()
        self._asked += 1
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
