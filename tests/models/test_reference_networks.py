# SPDX-License-Identifier: MIT
"""Networks compared with a slow reference (tests/helpers/reference_networks.py), in float64, to 1e-5."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from reference_networks import Parameters, reference_mapping, reference_synthesis, reference_trunk

from latent_explorer.models.architecture import GeneratorConfig, TrunkConfig
from latent_explorer.models.discriminator import Discriminator, Encoder
from latent_explorer.models.stylegan2 import Generator, truncate

TOLERANCE = {"rtol": 0.0, "atol": 1e-5}
CHANNELS = (5, 4, 3)  # 4, 8 and 16 px; all different, so transpositions show


def shaken(network: torch.nn.Module) -> torch.nn.Module:
    """Return the network in float64, with no tensor left at its initial zeros or ones."""
    network.double().requires_grad_(False)
    for tensor in network.state_dict().values():
        tensor += 0.3 * torch.randn(tensor.shape, dtype=torch.float64)
    return network


def parameters(network: torch.nn.Module) -> Parameters:
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def generator_of(num_classes: int, c_dim: int, clamp: float | None = None) -> Generator:
    torch.manual_seed(num_classes + 10 * c_dim)
    config = GeneratorConfig(
        CHANNELS, z_dim=6, w_dim=7, c_dim=c_dim, num_classes=num_classes, mapping_layers=3, conv_clamp=clamp
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
        reference_mapping(parameters(generator), generator.config, z[n].numpy(), None if c is None else c[n].numpy())
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
    np.testing.assert_allclose(generator.ws_from_z(z, psi=psi, cutoff=cutoff), expected, **TOLERANCE)
    ws = generator.broadcast(generator.mapping(z))
    np.testing.assert_allclose(truncate(ws, generator.mapping.w_avg, psi, cutoff), expected, **TOLERANCE)


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
        "own": [random(2, 1, layer.resolution, layer.resolution) for layer in synthesis.layout.conv_layers],
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
    _, styles = reference_synthesis(parameters(generator), generator.config, ws[0].numpy(), cond[0].numpy(), None)
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
        network.score(img), reference_trunk(parameters(network), config, img.numpy())[:, 0], **TOLERANCE
    )


@pytest.mark.parametrize("clamp", [None, 0.8])
def test_encoder(clamp: float | None) -> None:
    torch.manual_seed(1)
    config = TrunkConfig(CHANNELS, outputs=7, hidden=6, conv_clamp=clamp)
    network = shaken(Encoder(config))
    img = random(3, 3, 16, 16)
    np.testing.assert_allclose(network(img), reference_trunk(parameters(network), config, img.numpy()), **TOLERANCE)
    # Samples do not influence each other.
    np.testing.assert_allclose(network(img)[:1], network(img[:1]), **TOLERANCE)
