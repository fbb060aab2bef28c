# SPDX-License-Identifier: MIT
"""Explainers in memory: generator, encoder, classifiers, encoded samples, statistics and attribute sets."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import torch
from torch import Tensor, nn

from latent_explorer.common.errors import UserError
from latent_explorer.data.images import to_float
from latent_explorer.models.attributes import AttributeSet
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.discriminator import Discriminator, Encoder
from latent_explorer.models.lucidrains import LucidrainsEncoder
from latent_explorer.models.programs.program import is_allowed
from latent_explorer.models.stylegan2 import Generator
from latent_explorer.models.summary import (
    ClassifierSummary,
    ExplainerSummary,
    ProgramSummary,
    SampleTable,
    StyleStats,
    generated_id,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np


def stored_tensors(prefix: str, module: nn.Module | None, floats: torch.dtype = torch.float16) -> dict[str, Tensor]:
    """Return the tensors of a module as a file holds them: names with the prefix, floating-point ones as `floats`."""
    if module is None:
        return {}
    return {
        f"{prefix}.{name}": (t.to(floats) if t.is_floating_point() else t).detach().cpu().contiguous()
        for name, t in module.state_dict().items()
    }


def hash_tensors(tensors: Mapping[str, Tensor]) -> str:
    """Return the identity of a model or classifier: SHA-256 over the sorted names and bytes of its stored tensors."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def hash_classifier(classifier: Classifier) -> str:
    """Return the classifier_id, which depends neither on the explainer that holds the classifier nor on its name."""
    tensors = stored_tensors("classifier", classifier)
    return classifier_identity(hash_tensors(tensors), classifier.config)


def classifier_identity(tensors_sha256: str, config: ClassifierConfig) -> str:
    """Return the classifier_id: a hash of the tensors and of all settings that change the answers or their meaning."""
    pre = config.preprocessing
    meaning: tuple[object, ...] = (
        config.architecture,
        config.class_names,
        {"input_size": pre.input_size, "mean": pre.mean, "std": pre.std},
        config.head,
        config.temperature,
    )
    # Later settings only where they are used: all other classifiers keep their earlier id.
    if config.frame_only:
        meaning += (config.frame_only,)
    if (later := (pre.crop, pre.interpolation, pre.channels)) != (1.0, "bilinear", "rgb"):
        meaning += (later,)
    if config.options:
        meaning += (config.options,)
    if config.graph is not None:
        meaning += (config.graph,)
    if config.program is not None:
        meaning += (config.program,)
    text = tensors_sha256.encode() + msgspec.json.encode(meaning)
    return hashlib.sha256(text).hexdigest()


@dataclass
class Samples:
    """Encoded pictures, or generated ones in their place (`export --generated`), without their pixels."""

    ws: Tensor  # (M, num_ws, w_dim)
    cond: Tensor  # (M, K) the generator's condition; K may be 0
    probs: Tensor  # (M, K) of the conditioning classifier, on the real or the generated pictures
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def cond_of(self, rows: slice | Tensor = slice(None)) -> Tensor | None:
        """Return `cond` of these rows, or None if the generator takes no classes."""
        return self.cond[rows] if self.cond.shape[1] else None


