# SPDX-License-Identifier: MIT
"""A tiny explainer without torch: procedural leaves that react to edits, so that the whole window can be
tried and tested.

`model_host()` is what the application is given in place of the real one. Nothing here is learned or measured.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.explain.recipe import (
    Base,
    Draft,
    HeatMaps,
    HeatRequest,
    LiveRequest,
    Looks,
    LooksRequest,
    MovesRequest,
    Picture,
    PictureRecipe,
    PictureRequest,
    ProjectedBase,
    RegionLooks,
    RegionRequest,
    RenderResult,
    SampleBase,
    SeedBase,
    StyleShift,
    TrialsRequest,
)
from latent_explorer.models.architecture import stylegan2_layout
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.summary import ClassifierSummary, ExplainerSummary, SampleTable, StyleStats, generated_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.explain.projected import ProjectedPicture

SIZE = 64
SAMPLES = 60
CLASSES = ("diseased", "healthy")
LAYOUT = stylegan2_layout((32, 32, 24, 16, 16))
# name, style_index, end that raises "diseased", weight in the logit of "diseased"
TRAITS = (
    ("brown spots", 40, "max", 2.6),
    ("edge browning", 71, "max", 1.9),
    ("yellowing", 12, "max", 1.5),
    ("mildew", 88, "max", 1.2),
    ("holes", 55, "max", 0.9),
    ("pale veins", 101, "min", 0.7),
    ("curl", 20, "max", 0.5),
    ("small blade", 5, "max", 0.4),
    ("dull green", 118, "max", 0.3),
    ("narrow blade", 31, "min", 0.2),
)
PLACES = {name: index for name, index, _, _ in TRAITS}


def key_of(base: Base) -> int:
    """Return the seed that the leaf of a latent is drawn from."""
    if isinstance(base, SeedBase):
        return base.seed
    if isinstance(base, ProjectedBase):
        return int(base.latent_id, 16)
    return 10_000 + getattr(base, "index", 0)


def base_styles(base: Base) -> np.ndarray:
    """Return the (num_styles,) values of an unedited latent in 0..1; diseased leaves are nearer to their ends."""
    key = key_of(base)
    random = np.random.default_rng(key)
    styles = random.uniform(0.25, 0.75, LAYOUT.num_styles).astype(np.float32)
    ill = key % 3 == 0
    for _, index, end, weight in TRAITS:
        lean = random.uniform(0.55, 0.95) if ill and weight > 0.6 else random.uniform(0.02, 0.3)
        styles[index] = lean if end == "max" else 1 - lean
    return styles


def edited_styles(recipe: PictureRecipe) -> np.ndarray:
    """Return the values after truncation and edits, by the rules of the renderer."""
    own = base_styles(recipe.base)
    own = 0.5 + recipe.truncation_psi * (own - 0.5)
    styles = own.copy()
    for edit in recipe.edits:
        if isinstance(edit, StyleShift):
            to_max = (edit.end == "max") == (edit.amount >= 0)
            j = edit.style_index
            styles[j] = own[j] + abs(edit.amount) * ((1.0 if to_max else 0.0) - own[j])
    return styles


def paint(styles: np.ndarray, key: int) -> np.ndarray:
    """A leaf on black, (SIZE, SIZE, 3) uint8."""
    trait = {name: float(styles[index]) for name, index in PLACES.items()}
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    random = np.random.default_rng(key)
    bend = (trait["curl"] - 0.2) * 0.5
    x = x - bend * (y**2 - 0.3)
    length = 0.94 - 0.25 * trait["small blade"]
    width = (0.4 + 0.28 * trait["narrow blade"]) * length
    along = np.clip(1 - (y / length) ** 2, 0, 1)
    half = width * along**0.75 * (1 + 0.22 * y) + 1e-6
    inside = np.clip((half - np.abs(x)) * 22, 0, 1) * (np.abs(y) < length)
    green = np.array([66, 132, 54]) * (1 - 0.35 * trait["dull green"]) + random.uniform(-12, 12, 3)
    image = green * (0.82 + 0.22 * along[..., None]) * (1 + 0.16 * (x / half).clip(-1, 1)[..., None])
    image = _mix(image, (196, 178, 58), 0.75 * trait["yellowing"] * np.abs(x / half).clip(0, 1) ** 0.7)
    rib = np.exp(-((x / 0.022) ** 2)) + 0.55 * np.exp(-((np.sin(9 * (y + 0.75 * np.abs(x)) + 0.6) / 0.14) ** 2))
    image = _mix(image, (168, 196, 122), np.clip(rib, 0, 1) * (0.25 + 0.6 * (1 - trait["pale veins"])))
    edge = np.exp(-((half - np.abs(x)) / (0.02 + 0.16 * trait["edge browning"])).clip(0, None))
    image = _mix(image, (112, 70, 34), edge * np.clip(trait["edge browning"] * 1.3, 0, 1))
    for name, colour, count in (("brown spots", (86, 48, 26), 14), ("mildew", (214, 216, 206), 9)):
        spots = np.zeros_like(x)
        for cx, cy, r in random.uniform((-0.4, -0.8, 0.04), (0.4, 0.8, 0.13), (count, 3)):
            reach = r * np.clip(trait[name] * 1.25, 0, 1.6) + 1e-3
            spots = np.maximum(spots, np.exp(-((((x - cx) ** 2 + (y - cy) ** 2) / reach**2) ** 2)))
        image = _mix(image, colour, spots * np.clip(trait[name] * 1.5, 0, 1))
    hole = ((x - 0.18) ** 2 + (y + 0.25) ** 2) ** 0.5
    inside = inside * np.clip((hole - 0.22 * np.clip(trait["holes"] - 0.3, 0, 1)) * 30, 0, 1)
    painted: np.ndarray = np.clip(image * inside[..., None], 0, 255).astype(np.uint8)
    return painted


def _mix(image: np.ndarray, colour: tuple[int, int, int], share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0, 1)[..., None]
    mixed: np.ndarray = image * (1 - share) + np.array(colour) * share
    return mixed


def classify(styles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits and probabilities, (2,) each."""
    score = -3.1
    for _, index, end, weight in TRAITS:
        value = float(styles[index])
        score += weight * (value if end == "max" else 1 - value)
    logits = np.array([score / 2, -score / 2], np.float32)
    probs = np.exp(logits) / np.exp(logits).sum()
    return logits, probs.astype(np.float32)


