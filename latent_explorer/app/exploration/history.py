# SPDX-License-Identifier: MIT
"""Undo: snapshots of a value with labels. Knows nothing of what the value is."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class _Step(Generic[T]):
    before: T
    after: T
    label: str
    merge_key: object | None


class History(Generic[T]):
    """Undo and redo over at most `cap` steps. A state is under 10 kB, so snapshots are cheaper than inverses."""

    def __init__(self, cap: int = 200) -> None:
        self._done: deque[_Step[T]] = deque(maxlen=cap)
        self._undone: list[_Step[T]] = []
        self._open_gesture = False

    def push(self, before: T, after: T, label: str, merge_key: object | None = None) -> None:
        """Record a change. Within a gesture it joins the step before when both have the same merge key."""
        self._undone.clear()
        top = self._done[-1] if self._done else None
        merges = self._open_gesture and merge_key is not None and top is not None and top.merge_key == merge_key
        if merges and top is not None:
            before = top.before
            self._done.pop()
        # A drag that comes back to where it began has changed nothing.
        if before != after:
            self._done.append(_Step(before, after, label, merge_key if self._open_gesture else None))

    def begin_gesture(self) -> None:
        """The mouse goes down: changes of the same thing are one step until `end_gesture`."""
        self.end_gesture()
        self._open_gesture = True

    def end_gesture(self) -> None:
        """The mouse is released, the focus changes: the next change is a step of its own."""
        self._open_gesture = False
        if self._done:
            top = self._done[-1]
            self._done[-1] = _Step(top.before, top.after, top.label, None)

    def undo(self) -> T | None:
        """The value before the last step; None when there is none."""
        self.end_gesture()
        if not self._done:
            return None
        step = self._done.pop()
        self._undone.append(step)
        return step.before

    def redo(self) -> T | None:
        """The value after the step undone last; None when there is none."""
        self.end_gesture()
        if not self._undone:
            return None
        step = self._undone.pop()
        self._done.append(step)
        return step.after

    @property
    def undo_text(self) -> str:
        """For the menu: "Undo shift of style 214"; empty when there is nothing to undo."""
        return f"Undo {self._done[-1].label}" if self._done else ""

    @property
    def redo_text(self) -> str:
        """For the menu: "Redo shift of style 214"; empty when there is nothing to redo."""
        return f"Redo {self._undone[-1].label}" if self._undone else ""
