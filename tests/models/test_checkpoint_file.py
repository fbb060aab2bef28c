# SPDX-License-Identifier: MIT
"""Foreign checkpoints: torch's formats, pickles and safetensors give the tensors that were written, or one error."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from latent_explorer.common.errors import UserError
from latent_explorer.models.importers.checkpoint_file import Checkpoint
from latent_explorer.models.importers.state_dicts import find_state_dicts, without_wrappers

torch.manual_seed(0)
TENSORS = {
    "weight": torch.randn(4, 3, 2),
    "half": torch.randn(5).half(),
    "brain": torch.randn(5).bfloat16(),
    "double": torch.randn(2, 2, dtype=torch.float64),
    "count": torch.tensor(7),
    "flags": torch.tensor([True, False]),
    "turned": torch.arange(12.0).reshape(3, 4).t(),
    "row": torch.arange(12.0).reshape(3, 4)[1],
    "none": torch.zeros(0, 3),
    "parameter": nn.Parameter(torch.randn(3)),
}


def same(checkpoint: Checkpoint, found: dict[str, Any]) -> None:
    for name, tensor in TENSORS.items():
        expected = tensor.detach().to(torch.float32 if tensor.is_floating_point() else torch.int64).numpy()
        np.testing.assert_array_equal(checkpoint.read(found[name]), expected, err_msg=name)


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_files(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "x.pt"
    torch.save({"model": TENSORS, "epoch": 3}, path, _use_new_zipfile_serialization=zipped)
    with Checkpoint(path) as checkpoint:
        assert checkpoint.content["epoch"] == 3
        same(checkpoint, checkpoint.content["model"])


def test_tensors_in_a_plain_pickle(tmp_path: Path) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps({"G_ema": TENSORS, "numpy": np.arange(3.0)}))
    with Checkpoint(path) as checkpoint:
        same(checkpoint, checkpoint.content["G_ema"])
        assert checkpoint.read(checkpoint.content["numpy"]).tolist() == [0, 1, 2]


def safetensors(tensors: dict[str, np.ndarray], **changes: Any) -> bytes:
    names = {np.dtype("<f4"): "F32", np.dtype("<i8"): "I64", np.dtype("<u2"): "BF16"}
    rows, data = {}, b""
    for name, array in tensors.items():
        rows[name] = {
            "dtype": names[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + array.nbytes],
        }
        data += array.tobytes()
    rows["__metadata__"] = {"format": "pt"}
    for name, change in changes.items():
        rows[name] |= change
    head = json.dumps(rows).encode()
    return len(head).to_bytes(8, "little") + head + data


def test_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    brain = (np.array([1.5, -2], "<f4").view("<u4") >> 16).astype("<u2")
    path.write_bytes(safetensors({"a": np.arange(6, dtype="<f4").reshape(2, 3), "b": brain, "c": np.arange(2)}))
    with Checkpoint(path) as checkpoint:
        assert checkpoint.metadata == {"format": "pt"}
        assert checkpoint.read(checkpoint.content["a"]).tolist() == [[0, 1, 2], [3, 4, 5]]
        assert checkpoint.read(checkpoint.content["b"]).tolist() == [1.5, -2]
        assert checkpoint.read(checkpoint.content["c"]).tolist() == [0, 1]


@pytest.mark.parametrize(
    "change", [{"shape": [2**40]}, {"data_offsets": [0, 2**50]}, {"dtype": "F64"}, {"shape": [-1]}]
)
def test_safetensors_that_lie(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors({"a": np.arange(6, dtype="<f4")}, a=change))
    with pytest.raises(UserError, match=r"x\.safetensors"):
        Checkpoint(path)


def test_a_pickled_module_is_read_without_its_class(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.Linear(4, 2)))
    path = tmp_path / "x.pt"
    torch.save({"net": module}, path)
    with Checkpoint(path) as checkpoint:
        [found] = find_state_dicts(checkpoint.content)
        assert found.place == "net"
        assert found.tensors.keys() == module.state_dict().keys()
        for name, tensor in module.state_dict().items():
            np.testing.assert_array_equal(checkpoint.read(found.tensors[name]), tensor.numpy())


def test_averaged_weights_come_first_and_optimizers_are_left_out(tmp_path: Path) -> None:
    module = nn.Linear(2, 2)
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    path = tmp_path / "x.pth"
    states = {"state_dict": module.state_dict(), "state_dict_ema": module.state_dict()}
    torch.save({**states, "optimizer": optimizer.state_dict()}, path)
    with Checkpoint(path) as checkpoint:
        assert [found.place for found in find_state_dicts(checkpoint.content)] == ["state_dict_ema", "state_dict"]


def test_many_tensors_with_their_optimizer_are_no_bomb(tmp_path: Path) -> None:
    """A ResNet-50 and Adam's state: shapes cost more than the pickle's own bytes, but far less than the file's."""
    module = nn.ModuleList(nn.Linear(40, 40) for _ in range(300))
    states = {i: {"exp_avg": p.detach(), "exp_avg_sq": p.detach() + 1} for i, p in enumerate(module.parameters())}
    path = tmp_path / "x.pth"
    torch.save({"state_dict": module.state_dict(), "optimizer": {"state": states}}, path)
    with Checkpoint(path) as checkpoint:
        [found] = find_state_dicts(checkpoint.content)
        assert len(found.tensors) == 600


@pytest.mark.parametrize(
    ("names", "left", "wrappers"),
    [
        (["module.a.w", "module.b"], ["a.w", "b"], "module."),
        (["_orig_mod.model.a", "_orig_mod.model.b"], ["a", "b"], "_orig_mod.model."),
        (["model.a", "model.b", "model.c", "loss.weight"], ["a", "b", "c", "loss.weight"], "model."),
        (["features.0", "head.0"], ["features.0", "head.0"], ""),
        (["a", "b"], ["a", "b"], ""),
    ],
)
def test_wrappers(names: list[str], left: list[str], wrappers: str) -> None:
    found, removed = without_wrappers(dict.fromkeys(names))
    assert (sorted(found), removed) == (sorted(left), wrappers)


def change_member(data: bytes, suffix: str, change: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            content = change(content) if info.filename.endswith(suffix) else content
            if content is not None:
                new.writestr(info.filename, content)
    return out.getvalue()


def saved(value: Any) -> bytes:
    out = io.BytesIO()
    torch.save(value, out)
    return out.getvalue()


DAMAGE = {
    "missing numbers": change_member(saved({"a": torch.zeros(64)}), "data/0", lambda _: None),
    "short numbers": change_member(saved({"a": torch.zeros(64)}), "data/0", lambda data: data[:100]),
    "no pickle": change_member(saved({"a": torch.zeros(64)}), "data.pkl", lambda _: None),
    "cut": saved({"a": torch.zeros(64)})[:400],
    "not numbers": saved({"a": torch.full((4,), float("nan"))}),
    "too large": saved({"a": torch.full((4,), 1e300, dtype=torch.float64)}),
    "complex": saved({"a": torch.zeros(4, dtype=torch.complex64)}),
    "expanded": saved({"a": torch.zeros(1).expand(10_000)}),
    "empty": b"",
    "picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "cut legacy": pickle.dumps(0x1950A86A20F9469CFC6C, 2),
}


@pytest.mark.parametrize("data", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"x\.pt"), Checkpoint(path) as checkpoint:
        checkpoint.read(checkpoint.content["a"])


def test_compressed_members_are_not_inflated(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", pickle.dumps({}) + b"\0" * 10_000_000)
    with pytest.raises(UserError, match="larger"):
        Checkpoint(path)
