# SPDX-License-Identifier: MIT
"""Table of actions, from which menus, tool row, tooltips, shortcuts and the sheet of keys are made.

Their handlers are in `window_actions`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QToolButton, QWidget

from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.timeline.shortcuts import SHEET as TIMELINE_KEYS
from latent_explorer.ui.widgets.basics import row
from latent_explorer.ui.widgets.mask_painter import KEYS as MASK_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PySide6.QtWidgets import QMenu, QMenuBar


@dataclass(frozen=True)
class ActionSpec:
    """Action of a menu. Actions of one `group` are exclusive; a change of `section` draws a separator."""

    key: str
    menu: str
    text: str  # with & before the mnemonic
    tooltip: str
    shortcut: str = ""
    icon: str = ""
    section: int = 0
    checkable: bool = False
    group: str = ""
    needs_model: bool = True
    needs_classifier: bool = False
    submenu: str = ""


FILE, EDIT, VIEW, EXPLAIN = "file", "edit", "view", "explain"
TIMELINE, STUDY, HELP = "timeline", "study", "help"
MAKE, THEME = "make", "theme"
MENUS = {  # by id: the titles, in the order of the menu bar
    FILE: "&File",
    EDIT: "&Edit",
    VIEW: "&View",
    EXPLAIN: "E&xplain",
    TIMELINE: "&Timeline",
    STUDY: "&Study",
    HELP: "&Help",
}
SUBMENUS = {MAKE: "&Make", THEME: "&Theme"}

# fmt: off
ACTIONS = (
    ActionSpec("open", FILE, "&Open...",
        "Open an explainer, an exploration, or a picture that carries its recipe", "Ctrl+O", "open", needs_model=False),
    ActionSpec("open_image", FILE, "Open &image...",
        "Open pictures, or projections, to see what the classifier looks at in them", "Ctrl+I", "image",
        needs_model=False),
    ActionSpec("open_bundled", FILE, "Open the &leaf explainer",
        "Open the explainer that comes with the program", "Ctrl+L", "leaf", needs_model=False),
    ActionSpec("open_shortcut", FILE, "Open the short&cut explainer",
        "Open the explainer of a classifier that looks at the ground, to learn how to catch one", "Ctrl+Shift+L",
        "search", needs_model=False),
    ActionSpec("save", FILE, "&Save exploration",
        "Save names, favourites and the state of the sliders", "Ctrl+S", "save", 1),
    ActionSpec("save_as", FILE, "Save exploration &as...",
        "Save the exploration under another name", "Ctrl+Shift+S", section=1),
    ActionSpec("export_png", FILE, "&Export picture...",
        "Save the picture as PNG with its recipe. Drop it on the window to get the sliders back", "Ctrl+E", "export",
        2),
    ActionSpec("export_animation", FILE, "Export a&nimation...",
        "Save a timeline, or the sweep of a slider, as GIF, WebP, PNG, MP4 or WebM", "Ctrl+Shift+E", "animation",
        2),
    ActionSpec("export_sheet", FILE, "Export s&heet...",
        "Save counterfactuals, a truncation sweep or a style-mixing grid as PNG or PDF, for a paper", "Ctrl+Alt+E",
        "grid", 2),
    ActionSpec("export_all", FILE, "Export all attri&butes...",
        "Save the first attributes on several pictures as animations, with a list of the files", section=2),
    ActionSpec("quit", FILE, "&Quit", "Close the window", "Ctrl+Q", section=3, needs_model=False),
    ActionSpec("undo", EDIT, "&Undo", "Undo the last change of the picture", "Ctrl+Z", "undo"),
    ActionSpec("redo", EDIT, "&Redo", "Redo the change that was undone", "Ctrl+Shift+Z", "redo"),
    ActionSpec("copy", EDIT, "&Copy picture", "Copy the picture to the clipboard", "Ctrl+C", "copy", 1),
    ActionSpec("paste", EDIT, "Pa&ste image",
        "Open the picture on the clipboard among your photos", "Ctrl+V", "paste", 1, needs_model=False),
    ActionSpec("copy_words", EDIT, "Copy &probabilities",
        "Copy what the classifier says, in words", "Ctrl+Shift+C", section=1, needs_classifier=True),
    ActionSpec("reset", EDIT, "Reset all &attributes", "Set every attribute to zero", "0", "reset", 2),
    ActionSpec("view_side", VIEW, "&Before and after",
        "Show the picture before and after, side by side", "1", "before_after", checkable=True, group="view"),
    ActionSpec("view_after", VIEW, "&After only",
        "Show only the edited picture, larger", "2", "picture", checkable=True, group="view"),
    ActionSpec("view_swipe", VIEW, "&Swipe",
        "Drag a line between before and after", "3", "swipe", checkable=True, group="view"),
    ActionSpec("view_difference", VIEW, "&Difference",
        "Show the difference, doubled; grey is unchanged", "4", "difference", checkable=True, group="view"),
    ActionSpec("view_heat", VIEW, "Grad-&CAM",
        "Show where the classifier finds the class, before and after, beside the difference", "5", "heat",
        checkable=True, group="view", needs_classifier=True),
    ActionSpec("compare_photo", VIEW, "Compare with the ph&oto",
        "Show your photo itself on the left, in place of its reconstruction", "O", "image", checkable=True),
    ActionSpec("grid", VIEW, "&Grid of pictures",
        "Show the same sliders on several pictures at once", "G", "grid", 1, checkable=True),
    ActionSpec("pixels", VIEW, "Whole &pixels",
        "Enlarge without smoothing", "P", "pixels", 1, checkable=True),
    ActionSpec("plot", VIEW, "&Live plot",
        "Show how the probabilities changed with the last edits", "L", "plot", 1, checkable=True, needs_model=False),
    ActionSpec("timeline", VIEW, "T&imeline",
        "Show the timeline: keyframes, and the probabilities between them", "T", "animation", 1, checkable=True,
        needs_model=False),
    ActionSpec("training", VIEW, "Trai&ning",
        "Train an explainer on your own pictures, and watch it learn", "Ctrl+T", "training", 1, checkable=True,
        needs_model=False),
    ActionSpec("theme_system", VIEW, "Same as the &system",
        "Light or dark, as the desktop is set", section=2, checkable=True, group="theme", needs_model=False,
        submenu=THEME),
    ActionSpec("theme_light", VIEW, "&Light", "Always light", section=2, checkable=True, group="theme",
        needs_model=False, submenu=THEME),
    ActionSpec("theme_dark", VIEW, "&Dark", "Always dark", section=2, checkable=True, group="theme",
        needs_model=False, submenu=THEME),
    ActionSpec("next_panel", VIEW, "Ne&xt panel",
        "Move the keyboard to the next part of the window", "F6", section=2, needs_model=False),
    ActionSpec("previous_panel", VIEW, "Pre&vious panel",
        "Move the keyboard to the part of the window before", "Shift+F6", section=2, needs_model=False),
    ActionSpec("full_screen", VIEW, "&Full screen",
        "Use the whole screen", "F11", section=2, checkable=True, needs_model=False),
    ActionSpec("shuffle", EXPLAIN, "Another at &random", "Show a random picture of the list", "R", "shuffle"),
    ActionSpec("next", EXPLAIN, "&Next", "Show the next picture of the list", "N", "right"),
    ActionSpec("previous", EXPLAIN, "&Previous", "Show the previous picture of the list", "B", "left"),
    ActionSpec("favourite", EXPLAIN, "Keep as a &favourite",
        "Add this picture to the favourites, or remove it", "F", "favourite"),
    ActionSpec("project", EXPLAIN, "Your phot&os",
        "Bring your own photos into the model, to see what the classifier looks at in them", "Ctrl+P", "image", 1,
        needs_model=False),
    ActionSpec("add_slider", EXPLAIN, "Add a &slider...", "Add a slider for any style coordinate", "A", "add", 1),
    ActionSpec("find_attributes", EXPLAIN, "Find &attributes...",
        "Search for what changes the classifier's verdict (AttFind)", "Ctrl+Shift+F", "search", 1,
        needs_classifier=True),
    ActionSpec("explain_picture", EXPLAIN, "&Explain this picture",
        "Say which attributes turn the classifier's verdict of this picture", "E", "help", 1,
        needs_classifier=True),
    ActionSpec("explain_photograph", EXPLAIN, "Explain a photo&graph...",
        "Say which attributes turn the verdict on a photograph of your own: on the model's copy, and on itself",
        "Shift+E", section=1, needs_classifier=True),
    ActionSpec("region", EXPLAIN, "Pain&t a region",
        "Paint where the picture may change: which attributes change it there, and does that turn the verdict?", "D",
        "brush", 1, checkable=True, needs_classifier=True),
    ActionSpec("find_directions", EXPLAIN, "Find d&irections...",
        "Search for directions in the latent: towards a class, or what differs most", section=1),
    ActionSpec("label_pictures", EXPLAIN, "&Label pictures...",
        "Say of pictures whether they have what you look for, and get a slider for it", section=1),
    ActionSpec("overview", EXPLAIN, "O&verview...",
        "Show many pictures and attributes at once, in a window beside this one", "V", section=1),
    ActionSpec("mistakes", EXPLAIN, "Start from &mistakes...",
        "Open a folder of labelled pictures: where the classifier errs, and which attributes turn that right", "M",
        section=1, needs_classifier=True),
    ActionSpec("write_report", EXPLAIN, "&Write a report...",
        "Save a page that shows what the attributes change: the subject or its surroundings", section=1),
    ActionSpec("cancel", EXPLAIN, "&Cancel the job",
        "Cancel what is running; finished results are kept", "Esc", "cancel", 1, needs_model=False),
    ActionSpec("add_keyframe", TIMELINE, "Add a &keyframe",
        "Add the picture as a keyframe: after the last one, or at the playhead", "K", "add_keyframe"),
    ActionSpec("play", TIMELINE, "&Play or pause", "Play the timeline from the playhead", "Shift+Space", "play"),
    ActionSpec("frame_back", TIMELINE, "Frame &before", "Show the frame before", ",", "left"),
    ActionSpec("frame_on", TIMELINE, "&Next frame", "Show the next frame", ".", "right"),
    ActionSpec("record", TIMELINE, "Re&cord",
        "Record the movement of the sliders as keyframes, until you stop", "Ctrl+Shift+R", "record", checkable=True),
    ActionSpec("loop", TIMELINE, "&Loop", "Start again at the end", icon="loop", section=1, checkable=True),
    ActionSpec("ping_pong", TIMELINE, "Pin&g-pong",
        "Play backwards from the end", icon="ping_pong", section=1, checkable=True),
    ActionSpec("random_walk", TIMELINE, "&Random walk",
        "Eight random seeds and back to the first, one second each", icon="shuffle", section=2, submenu=MAKE),
    ActionSpec("random_walk_with", TIMELINE, "Random &walk with...",
        "Choose the number of seeds and the speed", section=2, submenu=MAKE),
    ActionSpec("morph", TIMELINE, "M&orph...", "From one picture to another and back", section=2, submenu=MAKE),
    ActionSpec("style_mix", TIMELINE, "St&yle mixing...",
        "Take some layers of this picture from another", section=2, submenu=MAKE),
    ActionSpec("sweep", TIMELINE, "&Sweep a slider...",
        "Move one slider to its end and back", section=2, submenu=MAKE),
    ActionSpec("reverse_timeline", TIMELINE, "Re&verse", "Play the timeline from its end to its beginning", section=3),
    ActionSpec("distribute_keyframes", TIMELINE, "&Distribute evenly",
        "Give all keyframes the same distance in time", section=3),
    ActionSpec("delete_keyframes", TIMELINE, "D&elete keyframes",
        "Delete the selected keyframes", icon="delete", section=3),
    ActionSpec("make_study", STUDY, "&Make a study...",
        "Ask people what they see in the attributes: makes a questionnaire, and the key with the right answers",
        "Ctrl+Shift+U", "study", needs_classifier=True),
    ActionSpec("score_study", STUDY, "&Score answers...",
        "Evaluate the answers that participants sent, or the export of a survey service", needs_model=False),
    ActionSpec("tour", HELP, "&Tour of the window",
        "Try the window in four steps: drag, watch, turn the verdict, export", icon="sliders", needs_classifier=True),
    ActionSpec("guide", HELP, "&User guide", "Read how the window is used", icon="info", needs_model=False),
    ActionSpec("glossary", HELP, "&Glossary",
        "Read what the words of this window mean", icon="help", needs_model=False),
    ActionSpec("keys", HELP, "&Keys", "List all keys and shortcuts", "F1", "keyboard", needs_model=False),
    ActionSpec("notices", HELP, "&Notices",
        "Read earlier messages again", "Ctrl+Shift+N", "info", needs_model=False),
    ActionSpec("screenshot", HELP, "Picture of the &window...",
        "Save a picture of this window", "Ctrl+Shift+P", section=1, needs_model=False),
    ActionSpec("diagnostics", HELP, "Copy &diagnostics",
        "Copy versions and settings, for a bug report", section=1, needs_model=False),
    ActionSpec("log", HELP, "Open the &log folder",
        "Open the folder with the program's log, for a bug report", section=1, needs_model=False),
    ActionSpec("newer_version", HELP, "Is there a newer &version?...",
        "Ask the place of the releases; says first what that sends, and never asks on its own", section=2,
        needs_model=False),
    ActionSpec("about", HELP, "&About Latent Explorer",
        "Version, licence and purpose of this program", section=2, needs_model=False),
)
# fmt: on

# Keys without an action, for the sheet.
OTHER_KEYS = (
    ("Hold Space", "Show the picture before the edits"),
    ("Left, Right", "Move the slider that has the focus by 0.05"),
    ("Page Up, Page Down", "Move it by 0.25"),
    ("Double click", "Set a slider back to its default"),
    ("Shift and drag", "Move a slider in small steps"),
)

LABEL_KEYS = (
    ("1, 0", "The picture has it, has it not"),
    ("1 to 5", "Rate the picture"),
    ("S, Space", "Skip the picture"),
    ("Backspace, Ctrl+Z", "Take the last label back"),
)

SHORTCUT_GROUPS = (
    ("Picture and sliders", OTHER_KEYS),
    ("Paint a region, in the picture", MASK_KEYS),
    ("Timeline, while it has the focus", TIMELINE_KEYS),
    ("Label pictures", LABEL_KEYS),
)

TOOL_ROW = (
    "view_side",
    "view_after",
    "view_swipe",
    "view_difference",
    "view_heat",
    "",
    "grid",
    "pixels",
    "region",
    "",
    "undo",
    "redo",
    "",
)
RECORD_WIDTH = 12 * theme.UNIT  # px, so that the elapsed time does not move the other buttons


def build(window: QWidget) -> dict[str, QAction]:
    """Return the actions by key, not connected yet."""
    groups: dict[str, QActionGroup] = {}
    made: dict[str, QAction] = {}
    for spec in ACTIONS:
        action = QAction(spec.text, window)
        action.setObjectName(spec.key)
        action.setCheckable(spec.checkable)
        action.setShortcut(QKeySequence(spec.shortcut))
        action.setToolTip(f"{spec.tooltip} ({shortcut_text(spec)})" if spec.shortcut else spec.tooltip)
        action.setStatusTip(spec.tooltip)
        action.setEnabled(not spec.needs_model)
        if spec.icon:
            icons.set_icon(action, spec.icon)
        if spec.group:
            group = groups.setdefault(spec.group, QActionGroup(window))
            group.addAction(action)
        window.addAction(action)
        made[spec.key] = action
    return made


def connect(actions: Mapping[str, QAction], handlers: Mapping[str, Callable[[], object]]) -> None:
    """Connect every action with its handler, by key."""
    for key, action in actions.items():
        action.triggered.connect(lambda _checked=False, handler=handlers[key]: handler())


def shortcut_text(spec: ActionSpec) -> str:
    """Return the shortcut in the platform's notation."""
    return QKeySequence(spec.shortcut).toString(QKeySequence.SequenceFormat.NativeText)


