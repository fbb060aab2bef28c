# SPDX-License-Identifier: MIT
"""A person's labels as a search takes them: the latents of the labelled pictures, and what was said of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.explain.labels import SKIPPED, LabelSet
from latent_explorer.explain.latents import seed_inputs
from latent_explorer.explain.recipe import SampleBase, SeedBase
from latent_explorer.models.stylegan2 import truncate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.explain.labels import Label
    from latent_explorer.models.explainer import Explainer

FEWEST = 5  # latents of each label


@dataclass(frozen=True)
class Answers:
    """Labels of the latents of a search: `values` (M,), -1 without one."""

    values: np.ndarray
    name: str = ""
    rating: bool = False  # 1 to 5; else 1 and 0
    drawn: np.ndarray | None = None  # (M,) bool: those that the fit is judged by; None: all

    @classmethod
    def of(cls, labels: LabelSet, unlabelled: int = 0) -> Answers:
        """Return the labels that are not skipped, followed by latents without one."""
        given = labels.given
        values = np.array([label.value for label in given] + [SKIPPED] * unlabelled, int)
        drawn = np.array([not label.sought for label in given] + [False] * unlabelled, bool)
        return cls(values, labels.name, labels.kind == "rating", drawn)

    def missing(self, rows: np.ndarray) -> str:
        """Return what the labels of these latents lack for a fit, as a sentence; empty if there are enough."""
        values = self.values[rows]
        if self.rating:
            low, high = int((values <= 2).sum()), int((values >= 4).sum())
            text = f"{low} pictures are rated 1 or 2 and {high} are rated 4 or 5: each end needs {FEWEST}."
            return "" if min(low, high) >= FEWEST else text
        yes, no = int((values == 1).sum()), int((values == 0).sum())
        return (
            "" if min(yes, no) >= FEWEST else f"{yes} latents are labelled 1 and {no} are 0: each label needs {FEWEST}."
        )


@torch.no_grad()
def labelled_latents(model: Explainer, labels: Sequence[Label]) -> tuple[Tensor, Tensor | None]:
    """Return ws (n, num_ws, w_dim) of labelled pictures, truncated as they were shown, and cond (n, K).

    UserError for a picture that is not in the file.
    """
    generator, samples = model.generator, model.samples
    w_avg, held = generator.mapping.w_avg, 0 if samples is None else len(samples)
    ws = w_avg.new_empty(len(labels), generator.num_ws, generator.config.w_dim)
    conds: list[Tensor | None] = [None] * len(labels)
    seeds, inputs = [], []
    for i, label in enumerate(labels):
        if isinstance(label.base, SeedBase):
            seeds.append(i)
            inputs.append(seed_inputs(model, label.base.seed))
            conds[i] = inputs[-1][2]
        elif samples is None or label.base.index >= held:
            raise UserError(f"There is no picture {label.base.index} in {model.name}, which holds {held:,}.")
        else:
            row = slice(label.base.index, label.base.index + 1)
            ws[i], conds[i] = samples.ws[row][0], samples.cond_of(row)
    if seeds:
        classes = [c for _, c, _ in inputs if c is not None]
        ws[seeds] = generator.ws_from_z(torch.cat([z for z, _, _ in inputs]), torch.cat(classes) if classes else None)
    for i, label in enumerate(labels):
        ws[i] = truncate(ws[i : i + 1], w_avg, label.truncation_psi, label.truncation_cutoff)[0]
    known = [cond for cond in conds if cond is not None]
    return ws, torch.cat(known).to(ws) if known else None


def samples_in(labels: LabelSet) -> list[int]:
    """Return which pictures of the file a set holds, also skipped ones."""
    return [label.base.index for label in labels.labels if isinstance(label.base, SampleBase)]
