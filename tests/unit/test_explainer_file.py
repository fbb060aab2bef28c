# SPDX-License-Identifier: MIT
"""Explainer files come back as they were written, and whatever is wrong with a file ends in one sentence."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open

import latent_explorer
from latent_explorer.common.errors import UserError
from latent_explorer.models import explainer_header
from latent_explorer.models.architecture import GeneratorConfig, TrunkConfig
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.classifiers import (
    ARCHITECTURES,
    Classifier,
    ClassifierConfig,
    Preprocessing,
)
from latent_explorer.models.discriminator import Discriminator
from latent_explorer.models.encoder import Encoder
from latent_explorer.models.explainer import Explainer, Samples, hash_classifier, style_statistics
from latent_explorer.models.explainer_file import info, read_explainer, write_explainer
from latent_explorer.models.stylegan2 import Generator
from latent_explorer.models.tensor_file import TensorFile
from latent_explorer.models.weightless import Weightless

CHANNELS = (8, 6, 4)  # 16 px


def make_explainer(seed: int = 0, rows_equal: bool = True) -> Explainer:
    torch.manual_seed(seed)
    generator = Generator(
        GeneratorConfig(CHANNELS, z_dim=8, w_dim=8, num_classes=2, mapping_layers=2)
    )
    classifier = Classifier(
        ClassifierConfig(
            "health", "small-resnet", ("diseased", "healthy"), Preprocessing(16), widths=(4, 6)
        )
    )
    key = hash_classifier(classifier)
    ws = torch.randn(5, 1 if rows_equal else generator.num_ws, 8).expand(-1, generator.num_ws, -1)
    cond = torch.rand(5, 2).softmax(dim=1)
    return Explainer(
        name="leaves",
        generator=generator,
        encoder=Encoder(TrunkConfig(CHANNELS, outputs=8, hidden=8)),
        discriminator=Discriminator(
            TrunkConfig(CHANNELS, outputs=2, hidden=8, minibatch_stddev=True)
        ),
        classifiers={key: classifier},
        conditioned_on=key,
        samples=Samples(ws, cond, cond.flip(1), tuple(f"leaf/{i}.jpg" for i in range(5))),
        style_stats=style_statistics(generator, ws, cond),
        attribute_sets=(
            AttributeSet(
                key,
                "attfind-notebook",
                5,
                1.0,
                "the samples",
                (Attribute("brown spots", 0, (AttributeEntry(3, "max"),), 1.5, (1.0, 2.0)),),
                {"tau": 1.0},
            ),
        ),
        provenance={"data": {"licence": "CC BY-SA 3.0", "counts": [1, 2]}},
        figures={"agreement": np.float32(0.5), "flips": np.float64(0.75), "table": np.arange(3)},
    )


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    return make_explainer()


@pytest.fixture(scope="module")
def written(explainer: Explainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "leaves.explainer"
    write_explainer(explainer, path)
    return path


def parts(raw: bytes) -> tuple[dict[str, Any], bytes]:
    """The JSON table and the tensors' bytes of a file."""
    length = int.from_bytes(raw[:8], "little")
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def joined(table: dict[str, Any], data: bytes) -> bytes:
    text = json.dumps(table, separators=(",", ":")).encode()
    return len(text).to_bytes(8, "little") + text + data


