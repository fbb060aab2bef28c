# SPDX-License-Identifier: MIT
"""Page "Mistakes" of the overview: a labelled folder's confusion matrix, a cell's photographs, what turns them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from latent_explorer.app.overview.mistakes import COUNTING, EXPLAINING, WRITING, MistakesController
from latent_explorer.app.overview.mistakes_jobs import LOOKING, SHOWN
from latent_explorer.common.format import duration_text
from latent_explorer.explain.counterfactuals.mistakes_text import name_of, unreadable_text
from latent_explorer.ui.file_actions import dropped_paths
from latent_explorer.ui.overview.cell_photos import CellPhotos
from latent_explorer.ui.overview.confusion_table import HEADER, ROW, ConfusionTable, cell_words
from latent_explorer.ui.overview.folder_bar import FolderBar
from latent_explorer.ui.overview.page import NO_CLASSIFIER, NO_MODEL, OverviewPage
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import (
    SELECTABLE,
    ElidedLabel,
    EmptyState,
    Pages,
    button,
    column,
    hairline,
    hint,
    plain,
    row,
    title,
)

if TYPE_CHECKING:
    from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.overview.mistakes_jobs import CellKey
    from latent_explorer.explain.counterfactuals.confusion import Confusion, JudgedPhotos
    from latent_explorer.explain.counterfactuals.mistakes import CellExplanation, Turned

INVITE = (
    "Open a folder of labelled pictures, or drop one here: one folder per class, or a labels.csv. You see where the "
    "classifier errs, and for every kind of mistake which attribute turns it right."
)
CHOOSE = "Click a cell to see its photographs. Mistakes are explained, which takes minutes."
RIGHT_ONES = "The classifier is right about these. Click a cell of mistakes to see what turns them."
EMPTY_CELL = "No photograph is in this cell."
OPENS = "A double click opens a photograph in the main window."
OTHERS = 3  # attributes that are named beside the best


class MistakesPage(OverviewPage):
    """Page with the folder and its labels, the matrix, and the cell that was clicked last."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__(explorer)
        self.controller = MistakesController(explorer, self._show)
        self._matrix: Confusion | None = None  # in view
        self._cell: CellKey | None = None  # in view
        self._matrix_of: tuple[JudgedPhotos, str | None] | None = None
        self.bar = FolderBar()
        self.summary = ElidedLabel()
        self.table = ConfusionTable()
        self.left_out = hint("")
        self.head, self.sentence, self.others = title(""), plain(""), hint("")
        self.copy = button("Copy", self._copy, role="quiet")
        self.stop = button("Stop", self._stop, role="quiet")
        self.export = button("Export...", self._export, icon="export")
        self.photos = CellPhotos()
        self.line = ElidedLabel()
        self.nothing = EmptyState("image", INVITE, "Open folder...", self._begin)
        self._pages = Pages()
        self.setAcceptDrops(True)
        self._build()
        self._connect()

    def _build(self) -> None:
        self.sentence.setWordWrap(True)
        self.sentence.setTextInteractionFlags(SELECTABLE)
        self.copy.setToolTip("Copy the sentence")
        self.line.setProperty("role", "hint")
        self.line.setFont(theme.font(theme.SMALL))
        found = QWidget()
        self._pages.addWidget(self.nothing)
        self._pages.addWidget(found)
        body = column(found, spacing=theme.GAP)
        body.addWidget(self.summary)
        body.addWidget(self.table)
        body.addWidget(self.left_out)
        body.addWidget(hairline())
        head = row(spacing=theme.GAP)
        head.addWidget(self.head, 1)
        head.addWidget(self.stop)
        head.addWidget(self.copy)
        head.addWidget(self.export)
        body.addLayout(head)
        body.addWidget(self.sentence)
        body.addWidget(self.others)
        body.addWidget(self.photos, 1)
        body.addWidget(self.line)
        layout = column(self.content, spacing=theme.GAP)
        layout.addWidget(self.bar)
        layout.addWidget(self._pages, 1)

    def _connect(self) -> None:
        self.bar.folder_chosen.connect(self.open)
        self.bar.label_chosen.connect(self.controller.ask_label)
        self.bar.by_chosen.connect(self.controller.count_by)
        self.bar.asked.connect(self.controller.ask)
        self.table.opened.connect(self.controller.choose)
        self.photos.described.connect(self.line.setText)
        self.photos.opened.connect(self._open_photo)

    def open(self, path: Path) -> None:
        """Count the mistakes in a folder or a zip."""
        self.controller.open(path)

    # What is shown ----------------------------------------------------------------------------

    def refresh(self) -> None:
        if self.explorer.state is None or not self.controller.class_names:
            self.show_empty(NO_MODEL if self.explorer.state is None else NO_CLASSIFIER)
            return
        self.show_empty("")
        self.controller.refresh()
        self._show()

    def _show(self) -> None:
        controller = self.controller
        self.bar.show_folder(controller.path, controller.data, controller.question, controller.class_names)
        self.bar.show_columns(controller.columns, controller.by)
        judged = controller.judged
        self._pages.setCurrentIndex(0 if judged is None else 1)
        if judged is None:
            self._matrix = None
            self._show_nothing()
            return
        self._show_matrix()
        self._show_cell()

    def _show_nothing(self) -> None:
        """Say why there is no matrix, or how far it is."""
        controller, counting = self.controller, self.controller.running(COUNTING)
        working = counting or controller.running(LOOKING)
        said = controller.problem or INVITE
        if working:
            said = self._progress(COUNTING if counting else LOOKING) or f"{LOOKING}..."
        self.nothing.sentence.setText(said)
        if self.nothing.button is not None:
            text = "Stop" if counting else "Count" if controller.stopped else "Open folder..."
            self.nothing.button.setText(text)
            self.nothing.button.setVisible(
                counting or (not working and (controller.path is None or controller.stopped))
            )

    def _progress(self, kind: str) -> str:
        progress = self.controller.progress.get(kind)
        if progress is None or not progress.message:
            return "Waiting to begin..." if self.controller.running(kind) else ""
        said = f"{progress.message}: {progress.done:,} of {progress.total:,}"
        if progress.seconds_left is not None and math.isfinite(progress.seconds_left) and progress.seconds_left > 1:
            said += f", {duration_text(progress.seconds_left)} left of this part"
        return said

    def _show_matrix(self) -> None:
        controller, judged = self.controller, self.controller.judged
        assert judged is not None
        if self._matrix is None or self._matrix_of != (judged, controller.by):
            self._matrix_of = (judged, controller.by)
            self._matrix = controller.matrix
            self.table.show_matrix(self._matrix, controller.by)
            self.left_out.setText(unreadable_text(judged))
            self.left_out.setVisible(bool(judged.unreadable))
            self._share_height()
        assert self._matrix is not None
        rate = self._matrix.accuracy
        low, high = rate.interval
        self.summary.setText(
            f"{len(judged):,} photographs; the classifier is right in {rate.share:.3f} (95 % interval {low:.3f} to "
            f"{high:.3f})."
        )
        self.table.cells.mark(controller.cell)

    def _share_height(self) -> None:
        """Give the matrix the rows it has, up to half of the page."""
        most = max(HEADER + 2 * ROW, self.height() // 2 - self.bar.height())
        self.table.setFixedHeight(min(self.table.full_height(), most))

    def _show_cell(self) -> None:
        controller, cell = self.controller, self.controller.cell
        judged, found = controller.judged, controller.explanation
        assert judged is not None
        explaining = controller.running(EXPLAINING)
        self.stop.setVisible(explaining)
        self.copy.setVisible(found is not None)
        self.export.setEnabled(not explaining and not controller.running(WRITING))
        if cell is None:
            self._cell = None
            self.head.setText("")
            self.sentence.setText(CHOOSE)
            self.others.hide()
            self.line.setText("")
            self.photos.show_photos((), None, judged.class_names)
            return
        count = controller.count_of(cell)
        self.head.setText(f"{cell_words(cell, judged.class_names)} ({count:,})")
        self.sentence.setText(self._said(cell, count, explaining))
        self.others.setText(_others(found))
        self.others.setVisible(bool(self.others.text()))
        self.photos.show_photos(controller.photos, found, judged.class_names)
        if cell != self._cell:
            self._cell = cell
            self.line.setText(OPENS if count <= SHOWN else f"{SHOWN} of {count:,} are shown. {OPENS}")

    def _said(self, cell: CellKey, count: int, explaining: bool) -> str:
        controller = self.controller
        if controller.explanation is not None:
            return controller.sentence()
        if not count:
            return EMPTY_CELL
        if controller.cell_problem:
            return controller.cell_problem
        if cell.label == cell.verdict:
            return RIGHT_ONES
        return self._progress(EXPLAINING) if explaining else ""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._matrix is not None:
            self._share_height()

    # What is done -----------------------------------------------------------------------------

    def _begin(self) -> None:
        if self.controller.running(COUNTING):
            self.controller.stop(COUNTING)
        elif self.controller.stopped:
            self.controller.count()
        else:
            self.bar.choose_folder()

    def _stop(self) -> None:
        self.controller.stop(EXPLAINING)

    def _copy(self) -> None:
        QApplication.clipboard().setText(self.controller.sentence())
        self.line.setText("Copied.")

    def _open_photo(self, name: str) -> None:
        """Open a photograph in the main window, as if it was dropped there."""
        path = self.controller.path
        if path is not None and (path / name).is_file():
            self.explorer.open_path(path / name)
        else:
            self.line.setText(f"{name} is inside a zip, so it cannot be opened by itself.")

    def _export(self) -> None:
        last = self.explorer.settings.last_folder or str(Path.home())
        chosen = QFileDialog.getExistingDirectory(self, "Export the mistakes into", last)
        if chosen:
            self.controller.export(Path(chosen))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(_is_folder(path) for path in dropped_paths(event.mimeData())):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for path in dropped_paths(event.mimeData()):
            if _is_folder(path):
                event.acceptProposedAction()
                self.open(path)
                return


def _is_folder(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() == ".zip"


def _others(found: CellExplanation | None) -> str:
    """Return how many photographs the other attributes turn, each alone, and how many some attribute turns."""
    if found is None:
        return ""

    def said(each: Turned) -> str:
        return f"{name_of(each.attribute)} {each.photo.count}"

    listed = ", ".join(said(each) for each in found.turned[: OTHERS + 1] if each.photo.count)
    some = f"Some attribute alone turns {found.any_photo.count} of {found.n} photographs"
    return f"{some}: {listed}." if listed else f"{some}."
