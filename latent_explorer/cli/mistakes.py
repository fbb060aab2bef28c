# SPDX-License-Identifier: MIT
"""`mistakes`: a labelled folder's confusion matrix, and what turns the photographs of its cells right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import numpy as np

from latent_explorer.cli.options import (
    OUTPUT_FOLDER,
    LocalPath,
    classifier_option,
    data_options,
    device_option,
    split_option,
)
from latent_explorer.cli.output import Output, json_option, write_json
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from latent_explorer.data.dataset import ImageDataset
    from latent_explorer.explain.counterfactuals.mistakes import Confusion


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.argument("data", metavar="DATA", type=LocalPath())
@data_options(split="--split-column")
@split_option("test")
@click.option("--by", metavar="COLUMN", help="Also count by the values of this column of labels.csv.")
@click.option("--cell", metavar="LABEL/VERDICT", help="Explain this cell alone; all mistakes without it.")
@classifier_option
@click.option("--out", type=OUTPUT_FOLDER, metavar="DIR", help="Write mistakes.json and mistakes.csv.")
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
    from latent_explorer.explain.counterfactuals import mistakes as job
    from latent_explorer.models.attributes import newest_set
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer import resolve_classifier
    from latent_explorer.models.explainer_file import read_explainer

    model = read_explainer(explainer)
    key, chosen = resolve_classifier(model, classifier), choose_device(device)
    names = model.classifiers[key].config.class_names
    pictures = open_dataset(data, **selection)
    rows, size = pictures.indices(side), model.generator.config.resolution
    labels = labels_in_order(pictures, names)[rows]
    groups = None if by is None else _column(pictures, by, rows)
    output = Output(as_json=as_json)
    probs = output.run(
        job.verdicts(model.classifiers[key], lambda part: pictures.read(rows[part], size), len(rows), device=chosen)
    )
    verdicts = probs.argmax(axis=1)
    found = job.confusion(labels, verdicts, names, groups)
    explained = []
    listed = newest_set(model.attribute_sets, key)
    leading = {attribute.target for attribute in (() if listed is None else listed.attributes)}
    for label, verdict in found.mistakes() if cell is None else [_cell(cell, names)]:
        if cell is None and label not in leading:
            output.event(Notice(f"No attributes lead to {names[label]}: its mistakes are only counted.", "warning"))
            continue
        inside = rows[(labels == label) & (verdicts == verdict)]
        if not len(inside):
            raise UserError(f"No photograph of {names[label]} is called {names[verdict]}. Choose another cell.")
        photos, files = pictures.read(inside, size), [pictures.names[i] for i in inside]
        explained.append(
            output.run(job.explain_cell(model, photos, files, label, verdict, classifier_id=key, device=chosen))
        )
    fields = found.to_dict() | {"split": side, "explained": [job.cell_fields(each, names) for each in explained]}
    if out is not None:
        fields["files"] = _write(out, fields, pictures, rows, labels, verdicts, probs, names)
    text = "\n".join([format_text(found), *(job.cell_sentence(each, names) for each in explained)])
    output.result(fields, text)


def labels_in_order(pictures: ImageDataset, class_names: Sequence[str]) -> np.ndarray:
    """Return the labels (N,) as indices of the classifier's classes. UserError where the names differ."""
    if pictures.labels is None:
        raise UserError("The pictures have no labels, so nothing can be a mistake. Name a column with --label.")
    missing = [name for name in pictures.class_names if name not in class_names]
    if missing:
        raise UserError(
            f"The classifier has no class {missing[0]!r}: its classes are {', '.join(class_names)}. "
            "Name the labels so with --classes VALUE=NAME,..."
        )
    order = np.array([class_names.index(name) for name in pictures.class_names])
    return np.asarray(order[pictures.labels])


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


def _column(pictures: ImageDataset, name: str, rows: np.ndarray) -> list[str]:
    columns = pictures.columns
    if name not in columns:
        raise UserError(f"There is no column {name!r}. Choose one of: {', '.join(columns)}.")
    return [columns[name][i] for i in rows]


def _write(
    out: Path,
    fields: dict[str, Any],
    pictures: ImageDataset,
    rows: np.ndarray,
    labels: np.ndarray,
    verdicts: np.ndarray,
    probs: np.ndarray,
    names: Sequence[str],
) -> list[Path]:
    from latent_explorer.common.csv_table import write_table

    files = [out / "mistakes.json", out / "mistakes.csv"]
    write_json(files[0], fields)
    header = ["file", "label", "verdict", *(f"p {name}" for name in names)]
    table = [
        [pictures.names[row], names[labels[i]], names[verdicts[i]], *(f"{p:.4f}" for p in probs[i])]
        for i, row in enumerate(rows)
        if labels[i] != verdicts[i]
    ]
    write_table(files[1], header, table)
    return files
