# SPDX-License-Identifier: MIT
"""Live plot: the probability of every class over the last edits, or a hint before the first."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy, QStackedLayout, QWidget

from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import MainPicture, ModelOpened, StateChanged
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import hint
from latent_explorer.ui.widgets.probability_lines import (
    AXIS,
    drawn_classes,
    finite_runs,
    label_positions,
    labels_width,
    paint_axis,
    paint_dots,
    paint_labels,
    paint_line,
)

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Base

MAX_EDITS = 240
REDRAW_MS = 100  # ms between two drawings: each costs as much as a picture, and the bars show every one
MIN_EDITS_SHOWN = 60  # over the full width
EDGE = theme.UNIT  # px above probability 1 and below 0
EMPTY = "Move a slider: the probability of every class is drawn here."
NO_CLASSIFIER = "This explainer holds no classifier, so there are no probabilities to draw."


class ProbabilityPlot(QWidget):
    """Plot of one line per class, newest at the right, with the name beside its end."""

    def __init__(self) -> None:
        super().__init__()
        self.names: tuple[str, ...] = ()
        self._rows: deque[np.ndarray] = deque(maxlen=MAX_EDITS)
        self._pause = QTimer(self, singleShot=True, interval=REDRAW_MS)
        self._pause.timeout.connect(self.update)
        self.setMinimumHeight(9 * theme.UNIT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Probability of every class over the last edits")

    @property
    def probs(self) -> np.ndarray:
        """Probabilities drawn, (edits, K); NaN where the picture changed."""
        return np.array(self._rows) if self._rows else np.empty((0, len(self.names)))

    def start(self, names: tuple[str, ...]) -> None:
        """Empty the plot and name the classes."""
        self.names = names
        self._rows.clear()
        self.update()

    def add(self, probs: np.ndarray) -> None:
        """Add probabilities, (K,), and draw them at once, or within `PAUSE` of the previous drawing."""
        self._rows.append(np.asarray(probs, dtype=np.float64))
        if not self._pause.isActive():
            self.update()
            self._pause.start()

    def lift(self) -> None:
        """Break the lines, because the next probabilities are of another picture."""
        if self._rows and np.isfinite(self._rows[-1]).all():
            self._rows.append(np.full_like(self._rows[-1], np.nan))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        labels = self.width() - labels_width(self.names) - theme.MARGIN
        box = QRectF(AXIS, EDGE, max(1, labels - theme.GAP - AXIS), self.height() - 2 * EDGE)

        def y_of(probability: float) -> float:
            return box.bottom() - probability * box.height()

        paint_axis(painter, y_of, box.right())
        probs = self.probs
        if not len(probs):
            return
        shown = drawn_classes(probs)
        xs = box.left() + np.arange(len(probs)) * box.width() / (max(MIN_EDITS_SHOWN, len(probs)) - 1)
        for index in shown:
            for points in finite_runs(xs, box.bottom() - probs[:, index] * box.height()):
                paint_line(painter, index, points)
        ends = {index: float(probs[-1, index]) for index in shown}
        if np.isfinite(probs[-1]).all():
            paint_dots(painter, ends, float(xs[-1]), y_of)
            at = label_positions(ends, y_of, 0, self.height())
            paint_labels(painter, at, self.names, ends, labels, self.width() - theme.MARGIN)


class LivePlot(QWidget):
    """Plot as soon as there is a line to draw; a hint until then."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self._explorer = explorer
        self._base: Base | None = None
        self._last: MainPicture | None = None
        self.plot = ProbabilityPlot()
        self.setAccessibleName("Live plot")
        self.empty = hint(EMPTY)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.empty)
        self._pages.addWidget(self.plot)
        explorer.updates.on(ModelOpened, lambda _update: self.clear())
        explorer.updates.on(StateChanged, self._state_changed)
        explorer.updates.on(MainPicture, self._take_picture)

    def _state_changed(self, update: StateChanged) -> None:
        if update.old.classifier_id != update.new.classifier_id:
            self.clear()

    def _take_picture(self, picture: MainPicture) -> None:
        if picture is not self._last:  # the same picture is emitted again when the timeline closes
            self._last = picture
            self._add(picture)

    def clear(self) -> None:
        """Start again with the classes of the selected classifier."""
        summary, state = self._explorer.summary, self._explorer.state
        classifier = classifier_of(state, summary) if summary and state else None
        self._base = None
        self.plot.start(classifier.class_names if classifier else ())
        self.empty.setText(EMPTY if summary is None or classifier else NO_CLASSIFIER)
        self._pages.setCurrentWidget(self.empty)

    def _add(self, update: MainPicture) -> None:
        probs, base = update.result.after.probs, update.request.recipe.base
        if not self.plot.names:
            self.clear()
        state = self._explorer.state
        if (
            not len(probs)
            or state is None
            or update.request.classifier_id != state.classifier_id
            or len(probs) != len(self.plot.names)
        ):
            return  # of the classifier selected before
        if self._base is not None and base != self._base:
            self.plot.lift()
        self._base = base
        self.plot.add(probs)
        if len(self.plot.probs) > 1:
            self._pages.setCurrentWidget(self.plot)
