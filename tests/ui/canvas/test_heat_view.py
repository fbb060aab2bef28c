# SPDX-License-Identifier: MIT
"""Grad-CAM on the canvas: three pictures, grey until the heat is known."""

from __future__ import annotations

from panel_harness import explorer_on, open_model, waiting_for

from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.exploration.updates import MainPicture, PictureHeat
from latent_explorer.ui.canvas.panel import CanvasPanel


def test_both_pictures_stand_beside_the_difference_with_the_heat_of_the_class(qtbot, tmp_path):
    with explorer_on(tmp_path) as explorer:
        canvas = CanvasPanel(explorer)
        qtbot.addWidget(canvas)
        canvas.resize(820, 500)
        canvas.show()
        open_model(qtbot, explorer, tmp_path)
        with waiting_for(qtbot, explorer, MainPicture):
            explorer.apply(SetAttribute(explorer.attributes()[0], 1.0))
        with waiting_for(qtbot, explorer, PictureHeat):
            canvas.view.set_mode("heat")
            cold = canvas.view.grab().toImage()
        assert len(canvas.view.frames()) == 3
        hot = canvas.view.grab().toImage()
        assert hot != cold
        before, after = canvas.view._heat
        assert (before.title, after.title) == ("Grad-CAM of diseased, before", "Grad-CAM of diseased, after")
        assert (before.image != after.image).any()
        canvas.view.set_peek(True)  # Space shows the picture before in the place of the one after
        assert canvas.view.grab().toImage() != hot
        canvas.view.set_peek(False)
        canvas.view.set_mode("side")
        assert len(canvas.view.frames()) == 2
