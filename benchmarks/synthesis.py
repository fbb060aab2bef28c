# SPDX-License-Identifier: MIT
"""Synthesis on a CPU: ours, the published formulation, and its convolutions alone, with the same random weights.

    python benchmarks/synthesis.py [256] [1024] [--threads 1] [--rounds 5]

Method. StyleGAN2's config-f with random weights in this process, one thread. The control is the published formulation
in plain PyTorch, from its equations: the weights are modulated for each picture, one convolution with a group for each
picture, zeros inserted and the 4x4 filter as convolutions of their own, noise, bias and leaky ReLU as steps of their
own. "Its convolutions" are the 3x3 and 1x1 convolutions of the control back to back on ready inputs and weights: the
filters and all else left out. Rounds alternate between the three. Figures are medians of processor time, which other
programs on the machine change less than the time on the clock (beside it). Memory is the peak of a process of its own
that builds the network and renders one picture twice.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import statistics
import subprocess
import sys
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.stylegan2 import Generator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BATCHES = {256: (1, 8), 1024: (1,)}
TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0])
FILTER = torch.outer(TAPS, TAPS) / TAPS.sum() ** 2


def config_f(resolution: int) -> Generator:
    """Return config-f with random weights, and with noise and biases that count."""
    torch.manual_seed(0)
    channels = tuple(min(32768 // (4 << k), 512) for k in range(int(math.log2(resolution)) - 1))
    config = GeneratorConfig(channels, z_dim=512, w_dim=512, mapping_layers=8)
    generator = Generator(config).eval().requires_grad_(False)
    for name, parameter in generator.synthesis.named_parameters():
        if name.endswith(("noise_strength", "conv0.bias", "conv1.bias", "torgb.bias")):
            parameter.normal_(std=0.1)
    return generator


class Published:
    """The published formulation with the weights of a generator."""

    def __init__(self, generator: Generator) -> None:
        self.synthesis = generator.synthesis

    def render(self, styles: Sequence[Tensor]) -> Tensor:
        synthesis, remaining = self.synthesis, iter(styles)
        x = synthesis.block(4).const[None].repeat(len(styles[0]), 1, 1, 1)
        img: Tensor | None = None
        for resolution in synthesis.resolutions:
            block = synthesis.block(resolution)
            for layer in [block.conv0, block.conv1] if resolution > 4 else [block.conv1]:
                x = self.modulated(x, layer.weight, next(remaining), up=layer.up, demodulate=True)
                x = x + layer.noise_const * layer.noise_strength
                x = F.leaky_relu(x + layer.bias[:, None, None], 0.2) * math.sqrt(2)
            style = next(remaining) * block.torgb.style_gain
            rgb = self.modulated(x, block.torgb.weight, style, up=False, demodulate=False)
            rgb = rgb + block.torgb.bias[:, None, None]
            img = rgb if img is None else self.filtered(self.spread(img), (2, 1, 2, 1)) + rgb
        assert img is not None
        return img

    def modulated(self, x: Tensor, weight: Tensor, style: Tensor, up: bool, demodulate: bool) -> Tensor:
        n, (outputs, inputs, size, _) = len(x), weight.shape
        weights = weight[None] * style[:, None, :, None, None]
        if demodulate:
            weights = weights * (weights.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).rsqrt()
        x = x.reshape(1, n * inputs, *x.shape[2:])
        if up:
            turned = weights.transpose(1, 2).reshape(n * inputs, outputs, size, size)
            x = F.conv_transpose2d(x, turned, stride=2, groups=n)
            x = self.filtered(x, (1, 1, 1, 1))
        else:
            flat = weights.reshape(n * outputs, inputs, size, size)
            x = F.conv2d(x, flat, padding=size // 2, groups=n)
        return x.reshape(n, outputs, *x.shape[2:])

    @staticmethod
    def spread(x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, 2H, 2W): a zero after each pixel in both directions."""
        n, channels, height, width = x.shape
        x = F.pad(x.reshape(n, channels, height, 1, width, 1), (0, 1, 0, 0, 0, 1))
        return x.reshape(n, channels, 2 * height, 2 * width)

    @staticmethod
    def filtered(x: Tensor, padding: tuple[int, int, int, int]) -> Tensor:
        channels = x.shape[1]
        kernel = (FILTER * 4).repeat(channels, 1, 1, 1)
        return F.conv2d(F.pad(x, padding), kernel, groups=channels)


