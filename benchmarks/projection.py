# SPDX-License-Identifier: MIT
"""Projection by our default against NVIDIA's published schedule: time to the same result, and the final result.

Method. The same pictures (default: 20 leaves of the test side, spread evenly over it) are projected in one process, one
run after the other, by NVIDIA's schedule (1000 steps from the mean, noise on w, its learning-rate ramps;
AlexNet's LPIPS in VGG16's place, the same network that ours makes small; its noise regulariser where maps are
optimised) and by our default; once in W and once in W+. Both go through the same job in the same batches, with
the same noise policy (the stored maps; with --noise optimise, both optimise them and save them). Our default
also makes small, with a small weight, how differently the classifier speaks of photo and picture, so agreement
does not judge it impartially: a third row is our default without that. What is judged is rendered again from
the `.projection` file that was written and read back, by LPIPS with SqueezeNet, which neither makes small, and
by whether the classifier names the same class for photo and picture.

Time. NVIDIA's is the whole of its run. Ours is until the mean LPIPS of the pictures, each taken at its best so far, is
what NVIDIA's run ended with or less, and their agreement no lower. Batches run one after another, so the curve is over
the time within a batch, and the time for all is that times the batches; looks at the best so far happen about every
second and count as part of both runs. The last part projects pictures one by one from the encoder in W+.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch
from ablation import LEAVES
from leaf_shortcut import SELECTION

from latent_explorer.app import library
from latent_explorer.common.events import Kept
from latent_explorer.data.dataset import open_dataset
from latent_explorer.data.images import to_float
from latent_explorer.explain.latents import latent_of
from latent_explorer.explain.projected import ProjectedPicture, read_projected, write_projected
from latent_explorer.explain.projection.projection import project
from latent_explorer.explain.projection.target import Target
from latent_explorer.explain.projection_settings import DEFAULT, NVIDIA_SCHEDULE, ProjectionSettings, Space
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.explainer_file import read_explainer
from latent_explorer.models.perceptual import LpipsDistance

if TYPE_CHECKING:
    from latent_explorer.models.explainer import Explainer

NVIDIA = "NVIDIA's schedule"
SINGLE = 5  # pictures that are projected one by one


@dataclass(frozen=True)
class Look:
    """Best so far of a picture, `seconds` after its batch began."""

    seconds: float
    lpips: float
    agreement: bool


@dataclass(frozen=True)
class Run:
    """One schedule on all pictures."""

    seconds: float
    batches: int
    looks: list[list[Look]]  # of each picture, in time
    found: list[ProjectedPicture]


def run(model: Explainer, pictures: np.ndarray, settings: ProjectionSettings) -> Run:
    """Project the pictures, noting every look at the best so far."""
    looks: list[list[Look]] = [[] for _ in pictures]
    targets = [Target(f"picture {i}", picture) for i, picture in enumerate(pictures)]
    found: list[ProjectedPicture] = []
    began = time.perf_counter()
    batches, known = 0, 0
    for event in project(model, targets, settings):
        if not isinstance(event, Kept):
            continue
        found = list(event.value)
        batches += len(found) > known
        known = max(known, len(found))
        for seen, picture in zip(looks, found, strict=False):
            report = picture.report
            if not seen or report.seconds > seen[-1].seconds:
                seen.append(Look(report.seconds, report.lpips, report.agreement))
    return Run(time.perf_counter() - began, batches, looks, found)


class Judge:
    """Render saved projections and compare them with their targets."""

    def __init__(self, model: Explainer) -> None:
        self._renderer = Renderer(model)
        self._key = model.classifier_id
        self._classifier = model.classifier
        self._lpips = LpipsDistance("squeeze")

    def __call__(self, found: list[ProjectedPicture]) -> dict[str, float]:
        """Return means over the pictures, each written, read back and rendered."""
        with tempfile.TemporaryDirectory() as folder:
            rows = [self._one(picture, Path(folder) / "x.projection") for picture in found]
        return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}

    def _one(self, picture: ProjectedPicture, path: Path) -> dict[str, float]:
        write_projected(path, picture)
        saved = read_projected(path)
        shown = self._renderer.render_latent(latent_of(saved), self._key).after
        photo, image = (torch.from_numpy(to_float(x[None])) for x in (saved.target, shown.image))
        with torch.no_grad():
            wanted = self._classifier.probs(photo)[0].numpy()
            lpips = float(self._lpips(image, photo))
        top = int(wanted.argmax())
        return {
            "LPIPS": lpips,
            "agreement": float(top == int(shown.probs.argmax())),
            "|p - p'|": abs(float(wanted[top] - shown.probs[top])),
            "PSNR": -10 * np.log10(float((image - photo).square().mean()) / 4),
            "w_std": saved.report.w_distance,
        }


def reached(ours: Run, lpips: float, agreement: float) -> float | None:
    """Return the seconds until the mean of all pictures is that good, or None when it never is."""
    times = sorted({look.seconds for seen in ours.looks for look in seen})
    for moment in times:
        now = [[look for look in seen if look.seconds <= moment] for seen in ours.looks]
        if not all(now):
            continue
        near = np.mean([seen[-1].lpips for seen in now]) <= lpips
        if near and np.mean([seen[-1].agreement for seen in now]) >= agreement:
            return moment * ours.batches
    return None


def compare(model: Explainer, judge: Judge, pictures: np.ndarray, space: Space, noise: str, scale: float) -> None:
    """Print one row of the target: NVIDIA's schedule against ours in one space."""
    fixed = {"space": space, "noise": noise}
    settings = {
        NVIDIA: msgspec.structs.replace(NVIDIA_SCHEDULE, steps=round(NVIDIA_SCHEDULE.steps * scale), **fixed),
        "our default": msgspec.structs.replace(DEFAULT, **fixed),
        "without verdict": msgspec.structs.replace(DEFAULT, verdict=0.0, **fixed),
    }
    runs, ends = {}, {}
    for name, chosen in settings.items():
        runs[name] = run(model, pictures, chosen)
        ends[name] = judge(runs[name].found)
        figures = "  ".join(f"{key} {value:.4f}" for key, value in ends[name].items())
        print(f"{space.upper():3} {name:18} {runs[name].seconds:7.1f} s  {figures}", flush=True)
    whole, theirs = runs[NVIDIA].seconds, ends[NVIDIA]
    for name in list(settings)[1:]:
        soon = reached(runs[name], theirs["LPIPS"], theirs["agreement"])
        sooner = "never" if soon is None else f"after {soon:.1f} s, {whole / soon:.1f} times sooner"
        better = 100 * (1 - ends[name]["LPIPS"] / theirs["LPIPS"])
        print(
            f"{space.upper():3} {name}: NVIDIA's end is reached {sooner}; its own end is {better:.1f} % better "
            "by LPIPS (squeeze)",
            flush=True,
        )


