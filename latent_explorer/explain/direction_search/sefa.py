# SPDX-License-Identifier: MIT
"""SeFa: the directions in W that change the styles most, from the generator's weights alone.

Shen and Zhou, "Closed-Form Factorization of Latent Semantics in GANs" (CVPR 2021): eigenvectors of A^T A, with A the
affine weights of the chosen layers. As in the authors' code every style's weight vector (a row of A, a column of what
they factorise) has length 1 first; without it the layers with large weights decide alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.explain.direction_search.settings import FoundDirection

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.common.events import Event
    from latent_explorer.explain.direction_search.context import SearchContext


def find(context: SearchContext) -> Generator[Event, None, list[FoundDirection]]:
    """Return the first `count` directions, by eigenvalue. A job within a job."""
    yield from ()
    values, vectors = factorise(affine_weights(context))
    number_of = range(min(context.settings.count, len(values)))
    return [
        FoundDirection(
            context.direction(context.title("SeFa", None, i + 1), vectors[i]),
            context.settings.target,
            {"share": float(values[i] / values.sum())},
        )
        for i in number_of
    ]


def affine_weights(context: SearchContext) -> np.ndarray:
    """Return the weights (styles, w_dim) by which w acts on the styles of the chosen rows."""
    first, last = context.rows
    synthesis = context.model.generator.synthesis
    kinds = ("conv", "torgb") if context.settings.torgb else ("conv",)
    weights = [
        synthesis.layer(layer.name).affine.weight.detach().float().cpu().numpy()
        for layer in synthesis.layout.layers
        if layer.kind in kinds and first <= layer.ws_row <= last
    ]
    if not weights:
        raise UserError(f"No style is made of the rows {first}-{last} alone. Take other rows.")
    return np.concatenate(weights)[:, : context.model.generator.config.w_dim].astype(np.float64)


def factorise(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvalues (d,), largest first, and eigenvectors (d, d), one a row, of A^T A for A (S, d).

    Rows of A are normalised to length 1; rows of zeros stay. An eigenvector's largest entry is positive.
    """
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    unit = weights / np.where(lengths > 0, lengths, 1.0)
    values, columns = np.linalg.eigh(unit.T @ unit)
    return values[::-1], with_signs(columns.T[::-1])


def with_signs(vectors: np.ndarray) -> np.ndarray:
    """Return vectors, one a row, whose entry of largest size is positive: their own sign means nothing."""
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    return vectors * np.where(largest < 0, -1.0, 1.0)
