# SPDX-License-Identifier: MIT
"""Images a second of a training, against the time of its convolutions alone on the same machine.

Method. A training of noise pictures with the sizes of a preset runs one whole cycle of steps (16: the lazy losses come
once in so many), for each of its two stages. During one such cycle every convolution that torch is asked for is noted:
shapes, strides, groups and memory layout, forward and backward, second derivatives included, of all networks, LPIPS
and the classifier. Then the same convolutions are done back to back, in the same order, on random numbers of the same
layout, without anything around them: no activations, no optimiser, no autograd, no data. Both are timed in turns in one
run; medians are compared. The ratio says how much longer the training takes; 1 would be one that does nothing else.
Depthwise convolutions (blurring) are timed apart: they move memory more than they compute.

    python benchmarks/training.py [--resolutions 32,64] [--device cpu] [--cycles 3]
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from latent_explorer.training.config import DataConfig, TrainConfig
from latent_explorer.training.estimate import synthetic_trainer
from latent_explorer.training.presets import apply

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.training.stylex_trainer import Trainer

PRESETS = {32: "quick-look", 64: "64", 128: "128", 256: "256"}
# Position of the number of groups among the arguments.
GROUPS = {torch.ops.aten.convolution.default: 8, torch.ops.aten.convolution_backward.default: 9}
Call = tuple[Any, tuple[Any, ...]]


class Shape(NamedTuple):
    """Shape and layout of a tensor."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    def tensor(self, device: torch.device) -> Tensor:
        """Return random numbers of this shape and layout."""
        empty = torch.empty_strided(self.size, self.stride, dtype=self.dtype, device=device)
        return empty.normal_()


class Noting(TorchDispatchMode):
    """Dispatch mode that records every convolution, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if func in GROUPS:
            self.calls.append((func, _frozen(tree_map(_shape, args))))
        return func(*args, **(kwargs or {}))


def _shape(value: Any) -> Any:
    if isinstance(value, Tensor):
        return Shape(tuple(value.shape), value.stride(), value.dtype)
    return value


def _frozen(value: Any) -> Any:
    if isinstance(value, list | tuple) and not isinstance(value, Shape):
        return tuple(_frozen(v) for v in value)
    return value


def _ready(call: Call, device: torch.device) -> Callable[[], Any]:
    """Return a convolution as a function, its inputs prepared."""
    func, noted = call
    args = [x.tensor(device) if isinstance(x, Shape) else x for x in noted]
    args = [list(x) if isinstance(x, tuple) else x for x in args]
    return lambda: func(*args)


def _is_depthwise(call: Call) -> bool:
    func, args = call
    return args[GROUPS[func]] > 1


def cycle(trainer: Trainer, images: int) -> int:
    """Run one cycle of the lazy losses as after `images` images; return how many images it used."""
    c = trainer.config
    steps = max(c.latent_every, c.r1_every, c.path_length_every)
    trainer.step_count = 0
    for _ in range(steps):
        trainer.images = images
        trainer.step()
    return steps * c.batch


def seconds(work: Callable[[], Any], device: torch.device) -> float:
    """Return the wall time of `work`, until the device is done."""
    _wait(device)
    start = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@torch.no_grad()
def run(works: list[Callable[[], Any]]) -> None:
    """Call one after the other."""
    for work in works:
        work()


def compare(trainer: Trainer, images: int, name: str, cycles: int) -> None:
    """Time one stage against its convolutions and print both."""
    cycle(trainer, images)  # memory is taken and kernels are chosen
    with Noting() as noting:
        pictures = cycle(trainer, images)
    ready = {call: _ready(call, trainer.device) for call in set(noting.calls)}
    dense = [ready[call] for call in noting.calls if not _is_depthwise(call)]
    depthwise = [ready[call] for call in noting.calls if _is_depthwise(call)]
    run(dense + depthwise)
    times = [
        (
            seconds(lambda: cycle(trainer, images), trainer.device),
            seconds(lambda: run(dense), trainer.device),
            seconds(lambda: run(depthwise), trainer.device),
        )
        for _ in range(cycles)
    ]
    step, alone, blur = map(statistics.median, zip(*times, strict=True))
    print(
        f"{trainer.config.resolution:4} px  {name:14}  {pictures / step:7.1f} images/s"
        f"  convolutions alone {pictures / (alone + blur):7.1f}  ratio {step / (alone + blur):.2f}"
        f"  ({alone / step:.0%} dense, {blur / step:.0%} depthwise, {1 - (alone + blur) / step:.0%} all else)",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resolutions", default="32,64")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cycles", type=int, default=3, help="how often each is timed")
    options = parser.parse_args()
    for resolution in map(int, options.resolutions.split(",")):
        config = TrainConfig(DataConfig(""), device=options.device)
        trainer = synthetic_trainer(apply(PRESETS[resolution], config), num_classes=2)
        compare(trainer, 0, "reconstruction", options.cycles)
        compare(trainer, trainer.config.images, "full", options.cycles)


if __name__ == "__main__":
    main()
