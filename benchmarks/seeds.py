# SPDX-License-Identifier: MIT
"""Quality of random seeds: a sheet of unselected ones, a row for each explainer, and Fréchet distances.

Distances are on the last layer of AlexNet, averaged over space (256 features): what the classifier's own features,
which `evaluate` uses, hardly see is whether a leaf has the shape of one. Compared with the test pictures are as many
seeds, the reconstructions of the test pictures, and as many training pictures.

python benchmarks/seeds.py NAME=X.explainer [NAME=Y ...] --out SHEET.png [--images DATA [options of the data]]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from projection_sheet import PICTURE
from reconstruction_sheet import cells

import latent_explorer
from latent_explorer.cli.options import data_options
from latent_explorer.data.dataset import open_dataset
from latent_explorer.data.images import to_float
from latent_explorer.media.sheet import Row, draw_sheet, write_picture
from latent_explorer.models.metrics import frechet_distance
from latent_explorer.models.perceptual import LpipsDistance

SHOWN = range(12)
FIRST = 1000  # of the seeds that are measured: others than the ones shown
CHUNK = 64


@torch.inference_mode()
def features(network: LpipsDistance, images: np.ndarray) -> torch.Tensor:
    """Return features (N, 256) of pictures (N, H, W, 3) uint8."""
    parts = (images[i : i + CHUNK] for i in range(0, len(images), CHUNK))
    return torch.cat([network.features(torch.from_numpy(to_float(p)))[-1].mean(dim=(2, 3)) for p in parts])


def measure(name: str, explainer: Any, data: Any) -> None:
    """Print the distances of one explainer."""
    network, size = LpipsDistance("alex"), explainer.summary.resolution
    test = data.read(data.indices("test"), size)
    rows = np.random.default_rng(0).permutation(data.indices("train"))[: len(test)]
    seeds = explainer.seeds(range(FIRST, FIRST + len(test)))
    compared = {
        "seeds": explainer.render(seeds).images,
        "reconstructions": explainer.render(explainer.encode(test)).images,
        "training pictures": data.read(rows, size),
    }
    real = features(network, test)
    found = (f"{key} {frechet_distance(features(network, x), real):.3f}" for key, x in compared.items())
    print(f"{name}: {', '.join(found)}", flush=True)


@click.command()
@click.argument("explainers", nargs=-1, required=True, metavar="NAME=X...")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="SHEET.png")
@click.option("--images", "data", type=click.Path(path_type=Path), metavar="DATA")
@data_options()
def main(explainers: tuple[str, ...], out: Path, data: Path | None, **selection: Any) -> None:
    """Draw and measure random seeds."""
    rows = []
    for text in explainers:
        name, _equals, path = text.partition("=")
        explainer = latent_explorer.open(path)
        drawn = explainer.render(explainer.seeds(SHOWN))
        rows.append(Row(name, cells(drawn.images, drawn.probs, explainer.class_names)))
        if data is not None:
            measure(name, explainer, open_dataset(data, **selection))
    title = f"Random seeds {SHOWN[0]} to {SHOWN[-1]}, no truncation, the stored noise"
    write_picture(out, draw_sheet(rows, title=title, picture=PICTURE))


if __name__ == "__main__":
    main()
