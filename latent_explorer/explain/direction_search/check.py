# SPDX-License-Identifier: MIT
"""What directions do to pictures that they were not found with, beside random directions of the same length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from latent_explorer.common.statistics import wilson_interval
from latent_explorer.explain.direction_search.settings import AMOUNTS, TARGETED, DirectionCheck, FoundDirection

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.common.events import Event
    from latent_explorer.explain.direction_search.context import SearchContext
    from latent_explorer.explain.directions.direction import Direction

_ORIENTED_WITH = 40  # pictures, of those that were searched


def check_directions(
    context: SearchContext, found: Sequence[FoundDirection]
) -> Generator[Event, None, list[FoundDirection]]:
    """Return the directions with their check. A job within a job."""
    rng = np.random.default_rng((context.settings.seed, 1))
    checked = []
    for number, each in enumerate(found):
        label = f"Trying direction {number + 1} of {len(found)}"
        controls = [random_like(each.direction, rng) for _ in range(context.settings.controls)]
        checked.append(msgspec.structs.replace(each, check=(yield from _check(context, each, controls, label))))
    return checked


def orient(context: SearchContext, found: Sequence[FoundDirection]) -> Generator[Event, None, list[FoundDirection]]:
    """Turn directions without a sign of their own so that, on searched pictures, the target gains along them."""
    target = context.settings.target
    if target is None or context.settings.method in TARGETED:
        return list(found)
    rows = context.fitted[:_ORIENTED_WITH]
    oriented = []
    for each in found:
        logits = yield from moved_logits(context, each.direction, rows, (-2.0, 2.0), "Choosing the sign")
        down, up = _probabilities(logits)[..., target].mean(axis=1)
        oriented.append(
            msgspec.structs.replace(each, direction=each.direction if up >= down else _turned(each.direction))
        )
    return oriented


def random_like(direction: Direction, rng: np.random.Generator) -> Direction:
    """Return a random direction with the rows and the length of another: uniform on the sphere."""
    array = direction.array
    vector = rng.standard_normal(array.shape) * (np.abs(array).max(axis=1, keepdims=True) > 0)
    vector *= np.linalg.norm(array) / np.linalg.norm(vector)
    return msgspec.structs.replace(direction, name="random", vector=vector.astype("<f4").tobytes())


def _turned(direction: Direction) -> Direction:
    return msgspec.structs.replace(direction, vector=(-direction.array).astype("<f4").tobytes())


def _check(
    context: SearchContext, found: FoundDirection, controls: Sequence[Direction], label: str
) -> Generator[Event, None, DirectionCheck | None]:
    rows, target = context.held_out, found.target
    if target is not None:
        rows = rows[context.verdicts[rows] != target]
    if not len(rows):
        return None
    signs = (1.0,) if target is not None else (-1.0, 1.0)
    amounts = tuple(sign * amount for sign in signs for amount in AMOUNTS)
    flips: list[np.ndarray] = []
    changes: list[np.ndarray] = []
    for direction in (found.direction, *controls):
        logits = yield from moved_logits(context, direction, rows, amounts, label)
        flipped, change = effects(context.logits[rows], logits, target)
        flips.append(np.any(flipped.reshape(len(signs), len(AMOUNTS), -1), axis=0))
        changes.append(change.reshape(len(signs), len(AMOUNTS), -1).mean(axis=(0, 2)))
    share = [each.mean(axis=1) for each in flips]
    return DirectionCheck(
        target=target,
        pictures=len(rows),
        amounts=AMOUNTS,
        flipped=_floats(share[0]),
        intervals=tuple(wilson_interval(int(row.sum()), len(rows)) for row in flips[0]),
        change=_floats(changes[0]),
        random_flipped=_floats(np.mean(share[1:], axis=0)) if controls else (),
        random_change=_floats(np.mean(changes[1:], axis=0)) if controls else (),
    )


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def effects(before: np.ndarray, after: np.ndarray, target: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return which verdicts flip (A, N) bool, and the changes of probability (A, N), for logits (N, K), (A, N, K)."""
    if target is None:
        distance = 0.5 * np.abs(_probabilities(after) - _probabilities(before)).sum(axis=-1)
        return after.argmax(axis=-1) != before.argmax(axis=-1), distance
    return after.argmax(axis=-1) == target, (_probabilities(after) - _probabilities(before))[..., target]


def _probabilities(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: np.ndarray = shifted / shifted.sum(axis=-1, keepdims=True)
    return probabilities


def moved_logits(
    context: SearchContext, direction: Direction, rows: np.ndarray, amounts: Sequence[float], label: str
) -> Generator[Event, None, np.ndarray]:
    """Return logits (A, N, K) of pictures `rows` (N,) moved by each of the amounts. A job within a job."""
    shift = direction.shift(context.model.generator.num_ws)
    all_rows, all_amounts = np.tile(rows, len(amounts)), np.repeat(np.asarray(amounts, np.float32), len(rows))

    def part(which: slice) -> np.ndarray:
        return context.logits_of(all_rows[which], all_amounts[which, None, None] * shift)

    parts = yield from context.sizer.run(part, len(all_rows), label)
    return np.concatenate(parts).reshape(len(amounts), len(rows), -1)
