# SPDX-License-Identifier: MIT
"""`directions`: find directions in W and write them. The searches are in explain/direction_search."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

import click

from latent_explorer.cli.options import (
    COUNT,
    NUMBER,
    OUTPUT_FILE,
    PATH,
    SEED,
    LocalPath,
    classifier_option,
    device_option,
)
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError
from latent_explorer.explain.direction_search.settings import GuidedSettings, Loss, Method, SearchSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from latent_explorer.explain.directions.direction import Direction
    from latent_explorer.models.explainer import Explainer

_ROWS = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", re.ASCII)
_GUIDED = GuidedSettings()


class Rows(click.ParamType):
    """First and last row of ws: "0-3", or "3"."""

    name = "rows"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        match = _ROWS.fullmatch(value)
        if match is None:
            self.fail(f"{value[:40]!r} are no rows. Write them as 0-3.", param, ctx)
        first = int(match[1])
        return first, first if match[2] is None else int(match[2])


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.option("--method", required=True, type=click.Choice(get_args(Method)), help="How to find them.")
@click.option("--target", metavar="CLASS", help="Class to lead to: name or number. Without it, every class.")
@click.option("--rows", type=Rows(), metavar="A-B", help="Rows of the latent that may move; without it, all.")
@click.option("--count", default=1, show_default=True, type=click.IntRange(1, 64), help="Directions, for each class.")
@click.option("--held-out", default=100, show_default=True, type=COUNT, help="Pictures to try them on.")
@click.option("--seed", default=0, show_default=True, type=SEED, help="Of everything drawn at random.")
@click.option(
    "--labels",
    type=PATH,
    metavar="L.csv",
    help="boundary: your own labels in place of the classifier's: columns picture (seed 12, sample 3, or a name) and "
    "label (1, 0, -1 skipped) or rating (1 to 5). The window's Label pictures writes and reads them.",
)
@click.option(
    "--conditional-on",
    "--given",
    "given",
    multiple=True,
    type=PATH,
    metavar="D.npz",
    help="boundary: perpendicular to the directions in this file, and fitted on what they leave. May be repeated.",
)
@click.option("--steps", type=click.IntRange(1, 100_000), help="guided; else 150, or 500 for amount.")
@click.option(
    "--loss",
    default=_GUIDED.loss,
    show_default=True,
    type=click.Choice(get_args(Loss)),
    help="guided. amount: the way is measured by a requested change of the probability.",
)
@click.option(
    "--length",
    default=_GUIDED.length,
    show_default=True,
    type=NUMBER,
    help="guided: standard deviations that it may measure at its end.",
)
@click.option(
    "--identity",
    default=_GUIDED.identity,
    type=click.Choice(["auto", "lpips", "features", "none"]),
    help="guided: what is to stay. auto: LPIPS where its weights are, else the classifier's features; none for amount.",
)
@click.option(
    "--embedding",
    type=PATH,
    metavar="FILE",
    help="guided: network whose answer is to stay, by its cosine, in place of --identity: whatever import-classifier "
    "reads.",
)
@click.option("--out", required=True, type=OUTPUT_FILE, metavar="D.npz", help="File that the window reads.")
@classifier_option
@device_option
@json_option
def directions(
    explainer: str,
    method: Method,
    target: str | None,
    rows: tuple[int, int] | None,
    count: int,
    held_out: int,
    seed: int,
    labels: Path | None,
    given: tuple[Path, ...],
    steps: int | None,
    loss: Loss,
    length: float,
    identity: str,
    embedding: Path | None,
    out: Path,
    classifier: str | None,
    device: str,
    as_json: bool,
) -> None:
    """Find directions of W (SeFa, GANSpace, a linear boundary, guided by the classifier), and try them.

    Each is tried on pictures that it was not found with, beside random directions of the same length.
    """
    from latent_explorer.explain.direction_search.search import find_directions
    from latent_explorer.explain.direction_search.summary import class_index, found_fields, found_lines
    from latent_explorer.explain.directions.file import write_directions
    from latent_explorer.explain.labels import read_labels
    from latent_explorer.models.classifier_file import read_classifier
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer import resolve_classifier
    from latent_explorer.models.explainer_file import read_explainer

    if out.suffix.lower() != ".npz":
        raise UserError(f"{out.name} must end in .npz: that is how directions are written.")
    model = read_explainer(explainer)
    key = resolve_classifier(model, classifier) if classifier is not None or model.classifiers else None
    names = model.classifiers[key].config.class_names if key is not None else ()
    settings = SearchSettings(
        method,
        target=None if target is None else class_index(target, names),
        rows=rows,
        count=count,
        seed=seed,
        held_out=held_out,
        guided=GuidedSettings(loss=loss, identity=identity, steps=steps, length=length),  # type: ignore[arg-type]  # click's choices
    )
    output = Output(as_json=as_json)
    others = [direction for path in given for direction in _given(model, path)]
    network = None if embedding is None else read_classifier(embedding)[0]
    ids = model.samples.ids if model.samples is not None else ()
    said = None if labels is None else read_labels(labels, model.model_hash, ids)
    found = output.run(
        find_directions(
            model,
            settings,
            classifier_id=key,
            labels=said,
            given=others,
            embedding=network,
            device=choose_device(device),
        )
    )
    if not found:
        raise UserError("No direction was found, so nothing was written.")
    write_directions(out, [each.direction for each in found], model.generator.num_ws)
    lines = [line for each in found for line in found_lines(each, names)]
    fields = {"path": out, "method": method, "directions": [found_fields(each) for each in found]}
    output.result(fields, "\n".join([*lines, f"Wrote {out}."]))


def _given(model: Explainer, path: Path) -> Sequence[Direction]:
    """Return the directions in a file."""
    from latent_explorer.explain.directions.file import read_directions, unit_directions
    from latent_explorer.explain.latents import typical_ws

    vectors = read_directions(path, model.generator.num_ws, model.generator.config.w_dim)
    return unit_directions(vectors, typical_ws(model))
