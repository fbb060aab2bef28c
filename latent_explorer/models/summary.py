# SPDX-License-Identifier: MIT
"""Plain values and numpy arrays that describe an open explainer to the window, and the note in its provenance."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.models.architecture import StyleLayout
from latent_explorer.models.attributes import AttributeSet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOTE, LICENCE = "note", "licence"  # keys of the provenance
_GENERATED = "generated "  # the beginning of a generated picture's id
MAX_NOTE = 600  # characters, of either


@dataclass(frozen=True)
class ClassifierSummary:
    """Classifier of an explainer. `classifier_id` hashes its tensors and configuration."""

    classifier_id: str
    name: str
    class_names: tuple[str, ...]
    frame_only: int = 0  # > 0: it sees only so many outer px of its input


@dataclass(frozen=True)
class ProgramSummary:
    """Classifier of an explainer's file that is a program and may not run."""

    name: str
    kind: str  # "TorchScript"
    sha256: str


@dataclass(frozen=True)
class StyleStats:
    """Statistics of every style coordinate over the samples; each (num_styles,) float32."""

    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    std: np.ndarray


@dataclass(frozen=True)
class SampleTable:
    """Encoded pictures of the file, or `generated` ones in their place.

    `probs` (M, K) are the classifier's on the *real* pictures, or on the generated ones.
    """

    ids: tuple[str, ...]
    probs: np.ndarray

    @cached_property
    def generated(self) -> bool:
        """True if the pictures were drawn from random latents: none of them shows a photograph."""
        return are_generated(self.ids)


@dataclass(frozen=True)
class ExplainerSummary:
    """Open explainer as the window sees it."""

    name: str
    model_hash: str
    resolution: int
    w_dim: int
    layout: StyleLayout
    classifiers: tuple[ClassifierSummary, ...]
    conditioned_on: str | None  # classifier_id whose probabilities are `cond`
    samples: SampleTable | None
    style_stats: StyleStats | None
    attribute_sets: tuple[AttributeSet, ...] = ()
    has_encoder: bool = False
    figures: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)  # data, licence, hashes, training config
    left_out: tuple[ProgramSummary, ...] = ()  # classifiers of its file that may not run

    @property
    def classifier_id(self) -> str:
        """Default classifier: the one that the generator is conditioned on, or else the first; "" if there is none."""
        return self.conditioned_on or next((c.classifier_id for c in self.classifiers), "")

    @property
    def samples_are(self) -> str:
        """What the samples are: "encoded pictures" or "generated pictures"."""
        return samples_are(self.samples.ids if self.samples else ())

    @property
    def note(self) -> str:
        """Note of the file's author, plain text; "" for none."""
        return note_of(self.provenance)


def generated_id(number: int) -> str:
    """Return the id of a generated picture; those of encoded ones are the names of their files."""
    return f"{_GENERATED}{number}"


def are_generated(ids: Sequence[str]) -> bool:
    """Return True if the ids of samples are all those of generated pictures."""
    return bool(ids) and all(each.startswith(_GENERATED) and each[len(_GENERATED) :].isdecimal() for each in ids)


def samples_are(ids: Sequence[str]) -> str:
    """Return what samples with these ids are: "encoded pictures" or "generated pictures"."""
    return "generated pictures" if are_generated(ids) else "encoded pictures"


def row_names(summary: ExplainerSummary) -> list[str]:
    """Return the rows of ws with the resolution at which each acts: "3  (16 px)"."""
    sizes: dict[int, int] = {}
    for layer in summary.layout.layers:
        sizes.setdefault(layer.ws_row, layer.resolution)
    return [f"{r}  ({sizes[r]} px)" if r in sizes else str(r) for r in range(summary.layout.num_ws)]


def note_of(provenance: Mapping[str, Any]) -> str:
    """Return the note, cut to MAX_NOTE characters and cleaned (anyone may have written it); "" if there is no text."""
    note = provenance.get(NOTE)
    return _clean(note[:MAX_NOTE]) if isinstance(note, str) else ""


def with_note(provenance: Mapping[str, Any], note: str, key: str = NOTE) -> dict[str, Any]:
    """Return the provenance with this note (or licence, by its key); an empty one is removed.

    Raises UserError when it is longer than MAX_NOTE characters.
    """
    note = _clean(note)
    if len(note) > MAX_NOTE:
        raise UserError(f"A {key} has at most {MAX_NOTE} characters, this one has {len(note)}. Shorten it.")
    others = {name: value for name, value in provenance.items() if name != key}
    return {**others, key: note} if note else others


def _clean(text: str) -> str:
    """Return one paragraph: control characters could reorder or hide the words around them."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
