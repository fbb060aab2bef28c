# SPDX-License-Identifier: MIT
"""The timeline's own keys while it has the focus, and their descriptions in the list of shortcuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

_K = Qt.Key
_NO, _CTRL, _ALT, _SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
)
_KEYS = {
    (_K.Key_Space, _NO): "play",
    (_K.Key_Left, _NO): "frame_back",
    (_K.Key_Right, _NO): "frame_on",
    (_K.Key_Left, _ALT): "move_back",
    (_K.Key_Right, _ALT): "move_on",
    (_K.Key_Left, _ALT | _SHIFT): "move_far_back",
    (_K.Key_Right, _ALT | _SHIFT): "move_far_on",
    (_K.Key_Up, _NO): "keyframe_back",
    (_K.Key_Down, _NO): "keyframe_on",
    (_K.Key_Up, _SHIFT): "extend_back",
    (_K.Key_Down, _SHIFT): "extend_on",
    (_K.Key_Home, _NO): "start",
    (_K.Key_End, _NO): "end",
    (_K.Key_Delete, _NO): "delete",
    (_K.Key_Backspace, _NO): "delete",
    (_K.Key_A, _CTRL): "select_all",
    (_K.Key_C, _CTRL): "copy",
    (_K.Key_X, _CTRL): "cut",
    (_K.Key_V, _CTRL): "paste",
    (_K.Key_D, _CTRL): "duplicate",
    (_K.Key_Return, _NO): "easing",
    (_K.Key_Enter, _NO): "easing",
    (_K.Key_Plus, _NO): "zoom_in",
    (_K.Key_Equal, _NO): "zoom_in",
    (_K.Key_Minus, _NO): "zoom_out",
    (_K.Key_Z, _NO): "fit",
    (_K.Key_F2, _NO): "open",
    (_K.Key_Escape, _NO): "leave",
}
# For the list of shortcuts.
SHEET = (
    ("Space", "Play or pause"),
    ("Left, Right", "Frame before, next frame"),
    ("Up, Down", "Keyframe before, next; with Shift several"),
    ("Home, End", "To the beginning, to the end"),
    ("Alt+Left, Right", "Move keyframes; with Shift ten frames"),
    ("Ctrl or Alt and drag", "Copy keyframes"),
    ("Delete", "Delete the selected keyframes"),
    ("Ctrl+C, X, V, D", "Copy, cut, paste, duplicate them"),
    ("Return", "Easing after the selected keyframe"),
    ("F2, double click", "Show a keyframe in the sliders"),
    ("+, \N{MINUS SIGN}, Ctrl+wheel", "Zoom in, zoom out"),
    ("Z", "The whole timeline"),
)


def command_for(event: QKeyEvent) -> str:
    """Return the command of a key; empty if it has none."""
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if event.key() in (_K.Key_Plus, _K.Key_Minus, _K.Key_Equal):
        modifiers &= ~_SHIFT  # whether these signs need Shift depends on the keyboard
    return _KEYS.get((Qt.Key(event.key()), modifiers), "")
