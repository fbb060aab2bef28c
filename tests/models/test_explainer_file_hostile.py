# SPDX-License-Identifier: MIT
"""Faulty explainer files end in one message: no crash, no hang, and no memory allocated on their word."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from forged_explainer import joined, parts, with_header
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latent_explorer.common.errors import UserError
from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.explainer import Explainer
from latent_explorer.models.explainer_file import read_explainer, write_explainer
from latent_explorer.models.explainer_header import FORMAT_VERSION
from latent_explorer.models.stylegan2 import Generator
from latent_explorer.models.tensor_file import TensorFile

if TYPE_CHECKING:
    from pathlib import Path

QUIET: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],  # each example overwrites the file
}


@pytest.fixture(scope="module")
def written(tiny_explainer: Explainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "tiny.explainer"
    write_explainer(tiny_explainer, path)
    return path


def refuse(tmp_path: Path, raw: bytes, match: str | None = None) -> None:
    path = tmp_path / "wrong.explainer"
    path.write_bytes(raw)
    with pytest.raises(UserError, match=match) as caught:
        read_explainer(path)
    assert "wrong.explainer" in str(caught.value)


def test_other_files_are_refused(tmp_path: Path, written: Path) -> None:
    for raw in (
        b"",
        b"\x89PNG\r\n\x1a\n" + b"x" * 100,
        b"PK\x03\x04" + b"x" * 100,
        b"\x80\x02}q\x00." * 20,
        b"{}" * 40,
    ):
        refuse(tmp_path, raw, "not an explainer|is empty")
    refuse(tmp_path, joined({}, b""), "not an explainer")
    table, data = parts(written.read_bytes())
    table["__metadata__"]["format"] = "latent-explorer classifier"
    refuse(tmp_path, joined(table, data), "not an explainer")
    with pytest.raises(UserError, match="no file"):
        read_explainer(tmp_path / "none.explainer")
    with pytest.raises(UserError, match="folder"):
        read_explainer(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.explainer")
    with pytest.raises(UserError, match="device"):
        read_explainer(tmp_path / "pipe.explainer")


def test_newer_versions_are_refused_with_a_sentence(tmp_path: Path, written: Path) -> None:
    table, data = parts(written.read_bytes())
    table["__metadata__"]["format_version"] = str(FORMAT_VERSION + 1)
    refuse(tmp_path, joined(table, data), "newer Latent Explorer")
    for version in ("", "0", "-1", "x", "9" * 5000, "²"):
        table["__metadata__"]["format_version"] = version
        refuse(tmp_path, joined(table, data), "version")


@pytest.mark.parametrize("length", [0, 1, 10 << 30, 2**63, 2**64 - 1])
def test_absurd_header_lengths(tmp_path: Path, written: Path, length: int) -> None:
    refuse(tmp_path, length.to_bytes(8, "little") + written.read_bytes()[8:])


def test_headers_that_would_swell(tmp_path: Path) -> None:
    for text in (
        b"[" * 1_000_000 + b"]" * 1_000_000,
        b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"a":[' + b"[]," * 1_000_000 + b"[]]}",
        b"{" + b" " * (5 << 20) + b"}",
    ):
        refuse(tmp_path, len(text).to_bytes(8, "little") + text)


WEIGHT = "generator.mapping.fc0.weight"


@pytest.mark.parametrize(
    "row",
    [
        {"dtype": "F32"},
        {"dtype": "F64"},
        {"dtype": 16},
        {"shape": [16, 17]},
        {"shape": [2**40, 2**40]},
        {"shape": [-16, -16]},
        {"shape": [16.0, 16]},
        {"shape": [1] * 20},
        {"shape": [256]},
        {"shape": [16, 16, 1]},
        {"data_offsets": [0, 128]},
        {"data_offsets": [-128, 0]},
        {"data_offsets": [2**70, 2**70 + 128]},
        {"data_offsets": [128]},
        {"extra": 1},
    ],
)
def test_wrong_rows(tmp_path: Path, written: Path, row: dict[str, Any]) -> None:
    table, data = parts(written.read_bytes())
    table[WEIGHT] |= row
    refuse(tmp_path, joined(table, data))


def test_overlaps_holes_and_tails(tmp_path: Path, written: Path) -> None:
    table, data = parts(written.read_bytes())
    other = "generator.mapping.fc1.weight"
    table[other]["data_offsets"] = table[WEIGHT]["data_offsets"]
    refuse(tmp_path, joined(table, data), "place")
    table, data = parts(written.read_bytes())
    refuse(tmp_path, joined(table, data + b"tail"), "holds")
    del table[WEIGHT]
    refuse(tmp_path, joined(table, data), "place")


def test_tensors_missing_or_strange(tmp_path: Path, written: Path) -> None:
    table, data = parts(written.read_bytes())
    table["generator.mapping.fc9.weight"] = table.pop(WEIGHT)
    refuse(tmp_path, joined(table, data), "missing|belongs")
    table["os.system"] = {"dtype": "F16", "shape": [0], "data_offsets": [len(data), len(data)]}
    refuse(tmp_path, joined(table, data))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(tmp_path: Path, written: Path, value: float) -> None:
    table, data = parts(written.read_bytes())
    start = table[WEIGHT]["data_offsets"][0]
    raw = data[:start] + np.float16(value).tobytes() + data[start + 2 :]
    refuse(tmp_path, joined(table, raw), "finite")


def at(*keys: str, value: Any) -> Any:
    def change(header: dict[str, Any]) -> None:
        for key in keys[:-1]:
            header = header[key if key != "*" else next(iter(header))]
        header[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        at("generator", "channels", value=[]),
        at("generator", "channels", value=[8, 6]),
        at("generator", "channels", value=[8] * 10),
        at("generator", "channels", value=[8] * 100_000),
        at("generator", "channels", value=[8, 6, 0]),
        at("generator", "channels", value=[8, 6, 2**31]),
        at("generator", "channels", value=[8, 6, 10**30]),
        at("generator", "channels", value="864"),
        at("generator", "z_dim", value=0),
        at("generator", "w_dim", value=10**9),
        at("generator", "c_dim", value=-1),
        at("generator", "num_classes", value=10**6),
        at("generator", "num_classes", value=3),
        at("generator", "mapping_layers", value=10**6),
        at("generator", "mapping_lr_mul", value=0),
        at("generator", "mapping_lr_mul", value="0.01"),
        at("generator", "conv_clamp", value=-1),
        at("generator", "surprise", value=1),
        at("encoder", "outputs", value=9),
        at("encoder", "hidden", value=10**8),
        at("encoder", "channels", value=[8, 8, 6, 4]),
        at("encoder", "minibatch_stddev", value=1),
        at("classifiers", "*", "architecture", value="os.system"),
        at("classifiers", "*", "class_names", value=["one"]),
        at("classifiers", "*", "class_names", value=["x"] * 50_000),
        at("classifiers", "*", "widths", value=[]),
        at("classifiers", "*", "widths", value=[4, 10**7]),
        at("classifiers", "*", "temperature", value=0),
        at("classifiers", "*", "temperature", value=1e300),
        at("classifiers", "*", "head", value="sigmoid "),
        at("classifiers", "*", "frame_only", value=9),
        at("classifiers", "*", "frame_only", value=1),  # its id says that it sees whole pictures
        at("classifiers", "*", "preprocessing", "input_size", value=10**6),
        at("classifiers", "*", "preprocessing", "std", value=[0, 1, 1]),
        at("classifiers", value={}),
        at("conditioned_on", value="0" * 64),
        at("conditioned_on", value="nobody"),
        at("samples", "rows", value=3),
        at("samples", "classes", value=3),
        at("samples", "ids", value=["a"]),
        at("samples", value=None),
        at("has_style_stats", value=False),
        at("attribute_sets", value=[{"classifier_id": "x"}]),
        at("model_hash", value="0" * 64),
        at("content_sha256", value="0" * 64),
        at("content_sha256", value=""),
        at("name", value=None),
        at("surprise", value=1),
        at("provenance", value=[]),
    ],
)
def test_forged_headers(tmp_path: Path, written: Path, change: Any) -> None:
    refuse(tmp_path, with_header(written.read_bytes(), change))


def test_attributes_must_fit_the_model(tmp_path: Path, written: Path) -> None:
    def entry(header: dict[str, Any]) -> None:
        header["attribute_sets"][0]["attributes"][0]["entries"][0]["style_index"] = 10**6

    def target(header: dict[str, Any]) -> None:
        header["attribute_sets"][0]["attributes"][0]["target"] = 2

    def nothing(header: dict[str, Any]) -> None:
        header["attribute_sets"][0]["attributes"][0]["entries"] = []

    refuse(tmp_path, with_header(written.read_bytes(), nothing), "needs style coordinates")
    refuse(tmp_path, with_header(written.read_bytes(), entry), "style_index")
    refuse(tmp_path, with_header(written.read_bytes(), target), "target")


def test_no_memory_is_taken_for_absurd_shapes(tmp_path: Path, written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse a header that claims the largest networks (5 GB) before a tensor is made."""

    def grow(header: dict[str, Any]) -> None:
        header["generator"] |= {"channels": [8192, 8192, 8192], "w_dim": 8192, "z_dim": 8192}
        header["encoder"] |= {"channels": [8192, 8192, 8192], "hidden": 8192, "outputs": 8192}

    path = tmp_path / "wrong.explainer"
    path.write_bytes(with_header(written.read_bytes(), grow))
    monkeypatch.setattr(TensorFile, "read", lambda *a: pytest.fail("read a tensor"))
    with pytest.raises(UserError, match=r"not F(16|32)"):
        read_explainer(path)


