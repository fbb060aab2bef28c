# SPDX-License-Identifier: MIT
"""The arms of a study: the attributes of an open model, and the source pictures that they are shown on.

Used by the window, the command line and Python. `studies.build.plan` decides which questions are asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from latent_explorer.app.engine.model_host import SupportsRender
from latent_explorer.app.exploration.document import Document, attribute_key
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Progress
from latent_explorer.explain.recipe import Base, PictureRecipe, PictureRequest, SampleBase, SeedBase, attribute_edits
from latent_explorer.models.attributes import Attribute, AttributeSet, by_effect, newest_set
from latent_explorer.models.summary import ExplainerSummary
from latent_explorer.studies.build.plan import TILES, StudySettings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from latent_explorer.studies.build.question_image import Pair

MAX_SEEDS = 400  # tried for pictures of the other classes if a file has no encoded ones


class ArmSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Arm as it is asked for. Fields left empty are chosen as the window chooses them at first."""

    name: str = ""  # empty: the explainer's, and the method where several are compared
    path: str = ""  # explainer file; empty: the open model
    method: str = ""  # attribute set; empty: the newest
    classifier_id: str = ""  # the classifier that is asked; empty: the conditioning one
    target: int | None = None  # class that the attributes lead to; None: of the best attribute
    keys: tuple[str, ...] = ()  # of the attributes, see `attribute_key`; empty: the best


class StudySpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a study is built from."""

    arms: tuple[ArmSpec, ...] = (ArmSpec(),)
    settings: StudySettings = StudySettings()


@dataclass(frozen=True)
class LoadedArm:
    """Arm with its model open."""

    name: str
    summary: ExplainerSummary
    renderer: SupportsRender
    classifier_id: str
    target: int
    method: str
    attributes: dict[str, Attribute]  # by key, best first

    @property
    def class_names(self) -> tuple[str, ...]:
        return next(c.class_names for c in self.summary.classifiers if c.classifier_id == self.classifier_id)

    def render(self, base: Base, attribute: Attribute | None, reach: float) -> Pair:
        """Render the picture before and after, (R, R, 3) uint8 each."""
        edits = () if attribute is None else attribute_edits(attribute, reach)
        result = self.renderer.render(PictureRequest(PictureRecipe(base, edits=edits), self.classifier_id))
        return result.before.image, result.after.image


def open_arm(
    spec: ArmSpec, summary: ExplainerSummary, renderer: SupportsRender, document: Document | None = None
) -> LoadedArm:
    """Return the arm on an open model. `document` adds the user's names, sliders and searches.

    Raises UserError if the model does not have the attributes that `spec` names.
    """
    document = document or Document()
    classifier_id = spec.classifier_id or summary.classifier_id
    if not classifier_id:
        raise UserError(f"{summary.name} holds no classifier, so it has no attributes to study.")
    attribute_set = select_attribute_set(spec, (*summary.attribute_sets, *document.attribute_sets), classifier_id)
    if attribute_set is None or not attribute_set.attributes:
        method = f" by {spec.method}" if spec.method else ""
        raise UserError(
            f"{summary.name} holds no attributes{method} for the selected classifier. "
            "Find attributes first (Explain menu, or `attfind`)."
        )
    target = attribute_set.attributes[0].target if spec.target is None else spec.target
    offered = {attribute_key(a): a for a in document.sliders if spec.keys}
    offered |= {attribute_key(a): a for a in by_effect(attribute_set.attributes) if a.target == target}
    if missing := [key for key in spec.keys if key not in offered]:
        raise UserError(f"{summary.name} has no attribute {missing[0]} towards the chosen class. Choose others.")
    keys = spec.keys or tuple(key for key in offered if key not in document.hidden)
    attributes = {k: msgspec.structs.replace(offered[k], name=document.name_of(offered[k])) for k in keys}
    name = spec.name or summary.name
    return LoadedArm(name, summary, renderer, classifier_id, target, attribute_set.method, attributes)


def select_attribute_set(spec: ArmSpec, sets: Sequence[AttributeSet], classifier_id: str) -> AttributeSet | None:
    """Return the newest attribute set that fits an arm."""
    fitting = [s for s in sets if not spec.method or s.method == spec.method]
    settled = newest_set([s for s in fitting if s.settled], classifier_id, spec.target)
    return settled or newest_set(fitting, classifier_id, spec.target)


def distinct_names(arms: Sequence[LoadedArm]) -> list[LoadedArm]:
    """Rename arms of one name by their method, or by number if the methods are equal too."""
    names = [arm.name for arm in arms]
    out = []
    for number, arm in enumerate(arms, start=1):
        name = arm.name
        if names.count(name) > 1:
            methods = [a.method for a in arms if a.name == name]
            name = f"{name} {arm.method if len(set(methods)) == len(methods) else number}"
        out.append(replace(arm, name=name))
    return out


Sources = dict[str, Base]  # by identity: a picture of the data keeps its own in every explainer


def sources_of(arm: LoadedArm, needed: int) -> Generator[Event, None, Sources]:
    """Find the arm's pictures of classes other than its target: encoded pictures, or seeds if there are none."""
    summary, samples = arm.summary, arm.summary.samples
    if samples is None or not len(samples.ids):
        return (yield from _seeds_of(arm, needed))
    verdicts = samples.probs.argmax(axis=1) if samples.probs.size else np.zeros(0)
    sources: Sources = {}
    for index, identity in enumerate(samples.ids):
        if arm.classifier_id == summary.conditioned_on and len(verdicts):
            verdict = int(verdicts[index])
        else:  # the table is of the conditioning classifier
            verdict = _verdict(arm, SampleBase(index))
            yield Progress(index + 1, len(samples.ids), "Looking at the pictures")
        if verdict != arm.target:
            sources[identity] = SampleBase(index)
    return sources


