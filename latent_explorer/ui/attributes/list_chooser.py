# SPDX-License-Identifier: MIT
"""Button that chooses among the lists that searches found for a classifier and a class."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton

from latent_explorer.app.exploration.document import listed_set, lists_of, set_key
from latent_explorer.explain.attfind.plan import TITLES
from latent_explorer.ui.attributes.attribute_card import FIRST_LINE_HEIGHT, PIN_WIDTH
from latent_explorer.ui.style import icons
from latent_explorer.ui.widgets.basics import action_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.models.attributes import AttributeSet


class ListChooser(QToolButton):
    """Shown where there is more than one list."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self._explorer = explorer
        self.setProperty("role", "quiet")
        self.setIconSize(QSize(14, 14))
        self.setStyleSheet("QToolButton { min-width: 0; min-height: 0; padding: 0; border-radius: 4px; }")
        self.setFixedSize(PIN_WIDTH, FIRST_LINE_HEIGHT)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setMenu(QMenu(self))
        icons.set_icon(self, "down", "muted")
        self.hide()

    def refresh(self, class_names: Sequence[str]) -> None:
        """Offer the lists for the classifier and the class of the state."""
        state, summary, document = self._explorer.state, self._explorer.summary, self._explorer.document
        lists = lists_of(document, summary, state) if state and summary else []
        shown = listed_set(document, summary, state) if state and summary else None
        menu = self.menu()
        menu.clear()
        group = QActionGroup(menu)
        for each in lists:
            action = menu.addAction(action_text(list_title(each, class_names)))
            action.setCheckable(True)
            action.setChecked(each is shown)
            group.addAction(action)
            action.triggered.connect(partial(self._choose, each, list_title(each, class_names)))
        text = f"Choose among {len(lists)} lists of this class"
        self.setToolTip(text)
        self.setAccessibleName(text)
        self.setVisible(len(lists) > 1)

    def _choose(self, attribute_set: AttributeSet, text: str, _on: bool = False) -> None:
        document = self._explorer.document.with_listed(set_key(attribute_set))
        self._explorer.edit_document(document, f"the choice of the list: {text}")


def list_title(attribute_set: AttributeSet, class_names: Sequence[str]) -> str:
    """Return how a list was found, in a line: "AttFind, as a race: 250 pictures"."""
    method, settings = attribute_set.method, attribute_set.settings
    if method.endswith("-screened"):  # of older files: a share of the styles, chosen by their gradients
        way = "AttFind, screened"
    elif method.startswith("attfind"):
        way = TITLES["paper"] if "-paper" in method else TITLES["race" if method.endswith("-raced") else "every"]
    elif method.startswith("stylespace"):
        way = TITLES["signal" if "-signal" in method else "difference"]
    else:
        way = method
    parts = [f"{way}: {attribute_set.n:,} pictures"]
    if attribute_set.kappa != 1:
        parts.append(f"kappa {attribute_set.kappa:g}")
    if settings.get("effect") == "probability":
        parts.append("by probability")
    if "high_percentile" in settings:
        parts.append("to percentiles")
    if settings.get("torgb"):
        parts.append("with toRGB")
    if pair := pair_text(attribute_set, class_names):
        parts.append(pair)
    if not attribute_set.settled:
        parts.append("not settled")
    return ", ".join(parts)


def pair_text(attribute_set: AttributeSet, class_names: Sequence[str]) -> str:
    """Return "apple against cherry" for a list of two classes out of more, else ""."""
    pair = attribute_set.pair
    if pair is None or max(pair) >= len(class_names):
        return ""
    return f"{class_names[pair[0]]} against {class_names[pair[1]]}"
