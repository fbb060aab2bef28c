# SPDX-License-Identifier: MIT
"""Centre of the window: the picture before and after or the grid, with the classifier's answer below."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QProgressBar, QVBoxLayout, QWidget

from latent_explorer.app import library
from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import (
    DraftPicture,
    MainPicture,
    ModelOpened,
    StateChanged,
    TimelineFrame,
)
from latent_explorer.explain.projection.report_text import has_photo
from latent_explorer.explain.recipe import BlendBase, BlendEndBase, MixBase, Picture, ProjectedBase, SeedBase
from latent_explorer.ui.canvas.grid import GridPanel
from latent_explorer.ui.canvas.heat import HeatView
from latent_explorer.ui.canvas.region import RegionBrush
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import EmptyState, Pages, button, column, hint, row
from latent_explorer.ui.widgets.image_view import CaptionedImage, ImageView
from latent_explorer.ui.widgets.probability_bars import ClassProbabilities, ProbabilityBars, top_class_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.counterfactuals.region import InRegion
    from latent_explorer.explain.recipe import PictureRecipe, PictureRequest

MIN_PAGE = 256, 152  # px
REST_MS = 700  # ms after a draft until it says that the whole picture is being drawn
WELCOME = "Open an explainer to see what its classifier looks at, or drop one on this window."


class WelcomePage(EmptyState):
    """Page shown while nothing is open; offers the bundled explainers."""

    def __init__(self, on_open: Callable[[str], object]) -> None:
        super().__init__("leaf", WELCOME, "Open the leaf explainer", lambda: on_open(library.LEAF))
        self.shortcut = button("Open the shortcut explainer", lambda: on_open(library.SHORTCUT))
        text = hint("Its classifier looks at the ground: learn how to catch one.")
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        second = column()
        second.addWidget(self.shortcut, alignment=Qt.AlignmentFlag.AlignHCenter)
        second.addWidget(text)
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.insertLayout(layout.count() - 1, second)  # above the stretch


class LoadingPage(QWidget):
    """Text and a busy bar while a model is being opened."""

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
    """Pages (welcome, loading, pictures, grid, and a stage that is added later) above the probability bars."""

    open_requested = Signal(str)  # name of a bundled explainer
    grid_shown = Signal(bool)

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self._explorer = explorer
        self._names: tuple[str, ...] = ()
        self._verdict: ClassProbabilities | None = None
        self._picture: MainPicture | TimelineFrame | None = None  # on the canvas, unless there is a draft of the next
        self._draft: DraftPicture | None = None
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)  # since the last draft
        self._rest.timeout.connect(self._show)
        self._stage: QWidget | None = None  # page shown while photos are projected
        self._staged = self._in_grid = self._photo = False
        self.welcome = WelcomePage(self.open_requested.emit)
        self.loading = LoadingPage()
        self.view = ImageView()
        self._heat = HeatView(explorer, self.view)
        self.region = RegionBrush(explorer, self.view)
        self.grid = GridPanel(explorer)
        self.pages = Pages()
        for page in (self.welcome, self.loading, self.view, self.grid):
            self.pages.addWidget(page)
        self.pages.setMinimumSize(*MIN_PAGE)  # not that of the page that needs most: a small screen has no room for it
        self.bars = ProbabilityBars()
        below = QWidget()
        inner = column(below)
        inner.setContentsMargins(theme.MARGIN, theme.UNIT, theme.MARGIN, theme.UNIT)
        inner.addWidget(self.bars)
        self._below = below
        layout = column(self, spacing=0)
        pictures = row(spacing=0)
        pictures.addWidget(self.pages, 1)
        pictures.addWidget(self.region.panel)
        layout.addLayout(pictures, 1)
        layout.addWidget(below)
        self.setAccessibleName("Picture")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.show_welcome()
        self._connect()

    def _connect(self) -> None:
        explorer = self._explorer
        explorer.updates.on(ModelOpened, self._model_opened)
        explorer.updates.on(StateChanged, lambda update: self._name_classes(update.new))
        explorer.updates.on(MainPicture, self._take_picture)
        explorer.updates.on(TimelineFrame, self._take_picture)
        explorer.updates.on(DraftPicture, self._take_draft)
        self.view.peek_changed.connect(self._show_verdict)
        self.region.shown.connect(lambda _on: self._choose_page())
        self.region.preview_changed.connect(self._show)

    def show_welcome(self) -> None:
        self.pages.setCurrentWidget(self.welcome)
        self._below.hide()

    def show_loading(self, text: str) -> None:
        """Show that something is being opened; pictures of the previous model stay until it is open."""
        self.loading.text.setText(text)
        if self._picture is None:
            self.pages.setCurrentWidget(self.loading)

    def loading_failed(self) -> None:
        """Return to the page that was shown before loading."""
        if self._picture is None:
            self.show_welcome()

    def show_grid(self, on: bool) -> None:
        """Show the grid instead of the picture if `on`."""
        self._in_grid = on
        self._choose_page()
        self.grid_shown.emit(on)

    def add_stage(self, stage: QWidget) -> None:
        """Add the page that `show_stage` shows."""
        self._stage = stage
        self.pages.addWidget(stage)

    def show_stage(self, on: bool) -> None:
        """Show the stage instead of the picture if `on`; the grid takes precedence."""
        self._staged = on
        self._choose_page()

    def _choose_page(self) -> None:
        if self._picture is None and not self._staged:
            if self.pages.currentWidget() is self._stage:
                self.pages.setCurrentWidget(self.loading)
            return
        page: QWidget = self.grid if self._in_grid else self.view
        if self._staged and self._stage is not None and not self._in_grid:
            page = self._stage
        self.pages.setCurrentWidget(page)
        self._below.setVisible(page is self.view)
        self.region.panel.setVisible(self.region.is_on and page is self.view)

    @property
    def shows_picture(self) -> bool:
        """True while the page with the picture of the sliders is shown."""
        return self.pages.currentWidget() is self.view

    def set_photo(self, on: bool) -> None:
        """Show the photo of a projected picture as the picture before if `on`, else its reconstruction."""
        self._photo = on
        self._show()

    def _model_opened(self, update: ModelOpened) -> None:
        self._picture = self._draft = None
        self._name_classes(update.state)
        self.view.set_images(None, None)
        self._verdict = None
        self._show_verdict()
        self.show_loading("Making the first picture...")

    def _take_picture(self, picture: MainPicture | TimelineFrame) -> None:
        first, self._picture, self._draft = self._picture is None, picture, None
        self._rest.stop()
        if first:
            had_focus = self.hasFocus() or self.isAncestorOf(QApplication.focusWidget() or self.window())
            self._choose_page()
            if had_focus:
                self.view.setFocus()
        self._show()

    def _take_draft(self, draft: DraftPicture) -> None:
        self._draft = draft
        self._rest.start()
        self._show()

    def _name_classes(self, state: ExplorerState) -> None:
        summary = self._explorer.summary
        classifier = classifier_of(state, summary) if summary else None
        self._names = classifier.class_names if classifier else ()

    def _show(self) -> None:
        """Show the picture before and after, and what the classifier says of them."""
        update = self._picture
        if self._draft is not None:
            self._show_draft(self._draft)
            return
        if update is None:
            return
        result = update.result
        after = f"After, {update.seconds:.2f} s" if isinstance(update, TimelineFrame) else "After"
        state = self._explorer.state
        names = self._names_for(len(result.after.probs))
        target = state.target_class if state else 0
        photo = self._photo_of(update.request)
        if photo is None:
            before = self._captioned(self._before_title(update.request.recipe), result.before, names)
            self._verdict = ClassProbabilities(names, result.after.probs, result.before.probs, target)
        else:
            before = photo[0]
            self._verdict = ClassProbabilities(names, result.after.probs, photo[1], target, "photo")
            after = after if update.request.recipe.edits else "Reconstruction"
        self.view.set_images(before, self._captioned(after, result.after, names))
        self._heat.show(update, names)
        if self.region.preview is not None:
            self._preview(self.region.preview, before, result.after, names, target)
        self._show_verdict()

    def _preview(
        self, region: InRegion, before: CaptionedImage, now: Picture, names: tuple[str, ...], target: int
    ) -> None:
        """Show the picture with a change of the painted region alone, and its verdict beside the picture's own."""
        changed = Picture(region.image, region.inside, region.inside)
        self.view.set_images(before, self._captioned("Only the region changed", changed, names))
        self._verdict = ClassProbabilities(names, region.inside, now.probs, target)

    def _show_draft(self, update: DraftPicture) -> None:
        """Show a draft, marked, and no verdict: the classifier was not asked about it."""
        draft, state, summary = update.draft, self._explorer.state, self._explorer.summary
        size = summary.resolution if summary else 0
        mark = f"Draft, {draft.resolution} px"
        if not self._rest.isActive():
            mark += f". Drawing {size} px..."
        title = self._before_title(update.request.recipe)
        photo = self._photo_of(update.request)
        if photo is not None:
            before, probs = photo
        elif isinstance(draft.before, Picture):
            probs = draft.before.probs
            before = self._captioned(title, draft.before, self._names_for(len(probs)))
        else:
            probs = np.full(len(self._names), np.nan)
            before = CaptionedImage(draft.before, title, mark=mark, whole_side=size)
        target = state.target_class if state else 0
        caption = "was" if photo is None else "photo"
        unknown = np.full(len(probs), np.nan)
        self._verdict = ClassProbabilities(self._names_for(len(probs)), unknown, probs, target, caption)
        self.view.set_images(before, CaptionedImage(draft.after, "After", mark=mark, whole_side=size))
        self._show_verdict()

    def _show_verdict(self) -> None:
        """Show the bars of the picture on the canvas: of the one before while a person looks at that."""
        verdict = self._verdict if self._names else None  # an imported generator may have no classifier
        self.bars.show_verdict(
            verdict and replace(verdict, peeking=self.view.peeking, editable=self._explorer.editable)
        )

    def _photo_of(self, request: PictureRequest) -> tuple[CaptionedImage, np.ndarray] | None:
        """Return the photo of a projected picture with its probabilities.

        None if photos are off, there is none, or its probabilities are of another classifier.
        """
        shown = self._explorer.latents.of(request.recipe.base) if self._photo else None
        if shown is None or not has_photo(shown.report):
            return None
        report = shown.report
        if report.classifier_id != request.classifier_id:
            return None
        probs = np.array(report.probs_target)
        text = top_class_text(report.class_names, probs)
        return CaptionedImage(shown.target, "Photo", text, int(probs.argmax())), probs

    def _names_for(self, count: int) -> tuple[str, ...]:
        """Return the class names, or numbers if the picture is still of the previous classifier."""
        return self._names if len(self._names) == count else tuple(map(str, range(count)))

    def _before_title(self, recipe: PictureRecipe) -> str:
        samples = self._explorer.summary.samples if self._explorer.summary else None
        return before_title(recipe, generated=samples is not None and samples.generated)

    def _captioned(self, text: str, picture: Picture, names: tuple[str, ...]) -> CaptionedImage:
        verdict = top_class_text(names, picture.probs) if names else ""
        return CaptionedImage(picture.image, text, verdict, picture.verdict)


def before_title(recipe: PictureRecipe, *, generated: bool = False) -> str:
    """Return the caption of the picture before the edits, naming its origin; samples may be `generated`."""
    base = recipe.base
    while isinstance(base, BlendEndBase):
        base = base.base
    if isinstance(base, BlendBase):
        return "In between (before)"
    if isinstance(base, MixBase):
        return "Mixed (before)"
    if isinstance(base, SeedBase):
        return f"Seed {base.seed} (before)"
    if isinstance(base, ProjectedBase):
        return "Projection (before)"
    if recipe.cond is not None:
        return "With another class given (before)"
    if recipe.truncation_psi != 1:
        return f"{truncation_text(recipe.truncation_psi)} (before)"
    return "Generated (before)" if generated else "Reconstruction (before)"


def truncation_text(psi: float) -> str:
    """Return where truncation moves a sample to."""
    if psi > 1:
        return "Away from the average"
    if psi > 0:
        return "Towards the average"
    return "The average" if psi == 0 else "Beyond the average"
