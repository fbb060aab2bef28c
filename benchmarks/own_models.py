# SPDX-License-Identifier: MIT
"""Compare classifiers read from the files that people have with the networks that the files were made of.

    python benchmarks/own_models.py [FAMILY ...]

A network with random weights of every torchvision family and of five of timm's is written in each form and read again.
Prints a Markdown table, one row a network and one cell a form. A cell is the largest difference of logits relative to
their deviation, of the classifier given pictures in [-1, 1] and of the source given what the library's own transform
makes of the same pictures; "refused" and "other" (recognised as another network) speak for themselves, "no gradient"
says that the gradient by the pixels is zero or not finite. Pictures have the side that the transform resizes to, so
that resizing, which differs by a level or two between Pillow and torch, does not count; what then differs by the
preprocessing is a cell of its own, in levels of 255. An ONNX file has no preprocessing and is given the network's.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import timm
import torch
from finetune_classifier import as_transformers
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform, resolve_model_data_config
from timm.models import save_for_hf
from torch import Tensor, nn
from torchvision import models

from latent_explorer.common.errors import UserError
from latent_explorer.models.importers.classifiers.file import import_classifier, inspect_classifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.models.classifiers import Classifier

TORCHVISION = (
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "googlenet", "inception_v3", "maxvit_t",
    "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_y_400mf", "resnet18", "resnet50", "shufflenet_v2_x0_5",
    "squeezenet1_0", "swin_t", "swin_v2_t", "vgg11_bn", "vit_b_16",
)  # fmt: skip
TIMM = ("regnetx_002", "mobilenetv3_small_100", "lcnet_100", "mobilenetv2_050", "resnet10t")
CLASSES = ("healthy", "rust", "scab")
PICTURES = 2
WRONG = 1e-3  # of the deviation, above which a cell is in bold


def network(name: str) -> nn.Module:
    """Return a network of a library whose logits differ from picture to picture."""
    torch.manual_seed(0)
    library, _, short = name.partition(":")
    if library == "timm":
        net: nn.Module = timm.create_model(short, num_classes=len(CLASSES))
    else:
        net = models.get_model(short, weights=None, num_classes=len(CLASSES))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
        if isinstance(module, (nn.Linear, nn.Conv2d)) and module.weight.shape[0] == len(CLASSES):
            nn.init.normal_(module.weight, std=0.1)
    with torch.no_grad():
        net.train()(torch.randn(4, 3, 299 if "inception" in short else 224, 299 if "inception" in short else 224))
    return net.eval()


def library_transform(name: str, net: nn.Module) -> tuple[Callable[[Image.Image], Tensor], int]:
    """Return the transform of the library's own weights, and the side in pixels that it resizes to."""
    library, _, short = name.partition(":")
    if library == "timm":
        config = resolve_model_data_config(net)
        return create_transform(**config), int(config["input_size"][1] / config["crop_pct"])
    transform = models.get_model_weights(short).DEFAULT.transforms()
    return transform, transform.resize_size[0]


