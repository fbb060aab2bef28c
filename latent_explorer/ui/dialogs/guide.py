# SPDX-License-Identifier: MIT
"""The user guide in a window beside the main one, with a list of its sections."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QImage, QTextBlock, QTextBlockFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QDialog, QListWidget, QTextBrowser, QWidget

from latent_explorer.common.paths import docs_dir
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import button, column, row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GUIDE = "user-guide.md"
SIZE = QSize(118 * theme.UNIT, 84 * theme.UNIT)
LIST_WIDTH = 30 * theme.UNIT  # px
SECTION_LEVEL = 2  # of the headings that are listed


class GuideView(QTextBrowser):
    """A page of the documentation. Its links to other pages work as in the repository."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("User guide")
        self.setOpenLinks(False)
        self.setFont(theme.font())
        self.document().setDocumentMargin(theme.SECTION)
        self.anchorClicked.connect(self.follow)
        self.sourceChanged.connect(self._space_out)

    def open(self, page: Path) -> None:
        self.setSource(QUrl.fromLocalFile(str(page)), QTextDocument.ResourceType.MarkdownResource)

    def follow(self, link: QUrl) -> None:
        """Open a link: a page of the documentation here, an address in the browser."""
        target = self.source().resolved(link)
        if not target.isLocalFile():
            QDesktopServices.openUrl(target)
            return
        page = docs_dir() / target.toLocalFile()
        if page.suffix == ".md" and page.is_file():
            if page != docs_dir() / self.source().toLocalFile():
                self.open(page)
            self.show_section(target.fragment())

    def _space_out(self) -> None:
        """Put room between paragraphs, which the reader of Markdown leaves out."""
        cursor = QTextCursor(self.document())
        block = self.document().begin()
        while block.isValid():
            cursor.setPosition(block.position())
            margins = QTextBlockFormat()
            listed = block.textList() is not None
            margins.setTopMargin(theme.MARGIN if block.blockFormat().headingLevel() else 0)
            margins.setBottomMargin(theme.UNIT // 2 if listed else theme.UNIT)
            cursor.mergeBlockFormat(margins)
            block = block.next()

    def headings(self) -> Iterator[QTextBlock]:
        block = self.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel():
                yield block
            block = block.next()

    def show_section(self, name: str) -> None:
        """Scroll to a heading, by its text or by its anchor on a web page."""
        for block in self.headings():
            if name and name in (block.text(), re.sub(r"[^\w-]", "", block.text().lower().replace(" ", "-"))):
                place = self.document().documentLayout().blockBoundingRect(block).top()
                self.setTextCursor(QTextCursor(block))
                self.verticalScrollBar().setValue(round(place) - theme.UNIT)
                return

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Return a part of the page; a picture no wider than the text."""
        loaded = super().loadResource(kind, name)
        if kind != QTextDocument.ResourceType.ImageResource.value or isinstance(loaded, QImage):
            return loaded
        image = QImage(self.source().resolved(QUrl(name)).toLocalFile())
        room = max(self.viewport().width() - 2 * theme.SECTION, LIST_WIDTH)
        if image.width() <= room:
            return image
        return image.scaledToWidth(room, Qt.TransformationMode.SmoothTransformation)


class GuideDialog(QDialog):
    """Window with the user guide, which stays open beside the main window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("User guide")
        self.resize(SIZE)
        self.view = GuideView()
        self.sections = QListWidget()
        self.sections.setAccessibleName("Sections")
        self.sections.setFixedWidth(LIST_WIDTH)
        self.sections.setWordWrap(True)
        self.sections.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.sections.currentTextChanged.connect(self.view.show_section)
        self.back = button("Back", self.view.backward)
        self.back.setEnabled(False)
        self.view.backwardAvailable.connect(self.back.setEnabled)
        self.view.sourceChanged.connect(self._list_sections)
        close = button("Close", self.accept, role="primary")
        self.back.setAutoDefault(False)
        parts = row(spacing=theme.GAP)
        parts.addWidget(self.sections)
        parts.addWidget(self.view, 1)
        foot = row()
        foot.addWidget(self.back)
        foot.addStretch(1)
        foot.addWidget(close)
        layout = column(self, spacing=theme.MARGIN, margin=theme.MARGIN)
        layout.addLayout(parts, 1)
        layout.addLayout(foot)
        self.view.open(docs_dir() / GUIDE)
        self.view.setFocus()

    def _list_sections(self) -> None:
        with QSignalBlocker(self.sections):
            self.sections.clear()
            self.sections.addItems(
                [b.text() for b in self.view.headings() if b.blockFormat().headingLevel() == SECTION_LEVEL]
            )
