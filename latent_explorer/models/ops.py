# SPDX-License-Identifier: MIT
"""Operations of StyleGAN2 in plain PyTorch: resampling, equalised layers, modulated convolution.

Sources: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (StyleGAN2), and "A Style-Based
Generator Architecture" (equalised learning rate, leaky ReLU gain). No compiled extensions: these cannot be frozen.
"""

from __future__ import annotations

import math
from functools import cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latent_explorer.models import bands, winograd

LRELU_SLOPE = 0.2
LRELU_GAIN = math.sqrt(2.0)  # keeps the variance of a leaky ReLU's output near 1
DEMODULATION_EPS = 1e-8


def leaky_relu(x: Tensor, clamp: float | None = None) -> Tensor:
    """sqrt(2) * leaky_relu(x, 0.2), clamped to [-clamp, clamp] if a clamp is set (mixed precision)."""
    x = F.leaky_relu(x, LRELU_SLOPE) * LRELU_GAIN
    return x if clamp is None else x.clamp(-clamp, clamp)


@cache
def _binomial(channels: int, gain: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the 1-3-3-1 low-pass filter as a depthwise kernel (channels, 1, 4, 4) with sum `gain`."""
    # Never an inference tensor: later calls that take gradients use the cached kernel, too.
    with torch.inference_mode(False):
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64)
        kernel = torch.outer(taps, taps) / taps.sum() ** 2 * gain
        return kernel.to(device=device, dtype=dtype).expand(channels, 1, 4, 4).contiguous()


def blur(x: Tensor, padding: int | tuple[int, int, int, int], gain: float = 1.0, stride: int = 1) -> Tensor:
    """Filter (N, C, H, W) with 1-3-3-1. `padding` is one number, or left, right, top, bottom."""
    if isinstance(padding, tuple):
        x, padding = F.pad(x, padding), 0
    channels = x.shape[1]
    kernel = _binomial(channels, gain, x.dtype, x.device)
    return F.conv2d(x, kernel, stride=stride, padding=padding, groups=channels)


def upsample(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 2H, 2W): zeros inserted, then the 1-3-3-1 filter with gain 4."""
    channels = x.shape[1]
    kernel = _binomial(channels, 4.0, x.dtype, x.device)
    # A transposed convolution inserts the zeros; the filter is symmetric, so its orientation does not matter.
    return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=channels)


def normalize_second_moment(x: Tensor, eps: float = 1e-8) -> Tensor:
    """Scale each row of (N, C) to a mean square of 1."""
    return x * (x.square().mean(dim=1, keepdim=True) + eps).rsqrt()


class EqualizedLinear(nn.Module):
    """Dense layer whose weight is stored as N(0, 1) / lr_mul and scaled by lr_mul / sqrt(fan_in) at run time."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias_init: float = 0.0,
        lr_mul: float = 1.0,  # learning-rate multiplier
        activation: bool = False,  # leaky ReLU with gain
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_mul)
        self.bias = nn.Parameter(torch.full((out_features,), bias_init / lr_mul))
        self.weight_gain = lr_mul / math.sqrt(in_features)
        self.bias_gain = lr_mul
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:  # (N, in) -> (N, out)
        x = F.linear(x, self.weight * self.weight_gain, self.bias * self.bias_gain)
        return leaky_relu(x) if self.activation else x


class EqualizedConv(nn.Module):
    """Convolution with equalised learning rate; optional blur-and-stride-2 before it, bias and leaky ReLU after it."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        down: bool = False,
        bias: bool = True,
        activation: bool = True,
        gain: float = 1.0,  # of the output (residual branches use sqrt(1/2))
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.weight_gain = 1.0 / math.sqrt(in_channels * kernel_size**2)
        self.down = down
        self.activation = activation
        self.gain = gain
        self.clamp = clamp

    def forward(self, x: Tensor) -> Tensor:  # (N, in, H, W) -> (N, out, H or H/2, ...)
        weight = self.weight * self.weight_gain
        size = weight.shape[-1]
        if not self.down:
            x = F.conv2d(x, weight, self.bias, padding=size // 2)
        elif size == 1:
            x = F.conv2d(blur(x, padding=1, stride=2), weight, self.bias)
        else:
            x = F.conv2d(blur(x, padding=2), weight, self.bias, stride=2)
        if self.activation:
            x = leaky_relu(x)
        if self.gain != 1.0:
            x = x * self.gain
        return x if self.clamp is None else x.clamp(-self.clamp * self.gain, self.clamp * self.gain)


def demodulation(weight: Tensor, style: Tensor) -> Tensor:
    """1 / norm of each output filter after modulation: (O, I, k, k), (N, I) -> (N, O). StyleGAN2, equation 3."""
    frozen = not weight.requires_grad
    energy = winograd.frozen(weight).energy if frozen else weight.square().sum(dim=(2, 3))  # (O, I)
    return (style.square() @ energy.T + DEMODULATION_EPS).rsqrt()


def modulated_conv(x: Tensor, weight: Tensor, style: Tensor, up: bool = False, demodulate: bool = True) -> Tensor:
    """Modulated convolution, unfused: scale the input by the style, convolve with shared weights, demodulate.

    x (N, I, H, W), weight (O, I, k, k), style (N, I) -> (N, O, H, W), or (N, O, 2H, 2W) with `up`.
    Equal to convolving each sample with its own modulated weights.
    """
    if winograd.is_inference(weight, x, style):
        return inference_conv(x, weight, style, demodulation(weight, style) if demodulate else None, up)
    x = _convolve(x, weight, style, up)
    return x * demodulation(weight, style)[:, :, None, None] if demodulate else x


def inference_conv(
    x: Tensor,
    weight: Tensor,
    style: Tensor,
    scale: Tensor | None,
    up: bool = False,
    finish: winograd.Finish | None = None,
) -> Tensor:
    """Modulated convolution without gradients, the fastest way for the shape. Outputs are scaled by `scale` (N, O).

    `finish` does in place what follows, a band of the output at a time where that keeps it in the processor's cache.
    """
    if not up and winograd.is_faster(x, weight):
        return winograd.convolve(x, weight, style, scale, finish)
    if bands.is_faster(x, weight, up):
        return bands.convolve(x, weight, style, scale, partial(blur, gain=4.0) if up else None, finish)
    if weight.shape[2:] == (1, 1) and not up:
        # As a product of each sample with its own weights: a copy of x costs more than its three outputs. Gradients of
        # such products are slower than the convolution's, so trainings have none.
        x = torch.bmm(weight.flatten(1) * style[:, None], x.flatten(2)).unflatten(2, x.shape[2:])
    else:
        x = _convolve(x, weight, style, up)
    if scale is not None:
        x *= scale[:, :, None, None]
    if finish is not None:
        finish(x, slice(None), slice(None))
    return x


def _convolve(x: Tensor, weight: Tensor, style: Tensor, up: bool) -> Tensor:
    x = x * style[:, :, None, None]
    if not up:
        return F.conv2d(x, weight, padding=weight.shape[-1] // 2)
    x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)  # (2H + 1, 2W + 1)
    return blur(x, padding=1, gain=4.0)
