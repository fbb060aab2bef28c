# SPDX-License-Identifier: MIT
"""The documentation in a window beside the main one: its pages, a list of their sections, and a search of all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer, QUrl
from PySide6.QtGui import (
    QDesktopServices,
    QImage,
    QKeySequence,
    QShortcut,
    QTextBlock,
    QTextBlockFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QTextBrowser,
    QTextEdit,
    QWidget,
)

from latent_explorer.common.paths import docs_dir
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import NoWheelComboBox, button, column, hint, row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GUIDE, GLOSSARY = "user-guide.md", "glossary.md"
PAGES = {  # in the order of the list; all of docs/
    GUIDE: "User guide",
    GLOSSARY: "Glossary",
    "journey.md": "Two minutes of pictures",
    "training.md": "Training",
    "own-models.md": "Your own models",
    "how-it-works.md": "How it works",
    "results.md": "Results",
    "file-formats.md": "File formats",
    "python.md": "Python",
    "hostile-files.md": "Files from strangers",
    "scaling.md": "Many cores and cards",
}
MIN_SEARCH = 2  # letters
TYPING_MS = 200  # ms without another letter until the words are searched
SIZE = QSize(118 * theme.UNIT, 84 * theme.UNIT)
LIST_WIDTH = 30 * theme.UNIT  # px
SECTION_LEVEL = 2  # of the headings that are listed


class GuideView(QTextBrowser):
    """A page of the documentation. Its links to other pages work as in the repository."""

    def __init__(self) -> None:
        super().__init__()
        self._pictures: dict[tuple[str, int], QImage] = {}  # by file and width: a search turns pages back and forth
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
        cursor.beginEditBlock()  # laid out once: a page of many tables took ten seconds
        while block.isValid():
            cursor.setPosition(block.position())
            margins = QTextBlockFormat()
            listed = block.textList() is not None
            margins.setTopMargin(theme.MARGIN if block.blockFormat().headingLevel() else 0)
            margins.setBottomMargin(theme.UNIT // 2 if listed else theme.UNIT)
            margins.setNonBreakableLines(False)  # commands are broken, too, in place of a page that scrolls sideways
            cursor.mergeBlockFormat(margins)
            block = block.next()
        cursor.endEditBlock()

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

    def mark(self, words: str) -> None:
        """Mark every place of `words` on the page, and scroll to the first one behind the cursor; "" marks none."""
        marks = []
        cursor = self.document().find(words) if words else QTextCursor()
        while not cursor.isNull():
            each = QTextEdit.ExtraSelection()
            each.cursor = cursor
            each.format.setBackground(theme.current().color("accent", 0.3))
            marks.append(each)
            cursor = self.document().find(words, cursor)
        self.setExtraSelections(marks)
        at = self.textCursor().position()
        if behind := [each.cursor for each in marks if each.cursor.selectionStart() >= at]:
            shown = QTextCursor(behind[0])
            shown.clearSelection()
            self.setTextCursor(shown)

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Return a part of the page; a picture no wider than the text."""
        loaded = super().loadResource(kind, name)
        if kind != QTextDocument.ResourceType.ImageResource.value or isinstance(loaded, QImage):
            return loaded
        file = self.source().resolved(QUrl(name)).toLocalFile()
        room = max(self.viewport().width() - 2 * theme.SECTION, LIST_WIDTH)
        if (file, room) not in self._pictures:
            image = QImage(file)
            if image.width() > room:
                image = image.scaledToWidth(room, Qt.TransformationMode.SmoothTransformation)
            self._pictures[file, room] = image
        return self._pictures[file, room]


@dataclass(frozen=True)
class Found:
    """Section in which the words were found; `section` is "" above the first heading."""

    page: str  # file
    section: str


@cache
def _sections() -> tuple[tuple[Found, str], ...]:
    """Return every section of every page with its text in small letters."""
    found = []
    for page in PAGES:
        text = (docs_dir() / page).read_text(encoding="utf-8") if (docs_dir() / page).is_file() else ""
        for place, part in enumerate(re.split(r"(?m)^#{2,3} ", text)):
            heading = part.partition("\n")[0].strip() if place else ""
            found.append((Found(page, heading), " ".join(part.casefold().split())))
    return tuple(found)


def search(words: str) -> list[Found]:
    """Return the sections of all pages that hold `words`, those that are named after them first."""
    wanted = " ".join(words.casefold().split())
    if len(wanted) < MIN_SEARCH:
        return []
    found = [each for each, text in _sections() if wanted in text]
    return sorted(found, key=lambda each: wanted not in each.section.casefold())