def build_menus(bar: QMenuBar, actions: Mapping[str, QAction]) -> dict[str, QMenu]:
    """Fill the menu bar from the table. Return the menus by id, submenus included."""
    menus: dict[str, QMenu] = {}
    for name, menu_title in MENUS.items():
        menu = menus[name] = bar.addMenu(menu_title)
        menu.setToolTipsVisible(True)
        specs = [spec for spec in ACTIONS if spec.menu == name]
        for section, members in itertools.groupby(specs, key=lambda spec: spec.section):
            if section:
                menu.addSeparator()
            for spec in members:
                owner = menu
                if spec.submenu:
                    if spec.submenu not in menus:
                        menus[spec.submenu] = menu.addMenu(SUBMENUS[spec.submenu])
                    owner = menus[spec.submenu]
                owner.addAction(actions[spec.key])
    return menus


def plain_text(spec: ActionSpec) -> str:
    """Return the text without mnemonic and dots."""
    return spec.text.replace("&", "").removesuffix("...")


def mode_button(action: QAction, text: str = "") -> QToolButton:
    """Return a quiet button for an action, with `text` beside the icon if given."""
    made = QToolButton()
    made.setProperty("role", "quiet")
    made.setDefaultAction(action)
    made.setIconSize(QSize(theme.ICON, theme.ICON))
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setAccessibleName(action.text().replace("&", "").removesuffix("..."))
    if text:
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        action.setIconText(text)
        made.setFixedHeight(theme.CONTROL)
    else:
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        made.setFixedSize(theme.CONTROL, theme.CONTROL)
    return made


