# SPDX-License-Identifier: MIT
"""Does an explanation hold for the photograph? For docs/results.md, "Photographs and mistakes".

Test leaves in a random order (seed 0). First `explain-photo`: how many photographs have attributes that turn the copy
and the photograph with the edit pasted in, in which share of the picture, and how often the controls turn it in the
same place. Then the first three attributes together, pasted into a fixed share of the picture, of copies that were
refined or not; and the same copies without the edit.

    python benchmarks/photographs.py [--explainer X] [--data DATA] [--count 48]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from latent_explorer.common.jobs import run_job
from latent_explorer.data.dataset import open_dataset
from latent_explorer.data.images import to_float
from latent_explorer.explain.attfind.sufficiency import by_target
from latent_explorer.explain.counterfactuals.paste import change_mask, paste
from latent_explorer.explain.counterfactuals.photo import REFINEMENT, explain_photos
from latent_explorer.explain.latents import Latent, latent_of
from latent_explorer.explain.projection.projection import project
from latent_explorer.explain.projection.target import Target
from latent_explorer.explain.recipe import Edit, Noise, PictureRecipe, ProjectedBase, attribute_edits
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.attributes import newest_set
from latent_explorer.models.explainer_file import read_explainer

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "leaves-segmented-64"
SELECTION: dict[str, Any] = {
    "label": "healthy",
    "classes": "0=diseased,1=healthy",
    "where": ("crop=apple,bell pepper,strawberry",),
    "group": "group",
}
SHARES = (0.25, 0.5, 0.65, 0.75)
COPIES = {
    "the encoder's": msgspec.structs.replace(REFINEMENT, space="w+", steps=0),
    "refined styles": REFINEMENT,
    "refined styles and noise": msgspec.structs.replace(REFINEMENT, noise="optimise", noise_regulariser=0.0),
}


def explained(model: Any, targets: list[Target]) -> None:
    """Print what `explain-photo` finds, by the class that photographs are turned to."""
    listed = newest_set(model.attribute_sets, model.classifier_id).attributes
    found = run_job(explain_photos(model, targets, listed))
    for aim, name in enumerate(model.classifier.config.class_names):
        these = [each for each in found if each.target == aim and each.changes]
        first = [each.changes[0] for each in these]
        half = sum(any(c.explains and c.share < 0.52 for c in each.changes) for each in these)
        controls = [
            f"{key} {sum(getattr(c, key).count for c in first) / sum(getattr(c, key).n for c in first):.2f}"
            for key in ("unedited", "noise", "random")
        ]
        share, attributes = (
            np.mean(values) for values in ([c.share for c in first], [len(c.attributes) for c in first])
        )
        print(
            f"to {name}: {len(these)} photographs, explained {sum(e.explained for e in these)}, with half or less "
            f"{half}, share {share:.2f}, attributes {attributes:.1f}, {', '.join(controls)}"
        )


def by_share(model: Any, targets: list[Target]) -> None:
    """Print how many verdicts the first three attributes turn, on the copy and by the share that takes them."""
    listed = by_target(newest_set(model.attribute_sets, model.classifier_id).attributes)
    first = {aim: tuple(e for a in attributes[:3] for e in attribute_edits(a)) for aim, attributes in listed.items()}
    names = model.classifier.config.class_names
    for title, settings in COPIES.items():
        copies = run_job(project(model, targets, settings))
        renderer = Renderer(model)
        hits: dict[int, list[list[bool]]] = {0: [], 1: []}
        for target, copy in zip(targets, copies, strict=True):
            source, turned = turns(renderer, target, latent_of(copy), first)
            hits[source].append(turned)
        for source, rows in hits.items():
            rates, n = [f"{rate:.2f}" for rate in np.mean(rows, axis=0)], len(SHARES)
            print(
                f"{title} copies of {len(rows)} {names[source]}: edited {rates[0]}, pasted into {SHARES} "
                f"{' '.join(rates[1 : n + 1])}, unedited pasted {' '.join(rates[n + 1 :])}"
            )


@torch.inference_mode()
def turns(
    renderer: Renderer, target: Target, latent: Latent, edits: dict[int, tuple[Edit, ...]]
) -> tuple[int, list[bool]]:
    """Return the photograph's class, and whether it is left: edited, pasted by share, unedited pasted by share."""
    photo, ask = torch.from_numpy(to_float(target.image[None])), renderer.explainer.classifier.logits
    source = int(ask(photo)[0].argmax())
    renderer.add_latent("copy", latent)
    noise = Noise() if latent.noise is None else Noise("maps", maps_id="copy")
    recipes = [PictureRecipe(ProjectedBase("copy"), noise=noise, edits=each) for each in ((), edits[1 - source])]
    unedited, edited = (renderer.img(recipe).clamp(-1, 1) for recipe in recipes)
    masks = [change_mask(unedited, edited, share) for share in SHARES]
    shown = [edited, *(paste(photo, unedited, what, mask).img for what in (edited, unedited) for mask in masks)]
    return source, (ask(torch.cat(shown)).argmax(dim=1) != source).tolist()


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--explainer", type=Path, default=ROOT / "resources/explainers/leaf-health.explainer")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--count", type=int, default=48)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = read_explainer(options.explainer)
    data = open_dataset(options.data, **SELECTION)
    rows = np.random.default_rng(0).permutation(data.indices("test"))[: options.count]
    images = data.read(rows, model.generator.config.resolution)
    targets = [Target(data.names[row], image) for row, image in zip(rows, images, strict=True)]
    explained(model, targets)
    by_share(model, targets)


if __name__ == "__main__":
    main()
