# SPDX-License-Identifier: MIT
"""Classifiers under inspection: preprocessing, networks and the meaning of their outputs.

Everything between the generator's resolution and the logits happens here and nowhere else, differentiably, so real and
generated pictures take the same path: clip, range, antialiased resize, mean and std, network, temperature.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latent_explorer.common.errors import UserError
from latent_explorer.models.library_networks import (
    Option,
    build_library_network,
    is_library_network,
    library_feature_maps,
    penultimate_features,
)
from latent_explorer.models.onnx_graph.graph import OnnxGraph
from latent_explorer.models.onnx_graph.network import OnnxNetwork, check_graph
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.models.programs.network import ProgramNetwork
from latent_explorer.models.programs.program import PROGRAM, Program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class ClassifierConfig(msgspec.Struct, frozen=True):
    """Description of a classifier without its tensors."""

    name: str
    architecture: str  # in ARCHITECTURES, or of a library: "torchvision:resnet18", "timm:vit_tiny_patch16_224"
    class_names: tuple[str, ...]  # K >= 2
    preprocessing: Preprocessing
    head: str = "softmax"  # or "sigmoid": one output l, read as logits (-l/2, +l/2)
    temperature: float = 1.0  # logits are divided by it (calibration)
    widths: tuple[int, ...] = ()  # of small-resnet's stages
    options: tuple[tuple[str, Option], ...] = ()  # of a library's network that has other sizes than its name says
    frame_only: int = 0  # > 0: it sees the outer so many px of its input, the rest is black
    graph: OnnxGraph | None = None  # of the architecture "onnx"
    program: Program | None = None  # of the architecture "program"


class _PreActivationBlock(nn.Module):
    """Pre-activation residual block (He et al. 2016); the first convolution strides."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.skip = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(x))
        skip = self.skip(y)
        y = self.conv2(F.relu(self.norm2(self.conv1(y))))
        return skip + y


