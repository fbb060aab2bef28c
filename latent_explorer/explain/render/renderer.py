# SPDX-License-Identifier: MIT
"""The batch-1 render of window, exports, reports and projections: equal recipes give equal pictures, bit for bit.

Searches render in batches of their own, those for a single picture in `logits`.
"""

from __future__ import annotations

import copy
import os
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import shortened
from latent_explorer.common.jobs import GivenUp
from latent_explorer.data.images import to_uint8
from latent_explorer.explain.directions.direction import direction_problem
from latent_explorer.explain.grad_cam import GradCam
from latent_explorer.explain.latents import (
    Latent,
    TunedGenerators,
    check_latent,
    copy_to_device,
    cpu_threads,
    latent_styles,
    on_device,
    w_standard_deviation,
)
from latent_explorer.explain.recipe import (
    DirectionShift,
    Draft,
    Edit,
    HeatMaps,
    HeatRequest,
    LiveRequest,
    Looks,
    LooksRequest,
    MovesRequest,
    Noise,
    Picture,
    PictureRecipe,
    PictureRequest,
    ProjectedBase,
    RenderResult,
    SampleBase,
    StyleShift,
    TrialsRequest,
)
from latent_explorer.explain.render.base_resolver import BaseResolver, cond_tensor
from latent_explorer.explain.render.block_times import BlockTimes
from latent_explorer.explain.render.style_neighbours import StyleNeighbours, can_compare
from latent_explorer.models.attributes import AttributeEntry, opposite
from latent_explorer.models.device import return_freed_memory
from latent_explorer.models.stylegan2 import truncate
from latent_explorer.models.synthesis import NoiseMaps, Styles, SynthesisNetwork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from latent_explorer.models.attributes import End
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.explainer import Explainer

_CACHED_BASES = 32  # more than the grid shows; a base takes a few hundred kilobytes, and 3 MB with one of 1024 px
_BATCH_PIXELS = 4 * 256**2  # of a batch: with more, its activations take over half a gigabyte
_THREADS_PAY_FROM = 256  # px: below, a second CPU thread costs a picture more than it saves
_TEMPORARY_ID = "temporary"  # latent_id of a latent that is not kept; real ones are hexadecimal


def render_threads(resolution: int) -> int:
    """Return how many CPU threads render pictures of a generator: a fixed number, so that all are equal."""
    return min(2, os.cpu_count() or 1) if resolution >= _THREADS_PAY_FROM else 1


@dataclass(frozen=True)
class _Base:
    """Unedited state of a recipe, and its unedited pictures where they were needed."""

    ws: Tensor
    cond: Tensor | None
    styles: Styles
    s: Tensor  # (1, num_styles)
    noise: NoiseMaps
    synthesis: SynthesisNetwork  # tuned, where the latent brings a delta
    w_distance: float
    pictures: dict[str, Picture] = field(default_factory=dict)  # unedited, by classifier_id


