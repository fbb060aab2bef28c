# SPDX-License-Identifier: MIT
"""Imported generators render the same pictures as their sources; other files are refused with a message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.importers.generators import nvidia, rosinality
from latent_explorer.models.stylegan2 import Generator

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

CONFIG = GeneratorConfig((6, 5, 4), z_dim=7, w_dim=8, mapping_layers=2)
TOLERANCE = {"rtol": 0.0, "atol": 1e-4}


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return a pack's state dict and its reference inputs and outputs."""
    if not path.is_file():
        pytest.skip(f"{path.name} is not there")
    with np.load(path, allow_pickle=False) as pack:
        arrays = {name: torch.from_numpy(pack[name]) for name in pack.files}
    state = {k.removeprefix("state."): v for k, v in arrays.items() if k.startswith("state.")}
    return state, {k: v for k, v in arrays.items() if not k.startswith("state.")}


def ada_state(config: GeneratorConfig) -> dict[str, Tensor]:
    """Return the state dict that NVIDIA's code would have for a random generator of ours."""
    torch.manual_seed(0)
    state = dict(Generator(config).state_dict())
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    for name in [n for n in state if re.search(r"conv[01]\.weight", n)]:
        state[name.replace("weight", "resample_filter")] = torch.outer(taps, taps) / 64
    return state


def rosinality_state(config: GeneratorConfig, generator: Generator | None = None) -> dict[str, Tensor]:
    """Return the state dict that rosinality's code would have for a generator (names mapped backwards)."""
    ours = (generator or Generator(config)).state_dict()
    state: dict[str, Tensor] = {"input.input": ours["synthesis.b4.const"][None]}
    for i in range(config.mapping_layers):
        for part in ("weight", "bias"):
            state[f"style.{i + 1}.{part}"] = ours[f"mapping.fc{i}.{part}"]
    for layer in config.layout.layers:
        k = layer.resolution.bit_length() - 4
        number = 2 * k + (0 if layer.name.endswith("conv0") else 1)
        conv = "conv1" if k < 0 else f"convs.{number}"
        name = conv if layer.kind == "conv" else "to_rgb1" if k < 0 else f"to_rgbs.{k}"
        source = f"synthesis.{layer.name}"
        weight = ours[f"{source}.weight"]
        state[f"{name}.conv.modulation.weight"] = ours[f"{source}.affine.weight"]
        state[f"{name}.conv.modulation.bias"] = ours[f"{source}.affine.bias"]
        if layer.kind == "conv":
            state[f"{name}.conv.weight"] = weight[None] * (weight[0].numel() ** 0.5)
            state[f"{name}.activate.bias"] = ours[f"{source}.bias"]
            state[f"{name}.noise.weight"] = ours[f"{source}.noise_strength"][None]
            index = 0 if k < 0 else number + 1
            state[f"noises.noise_{index}"] = ours[f"{source}.noise_const"][None, None]
        else:
            state[f"{name}.conv.weight"] = weight[None]
            state[f"{name}.bias"] = ours[f"{source}.bias"].reshape(1, 3, 1, 1)
    return state


def test_nvidia_checkpoint_renders_what_its_source_renders(shared_data: Path) -> None:
    state, known = load(shared_data / "checkpoints" / "nvidia-ada-32.npz")
    generator = nvidia.generator_from_state(state)
    assert generator.config == GeneratorConfig((48, 48, 32, 16), 64, 64, mapping_layers=3)
    ws = generator.ws_from_z(known["z"], psi=0.7)
    torch.testing.assert_close(ws, known["ws_psi07"], **TOLERANCE)
    plain = generator.synthesis(known["ws_psi07"])
    torch.testing.assert_close(plain, known["img_noise_none"], **TOLERANCE)
    noisy = generator.synthesis(known["ws_psi07"], noise=generator.synthesis.noise_const())
    torch.testing.assert_close(noisy, known["img_noise_const"], **TOLERANCE)
    assert (noisy - plain).abs().max() > 0.01  # the noise is really in it


