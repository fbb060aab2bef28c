# SPDX-License-Identifier: MIT
"""Pickles that call something, or that cost far more than their bytes: attacks on readers of checkpoints.

Each function takes the folder of the attack. What a payload would do is to make `canary(folder)`.
"""

from __future__ import annotations

import functools
import io
import os
import pickle
import runpy
import struct
import timeit
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

Attack = Callable[[Path], bytes]


def canary(folder: Path) -> Path:
    """Return the folder that is there only if code of the attack ran."""
    return folder / "canary"


class Call:
    """An object whose pickle calls a function."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self._call = function, args

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._call


def command(folder: Path) -> str:
    return f"mkdir {canary(folder)}"


def code(folder: Path) -> str:
    return f"import os; os.mkdir({str(canary(folder))!r})"


def text(value: str | bytes) -> bytes:
    """Return the operation that pushes a text."""
    data = value.encode() if isinstance(value, str) else value
    return b"X" + struct.pack("<I", len(data)) + data


def put(key: int) -> bytes:
    return b"r" + struct.pack("<I", key)


def get(key: int) -> bytes:
    return b"j" + struct.pack("<I", key)


def saved(value: Any, **options: Any) -> bytes:
    """Return what torch.save writes."""
    out = io.BytesIO()
    torch.save(value, out, **options)
    return out.getvalue()


def in_zip(data: bytes, **members: bytes) -> bytes:
    """Return a pickle in torch's zip container."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in {"x/data.pkl": data, "x/version": b"3\n", **members}.items():
            archive.writestr(name, content)
    return out.getvalue()


def storage(key: str, count: int, kind: str = "FloatStorage") -> bytes:
    """Return operations that push a storage of torch's zip container."""
    return b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + long(count) + b"tQ"


