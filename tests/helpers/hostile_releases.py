# SPDX-License-Identifier: MIT
"""Google's StylEx with parts that lie: tables of variables, graphs, zips, latents and records. One entry an attack."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import saved_models
import stylex_release
from hostile_containers import Make, secret, zipped
from hostile_pickles import Call, code, command
from saved_models import MAGIC, block, entry, field, mask, varint

from latent_explorer.models.importers.saved_model.crc32c import crc32c

INDEX, DATA = "variables.index", "variables.data-00000-of-00001"
NAME = "generator_synthesis/ConstBlock4x4/Const4x4"


def release(change: Callable[[Path], object]) -> Make:
    """Return an attack that is a sound folder of a generator, after `change` of it."""

    def write(folder: Path) -> Path:
        path = folder / "model"
        stylex_release.write_generator(path / "generator.savedmodel")
        change(path)
        return path

    return write


def variables(change: Callable[[Path], object]) -> Make:
    """Return an attack on the generator's folder of variables."""
    return release(lambda path: change(path / "generator.savedmodel" / "variables"))


def index(content: Callable[[], bytes], data: bytes = bytes(4), shards: int = 1) -> Make:
    """Return an attack that is another table of variables, over these numbers."""

    def change(folder: Path) -> None:
        (folder / DATA).unlink()
        (folder / f"variables.data-00000-of-{shards:05d}").write_bytes(data)
        (folder / INDEX).write_bytes(content())

    return variables(change)


def entries(rows: dict[bytes, bytes], shards: int = 1, in_block: int = 20) -> bytes:
    return saved_models.table({b"": field(1, shards) + field(3, field(1, 1))} | rows, in_block)


def one(shape: tuple[int, ...] = (1,), *, dtype: int = 1, shard: int = 0, offset: int = 0, size: int = 4) -> bytes:
    """Return a table of one variable of the generator."""
    return entries({NAME.encode(): entry(dtype, shape, shard, offset, size, mask(crc32c(bytes(4))))}, shard + 1)


def many(count: int, name: str, shape: tuple[int, ...] = (1,)) -> bytes:
    """Return a table of variables that share their numbers and the beginnings of their names."""
    same = entry(1, shape, 0, 0, 4 if shape == (1,) else 0, mask(crc32c(bytes(4))))
    return entries({f"{name}{number:06}".encode(): same for number in range(count)}, in_block=count + 1)


def graph_text(graph: bytes) -> bytes:
    length = struct.pack("<I", len(graph))
    return varint(len(graph)) + struct.pack("<I", mask(crc32c(length))) + graph


def with_graph(graph: bytes) -> bytes:
    """Return a table that has only a graph of objects, whose text is the whole file of numbers."""
    length = struct.pack("<I", len(graph))
    checksum = mask(crc32c(length + struct.pack("<I", mask(crc32c(length))) + graph))
    return entries({b"_CHECKPOINTABLE_OBJECT_GRAPH": entry(7, (), 0, 0, len(graph_text(graph)), checksum)})


def graph(content: Callable[[], bytes]) -> Make:
    """Return an attack that is another graph of objects."""

    def change(folder: Path) -> None:
        made = content()
        (folder / DATA).write_bytes(graph_text(made))
        (folder / INDEX).write_bytes(with_graph(made))

    return variables(change)


def circular() -> bytes:
    """Return a graph whose lists lead to themselves, and to objects that are not there."""
    node = b"".join(field(1, field(1, place) + field(2, name)) for name, place in ((b"variables", 0), (b"0", 1 << 60)))
    return field(1, node) * 2


def nested_graph(depth: int) -> bytes:
    """Return a chain of objects, each the child of the one before."""
    return b"".join(field(1, field(1, field(1, place + 1) + field(2, b"c"))) for place in range(depth))


def overlapping_blocks() -> bytes:
    """Return a table whose index names one block 50,000 times."""
    inner = block([(b"x" * 4000, b"")])
    rows = [(f"{i:06}".encode(), varint(0) + varint(len(inner) - 5)) for i in range(50_000)]
    outer, handles = block(rows), b""
    data = inner
    for part in (block([]), outer):
        handles += varint(len(data)) + varint(len(part) - 5)
        data += part
    return data + handles.ljust(40, b"\0") + struct.pack("<Q", MAGIC)


def snappy() -> bytes:
    """Return a table whose block is compressed: 4 GB, as it says."""
    part = block([], kind=1)
    handle = varint(0) + varint(len(part) - 5)
    return part + (handle * 2).ljust(40, b"\0") + struct.pack("<Q", MAGIC)


