# SPDX-License-Identifier: MIT
"""Concentrate the class input of an explainer's generator in a few styles, for a training to go on from.

The class's contribution to the styles kept is scaled, that to all others removed. Done twice between stages of
`leaf-shortcut`; its card says why. With two classes only the difference between them counts.

    python benchmarks/gather_class.py X.explainer STYLE=FACTOR... --out Y.explainer
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from latent_explorer.models.explainer_file import read_explainer, write_explainer

if TYPE_CHECKING:
    from latent_explorer.models.stylegan2 import Generator


@torch.no_grad()
def gather(generator: Generator, factors: dict[int, float]) -> None:
    """Scale the class weights of the named styles about their mean, and set all others to zero, in place."""
    w_dim, layout = generator.config.w_dim, generator.synthesis.layout
    for layer, start in zip(layout.conv_layers, layout.starts, strict=True):
        weight = generator.synthesis.layer(layer.name).affine.weight[:, w_dim:]
        rows = [factors.get(start + i, 0.0) for i in range(len(weight))]
        weight.copy_((weight - weight.mean(dim=1, keepdim=True)) * torch.tensor(rows)[:, None])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("explainer", metavar="X")
    parser.add_argument("styles", nargs="+", metavar="STYLE=FACTOR")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    pairs = (text.partition("=") for text in options.styles)
    explainer = read_explainer(options.explainer)
    gather(explainer.generator, {int(style): float(factor) for style, _equals, factor in pairs})
    write_explainer(explainer, options.out)


if __name__ == "__main__":
    main()
