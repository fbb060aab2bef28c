# SPDX-License-Identifier: MIT
"""The dialog that exports a sheet for a paper: counterfactuals, a truncation sweep or a style-mixing grid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLineEdit

from latent_explorer.app.export.sheets import PSIS, SheetPlan
from latent_explorer.explain.recipe import SeedBase
from latent_explorer.ui.export.dialog_base import ExportDialog, PictureSourceFields
from latent_explorer.ui.widgets.number_box import parse_number

if TYPE_CHECKING:
    import numpy as np
    from PySide6.QtWidgets import QWidget

    from latent_explorer.app.export.controller import ExportController
    from latent_explorer.app.export.sheets import Kind

SENTENCE = (
    "Pictures in rows and columns with the classifier's probability below each, ready for a paper. "
    "Drop such a PNG on the window to get the sliders back."
)
KINDS: dict[Kind, str] = {
    "counterfactual": "Counterfactuals",
    "truncation": "Truncation sweep",
    "mixing": "Style mixing",
}
FORMATS = {".png": "PNG picture", ".pdf": "PDF with real text"}
MAX_ROWS, MAX_COLUMNS = 20, 12
PSI_LIMIT = 2.0


class ExportSheetDialog(ExportDialog):
    """Shows only the fields of the chosen kind."""

    def __init__(self, controller: ExportController, parent: QWidget | None = None) -> None:
        super().__init__(controller, "Export sheet", SENTENCE, parent)
        choices = controller.choices
        self.kind = self.add_choice("Sheet", KINDS, choices.sheet)
        self.pictures = PictureSourceFields(self, controller, MAX_ROWS)
        self.attributes = self.add_spin_box("Attributes", choices.sheet_attributes, 1, MAX_COLUMNS)
        self.together = self.add_check_box("And all of them together", True)
        self.psis = self._add_psis()
        last = controller.rows - 1
        self.columns = self.add_spin_box("Columns, starting at seed 0", 4, 1, MAX_COLUMNS)
        self.first = self.add_spin_box("First row", 0, 0, last)
        self.last = self.add_spin_box("Last row", max(0, last // 2), 0, last)
        self.format = self.add_choice("Format", FORMATS, choices.sheet_suffix)
        self.kind.currentIndexChanged.connect(self._kind_changed)
        self._kind_changed()
        self.finished.connect(lambda _result: controller.cancel_preview())

    def _add_psis(self) -> QLineEdit:
        field = QLineEdit(", ".join(f"{psi:g}" for psi in PSIS))
        field.setAccessibleName("Values of psi")
        field.setToolTip("Numbers separated by commas: 0 is the average picture, 1 is without truncation")
        field.textChanged.connect(self.changed)
        self.fields.addRow("Values of psi", field)
        return field

    @property
    def plan(self) -> SheetPlan:
        return SheetPlan(
            kind=self.kind.currentData(),
            bases=tuple(self.pictures.bases),
            attributes=self.attributes.count,
            together=self.together.isChecked(),
            psis=_numbers(self.psis.text()),
            others=tuple(SeedBase(seed) for seed in range(self.columns.count)),
            first=self.first.count,
            last=self.last.count,
        )

    @property
    def suffix(self) -> str:
        suffix: str = self.format.currentData()
        return suffix

    def accept(self) -> None:
        """Save the choices; the export starts when its file has a name."""
        self._controller.save_choices(
            sheet=self.kind.currentData(),
            sheet_suffix=self.suffix,
            sheet_attributes=self.attributes.count,
            **self.pictures.chosen(),
        )
        super().accept()

    def _kind_changed(self) -> None:
        kind = self.kind.currentData()
        fields_by_kind = {
            "counterfactual": (self.attributes, self.together),
            "truncation": (self.psis,),
            "mixing": (self.columns, self.first, self.last),
        }
        for name, fields in fields_by_kind.items():
            for field in fields:
                self.fields.setRowVisible(field, name == kind)
        self.changed()

    def update_preview(self) -> None:
        """Draw a small preview of the sheet."""
        problem = self._problem()
        self.set_problem(problem)
        if problem:
            self.more.setText("")
            return
        self._controller.preview_sheet(self.plan, self._show)

    def _problem(self) -> str:
        if self.kind.currentData() == "truncation" and not _numbers(self.psis.text()):
            return f"Write values of psi from 0 to {PSI_LIMIT:g} with commas between them, such as 0, 0.5, 1."
        if self.first.count > self.last.count:
            return "The first row of the latent is after the last one."
        return ""

    def _show(self, image: np.ndarray | None, problem: str) -> None:
        self.more.setText("")
        self.set_problem(problem)
        if image is not None:
            self.preview.show_image(image)
            height, width = image.shape[:2]
            self.facts.setText(f"{2 * width} \N{MULTIPLICATION SIGN} {2 * height} px as PNG")


def _numbers(text: str) -> tuple[float, ...]:
    """Parse a list of psi values; empty if any of them is invalid."""
    # Commas with a space behind them, or among points, separate; others are decimal: "0, 0,5" and "0,0.5".
    separators = r"[,;\s]+" if "." in text else r",?[;\s]+"
    parts = [part for part in re.split(separators, text.strip(" ,;")) if part]
    if len(parts) == 1 and parts[0].count(",") > 1:
        parts = parts[0].split(",")
    values = [parse_number(part) for part in parts]
    valid = tuple(psi for psi in values if psi is not None and 0 <= psi <= PSI_LIMIT)
    return valid if len(valid) == len(values) else ()
