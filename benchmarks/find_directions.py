# SPDX-License-Identifier: MIT
"""Flip rates of directions that each method finds, on test leaves, beside random directions.

Method. Each direction is found with the encoded pictures in the file (SeFa and GANSpace: with weights and random z),
for each class. Then it moves the encoded test leaves of the other class (of 300, evenly spaced), which nothing here has
seen, by 1, 2 and 3 standard deviations of the latents in the file, and the leaves are counted whose verdict becomes the
class. The class that the generator is told stays. Controls: three random directions of the same length (isotropic), and
three as long that are differences of two of the file's latents, which point where latents vary. Of SeFa and GANSpace
the first five directions are tried, and the one is taken that changes the probability most on pictures of the file that
were held out.

    python benchmarks/find_directions.py [--explainer X] [--data DATA] [--where crop=...] [--out F.json]
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch

from latent_explorer.app import library
from latent_explorer.common.jobs import run_job
from latent_explorer.common.statistics import wilson_interval
from latent_explorer.data.dataset import evenly_spaced_rows, open_dataset
from latent_explorer.explain.attfind.encode import encode
from latent_explorer.explain.batches import BatchSizer
from latent_explorer.explain.direction_search import check
from latent_explorer.explain.direction_search.context import SearchContext, open_context
from latent_explorer.explain.direction_search.search import find_directions
from latent_explorer.explain.direction_search.settings import AMOUNTS, GuidedSettings, SearchSettings
from latent_explorer.models.explainer_file import read_explainer

if TYPE_CHECKING:
    from latent_explorer.explain.directions.direction import Direction
    from latent_explorer.models.explainer import Explainer

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "leaves-segmented-64"
SELECTION = {"label": "healthy", "classes": "0=diseased,1=healthy", "group": "group"}
COUNT, CONTROLS = 5, 3
SEARCHES = {
    "SeFa, best of 5": SearchSettings("sefa", count=COUNT),
    "GANSpace, best of 5": SearchSettings("ganspace", count=COUNT),
    "boundary": SearchSettings("boundary"),
    "guided, LPIPS": SearchSettings("guided", guided=GuidedSettings(identity="lpips")),
    "guided, features": SearchSettings("guided", guided=GuidedSettings(identity="features")),
    "guided, no identity loss": SearchSettings("guided", guided=GuidedSettings(identity="none")),
    "guided, LPIPS, weight 10": SearchSettings("guided", guided=GuidedSettings(identity="lpips", identity_weight=10)),
    "guided, margin": SearchSettings("guided", guided=GuidedSettings(identity="lpips", loss="margin")),
}


def test_context(model: Explainer, data: Path, where: list[str], leaves: int) -> SearchContext:
    """Return a context that judges by test leaves, encoded."""
    with closing(open_dataset(data, where=where, **SELECTION)) as pictures:
        rows = evenly_spaced_rows(pictures.indices("test"), leaves)
        size = model.generator.config.resolution
        names = [pictures.names[row] for row in rows]
        samples = run_job(encode(model, lambda part: pictures.read(rows[part], size), names, BatchSizer()))
    of_test = replace(model, samples=samples)
    settings = SearchSettings("guided", n=len(samples))
    context = run_job(open_context(of_test, settings, model.classifier_id, "cpu", BatchSizer()))
    context.held_out, context.fitted = np.arange(len(samples)), np.arange(0)
    return context


def difference_like(direction: Direction, latents: np.ndarray, rng: np.random.Generator) -> Direction:
    """Return the difference of two latents (M, num_ws, w_dim), in the rows and with the length of a direction."""
    a, b = rng.choice(len(latents), 2, replace=False)
    last = latents.shape[1] if direction.last is None else direction.last + 1
    vector = (latents[a] - latents[b])[direction.first : last].mean(axis=0)
    vector *= np.linalg.norm(direction.array) / np.linalg.norm(vector)
    return msgspec.structs.replace(direction, vector=vector.astype("<f4").tobytes())


def flips(context: SearchContext, direction: Direction, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the leaves (3, N) that become the target, and the mean change of its probability (3,)."""
    rows = context.held_out[context.verdicts != target]
    logits = run_job(check.moved_logits(context, direction, rows, AMOUNTS, ""))
    flipped, change = check.effects(context.logits[rows], logits, target)
    return flipped, change.mean(axis=1)


def measured(
    model: Explainer, context: SearchContext, settings: SearchSettings, target: int, seed: int
) -> dict[str, Any]:
    """Find a direction to a class and return its figures and those of its controls."""
    settings = msgspec.structs.replace(settings, target=target, seed=seed, controls=0)
    began = time.perf_counter()
    found = run_job(find_directions(model, settings))
    seconds = time.perf_counter() - began
    best = max(found, key=lambda each: each.check.change[-1] if each.check else 0.0)
    flipped, change = flips(context, best.direction, target)
    rng = np.random.default_rng(seed)
    assert model.samples is not None
    latents = model.samples.ws.float().numpy()
    isotropic = [flips(context, check.random_like(best.direction, rng), target) for _ in range(CONTROLS)]
    differences = [flips(context, difference_like(best.direction, latents, rng), target) for _ in range(CONTROLS)]
    return {
        "name": best.direction.name,
        "seed": seed,
        "figures": best.figures,
        "leaves": flipped.shape[1],
        "flips": flipped.mean(axis=1).tolist(),
        "interval_at_3": wilson_interval(int(flipped[-1].sum()), flipped.shape[1]),
        "change": change.tolist(),
        "random": np.mean([each[0].mean(axis=1) for each in isotropic], axis=0).tolist(),
        "largest_random_at_3": max(float(each[0][-1].mean()) for each in isotropic),
        "differences": np.mean([each[0].mean(axis=1) for each in differences], axis=0).tolist(),
        "largest_difference_at_3": max(float(each[0][-1].mean()) for each in differences),
        "seconds": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--explainer", type=Path, default=library.bundled_explainer())
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--where", action="append", default=None)
    parser.add_argument("--leaves", type=int, default=300, help="of the test, evenly spaced")
    parser.add_argument("--seeds", type=int, default=1, help="of the search")
    parser.add_argument("--only", default="", help="searches whose names begin so")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = read_explainer(options.explainer)
    context = test_context(model, options.data, options.where or ["crop=apple,bell pepper,strawberry"], options.leaves)
    results: dict[str, list[dict[str, Any]]] = {}
    for name, settings in SEARCHES.items():
        if not name.startswith(options.only):
            continue
        for target in range(len(context.class_names)):
            for seed in range(options.seeds):
                row = measured(model, context, settings, target, seed)
                results.setdefault(name, []).append(row)
                shown = {key: np.round(row[key], 3).tolist() for key in ("flips", "interval_at_3", "random")}
                if options.out:
                    options.out.write_text(json.dumps(results, indent=1), encoding="utf-8")
                print(f"{name}, towards {context.class_names[target]}: {shown}", flush=True)


if __name__ == "__main__":
    main()
