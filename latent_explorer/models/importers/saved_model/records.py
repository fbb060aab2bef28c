# SPDX-License-Identifier: MIT
"""Records of TensorFlow (`.tfrecord`) that hold tf.train.Example messages of floating-point lists.

Each record is a length of 8 bytes, a checksum of that, the message, and a checksum of it; see tfrecord in TensorFlow's
guide, and example.proto and feature.proto.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.errors import DamagedData
from latent_explorer.models.importers.protobuf import Reader, as_bytes, as_text
from latent_explorer.models.importers.saved_model.crc32c import crc32c, masked

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_RECORDS = 100_000
_HEAD, _TAIL = 12, 4  # bytes around a message


def examples(data: memoryview) -> Iterator[dict[str, np.ndarray]]:
    """Yield the features of each record of a file: name -> its float32 numbers, flat. Raises DamagedData."""
    reader = Reader()
    at = count = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 8], "little")
        if len(data) - at < _HEAD + _TAIL or length > len(data) - at - _HEAD - _TAIL:
            raise DamagedData("it ends within a record")
        content = at + _HEAD
        for first, last in ((at, at + 8), (content, content + length)):
            if struct.pack("<I", masked(crc32c(data[first:last]))) != data[last : last + 4]:
                raise DamagedData(f"its record {count} does not match its checksum")
        count += 1
        if count > MAX_RECORDS:
            raise DamagedData(f"it holds more than {MAX_RECORDS} records")
        at = content + length + _TAIL
        yield dict(_features(reader, data[content : content + length]))


def _features(reader: Reader, example: memoryview) -> Iterator[tuple[str, np.ndarray]]:
    for features in reader.messages(example, 1):
        for entry in reader.messages(features, 1):
            parts = dict(reader.fields(entry))
            name = as_text(parts.get(1, memoryview(b"")))
            for numbers in reader.messages(as_bytes(parts.get(2, memoryview(b""))), 2):
                yield name, _floats(reader, numbers)


def _floats(reader: Reader, message: memoryview) -> np.ndarray:
    """Return the numbers of a FloatList, one or packed ones a field."""
    runs = []
    for run in reader.messages(message, 1):
        if len(run) % 4:
            raise DamagedData("its numbers end early")
        runs.append(run)
    numbers = np.frombuffer(runs[0] if len(runs) == 1 else b"".join(runs), "<f4")  # packed ones stay where they are
    if not np.isfinite(numbers).all():
        raise DamagedData("it holds values that are not finite numbers")
    return numbers.astype(np.float32, copy=False)
