# SPDX-License-Identifier: MIT
"""An exploration in which every kind of value occurs, for the tests of what is written to disk."""

from __future__ import annotations

import io
import zlib

import numpy as np
from fakes import SPOTS
from PIL import Image

from latent_explorer.app.document import Document
from latent_explorer.app.exploration_file import Exploration
from latent_explorer.app.state import ExplorerState
from latent_explorer.explain.recipe import (
    DirectionShift,
    Noise,
    PictureRecipe,
    ProjectedBase,
    SampleBase,
    StyleShift,
)
from latent_explorer.explain.timeline import Keyframe, Timeline

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (16, 16, 3), np.uint8)
STATE = ExplorerState(
    model_hash="a" * 64,
    base=SampleBase(2),
    truncation_psi=0.7,
    truncation_cutoff=3,
    noise=Noise("seed", 5),
    cond=(0.25, 0.75),
    edits=(
        DirectionShift("age", 0.5),
        StyleShift(3, "max", -0.5),
        StyleShift(3, "max", 1, "sigma"),
    ),
    classifier_id="c" * 64,
    target_class=1,
    timelines=(Timeline("t", (Keyframe(0.5, PictureRecipe(ProjectedBase("mine"))),)),),
)
EXPLORATION = Exploration(
    STATE,
    Document(notes="n").renamed(SPOTS, "spots!"),
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
