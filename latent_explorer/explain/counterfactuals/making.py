# SPDX-License-Identifier: MIT
"""Counterfactuals of many photographs, as `evaluate --counterfactuals` judges them. A job.

Two kinds. *copy*: the encoder's reconstruction before and after the edit, as in the StylEx paper. *photo*: the
photograph before and after, with the edit of its refined copy pasted into its most changed part. The edit is the first
k attributes of the list towards the runner-up class, together; nothing is chosen on the pictures that are judged.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Progress
from latent_explorer.common.jobs import forward_events
from latent_explorer.data.images import to_float, to_uint8
from latent_explorer.explain.attfind.encode import encode
from latent_explorer.explain.attfind.sufficiency import by_target
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.counterfactuals.controls import class_weight_edits, noise_like, random_edits_like
from latent_explorer.explain.counterfactuals.paste import change_mask, paste
from latent_explorer.explain.counterfactuals.photo import REFINEMENT
from latent_explorer.explain.latents import Latent, latent_of
from latent_explorer.explain.projection.projection import distances, project
from latent_explorer.explain.projection.target import Target
from latent_explorer.explain.recipe import PictureRecipe, ProjectedBase, attribute_edits
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.attributes import newest_set

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.recipe import Edit
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.explainer import Explainer

Kind = Literal["copy", "photo"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SHARE = 0.75  # of the pixels that may take the edit in a photograph
_LATENT_ID = "counterfactual"


@dataclass(frozen=True)
class Counterfactuals:
    """Pictures (N, R, R, 3) uint8 of one kind, of the photographs that have attributes towards their runner-up."""

    kind: Kind
    rows: np.ndarray  # (N,) of the photographs that were given
    targets: np.ndarray  # (N,) classes that the edit leads to
    photos: np.ndarray
    before: np.ndarray  # the copies, or the photographs again
    after: np.ndarray
    second: np.ndarray  # with the next k attributes in place of the first
    # Controls, shown as `after` is.
    pasted: np.ndarray  # the unedited copy in the same place; `before` of copies
    random: np.ndarray  # random edits of the same size
    noise: np.ndarray  # noise of the same strength, in the same place
    weights: np.ndarray  # the k coordinates that the told class moves most; `before` where there are none
    seconds: float  # that `after` took, with encoding or refinement

    def __len__(self) -> int:
        return len(self.rows)


def make_counterfactuals(
    explainer: Explainer,
    read: Callable[[slice], np.ndarray],
    ids: Sequence[str],
    k: int = 3,
    *,
    kappa: float = 1.0,
    share: float = SHARE,
    kinds: Sequence[Kind] = KINDS,
    classifier_id: str | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, list[Counterfactuals]]:
    """Make the counterfactuals of the photographs `ids`; `read(rows)` gives (n, R, R, 3) uint8. A job.

    UserError where the explainer lists no attributes for the classifier.
    """
    key = classifier_id or explainer.classifier_id
    listed = newest_set(explainer.attribute_sets, key)
    if listed is None:
        raise UserError(f"{explainer.name} lists no attributes for this classifier. Run attfind first.")
    maker = _Maker(explainer, listed.attributes, k, kappa, share, key, device)
    photos = read(slice(0, len(ids)))
    made = []
    for kind in kinds:
        start = time.monotonic()
        latents = yield from maker.latents(kind, photos, ids, budget)
        made.append((yield from maker.make(kind, photos, latents, time.monotonic() - start)))
    return made


class _Maker:
    def __init__(
        self,
        explainer: Explainer,
        attributes: Sequence[Attribute],
        k: int,
        kappa: float,
        share: float,
        key: str,
        device: str | torch.device,
    ) -> None:
        self.renderer = Renderer(explainer, device)
        self.model, self.key, self.share = explainer, key, share
        self.classifier = self.renderer.explainer.classifiers[key]
        self.distance, _ = distances(self.renderer.explainer, self.renderer.device)
        listed = by_target(attributes)
        self.first = {target: _edits(each[:k], kappa) for target, each in listed.items()}
        self.next = {target: _edits(each[k : 2 * k], kappa) for target, each in listed.items()}
        self.weights = {target: class_weight_edits(explainer, key, target, k, kappa) for target in listed}

    def latents(
        self, kind: Kind, photos: np.ndarray, ids: Sequence[str], budget: StepBudget
    ) -> Generator[Event, None, list[Latent]]:
        if kind == "copy":
            model = self.renderer.explainer
            samples = yield from encode(model, lambda rows: photos[rows], ids, BatchSizer(budget))
            cond = samples.cond_of()
            return [
                Latent(samples.ws[i : i + 1], None if cond is None else cond[i : i + 1]) for i in range(len(samples))
            ]
        targets = [Target(name, photo) for name, photo in zip(ids, photos, strict=True)]
        job = project(
            self.model, targets, REFINEMENT, device=self.renderer.device, budget=budget, classifier_id=self.key
        )
        found = yield from forward_events(job, lambda event: event if isinstance(event, Progress) else None)
        return [latent_of(each) for each in found]

    def make(
        self, kind: Kind, photos: np.ndarray, latents: Sequence[Latent], seconds: float
    ) -> Generator[Event, None, Counterfactuals]:
        rows, targets = [], []
        pictures: dict[str, list[np.ndarray]] = {name: [] for name in _PICTURES}
        rng = torch.Generator().manual_seed(0)
        for i, latent in enumerate(latents):
            yield Progress(i, len(latents), "Making counterfactuals")
            start = time.monotonic()
            trial = _Trial(self, kind, _float(photos[i : i + 1]), latent)
            target = trial.runner_up
            if not self.first.get(target):
                continue
            edited = trial.render(self.first[target])
            after = trial.shown(edited)
            seconds += time.monotonic() - start
            rows.append(i)
            targets.append(target)
            made = {
                "photos": trial.photo,
                "before": trial.before,
                "after": after,
                "second": trial.shown(trial.render(self.next.get(target, ()))),
                "pasted": trial.pasted(edited),
                "random": trial.random(edited, rng),
                "noise": trial.noise(edited, after, rng),
                "weights": trial.shown(trial.render(self.weights.get(target, ()))),
            }
            for name, img in made.items():
                pictures[name].append(_uint8(img)[0])
        yield Progress(len(latents), len(latents), "Making counterfactuals")
        if not rows:
            raise UserError(f"{self.model.name} lists no attributes towards the runner-up of any of these pictures.")
        stacked = {name: np.stack(images) for name, images in pictures.items()}
        return Counterfactuals(kind, np.array(rows), np.array(targets), seconds=seconds, **stacked)


_PICTURES = ("photos", "before", "after", "second", "pasted", "random", "noise", "weights")


class _Trial:
    """One photograph and its copy, and how an edit of the copy is shown."""

    @torch.inference_mode()
    def __init__(self, maker: _Maker, kind: Kind, photo: Tensor, latent: Latent) -> None:
        self.maker, self.kind = maker, kind
        self.photo = photo.to(maker.renderer.device)
        maker.renderer.add_latent(_LATENT_ID, latent)
        self.unedited = self.render(())
        # As it is judged, in 8 bits: the runner-up of a picture at the boundary must not change by rounding.
        self.before = _float(_uint8(self.unedited)).to(self.photo) if kind == "copy" else self.photo
        self.runner_up = int(maker.classifier.logits(self.before)[0].topk(2).indices[1])

    def render(self, edits: tuple[Edit, ...]) -> Tensor:
        """Return the copy (1, 3, R, R) with edits."""
        return self.maker.renderer.img(PictureRecipe(ProjectedBase(_LATENT_ID), edits=edits)).clamp(-1, 1)

    def shown(self, edited: Tensor) -> Tensor:
        """Return an edited copy as it is, or pasted into the photograph where it changed most."""
        return self._in_place(edited, self._mask(edited))

    def pasted(self, edited: Tensor) -> Tensor:
        """Return the copy without the edit, in the edit's place."""
        return self._in_place(self.unedited, self._mask(edited))

    @torch.inference_mode()
    def random(self, edited: Tensor, rng: torch.Generator) -> Tensor:
        """Return what random edits of the size of `edited` make, pasted in where they changed most."""
        distance = self.maker.distance
        size = float(distance(edited, self.unedited))
        model = self.maker.renderer.explainer
        return self.shown(random_edits_like(size, self.render, self.unedited, distance, model, rng))

    @torch.inference_mode()
    def noise(self, edited: Tensor, after: Tensor, rng: torch.Generator) -> Tensor:
        """Return noise of the strength of the whole change, in the edit's place."""
        return noise_like(self.before, after, self._mask(edited), 1, rng)

    @torch.inference_mode()
    def _mask(self, edited: Tensor) -> Tensor:
        if self.kind == "copy":
            return torch.ones_like(edited[:, :1])
        return change_mask(self.unedited, edited, self.maker.share)

    @torch.inference_mode()
    def _in_place(self, img: Tensor, mask: Tensor) -> Tensor:
        return img if self.kind == "copy" else paste(self.photo, self.unedited, img, mask).img


def _float(images: np.ndarray) -> Tensor:
    return torch.from_numpy(to_float(images))


def _uint8(img: Tensor) -> np.ndarray:
    return to_uint8(img.float().cpu().numpy())


def _edits(attributes: Sequence[Attribute], kappa: float) -> tuple[Edit, ...]:
    return tuple(edit for attribute in attributes for edit in attribute_edits(attribute, kappa))
