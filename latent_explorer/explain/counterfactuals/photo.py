# SPDX-License-Identifier: MIT
"""Explanation of photographs: which attributes turn the verdict on the photograph itself, not only on a copy of it.

The generator shows a copy. A photograph is refined first: a latent is sought that shows it as well as the styles can,
with the generator's stored noise, for what noise maps hold is not moved by an edit and carries the class with it. Then
sets of attributes are tried on the copy and, where the edit changes most, pasted into the photograph. Only a set that
turns both verdicts explains the photograph.

Controls stand beside every set, pasted into the same place: the unedited copy, noise of the same strength, random edits
of the same size, and as many coordinates that the class given to the generator moves most. Networks that learned
something else are asked about the changed photograph, too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Kept, Progress
from latent_explorer.common.jobs import forward_events
from latent_explorer.data.images import to_float, to_uint8
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.batches import default_budget
from latent_explorer.explain.counterfactuals.controls import class_weight_edits, hears, noise_like, random_edits_like
from latent_explorer.explain.counterfactuals.paste import Pasted, change_mask, paste
from latent_explorer.explain.counterfactuals.records import check_classes
from latent_explorer.explain.counterfactuals.references import other_networks
from latent_explorer.explain.counterfactuals.turning_sets import (
    MAX_CANDIDATES,
    SAFE_MARGIN,
    AttributeTuple,
    margins,
    search,
)
from latent_explorer.explain.latents import latent_of
from latent_explorer.explain.projected import ProjectedPicture
from latent_explorer.explain.projection.projection import distances, project
from latent_explorer.explain.projection_settings import ProjectionSettings
from latent_explorer.explain.recipe import Picture, PictureRecipe, ProjectedBase, attribute_edits
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.attributes import by_effect
from latent_explorer.models.classifiers import Classifier

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.projection.target import Target
    from latent_explorer.explain.recipe import Edit
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.explainer import Explainer

REFINEMENT = ProjectionSettings(space="s", steps=60, l2=15.0, verdict=0.1, check=False, early_stop=0)
SHARES = (0.1, 0.25, 0.5, 0.75)  # of the pixels: the least changed quarter always stays the photograph's
NOISE_DRAWS, RANDOM_DRAWS = 8, 4
Control = Literal["random", "weights"]
SEARCHING = "Searching for what turns the verdict"
_LATENT_ID = "photograph"  # of the renderer's latents
_KEPT_BYTES = 1 << 28  # of edited copies that another region can use


@dataclass(frozen=True)
class Change:
    """A set of attributes applied to one photograph."""

    attributes: AttributeTuple
    copy: Picture  # the generator's, edited
    photo: Picture  # the photograph with the edit pasted in
    mask: np.ndarray  # (R, R) float32, weight of the edit, 0 to 1
    turns_copy: bool
    turns_photo: bool
    # Controls, pasted into the same place: how many reach the target class.
    unedited: Rate  # the copy without the edit, once
    noise: Rate
    random: Rate
    weights: Rate  # as many coordinates that the told class moves most, once; of none where the generator is told none
    # By name: whether another network turns, too; of none where it gave the class before.
    others: Mapping[str, Rate] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Share of the picture that takes the edit."""
        return float(self.mask.mean())

    @property
    def explains(self) -> bool:
        """True if it turns both verdicts, and the unedited copy in its place does not."""
        return self.turns_copy and self.turns_photo and not self.unedited.count


@dataclass(frozen=True)
class PhotoExplanation:
    """What turns the verdict on one photograph: first the changes that explain it, fewest attributes first."""

    name: str
    target: int
    photo: Picture
    copy: Picture  # the refined copy, unedited
    refined: ProjectedPicture
    changes: tuple[Change, ...]

    @property
    def explained(self) -> bool:
        """True if a set of attributes turns the verdict on the copy and on the photograph."""
        return any(change.explains for change in self.changes)


@dataclass(frozen=True)
class PhotoSettings:
    """How photographs are explained.

    target   class to turn to; the runner-up of each photograph where None
    only     (R, R), 0 to 1: where a change is allowed; everywhere without it
    limit    most attributes in a set
    others   by name: networks with the same classes that are asked besides those of the file
    """

    target: int | None = None
    only: np.ndarray | None = None
    limit: int = MAX_CANDIDATES
    refinement: ProjectionSettings = REFINEMENT
    seed: int = 0
    others: Mapping[str, Classifier] = field(default_factory=dict)


