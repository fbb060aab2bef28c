# SPDX-License-Identifier: MIT
"""Choice of the library's network that the tensors of a file are read as: recognised, alike, or named by a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCompleter, QWidget

from latent_explorer.app.importing.updates import NetworkChoices, NetworkRefused
from latent_explorer.common.format import shortened
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import NoWheelComboBox, button, column, hint, plain, row, title
from latent_explorer.ui.widgets.form import MessageLines

if TYPE_CHECKING:
    from latent_explorer.app.importing.controller import ImportController

HELP = "A network of torchvision or timm, with the name of the library: timm:resnet18"
WAY_OUT = (
    "If it is a network of torchvision or timm, write its name. If it is your own, export the whole model to ONNX "
    "(torch.onnx.export) and open that file."
)


class NetworkChoice(QWidget):
    """Field of a network's name, with those that fit in its list. Emits `asked` when the file is read as that."""

    asked = Signal()

    def __init__(self, controller: ImportController, networks: NetworkChoices) -> None:
        super().__init__()
        self._controller, self._networks = controller, networks
        self.name = NoWheelComboBox("Network")
        self.name.setEditable(True)
        self.name.setInsertPolicy(NoWheelComboBox.InsertPolicy.NoInsert)
        self.name.setToolTip(HELP)
        self.name.addItems(networks.fitting)
        completer = QCompleter(networks.known, self)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.name.setCompleter(completer)
        self.try_it = button("Read it as this", self._ask)
        self.try_it.setAutoDefault(False)
        self.problems = MessageLines()
        others = networks.fitting[1:]
        self.alike = hint(
            f"Its tensors fit {', '.join(others)} as well, which may compute otherwise." if others else ""
        )
        self.alike.setVisible(bool(others))
        line = row(spacing=theme.GAP)
        line.addWidget(self.name, 1)
        line.addWidget(self.try_it)
        layout = column(self, spacing=theme.GAP // 2)
        layout.addLayout(line)
        layout.addWidget(self.alike)
        layout.addWidget(self.problems)
        edit = self.name.lineEdit()
        assert edit is not None
        edit.setPlaceholderText("timm:resnet18")
        edit.returnPressed.connect(self._ask)
        self.name.editTextChanged.connect(self._refresh)
        self._refresh()
        self._disconnect = controller.updates.on(NetworkRefused, self._refused)

    @property
    def _used(self) -> str:
        """The network in use; "" if none fits."""
        return self._networks.fitting[0] if self._networks.fitting else ""

    def stop(self) -> None:
        """Show no answers any more."""
        self._disconnect()

    def _refresh(self) -> None:
        self.try_it.setEnabled(self.name.currentText().strip() not in ("", self._used))

    def _ask(self) -> None:
        if self.try_it.isEnabled():
            self.problems.show_lines([])
            self.try_it.setEnabled(False)
            self.asked.emit()
            self._controller.read_as(self.name.currentText().strip())

    def _refused(self, update: NetworkRefused) -> None:
        """Say why; what was read before remains."""
        self.problems.show_lines([("warning", update.problem)])
        if self._used:
            self.name.setEditText(self._used)
        self._refresh()


class NearestNetworks(QWidget):
    """Page of tensors that fit no network: the nearest with what does not fit, and the field for another name."""

    def __init__(self, controller: ImportController, networks: NetworkChoices) -> None:
        super().__init__()
        layout = column(self, spacing=theme.GAP)
        if networks.nearest:
            layout.addWidget(title("The nearest networks"))
        for name, problem in networks.nearest:
            entry = column(spacing=0)
            entry.addWidget(plain(shortened(name)))
            entry.addWidget(hint(f"{problem[:1].upper()}{problem[1:]}."))
            layout.addLayout(entry)
        layout.addSpacing(theme.GAP)
        layout.addWidget(hint(WAY_OUT))
        self.network = NetworkChoice(controller, networks)
        layout.addWidget(self.network)
        layout.addStretch(1)

    def stop(self) -> None:
        """Show no answers any more."""
        self.network.stop()
