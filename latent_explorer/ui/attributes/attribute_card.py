# SPDX-License-Identifier: MIT
"""Card of one attribute: rank, name, place, effect and pin on the first line, slider and number on the second, both
ends on the third.

It shows a `CardData` and emits signals for user input; it has no access to state or model.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QEnterEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QMenu, QSizePolicy, QWidget

from latent_explorer.common.glossary import meaning
from latent_explorer.media.report.evidence import WORDS
from latent_explorer.ui.attributes.effect_bar import EffectBar
from latent_explorer.ui.attributes.ends_strip import HEIGHT, EndsStrip
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import Pages, action_text, column, hint, icon_button, row, tip
from latent_explorer.ui.widgets.editable_label import EditableLabel
from latent_explorer.ui.widgets.slider import ValueSlider

if TYPE_CHECKING:
    from latent_explorer.media.report.evidence import Support
    from latent_explorer.ui.attributes.card_data import CardData

RANK_WIDTH = 18  # px; two digits
PIN_WIDTH = 24  # px
FIELD_INSET = 11  # px from the edge of a number's field to its last digit, aligned with that of the effect
GROOVE_INSET = 9  # px from a slider's edge to its groove, aligned with the name
FIRST_LINE_HEIGHT = 20  # px
SUPPORT_ICONS: dict[Support, tuple[str, str]] = {  # with the colour
    "borne out": ("within", "muted"),
    "label alone": ("info", "muted"),
    "generator only": ("warning", "warning"),
}
AT_END = "This picture is already at this end"


class AttributeCard(QWidget):
    """Card of fixed height: nothing moves when a message replaces the slider."""

    amount_changed = Signal(float)
    pressed = Signal()
    released = Signal()
    renamed = Signal(str)
    pin_toggled = Signal(bool)
    note_wanted = Signal()
    hide_requested = Signal()
    removed = Signal()
    merge_requested = Signal()  # with the attribute above that looks much the same
    hovered = Signal(bool)
    real_pictures_wanted = Signal()  # what they say of the attribute
    preview_requested = Signal()  # by keyboard or menu: pictures at both ends

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.card_data: CardData | None = None
        self.merge_with = ""  # key of the attribute above that it is like and can be merged with
        self.rank = QLabel()
        self.rank.setFixedSize(RANK_WIDTH, FIRST_LINE_HEIGHT)
        self.name = EditableLabel()
        self.place = hint("", wrap=False)
        self.note = icon_button("note", "Note", self.note_wanted.emit)
        self.note.hide()
        self.support = icon_button("warning", "Real pictures", self.real_pictures_wanted.emit)
        self.support.hide()
        self.pin = icon_button("pin", "Pin")
        self.slider = ValueSlider("")
        self.message = hint(AT_END, wrap=False)
        self.effect = EffectBar()
        self.ends = EndsStrip()
        self._middle = Pages()
        self._middle.addWidget(self.slider)
        self._middle.addWidget(self.message)
        self._build()
        self._connect()

    def _build(self) -> None:
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(FIRST_LINE_HEIGHT + theme.CONTROL + HEIGHT + 5)
        self.rank.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.pin.setCheckable(True)
        for small in (self.note, self.pin, self.support):
            small.setIconSize(QSize(14, 14))
            small.setStyleSheet("QToolButton { min-width: 0; min-height: 0; padding: 0; border-radius: 4px; }")
            small.setFixedSize(PIN_WIDTH, FIRST_LINE_HEIGHT)
        self.support.setFixedWidth(PIN_WIDTH + theme.GAP // 2 - FIELD_INSET)  # what the number leaves below the pin
        policy = self.support.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.support.setSizePolicy(policy)
        self.message.setContentsMargins(GROOVE_INSET, 0, 0, 0)
        self._middle.setFixedHeight(theme.CONTROL)
        layout = column(self, spacing=0)
        layout.setContentsMargins(0, 3, 2, 2)
        head = row(spacing=theme.GAP // 2)
        head.addWidget(self.rank)
        head.addWidget(self.name, 1)
        head.addWidget(self.note)
        head.addWidget(self.place)
        head.addWidget(self.effect)
        head.addWidget(self.pin)
        body = row(spacing=0)
        body.addSpacing(RANK_WIDTH + theme.GAP // 2 - GROOVE_INSET)
        body.addWidget(self._middle, 1)
        body.addWidget(self.support)
        layout.addLayout(head)
        layout.addLayout(body)
        strip = row(spacing=0)
        strip.addSpacing(RANK_WIDTH + theme.GAP // 2)
        strip.addWidget(self.ends, 1)
        layout.addLayout(strip)

    def _connect(self) -> None:
        self.slider.amount_changed.connect(self.amount_changed)
        self.slider.pressed.connect(self.pressed)
        self.slider.released.connect(self.released)
        self.name.renamed.connect(self.renamed)
        self.pin.clicked.connect(self.pin_toggled)
        for part in (
            self.rank,
            self.note,
            self.support,
            self.place,
            self.effect,
            self.pin,
            self.slider.field,
            self.slider.track,
        ):
            part.installEventFilter(self)

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """Tab stops in order. The card itself is not one; F2 edits the name, Shift+F2 the note, H hides it."""
        return (self.slider.track, self.slider.field, self.note, self.support, self.pin)

    def set_card_data(self, card_data: CardData) -> None:
        """Show `card_data` without emitting signals. Updates only what changed, since this runs at every drag step."""
        if card_data == self.card_data:
            return
        old, self.card_data = self.card_data, card_data
        if old is None or old.amount != card_data.amount:
            self.slider.set_amount(card_data.amount)
        dead = card_data.at_end and card_data.amount == 0
        self._middle.setCurrentIndex(1 if dead else 0)
        if old is not None and _still(old) == _still(card_data):
            return
        self._show_rank(card_data)
        self.name.set_text(card_data.name)
        self.place.setText(card_data.place)
        details = tip(*card_data.details.splitlines(), meaning("style coordinate"))
        self.place.setToolTip(details)
        self.rank.setToolTip(details)
        self.slider.set_name(f"{card_data.name}, amount")
        self.setAccessibleName(f"Attribute {card_data.rank} {card_data.name}".replace("  ", " "))
        self._show_pin(card_data)
        self._show_note(card_data)
        self._show_support(card_data)
        self.effect.set_effect(
            card_data.mean_effect,
            card_data.interval,
            card_data.span,
            card_data.color,
            target=card_data.target,
            against=card_data.against,
            exact=card_data.exact,
            elsewhere=card_data.elsewhere,
        )

    def _show_rank(self, card_data: CardData) -> None:
        """Show the rank, emphasized while the slider is not at zero."""
        moved = card_data.amount != 0
        self.rank.setText(card_data.rank or "+")
        self.rank.setFont(theme.font(theme.SMALL, semibold=moved))
        self.rank.setProperty("role", "" if moved else "hint")
        self.rank.style().unpolish(self.rank)
        self.rank.style().polish(self.rank)

    def _show_pin(self, card_data: CardData) -> None:
        self.pin.setChecked(card_data.pinned)
        text = f"Unpin {card_data.name}" if card_data.pinned else f"Pin {card_data.name}"
        self.pin.setToolTip(f"{text} (pinned attributes stay at the top, whatever class is chosen)")
        self.pin.setAccessibleName(text)
        icons.set_icon(self.pin, "pin", "accent" if card_data.pinned else "muted")

    def _show_note(self, card_data: CardData) -> None:
        self.note.setVisible(bool(card_data.note))
        self.note.setToolTip(card_data.note)
        self.note.setAccessibleName(f"Note on {card_data.name}")
        self.note.setAccessibleDescription(card_data.note)
        icons.set_icon(self.note, "note", "muted")

    def _show_support(self, card_data: CardData) -> None:
        """Show whether real pictures bear the attribute out, once they were asked."""
        self.support.setVisible(bool(card_data.support))
        if card_data.support:
            self.support.setToolTip(card_data.support_text)
            self.support.setAccessibleName(f"{card_data.name}: {WORDS[card_data.support]}")
            self.support.setAccessibleDescription(card_data.support_text)
            icons.set_icon(self.support, *SUPPORT_ICONS[card_data.support])

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Show one thing at a time: a part's own tooltip, or elsewhere on the card the pictures of both ends."""
        if event.type() == QEvent.Type.ToolTip and watched is self.slider.track:
            return True
        own = isinstance(watched, QWidget) and watched is not self.slider.track and bool(watched.toolTip())
        if own and event.type() in (QEvent.Type.Enter, QEvent.Type.Leave):
            self.hovered.emit(event.type() == QEvent.Type.Leave and self.underMouse())
        return super().eventFilter(watched, event)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.hovered.emit(True)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.hovered.emit(False)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F2:
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.note_wanted.emit()
            else:
                self.name.edit()
            return
        if event.key() == Qt.Key.Key_H and not event.modifiers():
            self.hide_requested.emit()
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.menu()
        menu.exec(event.globalPos())
        menu.deleteLater()

    def menu(self) -> QMenu:
        """Return the context menu of the card."""
        menu = QMenu(self)
        card_data = self.card_data
        menu.addAction("Rename\tF2", self.name.edit)
        menu.addAction("Note...\tShift+F2", self.note_wanted.emit)
        menu.addAction("Show both ends", self.preview_requested.emit)
        menu.addAction("Real pictures...", self.real_pictures_wanted.emit)
        reset = menu.addAction("Reset", lambda: self.amount_changed.emit(0.0))
        if card_data is None:
            return menu
        reset.setEnabled(card_data.amount != 0)
        text = "Unpin" if card_data.pinned else "Pin to the top"
        menu.addAction(text, lambda: self.pin_toggled.emit(not card_data.pinned))
        if self.merge_with:
            menu.addAction(f"Merge with {action_text(self.ends.alike)}", self.merge_requested.emit)
        menu.addAction("Hide\tH", self.hide_requested.emit)
        if card_data.removable:
            menu.addSeparator()
            menu.addAction("Remove slider", self.removed.emit)
        return menu

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        if not self.underMouse():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().color("hover", 0.55))
        box = QRectF(self.rect()).adjusted(-theme.RADIUS, 0, 0, 0)  # no round corners at the left edge
        painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)


def _still(card_data: CardData) -> CardData:
    """Return the data without what changes during a drag: `amount` becomes 0 or 1, `at_end` False."""
    return replace(card_data, amount=float(card_data.amount != 0), at_end=False)