class GuideDialog(QDialog):
    """Window with the documentation, which stays open beside the main window."""

    def __init__(self, parent: QWidget | None = None, page: str = GUIDE) -> None:
        super().__init__(parent)
        self.setWindowTitle("User guide")
        self.resize(SIZE)
        self.view = GuideView()
        self.page = NoWheelComboBox("Page")
        for file, name in PAGES.items():
            self.page.addItem(name, file)
        self.page.activated.connect(lambda _index: self.show_page(self.page.currentData()))
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search all pages (Ctrl+F)")
        self.search.setAccessibleName("Search all pages")
        self.search.setClearButtonEnabled(True)
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(lambda: self._find(self.search.text()))
        self.search.textChanged.connect(lambda _text: self._typing.start())
        self.search.returnPressed.connect(lambda: self._go_on(1))
        self.sections, self.hits = _list("Sections"), _list("Sections with the words")
        self.sections.currentTextChanged.connect(self.view.show_section)
        self.hits.currentItemChanged.connect(self._show_hit)
        self.none = hint("No page has these words.")
        self.back = button("Back", self.view.backward)
        self.back.setEnabled(False)
        self.back.setAutoDefault(False)
        self.view.backwardAvailable.connect(self.back.setEnabled)
        self.view.sourceChanged.connect(self._show_source)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self, self._start_search)
        self._lay_out()
        self.view.open(docs_dir() / page)
        self.view.setFocus()

    def _lay_out(self) -> None:
        self._lists = QStackedWidget()
        for each in (self.sections, self.hits, self.none):
            self._lists.addWidget(each)
        self.none.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        left = column()
        for part in (self.page, self.search, self._lists):
            part.setFixedWidth(LIST_WIDTH)
            left.addWidget(part)
        close = button("Close", self.accept, role="primary")
        close.setAutoDefault(False)  # Enter in the search goes to the next place
        parts = row(spacing=theme.GAP)
        parts.addLayout(left)
        parts.addWidget(self.view, 1)
        foot = row()
        foot.addWidget(self.back)
        foot.addStretch(1)
        foot.addWidget(close)
        layout = column(self, spacing=theme.MARGIN, margin=theme.MARGIN)
        layout.addLayout(parts, 1)
        layout.addLayout(foot)

    def show_page(self, file: str) -> None:
        """Show a page of `PAGES`, and bring the window to the front."""
        if self.view.source().fileName() != file:
            self.view.open(docs_dir() / file)
        self.raise_()
        self.activateWindow()

    def _show_source(self, source: QUrl) -> None:
        """List the sections of the page that is shown. `view.source()` is still the page before."""
        self.page.setCurrentIndex(self.page.findData(source.fileName()))
        with QSignalBlocker(self.sections):
            self.sections.clear()
            self.sections.addItems(
                [b.text() for b in self.view.headings() if b.blockFormat().headingLevel() == SECTION_LEVEL]
            )

    def _start_search(self) -> None:
        self.search.setFocus()
        self.search.selectAll()

    def _find(self, words: str) -> None:
        """List the sections with the words in the place of those of the page, and show the first."""
        found = search(words)
        with QSignalBlocker(self.hits):
            self.hits.clear()
            for each in found:
                name = PAGES[each.page]
                item = QListWidgetItem(f"{each.section}\n{name}" if each.section else name)
                item.setData(Qt.ItemDataRole.UserRole, each)
                self.hits.addItem(item)
        searched = len(" ".join(words.split())) >= MIN_SEARCH
        self._lists.setCurrentWidget((self.hits if found else self.none) if searched else self.sections)
        if found:
            self.hits.setCurrentRow(0)
        else:
            self.view.mark("")

    def _go_on(self, by: int) -> None:
        if self.hits.count():
            self.hits.setCurrentRow((self.hits.currentRow() + by) % self.hits.count())

    def _show_hit(self, item: QListWidgetItem | None, _before: QListWidgetItem | None = None) -> None:
        if item is None:
            return
        found: Found = item.data(Qt.ItemDataRole.UserRole)
        if self.view.source().fileName() != found.page:
            self.view.open(docs_dir() / found.page)
        if found.section:
            self.view.show_section(found.section)
        else:
            self.view.moveCursor(QTextCursor.MoveOperation.Start)
        self.view.mark(" ".join(self.search.text().split()))


def _list(name: str) -> QListWidget:
    made = QListWidget()
    made.setAccessibleName(name)
    made.setWordWrap(True)
    made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return made
