# SPDX-License-Identifier: MIT
"""`evaluate`: how far an explainer can be trusted, on pictures that it never saw.

The measures are in explain/report/evaluation.py.
"""

from __future__ import annotations

from dataclasses import fields as fields_of
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latent_explorer.cli.counterfactual_figures import Asked, counterfactual_options, measure
from latent_explorer.cli.options import (
    NUMBER,
    OUTPUT_FILE,
    OUTPUT_FOLDER,
    LocalPath,
    classifier_option,
    data_options,
    device_option,
    split_option,
)
from latent_explorer.cli.output import Output, json_option, write_json
from latent_explorer.common.events import Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from latent_explorer.explain.attfind.sufficiency import Rate
    from latent_explorer.explain.report.controls import Controls
    from latent_explorer.explain.report.evaluation import Evaluation
    from latent_explorer.models.explainer import Explainer


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.option("--images", "data", required=True, type=LocalPath(), metavar="DATA", help="Pictures with labels.csv.")
@data_options(split="--split-column")
@split_option("test")
@click.option("--n", type=click.IntRange(min=2), help="At most this many pictures; all without it.")
@click.option(
    "--kappa", "kappas", multiple=True, type=NUMBER, default=[1.0], show_default=True, help="May be repeated."
)
@click.option(
    "--controls",
    "wants_controls",
    is_flag=True,
    help="Count what random edits of the same size flip; and remove or swap the latent or the class given to the "
    "generator: does the evidence pass through the latent?",
)
@counterfactual_options
@classifier_option
@click.option("--out", type=OUTPUT_FOLDER, metavar="DIR", help="Write report.json and sheets.")
@click.option("--into", type=OUTPUT_FILE, metavar="X2", help="Write the explainer with these figures in it.")
@device_option
@json_option
def evaluate(
    explainer: str,
    data: str,
    side: str,
    n: int | None,
    kappas: tuple[float, ...],
    wants_controls: bool,
    classifier: str | None,
    out: Path | None,
    into: Path | None,
    device: str,
    as_json: bool,
    **others: Any,
) -> None:
    """Measure reconstruction, agreement, drift, and how many verdicts the attributes flip."""
    from latent_explorer.data.dataset import evenly_spaced_rows, open_dataset
    from latent_explorer.explain.report.evaluation import evaluate as job
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer import resolve_classifier
    from latent_explorer.models.explainer_file import read_explainer, write_explainer

    asked = Asked(**{each.name: others.pop(each.name) for each in fields_of(Asked)})
    asked.check()
    model = read_explainer(explainer)
    key = resolve_classifier(model, classifier)
    pictures = open_dataset(data, **others)
    rows = evenly_spaced_rows(pictures.indices(side), n)
    size = model.generator.config.resolution
    output = Output(as_json=as_json)
    names, chosen = [pictures.names[i] for i in rows], choose_device(device)

    def read(part: slice) -> np.ndarray:
        return pictures.read(rows[part], size)

    # First: what they refuse need not wait for the rest.
    controlled = _controls(model, read, names, key, chosen, output) if wants_controls else None
    evaluation = output.run(
        job(model, read, names, classifier_id=key, kappas=kappas, random_edits=wants_controls, device=chosen)
    )
    fields = {"split": side, "model_hash": model.model_hash, **evaluation.to_dict()}
    text = format_text(evaluation, side)
    if controlled is not None:
        fields["controls"] = controlled.to_dict()
        text += "\n" + format_controls(controlled)
    if asked.wants_counterfactuals:
        fields["counterfactuals"], counterfactual_text = measure(
            model, pictures, rows, asked, kappas[0], key=key, device=chosen, output=output
        )
        text += "\n" + counterfactual_text
    if out is not None:
        fields["files"] = _write(evaluation, fields, model.classifiers[key].config.class_names, out)
    if into is not None:
        write_explainer(replace(model, figures=model.figures | {side: evaluation.to_dict()}), into)
    output.result(fields, text)


