# SPDX-License-Identifier: MIT
"""Page "Map" of the overview: seeds and the pictures of the file along two directions of the latents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QCheckBox, QWidget

from latent_explorer.app.exploration.intents import describe_base
from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import GestureEnded, MainPicture
from latent_explorer.app.overview.sample_map import SampleMapController
from latent_explorer.common.format import shortened
from latent_explorer.ui.overview.map_view import MapView
from latent_explorer.ui.overview.page import NO_CLASSIFIER, NO_MODEL, OverviewPage
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import NoWheelComboBox, column, hint, plain, row
from latent_explorer.ui.widgets.scaling import scaled, shown_side

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.overview.sample_map import SampleMap
    from latent_explorer.explain.recipe import Base, Picture

KINDS = (("Components of w", "components"), ("Margin and the rest", "margin"))
SIDE = 26 * theme.UNIT  # px, of the picture that is pointed at
HELP = (
    "Point at a mark, or press the arrow keys, to see its picture; a click or Enter shows it in the main window. The "
    "crossed ring is the picture there: it changes colour and shape as the classifier's answer does, and moves with "
    "directions. Attributes move single styles, as no latent does; they move it hardly, to the latent that such styles "
    "are likeliest of."
)


class MapPage(OverviewPage):
    """Map with a choice of axes, and the picture that is pointed at beside it."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__(explorer)
        self.controller = SampleMapController(explorer, self._show, self._show_picture)
        self._shown: SampleMap | None = None
        self.kind = NoWheelComboBox("Axes")
        self.seeds, self.samples = QCheckBox("Seeds (small marks)"), QCheckBox("Pictures of the file")
        self.view = MapView()
        self.picture = _Picture()
        self.name, self.verdict = plain(""), hint("")
        self.line = hint("", wrap=False)
        self._build()
        self._connect()

    def _build(self) -> None:
        for text, kind in KINDS:
            self.kind.addItem(text, kind)
        self.kind.setMinimumContentsLength(18)
        for box in (self.seeds, self.samples):
            box.setChecked(True)
        head = row(spacing=theme.GAP)
        head.addWidget(hint("Axes", wrap=False))
        head.addWidget(self.kind)
        head.addSpacing(theme.GAP)
        head.addWidget(self.seeds)
        head.addWidget(self.samples)
        head.addStretch(1)
        head.addWidget(self.line)
        side = column(spacing=theme.GAP)
        side.addWidget(self.picture)
        for label in (self.name, self.verdict, hint(HELP)):
            label.setFixedWidth(SIDE)
            side.addWidget(label)
        self.name.setWordWrap(True)
        side.addStretch(1)
        body = row(spacing=theme.SECTION)
        body.addWidget(self.view, 1)
        body.addLayout(side)
        layout = column(self.content, spacing=theme.GAP)
        layout.addLayout(head)
        layout.addLayout(body, 1)

    def _connect(self) -> None:
        self.kind.activated.connect(lambda _index: self._ask())
        for box in (self.seeds, self.samples):
            box.toggled.connect(lambda _on: self._show_map())
        self.view.pointed.connect(self._look)
        self.view.opened.connect(self._open)
        self.explorer.updates.on(MainPicture, lambda _update: self._show_present())
        self.explorer.updates.on(GestureEnded, lambda _update: self._changed())

    def refresh(self) -> None:
        if self.explorer.state is None or not self._class_names:
            self.show_empty(NO_MODEL if self.explorer.state is None else NO_CLASSIFIER)
            self.controller.stop()
            return
        self.show_empty("")
        summary = self.explorer.summary
        self.samples.setText(
            summary.samples_are.capitalize() if summary and summary.samples else "Pictures of the file"
        )
        self.samples.setEnabled(summary is not None and summary.samples is not None)
        session = self.explorer.session
        if session is None or not session.in_gesture:  # a truncation that is being dragged would ask at every step
            self._ask()
        self._show_present()

    def rest(self) -> None:
        self.controller.stop()
        self.controller.look_at(None)

    def _ask(self) -> None:
        self.controller.ask(self.kind.currentData())

    @property
    def _class_names(self) -> tuple[str, ...]:
        state, summary = self.explorer.state, self.explorer.summary
        classifier = classifier_of(state, summary) if state and summary else None
        return classifier.class_names if classifier else ()

    def _show_map(self) -> None:
        self._shown = self.controller.found
        seeds, samples = self.seeds.isChecked(), self.samples.isChecked()
        self.view.show_map(self._shown, self._class_names, seeds=seeds, samples=samples)

    def _show(self) -> None:
        found, progress = self.controller.found, self.controller.progress
        if found is not self._shown:
            self._show_map()
        if progress is not None:
            self.line.setText(f"Classified {progress.done} of {progress.total} pictures")
        elif self.controller.refusal:
            self.line.setText(self.controller.refusal)
        else:
            self.line.setText(f"{len(found.bases)} pictures" if found is not None else "")
        self._show_present()

    def _show_present(self) -> None:
        shown = self.explorer.shown
        if self.isVisible():
            self.view.show_present(self.controller.present(), None if shown is None else shown.result.after.probs)

    def _look(self, number: int) -> None:
        found, summary = self.controller.found, self.explorer.summary
        if found is None or summary is None or not 0 <= number < len(found.bases):
            self.controller.look_at(None)
            return
        text = describe_base(found.bases[number], summary)
        self.name.setText(shortened(text[:1].upper() + text[1:], 60))
        probs, names = found.probs[number], self._class_names
        known = bool(np.isfinite(probs).all())
        verdict = f"Called {shortened(names[int(probs.argmax())], 30)}. " if known else "Not classified yet."
        if known:
            verdict += f"Probability of {shortened(names[found.target], 30)}: {probs[found.target]:.2f}"
        self.verdict.setText(verdict)
        self.view.setAccessibleDescription(f"{self.name.text()}. {verdict}")
        self.controller.look_at(found.bases[number])

    def _open(self, number: int) -> None:
        found = self.controller.found
        if found is not None and 0 <= number < len(found.bases):
            self.explorer.show_base(found.bases[number])

    def _show_picture(self, _base: Base, picture: Picture) -> None:
        self.picture.show_image(picture.image)


class _Picture(QWidget):
    """One picture, as large as it fits."""

    def __init__(self) -> None:
        super().__init__()
        self._image: np.ndarray | None = None
        self.setFixedSize(SIDE, SIDE)
        self.setAccessibleName("Picture that is pointed at")

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def show_image(self, image: np.ndarray) -> None:
        self._image = image
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        if self._image is None:
            painter.fillRect(self.rect(), theme.current().color("sunken"))
            return
        ratio = self.devicePixelRatioF()
        side = shown_side(max(self._image.shape[:2]), SIDE, ratio, pixels=False)
        image = scaled(self._image, side, ratio, pixels=False)
        width, height = image.width() / ratio, image.height() / ratio
        painter.drawImage(QPointF((SIDE - width) / 2, (SIDE - height) / 2), image)
