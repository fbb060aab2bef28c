# SPDX-License-Identifier: MIT
"""Files that try to run code, to leave their folder, or to cost far more than their bytes: one entry for each attack.

`ATTACKS` makes them; `answer` reads one as the window does. Used by the tests and by `benchmarks/hostile_files.py`.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import hostile_archives
import hostile_pickles
import numpy as np
import onnx_files
import torch
from forged_explainer import joined
from hostile_containers import (
    FIXTURES,
    Make,
    a_file,
    field,
    in_place_of_weights,
    npz,
    own,
    row,
    safetensors,
    secret,
    shape,
    zipped,
)
from hostile_pickles import canary, in_zip, saved
from hostile_releases import RELEASES
from onnx import TensorProto, helper
from onnx_files import node
from stylex_release import PIXELS
from torchvision import models

from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.importing.jobs import ImportSession
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.directions.file import read_directions
from latent_explorer.explain.projected import read_projected
from latent_explorer.explain.projection.latent_import import _stored
from latent_explorer.models import classifier_file, explainer_file
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.importers.classifiers.file import import_classifier, inspect_classifier
from latent_explorer.models.importers.generators.file import import_generator
from latent_explorer.models.importers.stylex.release import CLASSIFIER, import_stylex, open_release
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.models.skip_init import SkipInit

LATER = "later"  # a file of this name takes the place of the attack between looking at it and reading it


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of the files in a folder, as they lie on the disk: holes are not counted."""
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    return sum(min(found.st_size, 512 * found.st_blocks) for f in files if stat.S_ISREG((found := f.lstat()).st_mode))


def answer(path: Path) -> str:
    """Read a file as far as it goes, and return the sentence that refuses it, or "" if it is taken."""
    read = _OWN.get(path.suffix, _foreign)
    try:
        read(path)
    except UserError as error:
        return str(error)
    return ""


def _foreign(path: Path) -> None:
    found = run_job(ImportSession(path).inspect())
    if found.problem:
        raise UserError(found.problem)
    if (path.parent / LATER).exists():
        (path.parent / LATER).replace(path)
    if found.generator is not None and found.generator.complete:
        _release(path)
    elif found.generator is not None:
        import_generator(path)
    else:
        import_classifier(inspect_classifier(path), "x")


def _release(path: Path) -> None:
    """Read all of Google's StylEx; one without its classifier explains another."""
    release = open_release(path)
    release.effects()
    other = ClassifierConfig("other", "small-resnet", ("a", "b"), Preprocessing(PIXELS), widths=(4,))
    import_stylex(path, "x", classifier=None if CLASSIFIER in release.parts else Classifier(other))


def _vectors(path: Path) -> None:
    """Read a file as latents, and as directions. Raises the first refusal."""
    problems = []
    for read in (_stored, partial(read_directions, num_ws=14, w_dim=512)):
        try:
            read(path)
        except UserError as error:
            problems.append(error)
    if problems:
        raise problems[0]


_OWN: dict[str, Callable[[Path], object]] = {
    ".classifier": classifier_file.read_classifier,
    ".explainer": explainer_file.read_explainer,
    ".exploration": exploration_file.read,
    ".projection": read_projected,
    ".npz": _vectors,
    ".npy": _vectors,
}

# ------------------------------------------------------------------------------------------------ containers


def with_compressed_numbers(_folder: Path) -> bytes:
    """A checkpoint whose zeros, 256 MB, are compressed a thousandfold."""
    pickled = zipfile.ZipFile(io.BytesIO(saved({"weight": torch.zeros(4)}))).read("archive/data.pkl")
    return zipped({"x/data.pkl": pickled, "x/data/0": bytes(256 << 20)}, zipfile.ZIP_DEFLATED)


def overlapping_members(count: int) -> bytes:
    """A zip whose directory names the same compressed bytes `count` times."""
    data = zipped({"a" * 8: bytes(8 << 20)}, zipfile.ZIP_DEFLATED)
    at = data.index(b"PK\x01\x02")
    entry, body = data[at : at + 46 + 8], data[:at]
    rows = b"".join(entry[:46] + f"x/{i:06}".encode() for i in range(count))
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(rows), len(body), 0)
    return body + rows + end


