# SPDX-License-Identifier: MIT
"""Row that selects the classifier; visible only if the file has several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from latent_explorer.app.exploration.intents import SetClassifier
from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.ui.widgets.basics import NoWheelComboBox, hint, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.models.summary import ClassifierSummary, ExplainerSummary

HELP = (
    "The classifier whose verdict is shown. Another one can judge the same pictures; "
    "the class given to the generator does not change."
)


class ClassifierSelector(QWidget):
    """Combo box of classifiers. A new selection keeps the target class if the classifier has one of that name."""

    intent_emitted = Signal(object)  # SetClassifier

    def __init__(self) -> None:
        super().__init__()
        self._state: ExplorerState | None = None
        self._summary: ExplainerSummary | None = None
        self.choice = NoWheelComboBox("Classifier whose verdict is shown")
        self.choice.activated.connect(self._on_chosen)
        line = row(self)
        line.addWidget(hint("Classifier", wrap=False))
        line.addWidget(self.choice, 1)
        self.hide()

    def show_state(self, state: ExplorerState | None, summary: ExplainerSummary | None) -> None:
        """List the model's classifiers without emitting signals."""
        self._state, self._summary = state, summary
        several = summary.classifiers if summary and len(summary.classifiers) > 1 else ()
        self.choice.clear()
        for index, each in enumerate(several):
            self.choice.addItem(classifier_label(each, several), each.classifier_id)
            self.choice.setItemData(index, details_of(each), Qt.ItemDataRole.ToolTipRole)
        self.choice.setCurrentIndex(self.choice.findData(state.classifier_id if state else ""))
        index = self.choice.currentIndex()
        now = f"\n\n{details_of(several[index])}" if 0 <= index < len(several) else ""
        self.choice.setToolTip(HELP + now)
        self.setVisible(bool(several))

    def _on_chosen(self, index: int) -> None:
        if self._state is None or self._summary is None:
            return
        classifier = self._summary.classifiers[index]
        if classifier.classifier_id != self._state.classifier_id:
            self.intent_emitted.emit(SetClassifier(classifier.classifier_id, self._same_class(classifier)))

    def _same_class(self, classifier: ClassifierSummary) -> int:
        assert self._state is not None
        assert self._summary is not None
        now = classifier_of(self._state, self._summary)
        names = now.class_names if now else ()
        target = self._state.target_class
        name = names[target] if 0 <= target < len(names) else ""
        return classifier.class_names.index(name) if name in classifier.class_names else 0


def classifier_label(classifier: ClassifierSummary, among: Sequence[ClassifierSummary]) -> str:
    """Return the name and special input of a classifier, with the hash only if two have the same name."""
    name = classifier.name
    if [c.name for c in among].count(name) > 1:
        name += f" {classifier.classifier_id[:8]}"
    return f"{name} · outer {classifier.frame_only} px" if classifier.frame_only else name


def details_of(classifier: ClassifierSummary) -> str:
    """Return the name, hash and input of a classifier, for the tooltip."""
    text = f"{classifier.name}, {classifier.classifier_id[:16]}"
    if classifier.frame_only:
        text += f"\nIt sees the outer {classifier.frame_only} px of its input alone, the rest is black."
    return text
