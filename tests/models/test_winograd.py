# SPDX-License-Identifier: MIT
"""Convolutions of frozen weights, by minimal filtering or in bands, equal the plain ones for all shapes and layouts."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING

import pytest
import torch
import torch.nn.functional as F

from latent_explorer.models import bands, winograd
from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.ops import blur
from latent_explorer.models.stylegan2 import Generator

if TYPE_CHECKING:
    from collections.abc import Callable


def plain(x: torch.Tensor, weight: torch.Tensor, style: torch.Tensor, scale: torch.Tensor, up: bool) -> torch.Tensor:
    x = x * style[:, :, None, None]
    if up:
        x = blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), padding=1, gain=4.0)
    else:
        x = F.conv2d(x, weight, padding=1)
    return x * scale[:, :, None, None]


def in_bands(
    x: torch.Tensor,
    weight: torch.Tensor,
    style: torch.Tensor,
    scale: torch.Tensor,
    finish: winograd.Finish | None = None,
) -> torch.Tensor:
    return bands.convolve(x, weight, style, scale, None, finish)


def doubled_in_bands(
    x: torch.Tensor,
    weight: torch.Tensor,
    style: torch.Tensor,
    scale: torch.Tensor,
    finish: winograd.Finish | None = None,
) -> torch.Tensor:
    return bands.convolve(x, weight, style, scale, partial(blur, gain=4.0), finish)


@pytest.mark.parametrize("convolve", [winograd.convolve, in_bands, doubled_in_bands])
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("n", "size"), [(1, (8, 8)), (3, (4, 12)), (5, (64, 32)), (1, (256, 128))])
def test_equals_the_plain_convolution(
    convolve: Callable[..., torch.Tensor],
    channels_last: bool,
    n: int,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bands, "_BAND_BYTES", 1 << 16)  # several, the last of them smaller
    torch.manual_seed(0)
    x, weight = torch.randn(n, 5, *size, dtype=torch.float64), torch.randn(7, 5, 3, 3, dtype=torch.float64)
    style, scale = torch.rand(n, 5, dtype=torch.float64), torch.rand(n, 7, dtype=torch.float64)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    up = convolve is doubled_in_bands
    seen = torch.zeros(n, size[0] * (1 + up), dtype=torch.int)

    def finish(band: torch.Tensor, pictures: slice, rows: slice) -> None:
        seen[pictures, rows] += 1
        band += 1

    got = convolve(x, weight, style, scale, finish)
    torch.testing.assert_close(got, plain(x, weight, style, scale, up) + 1, rtol=0, atol=1e-10)
    assert (seen == 1).all()  # every row is finished once


def test_rounds_little_in_single_precision() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(1, 256, 32, 32), torch.randn(64, 256, 3, 3)
    ones = torch.ones(1, 256), torch.ones(1, 64)
    for convolve in (winograd.convolve, in_bands, doubled_in_bands):
        up = convolve is doubled_in_bands
        exact = plain(x.double(), weight.double(), ones[0].double(), ones[1].double(), up)
        error = (convolve(x, weight, *ones) - exact).abs().max() / exact.abs().max()
        assert error < 1e-5


@pytest.mark.parametrize("up", [False, True])
def test_large_pictures_are_convolved_in_bands(up: bool) -> None:
    x, weight = torch.empty(1, 8, 256 // (1 + up), 256 // (1 + up)), torch.empty(8, 8, 3, 3)
    assert bands.is_faster(x, weight, up)
    assert not winograd.is_faster(x, weight)
    assert not bands.is_faster(x[:, :, 2:], weight, up)


@torch.no_grad()
def test_changed_weights_are_noticed() -> None:
    torch.manual_seed(0)
    config = GeneratorConfig((64, 64, 64), z_dim=4, w_dim=4, mapping_layers=1)
    generator = Generator(config).eval().requires_grad_(False)
    styles = generator.synthesis.styles(torch.randn(1, generator.num_ws, 4))
    layer = generator.synthesis.block(16).conv1
    assert winograd.is_faster(torch.empty(1, 64, 16, 16), layer.weight)
    before = generator.synthesis.render(styles)
    changed = copy.deepcopy(generator)
    changed.synthesis.block(16).conv1.weight[:, 3] *= 2.0  # after the copy, in place
    layer.weight[:, 3] *= 2.0
    after = generator.synthesis.render(styles)
    assert not torch.allclose(before, after, atol=1e-3)
    assert torch.equal(after, changed.synthesis.render(styles))
    fresh = Generator(config).eval().requires_grad_(False)
    fresh.load_state_dict(generator.state_dict())
    assert torch.equal(after, fresh.synthesis.render(styles))
    generator.load_state_dict({k: v * 0.5 for k, v in generator.state_dict().items()})
    assert not torch.allclose(after, generator.synthesis.render(styles), atol=1e-3)


def test_inference_equals_the_render_that_takes_gradients() -> None:
    torch.manual_seed(0)
    config = GeneratorConfig((64, 64, 64), z_dim=4, w_dim=4, mapping_layers=1, conv_clamp=2.0)
    generator = Generator(config).eval().requires_grad_(False)
    synthesis = generator.synthesis
    for name, parameter in synthesis.named_parameters():
        if name.endswith("noise_strength"):
            parameter.fill_(0.3)
    styles, noise = synthesis.styles(torch.randn(2, generator.num_ws, 4)), synthesis.noise_random(2)
    with_gradients = synthesis.render([style.clone().requires_grad_() for style in styles], noise)
    assert with_gradients.requires_grad
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            torch.testing.assert_close(synthesis.render(styles, noise), with_gradients.detach(), rtol=0, atol=1e-4)
