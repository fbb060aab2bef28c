# SPDX-License-Identifier: MIT
"""Grad-CAM in the view of the picture: computed while its mode is chosen, painted over the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.app.exploration.looks import heat_overlay
from latent_explorer.app.exploration.updates import PictureHeat
from latent_explorer.app.grad_cam import GradCamRenderer
from latent_explorer.ui.widgets.image_view import CaptionedImage

if TYPE_CHECKING:
    from latent_explorer.app.exploration.updates import MainPicture, TimelineFrame
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.ui.widgets.image_view import ImageView


class HeatView:
    """Sets Grad-CAM of the pictures given to `show` in the view: grey pictures until it is known."""

    def __init__(self, explorer: Explorer, view: ImageView) -> None:
        self._explorer = explorer
        self._view = view
        self._renderer = GradCamRenderer(explorer)
        self._heat: PictureHeat | None = None  # the last one
        self._shown: tuple[MainPicture | TimelineFrame, tuple[str, ...]] | None = None
        explorer.updates.on(PictureHeat, self._take)
        view.mode_changed.connect(self._mode_changed)

    def show(self, update: MainPicture | TimelineFrame, names: tuple[str, ...]) -> None:
        """Show Grad-CAM of this picture, of a classifier with these classes."""
        self._shown = update, names
        self._show()

    def _mode_changed(self, mode: str) -> None:
        self._renderer.show(mode == "heat")
        self._show()

    def _take(self, heat: PictureHeat) -> None:
        self._heat = heat
        self._show()

    def _show(self) -> None:
        state, heat = self._explorer.state, self._heat
        if self._view.mode != "heat" or state is None or self._shown is None:
            return
        (update, names), target = self._shown, state.target_class
        if not 0 <= target < len(names):
            return
        pictures = update.result.before, update.result.after
        maps = tuple(np.zeros(each.image.shape[:2], np.float32) for each in pictures)
        if heat is not None and (heat.request, heat.target) == (update.request, target):
            if heat.maps.problem:
                self._view.set_heat(*(CaptionedImage(each.image, "", mark="No Grad-CAM") for each in pictures))
                return
            maps = heat.maps.before, heat.maps.after
        titles = (f"Grad-CAM of {names[target]}, {when}" for when in ("before", "after"))
        overlays = (heat_overlay(each.image, where) for each, where in zip(pictures, maps, strict=True))
        self._view.set_heat(*map(CaptionedImage, overlays, titles))