def long(value: int) -> bytes:
    data = value.to_bytes(9, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def module_record(state: bytes) -> bytes:
    """Return operations that push a torch.nn.Module with the state that is on the stack after `state`."""
    return b"ctorch.nn\nModule\n)R" + state + b"b"


# ------------------------------------------------------------------------------------------------ calls


def reduce_in(container: Callable[[Any], bytes]) -> Attack:
    return lambda folder: container({"state_dict": {"weight": torch.zeros(2)}, "x": Call(os.system, command(folder))})


def opcodes(folder: Path) -> bytes:
    do = text(command(folder))
    ways = (
        b"cos\nsystem\n" + do + b"\x85R0",  # REDUCE
        b"(" + do + b"ios\nsystem\n0",  # INST
        b"(cos\nsystem\n" + do + b"o0",  # OBJ
        b"cos\nsystem\n" + do + b"\x85\x810",  # NEWOBJ
        b"cos\nsystem\n" + do + b"\x85}\x920",  # NEWOBJ_EX
        text("os") + text("system") + b"\x93" + do + b"\x85R0",  # STACK_GLOBAL
        b"cos\nsystem\n" + do + b"\x85Q0",  # BINPERSID
    )
    return b"\x80\x04" + b"".join(ways[:-1]) + b"}."


def getattr_chain(folder: Path) -> bytes:
    module = b"cbuiltins\ngetattr\ncbuiltins\n__import__\n" + text("os") + b"\x85R" + text("system") + b"\x86R"
    nested = b"cos\npath.os.system\n" + text(command(folder)) + b"\x85R0"
    return b"\x80\x04" + module + text(command(folder)) + b"\x85R0" + nested + b"}."


def build_tricks(folder: Path) -> bytes:
    """Attributes set on a module, on a class and on an object: __setstate__, __class__, __reduce__."""
    system = b"cos\nsystem\n"
    state = b"}(" + text("__setstate__") + system + text("__class__") + system + text("path") + system + b"u"
    return (
        b"\x80\x02ccollections\nOrderedDict\n)R" + state + b"b" + text(command(folder)) + b"b0"
        b"cos\n__dict__\n" + state + b"b0" + b"cargparse\nNamespace\n)\x81" + state + b"b."
    )  # fmt: skip


def known_callables(folder: Path) -> bytes:
    """Functions that lists of forbidden names forget."""
    path = folder / "payload.py"
    path.write_text(code(folder))
    do = code(folder)
    calls = [
        Call(eval, f"exec({do!r})"), Call(exec, do), Call(timeit.timeit, do, "pass", timeit.default_timer, 1),
        Call(runpy.run_path, str(path)), Call(functools.partial(os.system, command(folder))),
        Call(torch.load, str(path)), Call(torch.hub.load, str(folder), "x"),
        Call(__import__, "pty"), Call(os.execvp, "mkdir", ["mkdir", str(canary(folder))]),
    ]  # fmt: skip
    return pickle.dumps({"x": calls, "w": np.zeros(2)})


def inner_pickle(folder: Path) -> bytes:
    """A tensor whose numbers are a pickle of their own, as plain pickles of tensors hold them."""
    inner = saved(Call(os.system, command(folder)), _use_new_zipfile_serialization=False)
    return pickle.dumps(Call(torch.storage._load_from_bytes, inner), 2)


def nested_ids(folder: Path) -> bytes:
    """A persistent id within a persistent id, made of a call."""
    call = b"cos\nsystem\n" + text(command(folder)) + b"\x85R"
    inner = b"(" + text("module") + call + call + b"tQ"
    return in_zip(b"\x80\x02(" + text("storage") + inner + text("0") + text("cpu") + b"K\x01tQ.")


def source_text(folder: Path) -> bytes:
    """NVIDIA's container, which runs the source text in it when NVIDIA's own code opens it."""
    meta = {"type": "class", "version": 6, "module_src": code(folder), "class_name": "G", "state": {"_parameters": {}}}
    data = pickle.dumps(meta, 2)[2:-1]
    return b"\x80\x02}" + text("G_ema") + b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n" + data + b"\x85Rs."


def behind_the_end(folder: Path) -> bytes:
    return pickle.dumps({"weight": np.zeros(2)}) + pickle.dumps(Call(os.system, command(folder)))


def two_pickles(folder: Path) -> bytes:
    harmless, bad = pickle.dumps({}), pickle.dumps(Call(os.system, command(folder)))
    return in_zip(harmless, **{"y/data.pkl": bad})


def object_array(folder: Path) -> bytes:
    return pickle.dumps({"w": np.array([Call(os.system, command(folder))], dtype=object)})


def extension_codes(_folder: Path) -> bytes:
    return b"\x80\x02\x82\x01\x83\x01\x00\x84\x01\x00\x00\x00."


CALLS: dict[str, Attack] = {
    "`__reduce__` -> `os.system`, torch's zip": reduce_in(saved),
    "`__reduce__` -> `os.system`, torch before 1.6": reduce_in(
        functools.partial(saved, _use_new_zipfile_serialization=False)
    ),
    "`__reduce__` -> `os.system`, plain pickle": reduce_in(pickle.dumps),
    "REDUCE, INST, OBJ, NEWOBJ, STACK_GLOBAL": opcodes,
    "`getattr(__import__('os'), 'system')`": getattr_chain,
    "BUILD: `__setstate__`, `__class__`, a module's attributes": build_tricks,
    "`exec`, `runpy`, `timeit`, `torch.hub`, `partial`": known_callables,
    "`_load_from_bytes` of a hostile pickle": inner_pickle,
    "persistent id within a persistent id": nested_ids,
    "source text in NVIDIA's container": source_text,
    "second pickle behind the first": behind_the_end,
    "two `data.pkl` in one zip": two_pickles,
    "array of objects": object_array,
    "codes of the extension registry": extension_codes,
}

# ------------------------------------------------------------------------------------------------ bombs


def laughs(depth: int = 40) -> bytes:
    """Return operations that push a list of 2^depth items, made of shared lists."""
    return b"]" + b"".join(put(1000 + i) + b"0](" + get(1000 + i) * 2 + b"e" for i in range(depth))


def shared_state(records: int, entries: int, own: bool) -> bytes:
    """Objects that share one large state, each with an item of its own if `own`."""
    names = b"".join(text(f"{i}") + b"N" for i in range(entries))
    state = b"}(" + names + b"u" + put(1) + b"0ctorch.nn\nModule\n" + put(2) + b"0"
    item = b"K\x01Ns" if own else b""
    each = get(2) + b")R" + item + get(1) + b"b"
    return b"\x80\x02" + state + b"}(" + b"".join(text(f"{i}") + each for i in range(records)) + b"u."


def shared_settings(_folder: Path) -> bytes:
    """Settings within settings within settings, a thousand times the same at each level."""
    level = b"}(" + b"".join(text(f"n{i}") + b"K\x01" for i in range(1000)) + b"u"
    for _ in range(2):
        level += put(1) + b"0}(" + b"".join(text(f"n{i}") + get(1) for i in range(1000)) + b"u"
    return b"\x80\x02" + level + b"."


def module_chain(_folder: Path) -> bytes:
    """A module within a module, 15,000 deep, each named "module"."""
    names = {i: text(name) for i, name in enumerate(("_parameters", "_modules", "module"), 1)}
    head = b"".join(data + put(i) + b"0" for i, data in names.items()) + b"ctorch.nn\nModule\n" + put(4) + b"0"
    empty = get(4) + b")R}(" + get(1) + b"}" + get(2) + b"}ub"
    body = empty
    for _ in range(15_000):
        body += put(5) + b"0" + get(4) + b")R}(" + get(1) + b"}" + get(2) + b"}" + get(3) + get(5) + b"sub"
    return b"\x80\x02" + head + body + b"."


def long_names(_folder: Path) -> bytes:
    """Dictionaries within dictionaries, whose one shared name has a million letters."""
    name = text("n" * 1_000_000) + put(1) + b"0"
    return b"\x80\x02" + name + (b"}" + get(1)) * 50_000 + b"N" + b"s" * 50_000 + b"."


def many_prefixes(_folder: Path) -> bytes:
    """A state dict of 60,000 tensors, each with a prefix of its own."""
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage("0", 1) + b"K\x00K\x01\x85K\x01\x85\x89}tR" + put(1) + b"0"
    )
    body = b"".join(text(f"{i}.w") + get(1) for i in range(60_000))
    return in_zip(b"\x80\x02" + tensor + b"}(" + body + b"u.", **{"x/data/0": b"\0" * 4})