def explain_photos(
    explainer: Explainer,
    targets: Sequence[Target],
    attributes: Sequence[Attribute],
    settings: PhotoSettings | None = None,
    *,
    classifier_id: str | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, list[PhotoExplanation]]:
    """Find the attributes that turn the verdict on each photograph. A job.

    Yields what `project` yields while photographs are refined, then Progress, and Kept with the explanations so far.
    UserError if no attribute leads to the class that is asked for.
    """
    settings = settings or PhotoSettings()
    if not any(settings.target in (None, attribute.target) for attribute in attributes):
        raise UserError(f"{explainer.name} lists no attribute that leads there. Search for attributes first.")
    refined = yield from project(
        explainer, targets, settings.refinement, device=device, budget=budget, classifier_id=classifier_id
    )
    searcher = PhotoExplainer(explainer, attributes, settings, classifier_id=classifier_id, device=device)
    found: list[PhotoExplanation] = []
    for target, projected in zip(targets, refined, strict=True):
        yield Progress(len(found), len(targets), SEARCHING)
        found.append((yield from without_kept(searcher.explain(target, projected))))
        yield Kept(tuple(found))
    yield Progress(len(found), len(targets), SEARCHING)
    return found


def without_kept(job: Generator[Event, None, PhotoExplanation]) -> Generator[Event, None, PhotoExplanation]:
    """Forward an explanation's events without what is known of it so far."""
    return forward_events(job, lambda event: None if isinstance(event, Kept) else event)


