# SPDX-License-Identifier: MIT
"""Classifier files: lossless round trips, and refusal of faulty files before memory is allocated."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from forged_explainer import joined, parts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latent_explorer.common.errors import UserError
from latent_explorer.models.classifier_file import read_classifier, write_classifier
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.explainer import hash_classifier
from latent_explorer.models.explainer_file import write_explainer
from latent_explorer.models.preprocessing import Preprocessing


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = ClassifierConfig(
        "test", "small-resnet", ("a", "b"), Preprocessing(16), widths=(4, 8), temperature=1.5,
        frame_only=4,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("files") / "tiny.classifier"
    write_classifier(path, Classifier(config).eval(), {"val": {"accuracy": 0.5}})
    return path


def forged(raw: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """Return the file with a changed description of the network."""
    table, data = parts(raw)
    config = json.loads(table["__metadata__"]["config"])
    change(config)
    table["__metadata__"]["config"] = json.dumps(config)
    return joined(table, data)


def refuse(tmp_path: Path, raw: bytes, match: str | None = None) -> None:
    path = tmp_path / "wrong.classifier"
    path.write_bytes(raw)
    with pytest.raises(UserError, match=match) as caught:
        read_classifier(path)
    assert "wrong.classifier" in str(caught.value)


def test_what_was_written_comes_back(written: Path, tmp_path: Path) -> None:
    classifier, about = read_classifier(written)
    assert about == {"val": {"accuracy": 0.5}}
    assert (classifier.config.temperature, classifier.config.frame_only) == (1.5, 4)
    assert not any(p.requires_grad or p.is_meta for p in classifier.parameters())
    img = torch.rand(2, 3, 16, 16)
    write_classifier(tmp_path / "again.classifier", classifier, about)
    assert (tmp_path / "again.classifier").read_bytes() == written.read_bytes()
    again, _ = read_classifier(tmp_path / "again.classifier")
    assert torch.equal(again.logits(img), classifier.logits(img))


def test_a_file_that_the_safetensors_library_wrote_is_read(written: Path, tmp_path: Path) -> None:
    metadata = parts(written.read_bytes())[0]["__metadata__"]
    other = tmp_path / "library.classifier"
    safetensors.torch.save_file(safetensors.torch.load_file(written), other, metadata)
    assert read_classifier(other)[1] == {"val": {"accuracy": 0.5}}


def test_other_files_are_refused(written: Path, tmp_path: Path) -> None:
    for raw in (b"", b"PK\x03\x04" + b"x" * 100, b"\x80\x02}q\x00." * 20):
        refuse(tmp_path, raw, "not a classifier|is empty")
    table, data = parts(written.read_bytes())
    for key, value in (("format", "another program"), ("version", "2"), ("about", "[")):
        changed = {**table, "__metadata__": table["__metadata__"] | {key: value}}
        refuse(tmp_path, joined(changed, data), "cannot be read as a classifier")
    with pytest.raises(UserError, match="no file"):
        read_classifier(tmp_path / "none.classifier")


@pytest.mark.parametrize(
    "changes",
    [
        {"widths": [8192] * 16},  # 150 GB, if it were built
        {"widths": [1 << 40]},
        {"widths": [-1]},
        {"widths": []},
        {"widths": "wide"},
        {"class_names": []},
        {"class_names": ["only one"]},
        {"class_names": ["x"] * 20_000},
        {"architecture": "os.system"},
        {"architecture": "mobilenet_v2"},
        {"head": "softmin"},
        {"temperature": 0},
        {"temperature": 1e300},
        {"frame_only": -1},
        {"frame_only": 8},  # of 16 px: nothing would be hidden
        {"frame_only": "wide"},
        {"preprocessing": {"input_size": 10**9}},
        {"preprocessing": {"input_size": 16, "std": [0, 0, 0]}},
    ],
)
def test_absurd_descriptions_are_refused(written: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    refuse(tmp_path, forged(written.read_bytes(), lambda config: config.update(changes)))


def test_numbers_that_are_not_finite_are_refused_both_ways(written: Path, tmp_path: Path) -> None:
    table, data = parts(written.read_bytes())
    first, last = table["network.head.bias"]["data_offsets"]
    holed = data[:first] + b"\xff" * (last - first) + data[last:]
    refuse(tmp_path, joined(table, holed), "not finite")
    classifier, about = read_classifier(written)
    classifier.network.head.bias.fill_(torch.nan)  # type: ignore[union-attr,operator]
    with pytest.raises(UserError, match="not written"):
        write_classifier(tmp_path / "x.classifier", classifier, about)
    assert not (tmp_path / "x.classifier").exists()


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_cut_and_flipped_files_never_crash(written: Path, tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray(written.read_bytes())
    raw[data.draw(st.integers(0, min(1500, len(raw) - 1)))] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "flipped.classifier"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    with contextlib.suppress(UserError):
        read_classifier(path)


def test_the_classifier_inside_an_explainer_is_the_same_classifier(tiny_explainer, tmp_path: Path) -> None:
    path = tmp_path / "tiny.explainer"
    write_explainer(tiny_explainer, path)
    classifier, about = read_classifier(path)
    assert hash_classifier(classifier) == tiny_explainer.conditioned_on
    assert about["taken_from"]["model_hash"] == tiny_explainer.model_hash
    write_classifier(tmp_path / "out.classifier", classifier, about)
    again, _ = read_classifier(tmp_path / "out.classifier")
    assert hash_classifier(again) == tiny_explainer.conditioned_on


def test_a_flipped_bit_is_noticed_and_earlier_files_without_a_digest_open(tiny_explainer, tmp_path) -> None:
    path = tmp_path / "x.classifier"
    write_classifier(path, tiny_explainer.classifier, {"n": 1})
    sound = path.read_bytes()
    for at in range(8, len(sound), max(1, len(sound) // 40)):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        with pytest.raises(UserError):
            read_classifier(path)
    table, data = parts(sound)
    del table["__metadata__"]["sha256"]
    path.write_bytes(joined(table, data))
    assert read_classifier(path)[1] == {"n": 1}