def long_prefixes(_folder: Path) -> bytes:
    """Names with thousands of dots, which look like wrappers within wrappers."""
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage("0", 1) + b"K\x00K\x01\x85K\x01\x85\x89}tR" + put(1) + b"0"
    )
    body = b"".join(text("a." * 10_000 + str(i)) + get(1) for i in range(500))
    return in_zip(b"\x80\x02" + tensor + b"}(" + body + b"u.", **{"x/data/0": b"\0" * 4})


def text_arrays(_folder: Path) -> bytes:
    """Arrays that share one text as their bytes, as Python 2 wrote them."""
    size = 1 << 20
    array = b"cnumpy.core.multiarray\n_reconstruct\n" + put(1) + b"0"
    dtype = b"cnumpy\ndtype\n" + text("u1") + b"\x85R" + put(2) + b"0"
    state = b"(K\x01" + long(size) + b"\x85" + get(2) + b"\x89" + text(b"a" * size) + b"t" + put(3) + b"0"
    return b"\x80\x02" + array + dtype + state + b"(" + (get(1) + b")R" + get(3) + b"b") * 20_000 + b"l."


def shared_keywords(_folder: Path) -> bytes:
    """Objects made with the same 50,000 keywords."""
    names = b"".join(text(f"{i}") + b"N" for i in range(50_000))
    head = b"}(" + names + b"u" + put(1) + b"0cargparse\nNamespace\n" + put(2) + b"0"
    return b"\x80\x04" + head + b"(" + (get(2) + b")" + get(1) + b"\x92") * 50_000 + b"l."