class SmallResNet(nn.Module):
    """Residual network with one block a stage, for small pictures. The stem and every later stage halve the size."""

    def __init__(self, widths: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 3, 2, 1, bias=False)
        pairs = zip(widths[:1] + widths[:-1], widths, strict=True)
        self.stages = nn.Sequential(
            *(_PreActivationBlock(a, b, stride=1 if i == 0 else 2) for i, (a, b) in enumerate(pairs))
        )
        self.norm = nn.BatchNorm2d(widths[-1])
        self.relu = nn.ReLU()  # a module, so that Grad-CAM finds the last map
        self.head = nn.Linear(widths[-1], outputs)

    def features(self, x: Tensor) -> Tensor:  # (N, 3, H, W) -> (N, widths[-1])
        return self.relu(self.norm(self.stages(self.stem(x)))).mean(dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def _mobilenet_v2(config: ClassifierConfig, outputs: int) -> nn.Module:
    from torchvision.models import mobilenet_v2

    network = mobilenet_v2(num_classes=outputs)
    if config.preprocessing.input_size <= 96:
        network.features[0][0].stride = (1, 1)  # small pictures: keep the first resolution
    return network


# Rebuilt by name from the library's code; the tensors come from the file. Nothing in a file is ever executed.
ARCHITECTURES: dict[str, Callable[[ClassifierConfig, int], nn.Module]] = {
    "small-resnet": lambda config, outputs: SmallResNet(config.widths, outputs),
    "mobilenet_v2": _mobilenet_v2,
}
ONNX = "onnx"
_LUMA = (0.299, 0.587, 0.114)  # ITU-R 601, as Pillow's conversion to "L"


def is_known_architecture(architecture: str) -> bool:
    """Return True for the networks of this package, and for names with the prefix of a library."""
    return architecture in ARCHITECTURES or architecture in (ONNX, PROGRAM) or is_library_network(architecture)


def network_title(architecture: str, program: str = "") -> str:
    """Return what a network is called on the screen; `program` is the kind of one."""
    return {ONNX: "ONNX graph", PROGRAM: f"{program} program".strip()}.get(architecture, architecture)


def _build_network(config: ClassifierConfig) -> nn.Module:
    outputs = 1 if config.head == "sigmoid" else len(config.class_names)
    if config.architecture in ARCHITECTURES:
        return ARCHITECTURES[config.architecture](config, outputs)
    pre = config.preprocessing
    channels = 1 if pre.channels == "grey" else 3
    if config.graph is not None:
        check_graph(config.graph, channels, pre.input_size, outputs)
        return OnnxNetwork(config.graph)
    if config.program is not None:
        return ProgramNetwork(config.program)
    if is_library_network(config.architecture):
        return build_library_network(config.architecture, outputs, pre.input_size, channels, dict(config.options))
    raise UserError(
        f"The classifier's architecture {config.architecture[:100]!r} is not known here (known: "
        f"{', '.join(sorted(ARCHITECTURES))}, torchvision:NAME, timm:NAME). Import it again with this version of "
        "Latent Explorer."
    )


class Classifier(nn.Module):
    """Network with its preprocessing. Takes img (N, 3, H, W) of any square size, nominally in [-1, 1]."""

    mean: Tensor
    std: Tensor
    luma: Tensor

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.network = _build_network(config)
        shape = (1, 3, 1, 1)
        self.register_buffer("mean", torch.tensor(config.preprocessing.mean).reshape(shape), persistent=False)
        self.register_buffer("std", torch.tensor(config.preprocessing.std).reshape(shape), persistent=False)
        self.register_buffer("luma", torch.tensor(_LUMA).reshape(shape), persistent=False)

    def load_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the tensors of a file, for a network that was built without memory."""
        self.load_state_dict(tensors, assign=True)
        if any(buffer.is_meta for buffer in self.network.buffers()):  # tables that a library network makes, not stores
            self.network = _build_network(self.config)
            self.load_state_dict(tensors)

    @property
    def num_classes(self) -> int:
        return len(self.config.class_names)

    def with_preprocessing(self, preprocessing: Preprocessing) -> Classifier:
        """Return a classifier with the same network, and other preprocessing of the same size and channels."""
        other = copy.copy(self)
        other.config = msgspec.structs.replace(self.config, preprocessing=preprocessing)
        other._buffers = dict(self._buffers)  # the network's tensors are shared, mean and std are not
        for name in ("mean", "std"):
            values = torch.tensor(getattr(preprocessing, name), device=self.mean.device)
            other._buffers[name] = values.reshape(1, 3, 1, 1)
        return other

    @torch.inference_mode()
    def check_size(self) -> None:
        """Raise UserError unless the network takes pictures of its preprocessing's size."""
        size = self.config.preprocessing.input_size
        try:
            self.logits(torch.zeros(1, 3, size, size, device=self.mean.device))
        except (RuntimeError, ValueError, AssertionError) as error:
            raise UserError(
                f"{self.config.architecture} does not take pictures of {size} px ({str(error)[:100]}). "
                "Choose another size."
            ) from error

    def preprocess(self, img: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> (N, 3, input_size, input_size), as in its training; (N, 1, ...) if grey."""
        x = (img.clamp(-1, 1) + 1) / 2
        pre, edge = self.config.preprocessing, self.config.frame_only
        if pre.crop < 1:
            kept = max(1, round(pre.crop * x.shape[-1]))
            first = round((x.shape[-1] - kept) / 2)  # as torchvision's and timm's centre crop
            x = x[..., first : first + kept, first : first + kept]
        size = pre.input_size
        if x.shape[-2:] != (size, size):
            x = F.interpolate(x, (size, size), mode=pre.interpolation, antialias=True, align_corners=False)
            if pre.interpolation == "bicubic":  # it overshoots; in a training's pictures Pillow has cut that off
                x = x.clamp(0, 1)
        if edge:  # x is always a new tensor: the caller's is not written to
            x[:, :, edge:-edge, edge:-edge] = 0
        if pre.channels == "bgr":
            x = x.flip(1)
        x = (x - self.mean) / self.std
        if pre.channels == "grey":
            x = (x * self.luma).sum(dim=1, keepdim=True)
        return x

    def logits(self, img: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, K), divided by the temperature."""
        return self._logits_of(self.network(self.preprocess(img)))

    def _logits_of(self, y: Tensor) -> Tensor:
        """Turn the network's output into logits."""
        if self.config.head == "sigmoid":
            y = torch.cat([-y / 2, y / 2], dim=1)
        return y / self.config.temperature

    def embedding(self, img: Tensor) -> Tensor:
        """(N, 3, H, W) -> what the network answers, (N, D), for one that is no classifier but an embedding."""
        answer: Tensor = self.network(self.preprocess(img))
        return answer

    def forward(self, img: Tensor) -> Tensor:
        return self.logits(img)

    def probs(self, img: Tensor) -> Tensor:
        """(N, 3, H, W) -> class probabilities (N, K), which `cond` is made of."""
        return self.logits(img).softmax(dim=1)

    def features(self, img: Tensor) -> Tensor:
        """(N, 3, H, W) -> penultimate features (N, F), for Frechet distances."""
        x = self.preprocess(img)
        if isinstance(self.network, (SmallResNet, OnnxNetwork, ProgramNetwork)):
            return self.network.features(x)
        if self.config.architecture in ARCHITECTURES:
            return self.network.features(x).mean(dim=(2, 3))  # type: ignore[operator]  # torchvision's trunk
        return penultimate_features(self.network, x)

    def probs_and_features(self, img: Tensor) -> tuple[Tensor, Tensor]:
        """Return `probs` and `features`, of a library's network by one pass through it."""
        outputs: list[Tensor] = []
        hook = self.network.register_forward_hook(lambda _, __, output: outputs.append(output))
        try:
            features = self.features(img)
        finally:
            hook.remove()
        probs = self._logits_of(outputs[-1]).softmax(dim=1) if outputs else self.probs(img)
        return probs, features

    def feature_maps(self, img: Tensor) -> list[Tensor]:
        """(N, 3, H, W) -> the trunk's last (N, C, h, w) at each resolution, fine to coarse."""
        network = self.network
        x = self.preprocess(img)
        if isinstance(network, (OnnxNetwork, ProgramNetwork)):
            return network.feature_maps(x)
        if self.config.architecture not in ARCHITECTURES:
            return library_feature_maps(network, x)
        # `features` of other networks is torchvision's convolutional trunk.
        layers = [network.stem, *network.stages] if isinstance(network, SmallResNet) else network.features
        maps: list[Tensor] = []
        for layer in layers:  # type: ignore[union-attr]
            before, x = x.shape[-1], layer(x)
            maps[-1 if maps and x.shape[-1] == before else len(maps) :] = [x]
        return maps