def test_every_truncation_is_noticed(tmp_path: Path, written: Path) -> None:
    raw = written.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    for cut in sorted({*range(0, 20), *range(20, length, 97), *range(length, len(raw), 251), len(raw) - 1}):
        refuse(tmp_path, raw[:cut])


def flip(data: st.DataObject, raw: bytearray) -> bytes:
    """Change one to three bytes, as often in the short header as in the tensors."""
    header = 8 + int.from_bytes(raw[:8], "little")
    place = st.integers(0, header - 1) | st.integers(header, len(raw) - 1)
    for spot in data.draw(st.sets(place, min_size=1, max_size=3)):
        raw[spot] ^= data.draw(st.integers(1, 255))
    return bytes(raw)


@settings(max_examples=100, **QUIET)
@given(data=st.data())
def test_flipped_bytes_are_noticed(tmp_path: Path, written: Path, data: st.DataObject) -> None:
    refuse(tmp_path, flip(data, bytearray(written.read_bytes())))


@pytest.mark.slow  # a minute of the same
@settings(max_examples=3000, **QUIET)
@given(data=st.data())
def test_many_flipped_bytes_are_noticed(tmp_path: Path, written: Path, data: st.DataObject) -> None:
    refuse(tmp_path, flip(data, bytearray(written.read_bytes())))