def nested_storages(_folder: Path) -> bytes:
    """The numbers of one tensor, a pickle of 2 kB, read 8,000 times in a file of 16 MB."""
    inner = b"\x80\x02" + b"N0" * 1000 + b"N."
    head = (
        b"ctorch.storage\n_load_from_bytes\n" + put(1) + b"0B" + struct.pack("<I", len(inner)) + inner + put(2) + b"0"
    )
    padding = b"B" + struct.pack("<I", 16 << 20) + bytes(16 << 20) + b"0"
    return b"\x80\x03" + padding + head + (get(1) + get(2) + b"\x85R0") * 8_000 + b"N."


def lengths(_folder: Path) -> bytes:
    return b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f" + b"a."


def many_digits(_folder: Path) -> bytes:
    return b"\x80\x04\x8b" + struct.pack("<I", 4 << 20) + b"\x7f" * (4 << 20) + b"."


def copied_text(_folder: Path) -> bytes:
    encode = b"c_codecs\nencode\n(" + get(1) + text("latin1") + b"tR0"
    return b"\x80\x02" + text("x" * 1_000_000) + put(1) + b"0" + encode * 10_000 + b"N."


def modules_of_modules(_folder: Path) -> bytes:
    """A module with two modules, which are one, 64 deep: 2^64 names."""
    pair = lambda i: text("a") + get(i - 1) + text("b") + get(i - 1) if i else b""  # noqa: E731
    return b"\x80\x02" + b"".join(
        module_record(b"}(" + text("_parameters") + b"}" + text("_modules") + b"}(" + pair(i) + b"uu") + put(i) + b"0"
        for i in range(64)
    ) + get(63) + b"."  # fmt: skip


BOMBS: dict[str, Attack] = {
    "billion laughs as a storage's type": lambda _: in_zip(
        b"\x80\x02(" + text("storage") + laughs() + text("0") + text("cpu") + b"K\x01tQ."
    ),
    "billion laughs as an array's type": lambda _: (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R(K\x01K\x01\x85"
        b"cnumpy\ndtype\n" + laughs() + b"\x85R\x89C\x01atb."
    ),
    "billion laughs as an encoding": lambda _: b"\x80\x02c_codecs\nencode\n" + text("a") + laughs() + b"\x86R.",
    "lengths of 2^63": lengths,
    "number of 32 million bits": many_digits,
    "one text, copied 10,000 times": copied_text,
    "one text as 20,000 arrays": text_arrays,
    "one pickle of numbers, read 8,000 times": nested_storages,
    "tuple of 390,000 items": lambda _: b"\x80\x02(" + b"N" * 390_000 + b"t.",
    "390,000 dictionaries": lambda _: b"\x80\x02(" + b"}" * 390_000 + b"l.",
    "memo keys of 2^32": lambda _: b"\x80\x02N" + b"".join(put((1 << 32) - 1 - i) for i in range(100_000)) + b".",
    "lists 100,000 deep": lambda _: b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "dictionaries 60,000 deep": lambda _: b"\x80\x02" + (b"}" + text("a")) * 60_000 + b"N" + b"s" * 60_000 + b".",
    "modules 15,000 deep": module_chain,
    "modules that share modules": modules_of_modules,
    "settings that share settings": shared_settings,
    "30,000 objects that share a state of 30,000": lambda _: shared_state(30_000, 30_000, own=False),
    "the same, each with an item of its own": lambda _: shared_state(20_000, 30_000, own=True),
    "50,000 objects with 50,000 shared keywords": shared_keywords,
    "a name of a million letters, 50,000 times": long_names,
    "60,000 tensors with a prefix each": many_prefixes,
    "names with 10,000 dots": long_prefixes,
}
