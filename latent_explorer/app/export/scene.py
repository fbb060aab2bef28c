# SPDX-License-Identifier: MIT
"""Export inputs as values: timelines and latents with the state and the model that they belong to.

Every animation is a timeline, even the sweep of one attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from latent_explorer.app.exploration import picture_requests
from latent_explorer.app.exploration.document import Document, shown_attributes
from latent_explorer.app.exploration.intents import ShowRecipe
from latent_explorer.app.exploration.recipe_png import recipe_texts
from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.explain.directions.direction import MAX_TYPICAL, Direction
from latent_explorer.explain.recipe import (
    Base,
    Noise,
    PictureRecipe,
    PictureRequest,
    ProjectedBase,
    SampleBase,
    SeedBase,
    attribute_edits,
    slider_edits,
)
from latent_explorer.explain.timeline.makers import alpha_sweep
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline, frames
from latent_explorer.media.animation.frames import CaptionContext, Frame, picture_size
from latent_explorer.models.attributes import Attribute
from latent_explorer.models.summary import ExplainerSummary

if TYPE_CHECKING:
    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.explain.recipe import RenderResult, Slider
    from latent_explorer.media.animation.settings import AnimationSettings

SWEEP_SECONDS = 2.0  # from one end to the other
# from the picture to the attribute's end, and at rest at either
FLIP_SECONDS, REST_SECONDS = 1.2, 0.4


@dataclass(frozen=True)
class Scene:
    """A timeline, judged by the state's classifier unless it names its own."""

    timeline: Timeline
    state: ExplorerState
    summary: ExplainerSummary

    @property
    def classifier_id(self) -> str:
        """The classifier that judges the frames."""
        return self.timeline.classifier_id or self.state.classifier_id

    @property
    def caption_context(self) -> CaptionContext:
        """Class names and facts for captions and tables."""
        state = msgspec.structs.replace(self.state, classifier_id=self.classifier_id)
        return caption_context_of(state, self.summary)

    def requests(self, settings: AnimationSettings) -> list[PictureRequest]:
        """Return the request of each frame at the settings' rate, without the way back of ping-pong.

        A timeline that loops also loops here; whether the file repeats changes no frame.
        """
        timeline = self.timeline
        loops = timeline.loop and not (timeline.ping_pong or settings.ping_pong)
        one_way = msgspec.structs.replace(timeline, fps=settings.fps, loop=loops, ping_pong=False)
        return [PictureRequest(recipe, self.classifier_id) for recipe in frames(one_way)]

    def frame(
        self, number: int, request: PictureRequest, result: RenderResult, settings: AnimationSettings, suffix: str
    ) -> Frame:
        """Return rendered frame `number`, with its recipe in PNGs and in the first frame of an APNG."""
        after, before, texts = result.after, result.before, {}
        if not suffix or (suffix == ".png" and number == 0):
            texts = self._recipe(request, after.image, settings)
        seconds = number / settings.fps
        return Frame(after.image, after.probs, seconds, before.image, before.probs, texts)

    def _recipe(self, request: PictureRequest, image: np.ndarray, settings: AnimationSettings) -> dict[str, str]:
        state = state_from_recipe(request.recipe, self.state, self.classifier_id)
        drawn_on = settings.caption or settings.bar or settings.before_after
        unchanged = not drawn_on and picture_size(image, settings) == image.shape[1::-1]
        return recipe_texts(state, self.summary.name, None if unchanged else image)


@dataclass(frozen=True)
class ExportContext:
    """State, model and attributes of an export. `photos`: (H, W, 3) uint8 by latent_id, for projected pictures."""

    state: ExplorerState
    summary: ExplainerSummary
    attributes: Sequence[Attribute] = ()
    photos: Mapping[str, np.ndarray] = field(default_factory=dict)
    noise_of: Callable[[Base], Noise | None] = lambda _base: None  # noise of projected pictures


