# SPDX-License-Identifier: MIT
"""`generate`: pictures of seeds or of latents from a file, as PNG and as raw numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import numpy as np

from latent_explorer.cli.directions import direction_edits, direction_option
from latent_explorer.cli.options import MAX_SEED, NUMBER, OUTPUT_FOLDER, PATH, LocalPath, device_option
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Progress
from latent_explorer.common.paths import atomic_output
from latent_explorer.data.images import to_uint8

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.common.events import Event
    from latent_explorer.explain.recipe import PictureRecipe
    from latent_explorer.explain.render.renderer import Renderer
    from latent_explorer.models.explainer import Explainer

_MAX_SEEDS = 100_000
_MAX_DIGITS = 1000  # of a typed number; Python itself refuses to read more than 4,300


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.option("--seeds", default="0-15", show_default=True, metavar="0-15,42", help="Numbers and ranges.")
@click.option("--psi", default=1.0, type=NUMBER, show_default=True, help="Truncation: 1 none, 0 the average picture.")
@click.option("--cutoff", type=click.IntRange(min=0), help="Rows of the latent that are truncated; all without it.")
@click.option("--latents", type=PATH, metavar="FILE", help="Latents instead of seeds: npz or npy with w, pt.")
@click.option("--out", required=True, type=OUTPUT_FOLDER, metavar="DIR", help="Folder to write into.")
@direction_option
@click.option("--raw", is_flag=True, help="Also write pictures.npz with the unclipped floats.")
@device_option
@json_option
def generate(
    explainer: str,
    seeds: str,
    psi: float,
    cutoff: int | None,
    latents: Path | None,
    directions: tuple[str, ...],
    out: Path,
    raw: bool,
    device: str,
    as_json: bool,
) -> None:
    """Generate pictures. Those of seeds carry their recipe: drop one on the window to explore it."""
    from latent_explorer.explain.projection.latent_import import read_latents
    from latent_explorer.explain.recipe import PictureRecipe, ProjectedBase, SeedBase, canonical_edits
    from latent_explorer.explain.render.renderer import Renderer
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer_file import read_explainer

    model = read_explainer(explainer)
    renderer = Renderer(model, choose_device(device))
    output = Output(as_json=as_json)
    bases: list[SeedBase | ProjectedBase]
    if latents is None:
        numbers = parse_seeds(seeds)
        names = [f"seed{seed:04d}" for seed in numbers]
        bases = [SeedBase(seed) for seed in numbers]
    else:
        read = read_latents(latents, model).latents
        names = [f"latent{i:04d}" for i in range(len(read))]
        bases = [ProjectedBase(name) for name in names]
        for name, latent in zip(names, read, strict=True):
            renderer.add_latent(name, latent)
    edits = canonical_edits(direction_edits(directions, model))
    recipes = [PictureRecipe(base, psi, cutoff, edits=edits) for base in bases]
    pictures = output.run(_render(renderer, recipes))
    images = [out / f"{name}.png" for name in names]
    for path, img, recipe in zip(images, pictures, recipes, strict=True):
        _write(path, to_uint8(img), None if latents else _state(model, recipe), model.name)
    fields: dict[str, Any] = {"images": images, "model_hash": model.model_hash}
    if raw:
        fields["raw"] = _write_raw(out / "pictures.npz", names, pictures)
    output.result(fields, f"{len(images)} {'picture' if len(images) == 1 else 'pictures'} in {out}")


def parse_seeds(text: str) -> list[int]:
    """Return [0, 1, 2, 3, 42] of "0-3,42". Raises `UserError` for anything else."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        numeric = first.isdecimal() and (last.isdecimal() if dash else True)
        if not numeric or max(len(first), len(last)) > _MAX_DIGITS:
            raise UserError(f"{part[:40]!r} is neither a seed nor a range of seeds. Write them like 0-15,42.")
        numbers = range(int(first), int(last if dash else first) + 1)
        if numbers and numbers[-1] > MAX_SEED:
            raise UserError(f"The seed {str(numbers[-1])[:40]} is too large. Take numbers up to {MAX_SEED}.")
        if len(seeds) + len(numbers) > _MAX_SEEDS:
            raise UserError(f"More than {_MAX_SEEDS} seeds are too many for one call. Split the range.")
        seeds += numbers
    if not seeds:
        raise UserError(f"{text!r} names no seeds. Write them like 0-15,42.")
    return seeds


def _render(renderer: Renderer, recipes: Sequence[PictureRecipe]) -> Generator[Event, None, list[np.ndarray]]:
    """Render pictures as the generator makes them, each (3, H, W) float32 and not clipped. A job."""
    pictures = []
    for done, recipe in enumerate(recipes, start=1):
        pictures.append(renderer.img(recipe)[0].float().cpu().numpy())
        yield Progress(done, len(recipes), "Generating pictures")
    return pictures


def _state(model: Explainer, recipe: PictureRecipe) -> ExplorerState:
    """Return the state in which the window shows the same picture."""
    from latent_explorer.app.exploration.state import ExplorerState

    return ExplorerState(
        model_hash=model.model_hash,
        base=recipe.base,
        truncation_psi=recipe.truncation_psi,
        truncation_cutoff=recipe.truncation_cutoff,
        edits=recipe.edits,
        classifier_id=model.summary().classifier_id,
    )


def _write(path: Path, image: np.ndarray, state: ExplorerState | None, model_name: str) -> None:
    from PIL import Image

    from latent_explorer.app.exploration.recipe_png import write_png

    if state is not None:
        write_png(path, image, state, model_name, factor=1)
        return
    with atomic_output(path) as temporary:
        Image.fromarray(image).save(temporary, "PNG")


def _write_raw(path: Path, names: list[str], pictures: list[np.ndarray]) -> Path:
    with atomic_output(path) as temporary:
        np.savez(temporary, img=np.stack(pictures), names=np.array(names))
    return path
