# SPDX-License-Identifier: MIT
"""A whole window on the fake explainer, and what tests do with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fake_explainer import model_host
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration import picture_requests
from latent_explorer.ui.application import ApplicationContext, make_application
from latent_explorer.ui.widgets.slider import ValueSlider

LEFT = Qt.MouseButton.LeftButton


@contextlib.contextmanager
def desktop_on(folder: Path, host: ModelHost | None = None, **options) -> Iterator[ApplicationContext]:
    """Yield a shown window without a model; `options` go to the fake model host, unless another is given."""
    make_application()
    host = host or model_host(**options)
    made = ApplicationContext(model_host=host, data_dir=folder, config_dir=folder, mode="light")
    made.window.resize(1366, 744)  # what a screen of 1366 x 768 leaves beside a title bar
    made.window.show()
    try:
        yield made
    finally:
        made.close()
        made.window.hide()
        made.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def open_fake(qtbot, desktop: ApplicationContext, folder: Path) -> None:
    """Open the fake explainer and wait until its first picture is on the canvas."""
    path = folder / "fake.explainer"
    path.touch()
    desktop.begin(path)
    wait_picture(qtbot, desktop)


def wait_picture(qtbot, desktop: ApplicationContext) -> None:
    """Wait until the canvas shows the newest state."""
    explorer = desktop.explorer

    def current() -> bool:
        if explorer.shown is None or explorer.state is None or explorer.summary is None:
            return False
        return explorer.shown.request == picture_requests.resolve(explorer.state, explorer.summary)

    qtbot.waitUntil(current, timeout=8000)


def drag(slider: ValueSlider, amount: float, steps: int = 6) -> None:
    """Drag the handle with the mouse from where it stands to `amount`."""
    track = slider.track
    y = track.height() // 2
    start, end = track.x_of(track.amount), track.x_of(amount)
    QTest.mousePress(track, LEFT, pos=QPoint(round(start), y))
    for step in range(1, steps + 1):
        QTest.mouseMove(track, QPoint(round(start + (end - start) * step / steps), y))
    QTest.mouseRelease(track, LEFT, pos=QPoint(round(end), y))


def colours_in(widget: QWidget) -> int:
    """Return how many colours a grab of the widget shows: 1 means blank."""
    image = widget.grab().toImage()
    step_x, step_y = max(1, image.width() // 60), max(1, image.height() // 60)
    return len({image.pixel(x, y) for x in range(0, image.width(), step_x) for y in range(0, image.height(), step_y)})
