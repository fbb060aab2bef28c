# SPDX-License-Identifier: MIT
"""The option `--direction FILE=AMOUNT`: directions from files of other programs, moved by standard deviations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from latent_explorer.cli.options import NUMBER
from latent_explorer.common.errors import UserError
from latent_explorer.explain.recipe import DirectionShift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.models.explainer import Explainer

EXAMPLE = "boundary.npy=1.5, components.npz#3=-2, or boundary.npy=1.5@4-7 for some rows"
_FORM = re.compile(
    r"(?P<file>.+?)(?:#(?P<number>[0-9]{1,6}))?=(?P<amount>[^=@]{1,40})(?:@(?P<first>[0-9]{1,4})(?:-(?P<last>[0-9]{1,4}))?)?",
    re.ASCII,
)


class DirectionOption(NamedTuple):
    """What the option says: the direction `number` (from 1) of a file, the amount, and the rows."""

    path: Path
    number: int | None
    amount: float
    first: int
    last: int | None


def parse_direction(text: str) -> DirectionOption:
    """Return what FILE[#NUMBER]=AMOUNT[@ROWS] says. UserError for anything else."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise UserError(f"{text[:80]!r} is not a direction and its amount. Write it like {EXAMPLE}.")
    try:
        amount = NUMBER.convert(match["amount"], None, None)
    except click.BadParameter as error:
        raise UserError(f"The amount in {text[:80]!r}: {error.message}") from error
    number, first, last = (None if match[k] is None else int(match[k]) for k in ("number", "first", "last"))
    ends = (0, None) if first is None else (first, first if last is None else last)
    path, whole = Path(match["file"]), Path(f"{match['file']}#{match['number']}")
    if number is not None and whole.is_file():  # a file may be called so
        path, number = whole, None
    return DirectionOption(path, number, amount, *ends)


direction_option = click.option(
    "--direction",
    "directions",
    multiple=True,
    metavar="FILE=AMOUNT",
    help="Move along the direction in a file (npy, npz, pt) by standard deviations; FILE#2=AMOUNT@0-3 for the second "
    "of several, on rows 0-3. May be repeated.",
)


def direction_edits(texts: Sequence[str], model: Explainer) -> tuple[DirectionShift, ...]:
    """Return the edits of `--direction`. UserError for a file that does not fit the model."""
    from latent_explorer.explain.directions.direction import direction_problem, unit_direction
    from latent_explorer.explain.directions.file import read_directions
    from latent_explorer.explain.latents import typical_ws

    options = [parse_direction(text) for text in texts]
    if not options:
        return ()
    num_ws, w_dim, ws = model.generator.num_ws, model.generator.config.w_dim, typical_ws(model)
    edits = []
    for option in options:
        vectors = read_directions(option.path, num_ws, w_dim)
        if option.number is None and len(vectors) > 1:
            name = option.path.name
            raise UserError(f"{name} holds {len(vectors):,} directions. Say which: {name}#1={option.amount:g}.")
        if not 1 <= (option.number or 1) <= len(vectors):
            raise UserError(f"{option.path.name} holds {len(vectors):,} directions, and no number {option.number}.")
        chosen = vectors[(option.number or 1) - 1]
        direction = unit_direction(chosen.name, chosen.vector, ws).with_rows(option.first, option.last)
        if problem := direction_problem(direction, num_ws, w_dim):
            raise UserError(f"The direction {option.path.name} {problem}. {model.name} has the rows 0-{num_ws - 1}.")
        edits.append(DirectionShift(direction, option.amount))
    return tuple(edits)
