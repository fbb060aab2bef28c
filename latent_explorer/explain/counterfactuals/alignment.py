# SPDX-License-Identifier: MIT
"""Counterfactual alignment: what the edits that one classifier's list makes do to the other classifiers. A job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from latent_explorer.data.images import to_float
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.counterfactuals.figures import relative_changes
from latent_explorer.explain.counterfactuals.making import make_counterfactuals
from latent_explorer.explain.latents import copy_to_device
from latent_explorer.models.attributes import newest_set

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import numpy as np

    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.counterfactuals.making import Counterfactuals
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.explainer import Explainer

Matrix = dict[str, dict[str, float]]


def listed_classifiers(explainer: Explainer) -> list[str]:
    """Return the ids of classifiers that have attributes and the classes of the explained one."""
    classes = explainer.classifier.config.class_names
    return [
        key
        for key, network in explainer.classifiers.items()
        if newest_set(explainer.attribute_sets, key) is not None and network.config.class_names == classes
    ]


def alignment(
    explainer: Explainer,
    read: Callable[[slice], np.ndarray],
    ids: Sequence[str],
    k: int = 3,
    *,
    kappa: float = 1.0,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, Matrix]:
    """Return RelativeChange of every listed classifier (inner) on copies edited for every one (outer), by id. A job.

    Asked is the probability of the class that each edit leads to; see `figures.relative_changes`.
    """
    keys = listed_classifiers(explainer)
    networks = copy_to_device(explainer, device).classifiers
    sizer = BatchSizer(budget)
    found: Matrix = {}
    for own in keys:
        [made] = yield from make_counterfactuals(
            explainer, read, ids, k, kappa=kappa, kinds=("copy",), classifier_id=own, device=device, budget=budget
        )

        def ask(rows: slice, made: Counterfactuals = made) -> Tensor:
            return torch.stack([_both(networks[key], made, rows, device) for key in keys])

        parts = yield from sizer.anew().run(ask, len(made), "Asking every classifier")
        probs = torch.cat(parts, dim=2)
        row = relative_changes(probs[:, 0], probs[:, 1], keys.index(own))
        found[own] = dict(zip(keys, row.tolist(), strict=True))
    return found


@torch.inference_mode()
def _both(network: Classifier, made: Counterfactuals, rows: slice, device: str | torch.device) -> Tensor:
    """Return (2, n): a network's probabilities of the targets before and after the edit."""
    targets = torch.from_numpy(made.targets[rows])[:, None]
    images = (torch.from_numpy(to_float(each[rows])).to(device) for each in (made.before, made.after))
    return torch.stack([network.probs(img).float().cpu().gather(1, targets)[:, 0] for img in images])
