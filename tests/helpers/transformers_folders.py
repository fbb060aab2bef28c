# SPDX-License-Identifier: MIT
"""Folders of transformers' image classifiers with weights that follow from their names, and their recorded outputs.

`python tests/helpers/transformers_folders.py FILE` asks transformers and writes the records, as they are in RECORDED.
"""

from __future__ import annotations

import json
import sys
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

RECORDED = Path(__file__).parents[1] / "fixtures" / "transformers.json"
_TINY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 72,
         "image_size": 32, "patch_size": 8}  # fmt: skip
_STAGES = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 2, 1, 1]}
# Class, settings, px of the picture.
CASES: dict[str, tuple[str, dict[str, Any], int]] = {
    "vit": ("ViT", _TINY, 32),
    "vit, grey, other activation": (
        "ViT",
        {**_TINY, "num_channels": 1, "hidden_act": "gelu_pytorch_tanh", "qkv_bias": False},
        32,
    ),
    "deit": ("DeiT", _TINY, 32),
    "deit with teacher": ("DeiT WithTeacher", _TINY, 32),
    "beit": ("Beit", {**_TINY, "use_relative_position_bias": True}, 32),
    "beit, shared and absolute": (
        "Beit",
        {**_TINY, "use_shared_relative_position_bias": True, "use_absolute_position_embeddings": True},
        32,
    ),
    "swin": (
        "Swin",
        {"image_size": 64, "patch_size": 2, "embed_dim": 8, "depths": [1, 2, 3], "num_heads": [1, 2, 4],
         "window_size": 4, "hidden_size": 32},
        64,
    ),
    "convnext": ("ConvNext", _STAGES, 64),
    "convnextv2": ("ConvNextV2", _STAGES, 64),
    "resnet, bottleneck": ("ResNet", {"hidden_sizes": [16, 32, 48, 64], "depths": [1, 2, 1, 1]}, 64),
    "resnet, basic": ("ResNet", {"hidden_sizes": [64, 16, 24, 32], "depths": [1, 2, 1, 1], "layer_type": "basic"}, 64),
    "resnet18": (
        "ResNet", {"hidden_sizes": [64, 128, 256, 512], "depths": [2, 2, 2, 2], "layer_type": "basic"}, 64,
    ),
    "regnet y": ("RegNet", {"hidden_sizes": [24, 56, 152, 368], "depths": [1, 1, 4, 7], "groups_width": 8}, 64),
    "regnet x": (
        "RegNet",
        {"hidden_sizes": [24, 56, 152, 368], "depths": [1, 1, 4, 7], "groups_width": 8, "layer_type": "x"},
        64,
    ),
    "mobilenet_v2": ("MobileNetV2", {"depth_multiplier": 0.35}, 65),
    "mobilenet_v2, symmetric padding": ("MobileNetV2", {"depth_multiplier": 0.35, "tf_padding": False}, 64),
    "efficientnet": (
        "EfficientNet", {"width_coefficient": 1.0, "depth_coefficient": 1.0, "hidden_dim": 1280, "image_size": 64}, 64,
    ),
}  # fmt: skip


def filled(name: str, shape: tuple[int, ...]) -> Tensor:
    """Return numbers for a tensor, which depend on its name only, of the size that keeps outputs near 1."""
    draw = np.random.RandomState(zlib.crc32(name.encode()))  # its numbers never change
    values = draw.standard_normal(shape)
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    if name.endswith("running_var"):
        values = 0.5 + draw.random_sample(shape)
    elif len(shape) < 2:
        values = 0.2 * values + name.endswith("weight")
    else:
        gain = {"mobilenet_v2": 2.0, "efficientnet": 1.45}.get(name.partition(".")[0], 1.0)  # or pictures fade away
        values = gain * values / np.prod(shape[1:]) ** 0.5
    return torch.from_numpy(np.asarray(values, np.float32))


def pictures(channels: int, size: int) -> Tensor:
    """Return two smooth, different pictures, as a network is given them."""
    x = torch.linspace(-1, 1, size)
    waves = torch.stack([torch.outer(torch.sin(a * x), torch.cos(b * x)) for a, b in ((2, 3), (5, 1), (3, 7), (1, 9))])
    return torch.stack([waves[:channels], waves[-channels:].flip(1)])


def write_folder(folder: Path, case: str) -> dict[str, Any]:
    """Write the case's config.json and weights as transformers would. Return its record."""
    record = json.loads(RECORDED.read_text())[case]
    (folder / "config.json").write_text(json.dumps(record["config"]))
    save_file(tensors_of(record), folder / "model.safetensors")
    return record


def tensors_of(record: dict[str, Any]) -> dict[str, Tensor]:
    """Return the weights of a record, which names the means of batch norms but not what else they keep."""
    shapes = {}
    for name, shape in record["shapes"].items():
        shapes[name] = tuple(shape)
        if name.endswith("running_mean"):
            shapes[name.replace("running_mean", "running_var")] = tuple(shape)
            shapes[name.replace("running_mean", "num_batches_tracked")] = ()
    return {name: filled(name, shape) for name, shape in shapes.items()}


def made_by_transformers(case: str, folder: Path) -> dict[str, Any]:
    """Return the record of a case. Tensors have other names in transformers' files than in its networks."""
    import transformers

    name, settings, size = CASES[case]
    kind, _, ending = name.partition(" ")
    config = getattr(transformers, f"{kind}Config")(**settings, num_labels=3)
    made = getattr(transformers, f"{kind}ForImageClassification{ending}")
    made(config).save_pretrained(folder)
    shapes = {key: tuple(tensor.shape) for key, tensor in load_file(folder / "model.safetensors").items()}
    save_file(
        {key: filled(key, shape) for key, shape in shapes.items()}, folder / "model.safetensors", {"format": "pt"}
    )
    network = made.from_pretrained(folder).eval()
    with torch.inference_mode():
        logits = network(pictures(config.num_channels, size)).logits
    saved = json.loads((folder / "config.json").read_text())
    ours = {"architectures": saved["architectures"], "model_type": saved["model_type"], **settings,
            "id2label": {"0": "oak", "1": "elm", "2": "ash"}}  # fmt: skip
    ours |= {key: saved[key] for key in ("layer_norm_eps", "hidden_act") if key in saved}
    kept = {key: shape for key, shape in shapes.items() if not key.endswith(("running_var", "num_batches_tracked"))}
    rounded = [[round(value, 6) for value in row] for row in logits.tolist()]
    return {"config": ours, "shapes": {key: list(kept[key]) for key in sorted(kept)}, "size": size, "logits": rounded}


def _record(file: Path) -> None:
    rows = []
    for case in CASES:
        with TemporaryDirectory() as folder:
            rows.append(f"{json.dumps(case)}: {json.dumps(made_by_transformers(case, Path(folder)))}")
    file.write_text("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    _record(Path(sys.argv[1]))