def export_context(
    state: ExplorerState, summary: ExplainerSummary, projected: Iterable[ProjectedPicture] = (), top: int | None = None
) -> ExportContext:
    """Return the context of a model outside the window, with the first `top` attributes of its class (None: all)."""
    pictures = {p.latent_id: p for p in projected}

    def noise_of(base: Base) -> Noise | None:
        picture = pictures.get(base.latent_id) if isinstance(base, ProjectedBase) else None
        return Noise("maps", maps_id=picture.latent_id) if picture and picture.noise else None

    attributes = shown_attributes(Document(), summary, state)[:top]
    photos = {latent_id: picture.target for latent_id, picture in pictures.items()}
    return ExportContext(state, summary, attributes, photos, noise_of)


def caption_context_of(state: ExplorerState, summary: ExplainerSummary) -> CaptionContext:
    """Return the class names of the state's classifier, and facts that identify it and the model."""
    classifier = picture_requests.classifier_of(state, summary)
    names = classifier.class_names if classifier else ()
    target = min(state.target_class, max(0, len(names) - 1))
    facts = {
        "explainer": summary.name,
        "model_hash": summary.model_hash,
        "classifier": classifier.name if classifier else "",
        "classifier_id": state.classifier_id,
        "target": names[target] if names else "",
    }
    return CaptionContext(names, target, facts)


def name_of(base: Base, summary: ExplainerSummary) -> str:
    """Return the name of a latent on a sheet or in a manifest: "seed 12", or the name of a picture."""
    if isinstance(base, SeedBase):
        return f"seed {base.seed}"
    if isinstance(base, SampleBase):
        ids = summary.samples.ids if summary.samples else ()
        return ids[base.index] if base.index < len(ids) else f"sample {base.index}"
    if isinstance(base, ProjectedBase):
        return f"projected {base.latent_id[:6]}"
    return "a blend"


def unedited_recipe(context: ExportContext, base: Base) -> PictureRecipe:
    """Return the recipe of a base latent without edits, as the window shows it with the state's other settings."""
    plain = msgspec.structs.replace(context.state, edits=())
    (request,) = picture_requests.resolve_grid(plain, context.summary, [base], context.noise_of)
    return request.recipe


def state_from_recipe(recipe: PictureRecipe, state: ExplorerState, classifier_id: str) -> ExplorerState:
    """Return the state that shows this recipe, so that an exported frame dropped on the window restores it."""
    shown = ShowRecipe(recipe).next_state(state)
    return msgspec.structs.replace(shown, classifier_id=classifier_id, timelines=())


def sweep_end(slider: Slider) -> float:
    """Return where a sweep of a slider ends, and begins on the other side: at its usual range."""
    return MAX_TYPICAL if isinstance(slider, Direction) else 1.0


def sweep_timeline(state: ExplorerState, summary: ExplainerSummary, slider: Slider, name: str = "") -> Timeline:
    """Return a timeline of the state's picture with a slider from one end to the other and back."""
    recipe = picture_requests.resolve(state, summary).recipe
    end = sweep_end(slider)
    return alpha_sweep(recipe, slider_edits(slider), -end, end, SWEEP_SECONDS, name=name or slider.name or "Sweep")


def flip_timeline(recipe: PictureRecipe, attribute: Attribute, amount: float) -> Timeline:
    """Return a timeline from a picture to the attribute's slider at `amount` and back, with a rest at both ends."""
    sweep = alpha_sweep(recipe, attribute_edits(attribute), 0.0, amount, FLIP_SECONDS)
    start, end = (keyframe.recipe for keyframe in sweep.keyframes)
    times = (0.0, REST_SECONDS, REST_SECONDS + FLIP_SECONDS, 2 * REST_SECONDS + FLIP_SECONDS)
    keyframes = (
        Keyframe(times[0], start, "hold"),
        Keyframe(times[1], start, "smooth"),
        Keyframe(times[2], end, "hold"),
        Keyframe(times[3], end),
    )
    return Timeline(attribute.name or "Flip", keyframes, loop=True, ping_pong=True)
