# SPDX-License-Identifier: MIT
"""Taking explainer files apart and putting them together wrongly, for the tests of hostile files."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def parts(raw: bytes) -> tuple[dict[str, Any], bytes]:
    """The JSON table and the tensors' bytes of a file."""
    length = int.from_bytes(raw[:8], "little")
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def joined(table: dict[str, Any], data: bytes) -> bytes:
    text = json.dumps(table, separators=(",", ":")).encode()
    return len(text).to_bytes(8, "little") + text + data


def with_header(raw: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The file with a changed header and a checksum that fits it: what a forger writes."""
    table, data = parts(raw)
    header = json.loads(table["__metadata__"]["header"])
    change(header)
    text = json.dumps(header)
    table["__metadata__"] |= {"header": text, "header_sha256": hashlib.sha256(text.encode()).hexdigest()}
    return joined(table, data)