class PhotoExplainer:
    """Search on one photograph after the other, with one renderer. Not thread-safe, as the renderer is not."""

    def __init__(
        self,
        explainer: Explainer,
        attributes: Sequence[Attribute],
        settings: PhotoSettings,
        *,
        classifier_id: str | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        self.renderer = Renderer(explainer, device)
        self.model = self.renderer.explainer
        self.key = key = classifier_id or self.model.classifier_id
        self.classifier: Classifier = self.model.classifiers[key]
        check_classes(settings.others, self.classifier.config.class_names)
        given = {name: network.to(self.renderer.device) for name, network in settings.others.items()}
        self.others = other_networks(self.model, key) | given
        self.attributes = tuple(attributes)
        self.settings = settings
        self.distance, _judge = distances(self.model, self.renderer.device)
        self.controls: tuple[Control, ...] = ("random", "weights") if hears(self.model, key) else ("random",)
        self._last: tuple[ProjectedPicture, Trial] | None = None

    def explain(
        self, target: Target, refined: ProjectedPicture, *, aim: int | None = None, only: np.ndarray | None = None
    ) -> Generator[Event, None, PhotoExplanation]:
        """Search the sets of attributes that turn the verdict on a photograph that was refined. A job.

        Without changes where no attribute leads to the class, or the photograph has its verdict. `aim` and `only` take
        the place of the settings' target and region. What was rendered of the photograph explained last is used again,
        so that another region costs little. Yields Kept with the explanation so far: first what the sets found before
        do in this region, then all verdicts, then the random edits of one set after the other.
        """
        trial = self._trial(target, refined, aim)
        trial.allow(self.settings.only if only is None else only)
        photo, copy = self.picture(trial.img), self.picture(trial.unedited)
        changes: list[Change] = []

        def so_far() -> PhotoExplanation:
            ordered = sorted(changes, key=lambda change: (not change.explains, len(change.attributes)))
            return PhotoExplanation(target.name, trial.aim, photo, copy, refined, tuple(ordered))

        yield Progress(0, 0, SEARCHING)
        if trial.aim == photo.verdict:
            return so_far()
        if trial.found:
            changes += [trial.change(each) for each in trial.found]
            yield Kept(so_far())
        trial.found = yield from self._search(trial)
        changes = []
        for each in trial.found:
            changes.append(trial.change(each))
            yield Progress(0, 0, SEARCHING)
        yield Kept(so_far())
        for i, change in enumerate(changes):
            changes[i] = yield from trial.with_random(change)
            yield Kept(so_far())
        return so_far()

    def _trial(self, target: Target, refined: ProjectedPicture, aim: int | None) -> Trial:
        """Return the trial of the photograph explained last if it is this one, towards the same class; or a new one."""
        img = torch.from_numpy(to_float(target.image[None])).to(self.renderer.device)
        aim = self._aim(self.picture(img)) if aim is None else aim
        if self._last is None or self._last[0] is not refined or self._last[1].aim != aim:
            self.renderer.add_latent(_LATENT_ID, latent_of(refined))
            self._last = refined, Trial(self, img, aim)
        return self._last[1]

    @contextlib.contextmanager
    def on(self, img: Tensor, refined: ProjectedPicture, aim: int) -> Iterator[Trial]:
        """Give a refined photograph (1, 3, R, R) to try sets on, towards a class; one photograph at a time."""
        self._last = None
        self.renderer.add_latent(_LATENT_ID, latent_of(refined))
        try:
            yield Trial(self, img.to(self.renderer.device), aim)
        finally:
            del self.renderer.latents[_LATENT_ID]

    def _aim(self, photo: Picture) -> int:
        if self.settings.target is not None:
            return self.settings.target
        return int(np.argsort(photo.probs, kind="stable")[-2])

    def _search(self, trial: Trial) -> Generator[Event, None, list[AttributeTuple]]:
        """Return sets that turn both verdicts; without one those that turn the copy, else the largest set tried."""
        listed = [a for a in self.attributes if a.target == trial.aim]
        candidates = by_effect(listed)[: self.settings.limit]
        for margin in (trial.both, trial.on_copy):
            running, answers = search(candidates, margin(())), None
            while True:
                try:
                    asked = running.send(answers) if answers is not None else next(running)
                except StopIteration as stop:
                    if stop.value:
                        return list(stop.value)
                    break
                found = []
                for each in asked:
                    found.append(margin(each))
                    yield Progress(0, 0, SEARCHING)
                answers = np.array(found)
        return [tuple(candidates)] if candidates else []

    @torch.inference_mode()
    def picture(self, img: Tensor) -> Picture:
        logits = self.classifier.logits(img).float()[0]
        image = to_uint8(img[0].float().cpu().numpy())
        return Picture(image, logits.cpu().numpy(), logits.softmax(dim=0).cpu().numpy())


class Trial:
    """One photograph, its copy, and the margins of what is tried on them."""

    def __init__(self, owner: PhotoExplainer, img: Tensor, aim: int) -> None:
        self.owner, self.img, self.aim = owner, img, aim
        self.unedited = self._render(())
        self.found: list[AttributeTuple] = []  # by the last search, whatever the region
        self._only: Tensor | None = None  # (1, 1, R, R), 0 to 1: where a change is allowed
        self._margins: dict[AttributeTuple, tuple[float, float]] = {}
        # Pictures that do not depend on the region: (1, 3, R, R) with a set; (RANDOM_DRAWS, 3, R, R) of its size.
        self._edited: dict[AttributeTuple, Tensor] = {}
        self._drawn: dict[AttributeTuple, Tensor] = {}
        self.allow(owner.settings.only)

    def allow(self, only: np.ndarray | None) -> None:
        """Allow changes only in a region (R, R), 0 to 1; None: everywhere."""
        self._only = None if only is None else torch.from_numpy(only)[None, None].float().to(self.img.device)
        self._margins.clear()

    def on_copy(self, attributes: AttributeTuple) -> float:
        """Return the margin of the edited copy."""
        return self._known(attributes)[0]

    def both(self, attributes: AttributeTuple) -> float:
        """Return the smaller of the margins of the edited copy and of the photograph with the edit pasted in."""
        return min(self._known(attributes))

    def _known(self, attributes: AttributeTuple) -> tuple[float, float]:
        if attributes not in self._margins:
            self._margins[attributes] = self.tried(attributes)
        return self._margins[attributes]

    @torch.inference_mode()
    def tried(
        self, attributes: AttributeTuple, control: Control | None = None, rng: torch.Generator | None = None
    ) -> tuple[float, float]:
        """Return the margins of the copy and the photograph with a set, pasted into its largest share.

        A control takes the place of the set, in the same part of the photograph: random edits of its size, drawn by
        `rng`, or as many coordinates that the told class moves most.
        """
        edited = self._edit(attributes)
        mask = self._mask(edited, SHARES[-1])
        if control == "random":
            edited = self._random(edited, rng or torch.Generator().manual_seed(self.owner.settings.seed))
        elif control == "weights":
            edited = self._render(self._weight_edits(attributes))
        copy, photo = self._margins_of(torch.cat([edited, self._paste(edited, mask).img]))
        return copy, photo

    @torch.inference_mode()
    def pasted(self, attributes: AttributeTuple) -> Picture:
        """Return the photograph that `tried` judges."""
        edited = self._edit(attributes)
        return self.owner.picture(self._paste(edited, self._mask(edited, SHARES[-1])).img)

    @torch.inference_mode()
    def change(self, attributes: AttributeTuple) -> Change:
        """Return what a set does, pasted into as little of the photograph as turns it, and all controls but the random.

        These take longer: `with_random`.
        """
        edited = self._edit(attributes)
        masks = [self._mask(edited, share) for share in (SHARES if self._only is None else SHARES[-1:])]
        pasted = [self._paste(edited, mask) for mask in masks]
        margin = self._margins_of(torch.cat([each.img for each in pasted]))
        least = next((i for i, each in enumerate(margin) if each > SAFE_MARGIN), len(masks) - 1)
        chosen, mask = pasted[least], pasted[least].mask
        rng = torch.Generator().manual_seed(self.owner.settings.seed)
        noise = noise_like(self.img, chosen.img, mask, NOISE_DRAWS, rng)
        return Change(
            attributes,
            copy=self.owner.picture(edited),
            photo=self.owner.picture(chosen.img),
            mask=mask[0, 0].float().cpu().numpy(),
            turns_copy=self._margins_of(edited)[0] > 0,
            turns_photo=margin[least] > 0,
            unedited=self._reached(self._paste(self.unedited, mask).img),
            noise=self._reached(noise),
            random=Rate(0, 0),
            weights=self._by_weights(attributes, mask),
            others={name: self._turns_other(network, chosen.img) for name, network in self.owner.others.items()},
        )

    def with_random(self, change: Change) -> Generator[Event, None, Change]:
        """Return a change with random edits of its size, pasted into the same place."""
        key = change.attributes
        if key not in self._drawn:
            rng, drawn = torch.Generator().manual_seed(self.owner.settings.seed), []
            torch.randn((NOISE_DRAWS, *self.img.shape[1:]), generator=rng)  # the draws of the noise come first
            for _ in range(RANDOM_DRAWS):
                drawn.append(self._random(self._edit(key), rng))
                yield Progress(0, 0, "Trying random edits of the same size")
            self._drawn[key] = torch.cat(drawn)
        mask = torch.from_numpy(change.mask)[None, None].to(self.img)
        return replace(change, random=self._reached(self._paste(self._drawn[key], mask).img))

    def _edit(self, attributes: AttributeTuple) -> Tensor:
        """Return the copy with a set; kept as long as that takes little memory."""
        known = self._edited.get(attributes)
        if known is None:
            known = self._render(_edits(attributes))
            if len(self._edited) * known.nbytes < _KEPT_BYTES:
                self._edited[attributes] = known
        return known

    @torch.inference_mode()
    def _random(self, edited: Tensor, rng: torch.Generator) -> Tensor:
        owner = self.owner
        size = float(owner.distance(edited, self.unedited))
        return random_edits_like(size, self._render, self.unedited, owner.distance, owner.model, rng)

    def _by_weights(self, attributes: AttributeTuple, mask: Tensor) -> Rate:
        edits = self._weight_edits(attributes)
        return self._reached(self._paste(self._render(edits), mask).img) if edits else Rate(0, 0)

    def _weight_edits(self, attributes: AttributeTuple) -> tuple[Edit, ...]:
        return class_weight_edits(self.owner.model, self.owner.key, self.aim, len(_edits(attributes)))

    def _turns_other(self, network: Classifier, changed: Tensor) -> Rate:
        was, now = (int(each) == self.aim for each in network.logits(torch.cat([self.img, changed])).argmax(dim=1))
        return Rate(0, 0) if was else Rate(int(now), 1)

    def _mask(self, edited: Tensor, share: float) -> Tensor:
        """Return where an edit is pasted: into the most changed share, or into all of what a person allows."""
        if self._only is None:
            return change_mask(self.unedited, edited, share)
        return change_mask(self.unedited, edited, 1.0) * self._only

    @torch.inference_mode()
    def _paste(self, edited: Tensor, mask: Tensor) -> Pasted:
        return paste(self.img, self.unedited, edited, mask)

    def _render(self, edits: tuple[Edit, ...]) -> Tensor:
        return self.owner.renderer.img(PictureRecipe(ProjectedBase(_LATENT_ID), edits=edits)).clamp(-1, 1)

    @torch.inference_mode()
    def _margins_of(self, img: Tensor) -> list[float]:
        logits = self.owner.classifier.logits(img).float().cpu().numpy()
        return [float(each) for each in margins(logits, self.aim)]

    def _reached(self, img: Tensor) -> Rate:
        return Rate(sum(each > 0 for each in self._margins_of(img)), len(img))


def _edits(attributes: AttributeTuple) -> tuple[Edit, ...]:
    return tuple(edit for attribute in attributes for edit in attribute_edits(attribute))