def symlink_member(folder: Path) -> bytes:
    """A zip whose `data.pkl` is a link to a file outside."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("x/data.pkl")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, str(secret(folder)))
    return out.getvalue()


def shapes_of(architecture: str) -> dict[str, tuple[int, ...]]:
    with SkipInit():
        network = models.get_model(architecture, weights=None, num_classes=2)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def shared_numbers(_folder: Path) -> bytes:
    """The state dict of a network of 632 million numbers, all cut from the same 26 MB."""
    shapes = shapes_of("vit_h_14")
    numbers = torch.zeros(max(int(np.prod(shape)) for shape in shapes.values()))
    return saved({name: numbers[: int(np.prod(shape))].view(shape) for name, shape in shapes.items()})


def overlapping_tensors(_folder: Path) -> bytes:
    shapes = shapes_of("vit_h_14")
    counts = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    rows = {name: row(0, 4 * counts[name], *shape) for name, shape in shapes.items()}
    return safetensors(rows, bytes(4 * max(counts.values())))


def network_names_as_hints(_folder: Path) -> bytes:
    """A checkpoint that names a thousand networks as its own."""
    hints = {str(i): {"arch": name} for i, name in enumerate(models.list_models(module=models))}
    return saved({"state_dict": {"weight": torch.zeros(2)}, **hints})


def transformers_of(**settings: Any) -> Make:
    """Return an attack that is a folder of a transformers model with these settings in its config.json."""

    def make(config: Path, weights: Path) -> None:
        config.write_text(json.dumps({"model_type": "vit", "architectures": ["ViTForImageClassification"], **settings}))
        weights.write_bytes(safetensors({"vit.embeddings.cls_token": row(0, 4, 1, 1, 1)}, bytes(4)))

    return in_place_of_weights(make)


def index_of(name: str) -> Make:
    def make(_config: Path, weights: Path) -> None:
        secret(weights.parent.parent)
        index = {"weight_map": {"conv1.weight": name}}
        weights.with_name("model.safetensors.index.json").write_text(json.dumps(index))

    return in_place_of_weights(make)


# ------------------------------------------------------------------------------------------------ ONNX


def onnx(nodes: list[Any], constants: dict[str, Any] | None = None) -> Make:
    return lambda folder: onnx_files.write(folder / "x.onnx", nodes, constants, opset=17)


def external(location: Callable[[Path], str]) -> Make:
    """Return a model whose weights are in another file."""

    def write(folder: Path) -> Path:
        path = onnx_files.write(folder / "x.onnx", [node("Flatten", "x", "f"), node("Gemm", "f w")])
        model = onnx_files.onnx.load(str(path))
        tensor = model.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[192, 2])
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location(folder))
        path.write_bytes(model.SerializeToString())
        return path

    return write


def linked(folder: Path) -> str:
    (folder / "weights.bin").symlink_to(secret(folder))
    return "weights.bin"


def pipe(folder: Path) -> str:
    os.mkfifo(folder / "weights.bin")
    return "weights.bin"


def doubling(op: Callable[[str, str], Any], count: int = 60) -> list[Any]:
    """Return nodes each of which doubles what the last one made."""
    names = ["x", *(f"d{i}" for i in range(count)), "y"]
    return [op(first, second) for first, second in itertools.pairwise(names)]


def huge_initializer(folder: Path) -> Path:
    path = onnx_files.write(folder / "x.onnx", [node("Flatten", "x", "f"), node("Gemm", "f w")])
    model = onnx_files.onnx.load(str(path))
    model.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[1 << 40, 1 << 20])
    path.write_bytes(model.SerializeToString())
    return path


def loop_operator(folder: Path) -> Path:
    info = helper.make_tensor_value_info("v", TensorProto.FLOAT, None)
    body = helper.make_graph([node("Identity", "v", "o")], "body", [info], [info])
    return onnx_files.write(folder / "x.onnx", [node("Loop", "m c x", "y", body=body)], {"m": 1 << 62, "c": True})


def _nested_attributes(_folder: Path) -> bytes:
    nested = b""
    for _ in range(5000):
        nested = field(6, field(1, field(5, nested)))
    return field(8, b"\x10\x11") + field(7, field(1, field(5, nested)))


def _object_array(folder: Path) -> bytes:
    out = io.BytesIO()
    np.save(out, np.array([hostile_pickles.Call(os.system, hostile_pickles.command(folder))], dtype=object))
    return out.getvalue()


# ------------------------------------------------------------------------------------------------ files of ours


def grown(table: dict[str, Any], data: bytes) -> bytes:
    """Shapes of 2^40 numbers over the same data."""
    return joined({n: r if n == "__metadata__" else {**r, "shape": [1 << 40]} for n, r in table.items()}, data)


def large_config(table: dict[str, Any], data: bytes) -> bytes:
    """A header that tells of a network of a million channels."""
    texts = {k: v.replace('"input_size":', '"input_size":1000000,"x":') for k, v in table["__metadata__"].items()}
    return joined({**table, "__metadata__": texts}, data)


def exploration(method: int, size: int) -> Make:
    def write(folder: Path) -> Path:
        path = folder / "x.exploration"
        with zipfile.ZipFile(FIXTURES / "tiny.exploration") as sound:
            members = {name: sound.read(name) for name in sound.namelist()}
        path.write_bytes(zipped(members | {"state.json": b"[" * size}, method))
        return path

    return write


# ------------------------------------------------------------------------------------------------ the path itself


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "x.pt")
    return folder / "x.pt"


def a_folder(folder: Path) -> Path:
    (folder / "x.pt").mkdir()
    return folder / "x.pt"


def a_link(target: str) -> Make:
    def write(folder: Path) -> Path:
        (folder / "x.pt").symlink_to(target)
        return folder / "x.pt"

    return write


def changed_later(content: bytes) -> Make:
    """Return a sound checkpoint that another file takes the place of, once it was looked at."""

    def write(folder: Path) -> Path:
        torch.save(models.squeezenet1_1(num_classes=2).state_dict(), folder / "x.pt")
        (folder / LATER).write_bytes(content)
        return folder / "x.pt"

    return write


def with_values(value: float) -> Make:
    def make(_folder: Path) -> bytes:
        state = models.squeezenet1_1(num_classes=2).state_dict()
        state["classifier.1.bias"].fill_(value)
        return saved(state)

    return a_file(make)


def script(folder: Path) -> bytes:
    out = io.BytesIO()
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), out)
    return out.getvalue()


def remote_code(config: Path, weights: Path) -> None:
    """A folder that names a module of its own as its code."""
    folder = config.parent.parent
    (config.parent / "modeling.py").write_text(hostile_pickles.code(folder))
    config.write_text(json.dumps({"model_type": "m", "architectures": ["M"], "auto_map": {"AutoModel": "modeling.M"}}))
    weights.write_bytes(safetensors({"weight": row(0, 4, 1)}, bytes(4)))


def _piped(_config: Path, weights: Path) -> None:
    os.mkfifo(weights)


def _deep(config: Path, weights: Path) -> None:
    config.write_bytes(b'{"a":' * 1_000_000)
    weights.write_bytes(safetensors({}))


def _linked_weights(_config: Path, weights: Path) -> None:
    weights.symlink_to("/dev/zero")


def _sizes_of_files(config: Path, weights: Path) -> None:
    shutil.copyfile(FIXTURES / "tiny.explainer", weights)
    config.write_text(json.dumps({"architecture": "x" * 1_000_000, "id2label": {str(i): "a" for i in range(100_000)}}))


ATTACKS: dict[str, dict[str, Make]] = {
    "pickle that calls": {name: a_file(make) for name, make in hostile_pickles.CALLS.items()},
    "pickle bomb": {name: a_file(make) for name, make in hostile_pickles.BOMBS.items()},
    "zip": {
        "`../../` in a member's name": a_file(
            lambda f: zipped({"x/data.pkl": b"\x80\x02}.", f"../{canary(f).name}": b"x", "/etc/x": b"x"})
        ),
        "a link as a member": a_file(symlink_member),
        "256 MB of zeros, compressed": a_file(with_compressed_numbers),
        "1,000 members that overlap": a_file(lambda _: overlapping_members(1000)),
        "60,000 members": a_file(lambda _: overlapping_members(60_000)),
        "zip in a zip in a zip": a_file(lambda _: in_zip(in_zip(in_zip(bytes(100))))),
        "members of 0 bytes": a_file(lambda _: zipped({"x/data.pkl": b"", "x/data/0": b""})),
        "directory of 4 GB": a_file(lambda _: b"PK\x03\x04PK\x05\x06" + b"\0" * 6 + b"\xff" * 12 + b"\0" * 4),
        "tensors that share 26 MB, 2.5 GB together": a_file(shared_numbers),
        "a thousand networks named as its own": a_file(network_names_as_hints),
    },
    "safetensors": {
        "header of 2^63 bytes": a_file(lambda _: b"\xff" * 7 + b"\x7f{}", ".safetensors"),
        "header of 1,000,000 brackets": a_file(
            lambda _: struct.pack("<Q", 1_000_001) + b"{" + b"[" * 1_000_000, ".safetensors"
        ),
        "shape of 2^80 over 4 bytes": a_file(
            lambda _: safetensors({"w": row(0, 4, 1 << 40, 1 << 40)}, bytes(4)), ".safetensors"
        ),
        "place behind the end": a_file(
            lambda _: safetensors({"w": row(0, 1 << 50, 1 << 48)}, bytes(4)), ".safetensors"
        ),
        "tensors that overlap, 2.5 GB together": a_file(overlapping_tensors, ".safetensors"),
    },
    "Hugging Face folder": hostile_archives.HUGGING_FACE
    | {
        "`auto_map`: code of its own": in_place_of_weights(remote_code),
        "a million layers": transformers_of(num_hidden_layers=999_999, hidden_size=999_999),
        "a picture of a million pixels": transformers_of(image_size=999_999, patch_size=1),
        "index that names `../../x`": index_of("../../x.secret"),
        "index that names `/etc/passwd`": index_of("/etc/passwd"),
        "weights that are a pipe": in_place_of_weights(_piped),
        "weights that lead to /dev/zero": in_place_of_weights(_linked_weights),
        "config.json 1,000,000 deep": in_place_of_weights(_deep),
        "a name of a million letters, 100,000 classes": in_place_of_weights(_sizes_of_files),
    },
    "StyleGAN2 (NVIDIA)": hostile_archives.NVIDIA,
    "lucidrains": hostile_archives.LUCIDRAINS,
    "StylEx (Google)": RELEASES,
    "ONNX": {
        "tensors in `../../x`": external(lambda f: f"../{secret(f).name}"),
        "tensors in `/etc/passwd`": external(lambda _: "/etc/passwd"),
        "tensors behind a link": external(linked),
        "tensors in a pipe": external(pipe),
        "initializer of 2^60 numbers": huge_initializer,
        "cyclic graph": onnx([node("Add", "x b", "a"), node("Relu", "a", "b"), node("Relu", "b")]),
        "60 doublings by Concat": onnx(doubling(lambda a, b: node("Concat", f"{a} {a}", b, axis=1))),
        "60 doublings by Tile": onnx(doubling(lambda a, b: node("Tile", f"{a} t", b)), {"t": np.array([1, 2, 1, 1])}),
        "ConstantOfShape of 2^60": onnx([node("ConstantOfShape", "s")], {"s": np.array([1 << 30, 1 << 30])}),
        "Expand, Resize to 10^9": onnx(
            [node("Expand", "x s", "e"), node("Resize", "e - - r")],
            {"s": np.array([1, 3, 1 << 30, 1]), "r": np.array([1, 3, 1 << 30, 1 << 30])},
        ),
        "Loop of 2^62 turns": loop_operator,
        "attributes 5,000 deep": a_file(_nested_attributes, ".onnx"),
        "4,000,000 fields": a_file(lambda _: field(8, b"\x10\x11") + field(7, b"\x0a\x00" * 4_000_000), ".onnx"),
        "4,000,000 packed numbers": a_file(
            lambda _: field(8, b"\x10\x11") + field(7, field(5, b"\x10\x07" + field(7, b"\x01" * 4_000_000))), ".onnx"
        ),
        "a number without an end": a_file(lambda _: field(8, b"\x10\x11") + b"\x38" + b"\xff" * 64, ".onnx"),
    },
    "numpy": hostile_archives.NUMPY
    | {
        "array of objects": a_file(_object_array, ".npy"),
        "header that is code": a_file(
            lambda f: npz(".npy", f"__import__('os').mkdir({str(canary(f))!r})".encode()), ".npy"
        ),
        "header of 60,000 brackets": a_file(lambda _: npz(".npy", b"(" * 60_000), ".npy"),
        "shape of 10^12 over 4 bytes": a_file(lambda _: npz(".npy", shape(10**6, 10**6), bytes(4)), ".npy"),
        "512 MB of zeros, compressed": a_file(
            lambda _: npz(".npz", shape(1, 1 << 27), bytes(1 << 29)), ".npz"
        ),
    },
    "program": hostile_archives.PROGRAMS
    | {
        "TorchScript": a_file(script),
        "Keras with a Lambda layer": a_file(
            lambda _: zipped(
                {"metadata.json": b"{}", "config.json": b'{"class_name": "Lambda"}', "model.weights.h5": b""}
            ),
            ".keras",
        ),
    },
    "path": {
        "a pipe": a_pipe,
        "/dev/zero": lambda _: Path("/dev/zero"),
        "a link to /dev/zero": a_link("/dev/zero"),
        "a link to itself": a_link("x.pt"),
        "a folder called x.pt": a_folder,
        "an empty file": a_file(lambda _: b""),
        "a file that is empty once it was looked at": changed_later(b""),
        "a file that is a pickle once it was looked at": changed_later(b"cos\nsystem\n(S'true'\ntR."),
    },
    "numbers": {
        "a weight that is not a number": with_values(float("nan")),
        "an infinite weight": with_values(float("inf")),
    },
    "file of this program": hostile_archives.OWN
    | {
        ".classifier: shapes of 2^40": own(".classifier", grown),
        ".classifier: a picture of a million pixels": own(".classifier", large_config),
        ".explainer: shapes of 2^40": own(".explainer", grown),
        ".explainer: cut in the middle": own(".explainer", lambda table, data: joined(table, data[: len(data) // 2])),
        ".exploration: 30 MB of brackets, compressed": exploration(zipfile.ZIP_DEFLATED, 30 << 20),
        ".projection: a pickle": a_file(hostile_pickles.opcodes, ".projection"),
        ".projection: header of 2^63 bytes": a_file(lambda _: b"\xff" * 7 + b"\x7f{}", ".projection"),
    },
}  # fmt: skip