def _controls(
    model: Explainer, read: Callable[[slice], np.ndarray], names: list[str], key: str, device: Any, output: Output
) -> Controls | None:
    from latent_explorer.explain.report.controls import controls

    if not model.generator.config.num_classes:
        output.event(Notice("The generator receives no class, so of the controls only random edits are tried."))
        return None
    return output.run(controls(model, read, names, classifier_id=key, device=device))


def format_text(evaluation: Evaluation, side: str) -> str:
    """Return the figures as text."""
    from latent_explorer.explain.report.facts import FLIP_CONTROLS

    lpips = "no LPIPS" if evaluation.lpips is None else f"LPIPS {evaluation.lpips:.3f}"
    lines = [
        f"{evaluation.n} pictures ({side})",
        f"reconstruction  {lpips}, L1 {evaluation.l1:.3f}, change of features {evaluation.feature_change:.3f}",
        f"agreement       {evaluation.agreement.argmax:.3f} of verdicts, KL {evaluation.agreement.kl:.3f}",
        f"Frechet         {evaluation.frechet_reconstruction:.2f} reconstructions, "
        f"{evaluation.frechet_mapping:.2f} generated",
    ]
    for rate in evaluation.flips:
        low, high = rate.reached.interval
        classes = ", ".join(f"{name} {part.share:.3f}" for name, part in rate.per_class.items())
        lines.append(
            f"flips top-{rate.k:<2d}    {rate.reached.share:.3f} [{low:.3f}, {high:.3f}] at kappa {rate.kappa:g} "
            f"(of {classes})"
        )
        lines += [f"  control       {_share(found)} by {FLIP_CONTROLS[name]}" for name, found in rate.controls.items()]
    return "\n".join(lines)


def _share(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.share:.3f} [{low:.3f}, {high:.3f}]"


def format_controls(controls: Controls) -> str:
    """The controls for people."""
    from latent_explorer.explain.report.controls import CONTROLS

    lines = ["controls        share of verdicts equal to the photograph's when the picture is drawn from"]
    for key, rate in controls.agreement.items():
        if not rate.n:
            lines.append(f"  unknown               {CONTROLS[key]}: all have one verdict")
            continue
        low, high = rate.interval
        lines.append(f"  {rate.share:.3f} [{low:.3f}, {high:.3f}]  {CONTROLS[key]}")
    lines.append("margin given no class against the photograph's, correlation within each verdict:")
    lines.append(
        "  "
        + ", ".join(
            f"{name} {'unknown' if value is None else format(value, '.2f')}"
            for name, value in controls.margin_correlation.items()
        )
    )
    lines.append(
        "reconstructions: power as a share of the photographs' with and without stored noise; coherence with them"
    )
    lines += [
        f"  {band.low:>3d} to {band.high:d} cycles  {band.with_noise:.2f}  {band.without_noise:.2f}  "
        f"{band.coherence:.2f}"
        for band in controls.bands
    ]
    return "\n".join(lines)


def _write(evaluation: Evaluation, fields: dict[str, Any], class_names: tuple[str, ...], out: Path) -> list[Path]:
    from latent_explorer.media.sheet import Cell, Row, draw_sheet, write_picture

    def verdict(image: np.ndarray, probs: np.ndarray, before: int) -> Cell:
        top = int(probs.argmax())
        return Cell(image, f"{class_names[top]} {probs[top]:.2f}", strong=top != before)

    rows = [
        Row(
            Path(pair.name).stem,
            (
                verdict(pair.real, pair.real_probs, int(pair.real_probs.argmax())),
                verdict(pair.rec, pair.rec_probs, int(pair.real_probs.argmax())),
            ),
        )
        for pair in evaluation.pairs
    ]
    sheet = draw_sheet(rows, ("picture", "reconstruction"), "Reconstructions", "Bold: the verdict changed.")
    files = [out / "report.json", out / "reconstructions.png"]
    write_json(files[0], fields)
    write_picture(files[1], sheet)
    return files