def blurred_noise(side: int) -> Image.Image:
    """Return a picture with all colours and no detail finer than a few pixels."""
    coarse = np.random.default_rng(side).integers(0, 256, (side // 4, side // 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


# -- forms -------------------------------------------------------------------------------------------------------------


def state_dict(net: nn.Module, folder: Path, _name: str) -> Path:
    torch.save(net.state_dict(), folder / "weights.pth")
    return folder / "weights.pth"


def checkpoint(net: nn.Module, folder: Path, _name: str) -> Path:
    state = {f"module.{key}": value for key, value in net.state_dict().items()}
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9).state_dict()
    torch.save({"epoch": 12, "model": state, "optimizer": optimizer, "best_acc": 0.97}, folder / "last.pt")
    return folder / "last.pt"


def lightning(net: nn.Module, folder: Path, _name: str) -> Path:
    state = {f"model.{key}": value for key, value in net.state_dict().items()}
    content = {
        "epoch": 3, "global_step": 300, "pytorch-lightning_version": "2.5.0", "state_dict": state, "loops": {},
        "callbacks": {}, "optimizer_states": [], "lr_schedulers": [], "hyper_parameters": {"lr": 1e-3},
    }  # fmt: skip
    torch.save(content, folder / "epoch=3.ckpt")
    return folder / "epoch=3.ckpt"


def safetensors(net: nn.Module, folder: Path, _name: str) -> Path:
    save_file({key: value.contiguous() for key, value in net.state_dict().items()}, folder / "model.safetensors")
    return folder / "model.safetensors"


def timm_folder(net: nn.Module, folder: Path, _name: str) -> Path:
    save_for_hf(net, folder, model_config={"num_classes": len(CLASSES), "label_names": list(CLASSES)})
    return folder


def transformers_folder(net: nn.Module, folder: Path, _name: str) -> Path:
    save_file(as_transformers(net.state_dict()), folder / "model.safetensors", {"format": "pt"})
    config = {
        "architectures": ["ResNetForImageClassification"], "model_type": "resnet", "layer_type": "basic",
        "embedding_size": 64, "hidden_sizes": [64, 128, 256, 512], "depths": [2, 2, 2, 2],
        "id2label": dict(enumerate(CLASSES)),
    }  # fmt: skip
    processor = {
        "image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 224}, "crop_pct": 0.875,
        "resample": 2, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    return folder


def onnx(net: nn.Module, folder: Path, name: str) -> Path:
    side = 299 if "inception" in name else 224
    if name.startswith("timm:"):
        side = resolve_model_data_config(net)["input_size"][1]
    shapes = ({0: torch.export.Dim("n")},)
    x = torch.randn(2, 3, side, side)
    torch.onnx.export(net, (x,), folder / "net.onnx", dynamo=True, dynamic_shapes=shapes, verbose=False)
    return folder / "net.onnx"


FORMS: dict[str, Callable[[nn.Module, Path, str], Path]] = {
    "state dict": state_dict,
    "checkpoint, `module.`": checkpoint,
    "Lightning": lightning,
    "safetensors": safetensors,
    "folder (timm)": timm_folder,
    "folder (transformers)": transformers_folder,
    "ONNX": onnx,
}


# -- comparison --------------------------------------------------------------------------------------------------------


def compared(name: str, classifier: Classifier, expected: Tensor, given: Tensor) -> str:
    """Return a cell: the largest difference of logits, and what else is wrong."""
    given = given.clone().requires_grad_()
    logits = classifier.logits(given)
    logits.square().sum().backward()
    difference = float((logits.detach() - expected).abs().max() / expected.std())
    cell = f"{difference:.0e}" if difference < WRONG else f"**{difference:.1g}**"
    gradient = given.grad
    if gradient is None or not gradient.isfinite().all() or not gradient.abs().max() > 0:
        cell += ", no gradient"
    recognised = classifier.config.architecture
    if recognised not in (name, "onnx"):
        cell += f", other: {recognised}"
    return cell


def cells(name: str, forms: dict[str, Callable[[nn.Module, Path, str], Path]]) -> list[str]:
    """Return the cells of a network: the preprocessing, then one for each form."""
    net = network(name)
    transform, side = library_transform(name, net)
    pictures = [blurred_noise(side + step) for step in (0,) * PICTURES]
    given = torch.stack([torch.from_numpy(np.array(each)).permute(2, 0, 1) for each in pictures]) / 127.5 - 1
    given[1] = given[1].flip(2)
    pictures[1] = pictures[1].transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    made = torch.stack([transform(each) for each in pictures])
    with torch.no_grad():
        expected = net(made)
    found: list[str] = []
    levels, usual = "", None
    for form, write in forms.items():
        if (form == "folder (timm)" and not name.startswith("timm:")) or (
            form == "folder (transformers)" and name != "torchvision:resnet18"
        ):
            found.append("")
            continue
        with tempfile.TemporaryDirectory() as temporary:
            try:
                path = write(net, Path(temporary), name)
            except Exception as error:
                found.append(f"not written: {type(error).__name__}")
                continue
            try:
                inspection = inspect_classifier(path)
                given_by_hand = usual if form == "ONNX" else None  # such a file has none
                classifier = import_classifier(inspection, "net", CLASSES, given_by_hand)
                usual = classifier.config.preprocessing
            except UserError as error:
                print(f"{name}, {form}: {error}", file=sys.stderr)
                found.append("refused")
                continue
        found.append(compared(name, classifier, expected, given))
        if not levels:
            off = (classifier.preprocess(given) - made).abs() * classifier.std * 255
            levels = f"{float(off.max()):.1f}"
    return [levels, *found]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("networks", nargs="*", help="torchvision:NAME or timm:NAME")
    parser.add_argument("--forms", default=",".join(FORMS), help="comma-separated")
    choices = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    forms = {form: FORMS[form] for form in FORMS if form.replace(",", "") in choices.forms.replace(",", "")}
    names = choices.networks or [*(f"torchvision:{n}" for n in TORCHVISION), *(f"timm:{n}" for n in TIMM)]
    heads: list[Any] = ["network", "preprocessing", *forms]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for name in names:
        print(f"| {' | '.join([name, *cells(name, forms)])} |", flush=True)


if __name__ == "__main__":
    main()
