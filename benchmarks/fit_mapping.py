# SPDX-License-Identifier: MIT
"""Fit the mapping network of a finished explainer to its encoder's latents of the training pictures.

`export` does this by itself; this is for explainers from before it did, such as the two bundled ones.
Nothing else in the file changes; `evaluate --into` measures the random seeds anew. Prints how far the mapping's w's
were, and are, from those of training and of test pictures (squared sliced Wasserstein distance in units of w's
variance, by directions that the fit has not seen).

    python benchmarks/fit_mapping.py X.explainer --images DATA [options of the data] [--steps N] --out Y.explainer
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from latent_explorer.cli.options import data_options
from latent_explorer.cli.output import Output
from latent_explorer.models.explainer_file import read_explainer, write_explainer
from latent_explorer.training.batches import open_data
from latent_explorer.training.config import DataConfig
from latent_explorer.training.export import encode_split, round_to_fp16
from latent_explorer.training.fit_mapping import fit_mapping, spread_distance


@click.command()
@click.argument("explainer", metavar="X.explainer", type=click.Path(path_type=Path))
@click.option("--images", "data", required=True, type=click.Path(path_type=Path), metavar="DATA")
@data_options()
@click.option("--steps", default=2_000, show_default=True)
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="Y.explainer")
def main(explainer: Path, data: Path, out: Path, steps: int, **selection: Any) -> None:
    """Fit the mapping network of X to what its encoder makes of the training pictures."""
    output = Output(as_json=False)
    model = read_explainer(explainer)
    assert model.encoder is not None
    pictures = open_data(DataConfig(str(data), **selection))
    train = output.run(encode_split(model.encoder, pictures))
    test = output.run(encode_split(model.encoder, pictures, "test"))
    mapping = model.generator.mapping
    far = spread_distance(mapping, test)
    before, after = output.run(fit_mapping(mapping, train, steps))
    round_to_fp16(mapping)
    model.figures.get("val", {}).pop("val_frechet_mapping", None)  # was the old mapping's
    write_explainer(model, out)
    print(f"training pictures: {before:.5f} -> {after:.5f}")
    print(f"test pictures:     {far:.5f} -> {spread_distance(mapping, test):.5f}")


if __name__ == "__main__":
    main()
