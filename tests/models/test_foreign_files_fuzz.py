# SPDX-License-Identifier: MIT
"""Mutated files of other programs end in a UserError or a value, soon. Those made on purpose: test_hostile_files."""

from __future__ import annotations

import contextlib
import io
import pickle
import random
import time
import zipfile
from typing import TYPE_CHECKING, Any

import lucidrains_files
import numpy as np
import pytest
import saved_models
import torch
from safetensors.torch import save as safetensors
from torch import nn

from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.models.importers.checkpoint_file import Checkpoint
from latent_explorer.models.importers.classifiers.file import import_classifier, inspect_classifier
from latent_explorer.models.importers.classifiers.formats import program_kind
from latent_explorer.models.importers.classifiers.metadata import class_names_in, network_names_in
from latent_explorer.models.importers.exported_program import input_shape
from latent_explorer.models.importers.generators.file import import_generator
from latent_explorer.models.importers.saved_model.files import Folder, ZippedFiles
from latent_explorer.models.importers.saved_model.files import saved_models as models_in
from latent_explorer.models.importers.saved_model.operations import operations
from latent_explorer.models.importers.saved_model.variables import Variables
from latent_explorer.models.importers.state_dicts import find_state_dicts, without_wrappers
from latent_explorer.models.importers.stylex.latents import read_effects, read_latents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUICK, MANY = 1000, 50_000  # mutations
LONGEST = 5.0  # seconds of computing for one file, whatever else the machine does


