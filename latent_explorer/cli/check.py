# SPDX-License-Identifier: MIT
"""`check`: a report in plain words on what data is good for. The check is in data/check.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from latent_explorer.cli.options import LocalPath, data_options
from latent_explorer.cli.output import Output, json_option

if TYPE_CHECKING:
    from latent_explorer.data.check import DataReport

_MARKS = {"good": "ok ", "note": "   ", "warning": "!  ", "error": "!! "}


@click.command()
@click.argument("data", type=LocalPath())
@data_options()
@click.option(
    "--resolution",
    default=64,
    show_default=True,
    type=click.IntRange(min=4),
    help="Size of the planned training in pixels (width and height).",
)
@json_option
def check(data: str, resolution: int, as_json: bool, **selection: Any) -> int:
    """Look at every picture of DATA and say what it is good for.

    Ends with 1 when nothing can be trained on it.
    """
    from latent_explorer.data.check import check as job
    from latent_explorer.data.dataset import open_dataset

    output = Output(as_json=as_json)
    pictures = open_dataset(data, **selection)
    try:
        report = output.run(job(pictures, resolution))
    finally:
        pictures.close()
    fields = msgspec.to_builtins(report) | {"can_train": report.can_train}
    output.result(fields, format_text(report))
    return 0 if report.can_train else 1


def format_text(report: DataReport) -> str:
    """Return the findings as text, one a line, the names of files that each is about below it."""
    lines = []
    for finding in report.findings:
        lines.append(f"{_MARKS[finding.severity]}{finding.text}")
        lines += [f"       {name}" for name in finding.names]
    if not report.can_train:
        lines.append("Nothing can be trained on this data yet.")
    return "\n".join(lines)
