# SPDX-License-Identifier: MIT
"""A StylEx as Google released it, narrow and with random weights, and a second implementation of its networks.

The networks here take the variables by the names and in the layout of the release, and compute what StyleGAN2's
TensorFlow code describes, in another form than the package: an upsampling convolution is an ordinary one of the picture
with zeros between its pixels, weights are modulated, not activations, and padding is TensorFlow's "SAME".
"""

from __future__ import annotations

import pickle
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import saved_models
import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Variables = dict[str, np.ndarray]
PIXELS, W, K, Z = 32, 12, 2, 10
CHANNELS = {4: 10, 8: 9, 16: 6, 32: 5}
FILTER = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 64
BLOCKS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)  # of a MobileNet, pointwise channels
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
EPSILON = 1e-3


def generator_variables(seed: int = 0) -> Variables:
    rng = np.random.default_rng(seed)

    def normal(*shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * rng.normal(size=shape)).astype(np.float32)

    out = {"dlatent_avg": normal(W)}
    for i in range(3):
        out[f"generator/generator_mapping/Dense{i}/MappingDense_{i}"] = normal(Z if i == 0 else W, W, scale=100)
        out[f"generator/generator_mapping/DenseBiasAct{i}/MappingBias_{i}"] = normal(1, W, scale=20)
    synthesis, styles = "generator_synthesis", "generator_style_calculator"

    def layer(name: str, kernel: tuple[int, ...], style: str, noise: int | None) -> None:
        rgb = noise is None
        out[f"{synthesis}/{name}/ModulatedConv2D/weight"] = normal(*kernel)
        bias = "FusedBiasActivation/ToRGBBiasAct" if rgb else "FusedBiasAct/BiasAct"
        out[f"{synthesis}/{name}/{bias}"] = normal(1, kernel[3], 1, 1, scale=0.3)
        out[f"{styles}/StyleVector{style}/StyleGAN2Dense/weight"] = normal(W + K, kernel[2])
        out[f"{styles}/StyleVector{style}/FusedBiasActivation/bias"] = normal(1, kernel[2], scale=0.3)
        if noise is not None:
            out[f"{synthesis}/{name}/NoiseStrength"] = np.float32(rng.normal()).reshape(())
            size = 4 << (noise + 1) // 2
            out[f"Noise{noise}"] = normal(1, 1, size, size)

    before = CHANNELS[4]
    out[f"{synthesis}/ConstBlock4x4/Const4x4"] = normal(1, before, 4, 4)
    layer("ConstBlock4x4/GeneratorLayer4x4", (3, 3, before, before), "Const", 0)
    layer("ToRGB4x4", (1, 1, before, 3), "ConstRGB", None)
    for k, size in enumerate((8, 16, 32)):
        width = CHANNELS[size]
        layer(f"GeneratorBlock{size}x{size}/Conv0Up", (3, 3, before, width), f"{k}_0", 2 * k + 1)
        layer(f"GeneratorBlock{size}x{size}/Conv1", (3, 3, width, width), f"{k}_1", 2 * k + 2)
        layer(f"ToRGB{size}x{size}", (1, 1, width, 3), f"RGB{k}", None)
        before = width
    return out


