# SPDX-License-Identifier: MIT
"""How often "within the data" is wrong: false alarms on pictures of the test side, misses on combinations of sliders.

Method. Encoded test pictures are rendered by the window's renderer as they are and with edits: one slider, several at
random strengths either way, all of one class at 1.00; seeds at several truncations. A picture is *flagged* when its
styles together are beyond the limit (`RenderResult.unlikeness` above 1) or one of them is beyond its own range. The
judge is independent of both, and of every network in the file: the distance from the nearest training photograph on
AlexNet's last layer, averaged over space, as in benchmarks/seeds.py. A picture is *unlike* where this distance is
above the 99th percentile of the unedited test pictures, rendered by the same generator. Misses are unlike pictures
that are not flagged. The judge has its own errors (by its definition it finds 1 % of the test pictures unlike), so
flags on pictures that it accepts are given as they are and not called false.

    python benchmarks/within_data.py [X.explainer] [--data DATA] [--n PICTURES OF A ROW]
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from typing import TYPE_CHECKING

import numpy as np
import torch
from ablation import LEAVES
from leaf_shortcut import SELECTION
from seeds import features

from latent_explorer.app import library
from latent_explorer.data.dataset import open_dataset
from latent_explorer.explain.latents import Latent
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, SeedBase, attribute_edits
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.attributes import newest_set
from latent_explorer.models.explainer import encode_batch
from latent_explorer.models.explainer_file import read_explainer
from latent_explorer.models.perceptual import LpipsDistance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from latent_explorer.explain.recipe import Edit, RenderResult

QUANTILE = 0.99  # of the unedited test pictures' distances: the judge's limit
FIRST_SEED = 5000


@dataclass(frozen=True)
class Row:
    """Pictures of one kind: images, whether their styles together are beyond the limit, whether one of them is."""

    name: str
    images: np.ndarray
    together: np.ndarray
    alone: np.ndarray


class Maker:
    """Render rows of pictures from encoded test pictures."""

    def __init__(self, path: Path, test: np.ndarray, count: int) -> None:
        self.model = read_explainer(path)
        self._renderer = Renderer(self.model)
        self._key = self.model.classifier_id
        encoded = encode_batch(self.model, test, [str(i) for i in range(len(test))])
        conds = encoded.cond_of()
        self._latents = [
            Latent(encoded.ws[i : i + 1], None if conds is None else conds[i : i + 1]) for i in range(len(test))
        ]
        self._count = count
        self._rng = np.random.default_rng(0)
        found = newest_set(self.model.attribute_sets, self._key)
        assert found is not None
        classes = sorted({a.target for a in found.attributes})
        self.sliders = {c: [a for a in found.attributes if a.target == c] for c in classes}

    def test(self) -> Row:
        return self._row("test pictures, no edits", [self._render(latent, ()) for latent in self._latents], [])

    def edited(self, name: str, edits: Callable[[], Sequence[Edit]]) -> Row:
        results, moved = [], []
        for _ in range(self._count):
            chosen = tuple(edits())
            latent = self._latents[self._rng.integers(len(self._latents))]
            results.append(self._render(latent, chosen))
            moved.append(any(abs(edit.amount) > 1 for edit in chosen))
        return self._row(name, results, moved)

    def several(self, least: int, most: int, low: float, high: float) -> tuple[Edit, ...]:
        """Return edits of random sliders of one class, each a random part of the way to either end."""
        sliders = list(self.sliders.values())[self._rng.integers(len(self.sliders))]
        count = min(int(self._rng.integers(least, most + 1)), len(sliders))
        edits: tuple[Edit, ...] = ()
        for i in self._rng.permutation(len(sliders))[:count]:
            edits += attribute_edits(sliders[i], float(self._rng.choice((-1, 1)) * self._rng.uniform(low, high)))
        return edits

    def seeds(self, psi: float) -> Row:
        seeds = range(FIRST_SEED, FIRST_SEED + self._count)
        requests = (PictureRequest(PictureRecipe(SeedBase(seed), psi), self._key) for seed in seeds)
        results = [self._renderer.render(request) for request in requests]
        return self._row(f"seeds, truncation {psi:.1f}", results, [psi > 1] * len(seeds))

    def _render(self, latent: Latent, edits: tuple[Edit, ...]) -> RenderResult:
        return self._renderer.render_latent(latent, self._key, edits)

    def _row(self, name: str, results: Sequence[RenderResult], alone: Sequence[bool]) -> Row:
        together = np.array([(result.unlikeness or 0) > 1 for result in results])
        images = np.stack([result.after.image for result in results])
        return Row(name, images, together, np.array(alone or [False] * len(results)))


def rows_of(maker: Maker) -> list[Row]:
    """Return all rows but the test pictures."""
    rows = [
        maker.edited("one slider, 1.00", lambda: maker.several(1, 1, 1, 1)),
        maker.edited("2 to 5, 0.5 to 1, either way", lambda: maker.several(2, 5, 0.5, 1)),
        maker.edited("6 to 10, 0.5 to 1, either way", lambda: maker.several(6, 10, 0.5, 1)),
        maker.edited("2 to 10, 0.5 to 2, either way", lambda: maker.several(2, 10, 0.5, 2)),
    ]
    names = maker.model.classifier.config.class_names
    for target, sliders in maker.sliders.items():
        for amount in (0.5, 1.0):
            every = tuple(edit for slider in sliders for edit in attribute_edits(slider, amount))
            rows.append(maker.edited(f"all towards {names[target]}, {amount:.2f}", lambda every=every: every))
    return rows + [maker.seeds(psi) for psi in (0.7, 1.0, 1.5, 2.0)]


def share(hits: np.ndarray, of: np.ndarray) -> str:
    return f"{hits[of].sum():4d} of {of.sum():4d}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("explainer", type=Path, nargs="?", default=None)
    parser.add_argument("--data", type=Path, default=LEAVES)
    parser.add_argument("--n", type=int, default=150)
    chosen = parser.parse_args()
    data = open_dataset(chosen.data, **SELECTION)
    path = chosen.explainer or library.bundled_explainer()
    size = read_explainer(path).generator.config.resolution
    maker = Maker(path, data.read(data.indices("test"), size), chosen.n)
    network = LpipsDistance("alex")
    training = features(network, data.read(data.indices("train"), size))

    def distances(images: np.ndarray) -> np.ndarray:
        found: np.ndarray = torch.cdist(features(network, images), training).amin(dim=1).numpy()
        return found

    test = maker.test()
    limit = float(np.quantile(distances(test.images), QUANTILE))
    print(f"{'':34} {'beyond the limit':>16}  {'unlike':>12}  {'missed':>12}  {'missed before':>13}")
    total = []
    for row in [test, *rows_of(maker)]:
        unlike = distances(row.images) > limit
        flagged, everything = row.together | row.alone, np.ones(len(unlike), dtype=bool)
        print(
            f"{row.name:34} {share(row.together, everything):>16}  {share(unlike, everything):>12}  "
            f"{share(~flagged, unlike):>12}  {share(~row.alone, unlike):>13}",
            flush=True,
        )
        if row is not test:
            total.append((unlike, row.together, flagged, row.alone))
    unlike, together, flagged, alone = (np.concatenate(parts) for parts in zip(*total, strict=True))
    print(f"all but the test pictures: unlike {share(unlike, np.ones_like(unlike))}, missed {share(~flagged, unlike)}")
    print(f"  before (each style by itself): missed {share(~alone, unlike)}")
    print(f"  beyond the limit though not unlike: {share(together, ~unlike)}")


if __name__ == "__main__":
    main()
