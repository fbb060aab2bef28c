# SPDX-License-Identifier: MIT
"""An exploration in which every kind of value occurs, for the tests of what is written to disk."""

from __future__ import annotations

import io
import zlib

import numpy as np
from fakes import SPOTS
from PIL import Image

from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.file import Exploration
from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.explain.directions.direction import Direction
from latent_explorer.explain.recipe import (
    BlendBase,
    BlendEndBase,
    DirectionShift,
    MixBase,
    Noise,
    PictureRecipe,
    ProjectedBase,
    SampleBase,
    SeedBase,
    StyleShift,
)
from latent_explorer.explain.timeline.timeline import Curve, Keyframe, Timeline

AGE = Direction("age", 8, np.linspace(-1, 1, 8, dtype="<f4").tobytes(), 0, 1)
RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (16, 16, 3), np.uint8)
STATE = ExplorerState(
    model_hash="a" * 64,
    base=SampleBase(2),
    truncation_psi=0.7,
    truncation_cutoff=3,
    noise=Noise("seed", 5),
    cond=(0.25, 0.75),
    edits=(DirectionShift(AGE, 0.5), StyleShift(3, "max", -0.5), StyleShift(3, "max", 1, "sigma")),
    classifier_id="c" * 64,
    target_class=1,
    timelines=(
        Timeline("empty"),
        Timeline(
            "t",
            (
                Keyframe(0.5, PictureRecipe(ProjectedBase("mine")), "hold"),
                Keyframe(
                    1.0,
                    PictureRecipe(
                        BlendBase(BlendEndBase(SeedBase(1), 0.5, 2, (1.0, 0.0)), SampleBase(0), 0.25),
                        noise=Noise("blend", a=Noise("seed", 1), b=Noise("none"), amount=0.5),
                    ),
                    Curve(0.1, 0.2, 0.3, 0.4),
                ),
                Keyframe(2.0, PictureRecipe(MixBase(SeedBase(1), SeedBase(2), 0, 1))),
            ),
            "z-slerp",
            12.5,
            loop=True,
            noise=Noise("none"),
            classifier_id="c" * 64,
        ),
    ),
)
EXPLORATION = Exploration(
    STATE,
    Document(notes="n").renamed(SPOTS, "spots!").with_directions(AGE),
    "leaf-health",
    "/models/leaf.explainer",
    IMAGE,
)


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 10^10 pixels."""
    buffer = io.BytesIO()
    Image.fromarray(IMAGE).save(buffer, "PNG")
    raw = buffer.getvalue()
    head = b"IHDR" + (100_000).to_bytes(4, "big") * 2 + raw[24:29]
    return raw[:12] + head + zlib.crc32(head).to_bytes(4, "big") + raw[33:]
