# SPDX-License-Identifier: MIT
"""Page of a run: its status, its curves, and its sheets of pictures or its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QInputDialog,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from latent_explorer.common.glossary import TERMS
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.training import metrics, run_text
from latent_explorer.ui.training.curves_view import CurvesView, split_in_two
from latent_explorer.ui.training.form_step import scrolling
from latent_explorer.ui.training.sheet_player import SheetPlayer
from latent_explorer.ui.widgets.basics import ElidedLabel, EmptyState, Pages, button, column, hint, row, title
from latent_explorer.ui.widgets.curve_math import value_text
from latent_explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from latent_explorer.app.training.controller import TrainingController
    from latent_explorer.app.training.runs import RunView

NO_RUN = "No training is shown. Train an explainer on your own pictures, or choose a run in the history."
NO_CURVES = "Curves begin with the first few hundred images."
NO_LOG = "Nothing was logged yet."
MAX_IMAGES = 1_000_000_000
MAX_LINES = 2000
WIDTH = 28 * theme.UNIT  # px
# By state: the button that stands out.
PRIMARY_OF = dict.fromkeys(("paused", "failed", "interrupted"), "resume") | dict.fromkeys(
    ("finished", "stopped"), "result"
)
BUTTONS = {  # text, icon, tooltip
    "result": ("Open the explainer", "open", "Open the finished explainer in this window"),
    "resume": ("Resume", "play", "Continue from the last checkpoint"),
    "pause": ("Pause", "pause", "Save a checkpoint and stop; Resume continues from there"),
    "stop": ("Stop", "stop", "End early: save a checkpoint and make an explainer from it"),
    "current": (
        "Open current state",
        "",
        "See what it can do so far: makes an explainer from the last checkpoint, which takes a minute or two, and "
        "opens it in this window in place of the one that is open. The training goes on",
    ),
    "longer": ("Train longer...", "", "Continue from the end with more images"),
}
BUTTON_ROWS = (("current",), ("result",), ("resume", "pause", "stop", "longer"))  # long texts have no neighbour


class RunStatusView(QWidget):
    """Status of a run in words and figures, with buttons. Emits `action_requested` with a key of BUTTONS."""

    action_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumWidth(WIDTH)  # more where the buttons' texts need it
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.name = ElidedLabel()
        self.name.setProperty("role", "title")
        self._icon = QLabel()
        self.state = title("")
        self.state.setAccessibleName("State of the training")
        self.progress = hint("", wrap=False)
        self.speed = hint("", wrap=False)
        self.speed.setAccessibleName("Speed of the training")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName("Progress of the training")
        self.message = hint("")
        self.message.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.facts = {key: ElidedLabel() for key in ("Images", "Device", "Agreement")}
        self.buttons = self._make_buttons()
        self._icon_name = ("training", "accent")
        self._build()
        theme.notifier.changed.connect(self._draw_icon)

    def _make_buttons(self) -> dict[str, QPushButton]:
        made = {}
        for key, (text, icon, tip) in BUTTONS.items():
            made[key] = button(text, lambda key=key: self.action_requested.emit(key), icon=icon)  # type: ignore[misc]
            made[key].setToolTip(tip)
        return made

    def _build(self) -> None:
        """Lay out the texts, which scroll where the dock is low, above the buttons, which are always whole."""
        texts = QWidget()
        layout = column(texts, spacing=theme.UNIT // 2)
        head = row()
        head.addWidget(self._icon)
        head.addWidget(self.state)
        head.addStretch(1)
        form = QFormLayout()
        form.setContentsMargins(0, theme.UNIT // 2, 0, 0)
        form.setHorizontalSpacing(theme.GAP)
        form.setVerticalSpacing(2)
        for key, label in self.facts.items():
            label.setFont(theme.font(theme.SMALL))
            label.setAccessibleName(key)
            named = hint(key, wrap=False)
            form.addRow(named, label)
            named.setToolTip(TERMS["agreement"].definition if key == "Agreement" else "")
        layout.addWidget(self.name)
        layout.addLayout(head)
        layout.addWidget(self.bar)
        pace = row()
        pace.addWidget(self.progress)
        pace.addStretch(1)
        pace.addWidget(self.speed)
        layout.addLayout(pace)
        layout.addWidget(self.message)
        layout.addLayout(form)
        layout.addStretch(1)
        area = scrolling(texts)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        whole = column(self, spacing=theme.UNIT // 2)
        whole.addWidget(area, 1)
        for keys in BUTTON_ROWS:
            line = row()
            for key in keys:
                line.addWidget(self.buttons[key])
            line.addStretch(1)
            whole.addLayout(line)

    def show_run(self, view: RunView, *, snapshot_busy: bool, devices: Mapping[str, str] | None = None) -> None:
        self.name.setText(view.name)
        self.name.setToolTip(str(view.path))
        state_text = run_text.state_text(view)
        self.state.setText(state_text)
        _word, icon, color = run_text.STATES[view.state]
        self._icon_name = (icon, color)
        self._draw_icon()
        self.progress.setText(run_text.progress_text(view))
        part = run_text.share(view)
        if part is None and view.alive:
            self.bar.setRange(0, 0)  # busy, progress unknown
        else:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * (part or 0.0)))
        _set_role(self.message, "warning" if view.state in ("failed", "interrupted", "unknown") else "hint")
        self.message.setText(view.message)
        self.message.setVisible(view.message.rstrip(".") not in ("", state_text))
        self._show_facts(view, devices or {})
        self._show_buttons(view, snapshot_busy)

    def _show_facts(self, view: RunView, devices: Mapping[str, str]) -> None:
        status = view.status
        device = status.device if status is not None else ""
        total = status.total if status is not None else (view.config.images if view.config else 0)
        images_seen = status.images if status is not None else 0
        texts = {
            "Images": f"{images_seen:,} of {total:,}" if total else "",
            # The window's words for the CPU name its own number of threads, not the training's.
            "Device": "CPU" if device == "cpu" else devices.get(device, device),
            "Agreement": "",
        }
        rate = status.images_per_second if status is not None and view.alive else None
        self.speed.setText(f"{value_text(rate)} images/s" if rate else "")
        points = view.series.get("val_agreement")
        if points:
            texts["Agreement"] = f"{points[-1][1]:.3f} at {points[-1][0]:,.0f} images"
        for key, label in self.facts.items():
            label.setText(texts[key] or "\N{EN DASH}")
            label.setAccessibleName(f"{key}: {texts[key] or 'not known'}")

    def _show_buttons(self, view: RunView, snapshot_busy: bool) -> None:
        ended = not view.alive and view.state != "unknown"
        shown = {
            "pause": view.alive,
            "stop": view.alive,
            "resume": ended and view.state != "finished",
            "result": ended and view.result is not None,
            "current": view.result is None or view.alive,
            "longer": view.state == "finished" and ended,
        }
        first = PRIMARY_OF.get(view.state) if ended else None
        if first == "result" and view.result is None:
            first = "resume"
        requested = bool(view.requested)
        for key, made in self.buttons.items():
            made.setVisible(shown[key])
            role, icon = "primary" if key == first else "", BUTTONS[key][1]
            if _set_role(made, role) and icon:
                icons.set_icon(made, icon, "on_accent" if role == "primary" else "ink")
        self.buttons["pause"].setEnabled(not requested)
        self.buttons["stop"].setEnabled(view.requested != "stop")
        some = view.status is not None and view.status.images > 0
        self.buttons["current"].setEnabled(some and not snapshot_busy)
        self.buttons["current"].setText("Opening..." if snapshot_busy else BUTTONS["current"][0])

    def _draw_icon(self) -> None:
        side = QSize(theme.ICON, theme.ICON)
        self._icon.setPixmap(icons.icon(*self._icon_name).pixmap(side))


def _set_role(widget: QWidget, role: str) -> bool:
    """Set the property that the style sheet goes by. Return False if the widget had this role."""
    if widget.property("role") == role:
        return False
    widget.setProperty("role", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    return True


class RunPage(Pages):
    """Page of the attached run. Emits `new_requested` if there is none and the user wants one."""

    new_requested = Signal()

    def __init__(self, controller: TrainingController) -> None:
        super().__init__()
        self._controller = controller
        self.facts = RunStatusView()
        self.curves = CurvesView(NO_CURVES)
        self.groups = SegmentedControl("Which curves")
        self.sheets = SheetPlayer()
        self.log = LogView(NO_LOG)
        self.side = SegmentedControl("Pictures or log", ("Pictures", "Log"))
        self._side_pages = Pages()
        self.empty = EmptyState("training", NO_RUN, "New training", self.new_requested.emit)
        self.body = self._make_body()
        self.addWidget(self.empty)
        self.addWidget(self.body)
        self.facts.action_requested.connect(self._act)
        self.groups.chosen.connect(lambda _index: self._show_curves())
        self.side.chosen.connect(self._side_pages.setCurrentIndex)
        self.show_run()

    def _make_body(self) -> QWidget:
        self.curves.add_choice(self.groups)
        self._side_pages.addWidget(self.sheets)
        self._side_pages.addWidget(self.log)
        beside = QWidget()
        layout = column(beside, spacing=theme.UNIT // 2)
        layout.addWidget(self.side)
        layout.addWidget(self._side_pages, 1)
        self.split = split_in_two(self.curves, beside)
        body = QWidget()
        line = row(body, spacing=theme.MARGIN)
        line.setContentsMargins(theme.MARGIN, 0, theme.MARGIN, theme.UNIT)
        line.addWidget(self.facts)
        line.addWidget(self.split, 1)
        return body

    def show_run(self) -> None:
        """Show the attached run as it is now."""
        view = self._controller.attached
        self.setCurrentWidget(self.empty if view is None else self.body)
        if view is None:
            return
        devices = dict(self._controller.device.choices)
        self.facts.show_run(view, snapshot_busy=self._controller.snapshot_busy, devices=devices)
        self.groups.set_labels(metrics.groups_of(view.series))
        self._show_curves()
        self.sheets.show_sheets(
            view.sheets, run_text.sheet_labels(view), view.config.resolution if view.config is not None else 0
        )
        self.log.show_lines(view.log)

    def _show_curves(self) -> None:
        view = self._controller.attached
        if view is not None:
            self.curves.show_curves(metrics.curves_of(view.series, self.groups.word))

    def _act(self, what: str) -> None:
        controller = self._controller
        acts: dict[str, Callable[[], object]] = {
            "pause": controller.pause,
            "stop": controller.stop,
            "resume": controller.resume,
            "current": controller.open_current,
            "result": controller.open_result,
            "longer": self._train_longer,
        }
        acts[what]()

    def _train_longer(self) -> None:
        view = self._controller.attached
        images_seen = view.status.images if view is not None and view.status is not None else 0
        images, accepted = QInputDialog.getInt(
            self,
            "Train longer",
            f"So far it has seen {images_seen:,} images. How many in total?",
            2 * images_seen,
            images_seen + 1,
            MAX_IMAGES,
            1000,
        )
        if accepted:
            self._controller.resume(images)


class LogView(QWidget):
    """Lines of a log. It scrolls to new lines unless the user has scrolled up."""

    def __init__(self, empty: str) -> None:
        super().__init__()
        self._lines: list[str] = []
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.setMaximumBlockCount(MAX_LINES)
        self.text.setFont(theme.font(theme.SMALL))
        self.text.setAccessibleName("Log of the training")
        self.text.setTabChangesFocus(True)
        self.text.document().setDocumentMargin(theme.UNIT)
        self.pages = Pages()
        self.pages.addWidget(EmptyState("info", empty))
        self.pages.addWidget(self.text)
        column(self).addWidget(self.pages)

    def show_lines(self, lines: Sequence[str]) -> None:
        """Show these lines. If only new ones follow those shown, they are appended."""
        known = len(self._lines)
        if list(lines) == self._lines:
            return
        bar = self.text.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 2
        if list(lines[:known]) == self._lines:
            for line in lines[known:]:
                self.text.appendPlainText(line)
        else:
            self.text.setPlainText("\n".join(lines[-MAX_LINES:]))
        self._lines = list(lines)
        self.pages.setCurrentIndex(int(bool(lines)))
        if at_end:
            bar.setValue(bar.maximum())