def small_blocks(total: int) -> bytes:
    """Return a table of blocks of 100 kB each, with one entry."""
    part = block([(b"x", bytes(100_000))])
    rows = [(b"x", varint(i * len(part)) + varint(len(part) - 5)) for i in range(total // len(part))]
    data, handles = part * len(rows), b""
    for other in (block([]), block(rows, every=1)):
        handles += varint(len(data)) + varint(len(other) - 5)
        data += other
    return data + handles.ljust(40, b"\0") + struct.pack("<Q", MAGIC)


# ------------------------------------------------------------------------------------------------ places


def linked(name: str, target: str = "") -> Make:
    """Return an attack whose part `name` is a link, to a file outside if no target is given."""

    def change(path: Path) -> None:
        part = path / name
        if part.is_dir():
            part = part.rename(path.parent / "moved")
            (path / name).symlink_to(part)
            return
        part.unlink(missing_ok=True)
        part.symlink_to(target or secret(path.parent))

    return release(change)


def piped(folder: Path) -> None:
    (folder / INDEX).unlink()
    os.mkfifo(folder / INDEX)


def deep(path: Path) -> None:
    (path / "generator.savedmodel" / "/".join("d" * 200)).mkdir(parents=True)


def looped(path: Path) -> None:
    (path / "generator.savedmodel" / "again").symlink_to(path, target_is_directory=True)


def crowded(path: Path) -> None:
    for number in range(5001):
        (path / "generator.savedmodel" / f"{number}").touch()


def huge(path: Path) -> None:
    with (path / "generator.savedmodel" / "variables" / INDEX).open("r+b") as file:
        file.truncate(1 << 40)  # it takes no space


def zip_of(change: Callable[[dict[str, bytes], Path], object], method: int = zipfile.ZIP_DEFLATED) -> Make:
    """Return an attack that is a zip of the generator, after `change` of its members."""

    def write(folder: Path) -> Path:
        stylex_release.write_generator(folder / "generator.savedmodel")
        files = [path for path in sorted((folder / "generator.savedmodel").rglob("*")) if path.is_file()]
        members = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
        change(members, folder)
        path = folder / "x.zip"
        path.write_bytes(zipped(members, method))
        return path

    return write


def outside(members: dict[str, bytes], folder: Path) -> None:
    for name in list(members):
        members[f"../../{folder.parent.name}/{name}"] = members.pop(name)


# ------------------------------------------------------------------------------------------------ the classifier


def classifier_graph(content: Callable[[], bytes]) -> Make:
    """Return an attack on the graph of the classifier."""

    def change(path: Path) -> None:
        part = path / "mobilenet.savedmodel"
        named, trained = stylex_release.classifier_variables()
        saved_models.write_objects(part / "variables", named, trained)
        (part / "saved_model.pb").write_bytes(content())

    return release(change)


def in_graph(nodes: bytes) -> bytes:
    """Return a saved_model.pb with the nodes of a function."""
    return field(2, field(2, field(2, field(1, nodes))))


def operations(count: int) -> bytes:
    return in_graph(b"".join(field(3, field(2, f"{number:07}".encode())) for number in range(count)))


def deep_graph() -> bytes:
    message = b""
    for _ in range(5000):
        message = field(2, message)
    return message


# ------------------------------------------------------------------------------------------------ latents and effects


def latents(content: Callable[[Path], bytes]) -> Make:
    return release(lambda path: (path / "dlatents.pkl").write_bytes(content(path.parent)))


def effects(content: Callable[[], bytes]) -> Make:
    return release(lambda path: (path / "examples_1.tfrecord").write_bytes(content()))


def rows_that_are_one(count: int, size: int) -> bytes:
    """Return a pickle of latents that are all the same 4 * `size` bytes."""
    row = np.zeros((1, size), np.float32)
    return pickle.dumps([(0, row)] * 2 + [(number, row) for number in range(count)], 2)


def _record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    head, tail = (struct.pack("<I", mask(crc32c(part))) for part in (length, content))
    return length + head + content + tail


def large_records(count: int, numbers: int) -> bytes:
    row = {"base_prob": np.ones(2), "dlatent": np.ones(4), "result": np.ones(numbers)}
    return saved_models.record(row) * count


TABLES: dict[str, Make] = {
    "offset of 2^62": index(lambda: one(offset=1 << 62)),
    "size of 2^63": index(lambda: one(size=1 << 63)),
    "4 GB of a file of 4 bytes": index(lambda: one((1 << 30,), size=1 << 32)),
    "shape of 2^80 over 4 bytes": index(lambda: one((1 << 40, 1 << 40))),
    "a size of 0 beside 2^62": index(lambda: one((0, 1 << 62), size=0)),
    "a negative size": index(lambda: one(((1 << 64) - 1,))),
    "100 dimensions": index(lambda: one((1,) * 100)),
    "a type that is a text": index(lambda: one(dtype=7)),
    "a type that there is not": index(lambda: one(dtype=99)),
    "one number as 19,999 variables": index(lambda: many(19_999, "v")),
    "19,999 variables without numbers": index(lambda: many(19_999, "v", (0,))),
    "200,000 variables": index(lambda: many(200_000, "v", (0,))),
    "4,000 names of 1,000 letters": index(lambda: many(4000, "a/" * 497, (0,))),
    "a name of 4,090 letters": index(lambda: many(1, "a/" * 2042, (0,))),
    "`../../x` as a name": index(lambda: entries({b"../../x": entry(1, (1,), 0, 0, 4, mask(crc32c(bytes(4))))})),
    "a name that is no text": index(lambda: entries({b"\xff": entry(1, (1,), 0, 0, 4, 0)})),
    "a file of numbers that is missing": index(lambda: one(shard=7), shards=8),
    "2^31 files of numbers": index(lambda: saved_models.table({b"": field(1, 1 << 31)})),
    "a slice of a variable": index(lambda: entries({NAME.encode(): field(7, b"")})),
    "a compressed block": index(snappy),
    "one block 50,000 times": index(overlapping_blocks),
    "60 MB of blocks of 100 kB": index(lambda: small_blocks(60 << 20)),
    "an index of 2^40 bytes": release(huge),
    "an index that is a pipe": variables(piped),
    "an index that is empty": index(lambda: b""),
    "a graph of objects 100,000 deep": graph(lambda: nested_graph(100_000)),
    "a graph that leads to itself": graph(circular),
    "99,999 objects": graph(lambda: field(1, b"") * 99_999),
    "160,000 children of one object": graph(
        lambda: field(1, b"".join(field(1, field(1, 1) + field(2, b"%06d" % n)) for n in range(160_000)))
    ),
    "numbers that are not finite": index(
        lambda: entries({NAME.encode(): entry(1, (1,), 0, 0, 4, mask(crc32c(b"\0\0\xc0\x7f")))}), b"\0\0\xc0\x7f"
    ),
}
PLACES: dict[str, Make] = {
    "numbers behind a link": linked(f"generator.savedmodel/variables/{DATA}"),
    "an index that leads to /dev/zero": linked(f"generator.savedmodel/variables/{INDEX}", "/dev/zero"),
    "a SavedModel behind a link": linked("generator.savedmodel"),
    "variables behind a link": linked("generator.savedmodel/variables"),
    "latents behind a link": linked("dlatents.pkl"),
    "effects that lead to /dev/zero": linked("examples_1.tfrecord", "/dev/zero"),
    "folders 200 deep": release(deep),
    "a folder that leads to itself": release(looped),
    "5,001 files": release(crowded),
    "zip: `../../` in the names": zip_of(outside),
    "zip: 512 MB of zeros as numbers": zip_of(
        lambda m, _: m.update({f"generator.savedmodel/variables/{DATA}": bytes(512 << 20)})
    ),
    "zip: 31 MB of zeros as an index": zip_of(
        lambda m, _: m.update({f"generator.savedmodel/variables/{INDEX}": bytes(31 << 20)})
    ),
    "zip: 5,001 members": zip_of(lambda m, _: m.update({f"{n}": b"" for n in range(5001)})),
}
CONTENTS: dict[str, Make] = {
    "a graph of 1,400,000 kinds of operations": classifier_graph(lambda: operations(1_400_000)),
    "messages 5,000 deep": classifier_graph(deep_graph),
    "a graph of 256 MB and more": release(lambda path: _sparse(path / "mobilenet.savedmodel" / "saved_model.pb")),
    "latents: `__reduce__` -> `os.system`": latents(lambda f: pickle.dumps([(1, Call(os.system, command(f)))])),
    "latents: `exec` as a number": latents(lambda f: pickle.dumps([(Call(exec, code(f)), np.ones((1, 4)))])),
    "latents: 90,000 times one row of 1 MB": latents(lambda _: rows_that_are_one(90_000, 1 << 18)),
    "latents: an array of objects": latents(lambda _: pickle.dumps([(1, np.array([[{}]], object))], 2)),
    "latents: 200,000 of them": latents(lambda _: rows_that_are_one(200_000, 4)),
    "effects: a record of 2^63 bytes": effects(lambda: b"\xff" * 7 + b"\x7f" + bytes(64)),
    "effects: 100,001 empty records": effects(lambda: _record(b"") * 100_001),
    "effects: 2,000,000 features": effects(lambda: _record(field(1, field(1, field(1, b"a")) * 700_000))),
    "effects: 160 MB in records of 40 kB": effects(lambda: large_records(4000, 10_000)),
    "effects: numbers that are not finite": effects(
        lambda: saved_models.record({"base_prob": np.full(2, np.inf), "dlatent": np.ones(4), "result": np.ones(4)})
    ),
}


def _sparse(path: Path) -> None:
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(1 << 40)


RELEASES = {**TABLES, **PLACES, **CONTENTS}