class FakeRenderer:
    """Renderer with the interface of the real one."""

    def __init__(self, explainer: FakeExplainer, device: object = None) -> None:
        self.delay = explainer.delay
        self.drafts = explainer.drafts
        self.looked: list[LooksRequest] = []
        self.heat_seconds, self.heat_problem = 0.0, ""  # of Grad-CAM

    def live(self, live: LiveRequest, give_up: object = None) -> RenderResult | Draft:
        """Return a draft if the explainer gives them, except for the first picture."""
        result = self.render(live.request)
        if not self.drafts or live.since is None:
            return result
        known = msgspec.structs.replace(live.since.recipe, edits=live.request.recipe.edits) == live.request.recipe
        before = result.before if known else result.before.image[::8, ::8]
        return Draft(result.after.image[::8, ::8], before, SIZE // 8, result.seconds)

    def render(self, request: PictureRequest, give_up: object = None) -> RenderResult:
        started = time.perf_counter()
        if self.delay:
            time.sleep(self.delay)
        recipe = request.recipe
        plain = PictureRecipe(recipe.base, recipe.truncation_psi)
        base = recipe.base
        key = key_of(base)
        pictures = []
        for each in (recipe, plain):
            styles = edited_styles(each)
            logits, probs = classify(styles)
            pictures.append(Picture(paint(styles, key), logits, probs))
        far = 1.0 if isinstance(base, SampleBase) else abs(recipe.truncation_psi)
        seconds = time.perf_counter() - started
        return RenderResult(pictures[0], pictures[1], edited_styles(plain), far, seconds, unlikeness=0.5)

    def logits(self, trials: TrialsRequest | LooksRequest, give_up: object = None) -> np.ndarray:
        recipe = trials.request.recipe
        edited = [msgspec.structs.replace(recipe, edits=edits) for edits in trials.edits]
        return np.stack([classify(edited_styles(each))[0] for each in edited])

    def looks(self, asked: LooksRequest, give_up: object = None) -> Looks:
        self.looked.append(asked)
        recipe = asked.request.recipe
        edited = [msgspec.structs.replace(recipe, edits=edits) for edits in asked.edits]
        images = [paint(edited_styles(each), key_of(recipe.base)) for each in edited]
        return Looks(self.logits(asked), np.stack(images))

    def heat(self, asked: HeatRequest) -> HeatMaps:
        result = self.render(asked.request)
        red = [each.image[..., asked.target].astype(np.float32) / 255 for each in (result.before, result.after)]
        return HeatMaps(*red, seconds=self.heat_seconds, problem=self.heat_problem)

    def promising_moves(self, moves: MovesRequest) -> tuple[AttributeEntry, ...]:
        ends = {"max": "min", "min": "max"} if moves.target else {"max": "max", "min": "min"}
        return tuple(AttributeEntry(j, ends[end]) for _, j, end, _ in TRAITS)[: moves.count]


def fake_look(renderer: FakeRenderer, asked: RegionRequest, give_up: object = None) -> RegionLooks:
    """Let each edit move the logits by the share of its change that lies inside; random edits do nothing to them."""
    before = renderer.render(asked.request).after
    mask = np.frombuffer(asked.mask, np.uint8).reshape(SIZE, SIZE) / 255
    lists = [asked.request.recipe.edits] * len(asked.seeds) if asked.seeds else asked.edits
    recipes = [msgspec.structs.replace(asked.request.recipe, edits=edits) for edits in lists]
    found = [renderer.render(PictureRequest(each, asked.request.classifier_id)).after for each in recipes]
    change = np.stack([np.abs(each.image.astype(float) - before.image).mean(axis=2) for each in found])
    share = (change * mask).sum(axis=(1, 2)) / np.maximum(change.sum(axis=(1, 2)), 1e-9)
    moved = np.stack([each.logits for each in found]) - before.logits
    pasted = [before.image + mask[..., None] * (each.image.astype(float) - before.image) for each in found]
    return RegionLooks(
        before=before.logits,
        share=share,
        inside=before.logits + share[:, None] * moved,
        outside=before.logits + (1 - share)[:, None] * moved,
        whole=before.logits + moved,
        images=np.stack(pasted).round().astype(np.uint8),
    )


class FakeExplainer:
    """Explainer with the part of the real one's interface that the application uses; `delay` seconds a picture."""

    def __init__(
        self,
        name: str = "Leaf health",
        *,
        delay: float = 0.0,
        drafts: bool = False,
        samples: int = SAMPLES,
        classifiers: int = 1,
        note: str = "",
        generated: bool = False,
    ) -> None:
        self.name = name
        self.generated = generated
        self.note = note
        self.classifiers = classifiers
        self.delay = delay
        self.drafts = drafts
        self.samples = samples

    def summary(self) -> ExplainerSummary:
        found = tuple(
            Attribute(
                name,
                0,
                (AttributeEntry(index, "max" if end == "max" else "min"),),
                mean_effect=weight * 0.8,
                interval=(weight * 0.65, weight * 0.95),
            )
            for name, index, end, weight in TRAITS
        )
        ones = np.ones(LAYOUT.num_styles, np.float32)
        probs = [classify(base_styles(SampleBase(i)))[1] for i in range(self.samples)]
        ids = tuple(generated_id(i) if self.generated else f"leaf_{i:04d}" for i in range(self.samples))
        table = SampleTable(ids, np.array(probs))
        classifier_id = hashlib.sha256(b"fake classifier").hexdigest()
        second = hashlib.sha256(b"another").hexdigest()
        third = hashlib.sha256(b"a third").hexdigest()
        asked = (
            ClassifierSummary(classifier_id, "small residual network", CLASSES),
            ClassifierSummary(second, "second opinion", CLASSES[::-1]),
            ClassifierSummary(third, "frame-only", CLASSES, frame_only=6),
        )
        return ExplainerSummary(
            name=self.name,
            model_hash=hashlib.sha256(self.name.encode()).hexdigest(),
            resolution=SIZE,
            w_dim=8,
            layout=LAYOUT,
            classifiers=asked[: self.classifiers],
            conditioned_on=classifier_id,
            samples=table if self.samples else None,
            style_stats=StyleStats(ones * 0, ones, ones * 0.5, ones * 0.2),
            attribute_sets=(AttributeSet(classifier_id, "attfind-notebook", self.samples, 1.0, "samples", found),),
            has_encoder=True,
            provenance={"note": self.note} if self.note else {},
        )


@dataclass(frozen=True)
class FakeDevice:
    """Device with the fields that the model host uses."""

    id: str = "cpu"
    name: str = "CPU, 2 threads"
    note: str = ""


class FakeDevices:
    """One CPU."""

    def devices(self) -> list[FakeDevice]:
        return [FakeDevice()]

    def choose_device(self, wanted: str) -> str:
        return "cpu"

    def free_memory(self) -> None:
        pass


class FakeExplainerHost(ModelHost):
    """Model host to which every latent is known: the picture follows from the id. `kept` is of an earlier search."""

    kept: dict[tuple[int, AttributeEntry], np.ndarray] | None = None

    def kept_effects(self, **_question: Any) -> dict[tuple[int, AttributeEntry], np.ndarray]:
        return self.kept or {}

    def add_latents(self, pictures: Sequence[ProjectedPicture]) -> None:
        pass


def model_host(**options: Any) -> ModelHost:
    """Return a model host that opens any path as the fake explainer; `options` are FakeExplainer's."""

    def read(path: Path) -> FakeExplainer:
        return FakeExplainer(**options)

    return FakeExplainerHost(read, FakeRenderer, FakeDevices, lambda path: read(path).summary().model_hash, fake_look)
