# SPDX-License-Identifier: MIT
"""Containers for hostile files: archives, headers and folders with whatever an attack puts into them."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forged_explainer import parts

from latent_explorer.models import classifier_file, explainer_file

FIXTURES = Path(__file__).parents[1] / "fixtures"
Make = Callable[[Path], Path]


def a_file(make: Callable[[Path], bytes], suffix: str = ".pt") -> Make:
    """Return an attack that is the bytes which `make` returns."""

    def write(folder: Path) -> Path:
        path = folder / f"x{suffix}"
        path.write_bytes(make(folder))
        return path

    return write


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def safetensors(rows: dict[str, Any], data: bytes = b"") -> bytes:
    text = json.dumps(rows).encode()
    return struct.pack("<Q", len(text)) + text + data


def row(first: int, last: int, *shape: int) -> dict[str, Any]:
    return {"dtype": "F32", "shape": list(shape), "data_offsets": [first, last]}


def secret(folder: Path) -> Path:
    """Return a file outside of the attack's folder, which no reader may open."""
    path = folder.parent / f"{folder.name}.secret"
    path.write_bytes(bytes(64))
    return path


def in_place_of_weights(make: Callable[[Path, Path], object]) -> Make:
    """Return an attack that is a Hugging Face folder; `make` gets its config.json and its weights."""

    def write(folder: Path) -> Path:
        path = folder / "model"
        path.mkdir()
        (path / "config.json").write_text(json.dumps({"architecture": "resnet18", "num_classes": 2}))
        make(path / "config.json", path / "model.safetensors")
        return path

    return write


def field(number: int, content: bytes) -> bytes:
    """Return a field of a protobuf message."""
    length, prefix = len(content), bytearray([number << 3 | 2])
    while length > 127:
        prefix.append(length & 127 | 128)
        length >>= 7
    return bytes(prefix) + bytes([length]) + content


def own(name: str, change: Callable[[dict[str, Any], bytes], bytes]) -> Make:
    """Return an attack that is a changed file of this program."""

    def write(folder: Path) -> Path:
        source, path = FIXTURES / "tiny.explainer", folder / f"x{name}"
        if name == ".classifier":
            source = folder / "sound.classifier"
            explainer = explainer_file.read_explainer(FIXTURES / "tiny.explainer")
            classifier_file.write_classifier(source, next(iter(explainer.classifiers.values())), {})
        table, data = parts(source.read_bytes())
        path.write_bytes(change(table, data))
        return path

    return write


def npz(name: str, header: bytes, data: bytes = b"") -> bytes:
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data
    return array if name == ".npy" else zipped({"w.npy": array}, zipfile.ZIP_DEFLATED)


def shape(*sizes: int) -> bytes:
    return b"{'descr': '<f4', 'fortran_order': False, 'shape': " + str(sizes).encode() + b", }\n"
