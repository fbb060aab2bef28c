# SPDX-License-Identifier: MIT
"""Grad-CAM: known answers, its formula, and the layer that is found in every kind of network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from latent_explorer.common.errors import UserError
from latent_explorer.explain.grad_cam import GradCam, grad_cam
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.importers.classifiers.file import import_classifier, inspect_classifier
from latent_explorer.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 32


class Corner(nn.Module):
    """Network that sees nothing but the picture's upper left quarter."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 5, 3, 2, 1), nn.ReLU())
        self.head = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        seen = torch.zeros_like(x)
        seen[..., : x.shape[-2] // 2, : x.shape[-1] // 2] = 1
        return self.head(self.trunk(x * seen).mean(dim=(2, 3)))


def corner_classifier(**preprocessing: float) -> Classifier:
    classifier = Classifier(
        ClassifierConfig("corner", "small-resnet", ("a", "b"), Preprocessing(SIZE, **preprocessing), widths=(4,))
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        classifier.network = Corner()
    for module in classifier.network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.bias)
            module.weight.data.abs_()  # bright places are hot
    classifier.network.head.weight.data = torch.tensor([[-1.0] * 5, [1.0] * 5])
    return classifier.eval().requires_grad_(False)


def pictures(n: int = 2, size: int = SIZE) -> Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(2))  # 0.5 to 1 of its range


def test_the_heat_of_a_classifier_that_reads_one_corner_is_there() -> None:
    heat = grad_cam(corner_classifier(), pictures(size=64), target=1)
    assert heat.shape == (2, 64, 64)
    assert heat.min() >= 0
    torch.testing.assert_close(heat.amax(dim=(1, 2)), torch.ones(2))
    inside, margin = heat[:, :32, :32].sum(dim=(1, 2)), 12  # a cell of the map and a half
    assert (inside / heat.sum(dim=(1, 2)) > 0.7).all()  # of a quarter of the area
    assert heat[:, 32 + margin :].max() == 0
    assert heat[:, :, 32 + margin :].max() == 0
    nothing = grad_cam(corner_classifier(), pictures(), target=0)  # no place speaks for the other class
    assert nothing.max() == 0


def test_the_formula() -> None:
    classifier, img = corner_classifier(), pictures(3)
    x = classifier.preprocess(img) * 1
    x[..., SIZE // 2 :, :] = 0
    x[..., SIZE // 2 :] = 0
    maps = classifier.network.trunk(x)
    by_hand = torch.einsum("k,nkhw->nhw", classifier.network.head.weight[1], maps) / maps[0, 0].numel()
    by_hand = nn.functional.interpolate(by_hand[:, None], SIZE, mode="bilinear")[:, 0]
    torch.testing.assert_close(GradCam(classifier).heat(img, 1), by_hand)
    with torch.inference_mode():  # as where pictures are rendered
        torch.testing.assert_close(GradCam(classifier).heat(img, 1), by_hand)


def test_what_the_preprocessing_cuts_off_is_cold() -> None:
    heat = grad_cam(corner_classifier(crop=0.5), pictures(size=64), target=1)
    assert heat.shape == (2, 64, 64)
    assert heat[:, :16].max() == heat[:, 48:].max() == heat[:, :, :16].max() == heat[:, :, 48:].max() == 0
    assert (heat[:, 16:32, 16:32].mean(dim=(1, 2)) > 0.3).all()


LAYERS = {
    "small-resnet": "relu",
    "mobilenet_v2": "features",
    "torchvision:resnet18": "layer4",
    "torchvision:squeezenet1_1": "classifier.2",
    "torchvision:vit_b_32": "encoder.layers.encoder_layer_11.ln_1",  # what the class token reads last
    "torchvision:swin_t": "permute",
    "timm:vit_tiny_patch16_224": "blocks.11.norm1",
    "timm:vit_small_patch16_dinov3": "norm",  # five tokens before the patches
    "timm:swin_tiny_patch4_window7_224": "norm",  # channels last
}


@pytest.mark.parametrize("architecture", LAYERS)
def test_the_layer_of_known_networks(architecture: str) -> None:
    if architecture.startswith("timm"):
        pytest.importorskip("timm")
    size = 64
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = ClassifierConfig("x", architecture, ("a", "b", "c"), Preprocessing(size), widths=(4, 8, 8))
        classifier = Classifier(config).eval().requires_grad_(False)
        for module in classifier.modules():
            if isinstance(module, nn.Linear) and not module.weight.any():  # torchvision's heads begin at 0
                nn.init.normal_(module.weight)
    cam = GradCam(classifier)
    assert cam.layer == LAYERS[architecture]
    assert all(not module._forward_hooks for module in classifier.modules())
    heat = cam.heat(pictures(2, size), 1)
    assert heat.shape == (2, size, size)
    assert heat.isfinite().all()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("any_batch", [False, True])
def test_an_onnx_graph_has_the_heat_of_its_source(tmp_path: Path, any_batch: bool) -> None:
    pytest.importorskip("onnx")
    classifier = corner_classifier()
    axes = {"x": {0: "n"}} if any_batch else None
    path = tmp_path / "corner.onnx"
    torch.onnx.export(classifier.network, (torch.rand(1, 3, SIZE, SIZE),), path, dynamo=False, input_names=["x"],
                      dynamic_axes=axes)  # fmt: skip
    converted = import_classifier(inspect_classifier(path), "corner", preprocessing=classifier.config.preprocessing)
    assert converted.config.architecture == "onnx"
    assert GradCam(converted).layer.startswith("nodes.")
    torch.testing.assert_close(grad_cam(converted, pictures(3), 1), grad_cam(classifier, pictures(3), 1))


def test_networks_that_show_no_map_are_refused_in_a_sentence() -> None:
    classifier = corner_classifier()
    classifier.network = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE * SIZE, 2))
    with pytest.raises(UserError, match="corner has none that is recognised"):
        GradCam(classifier)
    from latent_explorer.models.programs.network import ProgramNetwork
    from latent_explorer.models.programs.program import Program

    classifier.network = ProgramNetwork(Program("TorchScript", "0" * 64, 10, 2))
    with pytest.raises(UserError, match="shows nothing but its answers"):
        GradCam(classifier)
