# SPDX-License-Identifier: MIT
"""Strip of real pictures at one end of an attribute's order, with what the classifier and the labels say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPixmap
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from latent_explorer.common.format import number_text, shortened
from latent_explorer.common.statistics import wilson_interval
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import ElidedLabel, column
from latent_explorer.ui.widgets.class_mark import paint_class_mark
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent, QResizeEvent

    from latent_explorer.media.report.evidence import EndOfOrder, EndPhoto

SPACE = 4  # px between pictures
SMALLEST, LARGEST = 44, 64  # px, of a picture


class EndStrip(QWidget):
    """Words of one end, in two lines, above its pictures."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self.words, self.label = ElidedLabel(), ElidedLabel()
        for line in (self.words, self.label):
            line.setFont(theme.font(theme.SMALL))
        self.label.setProperty("role", "hint")
        self.pictures = _Pictures(title)
        layout = column(self, spacing=theme.GAP // 2)
        words = column(spacing=0)
        words.addWidget(self.words)
        words.addWidget(self.label)
        layout.addLayout(words)
        layout.addWidget(self.pictures)

    def show_end(self, end: EndOfOrder, target: int, class_names: tuple[str, ...]) -> None:
        """Show an end of the order towards `target`."""
        said, labelled = end_texts(end, target, class_names)
        self.words.setText(f"{self._title}: {said}")
        self.label.setText(labelled)
        self.pictures.show_photos(end.photos, target, class_names, f"{self._title}: {said}; {labelled}")


def end_texts(end: EndOfOrder, target: int, class_names: tuple[str, ...]) -> tuple[str, str]:
    """Return the mean probability and the label's share of an end, with their intervals."""
    name = shortened(class_names[target], 24)
    low, high = end.p_interval()
    said = f"mean P({name}) {end.mean_p():.2f} [{max(low, 0):.2f}, {min(high, 1):.2f}]"
    count, known = end.labelled(target)
    if not known:
        return said, "without labels"
    low, high = wilson_interval(count, known)
    return said, f"{count} of {known} labelled {name} [{low:.2f}, {high:.2f}]"


class _Pictures(QWidget):
    """Pictures in as many lines as they need; a mark says the verdict, words stand at rest."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._photos: tuple[EndPhoto, ...] = ()
        self._target = 0
        self._names: tuple[str, ...] = ()
        self._pixmaps: dict[int, QPixmap] = {}
        self._drawn_at = (0, 0.0)
        self.setAccessibleName(f"{name} real pictures")
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_photos(self, photos: tuple[EndPhoto, ...], target: int, names: tuple[str, ...], words: str) -> None:
        self._photos, self._target, self._names = photos, target, names
        self._pixmaps.clear()
        self.setAccessibleDescription(words)
        self.updateGeometry()
        self._fit()
        self.update()

    @property
    def across(self) -> int:
        """Pictures in a line."""
        return max(1, min(len(self._photos), (self.width() + SPACE) // (SMALLEST + SPACE)))

    @property
    def side(self) -> int:
        """Side of a picture, px."""
        return min((self.width() + SPACE) // self.across - SPACE, LARGEST)

    def sizeHint(self) -> QSize:
        lines = -(-max(1, len(self._photos)) // self.across)
        return QSize(5 * (SMALLEST + SPACE), lines * (self.side + SPACE))

    def place(self, number: int) -> QRectF:
        """Return where a picture stands."""
        line, at = divmod(number, self.across)
        step = self.side + SPACE
        return QRectF(at * step, line * step, self.side, self.side)

    def text_of(self, photo: EndPhoto) -> str:
        """Return a picture in words."""
        label = "" if photo.label is None else f", labelled {shortened(self._names[photo.label], 30)}"
        target = shortened(self._names[self._target], 30)
        return (
            f"{shortened(photo.name, 60)}: P({target}) {number_text(photo.p)}{label}; "
            f"{number_text(photo.value)} standard deviations from the mean"
        )

    def _fit(self) -> None:
        self.setFixedHeight(self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            under = [p for i, p in enumerate(self._photos) if self.place(i).contains(QPointF(event.pos()))]
            QToolTip.showText(event.globalPos(), self.text_of(under[0]) if under else "", self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ratio = self.devicePixelRatioF()
        if self._drawn_at != (self.side, ratio):
            self._pixmaps.clear()
            self._drawn_at = self.side, ratio
        for number, photo in enumerate(self._photos):
            box = self.place(number)
            if number not in self._pixmaps:
                self._pixmaps[number] = QPixmap.fromImage(scaled(photo.image, self.side, ratio, pixels=False))
            painter.drawPixmap(box.topLeft(), self._pixmaps[number])
            paint_class_mark(painter, box.bottomRight() - QPointF(7, 7), photo.verdict)
        painter.setPen(Qt.PenStyle.NoPen)
