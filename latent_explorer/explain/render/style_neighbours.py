# SPDX-License-Identifier: MIT
"""Whether the styles of a picture, taken together, are like those of the encoded pictures.

Moved one at a time, styles can all stay within the range that the data shows while no picture has them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from latent_explorer.explain.neighbours import MIN_POINTS, Neighbours

if TYPE_CHECKING:
    from latent_explorer.models.explainer import Explainer

_PROBES = 8  # random directions in picture space; with 128 the verdicts are the same
_PROBES_OF_LARGE = 2  # above 128 px, where a probe takes seconds on a CPU
_LARGE = 128  # px
_COMPARED = 256  # px at which a larger picture is compared: at 1024 a gradient takes 3 GB and half a minute on a CPU
_BATCH = 64  # latents whose styles are computed at once


class StyleNeighbours:
    """Distance of styles from those of the encoded pictures, relative to the limit of `Neighbours`.

    A coordinate counts by how much it changes the picture, so that many styles without effect do not outweigh a few
    with a strong one. ValueError where an explainer holds too few encoded pictures: see `can_compare`.
    """

    def __init__(self, explainer: Explainer) -> None:
        samples = explainer.samples
        if samples is None or not can_compare(explainer):
            raise ValueError(f"{explainer.name} holds fewer than {MIN_POINTS} encoded pictures")
        synthesis = explainer.generator.synthesis
        with torch.inference_mode():
            rows = (slice(first, first + _BATCH) for first in range(0, len(samples), _BATCH))
            parts = [synthesis.join(synthesis.styles(samples.ws[r], samples.cond_of(r))) for r in rows]
        self._effect = style_effects(explainer)
        self._neighbours = Neighbours(torch.cat(parts) * self._effect)

    def unlikeness(self, s: Tensor, sample: int | None = None) -> float:
        """Return the distance of styles s (num_styles,) in units of the limit: above 1 they are unlike the data.

        sample   the encoded picture that s was made of: where that is unusual itself, its own distance is the limit
        """
        own = 0.0 if sample is None else float(self._neighbours.own[sample])
        return self._neighbours.distance(s * self._effect) / max(own, self._neighbours.far, 1e-12)


def can_compare(explainer: Explainer) -> bool:
    """Return True if an explainer holds enough encoded pictures."""
    return explainer.samples is not None and len(explainer.samples) >= MIN_POINTS


def style_effects(explainer: Explainer) -> Tensor:
    """Return (num_styles,): the change of the picture for a unit step of each coordinate, over encoded pictures.

    The root mean square of a column of the Jacobian, by random projections: E (J^T v)^2 is the squared length of a
    column when v is white noise. Pictures of more than 256 px are taken up to there, so finer layers count nothing.
    """
    samples, synthesis = explainer.samples, explainer.generator.synthesis
    assert samples is not None
    count = _PROBES if explainer.generator.config.resolution <= _LARGE else _PROBES_OF_LARGE
    rng = torch.Generator().manual_seed(0)
    squares = []
    with torch.inference_mode(mode=False), torch.enable_grad():
        for row in torch.linspace(0, len(samples) - 1, count).long().tolist():
            rows = slice(row, row + 1)
            styles = [style.detach() for style in synthesis.styles(samples.ws[rows], samples.cond_of(rows))]
            s = synthesis.join(styles).detach().requires_grad_()
            imgs = synthesis.progressive(synthesis.replace(styles, s), synthesis.noise_const())
            img = next(img for img in imgs if img.shape[-1] >= min(_COMPARED, synthesis.resolutions[-1]))
            probe = torch.randn(img.shape, generator=rng).to(img)
            (gradient,) = torch.autograd.grad((img * probe).sum(), s)
            squares.append(gradient.square())
    return torch.cat(squares).mean(dim=0).sqrt()
