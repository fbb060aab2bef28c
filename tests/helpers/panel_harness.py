# SPDX-License-Identifier: MIT
"""A headless application on the fake explainer for tests of panels, and what a person does to a card."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fake_explainer import model_host
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtTest import QTest

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration.updates import MainPicture
from latent_explorer.app.explorer import Explorer
from latent_explorer.ui.application import make_application
from latent_explorer.ui.attributes.attribute_card import AttributeCard
from latent_explorer.ui.attributes.panel import AttributesPanel
from latent_explorer.ui.main_thread import MainThreadInvoker
from latent_explorer.ui.style import theme

LEFT = Qt.MouseButton.LeftButton


@contextlib.contextmanager
def explorer_on(folder: Path, host: ModelHost | None = None, **options) -> Iterator[Explorer]:
    """Yield an explorer without a model, closed at the end; without a `host` on a fake one with `options`."""
    make_application()
    bridge = MainThreadInvoker()
    explorer = Explorer(bridge.post, model_host=host or model_host(**options), data_dir=folder, config_dir=folder)
    try:
        yield explorer
    finally:
        bridge.close()
        explorer.close()
        bridge.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def shown_panel(qtbot, explorer: Explorer) -> AttributesPanel:
    """Show the panel of attributes, without a model yet."""
    theme.apply("light")
    panel = AttributesPanel(explorer)
    qtbot.addWidget(panel)
    panel.resize(360, 900)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def open_model(qtbot, explorer: Explorer, folder: Path) -> None:
    """Open the fake explainer and wait for its first picture."""
    path = folder / "fake.explainer"
    path.touch()
    with waiting_for(qtbot, explorer, MainPicture):
        explorer.open_path(path)


@contextlib.contextmanager
def waiting_for(qtbot, explorer: Explorer, kind: type, count: int = 1) -> Iterator[list]:
    """Wait at the end of the block until `count` updates of `kind` came since its beginning."""
    seen: list = []
    disconnect = explorer.updates.on(kind, seen.append)
    try:
        yield seen
        qtbot.waitUntil(lambda: len(seen) >= count, timeout=5000)
    finally:
        disconnect()


def card_at(panel: AttributesPanel, place: int) -> AttributeCard:
    """Return a card of the list, counted from the top."""
    return panel.list.cards[place]


def drag(card: AttributeCard, *stops: float) -> None:
    """Drag a card's handle from the first amount over the others to the last."""
    track = card.slider.track
    middle = track.height() // 2
    points = [QPoint(round(track.x_of(stop)), middle) for stop in stops]
    QTest.mousePress(track, LEFT, pos=points[0])
    for point in points[1:]:
        QTest.mouseMove(track, point)
    QTest.mouseRelease(track, LEFT, pos=points[-1])
