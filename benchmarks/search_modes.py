# SPDX-License-Identifier: MIT
"""What the options of a search for attributes change: the list, and how many verdicts it turns on other pictures.

Method. Each draw takes half of the explainer's pictures; on each, every way of searching makes its list by race. Two
numbers are printed for a way: how many of the ten (style_index and end) it has in common with the plain search of the
same pictures (logits, minimum and maximum), and the share of test pictures, which no search saw, whose verdict the
first 1, 3 and 10 attributes turn together. Two controls: the plain search again with another seed of the race on the
same pictures, and the plain search on the other draws. A difference no larger than theirs says nothing.

    python benchmarks/search_modes.py [--explainer X] [--data DATA] [--draws 3] [--leaves 300]
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import closing
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from latent_explorer.app import library
from latent_explorer.common.jobs import run_job
from latent_explorer.data.dataset import evenly_spaced_rows, open_dataset
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.effects import Reconstructions, reconstruct
from latent_explorer.explain.attfind.encode import encode
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.attfind.sufficiency import flips
from latent_explorer.explain.batches import BatchSizer
from latent_explorer.models.explainer_file import read_explainer

if TYPE_CHECKING:
    from typing import Any

    from latent_explorer.models.attributes import AttributeSet
    from latent_explorer.models.explainer import Explainer

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "leaves-segmented-64"
SELECTION: dict[str, Any] = {"label": "healthy", "classes": "0=diseased,1=healthy", "group": "group"}
SELECTION["where"] = ("crop=apple,bell pepper,strawberry",)
PLAIN = "logits, minimum and maximum"
AGAIN = "the same, another seed of the race"
WAYS: dict[str, dict[str, Any]] = {
    PLAIN: {},
    AGAIN: {"race_seed": 1},
    "percentiles 1 and 99": {"percentiles": (1, 99)},
    "percentiles 5 and 95": {"percentiles": (5, 95)},
    "probabilities": {"effect": "probability"},
    "with toRGB": {"torgb": True},
    "procedure of the paper": {"procedure": "paper"},
    "realism, 5th percentile": {"realism": 5.0},
}
KS = (1, 3, 10)


def moves_of(found: AttributeSet) -> set[tuple[int, str]]:
    """Return the coordinates and ends towards class 0; of two classes the other list is the same reversed."""
    return {(a.entries[0].style_index, a.entries[0].end) for a in found.attributes if a.target == 0}


def test_pictures(explainer: Explainer, data: Path, count: int) -> Reconstructions:
    """Encode and classify test pictures, evenly spaced."""
    with closing(open_dataset(data, **SELECTION)) as pictures:
        rows = evenly_spaced_rows(pictures.indices("test"), count)
        size, ids = explainer.generator.config.resolution, [pictures.names[row] for row in rows]
        samples = run_job(encode(explainer, lambda part: pictures.read(rows[part], size), ids, BatchSizer()))
    networks = explainer.generator.synthesis, explainer.classifier
    return run_job(reconstruct(*networks, samples.ws, samples.cond_of(), BatchSizer()))


def turned(explainer: Explainer, found: AttributeSet, pictures: Reconstructions) -> list[float]:
    """Return the share of verdicts that the first k attributes turn, for each of KS."""
    stats = explainer.style_stats
    assert stats is not None
    limits = torch.stack([torch.from_numpy(stats.minimum), torch.from_numpy(stats.maximum)])
    networks = explainer.generator.synthesis, explainer.classifier
    rates = run_job(flips(*networks, pictures, found, limits, KS, (1.0,), BatchSizer()))
    return [rate.reached.share for rate in rates]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--explainer", type=Path)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--leaves", type=int, default=300)
    args = parser.parse_args()
    torch.set_num_threads(1)
    explainer = read_explainer(args.explainer or library.bundled_explainer())
    assert explainer.samples is not None
    pictures, n = test_pictures(explainer, args.data, args.leaves), len(explainer.samples) // 2
    lists: dict[str, list[set[tuple[int, str]]]] = {way: [] for way in WAYS}
    rates: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    for draw in range(args.draws):
        for way, options in WAYS.items():
            start = time.process_time()
            settings = AttFindSettings(n=n, seed=draw, **options)
            found = run_job(attfind(explainer, settings, ranges=explainer.style_stats)).attribute_set
            lists[way].append(moves_of(found))
            rates[way].append(turned(explainer, found, pictures))
            print(f"draw {draw}, {way}: {time.process_time() - start:.0f} s, {rates[way][-1]}", flush=True)
    print(f"{explainer.name}: {n} pictures a draw, {args.draws} draws, {len(pictures)} test pictures")
    for way in WAYS:
        shared = [len(a & b) for a, b in zip(lists[PLAIN], lists[way], strict=True)]
        shares = ", ".join(f"{statistics.mean(column):.3f}" for column in zip(*rates[way], strict=True))
        print(f"{way:36} {statistics.mean(shared):4.1f} shared of 10; turned by the first {KS}: {shares}")
    others = [len(a & b) for a, b in permutations(lists[PLAIN], 2)]
    print(f"{'the same on another draw':36} {statistics.mean(others):4.1f} shared")


if __name__ == "__main__":
    main()
