# SPDX-License-Identifier: MIT
"""Base class of the overview's pages: what it shows while there is nothing to show, and when it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from latent_explorer.app.exploration.intents import describe_base
from latent_explorer.app.exploration.updates import DocumentChanged, ModelOpened, StateChanged
from latent_explorer.common.format import shortened
from latent_explorer.explain.recipe import ProjectedBase
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import EmptyState, Pages, column

if TYPE_CHECKING:
    from PySide6.QtGui import QHideEvent, QShowEvent

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Base

NO_MODEL = "No model is open. Open an explainer (File menu) to see its pictures here."
NO_CLASSIFIER = "This file holds no classifier, so there are no verdicts to show. Train or import one (File menu)."
NO_ATTRIBUTES = (
    "Nothing is listed for this class. Find attributes (Explain menu) searches for what changes the verdict; "
    "Add slider takes any style coordinate."
)
NO_PICTURES = "This list is empty. Choose another one above."


class OverviewPage(QWidget):
    """Page of the overview. `content` holds its widgets, `empty` stands in their place.

    `refresh` is called when the page comes into view, and after every change of model, state or document while it is
    in view; `rest` when it goes out of view: what it renders must stop then.
    """

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self.explorer = explorer
        self.content = QWidget()
        self.empty = EmptyState("grid", NO_MODEL)
        self._stack = Pages()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.content)
        column(self, margin=theme.MARGIN).addWidget(self._stack)
        for kind in (StateChanged, DocumentChanged):
            explorer.updates.on(kind, lambda _update: self._changed())
        # What a page is made of subscribes after this, and must forget the model before first.
        explorer.updates.on(ModelOpened, lambda _update: QTimer.singleShot(0, self, self._changed))

    def refresh(self) -> None:
        """Show the current state."""
        raise NotImplementedError

    def rest(self) -> None:
        """Stop what is being rendered for this page."""

    def show_empty(self, sentence: str) -> None:
        """Show a sentence that says what to do in place of the content; "" shows the content."""
        self.empty.sentence.setText(sentence)
        self._stack.setCurrentWidget(self.empty if sentence else self.content)

    def name_of(self, base: Base) -> str:
        """Return the name of a picture, "Sample apple_0012"; a projected one has that of its photo."""
        summary = self.explorer.summary
        projected = self.explorer.latents.of(base) if isinstance(base, ProjectedBase) else None
        if projected is not None:
            return shortened(projected.report.name)
        text = describe_base(base, summary) if summary else ""
        return text[:1].upper() + text[1:]

    def _changed(self) -> None:
        if self.isVisible():
            self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not event.spontaneous():
            self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():  # a window that is minimized goes on
            self.rest()
