# SPDX-License-Identifier: MIT
"""What the window may know about an open model: plain values and numpy, so that no widget meets a tensor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from latent_explorer.models.attributes import AttributeSet
from latent_explorer.models.note import note_of
from latent_explorer.models.style_layout import StyleLayout


@dataclass(frozen=True)
class ClassifierSummary:
    """One classifier that can be asked. `classifier_id` is the hash of its weights (design: identity)."""

    classifier_id: str
    name: str
    class_names: tuple[str, ...]
    frame_only: int = 0  # > 0: it sees the outer so many px of its input alone


@dataclass(frozen=True)
class StyleStats:
    """Observed values of every style coordinate over the samples; each (num_styles,) float32."""

    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    std: np.ndarray


@dataclass(frozen=True)
class SampleTable:
    """The encoded pictures in the file. `probs` (M, K): the classifier on the *real* pictures."""

    ids: tuple[str, ...]
    probs: np.ndarray


@dataclass(frozen=True)
class ExplainerSummary:
    """An open explainer as the window sees it."""

    name: str
    model_hash: str
    resolution: int
    layout: StyleLayout
    classifiers: tuple[ClassifierSummary, ...]
    conditioned_on: str | None  # classifier_id whose probabilities are `cond`
    samples: SampleTable | None
    style_stats: StyleStats | None
    attribute_sets: tuple[AttributeSet, ...] = ()
    has_encoder: bool = False
    figures: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)  # data, licence, hashes, training config

    @property
    def classifier_id(self) -> str:
        """The classifier that is asked unless another is named: the conditioning one, or the first; "": there is none."""
        return self.conditioned_on or next((c.classifier_id for c in self.classifiers), "")

    @property
    def note(self) -> str:
        """What whoever made the file wants people to know; plain text, "" for none."""
        return note_of(self.provenance)
