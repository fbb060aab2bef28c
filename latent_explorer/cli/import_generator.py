# SPDX-License-Identifier: MIT
"""`import`: a StyleGAN2 generator of another program as an explainer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from latent_explorer.cli.options import NUMBER, OUTPUT_FILE, PATH, parse_class_names
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import size_text

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.explainer import Explainer


@click.command("import")
@click.argument("file", type=PATH)
@click.option("--out", required=True, type=OUTPUT_FILE, metavar="X.explainer", help="File to write.")
@click.option("--name", metavar="TEXT", help="What the explainer is called; else FILE's name.")
@click.option(
    "--classifier", type=PATH, metavar="FILE", help="The classifier to explain: a .classifier or a checkpoint."
)
@click.option("--class-names", metavar="NAME,...|FILE", help="Of the classifier in Google's StylEx.")
@click.option("--class", "class_index", type=click.IntRange(min=0), metavar="N", help="Of a conditional generator.")
@click.option(
    "--samples",
    default=250,
    show_default=True,
    type=click.IntRange(min=2, max=100_000),
    help="Pictures to generate, on which `attfind` then searches; of DATA as many at most.",
)
@click.option("--data", metavar="DATA", help="Folder or zip of pictures to encode instead. A StylEx only.")
@click.option("--psi", default=1.0, show_default=True, type=NUMBER, help="Truncation of these pictures.")
@json_option
def import_generator(
    file: Path,
    out: Path,
    name: str | None,
    classifier: Path | None,
    class_names: str | None,
    class_index: int | None,
    samples: int,
    data: str | None,
    psi: float,
    as_json: bool,
) -> None:
    """Take a StyleGAN2 generator: NVIDIA's network .pkl (PyTorch or TensorFlow), rosinality's or lucidrains' .pt.

    Or the folder (or zip) of the StylEx that Google released, which comes with its classifier and pictures.
    Nothing in FILE is executed: the source code in NVIDIA's files is text here. Seeds, sliders, timelines and exports
    work on any generator; `project` and `attfind` also need --classifier, and so does a StylEx.
    """
    from latent_explorer.cli.attfind import encode_pictures
    from latent_explorer.explain.plain_generator import with_encoded
    from latent_explorer.models.classifier_file import read_classifier
    from latent_explorer.models.explainer_file import write_explainer
    from latent_explorer.models.importers.stylex.release import import_stylex, is_release

    printer = Output(as_json=as_json)
    asked = read_classifier(classifier)[0] if classifier else None
    if is_release(file):
        if class_index is not None:
            raise UserError(f"{file} draws no classes. Leave out the class.")
        stylex = import_stylex(file, name or "", parse_class_names(class_names) if class_names else (), asked)
        explainer, source, notes = stylex.explainer, stylex.source, stylex.notes
    else:
        if class_names:
            raise UserError(f"{file} comes without a classifier. Give the class names to import-classifier.")
        explainer, source, notes = _generator_alone(printer, file, name or file.stem, class_index, asked, samples, psi)
    if data is not None:
        explainer = with_encoded(explainer, encode_pictures(explainer, data, "all", samples, {}, printer))
    write_explainer(explainer, out)
    config = explainer.generator.config
    fields = {
        "path": out,
        "source": source,
        "resolution": config.resolution,
        "num_styles": config.layout.num_styles,
        "notes": list(notes),
        "classifier": explainer.classifier.config.name if explainer.classifiers else None,
    }
    size = size_text(out.stat().st_size)
    lines = [f"{out}: {source}, {config.resolution} px, {config.layout.num_styles} style coordinates, {size}"]
    printer.result(fields, "\n".join([*lines, *notes]))


def _generator_alone(
    printer: Output,
    file: Path,
    name: str,
    class_index: int | None,
    classifier: Classifier | None,
    samples: int,
    psi: float,
) -> tuple[Explainer, str, tuple[str, ...]]:
    """Return the explainer of a generator that comes without a classifier, its source and notes."""
    from latent_explorer.explain.plain_generator import explainer_of_generator
    from latent_explorer.models.importers.generators.file import import_generator as read
    from latent_explorer.models.importers.generators.file import provenance

    found = read(file, class_index)
    job = explainer_of_generator(
        found.generator,
        name,
        classifier,
        encoder=found.encoder,
        told=found.told,
        samples=samples,
        psi=psi,
        provenance=provenance(file, found),
    )
    return printer.run(job), found.source, found.notes
