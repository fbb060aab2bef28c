# SPDX-License-Identifier: MIT
"""The middle of the window: the picture before and after, the grid in its place, and what the classifier says below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QProgressBar, QStackedWidget, QWidget

from latent_explorer.app.live import classifier_of
from latent_explorer.app.updates import MainPicture, ModelOpened, StateChanged
from latent_explorer.explain.recipe import ProjectedBase, SeedBase
from latent_explorer.ui import theme
from latent_explorer.ui.panels.grid import GridPanel
from latent_explorer.ui.widgets.basics import EmptyState, column, hint
from latent_explorer.ui.widgets.image_view import ImageView, Shot
from latent_explorer.ui.widgets.probability_bars import ProbabilityBars, Verdict, percent_words

if TYPE_CHECKING:
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.state import ExplorerState
    from latent_explorer.app.updates import Update
    from latent_explorer.explain.recipe import Picture, PictureRecipe

WELCOME = "Open an explainer to see what its classifier looks at, or drop one on this window."


class Loading(QWidget):
    """Words and a moving bar while a model is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.text = hint("")
        self.text.setFont(theme.font())
        self.text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.text.setAccessibleName("What is being opened")
        bar = QProgressBar()
        bar.setRange(0, 0)
        bar.setTextVisible(False)
        bar.setFixedSize(24 * theme.UNIT, 4)
        bar.setAccessibleName("Opening")
        layout = column(self, spacing=theme.MARGIN)
        layout.addStretch(1)
        layout.addWidget(self.text)
        layout.addWidget(bar, alignment=Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)


class CanvasPanel(QWidget):
    """Four pages (welcome, loading, pictures, grid) over the probability bars."""

    open_asked = Signal()

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self._explorer = explorer
        self._names: tuple[str, ...] = ()
        self._picture: MainPicture | None = None
        self.welcome = EmptyState("leaf", WELCOME, "Open the leaf explainer", self.open_asked.emit)
        self.loading = Loading()
        self.view = ImageView()
        self.grid = GridPanel(explorer)
        self.pages = QStackedWidget()
        for page in (self.welcome, self.loading, self.view, self.grid):
            self.pages.addWidget(page)
        self.bars = ProbabilityBars()
        below = QWidget()
        inner = column(below)
        inner.setContentsMargins(theme.MARGIN, theme.UNIT, theme.MARGIN, theme.UNIT)
        inner.addWidget(self.bars)
        self._below = below
        layout = column(self, spacing=0)
        layout.addWidget(self.pages, 1)
        layout.addWidget(below)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.show_welcome()

    # pages ------------------------------------------------------------------------------------

    def show_welcome(self) -> None:
        """Nothing is open."""
        self.pages.setCurrentWidget(self.welcome)
        self._below.hide()

    def show_loading(self, words: str) -> None:
        """Something is being opened; pictures of another model stay until it came."""
        self.loading.text.setText(words)
        if self._picture is None:
            self.pages.setCurrentWidget(self.loading)

    def loading_failed(self) -> None:
        """Back to what was there."""
        if self._picture is None:
            self.show_welcome()

    def show_grid(self, on: bool) -> None:
        """The grid in the picture's place."""
        if self._picture is not None:
            self.pages.setCurrentWidget(self.grid if on else self.view)
            self._below.setVisible(not on)

    # updates ----------------------------------------------------------------------------------

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the asked classifier."""
        return self._names

    def on_update(self, update: Update) -> None:
        """What the application told."""
        self.grid.on_update(update)
        if isinstance(update, ModelOpened):
            self._picture = None
            self._name_classes(update.state)
            self.view.show_shots(None, None)
            self.bars.show_verdict(None)
            self.show_loading("Making the first picture...")
        elif isinstance(update, StateChanged):
            self._name_classes(update.new)
        elif isinstance(update, MainPicture):
            first, self._picture = self._picture is None, update
            if first:
                self.pages.setCurrentWidget(self.view)
                self._below.show()
                self.view.setFocus()
            self._show(update)

    def _name_classes(self, state: ExplorerState) -> None:
        summary = self._explorer.summary
        asked = classifier_of(state, summary) if summary else None
        self._names = asked.class_names if asked else ()

    def _show(self, update: MainPicture) -> None:
        result = update.result
        state = self._explorer.state
        names = self._names_for(len(result.after.probs))
        self.view.show_shots(
            self._shot(before_title(update.request.recipe), result.before, names),
            self._shot("After", result.after, names),
        )
        target = state.target_class if state else 0
        self.bars.show_verdict(Verdict(names, result.after.probs, result.before.probs, target))

    def _names_for(self, count: int) -> tuple[str, ...]:
        """A picture may still be of the classifier that was asked before."""
        return self._names if len(self._names) == count else tuple(map(str, range(count)))

    def _shot(self, words: str, picture: Picture, names: tuple[str, ...]) -> Shot:
        best = int(picture.probs.argmax())
        return Shot(picture.image, words, percent_words(names, picture.probs), best)


def before_title(recipe: PictureRecipe) -> str:
    """What the picture before the edits is: an honest word for each origin."""
    base = recipe.base
    if isinstance(base, SeedBase):
        return f"Seed {base.seed} (before)"
    if isinstance(base, ProjectedBase):
        return "Projection (before)"
    if recipe.cond is not None:
        return "Told otherwise (before)"
    if recipe.truncation_psi != 1:
        return "Towards the average (before)"
    return "Reconstruction (before)"
