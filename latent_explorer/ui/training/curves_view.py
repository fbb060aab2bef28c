# SPDX-License-Identifier: MIT
"""Curves with their legend and how they are looked at: logarithmic or not, smoothed or not.

Which curves there are, and what they mean, is the owner's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QStackedWidget, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.training.curve_legend import CurveLegend
from latent_explorer.ui.widgets.basics import EmptyState, column, plain, row
from latent_explorer.ui.widgets.curve_math import smoothed, value_text
from latent_explorer.ui.widgets.curve_plot import CurvePlot, PlotOptions
from latent_explorer.ui.widgets.slider_track import SliderTrack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.ui.widgets.curve_math import Curve

MOST_SMOOTHING = 0.98
SLIDER = 12 * theme.UNIT  # px
SMOOTHING_HELP = "How much of the past each value holds; what was measured stays faintly behind"


class CurvesView(QWidget):
    """A line of options over the plot and its legend. The owner's own choices stand at the left of the options."""

    def __init__(self, empty: str) -> None:
        super().__init__()
        self.plot = CurvePlot()
        self.legend = CurveLegend()
        self.log = QCheckBox("Log scale")
        self.log.setToolTip("Each step of the axis multiplies: small changes of small values show")
        self.smoothing = SliderTrack(0.0, MOST_SMOOTHING, None, 0.0, ())
        self.smoothing.setAccessibleName("Smoothing")
        self.smoothing.setToolTip(SMOOTHING_HELP)
        self.smoothing.setFixedWidth(SLIDER)
        self._smoothing_word = plain("Smoothing")
        self.options: QHBoxLayout = row()
        self.options.addStretch(1)
        self.options.addWidget(self.log)
        self.options.addSpacing(theme.GAP)
        self.options.addWidget(self._smoothing_word)
        self.options.addWidget(self.smoothing)
        charts = QWidget()
        line = row(charts)
        line.addWidget(self.plot, 1)
        line.addWidget(self.legend)
        self.empty = EmptyState("plot", empty)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(charts)
        layout = column(self, spacing=theme.UNIT // 2)
        layout.addLayout(self.options)
        layout.addWidget(self.pages, 1)
        self.log.toggled.connect(self._draw)
        self.smoothing.valueChanged.connect(self._draw)
        self.legend.changed.connect(self._draw)
        self.plot.cursor_moved.connect(self.legend.show_values_at)

    def add_choice(self, widget: QWidget) -> None:
        """At the left of the options."""
        place = max(0, self.options.count() - 5)
        self.options.insertWidget(place, widget, 0, Qt.AlignmentFlag.AlignVCenter)

    @property
    def look(self) -> PlotOptions:
        """How the curves are drawn now."""
        return PlotOptions(self.log.isChecked(), self.smoothing.amount)

    def show_curves(self, curves: Sequence[Curve]) -> None:
        """Draw these; which of them the person hid is remembered by their keys."""
        self.legend.show_curves(curves)
        some = any(not curve.empty for curve in curves)
        self.pages.setCurrentIndex(int(some))
        for option in (self.log, self._smoothing_word, self.smoothing):
            option.setVisible(some)
        self._draw()

    def _draw(self) -> None:
        shown = self.legend.shown()
        self.plot.show_curves(shown, self.look)
        said = [
            f"{curve.name} {value_text(float(smoothed(curve.y, self.look.smoothing)[-1]))}"
            for _number, curve in shown
            if len(curve.y)
        ]
        self.plot.setAccessibleDescription("Newest values: " + "; ".join(said) if said else "")
