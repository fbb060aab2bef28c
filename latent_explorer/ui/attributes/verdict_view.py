# SPDX-License-Identifier: MIT
"""Foot of the attributes panel: the verdict of the picture on the canvas, and what turns it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from PySide6.QtCore import QEasingCurve, QObject, QSize, Qt, QVariantAnimation, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QSizePolicy, QStyle, QWidget

from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.app.exploration.explanation import explanation
from latent_explorer.app.exploration.intents import SetEdits, SetTarget
from latent_explorer.app.exploration.picture_requests import classifier_of, resolve
from latent_explorer.app.exploration.state import attribute_amount, with_attribute
from latent_explorer.app.exploration.updates import (
    GestureEnded,
    MainPicture,
    Message,
    ModelOpened,
    StateChanged,
    TimelineFrame,
    TimelinePlaying,
    VerdictOffers,
)
from latent_explorer.app.verdict import VerdictTurner
from latent_explorer.ui.attributes.card_data import class_name
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import action_text, button, column, icon_button, plain, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QResizeEvent

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.app.exploration.updates import TurningSet
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import RenderResult
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.summary import ExplainerSummary

BETWEEN = "Between two pictures: the sliders work at the keyframes."
TURN_MS = 600  # ms that the sliders take to their ends
TURN = "Turn the verdict"
NOTHING_LISTED = "No attributes are known yet towards another class. Explain > Find attributes searches for them."
SEARCH_HELP = "Tries the styles whose gradient promises most for this picture; takes a second or two"


class VerdictView(QWidget):
    """Line about the verdict of the picture on the canvas, with a button for the next step."""

    turned = Signal(object)  # Attribute: the first that a click moves

    def __init__(self, explorer: Explorer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._explorer = explorer
        self._turner = VerdictTurner(explorer)
        self._mover = SliderMover(explorer, self)
        self._offers: VerdictOffers | None = None  # of the picture that was on the canvas when they came
        self._searching = False
        self._explaining = False  # the sentence was asked for, and follows with the offers
        self.text = plain("")
        self.text.setFont(theme.font(theme.SMALL))
        self.text.setWordWrap(True)
        self.text.setToolTip("As rendered for this picture")
        self.setAccessibleName("Verdict of this picture")
        self.turn = ElidedButton("Turn the verdict")
        self.turn.clicked.connect(lambda: self._turn(0))
        self.others = button("Other ways", lambda: None, role="quiet")
        self.others.setMenu(QMenu(self))
        self.others.setToolTip("Other sets of attributes that turn this picture")
        self.copy = icon_button("copy", "Copy what turns this picture, in a sentence", self.copy_sentence)
        self.search = button("Search all styles", self._search)
        self.search.setToolTip(SEARCH_HELP)
        self.other_class = ElidedButton("Show the attributes of another class")
        self.other_class.clicked.connect(self._show_other_class)
        line = row()
        line.addWidget(self.text, 1)
        line.addWidget(self.others)
        line.addWidget(self.copy)
        layout = column(self, spacing=theme.GAP // 2)
        layout.addLayout(line)
        for widget in (self.turn, self.search, self.other_class):
            layout.addWidget(widget)
        self.setMinimumHeight(2 * theme.CONTROL + theme.GAP // 2)
        for kind in (ModelOpened, StateChanged, MainPicture, TimelineFrame, TimelinePlaying, GestureEnded):
            explorer.updates.on(kind, lambda _update: self.refresh())
        explorer.updates.on(VerdictOffers, self._take)
        self.refresh()

    def _take(self, offers: VerdictOffers) -> None:
        self._offers, self._searching = offers, False
        self.refresh()

    def refresh(self) -> None:
        """Show what is known about the picture on the canvas; nothing while it is not that of the sliders."""
        buttons = (self.turn, self.others, self.copy, self.search, self.other_class)
        if any(each.hasFocus() for each in buttons):
            self.setFocus()  # a hidden button would send it to another panel
        for each in buttons:
            each.hide()
        state, summary, shown = self._explorer.state, self._explorer.summary, self._explorer.shown
        request = resolve(state, summary) if state and summary else None
        if not self._explorer.editable:
            self.text.setText(BETWEEN)
            return
        if state is None or summary is None or shown is None or shown.request != request:
            self.text.setText("")
            return
        target = state.target_class
        if target >= len(shown.result.after.probs):
            self.text.setText("")  # an imported generator may have no classifier
            return
        offers = self._offers
        if offers is not None and (offers.request, offers.target) != (request, target):
            offers = self._offers = None
            self._searching = False
        name = class_name(state, summary, target)
        if shown.result.after.verdict == target:
            self._show_is_target(shown.result, name, state, summary)
        elif offers is None or self._searching:
            self.text.setText("Trying what turns this picture …")
        elif offers.sets:
            self._show_sets(offers.sets, shown.result, name, target)
        else:
            self._show_none(offers, name)
        if self._explaining and offers is not None and not self._searching:
            self._explaining = False
            self._explorer.updates.emit(Message(self.sentence or self.text.text()))

    def explain(self) -> None:
        """Say in a sentence what turns the picture on the canvas: to another class, where it is of the target."""
        shown, state, summary = self._explorer.shown, self._explorer.state, self._explorer.summary
        if shown is None or state is None or summary is None or not self._explorer.editable:
            return
        if len(shown.result.after.probs) < 2:
            self._explorer.updates.emit(Message("This explainer holds no classifier whose verdict could be explained."))
            return
        self._explaining = True
        if shown.result.after.verdict == state.target_class:
            self._show_other_class()
        if not self._explorer.attributes():
            self._explaining = False
            self._explorer.updates.emit(Message(NOTHING_LISTED, "warning"))
            return
        self.refresh()

    @property
    def sentence(self) -> str:
        """What turns the picture on the canvas, in a sentence; "" while nothing is known to."""
        offers, shown = self._offers, self._explorer.shown
        state, summary = self._explorer.state, self._explorer.summary
        if offers is None or shown is None or state is None or summary is None or shown.request != offers.request:
            return ""
        classifier = classifier_of(state, summary)
        if not offers.sets or classifier is None:
            return ""
        names = [[self._explorer.document.name_of(a) for a in each.attributes] for each in offers.sets]
        return explanation(
            shown.result.after,
            offers.sets,
            offers.target,
            classifier.class_names,
            names,
            classifier=classifier.name,
            edited=bool(state.edits),
        )

    def copy_sentence(self) -> None:
        """Copy the sentence."""
        if sentence := self.sentence:
            QGuiApplication.clipboard().setText(sentence)
            self._explorer.updates.emit(Message(f"Copied: {sentence}"))

    def _show_is_target(self, result: RenderResult, name: str, state: ExplorerState, summary: ExplainerSummary) -> None:
        before = result.before.verdict
        if before != state.target_class:
            self.text.setText(f"Turned: {class_name(state, summary, before)} before, {name} now.")
            return
        self.text.setText(f"This picture is {name} already.")
        other = class_name(state, summary, next_class(result, state.target_class))
        self.other_class.set_text(f"Show what moves it towards {other}")
        self.other_class.show()

    def _show_sets(self, sets: Sequence[TurningSet], result: RenderResult, name: str, target: int) -> None:
        before, after = result.after.probs[target], sets[0].picture.probs[target]
        self.text.setText(f"{name} {before:.2f} → {after:.2f}")
        self.turn.set_text(f"{TURN}: {self._names(sets[0].attributes)}")
        self.turn.show()
        self.copy.show()
        count = len(sets) - 1
        self.others.setText(f"{count} other way{'' if count == 1 else 's'}")
        menu = self.others.menu()
        menu.clear()
        for place, each in enumerate(sets[1:], start=1):
            text = f"{self._names(each.attributes)}: {name} {each.picture.probs[target]:.2f}"
            menu.addAction(action_text(text), partial(self._turn, place))
        self.others.setVisible(count > 0)

    def _show_none(self, offers: VerdictOffers, name: str) -> None:
        if offers.everywhere:
            self.text.setText(f"Nor does any set tried of the {offers.tried} most promising styles.")
            return
        none = f"No set tried of these {offers.tried} attributes turns this picture to {name}."
        self.text.setText(none if offers.tried else f"No slider is left that could turn this picture to {name}.")
        self.search.show()

    def _names(self, attributes: Sequence[Attribute]) -> str:
        return " + ".join(self._explorer.document.name_of(a) for a in attributes)

    def _turn(self, place: int) -> None:
        """Move the sliders of an offered set to 1; those found among all styles become sliders of the user."""
        if self._offers is None or place >= len(self._offers.sets):
            return
        attributes = self._offers.sets[place].attributes
        listed = {attribute_key(a) for a in self._explorer.attributes()}
        document = self._explorer.document
        for attribute in attributes:
            if attribute_key(attribute) not in listed:
                document = document.with_slider(attribute)
        self._explorer.change_document(document)
        self._mover.move(attributes, f'"{TURN}: {self._names(attributes)}"')
        self.turned.emit(attributes[0])

    def _search(self) -> None:
        self._searching = True
        self._turner.search_everywhere()
        self.refresh()

    def _show_other_class(self) -> None:
        shown, state = self._explorer.shown, self._explorer.state
        if shown is not None and state is not None:
            self._explorer.apply(SetTarget(next_class(shown.result, state.target_class)))


def next_class(result: RenderResult, target: int) -> int:
    """Return the most probable class other than `target`."""
    logits = np.array(result.after.logits, dtype=float)
    logits[target] = -np.inf
    return int(logits.argmax())


class SliderMover(QObject):
    """Moves sliders to 1 in one step of undo, before the eyes of the user. Any other change of the picture ends it."""

    def __init__(self, explorer: Explorer, parent: QObject) -> None:
        super().__init__(parent)
        self._explorer = explorer
        self._start: ExplorerState | None = None
        self._reached: ExplorerState | None = None
        self._attributes: Sequence[Attribute] = ()
        self._label = ""
        self._animation = QVariantAnimation(self)
        self._animation.setStartValue(0.0)
        self._animation.setEndValue(1.0)
        self._animation.setEasingCurve(QEasingCurve.Type.InOutCubic)
        self._animation.valueChanged.connect(self._step)
        self._animation.finished.connect(explorer.end_gesture)

    def move(self, attributes: Sequence[Attribute], label: str) -> None:
        """Begin to move the attributes to 1; at once where the desktop asks for no animations."""
        self._animation.stop()
        self._start = self._reached = self._explorer.state
        self._attributes, self._label = attributes, label
        animated = QApplication.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) > 0
        self._animation.setDuration(TURN_MS if animated else 0)
        self._explorer.begin_gesture()
        self._animation.start()

    def _step(self, share: float) -> None:
        if self._start is None or self._explorer.state != self._reached:
            self._start = None
            self._animation.stop()
            return
        state = self._start
        for attribute in self._attributes:
            begun = attribute_amount(self._start, attribute)
            amount = 1.0 if share == 1.0 else begun + share * (1.0 - begun)
            state = msgspec.structs.replace(state, edits=with_attribute(state, attribute, amount))
        self._explorer.apply(SetEdits(state.edits, self._label))
        self._reached = self._explorer.state


class ElidedButton(QPushButton):
    """Button whose text is elided if it does not fit; the tooltip and the accessible name hold the whole of it."""

    def __init__(self, name: str) -> None:
        """`name` is the accessible name as long as there is no text."""
        super().__init__()
        self._text = ""
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_text(self, text: str) -> None:
        self._text = text
        self.setAccessibleName(text)
        self._elide()

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.CONTROL, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        room = self.width() - 3 * theme.GAP
        shown = self.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, room)
        self.setText(action_text(shown))
        self.setToolTip(self._text if shown != self._text else "")
