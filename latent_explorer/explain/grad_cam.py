# SPDX-License-Identifier: MIT
"""Grad-CAM: where a classifier's last spatial layer speaks for a class (Selvaraju et al. 2017).

torchcam computes the maps. Here is what it leaves open: which layer that is, in any network that can be imported.
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latent_explorer.common.errors import UserError
from latent_explorer.models.onnx_graph.network import OnnxNetwork
from latent_explorer.models.programs.network import ProgramNetwork

if TYPE_CHECKING:
    from latent_explorer.models.classifiers import Classifier

_BATCH = 16
_MOST_PREFIX = 16  # class token and registers before the tokens of the patches


def grad_cam(classifier: Classifier, img: Tensor, target: int) -> Tensor:
    """Return the heat (N, H, W) in [0, 1] of the class `target` in the pictures img (N, 3, H, W) in [-1, 1].

    Every picture's largest value is 1, or 0 where nothing speaks for the class. Raises UserError for a classifier
    without a spatial layer.
    """
    heat = GradCam(classifier).heat(img, target)
    return heat / heat.amax(dim=(1, 2), keepdim=True).clamp_min(torch.finfo(heat.dtype).tiny)


@dataclass(frozen=True)
class _Layer:
    """A module whose output is a map: channels first, channels last, or tokens with some others before them."""

    module: nn.Module
    layout: str  # "channels-first", "channels-last" or "tokens"
    prefix: int = 0

    def to_maps(self, x: Tensor) -> Tensor:
        """Return the output as (N, C, h, w)."""
        if self.layout == "channels-first":
            return x
        if self.layout == "channels-last":
            return x.permute(0, 3, 1, 2)
        x = x[:, self.prefix :]
        side = round(x.shape[1] ** 0.5)
        return x.transpose(1, 2).reshape(len(x), -1, side, side)


class GradCam:
    """Grad-CAM of one classifier, whose layer is found once. Raises UserError if it has none."""

    def __init__(self, classifier: Classifier) -> None:
        if isinstance(classifier.network, ProgramNetwork):
            raise UserError(
                "Grad-CAM needs a layer within the network, and this classifier is a program that shows nothing but "
                "its answers. Import its network as ONNX, or by its weights."
            )
        self._one_at_a_time = False
        if isinstance(classifier.network, OnnxNetwork):
            self._one_at_a_time = not classifier.network.graph.any_batch
            network, classifier = classifier.network.as_modules(), copy.copy(classifier)
            classifier._modules = {"network": network}
        self._classifier = classifier
        with torch.inference_mode(mode=False), torch.enable_grad():
            self._layer = _last_layer(classifier)

    @property
    def layer(self) -> str:
        """Name of the layer within the network."""
        names: dict[nn.Module, str] = {module: name for name, module in self._classifier.network.named_modules()}
        return names[self._layer.module]

    def heat(self, img: Tensor, target: int) -> Tensor:
        """Return max(0, sum_k a_k A_k) (N, H, W) of the class `target`, a_k being its logit's mean gradient by A_k.

        img (N, 3, H, W) in [-1, 1]. Values of one classifier and class compare between pictures. What its preprocessing
        cuts off is 0.
        """
        from torchcam.methods import GradCAM

        maps: list[Tensor] = []
        with (
            torch.inference_mode(mode=False),
            torch.enable_grad(),
            GradCAM(self._classifier, self._layer.module, reshape_transform=self._layer.to_maps) as extract,
        ):
            size = 1 if self._one_at_a_time else _BATCH
            for start in range(0, len(img), size):
                scores = self._classifier.logits(img[start : start + size].clone().requires_grad_())
                maps.append(extract(target, scores, normalized=False)[0].detach())
        return self._placed(torch.cat(maps), img.shape[-1])

    def _placed(self, maps: Tensor, size: int) -> Tensor:
        """Enlarge maps (N, h, w) to what the classifier sees of pictures of `size` px."""
        kept = max(1, round(self._classifier.config.preprocessing.crop * size))
        seen = F.interpolate(maps[:, None], (kept, kept), mode="bilinear", align_corners=False)[:, 0]
        first = round((size - kept) / 2)
        return F.pad(seen, (first, size - kept - first) * 2)


def _last_layer(classifier: Classifier) -> _Layer:
    """Return the last module with a map in which the logits depend on more than one place.

    A transformer's last block puts out a map, too, but the verdict reads no more of it than the class token.
    """
    found = _maps_of(classifier)
    for layer, grad in reversed(found):
        if grad is not None and int(layer.to_maps(grad).abs().amax(dim=1).count_nonzero()) > 1:
            return layer
    raise UserError(
        f"Grad-CAM needs a layer with a map of the picture, and {classifier.config.name} has none that is recognised "
        "(a convolution's output, or a transformer's patches)."
    )


def _maps_of(classifier: Classifier) -> list[tuple[_Layer, Tensor | None]]:
    """Return the modules that put out maps of a picture of noise, in their order, with the logits' gradients."""
    layers: list[_Layer] = []
    outputs: list[Tensor] = []
    sizes: set[int] = set()

    def keep(module: nn.Module, _: object, output: object) -> None:
        if not isinstance(output, Tensor) or not output.requires_grad:
            return
        if isinstance(module, nn.Conv2d) or getattr(module, "op", "") == "Conv":
            sizes.update(-(-output.shape[-1] >> k) for k in range(5))  # a Swin transformer halves without convolutions
        layer = _layer_of(module, tuple(output.shape), sizes)
        if layer is not None:
            layers.append(layer)
            outputs.append(output)

    size = classifier.config.preprocessing.input_size
    noise = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    hooks = [module.register_forward_hook(keep) for module in classifier.network.modules()]
    try:
        logits = classifier.logits(noise.to(classifier.mean.device).requires_grad_())
    finally:
        for hook in hooks:
            hook.remove()
    if not outputs:
        return []
    weights = torch.arange(1.0, logits.shape[1] + 1, device=logits.device)  # the sum of two may be constant
    grads = torch.autograd.grad((logits * weights).sum(), outputs, allow_unused=True)
    usual = _usual_widths(layers, outputs)
    return [
        (layer, grad)
        for layer, output, grad in zip(layers, outputs, grads, strict=True)
        if layer.layout != "tokens" or output.shape[2] == usual[output.shape[1]]
    ]


def _usual_widths(layers: list[_Layer], outputs: list[Tensor]) -> dict[int, int]:
    """Return how many channels most outputs with so many tokens have; queries, keys and values in one have more."""
    widths: dict[int, Counter[int]] = {}
    for layer, output in zip(layers, outputs, strict=True):
        if layer.layout == "tokens":
            widths.setdefault(output.shape[1], Counter())[output.shape[2]] += 1
    return {tokens: counter.most_common(1)[0][0] for tokens, counter in widths.items()}


def _layer_of(module: nn.Module, shape: tuple[int, ...], sizes: set[int]) -> _Layer | None:
    """Return how an output of this shape is a square map of one of these sizes; None if it is not.

    Attention's (N, heads, tokens, tokens) has a size that no convolution put out.
    """
    if len(shape) == 4:
        if shape[2] == shape[3] > 1 and shape[2] in sizes:
            return _Layer(module, "channels-first")
        if shape[1] == shape[2] > 1 and shape[1] in sizes:
            return _Layer(module, "channels-last")
    if len(shape) == 3:
        for size in sorted(sizes, reverse=True):
            prefix = shape[1] - size**2
            if size > 1 and 0 <= prefix <= _MOST_PREFIX:
                return _Layer(module, "tokens", prefix)
    return None
