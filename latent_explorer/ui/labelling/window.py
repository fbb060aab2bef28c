# SPDX-License-Identifier: MIT
"""Window "Label pictures" beside the main one: a picture after the other, keys for the answers, a slider in the end."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QDialog, QFileDialog, QLineEdit, QMenu, QPushButton, QWidget

from latent_explorer.app.exploration.updates import DocumentChanged
from latent_explorer.app.labelling.controller import POOL, LabellingController
from latent_explorer.common.format import shortened
from latent_explorer.common.paths import plain_stem
from latent_explorer.explain.labels import MAX_NAME, RATINGS, SKIPPED
from latent_explorer.ui.attributes.given_button import GivenButton
from latent_explorer.ui.labelling.figures_view import CountBars, FigureView
from latent_explorer.ui.labelling.picture_view import PictureView
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import (
    OF_MODEL,
    ElidedLabel,
    action_text,
    button,
    column,
    hairline,
    hint,
    icon_button,
    row,
    title,
)
from latent_explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent
    from PySide6.QtWidgets import QVBoxLayout

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.labelling.deck import Source
    from latent_explorer.explain.labels import Kind

SIZE = QSize(114 * theme.UNIT, 76 * theme.UNIT)
SIDE = 40 * theme.UNIT  # px of the column at the right
FLASH = 120  # ms for which the button of a key that was pressed is down
CSV = "Labels (*.csv)"
KINDS: tuple[tuple[Kind, str], ...] = (("yes-no", "Yes or no"), ("rating", "Ratings 1 to 5"))
SOURCES: dict[Source, str] = {"both": "Both", "seeds": "Seeds", "samples": "Pictures of the file"}


class LabelDialog(QDialog):
    """View of a `LabellingController`, which ends with it."""

    def __init__(self, explorer: Explorer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty(OF_MODEL, True)
        self.setWindowTitle("Label pictures")
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.resize(SIZE)
        self._explorer = explorer
        self.controller = LabellingController(explorer, self._changed)
        self.name = QLineEdit()
        self.name.setPlaceholderText("What do you look for?")
        self.name.setAccessibleName("What you look for")
        self.name.setMaxLength(MAX_NAME)
        self.sets = icon_button("down", "Other labels, import, export", self._show_menu)
        self.kind = SegmentedControl("Kind of labels", [text for _, text in KINDS])
        self.source = SegmentedControl("Where pictures come from")
        self.seek = QCheckBox("Every third: the one it is least sure of")
        self.seek.setToolTip(
            f"Of {POOL} pictures without a label, the one nearest to the boundary so far: it teaches more than one at "
            "random. The figures do not count it."
        )
        self.picture, self.caption = PictureView(), ElidedLabel()
        self.question = title("")
        self.counts, self.figure, self.note = CountBars(), FigureView(), hint("")
        self.given = GivenButton()
        self.make = button("Make a slider", self.controller.make_slider, role="primary")
        self.outcome = hint("")
        self.back = icon_button("undo", "Take the last label back (Backspace)", self._undo)
        self.answers: dict[int, QPushButton] = {}
        self._answer_row = row()
        self._flash = QTimer(self, singleShot=True, interval=FLASH)
        self._flash.timeout.connect(self._lift)
        self._build()
        self._connect()
        self._unsubscribe = explorer.updates.on(DocumentChanged, lambda _update: self._changed())
        self.controller.start()
        self.picture.setFocus()

    # Layout --------------------------------------------------------------------------------------

    def _build(self) -> None:
        left = column(margin=theme.MARGIN)
        left.addWidget(self.question)
        left.addWidget(self.picture, 1)
        self.caption.setProperty("role", "hint")
        self.caption.setFont(theme.font(theme.SMALL))
        left.addWidget(self.caption)
        left.addLayout(self._answer_row)
        side = QWidget()
        side.setFixedWidth(SIDE)
        self._build_side(column(side, margin=theme.MARGIN))
        layout = row(self, spacing=0)
        layout.addLayout(left, 1)
        layout.addWidget(hairline(vertical=True))
        layout.addWidget(side)
        for each in self.findChildren(QAbstractButton):
            each.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take the keys from the picture
        for each in self.findChildren(QPushButton):
            each.setAutoDefault(False)  # Enter in the name must not press one

    def _build_side(self, right: QVBoxLayout) -> None:
        head, conditional = row(spacing=theme.GAP // 2), row(spacing=theme.GAP // 2)
        head.addWidget(self.name, 1)
        head.addWidget(self.sets)
        conditional.addWidget(hint("Conditional on", wrap=False))
        conditional.addWidget(self.given, 1)
        self.note.setMinimumHeight(2 * self.note.fontMetrics().height())
        for part in (
            *(title("Attribute"), head, self.kind, hairline()),
            *(title("Pictures"), self.source, self.seek, hairline()),
            *(title("So far"), self.counts, self.figure, self.note),
            *(None, self.outcome, hairline(), conditional, self.make),
        ):
            if part is None:
                right.addStretch(1)
            elif isinstance(part, QWidget):
                right.addWidget(part)
            else:
                right.addLayout(part)

    def _show_answers(self) -> None:
        """Show a button for each answer of the kind."""
        kind = self.controller.labels.kind
        wanted = (0, SKIPPED, 1) if kind == "yes-no" else (*RATINGS, SKIPPED)
        if tuple(self.answers) == wanted:
            return
        while (item := self._answer_row.takeAt(0)) is not None:
            if (old := item.widget()) is not None and old is not self.back:
                old.hide()
                old.deleteLater()
        names = {SKIPPED: "Skip   S", 0: "Has it not   0", 1: "Has it   1"}
        if kind == "rating":
            names |= {value: str(value) for value in RATINGS} | {1: "1 little", 5: "5 much"}
        self.answers = {value: button(names[value], partial(self._answer, value)) for value in wanted}
        for value, made in self.answers.items():
            made.setAutoDefault(False)
            made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            made.setMinimumHeight(theme.CONTROL + theme.GAP)
            self._answer_row.addWidget(made, 1 if value == SKIPPED else 2)
        self._answer_row.addWidget(self.back)

    def _connect(self) -> None:
        controller = self.controller
        self.name.textEdited.connect(controller.rename)  # at every key: at the end another exploration may be open
        self.name.returnPressed.connect(self.picture.setFocus)
        self.kind.chosen.connect(lambda index: controller.set_kind(KINDS[index][0]))
        self.source.chosen.connect(lambda index: controller.set_source(controller.sources[index]))
        self.seek.toggled.connect(controller.set_seek)
        self.given.changed.connect(lambda: controller.set_given(self.given.given))
        QShortcut(QKeySequence.StandardKey.Undo, self, self._undo)
        self.finished.connect(self._end)

    # What is shown -------------------------------------------------------------------------------

    def _changed(self) -> None:
        controller = self.controller
        labels, card = controller.labels, controller.picture
        self._show_answers()
        self._show_picture()
        name = shortened(labels.name, 60)
        asked = f"Does it have: {name}?" if labels.kind == "yes-no" else f"How much: {name}?"
        self.question.setText(asked if name else "Does it have what you look for?")
        if not self.name.hasFocus():
            self.name.setText(labels.name)
        self.kind.choose([kind for kind, _ in KINDS].index(labels.kind))
        self.source.set_labels([SOURCES[each] for each in controller.sources])
        self.source.choose(controller.sources.index(controller.source))
        self.seek.setEnabled(labels.kind == "yes-no")
        self.seek.blockSignals(True)
        self.seek.setChecked(controller.seek and labels.kind == "yes-no")
        self.seek.blockSignals(False)
        for made in self.answers.values():
            made.setEnabled(card is not None)
        self.back.setEnabled(bool(labels.labels))
        self._show_counts()
        self._show_figures()
        self.given.show_directions(self._explorer.named_directions())
        self.make.setEnabled(controller.can_make)
        self.make.setText("Making a slider..." if controller.making else "Make a slider")
        self.outcome.setText(f"The slider is in the list. {controller.result}" if controller.result else "")
        self.outcome.setVisible(bool(controller.result))

    def _show_picture(self) -> None:
        controller, card = self.controller, self.controller.picture
        sentence = "Drawing the picture..."
        if card is None:
            sentence = "All pictures of the file have a label. Choose seeds, or make the slider."
        elif controller.problem:
            sentence = controller.problem
        self.picture.show_image(controller.image, controller.next_image, sentence, controller.title)
        why = ": the boundary so far is unsure of it" if card is not None and card.sought else ""
        self.caption.setText(controller.title[:1].upper() + controller.title[1:] + why)

    def _show_counts(self) -> None:
        labels = self.controller.labels
        names = {0: "Has it not", 1: "Has it"} if labels.kind == "yes-no" else {each: str(each) for each in RATINGS}
        order = (1, 0) if labels.kind == "yes-no" else RATINGS
        rows = [(names[value], labels.count(value), True) for value in order]
        self.counts.show_counts([*rows, ("Skipped", labels.count(SKIPPED), False)])

    def _show_figures(self) -> None:
        controller, figures = self.controller, self.controller.figures
        judgement = figures.judgement
        self.figure.show_figures(judgement.figures if judgement else {}, fresh=figures.fresh)
        waiting = f"The figures wait for: {figures.waiting_for}." if figures.waiting_for else ""
        self.note.setText(waiting or figures.problem or controller.missing)

    # What the person does ------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, plain = event.key(), not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        value = _KEYS.get(Qt.Key(key)) if plain else None
        if value in self.answers and not event.isAutoRepeat():
            self._answer(value)
        elif key == Qt.Key.Key_Backspace and plain:
            self._undo()
        else:
            super().keyPressEvent(event)

    def _answer(self, value: int) -> None:
        if self.controller.answer(value):
            self._lift()
            self.answers[value].setDown(True)
            self._flash.start()

    def _lift(self) -> None:
        for made in self.answers.values():
            made.setDown(False)

    def _undo(self) -> None:
        self.controller.undo()

    def _show_menu(self) -> None:
        menu = self.menu()
        menu.exec(self.sets.mapToGlobal(self.sets.rect().bottomLeft()))
        menu.deleteLater()

    def menu(self) -> QMenu:
        """Return the menu of all labels of the exploration."""
        controller, menu = self.controller, QMenu(self)
        for number, labels in enumerate(self._explorer.document.labels):
            text = f"{action_text(labels.name) or 'No name'} ({len(labels.given)})"
            action = menu.addAction(text, partial(controller.choose, number))
            action.setCheckable(True)
            action.setChecked(number == controller.number)
        menu.addSeparator()
        menu.addAction("Another attribute", self._begin_set)
        menu.addAction("Import labels...", self._import)
        for text, act in (("Export labels...", self._export), ("Delete these labels", controller.delete)):
            menu.addAction(text, act).setEnabled(bool(controller.labels.labels))
        return menu

    def _begin_set(self) -> None:
        self.controller.begin_set()
        self.name.setFocus()

    def _import(self) -> None:
        chosen, _kind = QFileDialog.getOpenFileName(self, "Import labels", self._folder(), CSV)
        if chosen:
            self.controller.read(Path(chosen))

    def _export(self) -> None:
        name = plain_stem(Path(self.controller.labels.name or "labels")) or "labels"
        start = str(Path(self._folder()) / f"{name}.csv")
        chosen, _kind = QFileDialog.getSaveFileName(self, "Export labels", start, CSV)
        if chosen:
            path = Path(chosen)
            self.controller.write(path if path.suffix else path.with_name(f"{path.name}.csv"))

    def _folder(self) -> str:
        return self._explorer.settings.last_folder or ""

    def _end(self) -> None:
        self._unsubscribe()
        self.controller.close()


_KEYS = {
    Qt.Key.Key_0: 0,
    **{getattr(Qt.Key, f"Key_{value}"): value for value in RATINGS},
    Qt.Key.Key_S: SKIPPED,
    Qt.Key.Key_Space: SKIPPED,
}
