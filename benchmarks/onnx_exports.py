# SPDX-License-Identifier: MIT
"""Compare converted ONNX exports of torchvision's classifiers with ONNX Runtime: outputs and gradients.

    python benchmarks/onnx_exports.py [FAMILY ...]

Random weights; batch norms are given the statistics of random pictures, so that logits have an ordinary spread. Each
family is exported by both of torch's exporters, for any batch and for one picture. Prints a Markdown table: largest
difference of the logits relative to their spread, seconds for conversion and check, and whether gradients are finite.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
import warnings
from pathlib import Path

import onnxruntime
import torch
from torch import Tensor, nn
from torchvision import models

from latent_explorer.models.importers.classifiers.onnx_model import checked, convert

FAMILIES = (
    "resnet18", "resnet50", "mobilenet_v3_large", "efficientnet_b0", "convnext_tiny", "vit_b_16", "swin_t",
)  # fmt: skip
EXPORTS = (*(("TorchScript", opset) for opset in (11, 14, 17, 20)), ("dynamo", 18), ("dynamo", 20))


def network(family: str) -> nn.Module:
    """Return a network whose logits differ from picture to picture."""
    torch.manual_seed(0)
    net = models.get_model(family, weights=None, num_classes=5)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
        if isinstance(module, nn.Linear) and module.out_features == 5:
            nn.init.normal_(module.weight, std=0.05)
    with torch.no_grad():
        net.train()(torch.randn(4, 3, 224, 224))
    return net.eval()


def export(net: nn.Module, path: Path, exporter: str, opset: int, any_batch: bool) -> None:
    """Write the network as an ONNX file."""
    x = torch.randn(2 if any_batch else 1, 3, 224, 224)
    if exporter == "TorchScript":
        axes = {"x": {0: "n"}} if any_batch else None
        torch.onnx.export(net, (x,), path, dynamo=False, opset_version=opset, input_names=["x"], dynamic_axes=axes)
    else:
        shapes = ({0: torch.export.Dim("n")},) if any_batch else None
        torch.onnx.export(
            net, (x,), path, dynamo=True, opset_version=opset, input_names=["x"], dynamic_shapes=shapes, verbose=False
        )


def runtime(path: Path, pictures: Tensor, any_batch: bool) -> Tensor:
    """Return ONNX Runtime's logits."""
    session = onnxruntime.InferenceSession(str(path))
    parts = [pictures] if any_batch else pictures.split(1)
    return torch.cat([torch.from_numpy(session.run(None, {"x": part.numpy()})[0]) for part in parts])


def row(family: str, net: nn.Module, exporter: str, opset: int, any_batch: bool) -> str:
    """Return a row of the table."""
    batch = "any" if any_batch else "1"
    start = f"| {family} | {exporter} {opset} | {batch} |"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        try:
            export(net, path, exporter, opset, any_batch)
        except Exception as error:
            return f"{start} not exported: {type(error).__name__} | | | |"
        began = time.perf_counter()
        model = checked(convert(path))
        seconds = time.perf_counter() - began
        pictures = torch.randn(2, 3, 224, 224)
        expected = runtime(path, pictures, any_batch)
        given = pictures.clone().requires_grad_()
        logits = model.network()(given)
        logits.square().sum().backward()
    difference = float((logits.detach() - expected).abs().max())
    spread = float(expected.std())
    finite = given.grad is not None and bool(given.grad.isfinite().all()) and bool(given.grad.abs().max() > 0)
    at_once = "at once" if model.graph.any_batch else "one by one"
    return f"{start} {difference:.1e} of {spread:.2g} | {'yes' if finite else 'NO'} | {at_once} | {seconds:.1f} s |"


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    print("| network | exporter, opset | batch | largest difference, of spread | gradient | pictures | converted in |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for family in sys.argv[1:] or FAMILIES:
        net = network(family)
        for exporter, opset in EXPORTS:
            for any_batch in (True, False):
                print(row(family, net, exporter, opset, any_batch), flush=True)


if __name__ == "__main__":
    main()
