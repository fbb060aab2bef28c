# SPDX-License-Identifier: MIT
"""Archives of programs, lucidrains' folders, descriptions, arrays and headers that lie. One entry an attack."""

from __future__ import annotations

import copyreg
import hashlib
import io
import json
import os
import pickle
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lucidrains_files
import numpy as np
import torch
from forged_explainer import joined, with_header
from hostile_containers import FIXTURES, Make, a_file, in_place_of_weights, npz, own, row, safetensors, shape, zipped
from hostile_pickles import Call, code, command
from torch import nn
from torchvision import models

from latent_explorer.models.skip_init import SkipInit

DEEP = b'{"a":' * 1_000_000
MODEL, WEIGHTS = "x/models/model.json", "x/data/weights/model_weights_config.json"
_made: dict[str, bytes] = {}


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(x.mean(dim=(2, 3)))


def torch_script() -> bytes:
    """Return a sound TorchScript program."""
    if "script" not in _made:
        out = io.BytesIO()
        torch.jit.save(torch.jit.trace(Small().eval(), torch.zeros(1, 3, 16, 16)), out)
        _made["script"] = out.getvalue()
    return _made["script"]


def changed(data: bytes, change: Callable[[dict[str, bytes]], object], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip after `change` of its members."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    return zipped(members, method)


def script(change: Callable[[dict[str, bytes], Path], object], method: int = zipfile.ZIP_STORED) -> Make:
    """Return an attack that is a TorchScript program with other members."""
    return a_file(lambda folder: changed(torch_script(), lambda m: change(m, folder), method))


def member(members: dict[str, bytes], end: str) -> str:
    return next(name for name in members if name.endswith(end))


def as_json(**values: Any) -> bytes:
    return json.dumps(values).encode()


def exported(change: Callable[[dict[str, bytes], dict[str, Any]], object], method: int = zipfile.ZIP_STORED) -> Make:
    """Return an attack that is an archive of torch.export; `change` gets its members and the row of a tensor."""

    def sizes(*numbers: int) -> list[dict[str, int]]:
        return [{"as_int": n} for n in numbers]

    def make(_folder: Path) -> bytes:
        meta = {"dtype": 7, "sizes": sizes(2, 3), "strides": sizes(3, 1), "storage_offset": {"as_int": 0}}
        weight = {"path_name": "weight_0", "use_pickle": False, "tensor_meta": meta}
        members = {"x/archive_format": b"pt2", MODEL: b"{}", "x/data/weights/weight_0": bytes(24)}
        change(members, weight)
        members.setdefault(WEIGHTS, json.dumps({"config": {"last.weight": weight}}).encode())
        return zipped(members, method)

    return a_file(make, ".pt2")


def meta(**fields: Any) -> Make:
    return exported(lambda _, weight: weight["tensor_meta"].update(fields))


PROGRAMS: dict[str, Make] = {
    "TorchScript: `__reduce__` -> `os.system`": script(
        lambda m, f: m.update({member(m, "data.pkl"): pickle.dumps(Call(os.system, command(f)), 2)})
    ),
    "TorchScript: `exec` among its constants": script(
        lambda m, f: m.update({member(m, "constants.pkl"): pickle.dumps((Call(exec, code(f)),), 2)})
    ),
    "TorchScript: source that makes a folder": script(
        lambda m, f: m.update({name: code(f).encode() for name in m if name.endswith(".py")})
    ),
    "TorchScript: 256 MB of zeros as source": script(
        lambda m, _: m.update({member(m, ".py"): bytes(256 << 20)}), zipfile.ZIP_DEFLATED
    ),
    "TorchScript: 200,001 members": script(lambda m, _: m.update({f"x/{i}": b"" for i in range(200_001)})),
    "TorchScript: `../../` in the names": script(lambda m, _: m.update({f"../../{n}": m.pop(n) for n in [*m]})),
    "torch.export: shape of 2^80": meta(sizes=[{"as_int": 1 << 40}] * 2),
    "torch.export: a size of 0 beside 2^62": meta(sizes=[{"as_int": 0}, {"as_int": 1 << 62}]),
    "torch.export: strides of 2^62": meta(strides=[{"as_int": 1 << 62}] * 2),
    "torch.export: an offset behind the end": meta(storage_offset={"as_int": 1 << 60}),
    "torch.export: 2^40 numbers in 24 bytes, all one": meta(
        sizes=[{"as_int": 1 << 20}] * 2, strides=[{"as_int": 0}] * 2
    ),
    "torch.export: weights in `../../x`": exported(lambda _, weight: weight.update(path_name="../../x.secret")),
    "torch.export: weights that are a pickle": exported(
        lambda m, weight: (weight.update(use_pickle=True), m.update({"x/data/weights/weight_0": b"cos\nsystem\n."}))
    ),
    "torch.export: 100,000 tensors over 24 bytes": exported(
        lambda m, weight: m.update({WEIGHTS: as_json(config={f"w{i}": weight for i in range(100_000)})})
    ),
    "torch.export: weights 1,000,000 deep": exported(lambda m, _: m.update({WEIGHTS: DEEP})),
    "torch.export: a model 1,000,000 deep": exported(lambda m, _: m.update({MODEL: DEEP})),
    "torch.export: 256 MB of zeros as weights": exported(
        lambda m, _: m.update({"x/data/weights/weight_0": bytes(256 << 20)}), zipfile.ZIP_DEFLATED
    ),
    "torch.export: 15 MB of brackets, compressed": exported(
        lambda m, _: m.update({WEIGHTS: b"[" * (15 << 20)}), zipfile.ZIP_DEFLATED
    ),
}

# ------------------------------------------------------------------------------------------------ lucidrains


def lucidrains(settings: bytes | None, **tensors: Any) -> Make:
    """Return an attack that is a checkpoint with other tensors, and what stands beside it as .config.json."""

    def write(folder: Path) -> Path:
        if settings is not None:
            (folder / ".config.json").write_bytes(settings)
        state = lucidrains_files.known("plain")[0]
        state |= {name.replace("__", "."): value for name, value in tensors.items()}
        return lucidrains_files.write(folder / "x.pt", "plain", state)

    return write


def beside(make: Callable[[Path], object]) -> Make:
    def write(folder: Path) -> Path:
        make(folder / ".config.json")
        return lucidrains_files.write(folder / "x.pt", "plain")

    return write


LUCIDRAINS: dict[str, Make] = {
    ".config.json 1,000,000 deep": lucidrains(DEEP),
    ".config.json of 2 MB": lucidrains(b'{"a": "' + b"a" * (2 << 20) + b'"}'),
    "a learning rate of 10^400": lucidrains(b'{"lr_mlp": 1' + b"0" * 400 + b"}"),
    "a learning rate that is no number": lucidrains(b'{"lr_mlp": NaN}'),
    "a learning rate below 0": lucidrains(b'{"lr_mlp": -1}'),
    ".config.json is a pipe": beside(os.mkfifo),
    ".config.json leads to /dev/zero": beside(lambda path: path.symlink_to("/dev/zero")),
    ".config.json is a folder": beside(Path.mkdir),
    "99 blocks": lucidrains(None, **{f"GE__blocks__{i}__to_style1__weight": torch.zeros(8, 8) for i in range(99)}),
    "weights that are empty": lucidrains(None, GE__initial_conv__weight=torch.zeros(0, 8, 3, 3)),
    "weights that are not numbers": lucidrains(None, GE__initial_conv__weight=torch.full((8, 8, 3, 3), torch.nan)),
    "one number as all weights of a block": lucidrains(
        None, GE__blocks__0__conv1__weight=torch.zeros(1).expand(4096, 4096, 3, 3)
    ),
}

# ------------------------------------------------------------------------------------------------ NVIDIA


def networks(state: Callable[[], dict[str, Any]]) -> Make:
    """Return an attack that is a network of TensorFlow with such a state."""
    return a_file(lambda _: pickle.dumps({"Gs": Built("x", "Network", state())}, 2), ".pkl")


class Built:
    """An object whose pickle is of another class, which need not be there."""

    def __init__(self, module: str, name: str, state: dict[str, Any]) -> None:
        self.maker, self.state = type(name, (), {"__module__": module}), state

    def __reduce__(self) -> tuple[Any, ...]:
        sys.modules.setdefault(self.maker.__module__, types.ModuleType(self.maker.__module__))
        setattr(sys.modules[self.maker.__module__], self.maker.__name__, self.maker)
        return copyreg._reconstructor, (self.maker, object, None), self.state  # type: ignore[attr-defined]


def shared_components(depth: int, count: int) -> dict[str, Any]:
    """Return the state of a network whose components share their components."""
    state: dict[str, Any] = {"variables": [("a", np.zeros(1, np.float32))]}
    for _ in range(depth):
        part = Built("x", "Network", state)
        state = {"variables": [], "components": dict.fromkeys(map(str, range(count)), part)}
    return state


def shared_array(count: int) -> dict[str, Any]:
    """Return the state of a network whose variables are all one array of 1 MB."""
    array = np.zeros((1, 1, 512, 512), np.float32)
    names = (f"synthesis/{4 << i}x{k}/Conv{j}/weight" for i in range(9) for j in (1,) for k in range(count // 9))
    return {"variables": [(name, array) for name in names]}


def own_settings(depth: int) -> bytes:
    """Return a pickled generator of PyTorch whose settings hold themselves, or share settings."""
    settings: dict[str, Any] = {}
    if not depth:
        settings["synthesis_kwargs"] = settings
    for _ in range(depth):
        settings = {"synthesis_kwargs": settings, "mapping_kwargs": settings}
    tensors = {f"b4.{name}": torch.zeros(1) for name in ("const", "conv1.weight")}
    synthesis = {"_parameters": tensors, "_buffers": {}, "_modules": {}}
    modules = {"synthesis": Built("x", "Synthesis", synthesis)}
    state = {"_parameters": {}, "_buffers": {}, "_modules": modules, "_init_kwargs": settings}
    return pickle.dumps({"G_ema": Built("x", "Generator", state)}, 2)


def names_that_share_bytes() -> bytes:
    """Return the weights of a network of 632 million numbers as arrays, those of one size from the same bytes."""
    with SkipInit():
        network = models.get_model("vit_h_14", weights=None, num_classes=2)
    arrays: dict[tuple[int, ...], np.ndarray] = {}
    for tensor in network.state_dict().values():
        shape = tuple(tensor.shape)
        arrays.setdefault(shape, np.zeros(shape, np.float32))
    return pickle.dumps({name: arrays[tuple(t.shape)] for name, t in network.state_dict().items()}, 5)


NVIDIA: dict[str, Make] = {
    "TensorFlow: components that share components": networks(lambda: shared_components(8, 100)),
    "TensorFlow: components 100 deep": networks(lambda: shared_components(100, 1)),
    "TensorFlow: one array as 9,000 variables": networks(lambda: shared_array(9000)),
    "TensorFlow: a variable's name of 1 MB, 100,000 times": networks(
        lambda: {"variables": [("x" * 1_000_000, np.zeros(1, np.float32))] * 100_000}
    ),
    "PyTorch: settings that hold themselves": a_file(lambda _: own_settings(0), ".pkl"),
    "PyTorch: settings that share settings, 50 deep": a_file(lambda _: own_settings(50), ".pkl"),
    "arrays that share their bytes, 2.5 GB together": a_file(lambda _: names_that_share_bytes(), ".pkl"),
}

# ------------------------------------------------------------------------------------------------ Hugging Face


def described(config: bytes, processor: bytes = b"{}") -> Make:
    """Return an attack that is a folder with other descriptions."""

    def make(path: Path, weights: Path) -> None:
        path.write_bytes(config)
        (path.parent / "preprocessor_config.json").write_bytes(processor)
        weights.write_bytes(safetensors({"vit.embeddings.cls_token": row(0, 4, 1, 1, 1)}, bytes(4)))

    return in_place_of_weights(make)


def vit(**settings: Any) -> bytes:
    return json.dumps({"model_type": "vit", "architectures": ["ViTForImageClassification"], **settings}).encode()


HUGGING_FACE: dict[str, Make] = {
    "config.json: numbers that are not finite": described(b'{"model_type": "vit", "hidden_size": NaN}'),
    "config.json: a number of 10^400": described(vit(image_size=10**400)),
    "config.json: texts in place of numbers": described(vit(image_size="9" * 5000, hidden_size=[], patch_size={})),
    "config.json: numbers below 0": described(vit(image_size=-1, patch_size=-1, num_hidden_layers=-1)),
    "config.json: a class called 123456x": described(
        json.dumps({"architecture": "resnet18", "id2label": {"123456x": "a", "1" * 5000: "b"}}).encode()
    ),
    "config.json: 400,000 classes": described(
        json.dumps({"architecture": "resnet18", "id2label": {str(i): "a" for i in range(400_000)}}).encode()
    ),
    "preprocessor_config.json: 10^9 px": described(vit(), b'{"size": 1000000000, "crop_size": {"height": -1}}'),
    "preprocessor_config.json: divided by 10^-300": described(
        vit(), b'{"image_mean": [1e308, 1, 1], "image_std": [1e-300, 0, -1], "rescale_factor": 1e-300, "crop_pct": []}'
    ),
    "preprocessor_config.json: 1,000,000 deep": described(vit(), DEEP),
    "an index of 1,000 files": in_place_of_weights(
        lambda _, weights: weights.with_name("model.safetensors.index.json").write_text(
            json.dumps({"weight_map": {f"w{i}": f"{i}.safetensors" for i in range(1000)}})
        )
    ),
    "an index that names itself": in_place_of_weights(
        lambda _, weights: weights.with_name("model.safetensors.index.json").write_text(
            json.dumps({"weight_map": {"w": "model.safetensors.index.json"}})
        )
    ),
}

# ------------------------------------------------------------------------------------------------ numpy


def arrays(name: str, **members: bytes) -> Make:
    return a_file(lambda _: zipped({f"{key}.npy": data for key, data in members.items()}, zipfile.ZIP_DEFLATED), name)


def objects(folder: Path) -> bytes:
    out = io.BytesIO()
    np.savez(out, w=np.array([Call(os.system, command(folder))], dtype=object))
    return out.getvalue()


NUMPY: dict[str, Make] = {
    "array of objects in a zip": a_file(objects, ".npz"),
    "a size of 0 beside 10^24": a_file(lambda _: npz(".npy", shape(0, 10**12 - 1, 10**12 - 1)), ".npy"),
    "shape of 10^12 over 4 bytes, in a zip": a_file(lambda _: npz(".npz", shape(10**6, 10**6), bytes(4)), ".npz"),
    "500 dimensions": a_file(lambda _: npz(".npy", shape(*[1] * 500), bytes(4)), ".npy"),
    "31 MB of zeros, compressed": a_file(lambda _: npz(".npz", shape(1, 31 << 18), bytes(31 << 20)), ".npz"),
    "4 arrays of 31 MB of zeros, compressed": arrays(
        ".npz", **{f"component{i}": npz(".npy", shape(1, 31 << 18), bytes(31 << 20)) for i in range(4)} | {"w": b""}
    ),
    "records with names": a_file(lambda _: npz(".npy", b"{'descr': [('a', '<f4')], 'shape': (1,)}\n"), ".npy"),
    "directions with a shape of 10^12": arrays(".npz", direction=npz(".npy", shape(10**6, 10**6), bytes(4))),
    "`../../x` as a name": a_file(lambda _: zipped({"../../x.npy": npz(".npy", shape(1), bytes(4))}), ".npz"),
}

# ------------------------------------------------------------------------------------------------ files of this program


PROGRAM = {"kind": "TorchScript", "sha256": "0" * 64, "size": 64, "outputs": 2}


def with_program(change: Callable[[dict[str, Any]], object], content: bytes = b"x" * 64) -> Make:
    """Return an attack that is a .classifier which is a program, with a changed description."""

    def forged(table: dict[str, Any], _data: bytes) -> bytes:
        config = json.loads(table["__metadata__"]["config"])
        program = {**PROGRAM, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        config |= {"architecture": "program", "program": program}
        change(config)
        about = {k: v for k, v in table["__metadata__"].items() if k != "sha256"} | {"config": json.dumps(config)}
        code = {"dtype": "U8", "shape": [len(content)], "data_offsets": [0, len(content)]}
        return joined({"__metadata__": about, "network.code": code}, content)

    return own(".classifier", forged)


def explainer(change: Callable[[dict[str, Any]], object]) -> Make:
    """Return an attack that is an explainer with another header, and a checksum that fits it."""
    return a_file(lambda _: with_header((FIXTURES / "tiny.explainer").read_bytes(), change), ".explainer")


def classifiers(**fields: Any) -> Callable[[dict[str, Any]], object]:
    return lambda header: [each.update(fields) for each in header["classifiers"].values()]


OWN: dict[str, Make] = {
    ".classifier: a program of 2^60 bytes": with_program(lambda c: c["program"].update(size=1 << 60)),
    ".classifier: a program of -1 bytes": with_program(lambda c: c["program"].update(size=-1)),
    ".classifier: 10^9 outputs": with_program(lambda c: c["program"].update(outputs=10**9)),
    ".classifier: a program of another kind": with_program(lambda c: c["program"].update(kind="pickle")),
    ".classifier: a graph that is a program": with_program(lambda c: c.update(architecture="onnx")),
    ".classifier: a size of 0 beside 2^62 in a graph": own(".classifier", lambda table, data: graph_of(table, data)),
    ".explainer: a program without its bytes": explainer(classifiers(architecture="program", program=PROGRAM)),
    ".explainer: a program of 2^60 bytes": explainer(
        classifiers(architecture="program", program={**PROGRAM, "size": 1 << 60})
    ),
    ".explainer: a network of 8192 channels": explainer(lambda h: h["generator"].update(channels=[8192] * 9)),
    ".explainer: 400,000 samples": explainer(lambda h: h["samples"].update(ids=["x"] * 400_000)),
    ".explainer: provenance 100 levels deep": explainer(lambda h: h.update(provenance=deep_values(100))),
}


def graph_of(table: dict[str, Any], data: bytes) -> bytes:
    """Return a .classifier with an empty graph, and a tensor of sizes that no array has."""
    config = json.loads(table["__metadata__"]["config"])
    graph = {"opset": 17, "nodes": [], "tensors": [[0, 1 << 62, 1 << 62]], "constants": [], "output": 0}
    config |= {"architecture": "onnx", "graph": graph}
    about = {k: v for k, v in table["__metadata__"].items() if k != "sha256"} | {"config": json.dumps(config)}
    return joined({**table, "__metadata__": about}, data)


def deep_values(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value
