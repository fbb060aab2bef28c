# SPDX-License-Identifier: MIT
"""A second, slow implementation of the networks: float64 numpy, one sample at a time, loops as the formulas read.

Sources: StyleGAN2 (Karras et al. 2020): equations 1 to 3 for modulation and demodulation, appendix B for the skip
generator and the residual discriminator; Progressive GAN (Karras et al. 2018) for equalised learning rate and the
minibatch standard deviation; StylEx for the class probabilities behind every row of ws.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from latent_explorer.models.architecture import GeneratorConfig, TrunkConfig

FIR = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64.0
Parameters = dict[str, np.ndarray]  # a state dict


def lrelu(x: np.ndarray, clamp: float | None = None) -> np.ndarray:
    y = np.where(x > 0, x, 0.2 * x) * sqrt(2)
    return y if clamp is None else np.clip(y, -clamp, clamp)


def dense(p: Parameters, name: str, x: np.ndarray, lr_mul: float = 1.0) -> np.ndarray:
    """x (in,) -> (out,); weights are stored divided by lr_mul and scaled by lr_mul / sqrt(in)."""
    weight, bias = p[f"{name}.weight"], p[f"{name}.bias"]
    out = np.zeros(len(weight))
    for o in range(len(weight)):
        out[o] = np.sum(weight[o] * x) * lr_mul / sqrt(len(x)) + bias[o] * lr_mul
    return out


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.mean(x**2) + 1e-8)


def conv(x: np.ndarray, weight: np.ndarray, pad: int, stride: int = 1) -> np.ndarray:
    """Cross-correlation of (I, H, W) with (O, I, k, k), pixel by pixel."""
    k = weight.shape[-1]
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    rows = range(0, x.shape[1] - k + 1, stride)
    out = np.zeros((len(weight), len(rows), len(rows)))
    for o in range(len(weight)):
        for i, y in enumerate(rows):
            for j, z in enumerate(rows):
                out[o, i, j] = np.sum(weight[o] * x[:, y : y + k, z : z + k])
    return out


def fir(x: np.ndarray, before: int, after: int) -> np.ndarray:
    """Each channel of (C, H, W) filtered with 1-3-3-1, so many zeros before and after."""
    x = np.pad(x, ((0, 0), (before, after), (before, after)))
    size = x.shape[1] - 3
    out = np.zeros((len(x), size, size))
    for c in range(len(x)):
        for i in range(size):
            for j in range(size):
                out[c, i, j] = np.sum(FIR * x[c, i : i + 4, j : j + 4])
    return out


def double_image(x: np.ndarray) -> np.ndarray:
    """Zeros between the pixels, then the filter with gain 4."""
    channels, size, _ = x.shape
    spread = np.zeros((channels, 2 * size, 2 * size))
    spread[:, ::2, ::2] = x
    return fir(spread, 2, 1) * 4


def conv_up(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Each pixel spreads its 3x3 stamp over a grid of twice the size (transposed convolution), then the filter."""
    size = x.shape[1]
    out = np.zeros((len(weight), 2 * size + 1, 2 * size + 1))
    for o in range(len(weight)):
        for i in range(size):
            for j in range(size):
                stamp = np.sum(x[:, i, j][:, None, None] * weight[o], axis=0)
                out[o, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += stamp
    return fir(out, 1, 1) * 4


def modulate(weight: np.ndarray, style: np.ndarray, demodulate: bool) -> np.ndarray:
    """Equations 1 and 3: this sample's own weights."""
    out = np.array(weight)
    for o in range(len(weight)):
        for i in range(len(style)):
            out[o, i] = style[i] * weight[o, i]
        if demodulate:
            out[o] = out[o] / sqrt(np.sum(out[o] ** 2) + 1e-8)
    return out


def reference_mapping(p: Parameters, config: GeneratorConfig, z: np.ndarray, c: np.ndarray | None) -> np.ndarray:
    x = unit(z)
    if config.c_dim:
        x = np.concatenate([x, unit(dense(p, "mapping.embed", c))])
    for i in range(config.mapping_layers):
        x = lrelu(dense(p, f"mapping.fc{i}", x, config.mapping_lr_mul))
    return x


def reference_synthesis(
    p: Parameters, config: GeneratorConfig, ws: np.ndarray, cond: np.ndarray | None, noise: list[np.ndarray] | None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """One sample: ws (num_ws, w_dim), cond (K,), noise maps (H, W) -> img (3, H, W), styles of all layers."""
    styles: list[np.ndarray] = []

    def style(name: str, row: int) -> np.ndarray:
        w = ws[row] if cond is None else np.concatenate([ws[row], cond])
        styles.append(dense(p, f"synthesis.{name}.affine", w))
        return styles[-1]

    def layer(x: np.ndarray, name: str, row: int, up: bool) -> np.ndarray:
        weight = modulate(p[f"synthesis.{name}.weight"], style(name, row), demodulate=True)
        x = conv_up(x, weight) if up else conv(x, weight, pad=1)
        if noise is not None:
            x = x + p[f"synthesis.{name}.noise_strength"] * noise[len(used)]
        used.append(name)
        return lrelu(x + p[f"synthesis.{name}.bias"][:, None, None], config.conv_clamp)

    used: list[str] = []
    x, img, row = p["synthesis.b4.const"], None, 0
    for k in range(len(config.channels)):
        block = f"b{4 << k}"
        if k > 0:
            x = layer(x, f"{block}.conv0", row, up=True)
            row += 1
        x = layer(x, f"{block}.conv1", row, up=False)
        row += 1
        s = style(f"{block}.torgb", row) / sqrt(len(x))
        rgb = conv(x, modulate(p[f"synthesis.{block}.torgb.weight"], s, demodulate=False), pad=0)
        rgb = rgb + p[f"synthesis.{block}.torgb.bias"][:, None, None]
        if config.conv_clamp is not None:
            rgb = np.clip(rgb, -config.conv_clamp, config.conv_clamp)
        img = rgb if img is None else double_image(img) + rgb
    assert img is not None
    return img, styles


def equalized(p: Parameters, name: str) -> np.ndarray:
    weight = p[f"{name}.weight"]
    return weight / sqrt(weight[0].size)


def reference_trunk(p: Parameters, config: TrunkConfig, images: np.ndarray) -> np.ndarray:
    """img (N, 3, H, W) -> (N, outputs). A loop over samples, but for the one statistic that mixes them."""
    clamp = config.conv_clamp

    def bias(name: str) -> np.ndarray:
        return p[f"{name}.bias"][:, None, None]

    tops = []
    for image in images:
        x = lrelu(conv(image, equalized(p, "from_rgb"), 0) + bias("from_rgb"), clamp)
        for k in range(len(config.channels) - 1):
            name = f"blocks.{k}"
            y = lrelu(conv(x, equalized(p, f"{name}.conv0"), 1) + bias(f"{name}.conv0"), clamp)
            y = conv(fir(y, 2, 2), equalized(p, f"{name}.conv1"), 0, stride=2) + bias(f"{name}.conv1")
            y = lrelu(y) * sqrt(0.5)
            if clamp is not None:
                y = np.clip(y, -clamp * sqrt(0.5), clamp * sqrt(0.5))
            # The skip is not clamped: only what has an activation is (ada's mixed precision).
            half = fir(x, 1, 1)[:, ::2, ::2]
            x = y + conv(half, equalized(p, f"{name}.skip"), 0) * sqrt(0.5)
        tops.append(x)
    if config.minibatch_stddev:
        tops = with_stddev(tops)
    out = []
    for x in tops:
        x = lrelu(conv(x, equalized(p, "conv"), 1) + bias("conv"), clamp)
        out.append(dense(p, "out", lrelu(dense(p, "dense", x.reshape(-1)))))
    return np.array(out)


def with_stddev(tops: list[np.ndarray]) -> list[np.ndarray]:
    """Sample n belongs to group n mod (N / 4); the mean standard deviation in its group becomes a last channel."""
    n = len(tops)
    groups = n // 4 if n % 4 == 0 else 1
    out = []
    for index, x in enumerate(tops):
        group = np.array([tops[m] for m in range(n) if m % groups == index % groups])
        deviation = np.sqrt(np.mean((group - group.mean(axis=0)) ** 2, axis=0) + 1e-8)
        out.append(np.concatenate([x, np.full((1, *x.shape[1:]), deviation.mean())]))
    return out
