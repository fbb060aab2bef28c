# SPDX-License-Identifier: MIT
"""Flip rates: how many verdicts change when the first k attributes are applied together.

The reference's section A.7: all shifts start from the unedited styles, and every picture counts, whichever its class.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch

from latent_explorer.common.events import Event, Progress
from latent_explorer.common.statistics import wilson_interval
from latent_explorer.explain.attfind.effects import Reconstructions, classify

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from torch import Tensor

    from latent_explorer.explain.batches import BatchSizer
    from latent_explorer.models.attributes import Attribute, AttributeSet
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.synthesis import SynthesisNetwork


@dataclass(frozen=True)
class Rate:
    """Share of pictures with its 95 % Wilson interval; NaN of no pictures."""

    count: int
    n: int

    @property
    def share(self) -> float:
        return self.count / self.n if self.n else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        return wilson_interval(self.count, self.n)


@dataclass(frozen=True)
class FlipRate:
    """Verdicts that the first k attributes at one kappa change on a set of pictures."""

    k: int
    kappa: float
    reached: Rate  # the verdict became the target
    left: Rate  # the verdict became another class than before; the same where there are two classes
    per_class: dict[str, Rate]  # `reached` by the class that the reconstruction had
    controls: dict[str, Rate] = field(default_factory=dict)  # `reached` by edits that are no attributes

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as reports and the command line print them."""
        return {
            "k": self.k,
            "kappa": self.kappa,
            "n": self.reached.n,
            "overall": self.reached.share,
            "interval": self.reached.interval,
            "left": self.left.share,
            "per_class": {
                # JSON has no NaN: a class without pictures has no share.
                name: {"n": rate.n, "flipped": rate.share if rate.n else None, "interval": rate.interval}
                for name, rate in self.per_class.items()
            },
            "controls": {
                name: {"share": rate.share if rate.n else None, "n": rate.n, "interval": rate.interval}
                for name, rate in self.controls.items()
            },
        }


def by_target(attributes: Sequence[Attribute]) -> dict[int, list[Attribute]]:
    """Group attributes by the class that they raise, in their order."""
    out: dict[int, list[Attribute]] = {}
    for attribute in attributes:
        out.setdefault(attribute.target, []).append(attribute)
    return out


def other_class(logits: np.ndarray) -> np.ndarray:
    """Return for logits (N, K) the runner-up class (N,), which each picture is moved to."""
    return np.argsort(logits, axis=1)[:, -2]


def apply_attributes(s: Tensor, style_range: Tensor, attributes: Sequence[Attribute], kappa: float) -> Tensor:
    """Apply all attributes at once to style values s (N, num_styles), each from the unedited value.

    `style_range` (2, num_styles) holds the observed minimum and maximum, for entries without ends of their own. With
    such entries s may be wider, and hold the styles of toRGB too.
    """
    delta = torch.zeros_like(s)
    for attribute in attributes:
        for entry in attribute.entries:
            j, direction = entry.style_index, 0 if entry.end == "min" else 1
            end = style_range[direction, j] if entry.ends is msgspec.UNSET else entry.ends[direction]
            delta[:, j] += kappa * entry.weight * (end - s[:, j])
    return s + delta


def flips(
    synthesis: SynthesisNetwork,
    classifier: Classifier,
    pictures: Reconstructions,
    attribute_set: AttributeSet,
    style_range: Tensor,
    ks: Sequence[int],
    kappas: Sequence[float],
    batch_sizer: BatchSizer,
) -> Generator[Event, None, list[FlipRate]]:
    """Measure flip rates for every k and kappa. A job."""
    before = pictures.logits.cpu().numpy()
    targets = other_class(before)
    attributes = by_target(attribute_set.attributes)
    own = synthesis.join(pictures.styles, torgb=True)
    out: list[FlipRate] = []
    total = len(ks) * len(kappas)
    for kappa in kappas:
        for k in ks:
            s = apply_per_target(own, style_range, attributes, targets, k, kappa)
            after = yield from classify(
                synthesis, classifier, pictures.styles, s, batch_sizer, "Classifying edited pictures"
            )
            names = classifier.config.class_names
            out.append(count_flips(before, after.cpu().numpy(), targets, names, k, kappa))
            yield Progress(len(out), total, "Applying the attributes together")
    return out


def count_flips(
    before: np.ndarray,
    after: np.ndarray,
    targets: np.ndarray,
    class_names: Sequence[str],
    k: int,
    kappa: float,
) -> FlipRate:
    """Count the flips between logits (N, K) before and after an edit towards `targets` (N,)."""
    verdicts_before, verdicts_after = before.argmax(axis=1), after.argmax(axis=1)
    reached, left = verdicts_after == targets, verdicts_after != verdicts_before

    def rate(hit: np.ndarray, rows: np.ndarray) -> Rate:
        return Rate(int(hit[rows].sum()), int(rows.sum()))

    all_rows = np.ones(len(verdicts_before), dtype=bool)
    per_class = {name: rate(reached, verdicts_before == c) for c, name in enumerate(class_names)}
    return FlipRate(k, kappa, rate(reached, all_rows), rate(left, all_rows), per_class)


def apply_per_target(
    s: Tensor,
    style_range: Tensor,
    attributes: dict[int, list[Attribute]],
    targets: np.ndarray,
    k: int,
    kappa: float,
) -> Tensor:
    """Apply to every picture's styles the first k attributes of its own target."""
    out = s.clone()
    for target in np.unique(targets):
        rows = torch.as_tensor(np.flatnonzero(targets == target), device=s.device)
        out[rows] = apply_attributes(s[rows], style_range, attributes.get(int(target), [])[:k], kappa)
    return out
