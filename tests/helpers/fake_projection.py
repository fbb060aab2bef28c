# SPDX-License-Identifier: MIT
"""Invented projections: values of the right shapes for tests of what keeps, lists and shows them."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from latent_explorer.common.events import Event, Kept, Metric, Progress
from latent_explorer.explain.projected import ProjectedPicture, ProjectionReport
from latent_explorer.explain.projection_settings import ProjectionSettings


def make_projected(
    name: str = "leaf.png",
    *,
    model_hash: str = "a" * 64,
    classifier_id: str = "c" * 64,
    class_names: tuple[str, ...] = ("healthy", "diseased"),
    size: int = 16,
    seed: int = 0,
    noise: bool = False,
    **report: Any,
) -> ProjectedPicture:
    """A projection of random numbers; `report` are fields of its report."""
    random = np.random.default_rng(seed)
    told = ProjectionReport(
        name=name,
        model_hash=model_hash,
        classifier_id=classifier_id,
        class_names=class_names,
        space="w+",
        start="encoder",
        steps=100,
        seconds=6.4,
        lpips=0.124,
        lpips_net="LPIPS (squeeze)",
        optimised="LPIPS (alex)",
        psnr=24.6,
        probs_target=(0.9, 0.1),
        probs_reconstruction=(0.8, 0.2),
        agreement=True,
        probability_difference=0.1,
        w_distance=0.93,
        in_domain=True,
        domain_reason="",
        probs_unasked=(0.7, 0.3),
        detail_kept=0.9,
        detail_area=0.1,
    )
    target = random.integers(0, 256, (size, size, 3), np.uint8)
    maps = tuple(random.standard_normal((s, s), np.float32) for s in (4, 8, 8)) if noise else None
    return ProjectedPicture(
        ws=random.standard_normal((6, 16), np.float32),
        target=target,
        image=target // 2,
        report=msgspec.structs.replace(told, **report),
        cond=np.array([0.9, 0.1], np.float32),
        noise=maps,
    )


def fake_project(
    host: Any, budget: Any, photos: Sequence[Any], settings: ProjectionSettings, classifier_id: str
) -> Generator[Event, None, list[ProjectedPicture]]:
    """As `app.projection.photos.project_photos`, on no model: every step the loss falls; a picture every fourth."""
    summary = host.explainer.summary()
    names = next(c.class_names for c in summary.classifiers if c.classifier_id == classifier_id)

    def pictures(step: int) -> list[ProjectedPicture]:
        size = summary.resolution
        made = []
        for i, photo in enumerate(photos):
            target = photo.crop_image(size)
            projected = make_projected(
                photo.name,
                model_hash=summary.model_hash,
                classifier_id=classifier_id,
                class_names=names,
                size=size,
                seed=1000 * i + step,
                steps=step,
                tuned=settings.tuning > 0,
            )
            share = step / max(1, settings.steps)
            image = (target * share + 127 * (1 - share)).astype(np.uint8)
            made.append(replace(projected, target=target, image=image))
        return made

    for step in range(settings.steps):
        loss = {f"loss/{i}": 0.5 / (1 + step) + 0.1 * i for i in range(len(photos))}
        yield Metric(step, {"loss": sum(loss.values()) / len(loss), **loss})
        time.sleep(0.001)  # quicker than any model, yet not quicker than a window
        left = 0.05 * (settings.steps - step)
        yield Progress(step + 1, settings.steps, "Projecting", left)
        if step % 4 == 0:
            yield Kept(tuple(pictures(step)))
    return pictures(settings.steps)
