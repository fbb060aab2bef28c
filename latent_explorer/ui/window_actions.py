# SPDX-License-Identifier: MIT
"""Handlers of the actions in the main window. Their texts are in `actions`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication

from latent_explorer.app import library
from latent_explorer.app.exploration.intents import ResetAttributes
from latent_explorer.common.paths import log_dir
from latent_explorer.ui.bottom_strip import PLOT, TIMELINE
from latent_explorer.ui.dialogs.help import NoticesDialog, ShortcutsDialog
from latent_explorer.ui.widgets.basics import open_dialog, show_beside

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from latent_explorer.app.study.controller import StudyController
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.ui.export.actions import ExportActions
    from latent_explorer.ui.main_window import MainWindow
    from latent_explorer.ui.overview.window import OverviewWindow
    from latent_explorer.ui.photograph.window import PhotographWindow

    Handlers: TypeAlias = dict[str, Callable[[], object]]  # by the actions' keys


def handlers(window: MainWindow) -> Handlers:
    menus = (_file, _edit, _view, _explain, _photograph, _timeline, _study, _help)
    return {key: act for menu in menus for key, act in menu(window).items()}


def _file(window: MainWindow) -> Handlers:
    files = window.files

    @cache
    def exports() -> ExportActions:  # imported with their dialogs at first use
        from latent_explorer.ui.export.actions import ExportActions

        return ExportActions(window, window.explorer, window.timelines, files)

    return {
        "open": files.open,
        "open_image": window.projection.open_images,
        "open_bundled": window.explorer.open_bundled,
        "open_shortcut": lambda: window.explorer.open_bundled(library.SHORTCUT),
        "save": files.save,
        "save_as": files.save_as,
        "export_png": files.export_png,
        "export_animation": lambda: exports().animation(),
        "export_sheet": lambda: exports().sheet(),
        "export_all": lambda: exports().all(),
        "quit": window.close,
    }


def _edit(window: MainWindow) -> Handlers:
    return {
        "undo": window.explorer.undo,
        "redo": window.explorer.redo,
        "copy": window.files.copy_picture,
        "paste": window.projection.paste,
        "copy_words": lambda: _copy(window.canvas.bars.text.text()),
        "reset": lambda: window.explorer.apply(ResetAttributes()),
    }


def _view(window: MainWindow) -> Handlers:
    def checked(key: str) -> bool:
        return window.actions_by_key[key].isChecked()

    return {
        "view_side": lambda: window.set_view("side"),
        "view_after": lambda: window.set_view("after"),
        "view_swipe": lambda: window.set_view("swipe"),
        "view_difference": lambda: window.set_view("difference"),
        "view_heat": lambda: window.set_view("heat"),
        "compare_photo": lambda: window.projection.compare(checked("compare_photo")),
        "grid": lambda: window.canvas.show_grid(checked("grid")),
        "pixels": lambda: _set_pixels(window, checked("pixels")),
        "plot": lambda: window.strip.toggle_tab(PLOT),
        "timeline": lambda: window.strip.toggle_tab(TIMELINE),
        "training": lambda: window.dock_host.set_shown(checked("training")),
        "theme_system": lambda: window.set_theme("system"),
        "theme_light": lambda: window.set_theme("light"),
        "theme_dark": lambda: window.set_theme("dark"),
        "next_panel": lambda: window.panel_focus.step(1),
        "previous_panel": lambda: window.panel_focus.step(-1),
        "full_screen": lambda: window.setWindowState(window.windowState() ^ Qt.WindowState.WindowFullScreen),
    }


def _explain(window: MainWindow) -> Handlers:
    samples, attributes = window.samples, window.attributes

    def label() -> None:
        from latent_explorer.ui.labelling.window import LabelDialog

        shown = window.findChild(LabelDialog)
        if isinstance(shown, LabelDialog) and shown.isVisible():
            shown.raise_()
            shown.activateWindow()
        elif window.explorer.state is not None:
            show_beside(LabelDialog(window.explorer, window))

    @cache
    def overview() -> OverviewWindow:  # made at first use, and kept
        from latent_explorer.ui.overview.window import OverviewWindow

        return OverviewWindow(window.explorer, window)

    def mistakes() -> None:
        from latent_explorer.ui.overview.mistakes_page import MistakesPage

        page = overview().present_page(MistakesPage)
        if page.controller.path is None:
            page.bar.choose_folder()

    def real_pictures(attribute: Attribute) -> None:
        from latent_explorer.ui.overview.real_pictures_page import RealPicturesPage

        overview().present_page(RealPicturesPage).show_attribute(attribute)

    attributes.list.real_pictures_wanted.connect(real_pictures)
    return {
        "shuffle": samples.pick_random,
        "next": lambda: samples.step(1),
        "previous": lambda: samples.step(-1),
        "favourite": samples.toggle_favourite,
        "project": window.projection.show_page,
        "add_slider": attributes.open_add_slider,
        "find_attributes": attributes.open_search,
        "explain_picture": attributes.verdict.explain,
        "region": lambda: window.paint_region(window.actions_by_key["region"].isChecked()),
        "find_directions": attributes.list.directions.open_search,
        "label_pictures": label,
        "overview": lambda: overview().present(),
        "mistakes": mistakes,
        "write_report": window.reports.write,
        "cancel": window.cancel,
    }


def _photograph(window: MainWindow) -> Handlers:
    @cache
    def photograph() -> PhotographWindow:
        from latent_explorer.ui.photograph.window import PhotographWindow

        return PhotographWindow(window.explorer, window.photographs, window)

    def explain_photograph() -> None:
        photograph().explain(*window.projection.photos_in_view)

    window.projection.panel.explain_requested.connect(explain_photograph)
    return {"explain_photograph": explain_photograph}


def _timeline(window: MainWindow) -> Handlers:
    panel = window.strip.timeline
    make = panel.make

    def in_timeline(act: Callable[[], object]) -> Callable[[], None]:
        """Return `act` preceded by showing the timeline, where its effect is seen."""

        def shown() -> None:
            window.strip.show_tab(TIMELINE)
            act()

        return shown

    def record() -> None:
        panel.toggle_recording()
        if not panel.controller.recording:
            window.strip.show_tab(TIMELINE)

    return {
        "add_keyframe": in_timeline(panel.add_keyframe),
        "play": in_timeline(panel.toggle_play),
        "frame_back": in_timeline(lambda: panel.step(-1)),
        "frame_on": in_timeline(lambda: panel.step(1)),
        "record": record,
        "loop": lambda: panel.editor.set_loop(window.actions_by_key["loop"].isChecked()),
        "ping_pong": lambda: panel.editor.set_ping_pong(window.actions_by_key["ping_pong"].isChecked()),
        "random_walk": in_timeline(make.random_walk),
        "random_walk_with": in_timeline(make.random_walk_with_options),
        "morph": in_timeline(make.morph),
        "style_mix": in_timeline(make.mix),
        "sweep": in_timeline(make.sweep),
        "reverse_timeline": in_timeline(panel.editor.reverse),
        "distribute_keyframes": in_timeline(panel.editor.distribute),
        "delete_keyframes": panel.editor.delete,
    }


def _study(window: MainWindow) -> Handlers:
    @cache
    def controller() -> StudyController:
        from latent_explorer.app.study.controller import StudyController

        return StudyController(window.explorer)

    def make() -> None:
        from latent_explorer.ui.study.wizard import StudyDialog

        if window.explorer.state is not None:
            open_dialog(StudyDialog(window.explorer, controller(), window))

    def score() -> None:
        from latent_explorer.ui.study.scoring_dialog import ScoringDialog

        open_dialog(ScoringDialog(window.explorer, controller(), window))

    return {"make_study": make, "score_study": score}


def _help(window: MainWindow) -> Handlers:
    def guide(page: str) -> None:
        from latent_explorer.ui.dialogs.guide import GuideDialog

        shown = window.findChild(GuideDialog)
        if isinstance(shown, GuideDialog) and shown.isVisible():
            shown.show_page(page)
        else:
            show_beside(GuideDialog(window, page))

    def newer_version() -> None:
        from latent_explorer.ui.dialogs.newer_version import NewerVersionDialog

        open_dialog(NewerVersionDialog(window))

    def about() -> None:
        from latent_explorer.ui.dialogs.about import AboutDialog

        open_dialog(AboutDialog(window.explorer.summary, window.status.device_note, window))

    return {
        "tour": window.tour.start,
        "guide": lambda: guide("user-guide.md"),
        "glossary": lambda: guide("glossary.md"),
        "newer_version": newer_version,
        "keys": lambda: open_dialog(ShortcutsDialog(window)),
        "notices": lambda: open_dialog(NoticesDialog(window.notices.history, window)),
        "screenshot": window.files.screenshot,
        "diagnostics": lambda: _copy_diagnostics(window),
        "log": lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_dir()))),
        "about": about,
    }


def _set_pixels(window: MainWindow, on: bool) -> None:
    window.canvas.view.set_pixels(on)
    window.canvas.grid.set_pixels(on)


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


def _copy_diagnostics(window: MainWindow) -> None:
    """Copy versions and the open model. `latent-explorer doctor` reports more, without a window."""
    import platform

    from PySide6.QtCore import qVersion

    from latent_explorer import __version__

    summary = window.explorer.summary
    lines = [
        f"Latent Explorer {__version__}",
        f"Python {platform.python_version()}, Qt {qVersion()}, {platform.platform()}",
        f"Platform plugin {QGuiApplication.platformName()}, device {window.status.device.text()}",
    ]
    if summary is not None:
        lines.append(f"Model {summary.name} {summary.model_hash}")
        lines += [f"Classifier {c.name} {c.classifier_id}" for c in summary.classifiers]
    _copy("\n".join(lines))
    window.notices.show_message("Diagnostics are on the clipboard.")
