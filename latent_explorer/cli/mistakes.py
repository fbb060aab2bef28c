# SPDX-License-Identifier: MIT
"""`mistakes`: a labelled folder's confusion matrix, and what turns the photographs of its cells right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from latent_explorer import __version__
from latent_explorer.cli.options import (
    OUTPUT_FOLDER,
    LocalPath,
    classifier_option,
    data_options,
    device_option,
    split_option,
)
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice
from latent_explorer.data.labels import column_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from latent_explorer.explain.counterfactuals.confusion import Confusion, JudgedPhotos
    from latent_explorer.explain.counterfactuals.mistakes import CellExplanation
    from latent_explorer.models.explainer import Explainer


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.argument("data", metavar="DATA", type=LocalPath())
@data_options(split="--split-column")
@split_option("test")
@click.option("--by", metavar="COLUMN", help="Also count by the values of this column of labels.csv.")
@click.option("--cell", metavar="LABEL/VERDICT", help="Explain this cell alone; all mistakes without it.")
@classifier_option
@click.option("--out", type=OUTPUT_FOLDER, metavar="DIR", help="Write the figures, a table, sheets and a report.")
@device_option
@json_option
def mistakes(
    explainer: str,
    data: str,
    side: str,
    by: str | None,
    cell: str | None,
    classifier: str | None,
    out: Path | None,
    device: str,
    as_json: bool,
    **selection: Any,
) -> None:
    """Show where the classifier errs on labelled photographs, and which attributes turn its mistakes right.

    Each attribute is tried alone on at most 64 photographs of a cell, pasted into each; the best one beside
    random edits of its size, on photographs that did not choose it.
    """
    from latent_explorer.data.dataset import open_dataset
    from latent_explorer.explain.counterfactuals.confusion import judge
    from latent_explorer.explain.counterfactuals.mistakes_files import Mistakes, write_mistakes
    from latent_explorer.explain.counterfactuals.mistakes_text import cell_sentence, unreadable_text
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer import resolve_classifier
    from latent_explorer.models.explainer_file import read_explainer

    model = read_explainer(explainer)
    key, chosen = resolve_classifier(model, classifier), choose_device(device)
    asked, output = model.classifiers[key], Output(as_json=as_json)
    pictures = open_dataset(data, **selection)
    if by is not None:
        by = column_name(pictures.columns, by)
    wanted = None if cell is None else _cell(cell, asked.config.class_names)
    judged = output.run(judge(asked, pictures, side, model.generator.config.resolution, device=chosen))
    if left_out := unreadable_text(judged):
        output.event(Notice(left_out, "warning"))
    explained = _explain(model, key, chosen, judged, wanted, output)
    found = Mistakes(model.name, asked.config.name, __version__, judged, by, tuple(explained))
    fields = found.to_dict()
    if out is not None:
        fields["files"] = write_mistakes(out, found)
    sentences = (cell_sentence(each, judged.class_names) for each in explained)
    output.result(fields, "\n".join([format_text(judged.confusion(by)), *sentences]))


def _explain(
    model: Explainer, key: str, device: Any, judged: JudgedPhotos, cell: tuple[int, int] | None, output: Output
) -> list[CellExplanation]:
    """Explain one cell, or all mistakes whose label the listed attributes lead to."""
    from latent_explorer.explain.counterfactuals.mistakes import explain_mistakes
    from latent_explorer.models.attributes import newest_set

    names, explained = judged.class_names, []
    listed = newest_set(model.attribute_sets, key)
    leading = {attribute.target for attribute in (() if listed is None else listed.attributes)}
    for label, verdict in judged.confusion().mistakes() if cell is None else [cell]:
        if cell is None and label not in leading:
            output.event(Notice(f"No attributes lead to {names[label]}: its mistakes are only counted.", "warning"))
            continue
        job = explain_mistakes(model, judged, label, verdict, classifier_id=key, device=device)
        explained.append(output.run(job))
    return explained


def format_text(found: Confusion) -> str:
    """Return the matrix as text, with Wilson intervals."""
    low, high = found.accuracy.interval
    lines = [f"{found.accuracy.n} photographs, accuracy {found.accuracy.share:.3f} [{low:.3f}, {high:.3f}]"]
    for group in (None, *found.groups):
        if group is not None:
            lines.append(f"{group}:")
        for label, name in enumerate(found.class_names):
            cells = []
            for verdict, called in enumerate(found.class_names):
                rate = found.rate(label, verdict, group)
                if rate.n:
                    low, high = rate.interval
                    cells.append(f"{called} {rate.count} ({rate.share:.3f} [{low:.3f}, {high:.3f}])")
            lines.append(f"  {name} called {', '.join(cells) if cells else 'nothing: none of them'}")
    return "\n".join(lines)


def _cell(text: str, names: Sequence[str]) -> tuple[int, int]:
    label, slash, verdict = text.partition("/")
    if not slash or label not in names or verdict not in names or label == verdict:
        raise UserError(f"{text!r} is no cell of mistakes. Write LABEL/VERDICT with two of: {', '.join(names)}.")
    return names.index(label), names.index(verdict)
