# SPDX-License-Identifier: MIT
"""The networks against a second, slow implementation: float64, one sample at a time, loops as the formulas read.

Sources: StyleGAN2 (Karras et al. 2020): equations 1 to 3 for modulation and demodulation, appendix B for the skip
generator and the residual discriminator; Progressive GAN (Karras et al. 2018) for equalised learning rate and the
minibatch standard deviation; StylEx for the class probabilities behind every row of ws.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
import torch

from latent_explorer.models.architecture import GeneratorConfig, TrunkConfig
from latent_explorer.models.discriminator import Discriminator
from latent_explorer.models.encoder import Encoder
from latent_explorer.models.stylegan2 import Generator, truncate

TOLERANCE = {"rtol": 0.0, "atol": 1e-5}
CHANNELS = (5, 4, 3)  # 4, 8 and 16 px; all different, so that no transposition can hide
FIR = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64.0
Parameters = dict[str, np.ndarray]


# ---------------------------------------------------------------------------------- the reference


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


def reference_mapping(
    p: Parameters, config: GeneratorConfig, z: np.ndarray, c: np.ndarray | None
) -> np.ndarray:
    x = unit(z)
    if config.c_dim:
        x = np.concatenate([x, unit(dense(p, "mapping.embed", c))])
    for i in range(config.mapping_layers):
        x = lrelu(dense(p, f"mapping.fc{i}", x, config.mapping_lr_mul))
    return x


def reference_synthesis(
    p: Parameters,
    config: GeneratorConfig,
    ws: np.ndarray,
    cond: np.ndarray | None,
    noise: list[np.ndarray] | None,
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
            y = conv(fir(y, 2, 2), equalized(p, f"{name}.conv1"), 0, stride=2) + bias(
                f"{name}.conv1"
            )
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


# ---------------------------------------------------------------------------------- the comparison


def shaken(network: torch.nn.Module) -> torch.nn.Module:
    """In float64, with nothing left at its initial zero or one."""
    network.double().requires_grad_(False)
    for tensor in network.state_dict().values():
        tensor += 0.3 * torch.randn(tensor.shape, dtype=torch.float64)
    return network


def parameters(network: torch.nn.Module) -> Parameters:
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def generator_of(num_classes: int, c_dim: int, clamp: float | None = None) -> Generator:
    torch.manual_seed(num_classes + 10 * c_dim)
    config = GeneratorConfig(
        CHANNELS,
        z_dim=6,
        w_dim=7,
        c_dim=c_dim,
        num_classes=num_classes,
        mapping_layers=3,
        conv_clamp=clamp,
    )
    network = shaken(Generator(config))
    assert isinstance(network, Generator)
    return network


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


CASES = [(0, 0), (2, 0), (3, 0), (0, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(("num_classes", "c_dim"), CASES)
def test_mapping(num_classes: int, c_dim: int) -> None:
    generator = generator_of(num_classes, c_dim)
    z, c = random(3, 6), random(3, c_dim) if c_dim else None
    expected = [
        reference_mapping(
            parameters(generator),
            generator.config,
            z[n].numpy(),
            None if c is None else c[n].numpy(),
        )
        for n in range(3)
    ]
    got = generator.mapping(z, c)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(got, expected, **TOLERANCE)


@pytest.mark.parametrize("psi", [-0.5, 0.0, 0.7, 1.0, 1.5])
@pytest.mark.parametrize("cutoff", [None, 0, 2, 6])
def test_truncation(psi: float, cutoff: int | None) -> None:
    generator = generator_of(0, 0)
    z = random(2, 6)
    average = generator.mapping.w_avg.numpy()
    expected = np.zeros((2, generator.num_ws, 7))
    for n in range(2):
        w = reference_mapping(parameters(generator), generator.config, z[n].numpy(), None)
        for row in range(generator.num_ws):
            reached = cutoff is None or row < cutoff
            expected[n, row] = average + psi * (w - average) if reached else w
    np.testing.assert_allclose(
        generator.ws_from_z(z, psi=psi, cutoff=cutoff), expected, **TOLERANCE
    )
    ws = generator.broadcast(generator.mapping(z))
    np.testing.assert_allclose(
        truncate(ws, generator.mapping.w_avg, psi, cutoff), expected, **TOLERANCE
    )


@pytest.mark.parametrize("noise_mode", ["none", "const", "own"])
@pytest.mark.parametrize("clamp", [None, 0.8])
@pytest.mark.parametrize("num_classes", [0, 2, 3])
def test_synthesis(num_classes: int, clamp: float | None, noise_mode: str) -> None:
    generator = generator_of(num_classes, 0, clamp)
    synthesis, config = generator.synthesis, generator.config
    ws = random(2, generator.num_ws, 7)
    cond = random(2, num_classes).softmax(dim=1) if num_classes else None
    maps = {
        "none": None,
        "const": synthesis.noise_const(),
        "own": [
            random(2, 1, layer.resolution, layer.resolution)
            for layer in synthesis.layout.conv_layers
        ],
    }[noise_mode]
    img = synthesis(ws, cond, maps)
    styles = synthesis.styles(ws, cond)
    assert img.shape == (2, 3, 16, 16)
    for n in range(2):
        expected, expected_styles = reference_synthesis(
            parameters(generator),
            config,
            ws[n].numpy(),
            None if cond is None else cond[n].numpy(),
            None if maps is None else [m[n % len(m), 0].numpy() for m in maps],
        )
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(img[n], expected, **TOLERANCE)
        assert len(styles) == len(expected_styles) == len(synthesis.layout.layers)
        for got, wanted in zip(styles, expected_styles, strict=True):
            np.testing.assert_allclose(got[n], wanted, **TOLERANCE)


def test_style_vector_holds_the_convolutions_in_synthesis_order() -> None:
    generator = generator_of(2, 0)
    ws, cond = random(1, generator.num_ws, 7), random(1, 2)
    _, styles = reference_synthesis(
        parameters(generator), generator.config, ws[0].numpy(), cond[0].numpy(), None
    )
    # b4: conv1, torgb; then conv0, conv1, torgb
    expected = np.concatenate([s for i, s in enumerate(styles) if i not in (1, 4, 7)])
    s = generator.synthesis.join(generator.synthesis.styles(ws, cond))
    np.testing.assert_allclose(s[0], expected, **TOLERANCE)


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("clamp", [None, 0.8])
def test_discriminator(batch: int, clamp: float | None) -> None:
    torch.manual_seed(batch)
    config = TrunkConfig(CHANNELS, outputs=3, hidden=6, minibatch_stddev=True, conv_clamp=clamp)
    network = shaken(Discriminator(config))
    assert isinstance(network, Discriminator)
    img, cond = random(batch, 3, 16, 16), random(batch, 3).softmax(dim=1)
    expected = reference_trunk(parameters(network), config, img.numpy())
    np.testing.assert_allclose(network(img), expected, **TOLERANCE)
    scores = [np.sum(expected[n] * cond[n].numpy()) for n in range(batch)]
    np.testing.assert_allclose(network.score(img, cond), scores, **TOLERANCE)


def test_unconditional_discriminator_has_one_score() -> None:
    torch.manual_seed(0)
    config = TrunkConfig(CHANNELS, outputs=1, hidden=6, minibatch_stddev=True)
    network = shaken(Discriminator(config))
    assert isinstance(network, Discriminator)
    img = random(4, 3, 16, 16)
    np.testing.assert_allclose(
        network.score(img),
        reference_trunk(parameters(network), config, img.numpy())[:, 0],
        **TOLERANCE,
    )


@pytest.mark.parametrize("clamp", [None, 0.8])
def test_encoder(clamp: float | None) -> None:
    torch.manual_seed(1)
    config = TrunkConfig(CHANNELS, outputs=7, hidden=6, conv_clamp=clamp)
    network = shaken(Encoder(config))
    img = random(3, 3, 16, 16)
    np.testing.assert_allclose(
        network(img), reference_trunk(parameters(network), config, img.numpy()), **TOLERANCE
    )
    # Samples do not see each other.
    np.testing.assert_allclose(network(img)[:1], network(img[:1]), **TOLERANCE)
