# SPDX-License-Identifier: MIT
"""Writes an animation of `seconds` at `size` px through the whole export job, without a model, and says its
peak of memory.

python tests/helpers/export_minute.py FILE '{"fps": 20}' [SECONDS] [SIZE]
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
from animation_frames import leaf
from fake_explainer import FakeExplainer

from latent_explorer.app.exploration import picture_requests
from latent_explorer.app.export.job import animation
from latent_explorer.app.export.scene import Scene
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.recipe import Picture, PictureRecipe, RenderResult, SeedBase
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline
from latent_explorer.media.animation.settings import AnimationSettings


def peak_megabytes() -> float:
    """Return the most memory that this process held, in MB. `ru_maxrss` would count the parent's at the fork, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024 / 1e6


def main(path: Path, options: str, seconds: float = 60.0, size: int = 512) -> None:
    """Print one line for people, and the peak in MB (of a million bytes) as the last."""
    grain = np.random.default_rng(0).integers(0, 12, (size, size, 3)).astype(np.uint8)

    def render(request):
        """Return a picture of the model's own size for every moment of the morph."""
        image = leaf(getattr(request.recipe.base, "amount", 0.0), size) + grain
        half = np.full(2, 0.5, np.float32)
        picture = Picture(image, half, half)
        return RenderResult(picture, picture, half, 1.0, 0.0)

    summary = FakeExplainer().summary()
    ends = (Keyframe(0.0, PictureRecipe(SeedBase(0)), "linear"), Keyframe(seconds, PictureRecipe(SeedBase(1))))
    settings = msgspec.structs.replace(msgspec.json.decode(options, type=AnimationSettings), size=size)
    scene = Scene(Timeline("minute", ends), picture_requests.opening_state(summary), summary)
    began = time.monotonic()
    done = run_job(animation(path, scene, settings, render))
    took = time.monotonic() - began
    peak = peak_megabytes()
    print(f"{path.name}: {done.frames} frames, {done.bytes / 1e6:.1f} MB, {took:.0f} s, peak {peak:.0f} MB")
    print(peak)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(float, sys.argv[3:4]), *map(int, sys.argv[4:5]))
