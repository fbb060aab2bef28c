# SPDX-License-Identifier: MIT
"""The doors for zip containers and numpy arrays: sizes and types are checked before a byte is unpacked."""

from __future__ import annotations

import contextlib
import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from hostile_files import damaged

from latent_explorer.common.errors import DamagedData
from latent_explorer.common.guarded_arrays import read_arrays
from latent_explorer.common.guarded_zip import GuardedZip

W = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def zipped(path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "array",
    [W, W.astype(">f8"), np.asfortranarray(W), W.astype(np.uint8), np.float32(3.0), W[:0], W > 3, W.astype(np.float16)],
)
def test_arrays_come_back_as_numpy_wrote_them(tmp_path, array):
    np.save(tmp_path / "x.npy", array)
    np.savez_compressed(tmp_path / "x.npz", w=array, other=W)
    for name in ("x.npy", "x.npz"):
        arrays = read_arrays(tmp_path / name, ("w",), 1 << 20)
        np.testing.assert_array_equal(arrays["w"], array)
        assert list(arrays) == ["w"]


def forged(shape: str, descr: str = "<f4", more: str = "") -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, {more}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(16)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (forged("(1000000000000, 1000000000000)"), "which there is not"),
        (forged("(1000000, 1000000)"), "at most"),
        (forged("(" + "9" * 5000 + ",)"), "plain numbers"),
        (forged("(4,)", descr="|O"), "plain numbers"),
        (forged("(4,)", descr="<U4"), "plain numbers"),
        (forged("(4,)", descr="|f1"), "type"),
        (forged("((" * 400 + "1" + "))" * 400), "plain numbers"),
        (forged("(5,)"), "as long as its shape"),
        (forged("(4,)", more="'x': __import__('os'), "), "plain numbers"),
        (npy(np.array([{}], dtype=object)), "plain numbers"),
        (b"\x93NUMPY\x01\x00\xff\xff", "header"),
        (b"\x93NUMPY\x09\x00" + bytes(20), "header"),
        (b"", "header"),
    ],
)
def test_hostile_headers_are_refused_by_name(tmp_path, data, words):
    zipped(tmp_path / "x.npz", {"w.npy": data})
    with pytest.raises(DamagedData, match=words) as caught:
        read_arrays(tmp_path / "x.npz", ("w",), 1 << 20)
    assert "array w" in str(caught.value)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    size = 80 << 20
    with (
        zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("w.npy", "w") as stream,
    ):
        header = npy(np.zeros(1, np.float32))[:-4].replace(b"(1,), }" + b" " * 8, f"({size // 4},), }}".encode())
        stream.write(header)
        for _ in range(size >> 20):
            stream.write(bytes(1 << 20))
    assert (tmp_path / "x.npz").stat().st_size < 200_000
    tracemalloc.start()
    with pytest.raises(DamagedData, match="larger than"):
        read_arrays(tmp_path / "x.npz", ("w",), 1 << 30)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_what_compresses_well_and_is_small_is_read(tmp_path):
    """NVIDIA's projector writes the same row for every layer."""
    w = np.repeat(np.random.default_rng(0).standard_normal((50, 1, 512)).astype(np.float32), 18, axis=1)
    np.savez_compressed(tmp_path / "x.npz", w=w)
    np.testing.assert_array_equal(read_arrays(tmp_path / "x.npz", ("w",), 1 << 30)["w"], w)


def test_a_member_that_is_longer_than_the_directory_says_is_refused(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a": bytes(1000)})
    raw = path.read_bytes()
    at = raw.rindex(b"PK\x01\x02")
    path.write_bytes(raw[: at + 24] + (10).to_bytes(4, "little") + raw[at + 28 :])
    with GuardedZip(path, 10) as archive, pytest.raises(DamagedData):
        archive.read("a", 1 << 20)


def test_twins_and_crowds_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "twins.zip", "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    with pytest.raises(DamagedData, match="same name"):
        GuardedZip(tmp_path / "twins.zip", 10)
    zipped(tmp_path / "crowd.zip", {str(i): b"" for i in range(2000)})
    with pytest.raises(DamagedData, match="more than 10 parts"):
        GuardedZip(tmp_path / "crowd.zip", 10)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_archive_is_read_or_refused(tmp_path, method):
    sound = zipped(tmp_path / "sound.npz", {"w.npy": npy(W), "cond.npy": npy(W[0])}, method).read_bytes()
    path = tmp_path / "x.npz"
    for content in damaged(sound, 150):
        path.write_bytes(content)
        with contextlib.suppress(DamagedData):
            read_arrays(path, ("w", "cond"), 1 << 20)
    flags = sound.index(b"PK\x01\x02") + 8
    path.write_bytes(sound[:flags] + bytes([sound[flags] | 1]) + sound[flags + 1 :])
    with pytest.raises(DamagedData, match="encrypted"):
        read_arrays(path, ("w",), 1 << 20)
