# SPDX-License-Identifier: MIT
"""Pass updates on to the handlers that subscribed to their type."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class UpdateHub:
    """Calls the handlers of an update's type, in the order of subscription, on the thread that calls `emit`.

    Updates are plain values of any class. A handler of a base class gets updates of its subclasses too.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._handlers: dict[int, tuple[type, str | None, Callable[[Any], object]]] = {}

    def on(self, kind: type[T], handler: Callable[[T], object], *, slot: str | None = None) -> Callable[[], None]:
        """Call `handler` with every update of `kind`; with a `slot` only with those whose `slot` equals it.

        Returns a function that ends the subscription; it may be called twice.
        """
        number = next(self._numbers)
        self._handlers[number] = (kind, slot, handler)

        def disconnect() -> None:
            self._handlers.pop(number, None)

        return disconnect

    def emit(self, update: object) -> None:
        """Pass `update` on. Handlers that are disconnected meanwhile are not called."""
        for number, (kind, slot, handler) in tuple(self._handlers.items()):
            if not isinstance(update, kind) or number not in self._handlers:
                continue
            if slot is None or getattr(update, "slot", None) == slot:
                handler(update)