def with_header(raw: bytes, change: Any) -> bytes:
    """The file with a changed header and a checksum that fits it: what a forger writes."""
    table, data = parts(raw)
    header = json.loads(table["__metadata__"]["header"])
    change(header)
    text = json.dumps(header)
    table["__metadata__"] |= {
        "header": text,
        "header_sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    return joined(table, data)


def refuse(tmp_path: Path, raw: bytes, match: str | None = None) -> None:
    path = tmp_path / "wrong.explainer"
    path.write_bytes(raw)
    with pytest.raises(UserError, match=match) as caught:
        read_explainer(path)
    assert "wrong.explainer" in str(caught.value)


# ------------------------------------------------------------------------------ writing and reading


@pytest.mark.parametrize("rows_equal", [True, False])
def test_everything_comes_back(tmp_path: Path, rows_equal: bool) -> None:
    before = make_explainer(1, rows_equal)
    path = tmp_path / "x.explainer"
    write_explainer(before, path)
    after = latent_explorer.open(path)
    assert after.model_hash == before.model_hash
    assert after.conditioned_on == before.conditioned_on == hash_classifier(after.classifier)
    for name in ("generator", "encoder", "discriminator", "classifier"):
        old, new = getattr(before, name), getattr(after, name)
        assert new.config == old.config
        assert not new.training
        for key, tensor in new.state_dict().items():
            assert not tensor.is_meta
            expected = old.state_dict()[key]
            assert torch.equal(
                tensor, expected.half().float() if expected.is_floating_point() else expected
            )
            assert not tensor.requires_grad
    assert before.samples is not None
    assert after.samples is not None
    for name in ("ws", "cond", "probs"):
        assert torch.equal(getattr(after.samples, name), getattr(before.samples, name))
    assert after.samples.ids == before.samples.ids
    for name in explainer_header.STATISTICS:
        np.testing.assert_array_equal(
            getattr(after.style_stats, name), getattr(before.style_stats, name)
        )
    assert after.attribute_sets == before.attribute_sets
    assert after.provenance == before.provenance
    assert after.figures == {"agreement": 0.5, "flips": 0.75, "table": [0, 1, 2]}
    assert after.name == "leaves"


def test_it_renders_and_classifies(explainer: Explainer, written: Path) -> None:
    read = read_explainer(written)
    assert read.samples is not None
    img = read.generator.synthesis(
        read.samples.ws, read.samples.cond, read.generator.synthesis.noise_const()
    )
    assert img.shape == (5, 3, 16, 16)
    assert read.encoder is not None
    assert read.encoder(img).shape == (5, 8)
    assert read.classifier.probs(img).shape == (5, 2)


def test_identity_is_the_stored_bytes(written: Path, tmp_path: Path) -> None:
    read = read_explainer(written)
    known = read.model_hash
    del read._model_hash  # the one taken from the file while reading
    assert read.model_hash == known == info(written).header.model_hash
    read.name = "renamed"
    write_explainer(read, tmp_path / "renamed.explainer")
    assert read_explainer(tmp_path / "renamed.explainer").model_hash == known


def test_equal_content_is_equal_bytes(written: Path, tmp_path: Path) -> None:
    write_explainer(read_explainer(written), tmp_path / "again.explainer")
    assert (tmp_path / "again.explainer").read_bytes() == written.read_bytes()


def test_a_bare_generator(tmp_path: Path) -> None:
    generator = Generator(
        GeneratorConfig((4, 4, 4), z_dim=4, w_dim=4, c_dim=3, mapping_layers=1, conv_clamp=256)
    )
    write_explainer(Explainer("plain", generator), tmp_path / "plain.explainer")
    read = read_explainer(tmp_path / "plain.explainer")
    assert read.generator.config == generator.config
    assert (read.encoder, read.samples, read.style_stats, read.classifiers) == (
        None,
        None,
        None,
        {},
    )


def test_the_library_reads_it_too(written: Path, explainer: Explainer) -> None:
    with safe_open(written, framework="pt") as file:
        assert file.metadata()["format_version"] == "1"
        stored = file.get_tensor("generator.mapping.fc0.weight")
    assert torch.equal(stored, explainer.generator.mapping.fc0.weight.half())


def test_info_reads_the_header_only(written: Path, explainer: Explainer, tmp_path: Path) -> None:
    told = info(written)
    assert told.header.model_hash == explainer.model_hash
    plain = told.to_dict()
    json.dumps(plain)
    assert plain["kind"] == "explainer"
    assert plain["resolution"] == 16
    assert plain["classes"] == ["diseased", "healthy"]
    assert plain["attributes"] == ["brown spots"]
    # Damage in the tensors goes unnoticed: they are not read.
    raw = bytearray(written.read_bytes())
    raw[-1] ^= 1
    (tmp_path / "flipped.explainer").write_bytes(raw)
    assert info(tmp_path / "flipped.explainer").to_dict()["model_hash"] == plain["model_hash"]


@pytest.mark.skipif(os.name == "nt", reason="RLIMIT_FSIZE is POSIX")
def test_a_full_disk_leaves_the_old_file(written: Path, tmp_path: Path) -> None:
    target = tmp_path / "kept.explainer"
    target.write_bytes(b"old")
    code = (
        "import resource, signal, sys\n"
        "from latent_explorer.models.explainer_file import read_explainer, write_explainer\n"
        "from latent_explorer.common.errors import UserError\n"
        "explainer = read_explainer(sys.argv[1])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
        "try:\n    write_explainer(explainer, sys.argv[2])\n"
        "except UserError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, written, target], capture_output=True, text=True, check=True
    )
    assert "cannot be written" in done.stdout
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["kept.explainer"]


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    target = tmp_path / "x.explainer"
    diverged = make_explainer()
    diverged.generator.synthesis.b4.const[0, 0, 0] = 1e6  # infinite in half precision
    with pytest.raises(UserError, match=r"synthesis\.b4\.const"):
        write_explainer(diverged, target)
    foreign = make_explainer()
    foreign.conditioned_on = "0" * 64
    with pytest.raises(UserError, match="conditioned on"):
        write_explainer(foreign, target)
    unplain = make_explainer()
    unplain.figures = {"a": object()}
    with pytest.raises(UserError, match="plain values"):
        write_explainer(unplain, target)
    with pytest.raises(UserError, match="cannot be written"):
        write_explainer(make_explainer(), tmp_path / "nowhere" / "x.explainer")
    assert not target.exists()


# ------------------------------------------------------------------------------ wrong files


def test_other_files_are_refused(tmp_path: Path, written: Path) -> None:
    for raw in (
        b"",
        b"\x89PNG\r\n\x1a\n" + b"x" * 100,
        b"PK\x03\x04" + b"x" * 100,
        b"\x80\x02}q\x00." * 20,
        b"{}" * 40,
    ):
        refuse(tmp_path, raw, "not an explainer file")
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
    table["__metadata__"]["format_version"] = "2"
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
        {"shape": [8, 9]},
        {"shape": [2**40, 2**40]},
        {"shape": [-8, -8]},
        {"shape": [8.0, 8]},
        {"shape": [1] * 20},
        {"shape": [64]},
        {"shape": [8, 8, 1]},
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
        at("discriminator", "minibatch_stddev", value=1),
        at("classifiers", "*", "architecture", value="os.system"),
        at("classifiers", "*", "class_names", value=["one"]),
        at("classifiers", "*", "class_names", value=["x"] * 50_000),
        at("classifiers", "*", "widths", value=[]),
        at("classifiers", "*", "widths", value=[4, 10**7]),
        at("classifiers", "*", "temperature", value=0),
        at("classifiers", "*", "temperature", value=1e300),
        at("classifiers", "*", "head", value="sigmoid "),
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

    refuse(tmp_path, with_header(written.read_bytes(), entry), "style_index")
    refuse(tmp_path, with_header(written.read_bytes(), target), "target")


def test_no_memory_is_taken_for_absurd_shapes(
    tmp_path: Path, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A header that asks for the largest networks (5 GB) is refused before a tensor is made."""

    def grow(header: dict[str, Any]) -> None:
        header["generator"] |= {"channels": [8192, 8192, 8192], "w_dim": 8192, "z_dim": 8192}
        header["encoder"] |= {"channels": [8192, 8192, 8192], "hidden": 8192, "outputs": 8192}

    path = tmp_path / "wrong.explainer"
    path.write_bytes(with_header(written.read_bytes(), grow))
    monkeypatch.setattr(TensorFile, "read", lambda *a: pytest.fail("read a tensor"))
    with pytest.raises(UserError, match="F16"):
        read_explainer(path)


def test_reading_stays_light(written: Path) -> None:
    """Computing on the meta device would import 900 modules, sympy among them, while a person waits."""
    code = (
        "import sys\n"
        "from latent_explorer.models.explainer_file import read_explainer\n"
        "known = len(sys.modules)\n"
        "read_explainer(sys.argv[1])\n"
        "print(len(sys.modules) - known)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, written], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 50


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_weightless_networks_have_the_shapes_of_real_ones(architecture: str) -> None:
    config = ClassifierConfig("x", architecture, ("a", "b", "c"), Preprocessing(32), widths=(4, 6))
    real = Classifier(config)
    with Weightless():
        light = Classifier(config)
    shapes = {name: (t.shape, t.dtype) for name, t in real.state_dict().items()}
    assert {name: (t.shape, t.dtype) for name, t in light.state_dict().items()} == shapes
    assert all(t.is_meta for t in light.parameters())
    assert torch.equal(light.mean, real.mean)


# ------------------------------------------------------------------------------ fuzzing


def test_every_truncation_is_noticed(tmp_path: Path, written: Path) -> None:
    raw = written.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    for cut in sorted(
        {*range(0, 20), *range(20, length, 97), *range(length, len(raw), 251), len(raw) - 1}
    ):
        refuse(tmp_path, raw[:cut])


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_flipped_bytes_are_noticed(tmp_path: Path, written: Path, data: st.DataObject) -> None:
    raw = bytearray(written.read_bytes())
    header = 8 + int.from_bytes(raw[:8], "little")
    place = st.integers(0, header - 1) | st.integers(header, len(raw) - 1)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(place)] ^= data.draw(st.integers(1, 255))
    if bytes(raw) != written.read_bytes():
        refuse(tmp_path, bytes(raw))


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
    data=st.binary(max_size=50),
)
def test_random_headers_are_refused(tmp_path: Path, text: bytes, data: bytes) -> None:
    refuse(tmp_path, len(text).to_bytes(8, "little") + text + data)


MEASURE = """
import resource, sys
from latent_explorer.common.errors import UserError
from latent_explorer.models import explainer_file
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
explainer_file.read_explainer(sys.argv[1])  # small: loads the code
before = peak()
try:
    kept = explainer_file.read_explainer(sys.argv[2])
except UserError as error:
    print(error, file=sys.stderr)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
@pytest.mark.parametrize("damage", ["none", "last byte", "table", "header"])
def test_memory_stays_below_twice_the_file(tmp_path: Path, written: Path, damage: str) -> None:
    wide = Generator(GeneratorConfig((512, 512, 256), z_dim=512, w_dim=512, mapping_layers=8))
    path = tmp_path / "wide.explainer"
    write_explainer(Explainer("wide", wide), path)
    raw = bytearray(path.read_bytes())
    if damage == "last byte":
        raw[-1] ^= 1
    elif damage == "table":
        table, data = parts(bytes(raw))
        table[WEIGHT]["shape"] = [2**20, 2**20]
        raw = bytearray(joined(table, data))
    elif damage == "header":
        text = b'{"a":"' + b"x" * (len(raw) - 100) + b'"}'
        raw = bytearray(len(text).to_bytes(8, "little") + text)
    path.write_bytes(raw)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, written, path], capture_output=True, text=True, check=True
    )
    assert bool(done.stderr) == (damage != "none")
    assert len(raw) > 20e6
    assert (
        int(done.stdout) < 2 * len(raw) + 3e6
    )  # the piece being read, and the allocator's rounding


def test_reading_warns_of_nothing(written: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_explainer(written)
