# SPDX-License-Identifier: MIT
"""Commands on keyframes: each passes a changed timeline to the controller and selects the keyframes it made.

The changes themselves are in `explain.timeline.edits`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QByteArray, QMimeData
from PySide6.QtGui import QGuiApplication

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData
from latent_explorer.explain.timeline import edits
from latent_explorer.explain.timeline.timeline import FPS, MAX_SECONDS, Easing, Keyframe, Timeline, duration, frame_at
from latent_explorer.ui.timeline.geometry import shifted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from latent_explorer.app.timeline.controller import TimelineController
    from latent_explorer.ui.timeline.view import TimelineView

CLIPBOARD = "application/x-latent-explorer-keyframes"
MAX_CLIPBOARD_BYTES = 4 * 2**20  # bytes to decode at most: the clipboard may hold anything


class KeyframeEditor:
    """Commands on the current timeline and the selection in the view."""

    def __init__(self, controller: TimelineController, view: TimelineView) -> None:
        self._controller = controller
        self._view = view

    @property
    def _timeline(self) -> Timeline:
        return self._controller.current or Timeline("")

    def _change(self, timeline: Timeline, text: str, selected: list[int] | None = None) -> None:
        self._controller.change(timeline, text)
        if selected is not None:
            self._view.select(selected)

    def move_or_copy(self, moves: Mapping[int, float], copy: bool) -> None:
        """Move or copy keyframes to other times, at the end of a drag."""
        before = self._timeline
        if copy:
            indices = sorted(moves)
            after = edits.copied(before, indices, moves[indices[0]])
            self._change(after, _many("copy", indices), _added(before, after))
            return
        places = edits.places(before, moves)
        self._change(edits.moved(before, moves), _many("move", list(moves)), [places[i] for i in moves])

    def shift(self, frames: int) -> None:
        """Move the selected keyframes by a number of frames."""
        before = self._timeline
        moves = shifted(before, self._view.selected, frames / before.fps)
        if moves:
            self.move_or_copy(moves, False)

    def delete(self) -> None:
        """Delete the selected keyframes."""
        chosen = self._view.selected
        if chosen:
            self._change(edits.without(self._timeline, chosen), _many("deletion", chosen), [])

    def reverse(self) -> None:
        """Reverse the timeline in time."""
        self._change(edits.reversed_in_time(self._timeline), "reversal of the timeline", [])

    def distribute(self) -> None:
        """Space the keyframes evenly."""
        self._change(edits.distributed(self._timeline), "even distribution")

    def stretch(self, seconds: float) -> None:
        """Scale the timeline to a duration in seconds."""
        seconds = min(max(seconds, 1 / self._timeline.fps), MAX_SECONDS)
        self._change(edits.stretched(self._timeline, seconds), "change of duration")

    def copy(self) -> None:
        """Copy the selected keyframes to the clipboard."""
        frames = [self._timeline.keyframes[i] for i in self._view.selected]
        if frames:
            data = QMimeData()
            data.setData(CLIPBOARD, QByteArray(msgspec.json.encode(frames)))
            QGuiApplication.clipboard().setMimeData(data)

    def cut(self) -> None:
        """Cut the selected keyframes to the clipboard."""
        self.copy()
        self.delete()

    def paste(self) -> None:
        """Paste keyframes, the first at the playhead, or after the last keyframe if the playhead's frame is taken."""
        frames = _copied_keyframes()
        if not frames:
            return
        before = self._timeline
        shift = self._free_place() - min(k.seconds for k in frames)
        new = tuple(msgspec.structs.replace(k, seconds=k.seconds + shift) for k in frames)
        after = edits.replace(before, keyframes=before.keyframes + new)
        self._change(after, _many("paste", list(new)), _added(before, after))

    def duplicate(self) -> None:
        """Copy the selected keyframes to a second after the last keyframe."""
        before, chosen = self._timeline, self._view.selected
        if chosen:
            after = edits.copied(before, chosen, duration(before) + 1.0)
            self._change(after, _many("copy", chosen), _added(before, after))

    def _free_place(self) -> float:
        timeline, here = self._timeline, self._controller.player.playhead
        taken = any(abs(k.seconds - here) < 0.5 / timeline.fps for k in timeline.keyframes)
        return duration(timeline) + 1.0 if taken else frame_at(timeline, here)

    def set_easing(self, index: int, easing: Easing) -> None:
        """Set the easing after a keyframe, or after all selected ones if it is among them."""
        chosen = self._view.selected
        indices = chosen if index in chosen else [index]
        after = edits.with_easing(self._timeline, indices, easing)
        self._controller.change(after, "change of easing", "easing")

    def set_fps(self, fps: float) -> None:
        """Set the frame rate, one of FPS."""
        assert fps in FPS
        self._change(edits.replace(self._timeline, fps=fps), "change of frame rate")

    def set_space(self, space: str) -> None:
        """Set the space of interpolation."""
        after = edits.replace(self._timeline, space=space)
        self._change(after, "change of interpolation")

    def set_loop(self, on: bool) -> None:
        """Set whether the timeline loops."""
        self._change(edits.replace(self._timeline, loop=on), "loop")

    def set_ping_pong(self, on: bool) -> None:
        """Set whether the timeline runs back from its end."""
        self._change(edits.replace(self._timeline, ping_pong=on), "ping-pong")


def _many(what: str, indices: list) -> str:
    """Return "move of a keyframe" or "move of 3 keyframes", to follow "Undo"."""
    return f"{what} of a keyframe" if len(indices) == 1 else f"{what} of {len(indices)} keyframes"


def _added(before: Timeline, after: Timeline) -> list[int]:
    """Return the indices of the keyframes that are new in `after`."""
    left = list(before.keyframes)
    indices = []
    for index, keyframe in enumerate(after.keyframes):
        if keyframe in left:
            left.remove(keyframe)
        else:
            indices.append(index)
    return indices


def _copied_keyframes() -> list[Keyframe]:
    data = bytes(QGuiApplication.clipboard().mimeData().data(CLIPBOARD).data())
    if not 0 < len(data) <= MAX_CLIPBOARD_BYTES:
        return []
    try:
        return guarded_json.decode(data, list[Keyframe])
    except DamagedData:
        return []  # written by another version of the program