def test_rosinality_checkpoint_renders_what_its_source_renders(shared_data: Path) -> None:
    state, known = load(shared_data / "checkpoints" / "rosinality-32.npz")
    generator = rosinality.generator_from_state(state, known["latent_avg"])
    assert generator.config == GeneratorConfig((40, 40, 40, 40), 64, 64, mapping_layers=3)
    ws = generator.ws_from_z(known["z"], psi=0.7)
    torch.testing.assert_close(ws, known["ws_psi07"], **TOLERANCE)
    img = generator.synthesis(known["ws_psi07"], noise=generator.synthesis.noise_const())
    torch.testing.assert_close(img, known["img_noise_const"], **TOLERANCE)


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        GeneratorConfig((4, 4, 3), z_dim=5, w_dim=6, c_dim=3, mapping_layers=1),
        GeneratorConfig((8, 8, 8, 6, 4), z_dim=4, w_dim=4, mapping_layers=8),
    ],
)
def test_nvidia_sizes_are_read_off_the_shapes(config: GeneratorConfig) -> None:
    state = ada_state(config)
    generator = nvidia.generator_from_state(state)
    assert generator.config == config
    assert not generator.training
    for name, tensor in generator.state_dict().items():
        assert torch.equal(tensor, state[name])
    assert nvidia.can_import(state)
    assert not rosinality.can_import(state)


def test_rosinality_names_are_understood() -> None:
    state = rosinality_state(CONFIG)
    assert rosinality.can_import(state)
    assert not nvidia.can_import(state)
    first = rosinality.generator_from_state(state)
    assert first.config == CONFIG
    z = torch.randn(4000, 7)
    torch.testing.assert_close(first.mapping.w_avg, first.mapping(z).mean(dim=0), rtol=0, atol=0.1)
    bare = {k: v for k, v in state.items() if not k.startswith("noises.")}
    second, third = (rosinality.generator_from_state(bare, torch.ones(8)) for _ in range(2))
    assert torch.equal(second.mapping.w_avg, torch.ones(8))
    for one, other in zip(second.synthesis.noise_const(), third.synthesis.noise_const(), strict=True):
        assert torch.equal(one, other)


def without(name: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k: v for k, v in state.items() if k != name}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: without("synthesis.b8.conv0.weight", s), "b8.conv0.weight is missing"),
        (lambda s: without("mapping.w_avg", s), "w_avg is missing"),
        (lambda s: without("synthesis.b8.torgb.weight", s), "skip"),
        (lambda s: {k: v for k, v in s.items() if ".b8." not in k}, "blocks for"),
        (lambda s: {k: v for k, v in s.items() if k.startswith("mapping")}, "blocks for"),
        (lambda s: s | {"synthesis.b4.extra": torch.zeros(2)}, "does not have"),
        (lambda s: s | {"mapping.w_avg": torch.zeros(9)}, "shape"),
        (lambda s: s | {"mapping.w_avg": torch.full((8,), torch.nan)}, "finite"),
        (lambda s: s | {"mapping.fc0.weight": torch.zeros(8)}, "shape"),
        (lambda s: s | {"synthesis.b8.conv0.resample_filter": torch.ones(4, 4)}, "1-3-3-1"),
        (lambda s: s | {"synthesis.input.weight": torch.zeros(2)}, "StyleGAN3"),
        (lambda s: {}, "blocks for"),
    ],
)
def test_wrong_nvidia_states_end_in_a_sentence(change, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        nvidia.generator_from_state(change(ada_state(CONFIG)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: without("convs.2.conv.weight", s), "convs.2.conv.weight is missing"),
        (lambda s: without("to_rgbs.0.bias", s), "to_rgbs.0.bias is missing"),
        (lambda s: without("input.input", s), "input.input is missing"),
        (lambda s: {}, "style.1.weight is missing"),
        (lambda s: s | {"noises.noise_1": torch.zeros(3)}, "shape"),
        (lambda s: s | {"conv1.noise.weight": torch.zeros(3)}, "shape"),
        (lambda s: s | {"input.input": torch.zeros(0, 6, 4, 4)}, "shape"),
        (lambda s: s | {"conv1.conv.weight": torch.zeros(1, 6, 0, 3, 3)}, "shape"),
        (lambda s: s | {"convs.0.conv.blur.kernel": torch.ones(4, 4)}, "1-3-3-1"),
    ],
)
def test_wrong_rosinality_states_end_in_a_sentence(change, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        rosinality.generator_from_state(change(rosinality_state(CONFIG)))