def _seeds_of(arm: LoadedArm, needed: int) -> Generator[Event, None, Sources]:
    sources: Sources = {}
    for seed in range(MAX_SEEDS):
        if len(sources) >= needed:
            break
        if _verdict(arm, SeedBase(seed)) != arm.target:
            sources[f"seed {seed}"] = SeedBase(seed)
        yield Progress(len(sources), needed, "Looking at seeds")
    return sources


def _verdict(arm: LoadedArm, base: Base) -> int:
    request = PictureRequest(PictureRecipe(base), arm.classifier_id)
    return int(np.argmax(arm.renderer.render(request).before.probs))


def shared_pools(arms: Sequence[LoadedArm], sources: Sequence[Sources]) -> list[list[str]]:
    """Return the pools of source pictures: those that all arms have if there are enough, else each arm's own.

    A seed gives the same picture in one model only.
    """
    one_model = len({arm.summary.model_hash for arm in arms}) == 1
    common = [
        identity
        for identity, base in sources[0].items()
        if all(identity in other for other in sources) and (one_model or isinstance(base, SampleBase))
    ]
    return [common] * len(arms) if len(common) >= TILES else [list(s) for s in sources]


def open_from_files(
    specs: Iterable[ArmSpec], device: str, opened_arm: Callable[[ArmSpec], LoadedArm | None] = lambda _spec: None
) -> list[LoadedArm]:
    """Open the models of all arms. A file that several arms name is read once.

    `opened_arm` returns an arm whose model is open elsewhere, or None.
    """
    models: dict[Path, tuple[ExplainerSummary, SupportsRender]] = {}
    arms = []
    for spec in specs:
        arm = opened_arm(spec)
        if arm is None:
            path = Path(spec.path)
            if path not in models:
                models[path] = _read(path, device)
            arm = open_arm(spec, *models[path])
        arms.append(arm)
    return arms


def _read(path: Path, device: str) -> tuple[ExplainerSummary, SupportsRender]:
    from latent_explorer.explain.render.renderer import Renderer
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer_file import read_explainer

    model = read_explainer(path)
    return model.summary(), Renderer(model, choose_device(device))
