# SPDX-License-Identifier: MIT
"""Projection as a job: find latents that reproduce pictures, a few at a time.

Random numbers come from the settings' seed alone and pictures share batches in fixed groups, so equal settings give
equal bits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Kept, Metric, Notice, Progress
from latent_explorer.common.format import duration_text
from latent_explorer.common.jobs import forward_events, with_time_left
from latent_explorer.data.images import to_float
from latent_explorer.explain.batches import default_budget
from latent_explorer.explain.latents import Latent, mapped_w, projected_of, seed_latent
from latent_explorer.explain.projected import ProjectedPicture, ProjectionReport
from latent_explorer.explain.projection.detail import attention, compare_detail
from latent_explorer.explain.projection.judge import DomainVerdict, ProjectionJudge
from latent_explorer.explain.projection.loss import PictureLoss, area_downsample
from latent_explorer.explain.projection.optimizer import LatentOptimizer, LatentVariables, OptimizationStep, tune
from latent_explorer.explain.projection.seed_cache import (
    batch_size,
    missing_pictures,
    pair_distances,
    pictures_of,
    pictures_of_seeds,
    seed_thumbnails,
    thumbnails,
)
from latent_explorer.explain.projection.target import Target
from latent_explorer.explain.projection_settings import DEFAULT, ProjectionSettings, Start
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.lpips_weights import NETS, lpips_available
from latent_explorer.models.perceptual import FeatureDistance, LpipsDistance, PerceptualDistance, lpips_on

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.models.explainer import Explainer

_NO_LPIPS_NOTICE = (
    "Without LPIPS's weights pictures are compared by what the classifier sees of them, so one from outside the "
    "generator's domain may pass for one of its own. Get them: latent-explorer get-weights squeeze."
)
_MEAN_SAMPLES = 10_000  # mapped z's, as NVIDIA's projector takes them
_SHORTLIST = 32  # of the nearest thumbnails are rendered and compared in full
_STEP_PICTURES = 4.0  # how many times as long as a random picture a step takes: 3.2 to 3.8, with its gradient
_LONG = 120.0  # seconds; what takes longer is announced
_PREVIEW_SECONDS = 0.7  # between two previews ...
_PREVIEW_SHARE = 8  # ... and at least this many times as long as a preview takes


def project(
    explainer: Explainer,
    targets: Sequence[Target],
    settings: ProjectionSettings = DEFAULT,
    *,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
    classifier_id: str | None = None,
) -> Generator[Event, None, list[ProjectedPicture]]:
    """Find latents of pictures. A job.

    Yields Progress; Metric with the mean "loss" and "lpips" and those of picture i as "loss/i" and "lpips/i"; and
    about once a second Kept: a tuple of ProjectedPicture, the best so far of every picture that was begun, in order.
    After an early close the last of those is the result.
    """
    size = explainer.generator.config.resolution
    for image in (target.image for target in targets):
        if image.dtype != np.uint8 or image.shape != (size, size, 3):
            raise ValueError(f"a picture of shape {image.shape}; this generator makes {size} x {size}")
    if not targets:
        raise UserError("There are no pictures to project. Choose one or more.")
    job = _Projection(explainer, settings, torch.device(device), budget, classifier_id)
    pictures = yield from with_time_left(job.run(targets))
    yield Kept(tuple(pictures))
    return pictures


def group_size(resolution: int, device: torch.device) -> int:
    """Return how many pictures share a batch: as many as make each cheaper without making a step long."""
    if device.type == "cpu":
        return 4 if resolution <= 64 else 2 if resolution <= 128 else 1
    return max(1, min(16, (1024 // resolution) ** 2))


def distances(model: Explainer, device: torch.device) -> tuple[PerceptualDistance, PerceptualDistance]:
    """Return the distance to minimise and the one to judge by: different networks where both are available."""
    nets = [net for net in NETS if lpips_available(net)]  # the one to minimise first
    if not nets:
        features = FeatureDistance(model.classifier).to(device)
        return features, features
    return lpips_on(nets[0], device), lpips_on(nets[-1], device)


@dataclass
class _Group:
    """Pictures of one batch while they are projected."""

    first: int  # of all targets
    targets: Sequence[Target]
    img: Tensor  # (n, 3, R, R), the same
    cond: Tensor | None
    began: float = field(default_factory=time.perf_counter)
    search: LatentOptimizer | None = None  # the one that runs, or ran last
    verdicts: list[DomainVerdict] = field(default_factory=list)
    looks: list[Tensor] = field(default_factory=list)  # where the classifier looks, each (1, 1, R, R)
    unasked: list[tuple[float, ...]] = field(default_factory=list)  # probabilities: `ProjectionReport.probs_unasked`
    checked: float = 0.0  # seconds that the check of the class took
    deltas: dict[int, Mapping[str, Tensor]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.targets)


class _Projection:
    """One run of the job: the model, the distances, the judge, and the results so far."""

    def __init__(
        self,
        explainer: Explainer,
        settings: ProjectionSettings,
        device: torch.device,
        budget: StepBudget,
        classifier_id: str | None,
    ) -> None:
        self.model_hash = explainer.model_hash
        self.renderer = Renderer(explainer, device)
        self.model = self.renderer.explainer
        self.settings = settings
        self.device = device
        self.budget = budget
        self.key = classifier_id or self.model.classifier_id
        self.classifier = self.model.classifiers[self.key]
        self.start = resolve_start(self.model, settings)
        self.distance, self.judge_distance = distances(self.model, device)
        self.results: list[ProjectedPicture] = []
        # Without an encoder a good start is found in W: the rows are one until w_steps have passed.
        without = self.model.encoder is None and settings.space != "w"
        self.w_steps = settings.w_steps if without else 0
        # Whether the classifier's word takes part: in the loss, in what is given to the generator, or, where LPIPS is
        # missing, in the distance of pictures, which no other search would leave out.
        searches = settings.steps or self.w_steps or settings.tuning
        sees = isinstance(self.distance, FeatureDistance) and self.key == self.model.classifier_id and bool(searches)
        self.asks = sees or bool((settings.verdict and searches) or self.model.generator.config.num_classes)
        self.checks = self.asks and settings.check and not sees

    def run(self, targets: Sequence[Target]) -> Generator[Event, None, list[ProjectedPicture]]:
        if not isinstance(self.judge_distance, LpipsDistance):
            yield Notice(_NO_LPIPS_NOTICE, "warning")
        yield from self._announce(len(targets))
        pairs = yield from pair_distances(self.model, self.judge_distance)
        self.judge = ProjectionJudge(self.renderer, self.key, self.judge_distance, pairs)
        size = group_size(self.model.generator.config.resolution, self.device)
        firsts = range(0, len(targets), size)
        of_group, of_picture = self.settings.steps + self.w_steps, self.settings.tuning
        of_group *= 1 + self.checks
        self.tracker = _ProgressTracker(len(firsts) * of_group + len(targets) * of_picture)
        for done, i in enumerate(firsts, start=1):
            group = self._begin(targets[i : i + size], i)
            yield from self._find(group)
            yield from self._tune(group)
            self.results += yield from self._pictures(group)
            self.tracker.skip_to(done * of_group + len(self.results) * of_picture)
        if self.settings.tuning:
            yield Notice(
                "The generator was tuned to these pictures: what was measured of its attributes, their ranges and "
                "effects, is approximate for them."
            )
        return self.results

    def _announce(self, count: int) -> Generator[Event, None, None]:
        """Say how long so many pictures take where it is minutes, judged by the time of a random picture."""
        seconds = math.inf
        for _ in range(2):  # the first also prepares the weights
            began = time.perf_counter()
            float(pictures_of_seeds(self.model, range(1)).sum())
            seconds = min(seconds, time.perf_counter() - began)
        searches = self.start in ("nearest", "average")
        pictures = missing_pictures(self.model, self.settings.nearest_of * searches, self.judge_distance)
        steps = (self.settings.steps + self.w_steps) * (1 + self.checks) + self.settings.tuning
        of_one = _SHORTLIST * searches + _STEP_PICTURES * steps
        needed = seconds * (pictures + count * of_one)
        if needed > _LONG:
            yield Notice(
                f"At this size it takes up to about {duration_text(needed)} on this machine. Once the steps have "
                "begun it can be stopped at any time and keeps the best so far."
            )

    def _begin(self, targets: Sequence[Target], first: int) -> _Group:
        images = np.stack([target.image for target in targets])
        img = torch.from_numpy(to_float(images)).to(self.device)
        cond = None
        if self.model.generator.config.num_classes:
            with torch.no_grad():
                cond = self.model.classifier.probs(img).float()
        looks = [attention(self.classifier, photo) for photo in torch.split(img, 1)]
        return _Group(first, targets, img, cond, looks=looks)

    def _find(self, group: _Group) -> Generator[Event, None, None]:
        """Find the latents of a group: start, verdict on the domain, the steps, and the check of the class."""
        model, settings = self.model, self.settings
        start = yield from initial_ws(model, self.start, group.img, group.cond, settings, self.distance)
        if model.encoder is not None:
            with torch.no_grad():
                encoded = model.generator.broadcast(model.encode(group.img))
            yield from self._judge_domain(group, encoded)
        ws = start
        if self.w_steps:
            ws = best_ws((yield from self._search(group, start, in_w(settings, self.w_steps), 0)))
            yield from self._judge_domain(group, ws)
        found = yield from self._search(group, ws, settings, self.w_steps)
        if not group.verdicts:  # nothing simpler than the result itself was judged
            yield from self._judge_domain(group, best_ws(found))
        if self.checks:
            yield from self._keep(group)  # stopped during the check, it is the result
            yield from self._check_class(group, start)

    def _check_class(self, group: _Group, ws: Tensor) -> Generator[Event, None, None]:
        """Search once more from the same ws without the classifier, and ask it about the results.

        Its word is neither in the loss nor given to the generator, which would paint the class that it is given.
        """
        began = time.perf_counter()
        unasked = msgspec.structs.replace(self.settings, verdict=0.0)
        if self.w_steps:
            ws = best_ws((yield from self._search(group, ws, in_w(unasked, self.w_steps), 0, check=True)))
        found = yield from self._search(group, ws, unasked, self.w_steps, check=True)
        group.unasked = [
            self.judge.compare(found.best(i), target.image).probs_reconstruction
            for i, target in enumerate(group.targets)
        ]
        group.checked = time.perf_counter() - began

    def _search(
        self, group: _Group, ws: Tensor, settings: ProjectionSettings, done: int, *, check: bool = False
    ) -> Generator[Event, None, LatentVariables]:
        """Run the steps in one space from ws (n, num_ws, w_dim) on. Those of a check are not shown."""
        rng = torch.Generator().manual_seed(settings.seed)
        w_std = self.renderer.w_std
        cond = uniform(group.cond) if check else group.cond
        variables = LatentVariables(self.model, ws, cond, settings, w_std)
        loss = PictureLoss(self.distance, group.img, settings, rng, self.classifier)
        w_avg = self.model.generator.mapping.w_avg
        search = LatentOptimizer(variables, loss, settings, w_avg, w_std, rng, done)
        message = f"Projecting {group.targets[0].name}" if len(group) == 1 else "Projecting"
        if check:
            message = "Checking the class without the classifier"
        else:
            group.search = search
        for state in search.run(self.budget):
            if state is None:
                yield self.tracker.progress(message)
                continue
            yield self.tracker.step(message) if state.number else self.tracker.progress(message)
            if check:
                continue
            yield _metric(group.first, state, done)
            if self.tracker.preview_due():
                yield from self._keep(group)
        return variables

    def _keep(self, group: _Group) -> Generator[Event, None, None]:
        """Yield the best so far of all pictures that were begun."""
        began = time.perf_counter()
        pictures = yield from self._pictures(group)
        yield Kept((*self.results, *pictures))
        self.tracker.preview_taken(time.perf_counter() - began)

    def _tune(self, group: _Group) -> Generator[Event, None, None]:
        """Tune the generator to each picture by itself: the weights of one are of no use to another."""
        if not self.settings.tuning or group.search is None:
            return
        yield from self._keep(group)
        for i in range(len(group)):
            latent = group.search.variables.best(i)
            rng = torch.Generator().manual_seed(self.settings.seed)
            img = group.img[i : i + 1]
            loss = PictureLoss(self.distance, img, self.settings, rng, self.classifier)
            job = tune(self.model.generator, latent, loss, 0, self.settings)
            step = partial(self._tuning_step, group.targets[i].name)
            group.deltas[i] = yield from forward_events(job, step)

    def _tuning_step(self, name: str, _event: Event) -> Progress:
        return self.tracker.step(f"Tuning the generator to {name}")

    def _judge_domain(self, group: _Group, ws: Tensor) -> Generator[Event, None, None]:
        """Judge each picture by ws (n, num_ws, w_dim), whose rows are alike."""
        group.verdicts = []
        for i, target in enumerate(group.targets):
            latent = Latent(ws[i : i + 1], None if group.cond is None else group.cond[i : i + 1])
            group.verdicts.append(self.judge.verdict(latent, target.image))
            yield self.tracker.progress("Checking whether it belongs here")

    def _pictures(self, group: _Group) -> Generator[Event, None, list[ProjectedPicture]]:
        """Return the best so far of a group, rendered as from its file."""
        pictures = []
        for i in range(len(group)):
            pictures.append(self._picture(group, i))
            yield self.tracker.progress("Rendering the best so far")
        return pictures

    def _picture(self, group: _Group, i: int) -> ProjectedPicture:
        assert group.search is not None
        target = group.targets[i]
        latent = replace(group.search.variables.best(i), delta=group.deltas.get(i, {}))
        likeness = self.judge.compare(latent, target.image)
        verdict = group.verdicts[i] if group.verdicts else DomainVerdict("", {})
        made = torch.from_numpy(to_float(likeness.image[None])).to(self.device)
        detail = compare_detail(group.img[i : i + 1], made, group.looks[i])
        unasked = group.unasked[i] if group.unasked else ()
        report = ProjectionReport(
            name=target.name,
            model_hash=self.model_hash,
            classifier_id=self.key,
            class_names=self.classifier.config.class_names,
            space=self.settings.space,
            start=self.start,
            steps=group.search.begun_at + int(group.search.steps_to_best[i]),
            seconds=time.perf_counter() - group.began - group.checked,
            lpips=likeness.distance,
            lpips_net=self.judge_distance.name,
            optimised=self.distance.name,
            psnr=likeness.psnr,
            probs_target=likeness.probs_target,
            probs_reconstruction=likeness.probs_reconstruction,
            agreement=likeness.agreement,
            probability_difference=likeness.probability_difference,
            w_distance=likeness.w_distance,
            in_domain=verdict.in_domain,
            domain_reason=verdict.reason,
            domain_figures=verdict.figures,
            tuned=bool(latent.delta),
            probs_photo=target.probs_photo,
            probs_unasked=unasked if self.asks else likeness.probs_reconstruction,
            detail_kept=detail.kept,
            detail_area=detail.area,
            settings=self.settings,
        )
        return projected_of(latent, target.image, likeness.image, report)


def in_w(settings: ProjectionSettings, steps: int) -> ProjectionSettings:
    """Return the settings of the steps in W before those in a larger space."""
    return msgspec.structs.replace(settings, space="w", steps=steps, keep="best")


def uniform(cond: Tensor | None) -> Tensor | None:
    """Return equal probabilities in the place of cond (n, K): they give no class away."""
    return None if cond is None else torch.full_like(cond, 1 / cond.shape[1])


def best_ws(variables: LatentVariables) -> Tensor:
    """Return the best ws (n, num_ws, w_dim) of a search."""
    return torch.cat([variables.best(i).ws for i in range(len(variables))])


class _ProgressTracker:
    """Progress and remaining time of the job, and when the next preview is due."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._began = self._preview_at = time.perf_counter()
        self._wait = _PREVIEW_SECONDS

    def step(self, message: str) -> Progress:
        self._done = min(self._done + 1, self._total)
        return self.progress(message)

    def progress(self, message: str) -> Progress:
        left = None
        if self._done:
            spent = time.perf_counter() - self._began
            left = spent / self._done * (self._total - self._done)
        return Progress(self._done, self._total, message, left)

    def skip_to(self, done: int) -> None:
        """Count steps that were not needed as done."""
        self._done = min(done, self._total)

    def preview_due(self) -> bool:
        return time.perf_counter() - self._preview_at > self._wait

    def preview_taken(self, seconds: float) -> None:
        """Delay the next preview in proportion to the seconds that this one took."""
        self._preview_at = time.perf_counter()
        self._wait = max(_PREVIEW_SECONDS, _PREVIEW_SHARE * seconds)


