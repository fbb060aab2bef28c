# SPDX-License-Identifier: MIT
"""`check`: pictures, for a training; or a classifier, for what it may not look at.

The first is in data/check.py, the second in explain/counterfactuals/attribute_check.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from latent_explorer.cli.options import (
    OUTPUT_FILE,
    SPLIT_CHOICES,
    LocalPath,
    Number,
    data_options,
    device_option,
    n_option,
    parse_class_names,
)
from latent_explorer.cli.output import Output, json_option, write_json
from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.data.check import DataReport
    from latent_explorer.explain.counterfactuals.attribute_check import AttributeCheck

_MARKS = {"good": "ok ", "note": "   ", "warning": "!  ", "error": "!! "}


@click.command()
@click.argument("data", metavar="DATA|X", type=LocalPath())
@click.argument("classifier", metavar="[CLASSIFIER]", required=False)
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    metavar="NAME",
    help="Of X, by its name or coordinate (19max; 19max:CLASS), that CLASSIFIER may not look at; may be repeated.",
)
@click.option(
    "--max-effect",
    default=0.1,
    show_default=True,
    type=Number(0, 1),
    help="Probability by which it may move CLASSIFIER.",
)
@click.option("--images", type=LocalPath(), metavar="DATA", help="Pictures instead of those of X.")
@click.option("--side", type=click.Choice(SPLIT_CHOICES), default="test", show_default=True, help="Which of --images.")
@n_option(2)
@click.option("--class-names", metavar="NAME,...|FILE", help="CLASSIFIER's, in the order of its outputs.")
@data_options()
@click.option(
    "--resolution",
    default=64,
    show_default=True,
    type=click.IntRange(min=4),
    help="Of DATA: size of the planned training in pixels (width and height).",
)
@click.option("--out", type=OUTPUT_FILE, metavar="X.json", help="Write the result, also of what is not good.")
@device_option
@json_option
def check(
    data: str,
    classifier: str | None,
    attributes: tuple[str, ...],
    max_effect: float,
    images: str | None,
    side: str,
    n: int,
    class_names: str | None,
    resolution: int,
    out: Path | None,
    device: str,
    as_json: bool,
    **selection: Any,
) -> int:
    """Say what pictures are good for; or hold a classifier to what it may not look at.

    \b
    check DATA [--label COLUMN]
    check X CLASSIFIER --attribute NAME --max-effect 0.1

    The first looks at every picture of DATA and ends with 1 when nothing can be trained on it.

    The second sets the attribute of the explainer X to its end in pictures that are not of its class yet. The effect on
    CLASSIFIER is the mean |change| of the probability of that class, minus the same by random edits that change the
    pixels as much. It ends with 0 if the upper end of its 95 % interval is at most --max-effect, for every attribute,
    and else with 1. CLASSIFIER is a file that import-classifier reads, a .classifier, an .explainer for the one that it
    explains, or one of X, by its name or the beginning of its id; without it, the one that X explains.

    Either ends with 2 when it cannot be done.
    """
    output = Output(as_json=as_json)
    if attributes:
        found = _check_attributes(
            output, data, classifier, attributes, max_effect, images, side, n, class_names, device, selection
        )
        return _told(output, found.to_dict(), attribute_text(found), found.within, out)
    if classifier is not None:
        raise UserError(
            f"What may {classifier} not look at? Name an attribute of {data} with --attribute, or give pictures alone."
        )
    return _check_pictures(output, data, resolution, selection, out)


def _check_pictures(output: Output, data: str, resolution: int, selection: dict[str, Any], out: Path | None) -> int:
    from latent_explorer.data.check import check as job
    from latent_explorer.data.dataset import open_dataset

    pictures = open_dataset(data, **selection)
    try:
        report = output.run(job(pictures, resolution))
    finally:
        pictures.close()
    fields = msgspec.to_builtins(report) | {"can_train": report.can_train}
    return _told(output, fields, format_text(report), report.can_train, out)


def _told(output: Output, fields: dict[str, Any], text: str, good: bool, out: Path | None) -> int:
    """Print a result, write it, and return the exit code."""
    if out is not None:
        write_json(out, fields)
    output.result(fields, text)
    return 0 if good else 1


def _check_attributes(
    output: Output,
    explainer: str,
    classifier: str | None,
    attributes: tuple[str, ...],
    max_effect: float,
    images: str | None,
    side: str,
    n: int,
    class_names: str | None,
    device: str,
    selection: dict[str, Any],
) -> AttributeCheck:
    from latent_explorer.cli.attfind import encode_pictures
    from latent_explorer.explain.counterfactuals.attribute_check import check_attributes, find_attribute
    from latent_explorer.models.classifier_file import with_asked
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer_file import read_explainer

    model = read_explainer(explainer)
    for name in attributes:
        find_attribute(model, name)  # said before a classifier is read and pictures are encoded
    names = parse_class_names(class_names) if class_names else ()
    key = model.classifier_id
    if classifier is not None or names:
        model, key = with_asked(model, key if classifier is None else classifier, names)
    latents = encode_pictures(model, images, side, n, selection, output) if images is not None else None
    job = check_attributes(model, key, attributes, max_effect, latents=latents, n=n, device=choose_device(device))
    return output.run(job)


def attribute_text(found: AttributeCheck) -> str:
    """Return what a classifier was held to as text, an attribute a line."""
    limit = found.attributes[0].max_effect
    verdict = "within" if found.within else "beyond"
    lines = [f"{found.classifier} on {found.explainer}: {verdict} {limit:g}"]
    lines += [f"{_MARKS['good' if each.within else 'error']}{each.sentence()}" for each in found.attributes]
    return "\n".join(lines)


def format_text(report: DataReport) -> str:
    """Return the findings as text, one a line, the names of files that each is about below it."""
    lines = []
    for finding in report.findings:
        lines.append(f"{_MARKS[finding.severity]}{finding.text}")
        lines += [f"       {name}" for name in finding.names]
    if not report.can_train:
        lines.append("Nothing can be trained on this data yet.")
    return "\n".join(lines)