def trunk_variables(scope: str, word: str, outputs: int, stddev: bool, seed: int = 1) -> Variables:
    """Return the variables of an encoder ("encoder", "Encoder") or a discriminator."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    def bias(width: int) -> np.ndarray:
        return 0.3 * normal(1, width, 1, 1)

    first, last, hidden = CHANNELS[PIXELS], CHANNELS[4], 11
    out = {
        f"{scope}/{word}FromRGB{PIXELS}x{PIXELS}/StyleGAN2Conv2D/weight": normal(1, 1, 3, first),
        f"{scope}/{word}FromRGB{PIXELS}x{PIXELS}/FusedBiasActivation/FromRGBBias": bias(first),
    }
    for size in (32, 16, 8):
        name, width, after = f"{scope}/{word}Block{size}x{size}", CHANNELS[size], CHANNELS[size // 2]
        out[f"{name}/Conv0/weight"] = normal(3, 3, width, width)
        out[f"{name}/Conv0Bias/BiasAct0"] = bias(width)
        out[f"{name}/Conv1Down/weight"] = normal(3, 3, width, after)
        out[f"{name}/Conv1DownBiasAct/BiasAct1"] = bias(after)
        out[f"{name}/Skip/weight"] = normal(1, 1, width, after)
    out[f"{scope}/Conv4x4/weight"] = normal(3, 3, last + stddev, last)
    out[f"{scope}/{word}ConvBiasAct4x4/ConvBiasAct4x4"] = bias(last)
    out[f"{scope}/{word}Dense4x4/weight"] = normal(last * 16, hidden)
    out[f"{scope}/{word}DenseBiasAct4x4/DenseBiasAct4x4"] = 0.3 * normal(1, hidden)
    out[f"{scope}/style_gan2_dense/weight"] = normal(hidden, outputs)
    out[f"{scope}/{word}OutputBiasAct/OutputBiasAct"] = 0.3 * normal(1, outputs)
    return out


def classifier_variables(seed: int = 2) -> tuple[Variables, list[str]]:
    """Return the variables of a MobileNet under the names that Keras gives, and those that are trained."""
    rng = np.random.default_rng(seed)
    out: Variables = {}
    trained: list[str] = []

    def convolution(kernel: str, shape: tuple[int, ...], fan_in: int, number: int) -> None:
        width = shape[2] if "depthwise" in kernel else shape[3]
        out[kernel] = (rng.normal(size=shape) * sqrt(2 / fan_in)).astype(np.float32)
        norm = f"batch_normalization_{number}"
        for part, values in (
            ("gamma", rng.uniform(0.8, 1.3, width)),
            ("beta", rng.normal(0, 0.2, width)),
            ("moving_mean", rng.normal(0, 0.2, width)),
            ("moving_variance", rng.uniform(0.5, 1.5, width)),
        ):
            out[f"{norm}/{part}"] = values.astype(np.float32)
        trained.extend([kernel, f"{norm}/gamma", f"{norm}/beta"])

    convolution("conv2d/kernel", (3, 3, 3, 32), 27, 0)
    before = 32
    for i, width in enumerate(BLOCKS):
        convolution(f"depthwise_conv2d_{i}/depthwise_kernel", (3, 3, before, 1), 9, 2 * i + 1)
        convolution(f"conv2d_{i + 1}/kernel", (1, 1, before, width), before, 2 * i + 2)
        before = width
    out["conv2d_14/kernel"] = (rng.normal(size=(1, 1, before, K)) / 8).astype(np.float32)
    out["conv2d_14/bias"] = np.array([0.1, -0.2], np.float32)
    return out, [*trained, "conv2d_14/kernel", "conv2d_14/bias"]


def latents(count: int = 6, seed: int = 3) -> np.ndarray:
    """Return latents (N, W + K), whose last numbers are probabilities."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.05, 0.95, (count, 1))
    return np.hstack([rng.normal(size=(count, W)), p, 1 - p]).astype(np.float32)


def operations(activation: str = "Relu6") -> list[tuple[str, float | None]]:
    return [("Conv2D", None), ("FusedBatchNormV3", EPSILON), (activation, None), ("DepthwiseConv2dNative", None)]


def write_generator(folder: Path) -> None:
    """Write the generator's SavedModel into a folder."""
    variables = generator_variables()
    saved_models.write_objects(folder / "variables", variables, variables)
    saved_models.write_graph(folder, [])


def records(latents: np.ndarray, base_logits: np.ndarray, effects: np.ndarray) -> bytes:
    """Return the file of effects (N, 2, S, K), which holds them in the order (S, 2, K)."""
    return b"".join(
        saved_models.record({"base_prob": base, "dlatent": w, "result": table.transpose(1, 0, 2).ravel()})
        for w, base, table in zip(latents, base_logits, effects, strict=True)
    )


def write_release(folder: Path, activation: str = "Relu6") -> None:
    """Write all SavedModels, and the latents, into a folder."""
    write_generator(folder / "generator.savedmodel")
    networks = {
        "encoder": trunk_variables("encoder", "Encoder", W, stddev=False),
        "discriminator": trunk_variables("discriminator_1", "Discriminator", K, stddev=True, seed=4),
    }
    for name, variables in networks.items():
        part = folder / f"{name}.savedmodel"
        saved_models.write_objects(part / "variables", variables, variables)
        saved_models.write_graph(part, [])
    part = folder / "mobilenet.savedmodel"
    variables, trained = classifier_variables()
    saved_models.write_objects(part / "variables", variables, trained)
    saved_models.write_graph(part, operations(activation))
    pairs = [(1000 + i, row[None]) for i, row in enumerate(latents())]
    (folder / "dlatents.pkl").write_bytes(pickle.dumps(pairs, 2))


# ------------------------------------------------------------------------------------- the second implementation


def _t(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array, np.float64))


def lrelu(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x) * sqrt(2)