class Renderer:
    """Renderer of recipes for one explainer on one device. Not thread-safe: the engine's thread owns it.

    `latents` holds projected pictures by latent_id, `threads` is the number of CPU threads of a picture.
    """

    def __init__(self, explainer: Explainer, device: str | torch.device = "cpu") -> None:
        self.device = torch.device(device)
        self.explainer = copy_to_device(explainer, self.device)
        self.latents: dict[str, Latent] = {}
        self.w_std = w_standard_deviation(self.explainer.generator)
        self._bases: OrderedDict[PictureRecipe, _Base] = OrderedDict()
        self._tuned = TunedGenerators(self.explainer.generator)
        self._resolver = BaseResolver(self.explainer, self.latents, self._tuned)
        self._style_neighbours: StyleNeighbours | None = None  # made when first needed
        self._times = BlockTimes()
        self._last: tuple[PictureRequest, RenderResult] | None = None  # of which Grad-CAM may be asked next
        self._cams: dict[str, GradCam] = {}  # by classifier_id
        self.threads = render_threads(self.explainer.generator.synthesis.resolutions[-1])
        stats = explainer.style_stats
        self._stats: Mapping[str, Tensor] | None = None
        if stats is not None:
            arrays = {"min": stats.minimum, "max": stats.maximum, "std": stats.std}
            self._stats = {k: torch.as_tensor(v, device=self.device) for k, v in arrays.items()}

    def add_latent(self, latent_id: str, latent: Latent) -> None:
        """Add or replace a projected picture. UserError when it is of another model."""
        check_latent(self.explainer.generator.synthesis, latent)
        self.latents[latent_id] = on_device(latent, self.device)
        self._bases.clear()

    def add_classifier(self, classifier_id: str, classifier: Classifier) -> None:
        """Add or replace a classifier that the explainer does not hold, to be asked about its pictures."""
        moved = copy.deepcopy(classifier).to(self.device).to(memory_format=torch.channels_last)
        self.explainer.classifiers[classifier_id] = moved

    @torch.inference_mode()
    def live(self, live: LiveRequest, give_up: Callable[[], bool] | None = None) -> RenderResult | Draft:
        """Render the picture on the canvas, or a draft where that is much quicker. Raises what `render` raises."""
        start = time.perf_counter()
        request = live.request
        with cpu_threads(self.threads):
            base = self._base(request.recipe)
            styles = self._edited(base, request.recipe.edits)
            known = base.pictures.get(request.classifier_id)
            if self._times.quick(base.synthesis) or (known and styles is base.styles):
                return self.render(request, give_up)
            resolution = self._times.draft_resolution(base.synthesis, self._lowest_change(base, styles, live))
            if resolution is None:
                return self.render(request, give_up)
            after = self._draft(base, styles, resolution)
            before: Picture | np.ndarray | None = known
            if before is None:
                before = after if styles is base.styles else self._draft(base, base.styles, resolution)
        return Draft(after, before, resolution, time.perf_counter() - start)

    def _lowest_change(self, base: _Base, styles: Styles, live: LiveRequest) -> int:
        """Return the lowest resolution at which the picture differs from the whole one before it, px."""
        recipe, since = live.request.recipe, live.since.recipe if live.since else None
        lowest = base.synthesis.resolutions[0]
        if since is None or msgspec.structs.replace(since, edits=recipe.edits) != recipe:
            return lowest
        before = self._edited(base, since.edits)
        changed = (
            layer.resolution
            for layer, new, old in zip(base.synthesis.layout.layers, styles, before, strict=True)
            if not torch.equal(new, old)
        )
        return next(changed, lowest)

    def _draft(self, base: _Base, styles: Styles, resolution: int) -> np.ndarray:
        img = self._times.synthesize(base.synthesis, styles, base.noise, resolution)
        return to_uint8(img[0].clamp(-1, 1).float().cpu().numpy())

    @torch.inference_mode()
    def render(self, request: PictureRequest, give_up: Callable[[], bool] | None = None) -> RenderResult:
        """Render a request, with and without its edits. UserError names what the model lacks.

        Raises GivenUp between two blocks if `give_up` says so and a picture takes long.
        """
        start = time.perf_counter()
        with cpu_threads(self.threads):
            base = self._base(request.recipe)
            before = base.pictures.get(request.classifier_id)
            if before is None:
                before = self._picture(base, base.styles, request.classifier_id, give_up)
                base.pictures[request.classifier_id] = before
            styles = self._edited(base, request.recipe.edits)
            edited = styles is not base.styles
            after = self._picture(base, styles, request.classifier_id, give_up) if edited else before
            unlikeness = self._unlikeness(request.recipe, base, styles)
        if self._times.slow(base.synthesis):
            return_freed_memory()
        result = RenderResult(
            after=after,
            before=before,
            styles=base.s[0].float().cpu().numpy(),
            w_distance=base.w_distance,
            seconds=time.perf_counter() - start,
            unlikeness=unlikeness,
        )
        self._last = request, result
        return result

    def logits(self, trials: TrialsRequest, give_up: Callable[[], bool] | None = None) -> np.ndarray:
        """Return logits (N, K) float32 of a picture with each of the lists of edits, rendered in batches.

        They differ from those of `render` by rounding. Raises GivenUp between batches as `render` does. A predicted
        logit (N, 1) is that of the edited picture and its slope times what the styles move.
        """
        if trials.predicted is None:
            return self._rendered_trials(trials, give_up).logits
        base, logit, slope = self._slope(trials.request, partial(_logit, trials.predicted))
        with torch.inference_mode(), cpu_threads(self.threads):
            lists = (trials.request.recipe.edits, *trials.edits)
            own, *moved = (base.synthesis.join(self._edited(base, edits), torgb=True) for edits in lists)
        predicted: np.ndarray = (logit + (torch.cat(moved) - own) @ slope).float().cpu().numpy()[:, None]
        return predicted

    def looks(self, asked: LooksRequest, give_up: Callable[[], bool] | None = None) -> Looks:
        """Return logits and reduced pictures of each of the lists of edits. As `logits` otherwise."""
        return self._rendered_trials(asked, give_up, asked.side)

    @torch.inference_mode()
    def _rendered_trials(
        self, trials: TrialsRequest | LooksRequest, give_up: Callable[[], bool] | None, side: int = 0
    ) -> Looks:
        with cpu_threads(self.threads):
            base = self._base(trials.request.recipe)
            edited = [self._edited(base, edits) for edits in trials.edits]
            classifier = self.classifier(trials.request.classifier_id)
            parts: list[Tensor] = []
            images: list[np.ndarray] = []
            for batch in self._batches(base, edited, give_up):
                img = batch.clamp(-1, 1)
                parts.append(classifier.logits(img).float())
                if side:
                    small = F.interpolate(img, (side, side), mode="area") if img.shape[-1] > side else img
                    images += [to_uint8(each.float().cpu().numpy()) for each in small]
        return Looks(torch.cat(parts).cpu().numpy(), np.stack(images) if images else np.zeros((0, 0, 0, 3), np.uint8))

    def _batches(self, base: _Base, edited: Sequence[Styles], give_up: Callable[[], bool] | None) -> Iterator[Tensor]:
        """Yield img (n, 3, H, W) of a base with other styles. Raises GivenUp between batches as `render` does."""
        size = max(1, _BATCH_PIXELS // base.synthesis.resolutions[-1] ** 2)
        for first in range(0, len(edited), size):
            if first and give_up is not None and self._times.slow(base.synthesis) and give_up():
                raise GivenUp
            styles = [torch.cat(layer) for layer in zip(*edited[first : first + size], strict=True)]
            yield base.synthesis.render(styles, base.noise)

    def heat(self, asked: HeatRequest) -> HeatMaps:
        """Return Grad-CAM of a class, of the pictures that `render` makes. Raises what `render` raises."""
        start = time.perf_counter()
        known = self._last is not None and self._last[0] == asked.request
        result = self._last[1] if known and self._last else self.render(asked.request)
        nothing = np.zeros((0, 0), np.float32)
        with cpu_threads(self.threads):
            try:
                key = asked.request.classifier_id
                cam = self._cams.get(key) or self._cams.setdefault(key, GradCam(self.classifier(key)))
            except UserError as error:
                return HeatMaps(nothing, nothing, time.perf_counter() - start, str(error))
            images = np.stack([result.before.image, result.after.image]).transpose(0, 3, 1, 2)
            img = torch.from_numpy(images).to(self.device).float() / 127.5 - 1
            heat = cam.heat(img, asked.target).float().cpu().numpy()
        before, after = heat / max(float(heat.max()), float(np.finfo(np.float32).tiny))
        return HeatMaps(before, after, time.perf_counter() - start)

    def promising_moves(self, moves: MovesRequest) -> tuple[AttributeEntry, ...]:
        """Return the style coordinates whose first-order effect on this picture's margin is largest, each to its end.

        One gradient at the edited picture; what is returned is a guess, to be rendered.
        """
        stats = self._known_stats()
        base, _, slope = self._slope(moves.request, partial(_margin, moves.target))
        ends = torch.stack([stats["min"], stats["max"]])
        slope = slope[: ends.shape[1]]
        gains = (slope * (ends - base.s[0])).amax(dim=0)
        towards_max = (slope > 0).cpu().tolist()
        best = gains.argsort(descending=True, stable=True)[: moves.count].cpu().tolist()
        return tuple(AttributeEntry(j, "max" if towards_max[j] else "min") for j in best if gains[j] > 0)

    def _slope(self, request: PictureRequest, value: Callable[[Tensor], Tensor]) -> tuple[_Base, float, Tensor]:
        """Return a picture's base, a value of its logits (K,), and its slope (num_with_torgb,) in the styles."""
        with torch.inference_mode(), cpu_threads(self.threads):
            base = self._base(request.recipe)
            edited = self._edited(base, request.recipe.edits)
        classifier = self.classifier(request.classifier_id)
        with cpu_threads(self.threads):  # the copies are ordinary tensors, also of what inference made
            s = base.synthesis.join(edited, torgb=True).clone().requires_grad_()
            noise = [None if each is None else each.clone() for each in base.noise]
            styles = base.synthesis.replace([style.clone() for style in edited], s)
            found = value(classifier.logits(base.synthesis.render(styles, noise))[0])
            return base, float(found.detach()), torch.autograd.grad(found, s)[0][0]

    def render_latent(self, latent: Latent, classifier_id: str, edits: Sequence[Edit] = ()) -> RenderResult:
        """Render a latent that is not kept, with its own noise maps where it has some."""
        noise = Noise() if latent.noise is None else Noise("maps", maps_id=_TEMPORARY_ID)
        recipe = PictureRecipe(ProjectedBase(_TEMPORARY_ID), noise=noise, edits=tuple(edits))
        self.add_latent(_TEMPORARY_ID, latent)
        try:
            return self.render(PictureRequest(recipe, classifier_id))
        finally:
            del self.latents[_TEMPORARY_ID]

    @torch.inference_mode()
    def img(self, recipe: PictureRecipe) -> Tensor:
        """Return img (1, 3, H, W) of a recipe, nominally in [-1, 1] but not clipped, without asking a classifier."""
        with cpu_threads(self.threads):
            base = self._base(recipe)
            return base.synthesis.render(self._edited(base, recipe.edits), base.noise)

    @torch.inference_mode()
    def imgs(
        self, recipe: PictureRecipe, edits: Sequence[tuple[Edit, ...]], give_up: Callable[[], bool] | None = None
    ) -> Tensor:
        """Return img (N, 3, H, W) of a recipe with each list of edits in place of its own, rendered in batches.

        They differ from those of `img` by rounding. Raises GivenUp between batches as `render` does.
        """
        with cpu_threads(self.threads):
            base = self._base(recipe)
            return torch.cat(list(self._batches(base, [self._edited(base, each) for each in edits], give_up)))

    def _base(self, recipe: PictureRecipe) -> _Base:
        key = msgspec.structs.replace(recipe, edits=())
        base = self._bases.pop(key, None)
        if base is None:
            base = self._make_base(key)
        self._bases[key] = base
        while len(self._bases) > _CACHED_BASES:
            self._bases.popitem(last=False)
        return base

    def _make_base(self, recipe: PictureRecipe) -> _Base:
        latent = self._resolver.latent(recipe.base)
        synthesis = self._tuned.for_latent(latent).synthesis
        w_avg = self.explainer.generator.mapping.w_avg
        truncation = recipe.truncation_psi, recipe.truncation_cutoff
        ws = truncate(latent.ws, w_avg, *truncation)
        cond = None
        if self.explainer.generator.config.num_classes:
            cond = latent.cond if recipe.cond is None else cond_tensor(self.explainer, recipe.cond)
        styles = latent_styles(synthesis, latent, ws, cond, *truncation)
        noise = self._resolver.noise(recipe.noise)
        distance = float((ws - w_avg).square().mean().sqrt()) / self.w_std
        return _Base(ws, cond, styles, synthesis.join(styles), noise, synthesis, distance)

    def _edited(self, base: _Base, edits: Sequence[Edit]) -> Styles:
        """Return the styles of the edited picture; the same object as the base's where nothing moves."""
        shifts = [e for e in edits if isinstance(e, StyleShift)]
        directions = [e for e in edits if isinstance(e, DirectionShift)]
        synthesis = base.synthesis
        torgb = any(e.style_index >= synthesis.layout.num_styles for e in shifts)
        styles = base.styles
        own = synthesis.join(styles, torgb=True) if torgb else base.s
        s = own
        if directions:
            ws = base.ws + torch.from_numpy(self._moved(directions)).to(base.ws)
            unmoved = Latent(base.ws, base.cond, styles=tuple(base.styles))
            styles = latent_styles(synthesis, unmoved, ws, base.cond)
            s = synthesis.join(styles, torgb=torgb)
        # The shifts start from the unedited values (section A.7 of the reference), so their order does not matter.
        shifted = s + self._shift(own, shifts)
        if torch.equal(shifted, own) and not directions:
            return base.styles
        return synthesis.replace(styles, shifted)

    def _moved(self, directions: Sequence[DirectionShift]) -> np.ndarray:
        """Return what directions add to ws: (num_ws, w_dim). UserError if one is of another model."""
        num_ws, w_dim = self.explainer.generator.num_ws, self.explainer.generator.config.w_dim
        for each in directions:
            if problem := direction_problem(each.direction, num_ws, w_dim):
                raise UserError(
                    f"The direction {shortened(each.direction.name)} {problem}. "
                    f"It belongs to another model than {self.explainer.name}."
                )
        moved = np.zeros((num_ws, w_dim), np.float32)
        for each in directions:
            moved += np.float32(each.amount) * each.direction.shift(num_ws)
        return moved

    def _shift(self, s: Tensor, shifts: list[StyleShift]) -> Tensor:
        """Return the sum of the style shifts, of the shape of `s` (1, S), which holds the unedited values."""
        delta, layout = torch.zeros_like(s), self.explainer.generator.config.layout
        for shift in shifts:
            j, own_ends = shift.style_index, shift.ends is not msgspec.UNSET
            if not layout.can_move(j, own_ends and shift.unit == "range"):
                raise UserError(
                    f"There is no style coordinate {j} in {self.explainer.name}: it has {layout.num_styles}. "
                    "The edit belongs to another model."
                )
            if shift.unit == "range":
                end = shift.end if shift.amount >= 0 else opposite(shift.end)
                delta[0, j] += abs(shift.amount) * (self._end(shift, end) - s[0, j])
            else:
                sign = 1.0 if shift.end == "max" else -1.0
                delta[0, j] += sign * shift.amount * self._known_stats()["std"][j]
        return delta

    def _end(self, shift: StyleShift, end: End) -> Tensor | float:
        """Return the style value of an end, the shift's own or the observed one."""
        if shift.ends is not msgspec.UNSET:
            return shift.ends[0 if end == "min" else 1]
        return self._known_stats()[end][shift.style_index]

    def _known_stats(self) -> Mapping[str, Tensor]:
        if self._stats is None:
            raise UserError(
                f"{self.explainer.name} holds no statistics of its style coordinates, so they cannot be moved. "
                "Encode pictures into it first."
            )
        return self._stats

    def _unlikeness(self, recipe: PictureRecipe, base: _Base, styles: Styles) -> float | None:
        """Return how unlike those of the encoded pictures the styles are: see `RenderResult.unlikeness`."""
        sample = recipe.base.index if isinstance(recipe.base, SampleBase) else None
        if not can_compare(self.explainer):
            return None
        if sample is not None and recipe == PictureRecipe(recipe.base, noise=recipe.noise):
            return 0.0  # an encoded picture as it is
        if self._style_neighbours is None:
            self._style_neighbours = StyleNeighbours(self.explainer)
        return self._style_neighbours.unlikeness(base.synthesis.join(styles)[0], sample)

    def _picture(self, base: _Base, styles: Styles, classifier_id: str, give_up: Callable[[], bool] | None) -> Picture:
        classifier = self.classifier(classifier_id) if self.explainer.classifiers else None
        img = self._times.synthesize(base.synthesis, styles, base.noise, give_up=give_up).clamp(-1, 1)
        logits = classifier.logits(img) if classifier else img.new_empty(1, 0)
        return Picture(
            image=to_uint8(img[0].float().cpu().numpy()),
            logits=logits[0].float().cpu().numpy(),
            probs=logits[0].float().softmax(dim=0).cpu().numpy(),
        )

    def classifier(self, classifier_id: str) -> Classifier:
        """Return a classifier of the explainer. UserError if it holds none of this id."""
        classifier = self.explainer.classifiers.get(classifier_id)
        if classifier is None:
            raise UserError(
                f"The classifier {classifier_id[:12]} is not in {self.explainer.name}. Choose one that it holds."
            )
        return classifier


def _logit(target: int, logits: Tensor) -> Tensor:
    return logits[target]


def _margin(target: int, logits: Tensor) -> Tensor:
    return logits[target] - torch.cat([logits[:target], logits[target + 1 :]]).max()
