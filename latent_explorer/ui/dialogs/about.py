# SPDX-License-Identifier: MIT
"""About the program: what it is, its version, the open model, and the licences of all its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QListWidget, QListWidgetItem, QPlainTextEdit, QWidget

from latent_explorer import __version__
from latent_explorer.app import licences
from latent_explorer.ui.dialogs.help import add_close_button
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import SELECTABLE, button, column, hint, open_dialog, plain, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QHBoxLayout

    from latent_explorer.models.summary import ExplainerSummary

WIDTH = 56 * theme.UNIT  # px
LICENCES_SIZE = QSize(126 * theme.UNIT, 72 * theme.UNIT)
LIST_WIDTH = 38 * theme.UNIT  # px
ICON = 7 * theme.UNIT  # px

WHAT = (
    "Shows what an image classifier looks at: drag an attribute of the picture and watch the verdict change. "
    "It works offline, and sends nothing unless you ask for a newer version."
)
APART = (
    "Other programs of this name move through the pictures that a generator can draw. This one explains a classifier: "
    "its sliders are the style coordinates that were found to move the verdict, with how much they move it."
)
QT = (
    "The window is made with Qt and PySide6 under the GNU Lesser General Public License, version 3. Both are "
    "unmodified libraries in files of their own, which may be replaced by other builds of them. Their source code: "
    "https://download.qt.io/official_releases/QtForPython/"
)


class AboutDialog(QDialog):
    """What the program is. `device_note` is a sentence on a faster device that this build cannot use, or empty."""

    def __init__(self, summary: ExplainerSummary | None, device_note: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Latent Explorer")
        layout = column(self, spacing=theme.MARGIN, margin=theme.SECTION)
        layout.addLayout(_head())
        for text in (WHAT, APART, *described(summary), device_note):
            if text:
                layout.addWidget(_paragraph(plain(text)))
        layout.addWidget(_paragraph(hint(QT)))
        self.licences = button("Licences of all parts...", self._show_licences)
        self.licences.setAutoDefault(False)
        foot = row()
        foot.addWidget(self.licences)
        foot.addStretch(1)
        layout.addLayout(foot)
        add_close_button(self, foot).setFocus()

    def _show_licences(self) -> None:
        open_dialog(LicencesDialog(licences.parts(), self))


def _head() -> QHBoxLayout:
    picture = QLabel()
    picture.setPixmap(icons.program_icon().pixmap(QSize(ICON, ICON)))
    name = plain("Latent Explorer")
    name.setFont(theme.font(theme.LARGE, semibold=True))
    texts = column(spacing=theme.UNIT // 2)
    texts.addStretch(1)
    texts.addWidget(name)
    texts.addWidget(hint(f"Version {__version__}, MIT licence"))
    texts.addStretch(1)
    head = row(spacing=theme.MARGIN)
    head.addWidget(picture)
    head.addLayout(texts, 1)
    return head


def _paragraph(label: QLabel) -> QLabel:
    label.setWordWrap(True)
    label.setFixedWidth(WIDTH)
    label.setTextInteractionFlags(SELECTABLE)
    label.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # Tab goes from button to button
    return label


def described(summary: ExplainerSummary | None) -> list[str]:
    """Return a sentence each on the open model and its classifiers, with the start of their hashes, then its note."""
    if summary is None:
        return []
    lines = [f"Open: {summary.name}, {summary.resolution} px, model {summary.model_hash[:12]}."]
    lines += [f"Classifier: {c.name}, {c.classifier_id[:12]}." for c in summary.classifiers]
    return ["\n".join(lines), *([f"Note: {summary.note}"] if summary.note else [])]


class LicencesDialog(QDialog):
    """List of the parts of the program, and the text of the chosen one's licence."""

    def __init__(self, parts: Sequence[licences.Part], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Licences of all parts")
        self.resize(LICENCES_SIZE)
        self.parts = tuple(parts)
        self.search = QLineEdit()
        self.search.setPlaceholderText(f"Search {len(self.parts)} parts")
        self.search.setAccessibleName("Search the parts by name or licence")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.list = QListWidget()
        self.list.setAccessibleName("Parts of the program")
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for part in self.parts:
            item = QListWidgetItem(f"{part.name} {part.version}\n{_short(part.licence)}")
            item.setToolTip(part.licence)
            self.list.addItem(item)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(theme.font(theme.SMALL))  # most texts have lines of 80 letters, which then fit
        self.text.setAccessibleName("Text of the licence")
        self.text.document().setDocumentMargin(theme.MARGIN)
        self.list.currentRowChanged.connect(self._show)
        self._lay_out()
        self.list.setCurrentRow(0)
        self.list.setFocus()

    def _lay_out(self) -> None:
        left = column()
        left.addWidget(self.search)
        left.addWidget(self.list, 1)
        for each in (self.search, self.list):
            each.setFixedWidth(LIST_WIDTH)
        parts = row(spacing=theme.MARGIN)
        parts.addLayout(left)
        parts.addWidget(self.text, 1)
        layout = column(self, spacing=theme.MARGIN, margin=theme.MARGIN)
        layout.addLayout(parts, 1)
        add_close_button(self, layout)

    def _filter(self, wanted: str) -> None:
        for place, part in enumerate(self.parts):
            self.list.item(place).setHidden(wanted.casefold() not in f"{part.name} {part.licence}".casefold())
        left = [place for place in range(len(self.parts)) if not self.list.item(place).isHidden()]
        if self.list.currentRow() not in left:
            self.list.setCurrentRow(left[0] if left else -1)

    def _show(self, place: int) -> None:
        self.text.setPlainText(self.parts[place].text() if place >= 0 else "")


def _short(licence: str) -> str:
    """Return a licence's line, cut where a list of many begins to fill the window."""
    return licence if len(licence) <= 40 else f"{licence[:38].rstrip()} …"