def saved(value: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    torch.save(value, out, **options)
    return out.getvalue()


def seeds() -> list[bytes]:
    """Return small sound files of every container."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))
    content = {"state_dict": net.state_dict(), "class_to_idx": {"a": 0, "b": 1}, "net": net, "epoch": 3}
    arrays = {"a": np.arange(6.0), "b": (1, 2.5, "x", None, True, b"y"), "t": torch.ones(3)}
    return [
        saved({"GAN": lucidrains_files.known("plain")[0], "version": "1.9.0"}),
        saved({"StylEx": lucidrains_files.known("stylex")[0], "version": "1.9.0"}),
        saved(content),
        saved(content, _use_new_zipfile_serialization=False),
        *(pickle.dumps(arrays, protocol) for protocol in (0, 2, 4, 5)),
        safetensors(net.state_dict()),
    ]


def onnx_seeds(folder: Path) -> list[bytes]:
    """Return small ONNX files with the messages that are read: tensors of every kind, attributes, metadata."""
    pytest.importorskip("onnx")
    import onnx_files
    from onnx_files import node

    folder.mkdir(exist_ok=True)
    tensors = {"w": np.ones((4, 3, 3, 3), np.float32), "h": np.ones((2, 4), np.float16), "a": np.array([0, -1])}
    nodes = [
        node("Conv", "x w", "c", pads=[1, 1, 1, 1], group=1), node("Clip", "c", "r", min=0.0),
        node("GlobalAveragePool", "r", "g"), node("Shape", "g", "s"), node("Slice", "s b b2", "n"),
        node("Constant", "", "m", value_ints=[-1]), node("Concat", "n m", "k", axis=0), node("Reshape", "g k", "f"),
        node("Cast", "h", "hh", to=1), node("Gemm", "f hh", "z", transB=1), node("Softmax", "z", "y", axis=1),
    ]  # fmt: skip
    tensors |= {"b": np.array([0]), "b2": np.array([1])}
    whole = onnx_files.write(folder / "a.onnx", nodes, tensors, metadata={"names": "{0: 'a', 1: 'b'}"})
    fixed = onnx_files.write(
        folder / "b.onnx",
        [node("Relu", "x", "r"), node("Reshape", "r a", "f"), node("ReduceMean", "f", "y", axes=[1])],
        {"a": np.array([1, -1])},
        shape=(1, 3, 8, 8),
        opset=11,
    )
    return [whole.read_bytes(), fixed.read_bytes()]


def mutations(count: int, files: list[bytes], seed: int = 0) -> Iterator[bytes]:
    rng = random.Random(seed)
    for _ in range(count):
        data = bytearray(rng.choice(files))
        for _ in range(rng.choice((1, 1, 2, 8))):
            at, kind = rng.randrange(len(data)), rng.randrange(5)
            if kind == 0:
                data[at] = rng.randrange(256)
            elif kind == 1:
                data[at] ^= 1 << rng.randrange(8)
            elif kind == 2:
                del data[at : at + rng.randrange(1, 40)]
            elif kind == 3:
                data[at:at] = data[rng.randrange(len(data)) :][: rng.randrange(1, 40)]
            else:
                data[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0"))
            data = data or bytearray(b"x")
        yield bytes(data)


def use(path: Path) -> None:
    """Read all that the importers read."""
    with contextlib.suppress(DamagedData), Checkpoint(path) as checkpoint:
        class_names_in(checkpoint.content)
        network_names_in(checkpoint.content)
        for state in find_state_dicts(checkpoint.content):
            for tensor in without_wrappers(state.tensors)[0].values():
                checkpoint.read(tensor)


def use_onnx(path: Path) -> None:
    """Read all that is read of an ONNX file, and ask it."""
    import_classifier(inspect_classifier(path), "x")


def try_all(path: Path, count: int) -> None:
    for data in mutations(count, seeds()):
        path.write_bytes(data)
        start = time.thread_time()
        for reader in (use, import_generator):
            try:
                reader(path)
            except UserError:
                continue
        assert time.thread_time() - start < LONGEST


def test_mutated_files(tmp_path: Path) -> None:
    try_all(tmp_path / "x.pt", QUICK)


def try_onnx(folder: Path, count: int) -> None:
    path = folder / "x.onnx"
    files = onnx_seeds(folder / "seeds")
    use_onnx(folder / "seeds" / "a.onnx")  # torch imports modules at the first trial run
    for data in mutations(count, files):
        path.write_bytes(data)
        start = time.thread_time()
        with contextlib.suppress(UserError):
            use_onnx(path)
        assert time.thread_time() - start < LONGEST


def test_mutated_onnx_files(tmp_path: Path) -> None:
    try_onnx(tmp_path, QUICK)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_mutated_onnx_files(tmp_path: Path) -> None:
    try_onnx(tmp_path, MANY)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_mutated_files(tmp_path: Path) -> None:
    try_all(tmp_path / "x.pt", MANY)


def program_seeds() -> list[bytes]:
    """Return small programs: TorchScript, and an archive of torch.export."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    pictures, script, exported = torch.zeros(1, 3, 16, 16), io.BytesIO(), io.BytesIO()
    torch.jit.save(torch.jit.trace(net.eval(), pictures), script)
    torch.export.save(torch.export.export(net, (pictures,)), exported)
    return [script.getvalue(), exported.getvalue()]


def use_program(path: Path) -> None:
    """Read all that is read of a program that is not run."""
    for reader in (program_kind, input_shape, use):
        with contextlib.suppress(UserError, DamagedData):
            reader(path)


def try_programs(path: Path, count: int) -> None:
    for data in mutations(count, program_seeds()):
        path.write_bytes(data)
        start = time.thread_time()
        use_program(path)
        assert time.thread_time() - start < LONGEST


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of the making of TorchScript
def test_mutated_programs(tmp_path: Path) -> None:
    try_programs(tmp_path / "x.pt", QUICK)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_many_mutated_programs(tmp_path: Path) -> None:
    try_programs(tmp_path / "x.pt", MANY)


def saved_model_seeds(folder: Path) -> dict[str, bytes]:
    """Return the small files of a SavedModel with two variables and a graph, a zip of them, latents and effects."""
    arrays = {"a/kernel": np.ones((3, 2), np.float32), "a/bias": np.arange(5.0, dtype=np.float32)}
    saved_models.write_objects(folder / "variables", arrays, arrays)
    saved_models.write_graph(folder, [("Relu6", None), ("FusedBatchNormV3", 0.001)])
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    files = {name: (folder / name).read_bytes() for name in names}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    latents = pickle.dumps([(7, np.ones((1, 4), np.float32)), (8, np.zeros((1, 4), np.float32))], 2)
    row = {"base_prob": np.ones(2), "dlatent": np.ones(3), "result": np.ones(8)}
    return files | {"x.zip": out.getvalue(), "dlatents.pkl": latents, "records": saved_models.record(row) * 2}


def use_saved_model(files: Folder | ZippedFiles) -> None:
    """Read all that is read of a SavedModel."""
    for folder in models_in(files):
        found = Variables(files, f"{folder}variables/variables")
        found.listed("variables")
        found.listed("trainable_variables")
        for stored in found.by_name.values():
            found.read(stored)
        operations(files, folder)


def try_saved_models(folder: Path, count: int) -> None:
    whole = saved_model_seeds(folder)
    use_saved_model(Folder(folder))
    names = sorted(whole)
    for number in range(count):
        name = names[number % len(names)]
        (data,) = mutations(1, [whole[name]], number)
        start = time.thread_time()
        with contextlib.suppress(DamagedData):
            if name == "dlatents.pkl":
                read_latents(data)
            elif name == "records":
                read_effects(data)
            else:
                (folder / name).write_bytes(data)
                use_saved_model(ZippedFiles(folder / name) if name == "x.zip" else Folder(folder))
        assert time.thread_time() - start < LONGEST
        (folder / name).write_bytes(whole[name])


def test_mutated_saved_models(tmp_path: Path) -> None:
    try_saved_models(tmp_path, QUICK)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_mutated_saved_models(tmp_path: Path) -> None:
    try_saved_models(tmp_path, MANY)
