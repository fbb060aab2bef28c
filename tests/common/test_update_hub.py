# SPDX-License-Identifier: MIT
"""The update hub: by type, by slot, in order, and the end of subscriptions."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from latent_explorer.common.update_hub import UpdateHub


@dataclass(frozen=True)
class Moved:
    to: int


@dataclass(frozen=True)
class Drawn:
    slot: str


class MovedFar(Moved):
    pass


@pytest.fixture
def hub() -> UpdateHub:
    return UpdateHub()


def test_handlers_get_their_type_and_its_subclasses_in_order_of_subscription(hub):
    told = []
    hub.on(Moved, lambda update: told.append(("first", update)))
    hub.on(Drawn, lambda update: told.append(("drawn", update)))
    hub.on(object, lambda update: told.append(("any", update)))
    hub.emit(Moved(1))
    hub.emit(MovedFar(2))
    near, far = Moved(1), MovedFar(2)
    assert told == [("first", near), ("any", near), ("first", far), ("any", far)]


def test_a_slot_chooses_among_the_updates_of_a_type(hub):
    told: list[Drawn] = []
    hub.on(Drawn, told.append, slot="main")
    for slot in ("grid", "main", "main"):
        hub.emit(Drawn(slot))
    hub.on(Moved, told.append, slot="main")
    hub.emit(Moved(1))
    assert told == [Drawn("main"), Drawn("main")]


def test_a_subscription_ends_once_and_for_all(hub):
    told: list[Moved] = []
    disconnect = hub.on(Moved, told.append)
    hub.on(Moved, told.append)
    disconnect()
    disconnect()
    hub.emit(Moved(1))
    assert told == [Moved(1)]


def test_who_is_disconnected_or_connected_while_an_update_is_passed_on_does_not_get_it(hub):
    told: list[str] = []

    def first(_update: Moved) -> None:
        told.append("first")
        disconnect()
        hub.on(Moved, lambda _update: told.append("late"))

    hub.on(Moved, first)
    disconnect = hub.on(Moved, lambda _update: told.append("second"))
    hub.emit(Moved(1))
    assert told == ["first"]
    hub.emit(Moved(2))
    assert told == ["first", "first", "late"]
