# SPDX-License-Identifier: MIT
"""One run: how it stands, its curves, and its sheets of pictures or its log beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QInputDialog, QSplitter, QStackedWidget, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.training import metrics, run_text
from latent_explorer.ui.training.curves_view import CurvesView
from latent_explorer.ui.training.log_view import LogView
from latent_explorer.ui.training.run_status import RunStatusView
from latent_explorer.ui.training.sheet_player import SheetPlayer
from latent_explorer.ui.widgets.basics import EmptyState, column, row
from latent_explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.training.controller import TrainingController
    from latent_explorer.app.training.run_view import RunView

NO_RUN = "No training is shown. Train an explainer on your own pictures, or choose a run in the history."
NO_CURVES = "Curves begin with the first few hundred images."
NO_LOG = "Nothing was logged yet."
MOST_IMAGES = 1_000_000_000


class RunPage(QStackedWidget):
    """Shows the attached run; `new_requested` when there is none and the person wants one."""

    new_requested = Signal()

    def __init__(self, controller: TrainingController) -> None:
        super().__init__()
        self._controller = controller
        self.facts = RunStatusView()
        self.curves = CurvesView(NO_CURVES)
        self.groups = SegmentedControl("Which curves")
        self.sheets = SheetPlayer()
        self.log = LogView(NO_LOG)
        self.side = SegmentedControl("Pictures or log", ("Pictures", "Log"))
        self._side_pages = QStackedWidget()
        self.empty = EmptyState("training", NO_RUN, "New training", self.new_requested.emit)
        self.body = self._make_body()
        self.addWidget(self.empty)
        self.addWidget(self.body)
        self.facts.asked.connect(self._act)
        self.groups.chosen.connect(lambda _index: self._show_curves())
        self.side.chosen.connect(self._side_pages.setCurrentIndex)
        self.show_run()

    def _make_body(self) -> QWidget:
        self.curves.add_choice(self.groups)
        self._side_pages.addWidget(self.sheets)
        self._side_pages.addWidget(self.log)
        beside = QWidget()
        layout = column(beside, spacing=theme.UNIT // 2)
        layout.addWidget(self.side)
        layout.addWidget(self._side_pages, 1)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setHandleWidth(1)
        self.split.setChildrenCollapsible(False)
        for widget, inset in ((self.curves, "right"), (beside, "left")):
            self.split.addWidget(_inset(widget, inset))
        self.split.setStretchFactor(0, 5)
        self.split.setStretchFactor(1, 4)
        self.split.setSizes([500, 400])
        body = QWidget()
        line = row(body, spacing=theme.MARGIN)
        line.setContentsMargins(theme.MARGIN, 0, theme.MARGIN, theme.UNIT)
        line.addWidget(self.facts)
        line.addWidget(self.split, 1)
        return body

    def show_run(self) -> None:
        """All of the attached run as it is now."""
        view = self._controller.attached
        self.setCurrentWidget(self.empty if view is None else self.body)
        if view is None:
            return
        devices = dict(self._controller.devices)
        self.facts.show_run(view, snapshot_busy=self._controller.snapshot_busy, devices=devices)
        self.groups.set_words(metrics.groups_of(view.series))
        self._show_curves()
        self.sheets.show_sheets(view.sheets, run_text.sheet_labels(view), _side_of(view))
        self.log.show_lines(view.log)

    def _show_curves(self) -> None:
        view = self._controller.attached
        if view is not None:
            self.curves.show_curves(metrics.curves_of(view.series, self.groups.word))

    def _act(self, what: str) -> None:
        controller = self._controller
        acts: dict[str, Callable[[], object]] = {
            "pause": controller.pause,
            "stop": controller.stop,
            "resume": controller.resume,
            "current": controller.open_current,
            "result": controller.open_result,
            "longer": self._train_longer,
        }
        acts[what]()

    def _train_longer(self) -> None:
        """Ask to how many images in all, and go on."""
        view = self._controller.attached
        seen = view.status.images if view is not None and view.status is not None else 0
        wanted, sure = QInputDialog.getInt(
            self,
            "Train longer",
            f"{seen:,} images were seen. How many shall it be in all?",
            2 * seen,
            seen + 1,
            MOST_IMAGES,
            1000,
        )
        if sure:
            self._controller.resume(wanted)


def _side_of(view: RunView) -> int:
    return view.config.resolution if view.config is not None else 0


def _inset(widget: QWidget, side: str) -> QWidget:
    """Room between a widget and the splitter's line beside it."""
    made = QWidget()
    layout = column(made)
    gap = theme.MARGIN
    layout.setContentsMargins(gap if side == "left" else 0, 0, gap if side == "right" else 0, 0)
    layout.addWidget(widget)
    return made
