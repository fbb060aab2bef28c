# SPDX-License-Identifier: MIT
"""Small generators to project into, and a projection run to its end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec
import numpy as np
import torch
from tiny import make_explainer

from latent_explorer.common.events import Event, Kept
from latent_explorer.common.jobs import run_job
from latent_explorer.data.images import to_uint8
from latent_explorer.explain.latents import seed_latent
from latent_explorer.explain.projected import ProjectedPicture
from latent_explorer.explain.projection.projection import project
from latent_explorer.explain.projection.target import Target
from latent_explorer.explain.projection_settings import ProjectionSettings
from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.explainer import Explainer
from latent_explorer.models.stylegan2 import Generator

QUICK = ProjectionSettings(steps=12, w_steps=6, early_stop=0, nearest_of=24, check=False)


def plain_explainer() -> Explainer:
    """A StyleGAN2 that is told no class, without encoder and samples."""
    whole = make_explainer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        generator = Generator(GeneratorConfig((32, 16, 8), z_dim=16, w_dim=16, mapping_layers=2))
    # pictures within [-1, 1], as a trained generator's are: clipping loses what they say
    for size in (4, 8, 16):
        generator.synthesis.block(size).torgb.weight.data *= 0.15
    return Explainer("plain", generator, classifiers=whole.classifiers)


def pictures_of_seeds(model: Explainer, seeds: range) -> np.ndarray:
    """(n, R, R, 3) uint8."""
    synthesis = model.generator.synthesis
    with torch.no_grad():
        latents = [seed_latent(model, seed) for seed in seeds]
        img = [synthesis(x.ws, x.cond, synthesis.noise_const()) for x in latents]
    return to_uint8(torch.cat(img).numpy())


def without_encoder(model: Explainer) -> Explainer:
    return replace(model, encoder=None)


def changed(settings: ProjectionSettings = QUICK, **fields: object) -> ProjectionSettings:
    found: ProjectionSettings = msgspec.structs.replace(settings, **fields)
    return found


@dataclass
class Done:
    """What a projection yielded, and what it found."""

    found: list[ProjectedPicture]
    events: list[Event] = field(default_factory=list)

    @property
    def kept(self) -> list[Kept]:
        return [event for event in self.events if isinstance(event, Kept)]


def projected(model: Explainer, targets: np.ndarray, settings: ProjectionSettings = QUICK, **options: object) -> Done:
    named = [Target(f"{i}.png", image) for i, image in enumerate(targets)]
    job = project(model, named, settings, **options)
    events: list[Event] = []
    return Done(run_job(job, events.append), events)
