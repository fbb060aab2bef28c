# SPDX-License-Identifier: MIT
"""`add-classifier`: a second opinion in the same file, asked about the same pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from latent_explorer.cli.options import PATH
from latent_explorer.cli.output import Output, json_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command("add-classifier")
@click.argument("explainer", metavar="X", type=click.Path())
@click.argument("classifier", metavar="FILE", type=PATH)
@click.option("--name", help="What the window calls it; else the name in FILE.")
@click.option("--out", required=True, type=PATH, metavar="X2")
@json_option
def add_classifier(explainer: str, classifier: Path, name: str | None, out: Path, as_json: bool) -> None:
    """Store another classifier in an explainer, to be asked about the same pictures.

    FILE is what train-classifier wrote, with the same classes in the same order. The explainer goes on explaining the
    classifier that it was trained for; the window lets you choose which one is asked.
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
