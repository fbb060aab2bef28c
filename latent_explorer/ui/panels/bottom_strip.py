# SPDX-License-Identifier: MIT
"""The strip along the bottom: the live plot under a title that folds it away. The plot itself is made later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QSizePolicy, QStackedLayout, QWidget

from latent_explorer.app.live import classifier_of
from latent_explorer.app.updates import MainPicture, ModelOpened, StateChanged
from latent_explorer.ui import icons, theme
from latent_explorer.ui.widgets.basics import column, hint, icon_button, row, title

if TYPE_CHECKING:
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.updates import Update
    from latent_explorer.explain.recipe import Base
    from latent_explorer.ui.widgets.trace_plot import TracePlot

HEAD = theme.CONTROL + theme.UNIT
HEIGHT = 18 * theme.UNIT  # open, px
ICON_EDGE = theme.MARGIN - (theme.CONTROL - theme.ICON) // 2  # so that icons stand on the margin
AFTER_PICTURE = 30  # ms
EMPTY = "Move a slider: the probability of every class is drawn here."


class BottomStrip(QWidget):
    """Open or folded; `folded_changed(bool)` when the person asks."""

    folded_changed = Signal(bool)

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self._explorer = explorer
        self._base: Base | None = None
        self.plot: TracePlot | None = None
        self.setAccessibleName("Live plot")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.fold = icon_button("down", "Fold the live plot away (L)", self._toggle)
        self.clear = icon_button("reset", "Start the plot again", self._clear)
        self.empty = hint(EMPTY)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.body = QWidget()
        self._pages = QStackedLayout(self.body)
        self._pages.addWidget(self.empty)
        head = row()
        head.setContentsMargins(ICON_EDGE, 0, ICON_EDGE, 0)
        head.addWidget(self.fold)
        head.addWidget(title("Live plot"))
        head.addWidget(hint("probability over the last edits", wrap=False))
        head.addStretch(1)
        head.addWidget(self.clear)
        layout = column(self, spacing=0)
        layout.setContentsMargins(0, theme.UNIT // 2, 0, theme.UNIT // 2)
        layout.addLayout(head)
        layout.addWidget(self.body, 1)
        self.set_folded(False)

    @property
    def folded(self) -> bool:
        return self.body.isHidden()

    def set_folded(self, on: bool) -> None:
        """Only the title's row remains."""
        self.body.setHidden(on)
        self.clear.setHidden(on)
        self.setFixedHeight(HEAD if on else HEIGHT)
        icons.set_icon(self.fold, "right" if on else "down")
        words = "Show the live plot (L)" if on else "Fold the live plot away (L)"
        self.fold.setToolTip(words)
        self.fold.setAccessibleName(words)

    def _make_plot(self) -> None:
        """Load what draws the plot: slow, so it waits until the first picture is on the screen."""
        from latent_explorer.ui.widgets.trace_plot import TracePlot

        if self.plot is None:
            self.plot = TracePlot()
            self._pages.addWidget(self.plot)
            if self._explorer.shown is not None:
                self._add(self._explorer.shown)

    def on_update(self, update: Update) -> None:
        """What the application told."""
        if isinstance(update, ModelOpened):
            self._begin()
        elif isinstance(update, StateChanged):
            if update.old.classifier_id != update.new.classifier_id:
                self._begin()
        elif isinstance(update, MainPicture):
            self._add(update)

    def _begin(self) -> None:
        """Another classifier, other lines."""
        summary, state = self._explorer.summary, self._explorer.state
        asked = classifier_of(state, summary) if summary and state else None
        self._base = None
        if self.plot is not None:
            self.plot.start(asked.class_names if asked else ())

    def _add(self, update: MainPicture) -> None:
        if self.plot is None:
            QTimer.singleShot(AFTER_PICTURE, self, self._make_plot)
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

    def _clear(self) -> None:
        self._begin()
        self._pages.setCurrentWidget(self.empty)

    def _toggle(self) -> None:
        self.set_folded(not self.folded)
        self.folded_changed.emit(self.folded)
