# SPDX-License-Identifier: MIT
"""Perceptual distances: LPIPS if its weights are installed, else the distance of the classifier's own features.

LPIPS comes from the `lpips` package, is loaded late and without a download, and is checked against a known value. The
other one is called "feature distance" everywhere, and its figures are comparable only with each other.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latent_explorer.common.errors import UserError
from latent_explorer.models.lpips_weights import NETS, backbone_path, lpips_available

if TYPE_CHECKING:
    from latent_explorer.models.classifiers import Classifier

# LPIPS of the known pair below: random weights, and those of another network, give other values.
_KNOWN = {"alex": 0.14856, "squeeze": 0.10080}

MIN_SIDE = 64  # px


class LpipsDistance(nn.Module):
    """LPIPS v0.1. forward: two (N, 3, H, W) in [-1, 1] -> (N,), differentiable in both.

    Pictures below 64 px are enlarged to 64 px: AlexNet's first layer takes every fourth pixel, and a generator trained
    at 32 px against plain LPIPS draws speckles instead of leaves.
    """

    key = "lpips"  # of its figures

    def __init__(self, net: str = "alex") -> None:
        super().__init__()
        self.name = f"LPIPS ({net})"
        path = backbone_path(net)
        if not path.is_file():
            raise UserError(
                f"LPIPS needs the weights {path.name}, which are not in {path.parent}. Get them with "
                f"`latent-explorer get-weights {net}`, or set TORCH_HOME to a folder that has them under "
                "hub/checkpoints."
            )
        import lpips

        # In a frozen program lpips would look for its linear heads in the current directory.
        heads = Path(lpips.__file__).resolve().parent / "weights" / "v0.1" / f"{net}.pth"
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")  # torchvision's `pretrained` deprecation, inside lpips
            # The trunk's weights are read below, by our own code.
            self.lpips = lpips.LPIPS(net=net, pnet_rand=True, model_path=str(heads), verbose=False)
        _load_backbone(self.lpips.net, path)
        self.eval().requires_grad_(False)
        self._check(net)

    def _check(self, net: str) -> None:
        generator = torch.Generator().manual_seed(123)
        a, b = (torch.rand(10, 3, 100, 100, generator=generator) * 2 - 1 for _ in range(2))
        with torch.no_grad():
            value = float(self(a, b).mean())
        if abs(value - _KNOWN[net]) > 1e-3:
            raise UserError(
                f"The LPIPS weights ({net}) give {value:.4f} on a known pair instead of {_KNOWN[net]:.4f}: "
                f"the file {backbone_path(net).name} is not the published one. Delete it and fetch it again."
            )

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.distance_of_features(self.features(a), self.features(b))

    def features(self, img: Tensor) -> list[Tensor]:
        """(N, 3, H, W) -> every layer's (N, C, h, w), of length 1 over the channels. Can be reused."""
        if img.shape[-1] < MIN_SIDE:
            img = F.interpolate(img, size=MIN_SIDE, mode="bilinear")
        return [_unit_length(x) for x in self.lpips.net.forward(self.lpips.scaling_layer(img))]

    def distance_of_features(self, a: list[Tensor], b: list[Tensor]) -> Tensor:
        """Return the distance (N,) of pictures with these features (Zhang et al. 2018, equation 1)."""
        weighted = zip(self.lpips.lins, a, b, strict=True)
        layers = [lin((x - y).square()).mean(dim=(1, 2, 3)) for lin, x, y in weighted]
        return torch.stack(layers).sum(dim=0)


class FeatureDistance(nn.Module):
    """Distance of the classifier's features. forward: two (N, 3, H, W) in [-1, 1] -> (N,).

    As in LPIPS (Zhang et al. 2018, equation 1) features are normalised over their channels and squared differences
    are averaged over space. No human judgements weigh the layers: every resolution counts the same. It depends only on
    what the classifier sees. Differentiable in both; 0 for equal pictures, at most 4.
    """

    key = "feature_distance"
    name = "feature distance"

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.distance_of_features(self.features(a), self.features(b))

    def features(self, img: Tensor) -> list[Tensor]:
        """(N, 3, H, W) -> the classifier's (N, C, h, w) at each resolution, of length 1 over the channels."""
        return [F.normalize(x, dim=1) for x in self.classifier.feature_maps(img)]

    def distance_of_features(self, a: list[Tensor], b: list[Tensor]) -> Tensor:
        """Return the distance (N,) of pictures with these features."""
        squared = [(x - y).square().sum(dim=1).mean(dim=(1, 2)) for x, y in zip(a, b, strict=True)]
        return torch.stack(squared).mean(dim=0)


def lpips_on(net: str, device: torch.device) -> LpipsDistance:
    """Return LPIPS on a device. Its weights are read once, and again when their file has changed."""
    path = backbone_path(net)
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    return _read_lpips(net, path, changed, device)


@lru_cache(maxsize=4)
def _read_lpips(net: str, _path: Path, _changed: int, device: torch.device) -> LpipsDistance:
    with torch.inference_mode(False):  # whoever asks next may need gradients
        return LpipsDistance(net).to(device)


PerceptualDistance = LpipsDistance | FeatureDistance


def perceptual_for(classifier: Classifier | None, name: str | None = None) -> PerceptualDistance | None:
    """Return the best available distance: LPIPS, else the feature distance of `classifier`, else None.

    name   of the distance that a training began with: it is returned, or UserError raised
    """
    for net in NETS:
        eligible = name in (None, f"LPIPS ({net})")
        if eligible and (name or lpips_available(net)):
            return LpipsDistance(net)
    return None if classifier is None else FeatureDistance(classifier)


def _unit_length(x: Tensor) -> Tensor:
    """Normalise as the lpips package does, but with a gradient also where every channel is 0."""
    return x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10)


def _load_backbone(net: nn.Module, path: Path) -> None:
    """Load a torchvision trunk's file into the slices of the lpips package; nothing in the file is executed."""
    try:
        published = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251  # as published
        # "slice2.3.weight" is the published "features.3.weight".
        state = {key: published[f"features.{key.partition('.')[2]}"] for key in net.state_dict()}
        net.load_state_dict(state)
    except Exception as error:  # a damaged file may raise anything
        raise UserError(
            f"The LPIPS weights in {path} cannot be read: {error}. Delete the file and get it again."
        ) from error
