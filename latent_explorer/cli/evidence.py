# SPDX-License-Identifier: MIT
"""`evidence`: do real pictures bear the attributes out? The job is in explain/report/evidence.py."""

from __future__ import annotations

import math
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from latent_explorer.cli.options import (
    OUTPUT_FOLDER,
    LocalPath,
    classifier_option,
    data_options,
    device_option,
    split_option,
)
from latent_explorer.cli.output import Output, json_option, write_json
from latent_explorer.common.events import Notice
from latent_explorer.common.format import shortened

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.media.report.evidence import Evidence

_HEADS = ("random", "shuffled", "given", "overall", "random", "given", "P high, low")
_LINE = "{:30}  {:21}  {:>6}  {:>8}  {:>5}  {:>7}  {:>6}  {:>5}  {:11}"


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.argument("data", metavar="DATA", type=LocalPath())
@data_options(split="--split-column")
@split_option("train")
@click.option(
    "--n", default=2000, show_default=True, type=click.IntRange(1, 1_000_000), help="At most so many, spread evenly."
)
@click.option(
    "--shown", default=20, show_default=True, type=click.IntRange(1, 100), help="Pictures of each end of the order."
)
@classifier_option
@click.option("--out", type=OUTPUT_FOLDER, metavar="DIR", help="Write evidence.html, evidence.csv and evidence.json.")
@device_option
@json_option
def evidence(
    explainer: str,
    data: str,
    side: str,
    n: int,
    shown: int,
    classifier: str | None,
    out: Path | None,
    device: str,
    as_json: bool,
    **selection: Any,
) -> None:
    """Say which attributes real pictures bear out, and which are seen only in the generator.

    Real pictures are ordered by each attribute's style value, through the encoder, and that order is compared with the
    verdicts on them, within the classes (--label) and beside random coordinates. Pictures of one --group are resampled
    together.
    """
    from latent_explorer.data.dataset import evenly_spaced_rows, open_dataset
    from latent_explorer.explain.report.evidence import EvidenceSettings, data_set_evidence
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer import resolve_classifier
    from latent_explorer.models.explainer_file import read_explainer

    model = read_explainer(explainer)
    key, chosen = resolve_classifier(model, classifier), choose_device(device)
    output = Output(as_json=as_json)
    with closing(open_dataset(data, **selection)) as pictures:
        rows = evenly_spaced_rows(pictures.indices(side), n)
        settings = EvidenceSettings(shown=shown)
        job = data_set_evidence(model, pictures, rows, settings, classifier_id=key, device=chosen)
        found = output.run(job)
        if pictures.labels is not None and found.strata == "verdict":
            output.event(Notice(_other_labels(pictures.class_names, found.class_names), "warning"))
    fields: dict[str, Any] = found.to_dict() | {"split": side}
    if out is not None:
        fields["files"] = _write(out, found, fields)
    output.result(fields, format_text(found))


def _other_labels(names: tuple[str, ...], class_names: tuple[str, ...]) -> str:
    return (
        f"The labels ({', '.join(names[:5])}) are not the classifier's classes ({', '.join(class_names[:5])}), so its "
        "verdicts stand in for them. Name them so with --classes VALUE=NAME,..."
    )


def format_text(found: Evidence) -> str:
    """Return a line for each attribute with its controls, below a summary."""
    from latent_explorer.media.report.evidence import WORDS, summary

    lines = [summary(found)]
    for target, name in enumerate(found.class_names):
        listed = [each for each in found.attributes if each.target == target]
        if not listed:
            continue
        lines += [
            "",
            _LINE.format(f"towards {shortened(name, 22)}", f"partial on the {found.strata}", *_HEADS).rstrip(),
        ]
        for each in listed:
            low, high = each.partial.interval
            partial = f"{_number(each.partial.value)} [{_number(low)}, {_number(high)}]"
            controls = [_number(x) for x in (each.partial.random, each.partial.shuffled, each.partial.given)]
            overall = [_number(x) for x in (each.overall.value, each.overall.random, each.overall.given)]
            ends = f"{each.highest.mean_p():.2f} {each.lowest.mean_p():.2f}"
            opposed = ", the other way round" if each.partial.opposed else ""
            line = _LINE.format("  " + shortened(each.name, 28), partial, *controls, *overall, ends)
            lines.append(f"{line}  {WORDS[each.support]}{opposed}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:+.2f}"


def _write(out: Path, found: Evidence, fields: dict[str, Any]) -> list[Path]:
    from latent_explorer.media.report.evidence_page import write_evidence_page, write_evidence_table

    files = [out / f"evidence.{suffix}" for suffix in ("html", "csv", "json")]
    write_evidence_page(files[0], found)
    write_evidence_table(files[1], found)
    write_json(files[2], fields)
    return files
