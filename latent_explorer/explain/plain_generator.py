# SPDX-License-Identifier: MIT
"""An explainer from an imported generator and any classifier: pictures of random z stand in for encoded ones. A job.

Nobody trained this generator for the classifier. AttFind still finds the style coordinates that move it, as Liu et al.
did on a plain StyleGAN2; what the generator does not draw, it cannot show.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from latent_explorer.common.errors import UserError
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.models.explainer import (
    Explainer,
    concat_samples,
    generate_batch,
    hash_classifier,
    style_statistics,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.models import stylegan2
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.explainer import Samples
    from latent_explorer.models.lucidrains import LucidrainsEncoder

STATISTICS = 1024  # random z that ranges and deviations of styles are taken over


def explainer_of_generator(
    generator: stylegan2.Generator,
    name: str,
    classifier: Classifier | None = None,
    *,
    encoder: LucidrainsEncoder | None = None,
    told: int = 0,
    samples: int = 250,
    psi: float = 1.0,
    provenance: dict[str, Any] | None = None,
    budget: StepBudget = default_budget,
) -> Generator[Event, None, Explainer]:
    """Return an explainer with `samples` generated pictures at truncation psi, which AttFind can search.

    Without a classifier it has no samples, and its seeds can be explored all the same. A StylEx needs the one that it
    was trained for, with `told` classes: UserError for any other. Its generated pictures are told random probabilities.
    """
    classes = classifier.num_classes if classifier is not None else 0
    if told not in (0, classes):
        has = f", but {classifier.config.name} has {classes}" if classifier is not None else ""
        raise UserError(
            f"This StylEx is told what a classifier with {told} classes says{has}. Give the classifier that it was "
            "trained for (--classifier)."
        )
    draws = torch.Generator().manual_seed(0)
    z = torch.randn(max(samples, STATISTICS), generator.config.z_dim, generator=draws)
    with torch.no_grad():
        ws = generator.ws_from_z(z[:STATISTICS], psi=psi)
    # Exponential numbers divided by their sum: all probabilities are as likely. (N, 0) where the generator takes none.
    draw = -torch.rand(len(z), generator.config.num_classes, generator=draws).clamp(min=1e-9).log()
    cond = draw / draw.sum(dim=1, keepdim=True)
    made = None
    if classifier is not None:
        parts = yield from BatchSizer(budget).run(
            lambda rows: generate_batch(generator, classifier, z[rows], cond[rows], rows.start, psi),
            samples,
            "Generating pictures",
        )
        made = concat_samples(parts)
    key = hash_classifier(classifier) if classifier is not None else None
    return Explainer(
        name=name,
        generator=generator,
        encoder=encoder,
        conditioned_on=key if told else None,
        classifiers={key: classifier} if key and classifier else {},
        samples=made,
        style_stats=style_statistics(generator, ws, cond[:STATISTICS]),
        provenance=provenance or {},
        full_precision=True,
    )


def with_encoded(explainer: Explainer, samples: Samples) -> Explainer:
    """Return the explainer with encoded pictures in place of the generated ones, and the ranges of their styles."""
    return replace(
        explainer, samples=samples, style_stats=style_statistics(explainer.generator, samples.ws, samples.cond)
    )