class ToolRow(QWidget):
    """Row of buttons beside the menus: modes of the canvas, undo, redo, record, open, export."""

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self.setAccessibleName("Tools")
        layout = self._line = row(self, spacing=theme.UNIT // 2)
        for key in TOOL_ROW:
            if key:
                layout.addWidget(mode_button(actions[key]))
            else:
                layout.addSpacing(theme.MARGIN)
        self._record = mode_button(actions["record"], "Record")
        self.export = mode_button(actions["export_png"], "Export")
        self._worded = (self._record, mode_button(actions["open"], "Open"), self.export)
        for button in self._worded:
            layout.addWidget(button)
        self._narrow = True
        self.set_narrow(False)

    def set_narrow(self, on: bool) -> bool:
        """Leave out the words beside the icons, or show them. Return True if that changed the width."""
        if on == self._narrow:
            return False
        self._narrow = on
        icons_only, worded = Qt.ToolButtonStyle.ToolButtonIconOnly, Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        for button in self._worded:
            button.setToolButtonStyle(icons_only if on else worded)
        self._record.setMinimumWidth(0 if on else RECORD_WIDTH)
        # The menu bar's own button for menus without room needs some beside it.
        self._line.setContentsMargins((3 if on else 1) * theme.UNIT, 0, theme.UNIT, 0)
        self.adjustSize()
        return True
