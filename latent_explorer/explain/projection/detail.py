# SPDX-License-Identifier: MIT
"""How much of what stands out in a photo its reconstruction shows: spots and colours, where the classifier looks.

A distance of whole pictures hardly changes when small lesions are lost, and the classifier may still name the same
class. So this measure looks at nothing but colours at their places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from latent_explorer.models.classifiers import Classifier

VISIBLE = 12.0  # difference of smoothed hue and saturation (CIELAB) that a person sees at once
_BLUR = 1 / 64  # of the side: leaves out the finest texture, and keeps a lesion of three pixels of 64
_SHIFT = 1 / 64  # of the side: what is shown so far from its place is shown
_LOOK_BLUR = 1 / 16  # of the side: the classifier's gradient is noise from pixel to pixel
_DARK = 12.0  # L* below which a pixel has no colour to speak of
_DRAWS = 8  # noisy copies whose gradients are averaged (SmoothGrad, Smilkov et al. 2017)
_NOISE = 0.1  # their noise, in a picture's range of -1 to 1
_WHITE = (0.9505, 1.0, 1.089)  # D65
_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))  # from linear sRGB


@dataclass(frozen=True)
class Detail:
    """Shares of where the classifier looks, 0 to 1.

    area   what stands out in the photo from its main colour, or is lost
    kept   of this, what the reconstruction shows in nearly the same colour at its place; 1 if nothing stands out
    """

    area: float
    kept: float


def compare_detail(photo: Tensor, reconstruction: Tensor, look: Tensor) -> Detail:
    """Compare two pictures (1, 3, R, R) in [-1, 1]; `look` (1, 1, R, R) weighs the pixels, see `attention`."""
    (target, light), (made, _) = (_colours(img) for img in (photo, reconstruction))
    weight = look * light
    weight = weight / weight.sum().clamp_min(1e-12)
    plain = torch.stack([_weighted_median(channel, weight[0, 0]) for channel in target[0]]).view(1, 2, 1, 1)
    step = max(1, round(_SHIFT * target.shape[-1]))
    shifted = (made.roll((y, x), dims=(2, 3)) for y in (-step, 0, step) for x in (-step, 0, step))
    difference = torch.stack([torch.linalg.vector_norm(target - each, dim=1) for each in shifted]).amin(dim=0)[:, None]
    standing_out = torch.linalg.vector_norm(target - plain, dim=1, keepdim=True)
    visible, lost = standing_out > VISIBLE, difference > VISIBLE
    shown = visible & ~lost & (difference < standing_out / 2)
    area = float((weight * (visible | lost)).sum())
    return Detail(area, float((weight * shown).sum()) / area if area > 0 else 1.0)


def attention(classifier: Classifier, photo: Tensor) -> Tensor:
    """Return (1, 1, R, R): where the classifier's class of a photo (1, 3, R, R) depends on the pixels.

    The squared gradient of its log odds, averaged over noisy copies and smoothed.
    """
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn((_DRAWS, *photo.shape[1:]), generator=rng).to(photo)
    with torch.inference_mode(mode=False), torch.enable_grad():
        noisy = (photo.clone() + _NOISE * noise).requires_grad_()
        logits = classifier.logits(noisy)
        top = int(logits.mean(dim=0).argmax())
        others = torch.cat([logits[:, :top], logits[:, top + 1 :]], dim=1)
        odds = logits[:, top] - others.logsumexp(dim=1)
        (gradient,) = torch.autograd.grad(odds.sum(), noisy)
    look = gradient.square().sum(dim=(0, 1))[None, None]
    return _smoothed(look, _LOOK_BLUR)


def _colours(img: Tensor) -> tuple[Tensor, Tensor]:
    """Return hue and saturation of a picture, smoothed (1, 2, R, R), and which pixels are light (1, 1, R, R).

    Light and shade are not detail. What is dark has no colour, and gives none to its neighbours.
    """
    lab = _lab(img)
    light = (lab[:, :1] > _DARK).to(lab)
    return _smoothed(lab[:, 1:] * light, _BLUR) / _smoothed(light, _BLUR).clamp_min(1e-3), light


def _lab(img: Tensor) -> Tensor:
    """Convert sRGB (1, 3, R, R) in [-1, 1] to CIELAB."""
    rgb = (img.float().clamp(-1, 1) + 1) / 2
    linear: Tensor = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = torch.einsum("ij,njhw->nihw", linear.new_tensor(_XYZ), linear) / linear.new_tensor(_WHITE).view(1, 3, 1, 1)
    f = torch.where(xyz > 0.008856, xyz.clamp_min(0.008856) ** (1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = f.unbind(dim=1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def _smoothed(x: Tensor, share: float) -> Tensor:
    """Blur (1, C, R, R) by a Gaussian whose standard deviation is this share of the side."""
    sigma = share * x.shape[-1]
    radius = min(max(1, round(3 * sigma)), x.shape[-1])
    steps = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-steps.square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(x.shape[1], 1, 1)
    padded = F.pad(x, (radius, radius, radius, radius), mode="replicate")
    rows = F.conv2d(padded, kernel[:, :, :, None], groups=x.shape[1])
    blurred: Tensor = F.conv2d(rows, kernel[:, :, None, :], groups=x.shape[1])
    return blurred


def _weighted_median(values: Tensor, weight: Tensor) -> Tensor:
    ordered = values.flatten().sort()
    below = weight.flatten()[ordered.indices].cumsum(dim=0)
    median: Tensor = ordered.values[int((below < below[-1] / 2).sum().clamp_max(len(below) - 1))]
    return median
