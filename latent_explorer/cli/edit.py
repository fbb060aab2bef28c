# SPDX-License-Identifier: MIT
"""`name` and `add-classifier`: copies of an explainer with names, a note, a licence, or one more classifier."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click
import msgspec

from latent_explorer.app.exploration.document import rename_attributes
from latent_explorer.cli.options import OUTPUT_FILE, PATH, LocalPath
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.argument("names", nargs=-1, metavar="[KEY=NAME...]")
@click.option(
    "--note",
    metavar="TEXT",
    help="What people who open the file should know, in a few sentences; an empty text removes it.",
)
@click.option("--licence", metavar="TEXT", help="Terms under which the file may be used; reports print it.")
@click.option("--out", required=True, type=OUTPUT_FILE, metavar="X2")
@json_option
def name(
    explainer: str, names: tuple[str, ...], note: str | None, licence: str | None, out: Path, as_json: bool
) -> None:
    """Name attributes, leave a note, say the licence. KEY is a style coordinate and its end, such as 214max.

    The same coordinate has two keys, one for each class it raises: 214max="brown spots" 214min="no spots".
    """
    from latent_explorer.models.explainer_file import read_explainer, write_explainer
    from latent_explorer.models.summary import LICENCE, NOTE, note_of, with_note

    texts = {key: x for key, x in ((NOTE, note), (LICENCE, licence)) if x is not None}
    if not names and not texts:
        raise UserError("There is nothing to name. Say KEY=NAME, for example 214max='brown spots', or --note.")
    model = read_explainer(explainer)
    new_names = parse_names(names)
    sets = rename_attributes(model.attribute_sets, new_names)
    provenance = model.provenance
    for key, text in texts.items():
        provenance = with_note(provenance, text, key)
    write_explainer(replace(model, attribute_sets=sets, provenance=provenance), out)
    fields = {"path": out, "named": sorted(new_names), "note": note_of(provenance)}
    changes = [f"{len(new_names)} attributes named"] if new_names else []
    changes += [f"{key} {'set' if key in provenance else 'removed'}" for key in texts]
    Output(as_json=as_json).result(fields, f"{out}: {', '.join(changes)}")


def parse_names(names: Sequence[str]) -> dict[str, str]:
    """Return {"214max": "brown spots"} of "214max=brown spots"."""
    pairs = [part.partition("=") for part in names]
    if wrong := [key for key, sign, text in pairs if not (key and sign and text.strip())]:
        raise UserError(f"{wrong[0]!r} is not KEY=NAME. Write for example 214max='brown spots'.")
    return {key: text.strip() for key, _, text in pairs}


@click.command("add-classifier")
@click.argument("explainer", metavar="X", type=LocalPath())
@click.argument("classifier", metavar="FILE", type=PATH)
@click.option("--name", help="What the window calls it; else the name in FILE.")
@click.option("--out", required=True, type=OUTPUT_FILE, metavar="X2")
@json_option
def add_classifier(explainer: str, classifier: Path, name: str | None, out: Path, as_json: bool) -> None:
    """Store another classifier in an explainer, to be asked about the same pictures.

    FILE is a .classifier, or a checkpoint that needs no other class names or preprocessing. The explainer goes on
    explaining the classifier that it was trained for; the window lets you choose which one is asked. Sliders are shared
    by classifiers of the same classes; `attfind --classifier NAME` finds those of any.
    """
    from latent_explorer.models.classifier_file import read_classifier
    from latent_explorer.models.explainer import hash_classifier, with_classifier
    from latent_explorer.models.explainer_file import read_explainer, write_explainer

    model = read_explainer(explainer)
    added, about = read_classifier(classifier)
    if name:
        added.config = msgspec.structs.replace(added.config, name=name)
    write_explainer(with_classifier(model, added, about), out)
    fields = {
        "path": out,
        "classifier_id": hash_classifier(added),
        "name": added.config.name,
        "classifiers": len(model.classifiers) + 1,
    }
    Output(as_json=as_json).result(fields, f"{out}: {fields['classifiers']} classifiers, {fields['name']} is new")
