# SPDX-License-Identifier: MIT
"""Page of the guided start: three steps, the data check beside them, and one button for the next action."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QBoxLayout, QWidget

from latent_explorer.app.training.plan import TrainingPlan
from latent_explorer.app.training.updates import (
    CheckDone,
    CheckProgress,
    ClassifierDescribed,
    DataInspected,
    RunAttached,
    RunChanged,
    RunEnded,
    StartFailed,
    WindowChanged,
)
from latent_explorer.ui.style import theme
from latent_explorer.ui.training.check_results import (
    CHECK_TEXT,
    MIN_WIDTH,
    RECHECK_TEXT,
    SHOW_RUNNING_TEXT,
    START_TEXT,
    CheckResultsView,
    NextStepBar,
    fits,
)
from latent_explorer.ui.training.classifier_step import ClassifierStep
from latent_explorer.ui.training.form_step import FormStep, scrolling
from latent_explorer.ui.training.images_step import ImagesStep
from latent_explorer.ui.training.settings_page import SettingsPage
from latent_explorer.ui.training.size_step import SizeStep
from latent_explorer.ui.widgets.basics import Pages, column, row, title

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtGui import QResizeEvent

    from latent_explorer.app.training.controller import TrainingController


class StartPage(QWidget):
    """Form that makes a plan, checks it and starts it.

    Emits `started` when a training begins, `show_running_requested` to show the one that runs.
    """

    started = Signal()
    show_running_requested = Signal()

    def __init__(self, controller: TrainingController) -> None:
        super().__init__()
        self._controller = controller
        self.plan = controller.plan  # the current choices
        self._done: CheckDone | None = None  # the last check
        self._newly_selected: set[Path] = set()  # their suggested settings are applied after the inspection
        self._check_after: Path | None = None  # pictures that are checked once they were inspected
        self._tried = False  # the user pressed the button: missing choices are shown
        self.images, self.classifier, self.size_ = ImagesStep(), ClassifierStep(), SizeStep()
        self.steps: tuple[FormStep, ...] = (self.images, self.classifier, self.size_)
        self.settings: SettingsPage | None = None  # made when first shown
        self.left = Pages()
        self.check = CheckResultsView()
        self.next = NextStepBar()
        self._build()
        self._connect()
        self._show_window()
        for step in self.steps:
            step.show_plan(self.plan)
        self._show_state()
        for path in (self.plan.data, self.plan.classifier_data):  # their summary is not saved
            if path is not None and path.exists():
                controller.inspect_data(path)
        chosen = self.plan.classifier if self.plan.classifier_from == "file" else None
        if chosen is not None and chosen.exists() and chosen != controller.device.model:
            controller.describe_classifier(chosen)

    def explain(self, classifier: Path, pictures: Path | None) -> None:
        """Fill in a classifier's file and its pictures, and check them: starting is the next click."""
        self.left.setCurrentIndex(0)
        self.classifier.set_classifier_file(classifier)
        if pictures is not None:
            self._check_after = pictures
            self.images.choose(pictures)

    def _build(self) -> None:
        inner = QWidget()
        columns = self._columns = row(inner, spacing=theme.SECTION)
        columns.setContentsMargins(0, 0, theme.UNIT, theme.UNIT)
        for step in self.steps:
            columns.addWidget(step, 1)
        beside = QWidget()
        beside.setMinimumWidth(MIN_WIDTH)
        side = column(beside)
        side.addWidget(title("Check"))
        side.addWidget(self.check, 1)
        side.addWidget(self.next)
        layout = row(self, spacing=theme.SECTION)
        layout.setContentsMargins(theme.MARGIN, 0, theme.MARGIN, theme.UNIT)
        self._form = scrolling(inner)
        self.left.addWidget(self._form)
        layout.addWidget(self.left, 5)
        layout.addWidget(beside, 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the steps below each other where they have no room beside each other."""
        super().resizeEvent(event)
        margins = self._columns.contentsMargins()
        beside = sum(max(step.minimumWidth(), step.minimumSizeHint().width()) for step in self.steps)
        beside += 2 * self._columns.spacing() + margins.left() + margins.right()
        narrow = self.left.width() < beside
        direction = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        self._columns.setDirection(direction)

    def _connect(self) -> None:
        for step in self.steps:
            step.changed.connect(self._update_from_steps)
        self.images.data_chosen.connect(self._on_images_chosen)
        self.images.reading_chosen.connect(self.classifier.choose_label)
        self.classifier.data_chosen.connect(self._on_labelled_chosen)
        self.classifier.file_chosen.connect(self._controller.describe_classifier)
        self.size_.more_requested.connect(self._show_settings)
        self.next.next_requested.connect(self._on_next)
        self.next.recheck_requested.connect(self._check_again)
        self.next.cancel_requested.connect(self._controller.cancel_check)
        updates = self._controller.updates
        updates.on(DataInspected, self._data_inspected)
        updates.on(ClassifierDescribed, self.classifier.show_described)
        updates.on(CheckProgress, self._check_progressed)
        updates.on(CheckDone, self._check_done)
        updates.on(StartFailed, self._start_failed)
        for kind in (RunAttached, RunChanged, RunEnded):
            updates.on(kind, lambda _update: self._show_next())
        updates.on(WindowChanged, lambda _update: self.refresh())

    def _update_from_steps(self) -> None:
        plan = self.plan
        for step in self.steps:
            plan = step.apply_to(plan)
        self.plan = plan
        self.images.question.mark(plan.label)
        if self.settings is not None:
            self.settings.show_plan(plan)
        self._show_state()

    def _update_from_settings(self) -> None:
        assert self.settings is not None
        self.plan = self.settings.apply_to(self.plan)
        self.settings.show_plan(self.plan)
        self.size_.show_plan(self.plan)
        self._show_state()

    def _show_settings(self) -> None:
        if self.settings is None:
            self.settings = SettingsPage()
            self.settings.changed.connect(self._update_from_settings)
            self.settings.closed.connect(self._show_steps)
            self.left.addWidget(self.settings)
        self.left.setCurrentWidget(self.settings)
        self.settings.search.setFocus()
        self._update_from_steps()

    def _show_steps(self) -> None:
        self.left.setCurrentIndex(0)
        self.size_.more.setFocus()
        self._show_state()

    def refresh(self) -> None:
        """Update the open explainer and the devices, which may change the choices."""
        self._show_window()
        self._update_from_steps()

    def _show_window(self) -> None:
        """Pass the open explainer and the devices to the steps."""
        opened = self._controller.device.model
        self.classifier.show_open(opened)
        self.size_.show_open(opened)
        self.size_.show_devices(self._controller.device.choices)

    def _on_images_chosen(self, path: Path) -> None:
        """Use other pictures. The selection is cleared, unless it is among the classifier's own pictures."""
        if self.classifier.own_data is None:
            self.images.forget()
        self._inspect(path)

    def _on_labelled_chosen(self, path: Path | None) -> None:
        """Use the classifier's own pictures; None: those of the explainer."""
        self.images.forget()
        self._update_from_steps()
        labelled = path or self.plan.data
        if labelled is not None:
            self._inspect(labelled)

    def _inspect(self, path: Path) -> None:
        self._newly_selected.add(path)
        self._controller.cancel_check()  # of the old pictures
        self._done = None
        self._update_from_steps()
        self._controller.inspect_data(path)

    def _on_next(self) -> None:
        running = self._controller.running
        if running is not None:
            self.show_running_requested.emit()
            return
        self._update_from_steps()
        self._tried = True
        self._show_state()
        if self._problems():
            return
        self._controller.remember_plan(self.plan)
        if not self._may_start():
            self._begin_check()
        elif self._controller.start(self.plan):
            self.started.emit()

    def _check_again(self) -> None:
        """Check again, to measure the time for other settings."""
        self._update_from_steps()
        if not self._problems():
            self._begin_check()

    def _begin_check(self) -> None:
        self._done = None
        self._controller.check(self.plan)
        self._show_state()

    def _may_start(self) -> bool:
        """Return True if these pictures were checked, and can be trained on."""
        done = self._done
        if done is None or done.problem or done.report is None or not done.report.can_train:
            return False
        if not self._has_same_pictures(done.plan):
            return False
        return done.estimate is None or self._has_other_settings(done.plan) or fits(done.estimate)

    def _has_same_pictures(self, plan: TrainingPlan) -> bool:
        return plan.pictures_only() == self.plan.pictures_only()

    def _has_other_settings(self, plan: TrainingPlan) -> bool:
        """Return True if time and disk space may differ from those of `plan`."""
        return dataclasses.replace(plan, name="") != dataclasses.replace(self.plan, name="")

    def _problems(self) -> list[str]:
        return [*self.plan.problems(), *self._unplanned(self.classifier), *self._unplanned(self.size_)]

    def _unplanned(self, step: FormStep) -> list[str]:
        """Return problems of a step, or of the settings page of step 3, that the plan does not contain."""
        needs_labels = self.plan.settings.get("mode") != "stylegan2"
        missing = step.missing() if needs_labels or step is not self.classifier else ""
        problems = [missing] if missing else []
        settings_page = self.settings if step is self.size_ else None
        return problems if settings_page is None else [*problems, *settings_page.problems]

    def _show_state(self) -> None:
        self._show_problems()
        self.size_.show_title(dataclasses.replace(self.plan, name="").title())
        self.check.show_check(self._done, self._controller.device.warning(self.plan.device))
        self.next.show_command(self.plan.command_line())
        self._show_next()

    def _show_next(self) -> None:
        """Set the button. It reads no file, because a running training calls it every second."""
        checking, running, done = self._controller.checking, self._controller.running, self._done
        self.next.show_checking(checking)
        if checking:
            return
        if running is not None:
            message = f"{running.name} is being trained. One training at a time."
            self.next.show_next(SHOW_RUNNING_TEXT, message)
        elif done is None or done.report is None:
            self.next.show_next(CHECK_TEXT)
        elif not self._has_same_pictures(done.plan):
            self.next.show_next(RECHECK_TEXT, "The check was for other pictures or labels.")
        elif not self._may_start():
            self.next.show_next(RECHECK_TEXT)
        else:
            other_settings = self._has_other_settings(done.plan)
            message = "The time was measured for other settings." if other_settings else ""
            self.next.show_next(START_TEXT, message, again=other_settings)

    def _show_problems(self) -> None:
        """Show each problem in the step whose defaults would remove it."""
        shown = self._tried or self.plan.data is not None
        remaining = self.plan.problems() if shown else []
        plain = TrainingPlan()
        for step in (self.size_, self.classifier):
            default = {name: getattr(plain, name) for name in step.FIELDS}
            without = dataclasses.replace(self.plan, **default).problems()
            step_problems = [text for text in remaining if text not in without]
            remaining = [text for text in remaining if text not in step_problems]
            if step is self.size_ and self.settings is not None:
                self.settings.messages.show_lines([("error", text) for text in step_problems])
            step_problems += self._unplanned(step)
            step.problems.show_lines([("error", text) for text in step_problems])
        self.images.problems.show_lines([("error", text) for text in remaining])

    def _check_progressed(self, update: CheckProgress) -> None:
        self.next.show_checking(True)
        self.next.show_progress(update.progress)

    def _check_done(self, update: CheckDone) -> None:
        cancelled = update.report is None and not update.problem
        self._done = None if cancelled else update
        self._show_state()

    def _start_failed(self, update: StartFailed) -> None:
        self._done = CheckDone(update.plan, None, None, update.problem)
        self._show_state()

    def _data_inspected(self, update: DataInspected) -> None:
        """Show a data set's summary. Labels and columns are those of the classifier's pictures."""
        self.images.show_inspected(update)
        if update.path == (self.classifier.own_data or self.plan.data):
            self.images.show_offer(update.offer)
            self.classifier.show_inspected(update)
            if update.offer is not None and update.path in self._newly_selected:
                self.images.suggest(update.offer)
                self.classifier.suggest(update.offer)
        self._newly_selected.discard(update.path)
        self._update_from_steps()
        if update.path == self._check_after:
            self._check_after = None
            if update.offer is not None and self._controller.running is None and not self._problems():
                self._begin_check()
