# SPDX-License-Identifier: MIT
"""What the window may know about an open model: plain values and numpy, so that no widget meets a tensor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.models.architecture import StyleLayout
from latent_explorer.models.attributes import AttributeSet

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTE, LICENCE = "note", "licence"  # keys of the provenance
MAX_NOTE = 600  # characters, of either


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
        """The classifier that is asked unless another is named: the conditioning one, or the first; "":
        there is none."""
        return self.conditioned_on or next((c.classifier_id for c in self.classifiers), "")

    @property
    def note(self) -> str:
        """What whoever made the file wants people to know; plain text, "" for none."""
        return note_of(self.provenance)


def note_of(provenance: Mapping[str, Any]) -> str:
    """The note, at most MAX_NOTE characters; "" where there is none, or where what stands there is no text."""
    note = provenance.get(NOTE)
    return _clean(note[:MAX_NOTE]) if isinstance(note, str) else ""


def with_note(provenance: Mapping[str, Any], note: str, key: str = NOTE) -> dict[str, Any]:
    """The provenance with this note (or licence, by its key), or without one if it is empty.

    Raises UserError when it is too long.
    """
    note = _clean(note)
    if len(note) > MAX_NOTE:
        raise UserError(f"A {key} has at most {MAX_NOTE} characters, this one has {len(note)}. Say it shorter.")
    others = {name: value for name, value in provenance.items() if name != key}
    return {**others, key: note} if note else others


def _clean(text: str) -> str:
    """One paragraph: control characters could reorder or hide the words around them, empty lines fill a window."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
