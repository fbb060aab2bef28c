# SPDX-License-Identifier: MIT
"""Controls of an edit: noise of the same strength, random edits of the same size, and what the told class moves most.

An edit that turns a verdict says something only where a change of its size that means nothing does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from latent_explorer.explain.recipe import Edit, StyleShift

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.models.explainer import Explainer

COORDINATES = 100  # that a random edit moves
SMALLEST, LARGEST = 0.01, 4.0  # amount of a random edit, in ways to the observed ends
HALVINGS = 6  # of that range's logarithm: an amount is found to a tenth


def noise_like(photo: Tensor, changed: Tensor, mask: Tensor, draws: int, rng: torch.Generator) -> Tensor:
    """Return (draws, 3, R, R): a photo with Gaussian noise of the strength of a change, in its mask.

    photo, changed   (1, 3, R, R) in [-1, 1]; the noise has the root mean square of their difference, before clipping
    mask             (1, 1, R, R), 0 to 1
    """
    noise = torch.randn((draws, *photo.shape[1:]), generator=rng).to(photo) * mask
    strength = (changed - photo).square().mean().sqrt() / noise.square().mean().sqrt().clamp_min(1e-12)
    return (photo + strength * noise).clamp(-1, 1)


def random_edits_like(
    size: float,
    render: Callable[[tuple[Edit, ...]], Tensor],
    unedited: Tensor,
    distance: Callable[[Tensor, Tensor], Tensor],
    model: Explainer,
    rng: torch.Generator,
) -> Tensor:
    """Return a picture (1, 3, R, R) moved by random edits whose perceptual size is that of an edit, or just below.

    Those of `random_coordinates`, as far as `as_large` takes them. Pictures without statistics of their styles raise
    what the renderer raises.

    render     edits -> (1, 3, R, R)
    unedited   (1, 3, R, R)
    """
    moved, towards_max = random_coordinates(model.generator.synthesis.layout.num_styles, rng)

    def at(amount: Tensor) -> Tensor:
        ends = zip(moved, towards_max, strict=True)
        return render(tuple(StyleShift(j, "max" if up else "min", float(amount)) for j, up in ends))

    return as_large(at, unedited, torch.tensor([size], device=unedited.device), distance)


def random_coordinates(num_styles: int, rng: torch.Generator) -> tuple[list[int], list[bool]]:
    """Return COORDINATES style coordinates drawn at random, and whether each goes to its maximum."""
    moved: list[int] = torch.randperm(num_styles, generator=rng)[:COORDINATES].tolist()
    return moved, (torch.rand(len(moved), generator=rng) < 0.5).tolist()


def as_large(
    render: Callable[[Tensor], Tensor], unedited: Tensor, size: Tensor, distance: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Return pictures (N, 3, R, R) edited by the largest amount at which none is farther than `size` from the unedited.

    Found by bisection of the amounts' logarithms. `render(amounts)` (N,) gives the edited pictures; size (N,).
    """
    low, high = (torch.full(size.shape, end, dtype=torch.float64, device=size.device) for end in (SMALLEST, LARGEST))
    found = unedited
    for _ in range(HALVINGS):
        amount = (low * high).sqrt()
        img = render(amount)
        fits = distance(img, unedited) <= size
        low, high = torch.where(fits, amount, low), torch.where(fits, high, amount)
        found = torch.where(fits[:, None, None, None], img, found)
    return found


def hears(explainer: Explainer, classifier_id: str) -> bool:
    """Return True if the generator is told the classes of this classifier, and how far styles vary is known."""
    if not explainer.generator.config.num_classes or explainer.style_stats is None:
        return False
    return explainer.classifiers[classifier_id].config.class_names == explainer.classifier.config.class_names


def class_weight_edits(
    explainer: Explainer, classifier_id: str, target: int, k: int, kappa: float = 1.0
) -> tuple[Edit, ...]:
    """Return edits of the k coordinates that giving a class to the generator moves most, in their deviations.

    Nothing is rendered and no classifier asked: what these reach is the told class alone. Empty where `hears` says no.
    """
    if not hears(explainer, classifier_id):
        return ()
    generator, stats = explainer.generator, explainer.style_stats
    assert stats is not None
    num_classes = generator.config.num_classes
    with torch.no_grad():
        ws = generator.broadcast(generator.mapping.w_avg[None].float())
        even = torch.full((1, num_classes), 1 / num_classes, device=ws.device)
        told = torch.nn.functional.one_hot(torch.tensor([target], device=ws.device), num_classes).float()
        synthesis = generator.synthesis
        plain, moved = (synthesis.join(synthesis.styles(ws, cond)) for cond in (even, told))
    change = (moved - plain)[0].cpu().numpy() / np.maximum(stats.std, 1e-9)
    chosen = np.argsort(-np.abs(change), kind="stable")[:k]
    return tuple(StyleShift(int(j), "max" if change[j] > 0 else "min", kappa) for j in chosen)
