# SPDX-License-Identifier: MIT
"""Dialog that adds a slider for any style coordinate: search, layer, table of observed ranges, pin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QCheckBox, QDialog, QHeaderView, QLineEdit, QTableView, QWidget

from latent_explorer.common.format import number_text, shortened
from latent_explorer.common.glossary import meaning
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import OF_MODEL, NoWheelComboBox, button, column, hint, row, tip

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from latent_explorer.models.architecture import StyleLayer, StyleLayout
    from latent_explorer.models.summary import ExplainerSummary

    Index = QModelIndex | QPersistentModelIndex

COLUMNS = ("Style", "Name", "Layer", "Resolution", "Channel", "Seen from", "to", "")
WIDTHS = (56, 152, 96, 88, 72, 88, 72)  # px; the last column takes the rest
NUMBERS = (5, 6)  # columns that align right
EXAMPLES = "Try a name (brown), a number (214), a layer and a channel (b16.conv1 30), or a resolution (64 px)."

_RESOLUTION = re.compile(r"\b(\d+)\s*px\b")
_LAYER = re.compile(r"\b(b\d+(?:\.\w*)?|conv\d)", re.ASCII)
_WORDS = re.compile(r"\b(style|channel|layer|number|no)\b")
_NUMBER = re.compile(r"\d+")


class StyleTableModel(QAbstractTableModel):
    """Table model of the coordinates found, one per row."""

    def __init__(self, summary: ExplainerSummary, listed: Collection[int], names: Mapping[int, str]) -> None:
        super().__init__()
        self._summary = summary
        self._names = names
        self._listed = set(listed)
        self._style_indices: Sequence[int] = ()

    def show(self, style_indices: Sequence[int]) -> None:
        """Show these style indices as the rows."""
        self.beginResetModel()
        self._style_indices = style_indices
        self.endResetModel()

    def mark(self, style_index: int) -> None:
        """Mark a coordinate as having a slider."""
        self._listed.add(style_index)
        last = self.index(self.rowCount() - 1, len(COLUMNS) - 1)
        self.dataChanged.emit(self.index(0, 0), last)

    def style_index(self, place: int) -> int:
        return self._style_indices[place]

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._style_indices)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return _alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        style_index = self._style_indices[index.row()]
        layer, channel = self._summary.layout.at(style_index)
        stats = self._summary.style_stats
        cells = (
            str(style_index),
            shortened(self._names.get(style_index, "")),
            layer.name,
            f"{layer.resolution} px",
            str(channel),
            number_text(float(stats.minimum[style_index])) if stats else "–",
            number_text(float(stats.maximum[style_index])) if stats else "–",
            "in the list" if style_index in self._listed else "",
        )
        return cells[index.column()]


def _alignment(section: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if section in NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


class AddSliderDialog(QDialog):
    """Dialog that stays open after adding a slider, for trying several in a row."""

    chosen = Signal(int, bool)  # style_index, pin to the top

    def __init__(
        self,
        summary: ExplainerSummary,
        listed: Collection[int],
        parent: QWidget | None = None,
        *,
        names: Mapping[int, str] | None = None,
    ) -> None:
        """`listed` are the style indices that have a slider, `names` those of the attributes by style index."""
        super().__init__(parent)
        self.setProperty(OF_MODEL, True)
        self._summary = summary
        self._names = names or {}
        self.setWindowTitle("Add slider")
        self.search = QLineEdit()
        self.layer = NoWheelComboBox("Layer")
        self.model = StyleTableModel(summary, listed, self._names)
        self.table = QTableView()
        self.count = hint("", wrap=False)
        self.pin = QCheckBox("Pin to the top")
        self.add = button("Add slider", self._add, role="primary")
        self.close_button = button("Close", self.reject)
        self._set_up_search()
        self._set_up_table()
        self._build()
        self._find()
        self.resize(760, 440)
        self.search.setFocus()

    def _set_up_search(self) -> None:
        self.search.setPlaceholderText("Name, style number, layer and channel, or resolution")
        self.search.setAccessibleName("Search style coordinates")
        self.search.setClearButtonEnabled(True)
        self.layer.addItem("All layers", "")
        for layer in self._summary.layout.conv_layers:
            self.layer.addItem(f"{layer.name}, {layer.resolution} px", layer.name)
        self.layer.setMinimumContentsLength(18)
        self.search.textChanged.connect(self._find)
        self.layer.currentIndexChanged.connect(self._find)

    def _set_up_table(self) -> None:
        table = self.table
        table.setModel(self.model)
        table.setAccessibleName("Style coordinates")
        table.setFont(theme.font())
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setShowGrid(False)
        table.setFrameShape(QTableView.Shape.NoFrame)
        table.setTabKeyNavigation(False)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(theme.CONTROL)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        for section, width in enumerate(WIDTHS):
            table.setColumnWidth(section, width)
        table.selectionModel().selectionChanged.connect(self._on_selection)
        table.doubleClicked.connect(self._add)

    def _build(self) -> None:
        layout = column(self, spacing=theme.GAP, margin=theme.MARGIN)
        top = row()
        top.addWidget(self.search, 1)
        top.addWidget(self.layer)
        layout.addLayout(top)
        examples = hint(EXAMPLES)
        layout.addWidget(examples)
        for part in (examples, self.table.horizontalHeader()):
            part.setToolTip(tip(meaning("style coordinate")))
        layout.addWidget(self.table, 1)
        bottom = row()
        bottom.addWidget(self.count, 1)
        bottom.addWidget(self.pin)
        bottom.addSpacing(theme.GAP)
        bottom.addWidget(self.close_button)
        bottom.addWidget(self.add)
        layout.addLayout(bottom)
        self.add.setDefault(True)
        self.close_button.setAutoDefault(False)

    def _find(self) -> None:
        text, layer = self.search.text(), self.layer.currentData() or ""
        style_indices = find_styles(self._summary.layout, text, layer)
        style_indices += [i for i in find_names(self._names, text) if i not in style_indices and self._is_in(i, layer)]
        self.model.show(style_indices)
        total = self._summary.layout.num_styles
        self.count.setText(f"{len(style_indices):,} of {total:,}" if style_indices else "Nothing fits this search")
        if style_indices:
            self.table.selectRow(0)
        self._on_selection()

    def _is_in(self, style_index: int, layer: str) -> bool:
        return layer in ("", self._summary.layout.at(style_index)[0].name)

    def _on_selection(self) -> None:
        self.add.setEnabled(self.selected is not None)

    @property
    def selected(self) -> int | None:
        rows = self.table.selectionModel().selectedRows()
        return self.model.style_index(rows[0].row()) if rows else None

    def _add(self) -> None:
        style_index = self.selected
        if style_index is None:
            return
        self.chosen.emit(style_index, self.pin.isChecked())
        self.model.mark(style_index)


def find_names(names: Mapping[int, str], text: str) -> list[int]:
    """Return the style indices whose name holds every word of `text`, in order; none for an empty text."""
    words = text.casefold().split()
    return [i for i, name in sorted(names.items()) if words and all(word in name.casefold() for word in words)]


def find_styles(layout: StyleLayout, text: str, layer: str = "") -> list[int]:
    """Return the style indices that match `text`, within `layer` if given; all of them for an empty text.

    A number alone is a style index. It is a channel if the text also names a layer or a resolution
    ("b16.conv1 30", "64 px 3") or contains "channel". The list is empty if nothing matches.
    """
    rest = " ".join(text.lower().replace(",", " ").split())
    wants_channel = "channel" in rest or bool(layer)
    rest = _WORDS.sub(" ", rest)
    sizes = {int(text) for text in _RESOLUTION.findall(rest)}
    rest = _RESOLUTION.sub(" ", rest)
    names = _LAYER.findall(rest)
    rest = _LAYER.sub(" ", rest)
    numbers = [int(text) for text in _NUMBER.findall(rest)]
    if _NUMBER.sub(" ", rest).strip() or len(numbers) > 1:
        return []
    layers = [
        (start, each)
        for start, each in zip(layout.starts, layout.conv_layers, strict=False)  # without toRGB
        if _fits(each, sizes, names) and layer in ("", each.name)
    ]
    if not numbers:
        return [start + channel for start, each in layers for channel in range(each.channels)]
    number = numbers[0]
    if sizes or names or wants_channel:
        return [start + number for start, each in layers if number < each.channels]
    return [number] if number < layout.num_styles else []


def _fits(layer: StyleLayer, sizes: set[int], names: list[str]) -> bool:
    """Return True if `layer` matches; a name with a dot may be incomplete ("b16.co") while it is being typed."""
    if sizes and layer.resolution not in sizes:
        return False
    parts = layer.name.split(".")
    return all(layer.name.startswith(n) if "." in n else n in parts for n in names)