def convolutions(generator: Generator, n: int) -> Callable[[], None]:
    """Return a function that computes the control's convolutions back to back."""
    calls: list[tuple[Callable[..., Tensor], Tensor, Tensor, dict[str, int]]] = []
    for resolution in generator.synthesis.resolutions:
        block = generator.synthesis.block(resolution)
        layers = [block.conv1, block.torgb] if resolution == 4 else [block.conv0, block.conv1, block.torgb]
        for layer in layers:
            _, inputs, size, _ = layer.weight.shape
            if getattr(layer, "up", False):
                turned = layer.weight.transpose(0, 1).repeat(n, 1, 1, 1)
                x = torch.randn(1, n * inputs, resolution // 2, resolution // 2)
                calls.append((F.conv_transpose2d, x, turned, {"stride": 2, "groups": n}))
            else:
                x = torch.randn(1, n * inputs, resolution, resolution)
                calls.append((F.conv2d, x, layer.weight.repeat(n, 1, 1, 1), {"padding": size // 2, "groups": n}))

    def run() -> None:
        for function, x, weight, options in calls:
            function(x, weight, **options)

    return run


def inputs_of(generator: Generator, n: int) -> list[Tensor]:
    return generator.synthesis.styles(torch.randn(n, generator.num_ws, 512, generator=torch.Generator().manual_seed(1)))


@torch.inference_mode()
def compare(resolution: int, n: int, rounds: int) -> None:
    generator = config_f(resolution)
    styles, noise = inputs_of(generator, n), generator.synthesis.noise_const()
    published = Published(generator)
    cases: dict[str, Callable[[], object]] = {
        "ours": lambda: generator.synthesis.render(styles, noise),
        "published": lambda: published.render(styles),
        "its convolutions": convolutions(generator, n),
    }
    mine, other = generator.synthesis.render(styles, noise), published.render(styles)
    difference = float((mine - other).abs().max() / other.abs().max())
    del mine, other
    processor: dict[str, list[float]] = {name: [] for name in cases}
    clock: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, run in cases.items():
            start = time.process_time(), time.perf_counter()
            run()
            processor[name].append(time.process_time() - start[0])
            clock[name].append(time.perf_counter() - start[1])
    print(f"{resolution} px, batch {n}: largest difference to the published formulation {difference:.1e} of the range")
    for name in cases:
        # Of rounds, not of medians: what slowed a round down slowed all three.
        against = [b / a for a, b in zip(processor["ours"], processor[name], strict=True)]
        print(
            f"  {name:18} {statistics.median(processor[name]):7.3f} s processor"
            f" {statistics.median(clock[name]):7.3f} s clock"
            f"   {statistics.median(against):5.2f} x ours ({min(against):.2f} to {max(against):.2f})"
        )


@torch.inference_mode()
def print_memory(which: str, resolution: int) -> None:
    generator = config_f(resolution)
    styles, noise = inputs_of(generator, 1), generator.synthesis.noise_const()
    published = Published(generator)
    for _ in range(2):
        if which == "ours":
            generator.synthesis.render(styles, noise)
        elif which == "published":
            published.render(styles)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB; bytes on macOS
    print(f"{peak / (1 << (20 if sys.platform != 'darwin' else 30)):.2f}")


def peak_memory(resolution: int, threads: int) -> dict[str, str]:
    """Return the peaks of processes of their own, in GiB."""
    command = [sys.executable, __file__, str(resolution), "--threads", str(threads), "--memory"]
    return {
        name: subprocess.run([*command, name], capture_output=True, text=True, check=True).stdout.strip()
        for name in ("ours", "published", "neither")
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("resolutions", nargs="*", type=int, default=list(BATCHES))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", choices=["ours", "published", "neither"], help="print one peak in GiB and end")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.memory:
        print_memory(options.memory, options.resolutions[0])
        return
    # First of all sizes: a child's peak starts with what its parent takes.
    peaks = {resolution: peak_memory(resolution, options.threads) for resolution in options.resolutions}
    for resolution in options.resolutions:
        for n in BATCHES.get(resolution, (1,)):
            compare(resolution, n, options.rounds if n == 1 else max(2, options.rounds // 2))
        listed = ", ".join(f"{name} {peak} GiB" for name, peak in peaks[resolution].items())
        print(f"  peak memory of a process, batch 1: {listed} (neither: the network alone)")


if __name__ == "__main__":
    main()
