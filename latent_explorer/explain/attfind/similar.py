# SPDX-License-Identifier: MIT
"""Similar attributes: ten of which five look alike are five. A job on the attributes of one set.

Two numbers compare two attributes, over the same pictures: the cosine of what they change in a picture, and the
correlation of their effects on the logit. Attributes are marked by the first; the second needs many pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from latent_explorer.common.events import Event, Progress
from latent_explorer.common.jobs import without_progress
from latent_explorer.explain.attfind.effects import Reconstructions, reconstruct
from latent_explorer.explain.attfind.searched import latents_to_search, observed_range
from latent_explorer.explain.attfind.sufficiency import apply_attributes, by_target
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.latents import copy_to_device
from latent_explorer.explain.likeness import correlation, likes, unit_change
from latent_explorer.models.attributes import Attribute

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from torch import Tensor

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.models.attributes import AttributeSet
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.explainer import Explainer, Samples
    from latent_explorer.models.synthesis import SynthesisNetwork

PICTURES = 48
_SEARCHED = 250  # pictures among which those of other classes are looked for


@dataclass(frozen=True)
class Similarity:
    """Attributes towards one class, compared on n pictures of other classes.

    cosine       (A, A): mean cosine of the difference pictures at kappa 1; nan where one changes none of them visibly
    correlation  (A, A): Pearson correlation of the effects on the target's logit; nan for effects that are all equal
    """

    attributes: tuple[Attribute, ...]
    n: int
    cosine: np.ndarray
    correlation: np.ndarray

    @property
    def likes(self) -> dict[int, int]:
        """Return places of attributes that look like an earlier one, and the place of the one each is most like."""
        return likes(self.cosine)


def similar_attributes(
    explainer: Explainer,
    attribute_set: AttributeSet,
    *,
    latents: Samples | None = None,
    n: int = PICTURES,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, dict[int, Similarity]]:
    """Compare the attributes of each class of a set with each other, on `n` pictures of other classes. A job.

    latents  pictures; the explainer's own samples unless given. A class without pictures of others has no entry
    """
    model = copy_to_device(explainer, device)
    classifier, synthesis = model.classifiers[attribute_set.classifier_id], model.generator.synthesis
    sizer = BatchSizer(budget)
    ws, cond = latents_to_search(explainer, latents, _SEARCHED, None, device)
    pictures = yield from reconstruct(synthesis, classifier, ws, cond, sizer)
    style_range, _source = observed_range(pictures, explainer.style_stats, explainer.style_stats)
    found: dict[int, Similarity] = {}
    for target, attributes in by_target(attribute_set.attributes).items():
        others = np.flatnonzero(pictures.classes != target)
        rows = others[np.unique(np.linspace(0, len(others) - 1, min(n, len(others))).round().astype(int))]
        if len(rows):
            job = _compared(synthesis, classifier, pictures, style_range, target, attributes, rows, sizer)
            found[target] = yield from job
    return found


def _compared(
    synthesis: SynthesisNetwork,
    classifier: Classifier,
    pictures: Reconstructions,
    style_range: Tensor,
    target: int,
    attributes: Sequence[Attribute],
    rows: np.ndarray,
    sizer: BatchSizer,
) -> Generator[Event, None, Similarity]:
    """Compare attributes on the pictures `rows`, one picture after the other: all changes at once fill the memory."""
    count = len(attributes)
    total, seen = np.zeros((count, count)), np.zeros((count, count))
    effects = np.zeros((len(rows), count))
    for place, row in enumerate(map(int, rows)):
        yield Progress(place, len(rows), "Comparing what the attributes change")
        styles = pictures.row(row)
        own = synthesis.join(styles, torgb=True)
        moved = torch.cat([own, *(apply_attributes(own, style_range, [each], 1.0) for each in attributes)])

        @torch.inference_mode()
        def render(part: slice, moved: Tensor = moved, styles: Sequence[Tensor] = styles) -> tuple[np.ndarray, Tensor]:
            s = moved[part]
            each = [style.expand(len(s), -1) for style in styles]
            img = synthesis.render(synthesis.replace(each, s), synthesis.noise_const()).clamp(-1, 1)
            return (img.float().cpu().numpy() + 1) * 127.5, classifier.logits(img).float()[:, target].cpu()

        parts = yield from without_progress(sizer.run(render, count + 1, ""))
        images, logits = np.concatenate([part[0] for part in parts]), torch.cat([part[1] for part in parts]).numpy()
        changes = [unit_change(images[0], image) for image in images[1:]]
        visible = np.array([change is not None for change in changes])
        units = np.stack([np.zeros(images[0].size, np.float32) if c is None else c for c in changes])
        total += units @ units.T
        seen += np.outer(visible, visible)
        effects[place] = logits[1:] - logits[0]
    cosine = np.divide(total, seen, out=np.full_like(total, np.nan), where=seen > 0)
    return Similarity(tuple(attributes), len(rows), cosine, correlation(effects))
