# SPDX-License-Identifier: MIT
"""Scaling over processes: images a second, processor time an image, and the time to average gradients.

Method. For every number of processes, torchrun starts this script; each process takes its share of the same noise
training (the sizes of a preset, full stage) for one cycle of 16 steps, after one to warm up. Printed are the images a
second of the whole, the processor time of all processes together for an image (on a machine with fewer cores than
processes, or a busy one, the fairer figure: waiting does not count), and how long one averaging of all gradients of
generator and encoder takes by itself. The batch of all processes together is the same ("same") or grows with them
("grown"). On CUDA processor time says nothing.

    python benchmarks/scaling.py [--processes 1,2] [--resolution 64] [--device cpu]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import torch
from training import PRESETS

from latent_explorer.models.processes import World, process_group
from latent_explorer.training.config import DataConfig, TrainConfig
from latent_explorer.training.estimate import synthetic_trainer
from latent_explorer.training.presets import apply

if TYPE_CHECKING:
    from latent_explorer.training.stylex_trainer import Trainer

STEPS = 16
MESSAGES = 20


def scaled(config: TrainConfig, factor: int) -> TrainConfig:
    """Multiply all parts of a batch by `factor`; groups of two, so the smallest batch divides by two."""
    parts = ("batch", "discriminated", "mapped", "repaired")
    larger = {name: factor * getattr(config, name) for name in parts}
    return msgspec.structs.replace(config, stddev_group=2, **larger)


def run_steps(trainer: Trainer) -> None:
    """Run one cycle of the lazy losses in the full stage."""
    trainer.step_count = 0
    for _ in range(STEPS):
        trainer.images = trainer.config.images
        losses = trainer.step()
    float(losses["l1"])  # waits for the device


def message_seconds(trainer: Trainer, world: World) -> tuple[float, int]:
    """Return the median time of averaging the gradients of G and E, and their bytes."""
    networks = trainer.networks
    assert networks.E is not None
    parameters = [*networks.G.parameters(), *networks.E.parameters()]
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    times = []
    for _ in range(MESSAGES):
        start = time.perf_counter()
        world.average_gradients(parameters)
        times.append(time.perf_counter() - start)
    return statistics.median(times), sum(p.numel() * p.element_size() for p in parameters)


def work(config: TrainConfig, out: Path) -> None:
    """Measure in this process; the first one writes the figures."""
    with process_group() as world:
        trainer = synthetic_trainer(config, 2, world)
        run_steps(trainer)
        world.broadcast(True)  # all begin together
        start, busy = time.perf_counter(), time.process_time()
        run_steps(trainer)
        wall, busy = time.perf_counter() - start, time.process_time() - busy
        total = float(world.mean(torch.tensor(busy))) * world.size
        message, size = message_seconds(trainer, world)
        images = STEPS * config.batch
        if world.is_main_process:
            figures = (images / wall, total / images, message, size)
            out.write_text(json.dumps(figures))


def measure(processes: int, arguments: list[str]) -> list[float]:
    """Start that many processes; return the figures of the first."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
        command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", __file__]
        environment = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", **os.environ}
        subprocess.run([*command, *arguments, "--work", str(out)], check=True, env=environment)
        figures: list[float] = json.loads(out.read_text())
        return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", default="1,2")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--factor", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    config = apply(PRESETS[options.resolution], TrainConfig(DataConfig(""), device=options.device))
    if options.work:
        work(scaled(config, options.factor), options.work)
        return
    shared = ["--resolution", str(options.resolution), "--device", options.device]
    for name in ("same", "grown"):
        for processes in map(int, options.processes.split(",")):
            factor = processes if name == "grown" else 1
            rate, busy, message, size = measure(processes, [*shared, "--factor", str(factor)])
            print(
                f"{name} batch {config.batch * factor:3}  {processes} processes  {rate:6.1f} images/s"
                f"  {1000 * busy:5.0f} ms of processor an image"
                f"  {size / 1e6:.1f} MB of gradients averaged in {1000 * message:.1f} ms",
                flush=True,
            )


if __name__ == "__main__":
    main()