def fir(x: Tensor, before: int, after: int, gain: float = 1.0) -> Tensor:
    """Filter each channel of (N, C, H, W) with 1-3-3-1."""
    n, c, h, w = x.shape
    x = F.pad(x, (before, after, before, after)).reshape(n * c, 1, h + before + after, w + before + after)
    y = F.conv2d(x, FILTER.double()[None, None] * gain)
    return y.reshape(n, c, *y.shape[2:])


def spread(x: Tensor) -> Tensor:
    """Return (N, C, 2H, 2W): the pixels of x with zeros between and behind them."""
    out = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    out[:, :, ::2, ::2] = x
    return out


def correlate(x: Tensor, kernel: Tensor, stride: int = 1, pad: int = 1) -> Tensor:
    """TensorFlow's convolution with a kernel (height, width, in, out)."""
    return F.conv2d(x, kernel.permute(3, 2, 0, 1), stride=stride, padding=pad)


def styles_of(v: Variables, latent: np.ndarray) -> dict[str, Tensor]:
    """Return the styles (N, channels) of latents (N, W + K), by the numbers of the style vectors."""
    root, out = "generator_style_calculator/StyleVector", {}
    for name in v:
        if name.startswith(root) and name.endswith("weight"):
            key = name[len(root) :].split("/")[0]
            bias = _t(v[f"{root}{key}/FusedBiasActivation/bias"])
            out[key] = _t(latent) @ _t(v[name]) / sqrt(latent.shape[1]) + bias + 1
    return out


def modulated(v: Variables, name: str, x: Tensor, style: Tensor, up: bool, rgb: bool) -> Tensor:
    """Each picture with weights of its own, as groups of one convolution."""
    kernel = _t(v[f"generator_synthesis/{name}/ModulatedConv2D/weight"])
    weight = kernel * style[:, None, None, :, None]  # (N, height, width, in, out)
    if rgb:
        weight = weight / sqrt(kernel.shape[2])
    else:
        weight = weight / torch.sqrt((weight**2).sum(dim=(1, 2, 3), keepdim=True) + 1e-8)
    if up:
        x = F.pad(spread(x), (2, 1, 2, 1))
    weight = weight.permute(0, 4, 3, 1, 2).flatten(0, 1)
    pad = 0 if up or rgb else 1
    y = F.conv2d(x.reshape(1, -1, *x.shape[2:]), weight, padding=pad, groups=len(x))
    y = y.reshape(len(x), -1, *y.shape[2:])
    return fir(y, 1, 1, 4.0) if up else y  # (2H + 1, 2W + 1) -> (2H, 2W)


CONVOLUTIONS = ("Const", "0_0", "0_1", "1_0", "1_1", "2_0", "2_1")  # the style vectors that AttFind searches


def style_vector(v: Variables, latent: np.ndarray) -> np.ndarray:
    """Return the styles (N, S) of the convolutions, one layer after another."""
    s = styles_of(v, latent)
    return torch.cat([s[key] for key in CONVOLUTIONS], dim=1).numpy()


def synthesis(v: Variables, latent: np.ndarray, moved: Mapping[int, np.ndarray] | None = None) -> Tensor:
    """Latents (N, W + K) -> pictures (N, 3, H, W). `moved` are values (N,) of styles, by their numbers in `s`."""
    s = styles_of(v, latent)
    for number, values in (moved or {}).items():
        keys = iter(CONVOLUTIONS)
        key = next(keys)
        while number >= s[key].shape[1]:
            number -= s[key].shape[1]
            key = next(keys)
        s[key][:, number] = torch.from_numpy(np.array(values, np.float64))

    def layer(name: str, x: Tensor, style: Tensor, noise: int, up: bool = False) -> Tensor:
        x = modulated(v, name, x, style, up, rgb=False)
        x = x + _t(v[f"Noise{noise}"]) * _t(v[f"generator_synthesis/{name}/NoiseStrength"])
        return lrelu(x + _t(v[f"generator_synthesis/{name}/FusedBiasAct/BiasAct"]))

    def rgb(size: int, x: Tensor, style: Tensor) -> Tensor:
        bias = _t(v[f"generator_synthesis/ToRGB{size}x{size}/FusedBiasActivation/ToRGBBiasAct"])
        return modulated(v, f"ToRGB{size}x{size}", x, style, up=False, rgb=True) + bias

    x = _t(v["generator_synthesis/ConstBlock4x4/Const4x4"]).repeat(len(latent), 1, 1, 1)
    x = layer("ConstBlock4x4/GeneratorLayer4x4", x, s["Const"], 0)
    img = rgb(4, x, s["ConstRGB"])
    for k, size in enumerate((8, 16, 32)):
        x = layer(f"GeneratorBlock{size}x{size}/Conv0Up", x, s[f"{k}_0"], 2 * k + 1, up=True)
        x = layer(f"GeneratorBlock{size}x{size}/Conv1", x, s[f"{k}_1"], 2 * k + 2)
        img = fir(spread(img), 2, 1, 4.0) + rgb(size, x, s[f"RGB{k}"])
    return img


