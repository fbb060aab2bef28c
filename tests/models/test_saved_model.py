# SPDX-License-Identifier: MIT
"""Variables, operations and records of TensorFlow: what it wrote itself is read, damage ends in one sentence."""

from __future__ import annotations

import random
import struct
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import saved_models
from saved_models import entry, field, mask, table, varint, write_objects, write_variables

from latent_explorer.common.errors import DamagedData
from latent_explorer.models.importers.saved_model.crc32c import crc32c, crc32c_of
from latent_explorer.models.importers.saved_model.files import Folder, ZippedFiles
from latent_explorer.models.importers.saved_model.files import saved_models as models_in
from latent_explorer.models.importers.saved_model.operations import operations
from latent_explorer.models.importers.saved_model.records import examples
from latent_explorer.models.importers.saved_model.table import MAX_ENTRIES, read_table
from latent_explorer.models.importers.saved_model.variables import OBJECT_GRAPH, Variables

if TYPE_CHECKING:
    from collections.abc import Callable

WRITTEN = Path(__file__).parent.parent / "fixtures" / "tensorflow"


def numbers(count: int) -> np.ndarray:
    """Return the numbers in the files of TensorFlow."""
    return ((np.arange(count) * 37 % 101) / 8 - 5).astype(np.float32)


def test_checksums() -> None:
    """Known ones of RFC 3720, and long data against a bit at a time."""
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(b"\0" * 32) == 0x8A9136AA
    data = np.random.default_rng(0).integers(0, 256, 70_001, dtype=np.uint8)
    slow = 0xFFFFFFFF
    for byte in data.tobytes():
        slow ^= byte
        for _ in range(8):
            slow = slow >> 1 ^ (0x82F63B78 if slow & 1 else 0)
    assert crc32c(data) == slow ^ 0xFFFFFFFF
    assert crc32c_of([data[:5], data[5:66_000], data[66_000:]]) == crc32c(data)


def test_what_tensorflow_2_wrote() -> None:
    found = Variables(Folder(WRITTEN), "objects")
    expected: dict[str, Any] = {
        "encoder/Conv4x4/weight": numbers(36).reshape(3, 3, 2, 2),
        "f16": numbers(5),
        "double": numbers(3),
        "count": np.arange(4) - 2,
        "NoiseStrength": np.float32(2.5).reshape(()),
        "none": np.zeros((0, 3), np.float32),
        **{f"item{i}": np.float32(i).reshape(()) for i in range(12)},
    }
    assert set(found.by_name) == {*expected, "half"}  # a text is not a variable of a network
    for name, array in expected.items():
        read = found.read(found.by_name[name])
        np.testing.assert_array_equal(read, array)
        assert read.shape == array.shape
    np.testing.assert_allclose(found.read(found.by_name["half"]), numbers(7), rtol=2**-8)
    assert [each.name for each in found.listed("variables_list")] == [f"item{i}" for i in range(12)]
    assert found.listed("no such list") == []


def test_what_tensorflow_1_wrote() -> None:
    found = Variables(Folder(WRITTEN), "names")
    assert len(found.by_name) == 30
    for i in range(30):
        np.testing.assert_array_equal(
            found.read(found.by_name[f"scope/layer{i}/weight"]), numbers(6).reshape(2, 3) + np.float32(i)
        )


def test_operations_and_records_that_tensorflow_wrote() -> None:
    found = operations(Folder(WRITTEN), "")
    assert ("Relu6", None) in found
    assert [round(epsilon, 6) for name, epsilon in found if name == "FusedBatchNormV3" and epsilon] == [0.001]
    rows = list(examples(memoryview((WRITTEN / "examples.tfrecord").read_bytes())))
    assert len(rows) == 2
    for k, row in enumerate(rows):
        for name, count in (("base_prob", 2), ("dlatent", 5), ("result", 12)):
            np.testing.assert_array_equal(row[name], numbers(count) + k)


def test_the_writer_of_these_tests_is_read(tmp_path: Path) -> None:
    """Many names, several blocks and files, large and small arrays, a graph of objects."""
    rng = np.random.default_rng(0)
    arrays = {f"a/{'long/' * (i % 7)}{i}": rng.normal(size=(i, 3)).astype(np.float32) for i in range(150)}
    arrays["big"] = rng.normal(size=(40_000,)).astype(np.float32)
    write_objects(tmp_path, arrays, list(arrays)[::-1], shards=3)
    found = Variables(Folder(tmp_path), "variables")
    assert [each.name for each in found.listed("trainable_variables")] == list(arrays)[::-1]
    for name, array in arrays.items():
        np.testing.assert_array_equal(found.read(found.by_name[name]), array)


