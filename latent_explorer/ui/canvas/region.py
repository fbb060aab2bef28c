# SPDX-License-Identifier: MIT
"""Brush on the canvas: paints a region over the picture, asks what turns the verdict there, shows it beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Signal

from latent_explorer.app.exploration.updates import MainPicture, ModelOpened, RegionFound, StateChanged, TimelineFrame
from latent_explorer.app.region import RegionStudier
from latent_explorer.ui.canvas.region_panel import RegionPanel
from latent_explorer.ui.widgets.mask_painter import MaskPainter

if TYPE_CHECKING:
    import numpy as np

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.counterfactuals.region import InRegion
    from latent_explorer.ui.widgets.image_view import ImageView


class RegionBrush(QObject):
    """Painter over a view of pictures, with a panel to be placed beside it. Both are hidden while it is off.

    What is painted stays while other pictures are shown, until the brush is put away.
    """

    shown = Signal(bool)
    preview_changed = Signal()

    def __init__(self, explorer: Explorer, view: ImageView) -> None:
        super().__init__(view)
        self._explorer = explorer
        self._view = view
        self.is_on = False
        self.preview: InRegion | None = None  # to be shown in place of the picture after
        self.painter = MaskPainter(view)
        self.panel = RegionPanel(explorer, self.painter)
        self._studier = RegionStudier(explorer)
        self.painter.hide()
        self.panel.hide()
        view.installEventFilter(self)
        self.painter.mask_changed.connect(self._ask)
        self.panel.closed.connect(lambda: self.set_on(False))
        self.panel.previewed.connect(self._preview)
        explorer.updates.on(ModelOpened, lambda _update: self.set_on(False))
        explorer.updates.on(RegionFound, self._take)
        for kind in (StateChanged, MainPicture, TimelineFrame):
            explorer.updates.on(kind, lambda _update: self._outdated())

    def set_on(self, on: bool) -> None:
        """Take the brush, or put it away with all that is painted."""
        if on == self.is_on or (on and self._explorer.shown is None):
            self.shown.emit(self.is_on)
            return
        self.is_on = on
        self.painter.setVisible(on)
        if on:
            self._place()
            self.painter.raise_()
            self.painter.setFocus()
            self.panel.show_nothing()
        else:
            had_focus = self.painter.hasFocus() or self.panel.isAncestorOf(self.panel.window().focusWidget())
            self._studier.show(None)
            self._preview(None)
            self.painter.forget()
            if had_focus:
                self._view.setFocus()
        self.shown.emit(on)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._view and self.is_on and event.type() in (QEvent.Type.Paint, QEvent.Type.Resize):
            self._place()  # with whatever moves the pictures: the mode, whole pixels, the size
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        summary = self._explorer.summary
        size = summary.resolution if summary else 0
        self.painter.setGeometry(self._view.rect())
        self.painter.set_frames(self._view.frames(), (size, size))

    def _ask(self, mask: np.ndarray) -> None:
        self.panel.show_busy() if mask.any() else self.panel.show_nothing()
        self._studier.show(mask)

    def _outdated(self) -> None:
        """Take back an answer that is not about the picture on the canvas."""
        asked, shown = self.panel.request, self._explorer.shown
        if asked is not None and (shown is None or shown.request != asked):
            self.panel.show_busy()

    def _take(self, update: RegionFound) -> None:
        if self.is_on:
            self.panel.show_found(update)

    def _preview(self, result: InRegion | None) -> None:
        if result is not self.preview:
            self.preview = result
            self.preview_changed.emit()
