# SPDX-License-Identifier: MIT
"""Controls of flip rates: random edits of the same size, and what the class given to the generator moves most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.events import Event, Progress
from latent_explorer.data.dataset import evenly_spaced_rows
from latent_explorer.explain.attfind.effects import Reconstructions
from latent_explorer.explain.attfind.sufficiency import (
    FlipRate,
    Rate,
    apply_per_target,
    by_target,
    flips,
    other_class,
)
from latent_explorer.explain.batches import BatchSizer
from latent_explorer.explain.counterfactuals.controls import as_large, class_weight_edits, hears, random_coordinates
from latent_explorer.explain.projection.projection import distances
from latent_explorer.explain.recipe import StyleShift
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.explainer import Explainer

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence


WEIGHTS = "class weights"
RANDOM_PICTURES = 128  # at most, spread evenly, on which random edits are tried: each is rendered several times


@dataclass(frozen=True)
class Asked:
    """One classifier and the pictures whose verdicts are flipped."""

    model: Explainer
    classifier_id: str
    pictures: Reconstructions
    style_range: Tensor  # (2, num_styles)
    sizer: BatchSizer


def class_weight_list(model: Explainer, classifier_id: str, k: int, n: int = 0) -> AttributeSet | None:
    """Return the k styles that giving each class to the generator moves most, as a list; None where `hears` says no."""
    if not hears(model, classifier_id):
        return None
    attributes = []
    for target in range(model.classifiers[classifier_id].num_classes):
        for edit in class_weight_edits(model, classifier_id, target, k):
            assert isinstance(edit, StyleShift)
            attributes.append(Attribute("", target, (AttributeEntry(edit.style_index, edit.end),)))
    return AttributeSet(classifier_id, WEIGHTS, n, 1.0, "", tuple(attributes))


def with_controls(
    rates: Sequence[FlipRate], asked: Asked, attribute_set: AttributeSet, *, random: bool
) -> Generator[Event, None, list[FlipRate]]:
    """Add to each rate what its controls reach on the same pictures: class weights, and with `random` random edits.

    A job within a job.
    """
    controls: list[dict[str, Rate]] = [{} for _ in rates]
    if random:
        for i, rate in enumerate(rates):
            controls[i]["random"] = yield from _random_rate(asked, attribute_set, rate)
            yield Progress(i + 1, len(rates), "Trying random edits of the same size")
    listed = class_weight_list(asked.model, asked.classifier_id, max((rate.k for rate in rates), default=0))
    if listed is not None:
        synthesis, classifier = asked.model.generator.synthesis, asked.model.classifiers[asked.classifier_id]
        ks, kappas = (tuple(dict.fromkeys(values)) for values in zip(*((r.k, r.kappa) for r in rates), strict=True))
        found = yield from flips(
            synthesis, classifier, asked.pictures, listed, asked.style_range, ks, kappas, asked.sizer.anew()
        )
        reached = {(rate.k, rate.kappa): rate.reached for rate in found}
        for rate, control in zip(rates, controls, strict=True):
            control["weights"] = reached[rate.k, rate.kappa]
    return [replace(rate, controls=control) for rate, control in zip(rates, controls, strict=True)]


def _random_rate(asked: Asked, attribute_set: AttributeSet, rate: FlipRate) -> Generator[Event, None, Rate]:
    """Move random styles of pictures until each is as far from the unedited one as the attributes move it."""
    pictures, model = _some(asked.pictures), asked.model
    synthesis, classifier = model.generator.synthesis, model.classifiers[asked.classifier_id]
    distance, _judge = distances(model, pictures.s.device)
    targets = other_class(pictures.logits.cpu().numpy())
    own = synthesis.join(pictures.styles, torgb=True)
    edited = apply_per_target(own, asked.style_range, by_target(attribute_set.attributes), targets, rate.k, rate.kappa)
    towards = _random_ends(pictures.s, asked.style_range)

    @torch.inference_mode()
    def turn(rows: slice) -> Tensor:
        styles = [style[rows] for style in pictures.styles]

        def img(s: Tensor) -> Tensor:
            return synthesis.render(synthesis.replace(styles, s), synthesis.noise_const()).clamp(-1, 1)

        s, change = pictures.s[rows], towards[rows] - pictures.s[rows]
        before = img(s)
        size = distance(img(edited[rows]), before)
        moved = as_large(lambda amount: img(s + amount[:, None].to(s) * change), before, size, distance)
        return classifier.logits(moved).argmax(dim=1).cpu()

    parts = yield from asked.sizer.anew().run(turn, len(pictures), "Trying random edits of the same size")
    return Rate(int((torch.cat(parts) == torch.from_numpy(targets)).sum()), len(pictures))


def _some(pictures: Reconstructions) -> Reconstructions:
    rows = evenly_spaced_rows(np.arange(len(pictures)), RANDOM_PICTURES)
    return Reconstructions([style[rows] for style in pictures.styles], pictures.s[rows], pictures.logits[rows])


def _random_ends(s: Tensor, style_range: Tensor) -> Tensor:
    """Return s (N, num_styles) with random coordinates of each row at an end of their range."""
    rng, out = torch.Generator().manual_seed(0), s.clone()
    for i in range(len(s)):
        moved, towards_max = random_coordinates(style_range.shape[1], rng)
        ends = torch.tensor(towards_max, device=s.device).long()
        out[i, moved] = style_range[ends, torch.tensor(moved, device=s.device)]
    return out
