# SPDX-License-Identifier: MIT
"""`import`: a StyleGAN2 generator of another program as an explainer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from latent_explorer.cli.options import NUMBER, OUTPUT_FILE, PATH
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.format import size_text

if TYPE_CHECKING:
    from pathlib import Path


@click.command("import")
@click.argument("file", type=PATH)
@click.option("--out", required=True, type=OUTPUT_FILE, metavar="X.explainer", help="File to write.")
@click.option("--name", metavar="TEXT", help="What the explainer is called; else FILE's name.")
@click.option(
    "--classifier", type=PATH, metavar="FILE", help="The classifier to explain: a .classifier or a checkpoint."
)
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
    class_index: int | None,
    samples: int,
    data: str | None,
    psi: float,
    as_json: bool,
) -> None:
    """Take a StyleGAN2 generator: NVIDIA's network .pkl (PyTorch or TensorFlow), rosinality's or lucidrains' .pt.

    Nothing in FILE is executed: the source code in NVIDIA's files is text here. Seeds, projections, timelines and
    exports work on any generator; `attfind` also needs --classifier, and so does a StylEx.
    """
    from latent_explorer.cli.attfind import encode_pictures
    from latent_explorer.explain.plain_generator import explainer_of_generator, with_encoded
    from latent_explorer.models.classifier_file import read_classifier
    from latent_explorer.models.explainer_file import write_explainer
    from latent_explorer.models.importers.generators.file import import_generator as read
    from latent_explorer.models.importers.generators.file import provenance

    printer = Output(as_json=as_json)
    found = read(file, class_index)
    asked = read_classifier(classifier)[0] if classifier else None
    about = provenance(file, found)
    job = explainer_of_generator(
        found.generator,
        name or file.stem,
        asked,
        encoder=found.encoder,
        told=found.told,
        samples=samples,
        psi=psi,
        provenance=about,
    )
    explainer = printer.run(job)
    if data is not None:
        explainer = with_encoded(explainer, encode_pictures(explainer, data, "all", samples, {}, printer))
    write_explainer(explainer, out)
    config = found.generator.config
    fields = {
        "path": out,
        "source": found.source,
        "resolution": config.resolution,
        "num_styles": config.layout.num_styles,
        "notes": list(found.notes),
        "classifier": asked.config.name if asked else None,
    }
    size = size_text(out.stat().st_size)
    lines = [f"{out}: {found.source}, {config.resolution} px, {config.layout.num_styles} style coordinates, {size}"]
    printer.result(fields, "\n".join([*lines, *found.notes]))
