# SPDX-License-Identifier: MIT
"""The live plot: every class's probability over the last edits, or a sentence before there were any. Drawn by `TracePlot`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QStackedLayout, QWidget

from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import MainPicture, ModelOpened, StateChanged
from latent_explorer.ui.widgets.basics import hint

if TYPE_CHECKING:
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Base
    from latent_explorer.ui.canvas.trace_plot import TracePlot

AFTER_PICTURE = 30  # ms
EMPTY = "Move a slider: the probability of every class is drawn here."


class LivePlot(QWidget):
    """The plot itself is made after the first picture: what draws it is slow to load."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self._explorer = explorer
        self._base: Base | None = None
        self._last: MainPicture | None = None
        self.plot: TracePlot | None = None
        self.setAccessibleName("Live plot")
        self.empty = hint(EMPTY)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.empty)
        self._after_picture = QTimer(self)  # a child: singleShot's would outlive the window
        self._after_picture.setSingleShot(True)
        self._after_picture.setInterval(AFTER_PICTURE)
        self._after_picture.timeout.connect(self._make_plot)
        explorer.updates.on(ModelOpened, lambda _update: self._begin())
        explorer.updates.on(StateChanged, self._state_changed)
        explorer.updates.on(MainPicture, self._take_picture)

    def _make_plot(self) -> None:
        from latent_explorer.ui.canvas.trace_plot import TracePlot

        if self.plot is None:
            self.plot = TracePlot()
            self._pages.addWidget(self.plot)
            if self._explorer.shown is not None:
                self._add(self._explorer.shown)

    def _state_changed(self, update: StateChanged) -> None:
        if update.old.classifier_id != update.new.classifier_id:
            self._begin()

    def _take_picture(self, picture: MainPicture) -> None:
        if picture is not self._last:  # after the timeline the same picture is told once more
            self._last = picture
            self._add(picture)

    def clear(self) -> None:
        """Start again."""
        self._begin()
        self._pages.setCurrentWidget(self.empty)

    def _begin(self) -> None:
        """Another classifier, other lines."""
        summary, state = self._explorer.summary, self._explorer.state
        asked = classifier_of(state, summary) if summary and state else None
        self._base = None
        if self.plot is not None:
            self.plot.start(asked.class_names if asked else ())

    def _add(self, update: MainPicture) -> None:
        if self.plot is None:
            if not self._after_picture.isActive():
                self._after_picture.start()
            return
        probs, base = update.result.after.probs, update.request.recipe.base
        if not self.plot.names:
            self._begin()
        if len(probs) != len(self.plot.names):
            return  # of a classifier that is no longer asked
        if self._base is not None and base != self._base:
            self.plot.lift()
        self._base = base
        self.plot.add(probs)
        if self.plot.length > 1:
            self._pages.setCurrentWidget(self.plot)