def _metric(first: int, state: OptimizationStep, done: int) -> Metric:
    values = {"loss": float(state.loss.mean()), "lpips": float(state.perceptual.mean())}
    for row, loss, perceptual in zip(state.rows, state.loss, state.perceptual, strict=True):
        values[f"loss/{first + row}"] = float(loss)
        values[f"lpips/{first + row}"] = float(perceptual)
    return Metric(done + state.number, values)


def resolve_start(model: Explainer, settings: ProjectionSettings) -> Start:
    """Return the start that "auto" stands for. UserError where the encoder is chosen and there is none."""
    if settings.start == "auto":
        return "average" if model.encoder is None else "encoder"
    if settings.start == "encoder" and model.encoder is None:
        raise UserError(
            f"{model.name} has no encoder to start from. Start from the nearest sample, or train an encoder "
            "(latent-explorer train-encoder)."
        )
    return settings.start


def initial_ws(
    model: Explainer,
    start: Start,
    targets: Tensor,
    cond: Tensor | None,
    settings: ProjectionSettings,
    distance: PerceptualDistance,
) -> Generator[Event, None, Tensor]:
    """Find ws (N, num_ws, w_dim) to start from for targets (N, 3, R, R) and cond (N, K). A job within a job.

    Every start is one w, repeated to all rows.
    """
    generator = model.generator
    n = len(targets)
    if start in ("nearest", "average"):
        count = 1 if start == "nearest" else settings.nearest_average
        rows = []
        seed_images = yield from seed_thumbnails(model, settings.nearest_of)
        for i in range(n):
            cond_row = None if cond is None else cond[i : i + 1]
            nearest = _nearest(model, targets[i : i + 1], cond_row, seed_images, count, distance)
            rows.append((yield from nearest))
        return generator.broadcast(torch.cat(rows)).contiguous()
    with torch.no_grad():
        if start == "encoder":
            w = model.encode(targets)
        elif start == "mean":
            w = mapped_w(generator, _MEAN_SAMPLES).mean(dim=0, keepdim=True)
        else:
            w = seed_latent(model, settings.seed).ws[:, 0]
        return generator.broadcast(w.expand(n, -1)).contiguous()


