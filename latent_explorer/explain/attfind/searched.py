# SPDX-License-Identifier: MIT
"""Which pictures a search moves, and the ends that it moves their styles to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from latent_explorer.explain.attfind.effects import Reconstructions
    from latent_explorer.models.explainer import Explainer, Samples
    from latent_explorer.models.summary import StyleStats


def latents_to_search(
    explainer: Explainer,
    latents: Samples | None,
    n: int,
    seed: int | None,
    device: str | torch.device,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return ws and cond of n pictures, the first or drawn by the seed, on the device.

    Of `latents` if they are given, else of the explainer's own. UserError if there are none.
    """
    samples = explainer.samples if latents is None else latents
    if samples is None or len(samples) == 0:
        raise UserError(f"{explainer.name} holds no pictures to search. Give pictures (--images) and an encoder.")
    rows = torch.arange(len(samples))
    if seed is not None:
        rows = torch.randperm(len(samples), generator=torch.Generator().manual_seed(seed))
    rows = rows[:n].sort().values
    cond = samples.cond_of(rows)
    ws = samples.ws[rows].to(device).float()
    return ws, None if cond is None else cond.to(device).float()


def observed_range(
    pictures: Reconstructions, ranges: StyleStats | None, explainer_stats: StyleStats | None
) -> tuple[torch.Tensor, str]:
    """Return minimum and maximum of each style (2, S), and a description of their source.

    Those of toRGB, which no statistics hold, are the pictures' own.
    """
    own = torch.stack([pictures.s.amin(dim=0), pictures.s.amax(dim=0)])
    if ranges is None:
        return own, f"minimum and maximum over the {len(pictures)} pictures"
    own[:, : len(ranges.minimum)] = torch.as_tensor(np.stack([ranges.minimum, ranges.maximum])).to(own)
    return own, "the file's minimum and maximum" if ranges is explainer_stats else "given"


def percentile_range(pictures: Reconstructions, percentiles: tuple[float, float]) -> tuple[torch.Tensor, str]:
    """Return percentiles of each style over the pictures (2, S), and a description of their source."""
    low, high = percentiles
    if not 0 <= low < high <= 100:
        raise UserError(f"Percentiles are between 0 and 100, the lower first, not {low:g} and {high:g}.")
    ends = np.percentile(pictures.s.cpu().numpy(), percentiles, axis=0)
    return torch.as_tensor(ends).to(pictures.s), f"percentiles {low:g} and {high:g} over the {len(pictures)} pictures"
