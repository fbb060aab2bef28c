# SPDX-License-Identifier: MIT
"""`generate`: pictures of seeds or of latents from a file, as PNG and as raw numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from latent_explorer.cli.options import device_option
from latent_explorer.cli.output import Output, json_option, run_job
from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import atomic_path

if TYPE_CHECKING:
    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.explain.render.sampling import Sampled
    from latent_explorer.models.explainer import Explainer

_MOST_SEEDS = 100_000
MAX_SEED = 2**63 - 1


@click.command()
@click.argument("explainer", metavar="X", type=click.Path())
@click.option(
    "--seeds", default="0-15", show_default=True, metavar="0-15,42", help="Numbers and ranges."
)
@click.option(
    "--psi", default=1.0, show_default=True, help="Truncation: 1 none, 0 the average picture."
)
@click.option(
    "--cutoff",
    type=click.IntRange(min=0),
    help="Rows of the latent that are truncated; all without it.",
)
@click.option(
    "--latents",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="npz or npy with w, instead of seeds.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder to write into.",
)
@click.option("--raw", is_flag=True, help="Also write pictures.npz with the unclipped floats.")
@device_option
@json_option
def generate(
    explainer: str,
    seeds: str,
    psi: float,
    cutoff: int | None,
    latents: Path | None,
    out: Path,
    raw: bool,
    device: str,
    as_json: bool,
) -> None:
    """Generate pictures. Those of seeds carry their recipe: drop one on the window to explore it."""
    from latent_explorer.explain.render.sampling import read_latents, sample_latents, sample_seeds
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer_file import read_explainer

    model = read_explainer(explainer)
    chosen = str(choose_device(device))
    output = Output(as_json=as_json)
    states: list[ExplorerState | None]
    if latents is None:
        numbers = parse_seeds(seeds)
        names = [f"seed{seed:04d}" for seed in numbers]
        states = [_state(model, seed, psi, cutoff) for seed in numbers]
        found = run_job(sample_seeds(model, numbers, psi, cutoff, chosen), output)
    else:
        ws, cond = read_latents(latents)
        names = [f"latent{i:04d}" for i in range(len(ws))]
        states = [None] * len(names)
        found = run_job(sample_latents(model, ws, cond, psi, cutoff, chosen), output)
    out.mkdir(parents=True, exist_ok=True)
    images = [out / f"{name}.png" for name in names]
    for path, picture, state in zip(images, found, states, strict=True):
        _write(path, picture.image, state, model.name)
    fields: dict[str, Any] = {"images": images, "model_hash": model.model_hash}
    if raw:
        fields["raw"] = _write_raw(out / "pictures.npz", names, found)
    output.result(fields, f"{len(images)} pictures in {out}")


def parse_seeds(text: str) -> list[int]:
    """ "0-3,42" as [0, 1, 2, 3, 42]. Raises `UserError` for anything else."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UserError(f"{part!r} is no seed and no range of seeds. Write them like 0-15,42.")
        numbers = range(int(first), int(last if dash else first) + 1)
        if numbers and numbers[-1] > MAX_SEED:
            raise UserError(f"The seed {numbers[-1]} is too large. Take numbers up to {MAX_SEED}.")
        if len(seeds) + len(numbers) > _MOST_SEEDS:
            raise UserError(
                f"More than {_MOST_SEEDS} seeds are too many for one call. Split the range."
            )
        seeds += numbers
    if not seeds:
        raise UserError(f"{text!r} names no seeds. Write them like 0-15,42.")
    return seeds


def _state(model: Explainer, seed: int, psi: float, cutoff: int | None) -> ExplorerState:
    """What the window must show to show the same picture."""
    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.explain.recipe import SeedBase

    return ExplorerState(
        model_hash=model.model_hash,
        base=SeedBase(seed),
        truncation_psi=psi,
        truncation_cutoff=cutoff,
        classifier_id=model.summary().classifier_id,
    )


def _write(path: Path, image: np.ndarray, state: ExplorerState | None, model_name: str) -> None:
    from PIL import Image

    from latent_explorer.app.exploration.recipe_png import write_png

    if state is not None:
        write_png(path, image, state, model_name, factor=1)
        return
    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary, "PNG")


def _write_raw(path: Path, names: list[str], found: list[Sampled]) -> Path:
    with atomic_path(path) as temporary:
        np.savez(temporary, img=np.stack([picture.img for picture in found]), names=np.array(names))
    return path