def one_by_one(model: Explainer, pictures: np.ndarray) -> None:
    """Print the time of a single picture from the encoder in W+."""
    settings = msgspec.structs.replace(DEFAULT, start="encoder")
    seconds = []
    for picture in pictures[:SINGLE]:
        done = run(model, picture[None], settings)
        seconds.append(done.seconds)
    print(
        f"W+ from the encoder, one picture by itself: median {np.median(seconds):.1f} s, "
        f"slowest {max(seconds):.1f} s ({torch.get_num_threads()} threads)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--explainer", type=Path, default=None)
    parser.add_argument("--data", type=Path, default=LEAVES)
    parser.add_argument("--side", default="test", choices=("val", "test"))
    parser.add_argument("--n", type=int, default=20)
    parser.add_argument("--noise", default="keep", choices=("keep", "optimise"))
    parser.add_argument("--scale", type=float, default=1.0, help="of NVIDIA's steps, to try it out")
    chosen = parser.parse_args()
    model = read_explainer(chosen.explainer or library.bundled_explainer())
    pictures = open_dataset(chosen.data, **SELECTION)
    rows = pictures.indices(chosen.side)
    rows = rows[np.linspace(0, len(rows) - 1, chosen.n).round().astype(int)]
    targets = pictures.read(rows, model.generator.config.resolution)
    print(f"{len(targets)} pictures of {chosen.side}, noise maps: {chosen.noise}", flush=True)
    run(model, targets[:1], msgspec.structs.replace(DEFAULT, steps=2))  # warm: pairs, first calls
    judge = Judge(model)
    for space in ("w", "w+"):
        compare(model, judge, targets, space, chosen.noise, chosen.scale)
    one_by_one(model, targets)


if __name__ == "__main__":
    main()
