# SPDX-License-Identifier: MIT
"""Compare classifiers that run as programs in a process of their own with the network that the programs were made of.

    python benchmarks/programs.py [--state resnet18.pth] [--network resnet18] [--batches 1,8] [--rounds 15]

A network of torchvision, with random weights or those of a state dict of three classes, is written as TorchScript
(traced, and frozen) and by torch.export (for any batch). Each file is imported as the program that it is. Prints a
Markdown table, one row a program and a number of pictures: the largest differences of logits and of the gradient of
their sum of squares by the pixels to the network's, over the largest of the network's; and the processor time of both
processes for a forward, and for a forward with its gradient, over that of the network in this process, each the median
of `--rounds` turns in which they are asked one after the other, with its quartiles. "Here" is the same program loaded
in this process. Processor time, because on a busy machine a second process gets more of it. Give it one thread
(OMP_NUM_THREADS=1). Linux only.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from own_models import CLASSES, network
from torch import Tensor, nn

from latent_explorer.common.jobs import run_job
from latent_explorer.models.importers.classifiers.file import import_classifier, inspection_of
from latent_explorer.models.importers.classifiers.program_model import sha256_of
from latent_explorer.models.programs.process import process_of
from latent_explorer.models.programs.program import allow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIDE = 224
WARM_UP = 3  # turns: TorchScript optimises while it is first run


class Written(NamedTuple):
    """A program's file, and the same program in this process."""

    path: Path
    here: Callable[[Tensor], Tensor]


def traced(net: nn.Module, folder: Path) -> Written:
    program = torch.jit.trace(net, torch.randn(2, 3, SIDE, SIDE))
    torch.jit.save(program, folder / "traced.pt")
    return Written(folder / "traced.pt", program)


def frozen(net: nn.Module, folder: Path) -> Written:
    program = torch.jit.freeze(torch.jit.trace(net, torch.randn(2, 3, SIDE, SIDE)))
    torch.jit.save(program, folder / "frozen.pt")
    return Written(folder / "frozen.pt", program)


def exported(net: nn.Module, folder: Path) -> Written:
    any_batch = ({0: torch.export.Dim("batch")},)
    program = torch.export.export(net, (torch.randn(2, 3, SIDE, SIDE),), dynamic_shapes=any_batch)
    torch.export.save(program, folder / "exported.pt2")
    return Written(folder / "exported.pt2", program.module())


FORMS = {"TorchScript, traced": traced, "TorchScript, frozen": frozen, "torch.export": exported}


def gradient(ask: Callable[[Tensor], Tensor], pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logits, and the gradient of their sum of squares by the pixels."""
    x = pictures.clone().requires_grad_()
    y = ask(x)
    return y.detach(), torch.autograd.grad(y.square().sum(), x)[0]


def off(found: Tensor, expected: Tensor) -> str:
    """Return the largest difference over the largest number."""
    return f"{float((found - expected).abs().max() / expected.abs().max()):.0e}"


def processor_seconds(child: int) -> float:
    """Return the processor time that this process and the child have taken. Linux only."""
    tasks = Path(f"/proc/{child}/task").glob("*/schedstat")
    return time.process_time() + sum(int(each.read_text(encoding="ascii").split()[0]) for each in tasks) / 1e9


def ratios(asked: Sequence[Callable[[], object]], rounds: int, child: int) -> list[list[float]]:
    """Return the processor time of each of `asked` over that of the first, in turns."""
    times: list[list[float]] = [[] for _ in asked]
    for turn in range(rounds + WARM_UP):
        for each, ask in zip(times, asked, strict=True):
            began = processor_seconds(child)
            ask()
            if turn >= WARM_UP:
                each.append(processor_seconds(child) - began)
    print(f"    ({', '.join(f'{1000 * statistics.median(each):.0f} ms' for each in times)})", flush=True)
    return [[a / b for a, b in zip(each, times[0], strict=True)] for each in times]


def shown(values: Sequence[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def rows(form: str, net: nn.Module, folder: Path, batches: Sequence[int], rounds: int) -> list[str]:
    """Return the rows of a program."""
    written = FORMS[form](net, folder)
    allow(sha256_of(written.path))
    classifier = import_classifier(run_job(inspection_of(written.path, run=True)), "net", CLASSES)
    program = classifier.network
    process = process_of(program.program, program.content)._process
    assert process is not None
    child = process.pid
    made = []
    for batch in batches:
        pictures = torch.randn(batch, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(batch))
        expected, slope = gradient(net, pictures)
        answer, gradient_there = gradient(program, pictures)
        with torch.no_grad():
            forward = ratios([partial(net, pictures), partial(program, pictures)], rounds, child)
        both = ratios([partial(gradient, ask, pictures) for ask in (net, program, written.here)], rounds, child)
        cells = [form, str(batch), off(answer, expected), off(gradient_there, slope)]
        made.append(f"| {' | '.join([*cells, shown(forward[1]), shown(both[1]), shown(both[2])])} |")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--network", default="resnet18", help="of torchvision")
    parser.add_argument("--state", type=Path, help="state dict of three classes, instead of random weights")
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--rounds", type=int, default=15)
    choices = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    net = network(f"torchvision:{choices.network}")
    if choices.state is not None:
        net.load_state_dict(torch.load(choices.state, weights_only=True))  # own file
    net.requires_grad_(False)
    batches = [int(each) for each in choices.batches.split(",")]
    heads = ["program", "pictures", "logits", "gradients", "forward", "forward and gradient", "the same, here"]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMS:
            for line in rows(form, net, Path(folder), batches, choices.rounds):
                print(line, flush=True)


if __name__ == "__main__":
    main()
