# SPDX-License-Identifier: MIT
"""Scrolling list of attribute cards, and the names of those that are hidden below them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QFrame, QMenu, QScrollArea, QVBoxLayout, QWidget

from latent_explorer.app.ends import EndsRenderer
from latent_explorer.app.exploration.document import attribute_key, can_merge
from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.exploration.looks import look_alikes
from latent_explorer.app.exploration.picture_requests import resolve
from latent_explorer.app.exploration.updates import AttributeEnds, HoverPicture, ModelOpened, OwnEffects, StateChanged
from latent_explorer.app.own_effects import OwnEffectMeter
from latent_explorer.explain.likeness import ALIKE
from latent_explorer.ui.attributes.attribute_card import FIRST_LINE_HEIGHT, AttributeCard
from latent_explorer.ui.attributes.card_data import class_name, fold_text, likeness_text
from latent_explorer.ui.attributes.direction_list import DirectionList
from latent_explorer.ui.attributes.list_chooser import ListChooser
from latent_explorer.ui.attributes.note_dialog import NoteDialog
from latent_explorer.ui.attributes.range_preview import RangePreviewPopup
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import ElidedLabel, action_text, button, column, open_dialog, row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PySide6.QtGui import QHideEvent

    from latent_explorer.app.effects import Likeness
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Picture
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.ui.attributes.card_data import CardRow

FIRST_CARDS, MORE_CARDS = 12, 4  # made at once, and at a time while scrolling: making one takes up to 16 ms
HOVER_DELAY_MS = 350  # ms that the mouse rests on a card before its two pictures are requested
FEWEST_SHOWN = 3  # cards that faint ones are shown for
FOLD_HELP = (
    "Faint: at amount 1 they change the probability of this class by less than 0.05 on average, "
    "measured on up to 48 pictures of other classes"
)


class AttributeList(QScrollArea):
    """List of cards that are reused between updates, so that focus and a drag in progress survive.

    A card takes milliseconds to make, and a file may hold a thousand attributes: cards are made as they are seen.
    """

    more_wanted = Signal()  # `wanted` has grown
    real_pictures_wanted = Signal(object)  # Attribute: what real pictures say of it

    def __init__(self, explorer: Explorer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._explorer = explorer
        self.wanted = FIRST_CARDS  # rows to be shown with `show_rows`
        self._total = 0  # rows that there are
        self._revealed = ""  # key of a card to scroll to as soon as it is made
        self._cards: dict[str, AttributeCard] = {}
        self._attributes: dict[str, Attribute] = {}
        self._likenesses: Mapping[tuple[str, str], Likeness] = {}
        self._marked: list[str] = []  # keys of the cards that were judged last
        self._now: Picture | None = None  # whose ends came last
        self._previewed = self._waiting = (
            ""  # keys of the attribute whose ends are shown, and of the card under the mouse
        )
        self.popup: RangePreviewPopup | None = None
        self._page = QWidget()
        self._page.setProperty("role", "page")
        self.directions = DirectionList(explorer)
        self.info = ElidedLabel()  # on the origin of the cards
        self.info.setContentsMargins(0, theme.GAP // 2, 0, 2)
        self._column = self._built_page()
        self._folded: set[str] = set()  # keys of the cards that are put away while the list is folded
        self._unfolded = False
        self.fold = button("", self._toggle_fold, role="quiet")
        self.hidden = button("", lambda: None, role="quiet")  # opens the list of what a person hid
        self._build_foot()
        self.setWidget(self._page)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Attributes")
        self._timer = QTimer(self, singleShot=True, interval=HOVER_DELAY_MS)
        self._timer.timeout.connect(self._on_rest)
        self._growth = QTimer(self, singleShot=True, interval=0)
        self._growth.timeout.connect(self._grow)
        self._renderer = EndsRenderer(explorer)
        self._own_effects = OwnEffectMeter(explorer)
        self._connect()

    def _built_page(self) -> QVBoxLayout:
        """Return the layout of the cards, below the directions and where the cards come from."""
        self.search = button("Search...", lambda: None, role="quiet")
        self.search.setToolTip("Search for attributes anew, by another method, other classes or on more pictures")
        self.search.setStyleSheet("QPushButton { min-width: 0; min-height: 0; padding: 0 4px; border-radius: 4px; }")
        self.search.setFixedHeight(FIRST_LINE_HEIGHT)
        self.chooser = ListChooser(self._explorer)
        page, cards = column(self._page, spacing=0), column(spacing=0)
        page.addWidget(self.directions)
        line = row(spacing=theme.GAP // 2)
        line.addWidget(self.info, 1)
        line.addWidget(self.chooser)
        line.addWidget(self.search)
        page.addLayout(line)
        page.addLayout(cards)
        return cards

    def _build_foot(self) -> None:
        """Put what is folded away or hidden below the cards."""
        self.fold.setToolTip(FOLD_HELP)
        self.hidden.setMenu(QMenu(self.hidden))
        self.hidden.setToolTip("Attributes that you hid; choose one to list it again")
        for line in (self.fold, self.hidden):
            line.hide()
            self._column.addWidget(line)
        self._column.addStretch(1)

    def _connect(self) -> None:
        bar, explorer = self.verticalScrollBar(), self._explorer
        self.directions.changed.connect(self._order_stops)
        bar.valueChanged.connect(self.hide_preview)
        bar.valueChanged.connect(self._growth.start)
        bar.rangeChanged.connect(self._growth.start)
        explorer.updates.on(HoverPicture, self._show_end)
        explorer.updates.on(AttributeEnds, self._take_ends)
        explorer.updates.on(OwnEffects, self._take_own)
        explorer.updates.on(ModelOpened, self._begin_anew)
        explorer.updates.on(StateChanged, self._on_state)

    @property
    def cards(self) -> list[AttributeCard]:
        """Cards from top to bottom."""
        return list(self._cards.values())

    def card(self, attribute: Attribute) -> AttributeCard:
        return self._cards[attribute_key(attribute)]

    def reveal(self, attribute: Attribute) -> None:
        """Scroll to a card and give its slider the focus, as soon as it is made."""
        card = self._cards.get(attribute_key(attribute))
        if card is None:
            self._revealed = attribute_key(attribute)
            self._growth.start()
        else:
            self._revealed = ""
            if attribute_key(attribute) in self._folded:
                self._unfolded = True
                self._show_fold()
            self._page.adjustSize()  # a new card has no position yet
            self.ensureWidgetVisible(card)
            card.slider.setFocus(Qt.FocusReason.OtherFocusReason)

    def _begin_anew(self, _update: ModelOpened | StateChanged) -> None:
        self.wanted, self._revealed = FIRST_CARDS, ""
        self._unfolded = False

    def _on_state(self, update: StateChanged) -> None:
        """Begin anew when another list is shown; dim the ends until those of this picture are there."""
        old, new, summary = update.old, update.new, self._explorer.summary
        if summary is not None and resolve(old, summary) != resolve(new, summary):
            for card in self._cards.values():
                card.ends.set_stale()
                card.effect.set_stale()
        if (old.classifier_id, old.target_class) != (new.classifier_id, new.target_class):
            self._begin_anew(update)

    def _grow(self) -> None:
        """Ask for a few more rows if the end of those there are comes into view, or one below them was asked for."""
        if self._revealed in self._cards:  # only now has it a place
            self.reveal(self._attributes[self._revealed])
        bar = self.verticalScrollBar()
        near = self.isVisible() and bar.maximum() - bar.value() < self.viewport().height()
        if len(self._cards) < self._total and (near or self._revealed):
            self.wanted = len(self._cards) + MORE_CARDS
            self.more_wanted.emit()
            self._growth.start()

    def show_rows(self, rows: Sequence[CardRow], total: int, *, fold: bool = True) -> None:
        """Show exactly these rows, the first of `total`, in this order, without emitting signals.

        What is faint or at its end is put away under one line; without `fold` what is put away stays as it is.
        """
        self._total = total
        self._growth.start()
        keys = [attribute_key(row.attribute) for row in rows]
        self._attributes = dict(zip(keys, (row.attribute for row in rows), strict=True))
        if keys != list(self._cards):
            self._arrange(keys)
        for key, each in zip(keys, rows, strict=True):
            self._cards[key].set_card_data(each.card_data)
        if fold and not any(card.slider.dragging for card in self.cards):
            self._fold([key for key, each in zip(keys, rows, strict=True) if each.card_data.can_fold])

    def show_hidden(self, attributes: Sequence[Attribute]) -> None:
        """Show how many attributes are hidden, with a menu that lists them again."""
        menu, edit = self.hidden.menu(), self._explorer.edit_document
        menu.clear()
        for each in attributes:
            name = self._explorer.document.name_of(each)
            action = menu.addAction(f"Show {action_text(name)}")
            label = f'showing "{name}"'
            action.triggered.connect(
                lambda _on=False, a=each, label=label: edit(self._explorer.document.with_hidden(a, False), label)
            )
        if len(attributes) > 1:
            menu.addSeparator()
            menu.addAction("Show all", lambda: edit(self._explorer.document.without_hidden(attributes), "showing all"))
        self.hidden.setText(f"{len(attributes)} hidden")
        self.hidden.setAccessibleName(f"{len(attributes)} hidden attributes; opens their list")
        self.hidden.setVisible(bool(attributes))

    def _fold(self, keys: Sequence[str]) -> None:
        """Put cards away; if nothing but faint ones would be left, the first of them stay."""
        left = len(self._cards) - len(keys)
        faint = [key for key in keys if (data := self._cards[key].card_data) and not data.dead]
        self._folded = set(keys) - set(faint[: max(FEWEST_SHOWN - left, 0)])
        self._show_fold()

    def _toggle_fold(self) -> None:
        self._unfolded = not self._unfolded
        self._show_fold()

    def _show_fold(self) -> None:
        self._folded &= self._cards.keys()
        for key, card in self._cards.items():
            card.setVisible(self._unfolded or key not in self._folded)
        folded = [data for key in self._cards if key in self._folded and (data := self._cards[key].card_data)]
        self.fold.setText("Show fewer" if self._unfolded else fold_text(folded))
        self.fold.setAccessibleName(self.fold.text())
        self.fold.setVisible(bool(folded))
        visible = [a for key, a in self._attributes.items() if self._unfolded or key not in self._folded]
        self._own_effects.show(visible)
        self._renderer.show(visible)

    def _take_own(self, update: OwnEffects) -> None:
        for key, effect in update.effects.items():
            data = self._cards[key].card_data if key in self._cards else None
            if data is not None and not data.against:  # on a scale of logits
                self._cards[key].effect.set_own(effect, exact=update.exact)

    def _take_ends(self, update: AttributeEnds) -> None:
        """Show both ends on the card, and mark what looks much like a card above it."""
        state, summary, card = (
            self._explorer.state,
            self._explorer.summary,
            self._cards.get(attribute_key(update.attribute)),
        )
        if state is None or summary is None or card is None:
            return
        card.ends.set_ends(update, class_name(state, summary, state.target_class), state.target_class)
        self._now = update.now
        self._mark_alike()

    def show_likenesses(self, likenesses: Mapping[tuple[str, str], Likeness]) -> None:
        """Mark cards that look like one above them on many pictures, where that was measured."""
        if likenesses != self._likenesses or list(self._cards) != self._marked:
            self._likenesses = dict(likenesses)
            self._mark_alike()

    def _mark_alike(self) -> None:
        """Mark what looks much like a card above it: on many pictures if that is known, else on this one."""
        self._marked = list(self._cards)
        on_many = {key for pair in self._likenesses for key in pair}
        known = {key: c.ends.ends for key, c in self._cards.items() if c.ends.ends is not None}
        same = {key: ends.plus.image for key, ends in known.items() if ends.now is self._now}
        on_this = look_alikes(self._now.image, same) if self._now is not None else {}
        for place, (key, card) in enumerate(self._cards.items()):
            alike, details = on_this.get(key, ""), ""
            if key in on_many:
                above = list(self._cards)[:place]
                found = {other: self._likenesses[key, other] for other in above if (key, other) in self._likenesses}
                alike = max(found, key=lambda other: found[other].cosine, default="")
                if alike and found[alike].cosine < ALIKE:
                    alike = ""
                details = likeness_text(found[alike]) if alike else ""
            card.ends.set_alike(self._cards[alike].name.text if alike else "", details)
            mergeable = alike != "" and can_merge(self._attributes[key], self._attributes[alike])
            card.merge_with = alike if mergeable else ""

    def set_editable(self, on: bool) -> None:
        """Grey the cards unless `on`; the list can still be scrolled, and keeps a focus that was inside."""
        if on != self._page.isEnabled():
            if not on and self._page.isAncestorOf(QApplication.focusWidget() or self):
                self.setFocus(Qt.FocusReason.OtherFocusReason)
            self._page.setEnabled(on)

    def _arrange(self, keys: list[str]) -> None:
        self.hide_preview()
        for key in set(self._cards) - set(keys):
            gone = self._cards.pop(key)
            self._column.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        self._cards = {key: self._cards.get(key) or self._new_card(key) for key in keys}
        for position, card in enumerate(self._cards.values()):
            item = self._column.itemAt(position)
            if item is None or item.widget() is not card:
                self._column.insertWidget(position, card)
        self._order_stops()

    def _order_stops(self) -> None:
        """Let Tab go from card to card."""
        stops: list[QWidget] = [self, *(s for card in self.directions.cards for s in card.stops)]
        stops += [*(s for card in self._cards.values() for s in card.stops), self.fold, self.hidden]
        for this, following in itertools.pairwise(stops):
            QWidget.setTabOrder(this, following)

    def _new_card(self, key: str) -> AttributeCard:
        explorer, card = self._explorer, AttributeCard()
        card.amount_changed.connect(lambda amount: explorer.apply(SetAttribute(self._attributes[key], amount)))
        card.pressed.connect(self.hide_preview)
        card.pressed.connect(explorer.begin_gesture)
        card.released.connect(explorer.end_gesture)
        card.renamed.connect(lambda name: self._rename(self._attributes[key], name))
        card.pin_toggled.connect(lambda on: self._pin(self._attributes[key], on))
        card.note_wanted.connect(lambda: self.edit_note(self._attributes[key]))
        card.hide_requested.connect(lambda: self._hide(self._attributes[key]))
        card.removed.connect(lambda: self._remove(self._attributes[key]))
        card.merge_requested.connect(lambda: self._merge(key))
        card.hovered.connect(lambda on: self._on_hover(key, on))
        card.preview_requested.connect(lambda: self._ask(key))
        card.real_pictures_wanted.connect(lambda: self.real_pictures_wanted.emit(self._attributes[key]))
        return card

    # What changes an attribute, each a step of undo --------------------------------------------------

    def _rename(self, attribute: Attribute, name: str) -> None:
        document = self._explorer.document
        self._explorer.edit_document(document.renamed(attribute, name), f'the name of "{document.name_of(attribute)}"')

    def _pin(self, attribute: Attribute, on: bool) -> None:
        document = self._explorer.document
        label = f'{"pinning" if on else "unpinning"} "{document.name_of(attribute)}"'
        self._explorer.edit_document(document.with_pin(attribute, on), label)

    def _hide(self, attribute: Attribute) -> None:
        """Hide an attribute, and reset its slider: what is not listed moves nothing."""
        document = self._explorer.document
        label = f'hiding "{document.name_of(attribute)}"'
        self._explorer.edit_document(document.with_hidden(attribute, True), label, SetAttribute(attribute, 0.0))

    def _remove(self, attribute: Attribute) -> None:
        """Remove a user-added slider and reset its effect on the picture."""
        document = self._explorer.document
        label = f'the removal of "{document.name_of(attribute)}"'
        self._explorer.edit_document(document.without_slider(attribute), label, SetAttribute(attribute, 0.0))

    def _merge(self, key: str) -> None:
        """Put one slider in the place of this attribute and the one above that it looks like."""
        other = self._cards[key].merge_with
        if other in self._attributes and key in self._attributes:
            merged = self._explorer.document.merged(self._attributes[other], self._attributes[key])
            self._explorer.edit_document(merged, f'merging "{merged.sliders[-1].name}"')

    def edit_note(self, attribute: Attribute) -> NoteDialog:
        """Open the dialog in which the note on an attribute is written."""
        document = self._explorer.document
        name = document.name_of(attribute)

        def keep(text: str) -> None:
            self._explorer.edit_document(self._explorer.document.annotated(attribute, text), f'the note on "{name}"')

        self.hide_preview()
        dialog = NoteDialog(name, document.note_of(attribute), self)
        dialog.written.connect(keep)
        return open_dialog(dialog)

    def _on_hover(self, key: str, on: bool) -> None:
        if on:
            self._waiting = key
            self._timer.start()
        elif key in (self._waiting, self._previewed):
            self.hide_preview()

    def _on_rest(self) -> None:
        card = self._cards.get(self._waiting)
        if card is not None and not card.slider.dragging and not card.name.editing:
            self._ask(self._waiting)

    def _ask(self, key: str) -> None:
        self._previewed = key
        if self.popup is None or self.popup.parentWidget() is not self.window():
            self.popup = RangePreviewPopup(self.window())
        card = self._cards[key]
        card_data = card.card_data
        self.popup.begin(card_data.name if card_data else "", card)
        self._explorer.hover(self._attributes[key])

    def hide_preview(self) -> None:
        """Hide the pop-up, because the mouse left, a drag began or the list scrolled."""
        self._timer.stop()
        self._waiting = ""
        if self._previewed:
            self._previewed = ""
            self._explorer.hover(None)
        if self.popup is not None:
            self.popup.hide()

    def _show_end(self, update: HoverPicture) -> None:
        """Show one end in the pop-up; drop it if another attribute is previewed by now."""
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None or self.popup is None:
            return
        if self._previewed == attribute_key(update.attribute):
            picture, target = update.result.after, state.target_class
            known = target < len(picture.probs)
            caption = f"{class_name(state, summary, target)} {picture.probs[target]:.2f}" if known else ""
            self.popup.set_picture(update.sign, picture.image, caption)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.hide_preview()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.hide_preview()
        return super().viewportEvent(event)
