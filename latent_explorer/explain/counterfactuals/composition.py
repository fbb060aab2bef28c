# SPDX-License-Identifier: MIT
"""Composition: what null edits make of pictures, encoded and rendered again and again. A job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from latent_explorer.common.statistics import Mean
from latent_explorer.data.images import to_float, to_uint8
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.latents import copy_to_device
from latent_explorer.explain.projection.projection import distances
from latent_explorer.models.explainer import encode_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import numpy as np

    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.models.explainer import Explainer

CYCLES = (1, 10)


@dataclass(frozen=True)
class Composition:
    """Distance of pictures from what `cycles` null edits make of them (Melistas et al. 2024); less is better."""

    cycles: int
    l1: Mean  # mean absolute difference of pictures in [-1, 1]
    distance: Mean
    distance_name: str


def composition(
    explainer: Explainer,
    read: Callable[[slice], np.ndarray],
    count: int,
    cycles: Sequence[int] = CYCLES,
    *,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, list[Composition]]:
    """Encode and render pictures, what came out again, and so on; measured after each of `cycles`. A job.

    Each picture passes from one cycle to the next in 8 bits, and the classifier is asked anew for the class that the
    generator is told. `read(rows)` gives (n, R, R, 3) uint8 at the model's resolution.
    """
    model = copy_to_device(explainer, device)
    _, judge = distances(model, torch.device(device))
    noise = model.generator.synthesis.noise_const()

    @torch.inference_mode()
    def run(rows: slice) -> list[tuple[list[float], list[float]]]:
        photos = read(rows)
        first, images, found = _on(photos, device), photos, []
        for cycle in range(1, max(cycles) + 1):
            samples = encode_batch(model, images, [""] * len(images))
            img = model.generator.synthesis(samples.ws, samples.cond_of(), noise)
            images = to_uint8(img.float().cpu().numpy())
            if cycle in cycles:
                last = _on(images, device)
                found.append((judge(first, last).tolist(), (first - last).abs().mean(dim=(1, 2, 3)).tolist()))
        return found

    parts = yield from BatchSizer(budget).run(run, count, "Editing nothing again and again")
    return [
        Composition(
            cycle,
            Mean.of([value for part in parts for value in part[i][1]]),
            Mean.of([value for part in parts for value in part[i][0]]),
            judge.name,
        )
        for i, cycle in enumerate(sorted(cycles))
    ]


def _on(images: np.ndarray, device: str | torch.device) -> torch.Tensor:
    return torch.from_numpy(to_float(images)).to(device)