@dataclass
class Explainer:
    """Contents of one `.explainer` file. Networks are in evaluation mode and take no gradients."""

    name: str
    generator: Generator
    encoder: Encoder | LucidrainsEncoder | None = None
    discriminator: Discriminator | None = None
    classifiers: dict[str, Classifier] = field(default_factory=dict)  # by classifier_id
    conditioned_on: str | None = None  # classifier_id whose probabilities are `cond`
    samples: Samples | None = None
    style_stats: StyleStats | None = None
    attribute_sets: tuple[AttributeSet, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    # The generator is stored as fp32: an imported one renders what its source renders, also from the file.
    full_precision: bool = False
    left_out: tuple[ProgramSummary, ...] = ()  # classifiers of its file that may not run

    def __post_init__(self) -> None:
        for module in (self.generator, self.encoder, self.discriminator, *self.classifiers.values()):
            if module is not None:
                module.eval().requires_grad_(False)

    @cached_property
    def model_hash(self) -> str:
        """Identity of the model: a hash of generator and encoder only, so renaming an attribute does not change it."""
        return hash_tensors(self.model_tensors())

    def model_tensors(self) -> dict[str, Tensor]:
        """Return the tensors of generator and encoder as a file holds them."""
        encoder_dtype = torch.float32 if isinstance(self.encoder, LucidrainsEncoder) else torch.float16
        tensors = stored_tensors("generator", self.generator, self.generator_dtype)
        return tensors | stored_tensors("encoder", self.encoder, encoder_dtype)

    @property
    def generator_dtype(self) -> torch.dtype:
        """Number type of the generator's tensors in a file."""
        return torch.float32 if self.full_precision else torch.float16

    @property
    def classifier_id(self) -> str:
        """Default classifier: the one that the generator is conditioned on, or else the first.

        Raises UserError when there is none.
        """
        if not self.classifiers:
            raise UserError(f"{self.name} holds no classifier to ask. Make it again with one.")
        return self.conditioned_on or next(iter(self.classifiers))

    @property
    def classifier(self) -> Classifier:
        return self.classifiers[self.classifier_id]

    def encode(self, img: Tensor) -> Tensor:
        """img (N, 3, R, R) in [-1, 1] -> w (N, w_dim).

        What an encoder of lucidrains' kind lacks of w are the logits of the classifier: the first StylEx on it was
        told these, and mapped z to them, too.
        """
        assert self.encoder is not None
        w: Tensor = self.encoder(img).float()
        if w.shape[1] == self.generator.config.w_dim:
            return w
        return torch.cat([w, self.classifier.logits(img).float()], dim=1)

    def summary(self) -> ExplainerSummary:
        """Return the explainer as plain values, for the window."""
        samples = None
        if self.samples is not None:
            samples = SampleTable(self.samples.ids, self.samples.probs.float().cpu().numpy())
        return ExplainerSummary(
            name=self.name,
            model_hash=self.model_hash,
            resolution=self.generator.config.resolution,
            w_dim=self.generator.config.w_dim,
            layout=self.generator.synthesis.layout,
            classifiers=tuple(classifier_summary(key, c) for key, c in self.classifiers.items()),
            conditioned_on=self.conditioned_on,
            samples=samples,
            style_stats=self.style_stats,
            attribute_sets=self.attribute_sets,
            has_encoder=self.encoder is not None,
            figures=self.figures,
            provenance=self.provenance,
            left_out=self.left_out,
        )


def classifier_summary(classifier_id: str, classifier: Classifier) -> ClassifierSummary:
    """Return a classifier as plain values, for the window."""
    config = classifier.config
    return ClassifierSummary(classifier_id, config.name, config.class_names, config.frame_only)


def without_forbidden_programs(explainer: Explainer) -> Explainer:
    """Return the explainer without the classifiers that are programs which nobody allowed to run, and their attributes.

    What was left out is noted in `left_out`.
    """
    forbidden = {
        key: ProgramSummary(c.config.name, c.config.program.kind, c.config.program.sha256)
        for key, c in explainer.classifiers.items()
        if c.config.program is not None and not is_allowed(c.config.program.sha256)
    }
    if not forbidden:
        return explainer
    return replace(
        explainer,
        classifiers={key: c for key, c in explainer.classifiers.items() if key not in forbidden},
        conditioned_on=None if explainer.conditioned_on in forbidden else explainer.conditioned_on,
        attribute_sets=tuple(s for s in explainer.attribute_sets if s.classifier_id not in forbidden),
        left_out=tuple(forbidden.values()),
    )


def resolve_classifier(explainer: Explainer, text: str | None) -> str:
    """Return the id of the classifier with this name or beginning of its id; for None, of the default classifier.

    Raises UserError if not exactly one classifier matches.
    """
    if text is None:
        return explainer.classifier_id
    known = {key: classifier.config.name for key, classifier in explainer.classifiers.items()}
    matching = [key for key, name in known.items() if name == text] or [
        key for key in known if text and key.startswith(text)
    ]
    if len(matching) != 1:
        listed = ", ".join(f"{name} ({key[:12]})" for key, name in known.items())
        raise UserError(
            f"{len(matching)} classifiers are called {text!r} or have an id that starts so. Known: {listed}."
        )
    return matching[0]


def with_attribute_set(explainer: Explainer, attribute_set: AttributeSet) -> Explainer:
    """Return the explainer with one more attribute set, the newest; one of the same classifier and method is replaced.

    Attributes that are found again keep the names that people gave them.
    """
    same = (attribute_set.classifier_id, attribute_set.method)
    names = {
        (a.target, a.entries): a.name
        for old in explainer.attribute_sets
        if old.classifier_id == attribute_set.classifier_id
        for a in old.attributes
    }
    named = tuple(
        msgspec.structs.replace(a, name=a.name or names.get((a.target, a.entries), ""))
        for a in attribute_set.attributes
    )
    kept = tuple(s for s in explainer.attribute_sets if (s.classifier_id, s.method) != same)
    return replace(explainer, attribute_sets=(*kept, msgspec.structs.replace(attribute_set, attributes=named)))


def with_classifier(explainer: Explainer, classifier: Classifier, about: Mapping[str, Any] | None = None) -> Explainer:
    """Return the explainer with one more classifier to ask; its generator stays conditioned on the same one.

    `about` holds the data and accuracy from its file; it is kept as provenance["classifiers"][classifier_id].

    One with other classes than the classifier that is explained has no sliders until AttFind has searched for them.

    Raises UserError if the explainer holds this classifier already.
    """
    key = hash_classifier(classifier)
    if key in map(hash_classifier, explainer.classifiers.values()):
        raise UserError(
            f"{explainer.name} holds the classifier {classifier.config.name} ({key[:12]}) already. Add another one."
        )
    known = explainer.provenance.get("classifiers")
    kept = {**(known if isinstance(known, dict) else {}), **({key: dict(about)} if about else {})}
    provenance = {**explainer.provenance, "classifiers": kept} if kept else explainer.provenance
    classifiers = {**explainer.classifiers, key: classifier}
    return replace(explainer, classifiers=classifiers, provenance=provenance)


@torch.no_grad()
def style_statistics(generator: Generator, ws: Tensor, cond: Tensor | None, batch: int = 64) -> StyleStats:
    """Return range, mean and standard deviation of every style coordinate over ws (N, num_ws, w_dim), cond (N, K)."""
    parts = []
    for start in range(0, len(ws), batch):
        rows = slice(start, start + batch)
        styles = generator.synthesis.styles(ws[rows], None if cond is None else cond[rows])
        parts.append(generator.synthesis.join(styles))
    s = torch.cat(parts).float()
    return StyleStats(
        minimum=s.amin(dim=0).cpu().numpy(),
        maximum=s.amax(dim=0).cpu().numpy(),
        mean=s.mean(dim=0).cpu().numpy(),
        std=s.std(dim=0, unbiased=False).cpu().numpy(),
    )


@torch.no_grad()
def generate_batch(
    generator: Generator, classifier: Classifier, z: Tensor, cond: Tensor, first: int = 0, psi: float = 1.0
) -> Samples:
    """Return samples of z (N, z_dim) with the class probabilities `cond` (N, K), numbered from `first` on."""
    ws = generator.ws_from_z(z, psi=psi).contiguous()
    img = generator.synthesis(ws, cond, generator.synthesis.noise_const())
    ids = tuple(generated_id(first + i) for i in range(len(cond)))
    return Samples(ws, cond, classifier.probs(img.clamp(-1, 1)), ids)


@torch.inference_mode()
def encode_batch(explainer: Explainer, images: np.ndarray, ids: Sequence[str]) -> Samples:
    """Encode pictures (N, H, W, 3) uint8 at the generator's resolution; the results are on the model's device.

    cond = softmax(C(x)) of the conditioning classifier on the real picture; (N, 0) if the generator takes no classes.
    """
    if explainer.encoder is None:
        raise UserError(
            f"{explainer.name} has no encoder, so pictures cannot be brought into it. Train one, or project them."
        )
    size = explainer.generator.config.resolution
    if images.shape[1:] != (size, size, 3):
        raise ValueError(f"pictures of shape {images.shape[1:]}; this encoder takes {size} x {size} px")
    device = explainer.generator.mapping.w_avg.device
    img = torch.from_numpy(to_float(images)).to(device)
    probs = explainer.classifier.probs(img).float()
    ws = explainer.generator.broadcast(explainer.encode(img)).contiguous()
    cond = probs if explainer.generator.config.num_classes else probs[:, :0]
    return Samples(ws, cond, probs, tuple(ids))


def concat_samples(parts: Sequence[Samples]) -> Samples:
    """Return several batches as one."""
    return Samples(
        torch.cat([part.ws for part in parts]),
        torch.cat([part.cond for part in parts]),
        torch.cat([part.probs for part in parts]),
        tuple(name for part in parts for name in part.ids),
    )
