# SPDX-License-Identifier: MIT
"""The door for JSON: what passes it can be used, whatever was sent; nothing is built before it is checked."""

from __future__ import annotations

import contextlib
import os
import tracemalloc
from typing import Any

import msgspec
import pytest
from hostile_files import RAW

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData
from latent_explorer.common.guarded_json import MAX_DEPTH, MAX_REASON

ANY: Any = Any


class Named(msgspec.Struct):
    name: str
    seed: int = 0


def test_sound_json_passes_with_and_without_a_byte_order_mark():
    text = '{"name": "Blätter, \\"quoted\\" \\\\", "seed": 18446744073709551615}'
    expected = Named('Blätter, "quoted" \\', 2**64 - 1)
    for data in (text.encode(), b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16"), text):
        assert guarded_json.decode(data, Named) == expected


def test_brackets_commas_and_digits_inside_strings_do_not_count():
    text = "[{,}]" * 1000 + "9" * 5000 + '"\\'
    assert guarded_json.decode(msgspec.json.encode(text), str, max_values=3) == text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[" * 200_000, "nested"),
        (b"[" * 200 + b"]" * 200, "nested"),
        (b'{"a":' * 150 + b"1" + b"}" * 150, "nested"),
        (b"9" * 5000, "digits"),
        (b"[" + b"0," * 1_000_000 + b"0]", "values"),
        (b" " * (guarded_json.MAX_BYTES + 1), "larger than"),
    ],
)
def test_what_would_break_later_is_refused_now(data, words):
    with pytest.raises(DamagedData, match=words):
        guarded_json.decode(data, ANY)


def test_allowed_depth_is_read():
    assert guarded_json.decode(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, ANY)


def test_reasons_are_short_however_much_is_quoted():
    with pytest.raises(DamagedData) as caught:
        guarded_json.decode(b'{"' + b"k" * 100_000 + b'": 1}', dict[str, str])
    assert len(str(caught.value)) <= MAX_REASON


@pytest.mark.parametrize("data", RAW)
def test_anything_is_a_value_or_a_reason(data):
    for kind in (ANY, Named, list[Named], dict[str, float]):
        with contextlib.suppress(DamagedData):
            guarded_json.decode(data, kind)


def test_the_check_takes_little_memory():
    data = msgspec.json.encode([{"text": 'a "word"' * 10, "number": 1.5}] * 50_000)
    tracemalloc.start()
    guarded_json.decode(data, msgspec.Raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.5 * len(data)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_refused_and_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(DamagedData, match="not a file"):
        guarded_json.read(tmp_path / "pipe.json", ANY)
