# SPDX-License-Identifier: MIT
"""GANSpace: the principal components of w.

Härkönen et al., "GANSpace: Discovering Interpretable GAN Controls" (NeurIPS 2020): eigenvectors of the covariance of w
over random z, moved in standard deviations of the component, in the chosen rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from latent_explorer.explain.direction_search.sefa import with_signs
from latent_explorer.explain.direction_search.settings import FoundDirection
from latent_explorer.explain.latents import mapped_w

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.common.events import Event
    from latent_explorer.explain.direction_search.context import SearchContext


def find(context: SearchContext) -> Generator[Event, None, list[FoundDirection]]:
    """Return the first `count` components. A job within a job.

    `deviation` is a component's over the w of random z. The unit of the direction is, as that of every other one, the
    deviation over the model's typical latents: the same where these are random, too.
    """
    yield from ()
    with torch.no_grad():
        w = mapped_w(context.model.generator, context.settings.samples).double().cpu().numpy()
    variances, components = principal_components(w)
    number_of = range(min(context.settings.count, len(variances)))
    return [
        FoundDirection(
            context.direction(context.title("GANSpace", None, i + 1), components[i]),
            context.settings.target,
            {"share": float(variances[i] / variances.sum()), "deviation": float(np.sqrt(variances[i]))},
        )
        for i in number_of
    ]


def principal_components(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return variances (d,), largest first, and components (d, d) of length 1, one a row, of w (N, d)."""
    values, columns = np.linalg.eigh(np.atleast_2d(np.cov(w, rowvar=False)))
    return np.maximum(values[::-1], 0.0), with_signs(columns.T[::-1])