def mapping(v: Variables, z: np.ndarray) -> Tensor:
    x = _t(z)
    x = x / torch.sqrt((x**2).mean(dim=1, keepdim=True) + 1e-8)
    for i in range(3):
        weight = _t(v[f"generator/generator_mapping/Dense{i}/MappingDense_{i}"])
        bias = _t(v[f"generator/generator_mapping/DenseBiasAct{i}/MappingBias_{i}"])
        x = lrelu(x @ weight * 0.01 / sqrt(len(weight)) + bias * 0.01)
    return x


def trunk(v: Variables, img: np.ndarray, scope: str, word: str) -> Tensor:
    """Pictures (N, 3, H, W) -> (N, outputs) of an encoder or discriminator."""

    def conv(name: str, x: Tensor, down: bool = False) -> Tensor:
        kernel = _t(v[f"{scope}/{name}/weight"])
        kernel = kernel / sqrt(np.prod(kernel.shape[:3]))
        size = len(kernel)
        if not down:
            return correlate(x, kernel, pad=size // 2)
        before = (3 + size - 2 + 1) // 2
        return correlate(fir(x, before, (3 + size - 2) // 2), kernel, stride=2, pad=0)

    first = f"{word}FromRGB{PIXELS}x{PIXELS}"
    x = lrelu(conv(f"{first}/StyleGAN2Conv2D", _t(img)) + _t(v[f"{scope}/{first}/FusedBiasActivation/FromRGBBias"]))
    for size in (32, 16, 8):
        name = f"{word}Block{size}x{size}"
        y = lrelu(conv(f"{name}/Conv0", x) + _t(v[f"{scope}/{name}/Conv0Bias/BiasAct0"]))
        y = lrelu(conv(f"{name}/Conv1Down", y, down=True) + _t(v[f"{scope}/{name}/Conv1DownBiasAct/BiasAct1"]))
        x = (y + conv(f"{name}/Skip", x, down=True)) / sqrt(2)
    if v[f"{scope}/Conv4x4/weight"].shape[2] > x.shape[1]:
        statistic = torch.sqrt(x.var(dim=0, unbiased=False) + 1e-8).mean()
        x = torch.cat([x, statistic.expand(len(x), 1, 4, 4)], dim=1)
    x = lrelu(conv("Conv4x4", x) + _t(v[f"{scope}/{word}ConvBiasAct4x4/ConvBiasAct4x4"])).flatten(1)

    def dense(weight: str, bias: str, x: Tensor) -> Tensor:
        return x @ _t(v[f"{scope}/{weight}/weight"]) / sqrt(x.shape[1]) + _t(v[f"{scope}/{bias}"])

    x = lrelu(dense(f"{word}Dense4x4", f"{word}DenseBiasAct4x4/DenseBiasAct4x4", x))
    return dense("style_gan2_dense", f"{word}OutputBiasAct/OutputBiasAct", x)


def same(x: Tensor, size: int, stride: int) -> Tensor:
    """Padding as TensorFlow's "SAME": what is odd goes behind."""
    total = max((-(-x.shape[-1] // stride) - 1) * stride + size - x.shape[-1], 0)
    return F.pad(x, (total // 2, total - total // 2) * 2)


def mobilenet(v: Variables, img: Tensor, top: float = 6.0) -> Tensor:
    """Pictures (N, 3, H, W) in [-1, 1] -> logits (N, K); `top` is where the activation ends."""

    def norm(number: int, x: Tensor) -> Tensor:
        g, b, m, s = (
            _t(v[f"batch_normalization_{number}/{part}"])[:, None, None]
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return ((x - m) / torch.sqrt(s + EPSILON) * g + b).clamp(0, top)

    x = norm(0, correlate(same(img.double(), 3, 2), _t(v["conv2d/kernel"]), stride=2, pad=0))
    for i, stride in enumerate(STRIDES):
        kernel = _t(v[f"depthwise_conv2d_{i}/depthwise_kernel"])
        x = F.conv2d(same(x, 3, stride), kernel.permute(2, 3, 0, 1), stride=stride, groups=x.shape[1])
        x = norm(2 * i + 1, x)
        x = norm(2 * i + 2, correlate(x, _t(v[f"conv2d_{i + 1}/kernel"]), pad=0))
    return x.mean(dim=(2, 3)) @ _t(v["conv2d_14/kernel"])[0, 0] + _t(v["conv2d_14/bias"])
