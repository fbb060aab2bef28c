# SPDX-License-Identifier: MIT
"""Latents and effects that Google released beside its StylEx: `dlatents.pkl` and `examples_1.tfrecord`."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np

from latent_explorer.common.errors import DamagedData
from latent_explorer.models.importers.pickle_values import read_pickle
from latent_explorer.models.importers.saved_model.records import examples

MAX_LATENTS = 100_000
MAX_RATIO = 1.25  # of the latents to their file: a pickle can hold one row in many places
ALWAYS_ALLOWED = 1 << 20  # bytes of latents whatever the ratio


def read_latents(data: bytes | memoryview) -> tuple[tuple[str, ...], np.ndarray]:
    """Return ids and latents (N, w_dim + K) of a pickled list of (id, (1, w_dim + K)). Raises DamagedData."""
    content = read_pickle(BytesIO(data), len(data))
    if not isinstance(content, (list, tuple)) or not 0 < len(content) <= MAX_LATENTS:
        raise DamagedData("it holds no list of latents")
    ids: list[str] = []
    rows: list[np.ndarray] = []
    for pair in content:
        if not (isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[1], np.ndarray)):
            raise DamagedData("its list is not one of numbers and latents")
        name, row = pair
        if not isinstance(name, (str, bytes, int, float)):  # the text of lists that share lists never ends
            raise DamagedData(f"the number of its latent {len(rows)} is no number")
        flat = row.dtype.kind == "f" and row.size == max(row.shape, default=0) > 0
        if not flat or (rows and row.size != len(rows[0])):
            raise DamagedData(f"its latent {len(rows)} has the shape {row.shape}")
        if 4 * row.size * (1 + len(rows)) > max(ALWAYS_ALLOWED, MAX_RATIO * len(data)):
            raise DamagedData("its latents are far larger than the file")
        ids.append(str(name)[:100])
        rows.append(row.reshape(-1).astype(np.float32))
    latents = np.stack(rows)
    if not np.isfinite(latents).all():
        raise DamagedData("it holds values that are not finite numbers")
    return tuple(ids), latents


@dataclass(frozen=True)
class Effects:
    """Effects of all moves on a set of pictures, as the authors computed them."""

    latents: np.ndarray  # (N, w_dim + K)
    base_logits: np.ndarray  # (N, K) of the reconstructions; "base_prob" in the file
    effects: np.ndarray  # (N, 2, S, K) changes of the logits, see explain/attfind/greedy


def read_effects(data: bytes | memoryview) -> Effects:
    """Return the effects in a file of records. Raises DamagedData."""
    latents: list[np.ndarray] = []
    base: list[np.ndarray] = []
    effects: list[np.ndarray] = []
    for number, record in enumerate(examples(memoryview(data))):
        missing = {"dlatent", "base_prob", "result"} - set(record)
        if missing:
            raise DamagedData(f"its record {number} has no {sorted(missing)[0]}")
        logits, result = record["base_prob"], record["result"]
        if len(logits) < 2 or not len(result) or len(result) % (2 * len(logits)):
            raise DamagedData(f"its record {number} has {len(result)} effects on {len(logits)} classes")
        if base and (len(logits), len(result)) != (len(base[0]), effects[0].size):
            raise DamagedData(f"its record {number} has another number of effects")
        if latents and len(record["dlatent"]) != len(latents[0]):
            raise DamagedData(f"its record {number} has a latent of another size")
        latents.append(record["dlatent"])
        base.append(logits)
        effects.append(result.reshape(-1, 2, len(logits)).transpose(1, 0, 2))
    if not effects:
        raise DamagedData("it holds no records")
    return Effects(np.stack(latents), np.stack(base), np.stack(effects))