def _nearest(
    model: Explainer,
    target: Tensor,
    cond: Tensor | None,
    seed_images: np.ndarray,
    count: int,
    distance: PerceptualDistance,
) -> Generator[Event, None, Tensor]:
    """Return the mean w (1, w_dim) of the `count` seeds whose pictures for `cond` are nearest to (1, 3, R, R)."""
    differences = seed_images.astype(np.float32) - thumbnails(target).astype(np.float32)
    order = np.argsort(np.square(differences).mean(axis=(1, 2, 3)), kind="stable")
    seeds = [int(seed) for seed in order[: max(_SHORTLIST, count)]]
    reduced = area_downsample(target)
    ws, distances, size = [], [], batch_size(model)
    for first in range(0, len(seeds), size):
        batch = [seed_latent(model, seed) for seed in seeds[first : first + size]]
        latents = [Latent(latent.ws, cond) for latent in batch]
        with torch.no_grad():
            img = area_downsample(pictures_of(model, latents))
            distances.append(distance(img, reduced.expand_as(img)).cpu())
        ws += [latent.ws[:, 0] for latent in latents]
        yield Progress(min(first + size, len(seeds)), len(seeds), "Finding the nearest")
    best = torch.cat(distances).argsort(stable=True)[:count].tolist()
    return torch.cat([ws[i] for i in best]).mean(dim=0, keepdim=True)
