# SPDX-License-Identifier: MIT
"""Pickles as plain values: what is read, that nothing is ever called, and limits."""

from __future__ import annotations

import argparse
import collections
import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from latent_explorer.common.errors import DamagedData
from latent_explorer.models.importers import pickle_values
from latent_explorer.models.importers.pickle_values import Global, Record, read_pickle


def read(data: bytes) -> object:
    return read_pickle(io.BytesIO(data), len(data))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_of_every_protocol(protocol: int) -> None:
    value = {
        "numbers": [1, -7, 2**40, 1.5, True, None], "text": "grün", "bytes": b"\x00\xff", "tuple": (1, (2, ()), "x", 4),
        "ordered": collections.OrderedDict(a=1), "nested": {"x": {1: "one", None: []}}, "float": np.float32(2.5).item(),
    }  # fmt: skip
    assert read(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i8", "u1", "?"])
def test_arrays_and_their_scalars(protocol: int, dtype: str) -> None:
    array = (np.arange(12) % 2).astype(dtype).reshape(3, 4)
    found = read(pickle.dumps({"a": array, "twice": array, "f": np.asfortranarray(array), "s": array[0, 1]}, protocol))
    assert isinstance(found, dict)
    np.testing.assert_array_equal(found["a"], array)
    np.testing.assert_array_equal(found["f"], array)
    assert found["twice"] is found["a"]
    assert found["s"] == array[0, 1]


def test_objects_become_records_with_their_attributes() -> None:
    found = read(pickle.dumps(argparse.Namespace(size=256, name="x")))
    assert isinstance(found, Record)
    assert found.maker == Global("argparse", "Namespace")
    assert found.attributes() == {"size": 256, "name": "x"}


class _Calls:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_is_called(tmp_path: Path, protocol: int) -> None:
    target = tmp_path / "made"
    found = read(pickle.dumps({"x": _Calls(target)}, protocol))
    assert not target.exists()
    assert isinstance(found, dict)
    assert found["x"].maker.name == "mkdir"
    assert found["x"].args == (str(target),)


CALLS = [
    b"cos\nsystem\n(S'true'\ntR.",
    b"(S'true'\nios\nsystem\n.",
    b"(cos\nsystem\nS'true'\no.",
    b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x041+1\x85R.",
    b"\x80\x02cbuiltins\ngetattr\nq\x00cos\nsystem\nX\x04\x00\x00\x00namew\x86R.",
    b"\x80\x04cnumpy\ncore.multiarray._reconstruct\n)R.",
    b"c__builtin__\neval\n(S'1'\ntR(dS'a'\nI1\nsb.",
]


@pytest.mark.parametrize("data", CALLS)
def test_every_way_to_a_call_gives_a_record_or_an_error(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "system", lambda *_: pytest.fail("something was called"))
    try:
        found = read(data)
    except DamagedData:
        return
    assert isinstance(found, Record)


BROKEN = {
    "empty": b"",
    "no end": b"\x80\x04]",
    "no mark": b"\x80\x02K\x01t.",
    "empty stack": b"\x80\x020.",
    "unknown memo": b"\x80\x02h\x05.",
    "huge string": b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
    "huge number": b"\x80\x04\x8b\x00\x01\x00\x00" + b"\x7f" * 256 + b".",
    "many digits": b"I" + b"9" * 5000 + b"\n.",
    "list as a key": b"\x80\x02}]K\x01s.",
    "items for a number": b"\x80\x02K\x01K\x02a.",
    "call of a number": b"\x80\x02K\x01)R.",
    "outside data": b"\x80\x02K\x01Q.",
    "extension": b"\x80\x02\x82\x01.",
    "buffer": b"\x80\x05\x97.",
    "text": b"hello, this is no pickle",
    "bad text": b"\x80\x04\x8c\x02\xff\xfe.",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_damage_is_one_error(data: bytes) -> None:
    with pytest.raises(DamagedData):
        read(data)


def test_an_array_is_as_large_as_its_data() -> None:
    data = pickle.dumps(np.zeros(4, np.float32), 4)
    assert b"K\x04\x85" in data  # the shape (4,)
    with pytest.raises(DamagedData, match="size"):
        read(data.replace(b"K\x04\x85", b"K\x05\x85"))


def test_objects_as_array_elements_are_refused() -> None:
    with pytest.raises(DamagedData, match="no numbers"):
        read(pickle.dumps(np.array([{}], dtype=object)))


def test_deep_nesting_needs_no_recursion() -> None:
    depth = 100_000
    assert read(b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b".") is not None
    assert read(b"\x80\x02)" + b"\x85" * depth + b".") is not None


def test_what_calls_copy_is_bounded_by_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_values, "MAX_OPERATIONS", 10_000)
    text = b"x" * 50_000
    once = b"c_codecs\nencode\n(h\x00X\x06\x00\x00\x00latin1tR0"
    data = b"\x80\x02X" + len(text).to_bytes(4, "little") + text + b"q\x00" + once * 20 + b"."
    with pytest.raises(DamagedData, match="more data"):
        read(data)


def test_the_number_of_operations_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_values, "MAX_OPERATIONS", 1000)
    with pytest.raises(DamagedData, match="operations"):
        read(b"\x80\x02" + b"}0" * 1000 + b"N.")