def everything(files: Folder | ZippedFiles) -> None:
    """Read all that is read of a SavedModel."""
    for folder in models_in(files):
        found = Variables(files, f"{folder}variables/variables")
        found.listed("variables")
        for each in found.by_name.values():
            found.read(each)
        operations(files, folder)


def sound(folder: Path) -> Path:
    arrays = {"a/kernel": np.ones((3, 2), np.float32), "a/bias": np.arange(5.0, dtype=np.float32)}
    write_objects(folder / "variables", arrays, arrays)
    saved_models.write_graph(folder, [("Relu6", None), ("FusedBatchNormV3", 0.001)])
    return folder


def one(folder: Path, message: bytes, data: bytes = b"", key: bytes = b"a") -> None:
    """Write a table of one entry that is right but for what the entry says."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "variables.index").write_bytes(table({b"": field(1, 1), key: message}))
    (folder / "variables.data-00000-of-00001").write_bytes(data)


def cut(folder: Path) -> None:
    path = folder / "variables.index"
    path.write_bytes(path.read_bytes()[:-9])


def magic(folder: Path) -> None:
    path = folder / "variables.index"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")


def flipped(folder: Path) -> None:
    path = folder / "variables.data-00000-of-00001"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def index_of(*blocks: tuple[int, int]) -> Callable[[Path], None]:
    """Return what writes a table whose index leads to these places."""

    def write(folder: Path) -> None:
        out = saved_models.block([(b"", field(1, 1))])
        places = saved_models.block([(bytes([i]), varint(at) + varint(size)) for i, (at, size) in enumerate(blocks)])
        handle = varint(len(out)) + varint(len(places) - 5)
        out += places
        (folder / "variables.index").write_bytes(
            out + (handle + handle).ljust(40, b"\0") + struct.pack("<Q", saved_models.MAGIC)
        )

    return write


def compressed(folder: Path) -> None:
    part = saved_models.block([(b"", field(1, 1))], kind=1)
    handle = varint(0) + varint(len(part) - 5)
    (folder / "variables.index").write_bytes(
        part + (handle + handle).ljust(40, b"\0") + struct.pack("<Q", saved_models.MAGIC)
    )


FLOATS = mask(crc32c(b"\0" * 8))
HOSTILE: dict[str, tuple[Callable[[Path], None], str]] = {
    "cut": (cut, "its end is missing"),
    "empty": (lambda f: (f / "variables.index").write_bytes(b"") and None, "its end is missing"),
    "magic": (magic, "not those of a table"),
    "numbers changed": (flipped, "does not match its checksum"),
    "block outside": (index_of((10**15, 10)), "outside the file"),
    "one block many times": (index_of(*[(0, 13)] * 200), "overlap"),
    "compressed": (compressed, "compressed"),
    "numbers outside": (lambda f: one(f, entry(1, (2,), 0, 10**12, 8, FLOATS), b"\0" * 8), "reaches beyond"),
    "giant shape": (lambda f: one(f, entry(1, (1 << 31, 1 << 31), 0, 0, 8, FLOATS), b"\0" * 8), "shape that cannot be"),
    "giant size": (lambda f: one(f, entry(1, (1 << 50,), 0, 0, 1 << 52, 0)), "shape that cannot be"),
    "too many dimensions": (lambda f: one(f, entry(1, (1,) * 20, 0, 0, 4, 0)), "shape that cannot be"),
    "another file": (lambda f: one(f, entry(1, (2,), 7, 0, 8, FLOATS)), "place of the variable"),
    "slices": (lambda f: one(f, entry(1, (2,), 0, 0, 8, FLOATS) + field(7, b"")), "slices"),
    "not finite": (
        lambda f: one(f, entry(1, (1,), 0, 0, 4, mask(crc32c(b"\0\0\xc0\x7f"))), b"\0\0\xc0\x7f"), "not finite",
    ),
    "no header": (
        lambda f: (f / "variables.index").write_bytes(table({b"a": entry(1, (), 0, 0, 4, 0)})) and None, "not one of",
    ),
    "graph of objects": (lambda f: one(f, entry(7, (), 0, 0, 6, 0), b"\x01abcde", OBJECT_GRAPH), "checksum"),
    "numbers missing": (lambda f: (f / "variables.data-00000-of-00001").unlink(), "is missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tables(tmp_path: Path, name: str) -> None:
    change, words = HOSTILE[name]
    change(sound(tmp_path) / "variables")
    with pytest.raises(DamagedData, match=words):
        everything(Folder(tmp_path))


def test_a_graph_of_objects_that_leads_nowhere(tmp_path: Path) -> None:
    graph = field(1, field(1, field(1, 5) + field(2, b"variables")))
    write_variables(tmp_path, {"a": np.ones(2, np.float32)}, graph)
    with pytest.raises(DamagedData, match="not there"):
        Variables(Folder(tmp_path), "variables").listed("variables")
    circle = field(1, field(1, field(1, 0) + field(2, b"variables")) + field(1, field(1, 0) + field(2, b"0")))
    write_variables(tmp_path, {"a": np.ones(2, np.float32)}, circle)
    assert Variables(Folder(tmp_path), "variables").listed("variables") == []
    write_variables(tmp_path, {"a": np.ones(2, np.float32)}, field(1, b"") * 200_000)
    with pytest.raises(DamagedData, match="more than 100000 objects"):
        Variables(Folder(tmp_path), "variables")


def test_one_run_of_numbers_in_many_variables(tmp_path: Path) -> None:
    """Each fits its file, and all together would take a hundred times its memory."""
    flat = np.ones(1000, np.float32).tobytes()
    place = entry(1, (1000,), 0, 0, len(flat), mask(crc32c(flat)))
    names = {f"Noise{i}".encode(): place for i in range(100)}
    (tmp_path / "variables.index").write_bytes(table({b"": field(1, 1), **names}))
    (tmp_path / "variables.data-00000-of-00001").write_bytes(flat)
    with pytest.raises(DamagedData, match="overlap"):
        Variables(Folder(tmp_path), "variables")


def test_too_many_names() -> None:
    with pytest.raises(DamagedData, match=f"more than {MAX_ENTRIES} names"):
        read_table(memoryview(table({str(i).encode(): b"" for i in range(MAX_ENTRIES + 1)}, in_block=10_000)))


@pytest.mark.skipif(not hasattr(Path, "symlink_to"), reason="needs links")
def test_links_are_not_followed(tmp_path: Path) -> None:
    folder = sound(tmp_path / "model")
    data = folder / "variables" / "variables.data-00000-of-00001"
    data.rename(tmp_path / "elsewhere")
    try:
        data.symlink_to(tmp_path / "elsewhere")
    except OSError:
        pytest.skip("links cannot be made here")
    with pytest.raises(DamagedData, match="is a link"):
        everything(Folder(folder))
    sound(tmp_path / "other")
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer" / "variables").symlink_to(tmp_path / "other" / "variables", target_is_directory=True)
    assert models_in(Folder(tmp_path / "outer")) == []


def test_zip_bombs(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("variables/variables.index", b"\0" * (80 << 20))
    with pytest.raises(DamagedData, match="too long"):
        everything(ZippedFiles(path))
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(6000):
            archive.writestr(f"variables/{i}", b"")
    with pytest.raises(DamagedData, match="more than 5000 parts"):
        ZippedFiles(path)


def test_folders_in_each_other(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(9):
        deep = deep / "a"
    deep.mkdir(parents=True)
    with pytest.raises(DamagedData, match="in each other"):
        Folder(tmp_path).names()


@pytest.mark.parametrize("change", ["cut", "length", "number"])
def test_hostile_records(change: str) -> None:
    data = bytearray((WRITTEN / "examples.tfrecord").read_bytes())
    if change == "cut":
        del data[-5:]
    elif change == "length":
        data[0:8] = (1 << 62).to_bytes(8, "little")
    else:
        data[60] ^= 1
    with pytest.raises(DamagedData, match="within a record" if change != "number" else "checksum"):
        list(examples(memoryview(bytes(data))))


def test_damaged_tables_end_in_words(tmp_path: Path) -> None:
    """Mutations whose checksums are made right again, so that they reach what stands behind these."""
    folder = sound(tmp_path)
    rng, path = random.Random(0), folder / "variables" / "variables.index"
    entries = read_table(memoryview(path.read_bytes()))
    refused = 0
    for _ in range(400):
        changed = {key: bytearray(value) for key, value in entries.items()}
        value = changed[rng.choice(list(changed))]
        for _ in range(rng.choice((1, 2, 4))):
            if value:
                value[rng.randrange(len(value))] = rng.choice((0, 1, 7, 127, 128, 255, rng.randrange(256)))
        path.write_bytes(table({key: bytes(each) for key, each in changed.items()}))
        try:
            everything(Folder(folder))
        except DamagedData:
            refused += 1
    assert refused > 100
