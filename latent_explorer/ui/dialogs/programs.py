# SPDX-License-Identifier: MIT
"""Question whether the programs in an explainer may run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from latent_explorer.common.format import shortened

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from latent_explorer.models.summary import ExplainerSummary


def ask_to_run(summary: ExplainerSummary, parent: QWidget, run: Callable[[], None]) -> QMessageBox:
    """Ask whether the programs that were left out may run, and call `run` if so. The box does not block."""
    names = ", ".join(dict.fromkeys(f"{shortened(each.name)} ({each.kind})" for each in summary.left_out))
    box = QMessageBox(parent)
    box.setWindowTitle("Run the classifier?")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setIcon(QMessageBox.Icon.Question)
    box.setText(f"{shortened(summary.name)} contains a program made by someone else: its classifier {names}.")
    box.setInformativeText(
        "It is open without the classifier. A program is code: run it only if you trust where the file comes from. It "
        "runs in a separate process, which on a recent Linux can neither open your files nor use the network."
    )
    accepted = box.addButton("Run it", QMessageBox.ButtonRole.AcceptRole)
    kept = box.addButton("Keep it open without the classifier", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(kept)
    box.setEscapeButton(kept)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.buttonClicked.connect(lambda clicked: run() if clicked is accepted else None)
    box.open()
    return box
