# SPDX-License-Identifier: MIT
"""Second page of the study wizard: the attributes that are shown, and what they are compared with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QFrame, QLineEdit, QScrollArea, QWidget

from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.app.study.arms import ArmSpec, StudySpec
from latent_explorer.common.format import signed_text
from latent_explorer.ui.study.flicker_view import FlickerView
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import ElidedLabel, NoWheelComboBox, column, hint, plain, row, title

if TYPE_CHECKING:
    from latent_explorer.app.study.controller import StudyController
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.studies.build.question_image import Pair

PREVIEW_SIDE = 6 * theme.UNIT  # px, side of a thumbnail
NOTHING, OTHER_FILE = "nothing", "another explainer..."
ARMS = (
    "Both sets (arms) show the same number of attributes, where possible on the same pictures, in mixed order; "
    "participants cannot tell them apart. The names are only in the key and in the report."
)


class AttributeRow(QFrame):
    """Row of one attribute: check box, moving picture, name, effect."""

    def __init__(self, rank: int, attribute: Attribute) -> None:
        super().__init__()
        self.key = attribute_key(attribute)
        self.setProperty("role", "card")
        self.box = QCheckBox()
        self.box.setAccessibleName(f"Show {attribute.name}")
        self.preview = FlickerView(f"{attribute.name}, before and after", PREVIEW_SIDE)
        self.preview.setFixedSize(PREVIEW_SIDE, PREVIEW_SIDE)
        name = ElidedLabel(f"{rank}  {attribute.name}")
        name.setToolTip(attribute.name)
        effect = hint(signed_text(attribute.mean_effect), wrap=False)
        effect.setToolTip("Mean change of the class's logit")
        line = row(self, margin=theme.GAP // 2)
        line.addSpacing(theme.GAP // 2)
        line.addWidget(self.box)
        line.addWidget(self.preview)
        line.addWidget(name, 1)
        line.addWidget(effect)
        line.addSpacing(theme.GAP // 2)

    def mousePressEvent(self, event: object) -> None:  # noqa: ARG002  # Qt's signature
        self.box.toggle()


class AttributesPage(QWidget):
    """Page of the attributes, the best of them checked. A second arm is another method or another file."""

    changed = Signal()

    def __init__(self, controller: StudyController, towards: str) -> None:
        super().__init__()
        self._controller = controller
        self._other = ""  # path of the second explainer
        self.rows: list[AttributeRow] = []
        self.method = NoWheelComboBox("Attribute set")
        self.against = NoWheelComboBox("Compare with")
        self.names = (QLineEdit(), QLineEdit())
        self._list = QWidget()
        self._list.setProperty("role", "page")
        self._lines = column(self._list, spacing=theme.GAP // 2)
        self._build(towards)
        for choice in (self.method, self.against):
            choice.setMinimumContentsLength(20)
        self.method.addItems(controller.methods())
        self._fill_against()
        self.method.currentIndexChanged.connect(self._method_chosen)
        self.against.currentIndexChanged.connect(self._against_chosen)
        for name in self.names:
            name.textChanged.connect(self.changed)

    def _build(self, towards: str) -> None:
        layout = column(self, spacing=theme.GAP)
        head = row()
        head.addWidget(title(f"Towards {towards}"), 1)
        self._method_label = plain("Found by")
        head.addWidget(self._method_label)
        head.addWidget(self.method)
        layout.addLayout(head)
        self.classifier_note = hint(self._controller.classifier_note)
        self.classifier_note.setVisible(bool(self._controller.classifier_note))
        layout.addWidget(self.classifier_note)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self._list)
        layout.addWidget(area, 1)
        self.chosen = hint("", wrap=False)
        layout.addWidget(self.chosen)
        compare = row()
        compare.addWidget(plain("Compare with"))
        compare.addWidget(self.against, 1)
        layout.addLayout(compare)
        self.arms = QWidget()
        lines = column(self.arms, spacing=theme.GAP // 2)
        lines.addWidget(hint(ARMS))
        names = row()
        for field, placeholder in zip(self.names, ("First set", "Second set"), strict=True):
            field.setPlaceholderText(placeholder)
            field.setAccessibleName(f"Name of the {placeholder.lower()}")
            names.addWidget(field)
        lines.addLayout(names)
        self.arms.hide()
        layout.addWidget(self.arms)

    def _fill_against(self) -> None:
        """Offer nothing, the other methods of this model, and any other file."""
        others = [method for method in self._controller.methods() if method != self.method.currentText()]
        with QSignalBlocker(self.against):
            self.against.clear()
            self.against.addItems([NOTHING, *others, OTHER_FILE])
        several = self.method.count() > 1
        self.method.setVisible(several)
        self._method_label.setVisible(several)

    def show_spec(self, spec: StudySpec) -> None:
        """List the attributes of the first arm with the best of them checked."""
        for old in self.rows:
            self._lines.removeWidget(old)
            old.deleteLater()
        while self._lines.takeAt(0) is not None:
            pass
        arm, count = spec.arms[0], spec.settings.attributes
        self.rows = [AttributeRow(i, a) for i, a in enumerate(self._controller.attributes(arm), start=1)]
        for at, line in enumerate(self.rows):
            line.box.setChecked(line.key in arm.keys if arm.keys else at < count)
            line.box.toggled.connect(self._ticked)
            self._lines.addWidget(line)
        self._lines.addStretch(1)
        self._say_count()

    def show_previews(self, faces: dict[str, Pair]) -> None:
        """Show pictures of the attributes, by key."""
        for line in self.rows:
            if line.key in faces:
                line.preview.show_frames(faces[line.key])

    def collect(self, spec: StudySpec) -> StudySpec:
        """Return `spec` with the arms of this page.

        If the checked attributes are the best n, their number is given instead of their keys, as on the command line.
        """
        ticked = [line.key for line in self.rows if line.box.isChecked()]
        best = [line.key for line in self.rows[: len(ticked)]]
        several = self.method.count() > 1
        first = msgspec.structs.replace(
            spec.arms[0],
            name=self.names[0].text().strip() if self.compares else "",
            method=self.method.currentText() if several else "",
            keys=() if ticked == best else tuple(ticked),
        )
        settings = msgspec.structs.replace(spec.settings, attributes=max(1, len(ticked)))
        arms: tuple[ArmSpec, ...] = (first,)
        if self.compares:
            arms = (first, self._second(first))
        return StudySpec(arms=arms, settings=settings)

    def _second(self, first: ArmSpec) -> ArmSpec:
        name = self.names[1].text().strip()
        if self._other:
            return ArmSpec(name=name, path=self._other, target=first.target)
        return msgspec.structs.replace(first, name=name, method=self.against.currentText(), keys=())

    @property
    def compares(self) -> bool:
        """True if there is a second arm."""
        return self.against.currentText() != NOTHING

    def _ticked(self) -> None:
        self._say_count()
        self.changed.emit()

    def _say_count(self) -> None:
        ticked = sum(line.box.isChecked() for line in self.rows)
        self.chosen.setText(f"{ticked} of {len(self.rows)} attributes are shown")

    def _method_chosen(self) -> None:
        self._other = ""
        self._fill_against()
        self.arms.hide()
        arm = self._controller.own_arm(method=self.method.currentText())
        self.show_spec(StudySpec(arms=(arm,)))
        self.changed.emit()

    def _against_chosen(self) -> None:
        if self.against.currentText() == OTHER_FILE:
            path, _ = QFileDialog.getOpenFileName(
                self, "Compare with another explainer", self._other, "Explainers (*.explainer)"
            )
            self.set_other(path)
            return
        if not (self._other and self.against.currentText() == Path(self._other).name):
            self._other = ""
        self.arms.setVisible(self.compares)
        self.changed.emit()

    def set_other(self, path: str) -> None:
        """Compare with the explainer at `path`, or with nothing if it is empty."""
        self._other = path
        self._fill_against()
        if path:
            with QSignalBlocker(self.against):
                self.against.insertItem(1, Path(path).name)
                self.against.setCurrentIndex(1)
        self.arms.setVisible(bool(path))
        self.changed.emit()