@settings(max_examples=100, **QUIET)
@given(text=st.binary(max_size=200) | st.text(max_size=200).map(str.encode), data=st.binary(max_size=50))
def test_random_headers_are_refused(tmp_path: Path, text: bytes, data: bytes) -> None:
    refuse(tmp_path, len(text).to_bytes(8, "little") + text + data)


MEASURE = """
import resource, sys
from latent_explorer.common.errors import UserError
from latent_explorer.models.explainer_file import read_explainer

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

read_explainer(sys.argv[1])  # a small file: loads the code
before = peak()
for path in sys.argv[2:]:
    try:
        read_explainer(path)
        outcome = "read"
    except UserError as error:
        outcome = "refused"
    print(outcome, peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
def test_memory_stays_below_twice_the_file(tmp_path: Path, written: Path) -> None:
    wide = Generator(GeneratorConfig((512, 512, 256), z_dim=512, w_dim=512, mapping_layers=8))
    path = tmp_path / "wide.explainer"
    write_explainer(Explainer("wide", wide), path)
    raw = path.read_bytes()
    table, data = parts(raw)
    table[WEIGHT]["shape"] = [2**20, 2**20]
    text = b'{"a":"' + b"x" * (len(raw) - 100) + b'"}'
    wrong = {
        "header": len(text).to_bytes(8, "little") + text,
        "table": joined(table, data),
        "flip": raw[:-1] + bytes([raw[-1] ^ 1]),
    }
    paths = [tmp_path / f"{name}.explainer" for name in wrong]
    for one, content in zip(paths, wrong.values(), strict=True):
        one.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, written, *paths, path], capture_output=True, text=True, check=True
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [outcome for outcome, _ in lines] == ["refused", "refused", "refused", "read"]
    peaks = [int(size) for _, size in lines]
    assert len(raw) > 20e6
    assert peaks[1] < 10e6  # wrong tables cost no memory at all
    assert peaks[-1] < 2 * len(raw) + 3e6  # the piece being read, and the allocator's rounding
